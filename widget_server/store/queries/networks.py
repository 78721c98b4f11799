"""Random keys of days, by which networks are known for two days, and the traces of networks."""

import secrets
from collections.abc import Collection

from sqlalchemy import and_, delete, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.raids import QUIET_MS
from widget_server.store.engine import Database, read_transaction
from widget_server.store.schema_raids import raids
from widget_server.store.schema_readers import bans, network_days, network_traces
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.bulk import insert_ignore

DAY_MS = 86_400_000
DAYS_KEPT = 2
"""Days after whose start a key and what is hashed with it are deleted, except a key on which a ban stands."""


class Networks:
    """Reads of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def of_comment(self, connection: AsyncConnection, comment: str) -> tuple[str, int] | None:
        """Return the hash of the network from which a comment came, and its day, if it is still known."""
        row = (
            await connection.execute(
                select(network_traces.c.network, network_traces.c.day).where(
                    network_traces.c.comment == comment, network_traces.c.kind == "comment"
                )
            )
        ).first()
        return None if row is None else (row.network, row.day)

    @read_transaction
    async def keys_of(self, connection: AsyncConnection, days: Collection[int]) -> dict[int, str]:
        """Return the keys of these days (since 1970) that are not deleted."""
        rows = await connection.execute(
            select(network_days.c.day, network_days.c.key).where(network_days.c.day.in_(days))
        )
        return {row.day: row.key for row in rows}


def key_of_day(day: int) -> TransactionFn[str]:
    """Return the random key of a day (days since 1970), made if it is missing."""

    async def run(connection: AsyncConnection) -> str:
        row = {"day": day, "key": secrets.token_hex(32)}
        await connection.execute(insert_ignore(network_days, connection.dialect), row)
        found = await connection.execute(
            select(network_days.c.key).where(network_days.c.day == day)
        )
        key: str = found.scalar_one()
        return key

    return run


def delete_old_networks(now: int) -> TransactionFn[None]:
    """Delete the traces of days that began 48 hours before `now` (milliseconds), and the keys of these days.

    A key on which a ban in effect stands stays until the ban ends. Raids forget their network with the key of
    its day, or as soon as they are over.
    """

    async def run(connection: AsyncConnection) -> None:
        last = now // DAY_MS - DAYS_KEPT
        await connection.execute(delete(network_traces).where(network_traces.c.day <= last))
        stands = exists().where(bans.c.day == network_days.c.day, bans.c.until > now)
        await connection.execute(delete(network_days).where(network_days.c.day <= last, ~stands))
        is_over = or_(
            raids.c.began_at < (last + 1) * DAY_MS,
            and_(raids.c.ended_at.is_(None), raids.c.until <= now),
            # Until then it is compared, so that the same flood begins no new raid.
            raids.c.ended_at <= now - QUIET_MS,
        )
        of_network = (raids.c.kind == "network") & (raids.c.subject != "")
        await connection.execute(update(raids).where(of_network, is_over).values(subject=""))

    return run
