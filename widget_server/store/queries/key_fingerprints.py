"""By which secrets a database's tokens were signed, as seals: noted beside the epoch."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import delete, inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import create_async_engine

from widget_server.model.clock import now_ms
from widget_server.store.engine import DatabaseUnavailableError, describe_failure, sqlite_path
from widget_server.store.schema import meta, sites

_PREFIX = "seal:"


@dataclass(frozen=True, slots=True)
class KeyFingerprints:
    """What was noted; `in_use` once there is a site, for which tokens may have been signed."""

    known: frozenset[str] = frozenset()
    in_use: bool = False

    def none_known(self, seals: Collection[str]) -> bool:
        """Whether the database knows secrets, and none of these is one of them."""
        return self.in_use and bool(self.known) and self.known.isdisjoint(seals)


async def load(url: str) -> KeyFingerprints:
    """What the database knows: nothing as long as it has no tables.

    Raises `DatabaseUnavailableError` with a sentence when it cannot be read.
    """
    path = sqlite_path(url)
    if path is not None and not path.exists():
        return KeyFingerprints()
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            if not await connection.run_sync(lambda plain: inspect(plain).has_table(sites.name)):
                return KeyFingerprints()
            keys = await connection.execute(
                select(meta.c.key).where(meta.c.key.startswith(_PREFIX))
            )
            known = frozenset(key.removeprefix(_PREFIX) for key in keys.scalars())
            site = await connection.execute(select(sites.c.slug).limit(1))
            return KeyFingerprints(known, site.first() is not None)
    except Exception as error:
        raise DatabaseUnavailableError(describe_failure(error)) from error
    finally:
        await engine.dispose()


async def record(url: str, seals: Collection[str], *, alone: bool = False) -> None:
    """Add these to what the database knows; `alone`: it forgets all others.

    Safe to run by several. Raises `DatabaseUnavailableError`.
    """
    engine = create_async_engine(url)
    dialect = sqlite if engine.dialect.name == "sqlite" else postgresql
    rows = [{"key": f"{_PREFIX}{seal}", "value": str(now_ms())} for seal in seals]
    try:
        async with engine.begin() as connection:
            if alone:
                await connection.execute(delete(meta).where(meta.c.key.startswith(_PREFIX)))
            await connection.execute(dialect.insert(meta).values(rows).on_conflict_do_nothing())
    except Exception as error:
        raise DatabaseUnavailableError(describe_failure(error)) from error
    finally:
        await engine.dispose()
