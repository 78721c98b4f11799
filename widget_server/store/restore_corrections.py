"""Keep corrections withdrawn when an older backup is restored: their words were wrong, and are not public again."""

from sqlalchemy import MetaData, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.clock import now_ms
from widget_server.store.mapping import dump, stored_corrections
from widget_server.store.schema import stories


async def keep_withdrawn(connection: AsyncConnection, staging: MetaData) -> int:
    """Withdraw in the staged stories the corrections that are withdrawn in those in use. Return their number.

    A story is the same if its code is. Its number and time of change move on, as after the withdrawal.
    """
    into = staging.tables[f"restore_{stories.name}"]
    # The key stands so in no text: there its quotes are escaped.
    has_withdrawn = stories.c.corrections.contains('"withdrawn_at":', autoescape=True)
    rows = await connection.execute(
        select(
            stories.c.id,
            stories.c.corrections,
            into.c.id.label("staged_id"),
            into.c.corrections.label("staged"),
            into.c.seq,
            into.c.changed_at,
        )
        .join(into, into.c.code == stories.c.code)
        .where(has_withdrawn & into.c.corrections.is_not(None))
    )
    kept = 0
    for row in rows.all():
        now = stored_corrections({"id": row.id, "corrections": row.corrections})
        times = {one.id: one.withdrawn_at for one in now if one.withdrawn_at is not None}
        staged = stored_corrections({"id": row.staged_id, "corrections": row.staged})
        gone = {one.id for one in staged if one.withdrawn_at is None} & times.keys()
        if not gone:
            continue
        merged = [one.withdrawn(times[one.id]) if one.id in gone else one for one in staged]
        values = {
            "corrections": dump([one.to_json() for one in merged]),
            "seq": row.seq + 1,
            "changed_at": max(row.changed_at, now_ms()),
        }
        await connection.execute(update(into).where(into.c.id == row.staged_id).values(values))
        kept += len(gone)
    return kept
