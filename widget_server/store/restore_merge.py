"""Keep erasures, withdrawals, retired keys and used tokens when an older backup is restored.

The replaced database holds them as ids. `merge` adds them to the backup's rows in the staging tables.
`erase` then erases the named things from the restored rows, by the rules of the first erasure. Both run
in the transaction that replaces the rows.

Of a story's corrections only the withdrawals are merged: those that were made since are lost, as comments are.

Not merged, because nothing in them must survive: `schedule` and `page_facts` are the backup's afterwards, like the
stories and copies that they are about. The server adds repeated work that a backup lacks. `api_answers` are
the backup's too: a request whose effect is lost must be done again when it is sent again. So are `rules`,
`rule_hits`, `learners`, `words`, `learned`, `appeals`, `hints` and `hint_counts`, `reported_texts`, `text_marks` of the last minutes and `asked_drafts` of the last hour, like the site's settings and the comments that they are about; the erasures below
let the learned filter forget too. `raids` and `flood_levels` are the backup's: a flood that goes on is found again. And so are
`looked_at`, `watch_lists`, `second_looks` and `handed_cases`: they name comments, stories and cases of the backup, and hold no word of a
reader. So are
`story_texts`, like the stories that they belong to, and `hidden_comments`, `copy_approvals` and `local_waits`, like
the copies and comments that they name. So are `changed_copies`: after a restore, every process tells all open sockets again.
"""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    MetaData,
    Table,
    and_,
    delete,
    exists,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.records import CommentState
from widget_server.store.restore_bans import drop_replaced_bans
from widget_server.store.restore_corrections import keep_withdrawn
from widget_server.store.restore_people import keep_people
from widget_server.store.schema import (
    comments,
    erasures,
    identities,
    kept_texts,
    reactions,
    reports,
    republisher_tokens,
    revoked,
    shut_out,
    sites,
    tokens,
)
from widget_server.store.schema_hints import hints
from widget_server.store.schema_raids import used_proofs
from widget_server.store.schema_readers import bans, network_days, network_traces, report_mutes
from widget_server.store.writing.actions import Action, Erase, Forget
from widget_server.store.writing.apply import ActionApplier
from widget_server.store.writing.unit_of_work import UnitOfWork

WITHDRAWALS = {
    revoked: "withdrawn tokens",
    identities: "used identity tokens",
    shut_out: "origins shut out",
    erasures: "",
    kept_texts: "",
    bans: "bans",
    report_mutes: "muted reporters",
    network_days: "",
    network_traces: "",
    used_proofs: "",
}
"""Tables whose rows a restore never loses, and their names in the command's output.

Erasures and kept texts have no name: the output counts what was erased or removed because of them. Keys and hashes of
networks have none: they end in two days, and bans stand on them. Proofs of work have none either: they are valid for minutes.
"""

IS_TOMBSTONE = kept_texts.c.why.in_(("removed", "held"))
"""Kept texts of comments that are tombstones and can be restored."""

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
    await _drop_replaced_kept_texts(connection, staging)
    await drop_replaced_bans(connection, staging)
    await _add_later_erasures(connection, staging)
    kept["tokens made since"] = await _add_missing_tokens(connection, staging)
    await _keep_republishers(connection, staging)
    for table, name in WITHDRAWALS.items():
        only = [IS_TOMBSTONE] if table is kept_texts else []
        number = await _add_missing(connection, table, staging_table(staging, table), *only)
        if name:
            kept[name] = number
    kept["withdrawn corrections"] = await keep_withdrawn(connection, staging)
    kept["people as they are now"] = await keep_people(connection, staging)
    return {name: number for name, number in kept.items() if number}


async def erase(connection: AsyncConnection) -> MergedCounts:
    """Erase everything that `erasures` names from the restored rows, which are in use now."""
    named = (erasures.c.kind == "comment") & (erasures.c.subject == comments.c.id)
    is_kept = exists().where(kept_texts.c.comment == comments.c.id)
    removed = await connection.execute(
        select(comments.c.story, comments.c.id, erasures.c.at)
        .join(erasures, named)
        .where((comments.c.state != CommentState.REMOVED.value) | is_kept)
    )
    actions: list[Action] = [Erase(row.story, row.id, row.at) for row in removed]
    await _apply(connection, actions)
    hidden: list[Action] = [
        Erase(row.story, row.id, row.until, keep=True)
        for row in await connection.execute(
            select(comments.c.story, comments.c.id, kept_texts.c.until)
            .join(kept_texts, kept_texts.c.comment == comments.c.id)
            .where(IS_TOMBSTONE & (comments.c.state != CommentState.REMOVED.value))
        )
    ]
    await _apply(connection, hidden)
    has_items = or_(
        *(
            exists().where((table.c.reader == erasures.c.subject) & (at <= erasures.c.at))
            for table, at in (
                (comments, comments.c.created_at),
                (reactions, reactions.c.at),
                (reports, reports.c.at),
                (hints, hints.c.at),
            )
        )
    )
    readers = await connection.execute(
        select(erasures.c.subject, erasures.c.at).where((erasures.c.kind == "reader") & has_items)
    )
    forgets: list[Action] = [Forget(row.subject, row.at, until=row.at) for row in readers]
    await _apply(connection, forgets)
    kept = {
        "comments that were erased": len(actions),
        "comments that were removed": len(hidden),
        "readers who were erased": len(forgets),
    }
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


async def _add_missing_tokens(connection: AsyncConnection, staging: MetaData) -> int:
    """Keep the record of tokens that were minted since: they are valid and can be revoked by its list.

    Return their number, without tokens of sites that the restored database does not have.
    """
    into, of_sites = staging_table(staging, tokens), staging_table(staging, sites)
    has_site = exists().where(of_sites.c.slug == tokens.c.site)
    return await _add_missing(connection, tokens, into, has_site)


async def _keep_republishers(connection: AsyncConnection, staging: MetaData) -> None:
    """Keep what holds now of republishers' own tokens: a name that was taken back stays hidden."""
    table = republisher_tokens
    into, of_sites = staging_table(staging, table), staging_table(staging, sites)
    used = exists().where((table.c.site == into.c.site) & (table.c.jti == into.c.jti))
    await connection.execute(delete(into).where(used))
    has_site = exists().where(of_sites.c.slug == table.c.site)
    await _add_missing(connection, table, into, has_site)


async def _record_removed(connection: AsyncConnection, staging: MetaData) -> None:
    """Record the tombstones in use as erasures, so that later restores find them too."""
    into = staging_table(staging, erasures)
    recorded = exists().where((into.c.kind == "comment") & (into.c.subject == comments.c.id))
    restorable = exists().where((kept_texts.c.comment == comments.c.id) & IS_TOMBSTONE)
    rows = select(literal("comment"), comments.c.id, comments.c.created_at).where(
        (comments.c.state == CommentState.REMOVED.value) & ~recorded & ~restorable
    )
    await connection.execute(insert(into).from_select(["kind", "subject", "at"], rows))


async def _drop_replaced_kept_texts(connection: AsyncConnection, staging: MetaData) -> None:
    """Let the kept texts of removed comments in use replace those of the backup."""
    into = staging_table(staging, kept_texts)
    await connection.execute(
        delete(into).where(into.c.comment.in_(select(kept_texts.c.comment).where(IS_TOMBSTONE)))
    )


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


async def _add_missing(
    connection: AsyncConnection, table: Table, into: Table, *conditions: ColumnElement[bool]
) -> int:
    """Add the rows that meet the conditions and whose keys are not in `into`. Return their number."""
    keys = [column.name for column in table.primary_key.columns]
    present = exists().where(and_(*(into.c[name] == table.c[name] for name in keys)))
    rows = select(table).where(~present, *conditions)
    names = [column.name for column in table.columns]
    inserted: Any = await connection.execute(insert(into).from_select(names, rows))
    return max(0, int(inserted.rowcount))
