"""Fingerprints of the secrets that signed a database's tokens, stored in `meta`."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import delete, inspect, select
from sqlalchemy.ext.asyncio import create_async_engine

from widget_server.model.clock import now_ms
from widget_server.store.engine import DatabaseUnavailableError, describe_failure, sqlite_path
from widget_server.store.schema import meta, sites
from widget_server.store.writing.bulk import insert_ignore

_PREFIX = "seal:"


@dataclass(frozen=True, slots=True)
class KeyFingerprints:
    """Recorded fingerprints. `in_use` is True once there is a site, as it may have signed tokens."""

    known: frozenset[str] = frozenset()
    in_use: bool = False

    def has_none_of(self, fingerprints: Collection[str]) -> bool:
        """Return whether fingerprints are recorded and none of the given ones is among them."""
        return self.in_use and bool(self.known) and self.known.isdisjoint(fingerprints)


async def load(url: str) -> KeyFingerprints:
    """Read the recorded fingerprints. A database without tables has none.

    Raises `DatabaseUnavailableError` with a sentence if the database cannot be read.
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


async def record(url: str, fingerprints: Collection[str], *, alone: bool = False) -> None:
    """Add fingerprints to the recorded ones. With `alone`, delete all others.

    Several processes may run this at once. Raises `DatabaseUnavailableError`.
    """
    engine = create_async_engine(url)
    rows = [{"key": f"{_PREFIX}{one}", "value": str(now_ms())} for one in fingerprints]
    try:
        async with engine.begin() as connection:
            if alone:
                await connection.execute(delete(meta).where(meta.c.key.startswith(_PREFIX)))
            await connection.execute(insert_ignore(meta, engine.dialect), rows)
    except Exception as error:
        raise DatabaseUnavailableError(describe_failure(error)) from error
    finally:
        await engine.dispose()
