"""Keep erasures, withdrawals, retired keys and used tokens when an older backup is restored.

The replaced database holds them as ids. `merge` adds them to the backup's rows in the staging tables.
`erase` then erases the named things from the restored rows, by the rules of the first erasure. Both run
in the transaction that replaces the rows.
"""

from typing import Any

from sqlalchemy import MetaData, Table, and_, exists, insert, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.records import CommentState
from widget_server.store.restore_people import keep_people
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
"""Tables whose rows a restore never loses, and their names in the command's output.

Erasures have no name: the output counts what was erased because of them.
"""

CHUNK = 200
"""Actions applied at a time."""

MergedCounts = dict[str, int]
"""Number of kept rows by their name in the command's output, without the names that have none."""


def staging_table(staging: MetaData, table: Table) -> Table:
    """Return the staging table that holds the backup's rows of `table`."""
    return staging.tables[f"restore_{table.name}"]


async def merge(connection: AsyncConnection, staging: MetaData) -> MergedCounts:
    """Add the erasures and withdrawals of the tables in use to the staging tables.

    The caller must hold locks that prevent other writes.
    """
    kept: MergedCounts = {}
    kept["sites with newer keys"] = await _raise_generations(connection, staging)
    kept["sites made since, without their stories"] = await _add_missing_sites(connection, staging)
    await _record_removed(connection, staging)
    await _add_later_erasures(connection, staging)
    for table, name in WITHDRAWALS.items():
        number = await _add_missing(connection, table, staging_table(staging, table))
        if name:
            kept[name] = number
    kept["people as they are now"] = await keep_people(connection, staging)
    return {name: number for name, number in kept.items() if number}


async def erase(connection: AsyncConnection) -> MergedCounts:
    """Erase everything that `erasures` names from the restored rows, which are in use now."""
    named = (erasures.c.kind == "comment") & (erasures.c.subject == comments.c.id)
    removed = await connection.execute(
        select(comments.c.story, comments.c.id, erasures.c.at)
        .join(erasures, named)
        .where(comments.c.state != CommentState.REMOVED.value)
    )
    actions: list[Action] = [Moderate(row.story, row.id, "remove", row.at) for row in removed]
    await _apply(connection, actions)
    has_items = or_(
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
        select(erasures.c.subject, erasures.c.at).where((erasures.c.kind == "reader") & has_items)
    )
    forgets: list[Action] = [Forget(row.subject, row.at, until=row.at) for row in readers]
    await _apply(connection, forgets)
    kept = {"comments that were erased": len(actions), "readers who were erased": len(forgets)}
    return {name: number for name, number in kept.items() if number}


async def _apply(connection: AsyncConnection, actions: list[Action]) -> None:
    for start in range(0, len(actions), CHUNK):
        some = actions[start : start + CHUNK]
        rows = UnitOfWork(connection)
        await rows.load(some)
        applier = ActionApplier(rows)
        for action in some:
            applier.apply(action)
        await rows.flush()


async def _raise_generations(connection: AsyncConnection, staging: MetaData) -> int:
    """Keep retired keys retired, and keys added since the backup in use. Return the number of sites."""
    into = staging_table(staging, sites)
    current = {row.slug: row for row in await connection.execute(select(sites))}
    raised = 0
    for row in (await connection.execute(select(into))).all():
        newer = current.get(row.slug)
        if newer is None or (newer.generation <= row.generation and newer.oldest <= row.oldest):
            continue
        keys = {
            "generation": max(newer.generation, row.generation),
            "oldest": max(newer.oldest, row.oldest),
        }
        await connection.execute(update(into).where(into.c.slug == row.slug).values(keys))
        raised += 1
    return raised


async def _add_missing_sites(connection: AsyncConnection, staging: MetaData) -> int:
    """Keep sites that are not in the backup and have newer keys or withdrawals. Return their number.

    Without this, creating such a site again would make its first key valid again.
    """
    into = staging_table(staging, sites)
    withdrawn = [
        exists().where(table.c.site == sites.c.slug) for table in WITHDRAWALS if "site" in table.c
    ]
    missing = ~exists().where(into.c.slug == sites.c.slug)
    rows = await connection.execute(
        select(sites).where(missing & or_(sites.c.generation > 1, *withdrawn))
    )
    found = [dict(row._mapping) for row in rows]
    if found:
        await connection.execute(insert(into), found)
    return len(found)


async def _record_removed(connection: AsyncConnection, staging: MetaData) -> None:
    """Record the tombstones in use as erasures, so that later restores find them too."""
    into = staging_table(staging, erasures)
    recorded = exists().where((into.c.kind == "comment") & (into.c.subject == comments.c.id))
    rows = select(literal("comment"), comments.c.id, comments.c.created_at).where(
        (comments.c.state == CommentState.REMOVED.value) & ~recorded
    )
    await connection.execute(insert(into).from_select(["kind", "subject", "at"], rows))


async def _add_later_erasures(connection: AsyncConnection, staging: MetaData) -> None:
    """If a reader was erased again since the backup, keep the later time."""
    into = staging_table(staging, erasures)
    same = (into.c.kind == erasures.c.kind) & (into.c.subject == erasures.c.subject)
    later = await connection.execute(
        select(erasures).join(into, same).where(erasures.c.at > into.c.at)
    )
    for row in later.all():
        own = (into.c.kind == row.kind) & (into.c.subject == row.subject)
        await connection.execute(update(into).where(own).values(at=row.at))


async def _add_missing(connection: AsyncConnection, table: Table, into: Table) -> int:
    """Add the rows whose keys are not in `into` yet. Return their number."""
    keys = [column.name for column in table.primary_key.columns]
    present = exists().where(and_(*(into.c[name] == table.c[name] for name in keys)))
    rows = select(table).where(~present)
    names = [column.name for column in table.columns]
    inserted: Any = await connection.execute(insert(into).from_select(names, rows))
    return max(0, int(inserted.rowcount))
