"""Database checks for `doctor`."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import create_async_engine

from widget_server.model.clock import now_ms
from widget_server.store.engine import DatabaseUnavailableError, describe_failure
from widget_server.store.schema import comments, copies, meta, reactions


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
