"""Database checks for `doctor`."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import create_async_engine

from widget_server.model.clock import now_ms
from widget_server.store.engine import DatabaseUnavailableError, describe_failure
from widget_server.store.schema import comments, copies, meta, reactions, sites
from widget_server.store.schema_people import accounts, passkeys


async def seconds_behind(url: str) -> float:
    """Return by how many seconds this machine's clock is behind the newest row (negative: ahead).

    Raises `DatabaseUnavailableError`, also if the database has lost its epoch.
    """
    engine = create_async_engine(url, hide_parameters=True)
    try:
        async with engine.connect() as connection:
            epoch = await connection.execute(select(meta.c.value).where(meta.c.key == "epoch"))
            epoch.scalar_one()
            latest = 0
            for column in (comments.c.created_at, reactions.c.at, copies.c.last_seen):
                found = await connection.execute(select(func.max(column)))
                latest = max(latest, found.scalar_one() or 0)
    except Exception as error:
        raise DatabaseUnavailableError(describe_failure(error)) from error
    finally:
        await engine.dispose()
    return (latest - now_ms()) / 1000


@dataclass(frozen=True, slots=True)
class PeopleCount:
    """Numbers of accounts that own the server and are not disabled, of passkeys, and of sites."""

    owners: int
    passkeys: int
    sites: int


async def count_people(url: str) -> PeopleCount:
    """Return who can sign in. Raises `DatabaseUnavailableError`."""
    owns = accounts.c.server_owner & accounts.c.disabled_at.is_(None)
    engine = create_async_engine(url, hide_parameters=True)
    try:
        async with engine.connect() as connection:
            numbers = [
                (await connection.execute(query)).scalar_one()
                for query in (
                    select(func.count()).select_from(accounts).where(owns),
                    select(func.count()).select_from(passkeys),
                    select(func.count()).select_from(sites),
                )
            ]
    except Exception as error:
        raise DatabaseUnavailableError(describe_failure(error)) from error
    finally:
        await engine.dispose()
    return PeopleCount(*numbers)
