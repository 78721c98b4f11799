"""Looks a server's parts over and says in a sentence what is wrong with each."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from redis.asyncio import Redis
from redis.exceptions import RedisError

from widget_server import custody
from widget_server.config import Config, SettingsError
from widget_server.edge.assets import STATIC
from widget_server.live import embedded
from widget_server.store import migrate
from widget_server.store.engine import DatabaseUnusableError, sqlite_path


@dataclass(frozen=True, slots=True)
class Finding:
    """One part, whether it is well, and a sentence about it."""

    part: str
    well: bool
    sentence: str


async def examine(config: Config) -> list[Finding]:
    """Look at every part; nothing is changed."""
    checks: list[tuple[str, Callable[[Config], Awaitable[str]]]] = [
        ("secrets", _secrets),
        ("database", _database),
        ("bus", _bus),
        ("address", _address),
        ("embed", _embed),
    ]
    findings = []
    for part, check in checks:
        try:
            findings.append(Finding(part, True, await check(config)))
        except (SettingsError, DatabaseUnusableError, _Wrong) as problem:
            findings.append(Finding(part, False, str(problem)))
    return findings


class _Wrong(Exception):
    """What is wrong, in a sentence."""


async def _secrets(config: Config) -> str:
    with suppress(DatabaseUnusableError):  # which the next line is about
        await custody.check(config)
    if not config.has_secrets:
        return "None yet: the first start makes one in the data folder."
    number = len(config.secrets())
    return f"{number} in use; the newest signs." if number > 1 else "One in use."


async def _database(config: Config) -> str:
    path = sqlite_path(config.database)
    migrate.refuse_vanished(config.database)
    if path is not None and not path.exists():
        return f"None yet: the first start makes {path}."
    revision = await migrate.revision(config.database)
    if revision is None or migrate.is_older(revision):
        raise _Wrong(f"It is at revision {revision or 'none'}. Run `widget-server migrate`.")
    if path is not None:
        fault = await migrate.damage(config.database)
        if fault is not None:
            raise _Wrong(f"The database file is damaged ({fault}). Restore it from a backup.")
    kind = "SQLite" if path is not None else "PostgreSQL"
    return f"{kind}, revision {revision}."


async def _bus(config: Config) -> str:
    if config.embeds_valkey:
        running = await asyncio.to_thread(embedded.ready, config.data_dir)
        state = "running" if running else "not running, as no server is"
        return f"Embedded Valkey, {state}."
    client = Redis.from_url(config.redis_url, socket_timeout=2, socket_connect_timeout=2)
    try:
        await client.ping()
    except (RedisError, OSError, TimeoutError) as error:
        raise _Wrong(f"REDIS_URL does not answer ({type(error).__name__}).") from None
    finally:
        await client.aclose()
    return "REDIS_URL answers."


async def _address(config: Config) -> str:
    if not config.public_url:
        return f"{config.url} (set PUBLIC_URL to where readers reach this server)."
    if config.public_url.startswith("http://") and "localhost" not in config.public_url:
        raise _Wrong("PUBLIC_URL is not https: pages that are will not load the embed.")
    return f"{config.public_url}."


async def _embed(_config: Config) -> str:
    file = STATIC / "embed.js"
    if not file.is_file():
        raise _Wrong("The built embed is missing from the package. Install it again.")
    return f"{file.stat().st_size:,} bytes."
