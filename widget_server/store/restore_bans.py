"""Keep bans and muted reporters as they are when an older backup is restored.

What the replaced database knows of them wins: also that one is over and its row deleted. Of reports that both
have, its word about whether they count wins too; else a reader who was muted since would have weight again, and
one whose reports count again none.
"""

from collections.abc import Sequence

from sqlalchemy import MetaData, and_, delete, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.store.schema import decisions, reports, site_decisions
from widget_server.store.schema_readers import bans, report_mutes

LOGGED = (
    (bans, bans.c.decision, decisions.c.id),
    (report_mutes, report_mutes.c.id, site_decisions.c.id),
)
"""Each table, its key, and the column of the log whose entry has that key."""


async def drop_replaced_bans(connection: AsyncConnection, staging: MetaData) -> None:
    """Drop the backup's bans and mutes of which the database in use knows the reader or network, or that they are over."""
    for table, key, entry in LOGGED:
        into = staging.tables[f"restore_{table.name}"]
        own = into.c[key.name]
        is_over = exists().where(entry == own) & ~exists().where(key == own)
        is_replaced = into.c.subject.in_(select(table.c.subject))
        # With another hash, if the server's secret has changed since the backup.
        is_known = own.in_(select(key))
        await connection.execute(delete(into).where(or_(is_replaced, is_known, is_over)))


async def keep_weights(connection: AsyncConnection, staging: MetaData) -> Sequence[str]:
    """Let the backup's reports count as they do in the database in use.

    Return the comments with reports that change by that, for `writing.reported_cases.order_again`.
    """
    into = staging.tables[f"restore_{reports.name}"]
    is_same = and_(reports.c.comment == into.c.comment, reports.c.reader == into.c.reader)
    differs = exists().where(is_same, reports.c.muted_by.is_distinct_from(into.c.muted_by))
    found = await connection.execute(select(into.c.comment).where(differs).distinct())
    named = sorted(found.scalars())
    if named:
        now = select(reports.c.muted_by).where(is_same).scalar_subquery()
        await connection.execute(update(into).where(differs).values(muted_by=now))
    return named
