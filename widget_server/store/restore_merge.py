"""What stays so when a backup is restored: erased, withdrawn, retired and used up since it was made.

The database that is replaced knows it, by ids alone. Its knowledge is added to the backup's rows
while they lie beside the tables in use, and what is erased is erased from them by the rules that
erased it the first time, all in the transaction that exchanges them.
"""

from typing import Any

from sqlalchemy import MetaData, Table, and_, exists, insert, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.records import CommentState
from widget_server.store.schema import (
    comments,
    erasures,
    identities,
    reactions,
    reports,
    revoked,
    shut_out,
    sites,
)
from widget_server.store.writing.actions import Action, Forget, Moderate
from widget_server.store.writing.apply import ActionApplier
from widget_server.store.writing.unit_of_work import UnitOfWork

WITHDRAWALS = {
    revoked: "withdrawn tokens",
    identities: "used identity tokens",
    shut_out: "origins shut out",
    erasures: "",
}
"""Tables whose rows are never lost by a restore, and how the command calls them (empty: it says
what they led to instead). A further one is one line here."""

CHUNK = 200

MergedCounts = dict[str, int]
"""How many of each kind were taken over, by what the command calls them; kinds without one left out."""


def staging_table(beside: MetaData, table: Table) -> Table:
    """The table that holds the backup's rows of this one."""
    return beside.tables[f"restore_{table.name}"]


async def merge(connection: AsyncConnection, beside: MetaData) -> MergedCounts:
    """Add to the backup's rows what the tables in use know. No one else may write meanwhile."""
    kept: MergedCounts = {}
    kept["sites with newer keys"] = await _raise_generations(connection, beside)
    kept["sites made since, without their stories"] = await _add_missing_sites(connection, beside)
    await _record_removed(connection, beside)
    await _add_later_erasures(connection, beside)
    for table, called in WITHDRAWALS.items():
        number = await _add_missing(connection, table, staging_table(beside, table))
        if called:
            kept[called] = number
    return {called: number for called, number in kept.items() if number}


async def erase(connection: AsyncConnection) -> MergedCounts:
    """Erase from the restored rows, now in use, all that `erasures` names."""
    named = (erasures.c.kind == "comment") & (erasures.c.subject == comments.c.id)
    removed = await connection.execute(
        select(comments.c.story, comments.c.id, erasures.c.at)
        .join(erasures, named)
        .where(comments.c.state != CommentState.REMOVED.value)
    )
    actions: list[Action] = [Moderate(row.story, row.id, "remove", row.at) for row in removed]
    await _apply(connection, actions)
    left = or_(
        *(
            exists().where((table.c.reader == erasures.c.subject) & (at <= erasures.c.at))
            for table, at in (
                (comments, comments.c.created_at),
                (reactions, reactions.c.at),
                (reports, reports.c.at),
            )
        )
    )
    readers = await connection.execute(
        select(erasures.c.subject, erasures.c.at).where((erasures.c.kind == "reader") & left)
    )
    forgets: list[Action] = [Forget(row.subject, row.at, until=row.at) for row in readers]
    await _apply(connection, forgets)
    kept = {"comments that were erased": len(actions), "readers who were forgotten": len(forgets)}
    return {called: number for called, number in kept.items() if number}


async def _apply(connection: AsyncConnection, actions: list[Action]) -> None:
    for start in range(0, len(actions), CHUNK):
        some = actions[start : start + CHUNK]
        rows = UnitOfWork(connection)
        await rows.load(some)
        ledger = ActionApplier(rows)
        for action in some:
            ledger.apply(action)
        await rows.flush()


async def _raise_generations(connection: AsyncConnection, beside: MetaData) -> int:
    """A key that was retired stays so, and one that was added goes on to sign."""
    into = staging_table(beside, sites)
    now = {row.slug: row for row in await connection.execute(select(sites))}
    raised = 0
    for row in (await connection.execute(select(into))).all():
        known = now.get(row.slug)
        if known is None or (known.generation <= row.generation and known.oldest <= row.oldest):
            continue
        keys = {
            "generation": max(known.generation, row.generation),
            "oldest": max(known.oldest, row.oldest),
        }
        await connection.execute(update(into).where(into.c.slug == row.slug).values(keys))
        raised += 1
    return raised


async def _add_missing_sites(connection: AsyncConnection, beside: MetaData) -> int:
    """A site of which something was withdrawn stays: made again, it would have its first key again."""
    into = staging_table(beside, sites)
    withdrawn = [
        exists().where(table.c.site == sites.c.slug) for table in WITHDRAWALS if "site" in table.c
    ]
    gone = ~exists().where(into.c.slug == sites.c.slug)
    rows = await connection.execute(
        select(sites).where(gone & or_(sites.c.generation > 1, *withdrawn))
    )
    found = [dict(row._mapping) for row in rows]
    if found:
        await connection.execute(insert(into), found)
    return len(found)


async def _record_removed(connection: AsyncConnection, beside: MetaData) -> None:
    """The tombstones in use name what was deleted or removed, also for a restore after this one."""
    into = staging_table(beside, erasures)
    known = exists().where((into.c.kind == "comment") & (into.c.subject == comments.c.id))
    rows = select(literal("comment"), comments.c.id, comments.c.created_at).where(
        (comments.c.state == CommentState.REMOVED.value) & ~known
    )
    await connection.execute(insert(into).from_select(["kind", "subject", "at"], rows))


async def _add_later_erasures(connection: AsyncConnection, beside: MetaData) -> None:
    """Anyone who was forgotten twice stays forgotten up to the second time."""
    into = staging_table(beside, erasures)
    same = (into.c.kind == erasures.c.kind) & (into.c.subject == erasures.c.subject)
    later = await connection.execute(
        select(erasures).join(into, same).where(erasures.c.at > into.c.at)
    )
    for row in later.all():
        own = (into.c.kind == row.kind) & (into.c.subject == row.subject)
        await connection.execute(update(into).where(own).values(at=row.at))


async def _add_missing(connection: AsyncConnection, table: Table, into: Table) -> int:
    """Add the rows of a table whose keys are not there yet; answers how many."""
    keys = [column.name for column in table.primary_key.columns]
    there = exists().where(and_(*(into.c[name] == table.c[name] for name in keys)))
    rows = select(table).where(~there)
    names = [column.name for column in table.columns]
    done: Any = await connection.execute(insert(into).from_select(names, rows))
    return max(0, int(done.rowcount))
