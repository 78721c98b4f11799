"""Temporary database on a given PostgreSQL."""

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import asyncpg


@contextmanager
def fresh_database(url: str) -> Iterator[str]:
    """Create an empty database on the server of `url`, yield its URL, and drop it.

    `url` is `postgresql://…`; its user must be allowed to create databases.
    """
    plain = "postgresql://" + url.partition("://")[2]
    name = f"widget_bench_{uuid.uuid4().hex[:12]}"
    asyncio.run(_execute(plain, f"CREATE DATABASE {name}"))
    try:
        parts = urlsplit(plain)
        yield f"postgresql+asyncpg://{parts.netloc}/{name}" + (
            f"?{parts.query}" if parts.query else ""
        )
    finally:
        asyncio.run(_execute(plain, f"DROP DATABASE {name} WITH (FORCE)"))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
