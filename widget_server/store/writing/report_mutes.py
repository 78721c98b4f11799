"""Mute a reporter, lift it, and undo either: with the log entry, and the order of the open cases."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.decisions import Decision
from widget_server.model.priority import Reported, priority_of_reported
from widget_server.model.report_mutes import ReportMute
from widget_server.model.rules import FLOOD
from widget_server.store.damaged_rows import json_of
from widget_server.store.mapping import dump
from widget_server.store.schema import IS_OPEN, cases, comments, reports, stories
from widget_server.store.schema_readers import report_mutes
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.decision_rows import reason_key
from widget_server.store.writing.match_cases import open_missing_reported
from widget_server.store.writing.reporters import ReporterRows
from widget_server.store.writing.site_log import append_site_decision

KEPT_MS = 2 * 86_400_000
"""For so long the row of a mute that ended stays: its lifting can be undone, and networks are known as long."""
CHUNK = 500
"""Comments whose cases are read at a time."""


def mute(
    new: ReportMute, reader: str, subjects: Sequence[str], decision: Decision
) -> TransactionFn[bool]:
    """Mute a reader. What they reported on the site loses its weight. Result: False if they are muted already.

    `subjects` are all hashes under which they may be muted.
    """

    async def run(connection: AsyncConnection) -> bool:
        await _lock_stories(connection, _of_reader(new.site, reader))
        muted = select(report_mutes.c.id).where(
            report_mutes.c.subject.in_(subjects),
            or_(report_mutes.c.until.is_(None), report_mutes.c.until > new.at),
        )
        if (await connection.execute(muted.limit(1))).first() is not None:
            return False
        await connection.execute(
            insert(report_mutes).values(
                id=new.id,
                site=new.site,
                subject=new.subject,
                comment=new.comment,
                at=new.at,
                until=new.until,
            )
        )
        await _take_weight(connection, new.site, reader, new.id)
        await append_site_decision(connection, new.site, decision)
        return True

    return run


def lift(found: ReportMute, at: int, decision: Decision) -> TransactionFn[bool]:
    """End a mute. Its reports count again, and open the cases that they did not open. Result: False if it is over."""

    async def run(connection: AsyncConnection) -> bool:
        named = await _reports_of(connection, found.id)
        own = report_mutes.c.id == found.id
        holds = or_(report_mutes.c.until.is_(None), report_mutes.c.until > at)
        ended = await connection.execute(update(report_mutes).where(own, holds).values(until=at))
        if not ended.rowcount:
            return False
        await _give_weight(connection, found.id, named)
        await append_site_decision(connection, found.site, decision)
        return True

    return run


def drop_mute(site: str, mute_id: str, decision: Decision) -> TransactionFn[bool]:
    """Undo a mute, as if it had never been made.

    Result: False if it is not stored any more, or the reader has been muted anew.
    """

    async def run(connection: AsyncConnection) -> bool:
        named = await _reports_of(connection, mute_id)
        own = (report_mutes.c.id == mute_id) & (report_mutes.c.site == site)
        dropped = await connection.execute(delete(report_mutes).where(own, ~_is_muted_anew()))
        if not dropped.rowcount:
            return False
        await _give_weight(connection, mute_id, named)
        await append_site_decision(connection, site, decision)
        return True

    return run


def mute_again(
    found: ReportMute, lifted_at: int, until: int | None, reader: str | None, decision: Decision
) -> TransactionFn[bool]:
    """Undo the lifting that was made at `lifted_at`: the mute ends at `until` again.

    Result: False if the row is gone, this was undone before, or the reader has been muted anew. `reader` is
    None if they have erased the report at which they were muted: then only new reports do not count.
    """

    async def run(connection: AsyncConnection) -> bool:
        if reader is not None:
            await _lock_stories(connection, _of_reader(found.site, reader))
        own = (report_mutes.c.id == found.id) & (report_mutes.c.until == lifted_at)
        changed = await connection.execute(
            update(report_mutes).where(own, ~_is_muted_anew()).values(until=until)
        )
        if not changed.rowcount:
            return False
        if reader is not None:
            await _take_weight(connection, found.site, reader, found.id, until)
        await append_site_decision(connection, found.site, decision)
        return True

    return run


def delete_ended_mutes(now: int) -> TransactionFn[int]:
    """Delete the mutes that ended two days ago. Result: their number."""

    async def run(connection: AsyncConnection) -> int:
        old = delete(report_mutes).where(report_mutes.c.until < now - KEPT_MS)
        return max(0, int((await connection.execute(old)).rowcount))

    return run


def _is_muted_anew() -> ColumnElement[bool]:
    """Return the condition for a mute after which the same reader has been muted again."""
    later = report_mutes.alias("later")
    return exists().where(later.c.subject == report_mutes.c.subject, later.c.at > report_mutes.c.at)


def _of_reader(site: str, reader: str) -> ColumnElement[bool]:
    """Return the condition for a reader's reports on a site."""
    on_site = exists().where(
        comments.c.id == reports.c.comment,
        stories.c.id == comments.c.story,
        stories.c.site == site,
    )
    return (reports.c.reader == reader) & on_site


async def _lock_stories(connection: AsyncConnection, about: ColumnElement[bool]) -> None:
    """Lock the stories of these reports, in the order in which writers lock them."""
    wanted = select(comments.c.story).join(reports, reports.c.comment == comments.c.id).where(about)
    await connection.execute(
        select(stories.c.id)
        .where(stories.c.id.in_(wanted))
        .order_by(stories.c.id)
        .with_for_update(key_share=True)
    )


async def _reports_of(connection: AsyncConnection, mute_id: str) -> list[str]:
    """Lock the stories of the reports that a mute took the weight from, and return their comments."""
    own = reports.c.muted_by == mute_id
    await _lock_stories(connection, own)
    found = await connection.execute(select(reports.c.comment).where(own))
    return sorted(found.scalars())


async def _take_weight(
    connection: AsyncConnection, site: str, reader: str, mute_id: str, until: int | None = None
) -> None:
    """Take the weight from a reader's reports on a site; with `until`, only from those given before it."""
    own = _of_reader(site, reader) & reports.c.muted_by.is_(None)
    if until is not None:
        own &= reports.c.at < until
    found = await connection.execute(select(reports.c.comment).where(own))
    named = sorted(found.scalars())
    await connection.execute(update(reports).where(own).values(muted_by=mute_id))
    await _order_cases(connection, named)


async def _give_weight(connection: AsyncConnection, mute_id: str, named: Sequence[str]) -> None:
    """Let the reports that a mute took the weight from, about these comments, count again."""
    own = reports.c.muted_by == mute_id
    await connection.execute(update(reports).where(own).values(muted_by=None))
    await order_again(connection, named)


async def order_again(connection: AsyncConnection, named: Sequence[str]) -> None:
    """Open the missing cases of these comments, and order the open ones by the reports that count.

    Lock their stories before.
    """
    for start in range(0, len(named), CHUNK):
        await open_missing_reported(connection, named[start : start + CHUNK])
    await _order_cases(connection, named)


async def _order_cases(connection: AsyncConnection, named: Sequence[str]) -> None:
    """Set reasons and priority of the open reported cases about comments by the reports that count.

    A case that no report counts in stays open at the lowest priority: a person still sees what was reported,
    and nothing has to be opened again if the mute is lifted.
    """
    for start in range(0, len(named), CHUNK):
        some = named[start : start + CHUNK]
        waiting: Any = await connection.execute(
            select(cases.c.id, cases.c.comment, cases.c.reasons, cases.c.opened_at).where(
                cases.c.comment.in_(some), cases.c.queue == "reported", IS_OPEN
            )
        )
        opened = {row.comment: row for row in waiting}
        if not opened:
            continue
        reporters = ReporterRows(connection)
        await reporters.load_comments(opened)
        given: Any = await connection.execute(
            select(reports.c.comment, reports.c.category, reports.c.reason, reports.c.at)
            .where(reports.c.comment.in_(sorted(opened)), reports.c.muted_by.is_(None))
            .order_by(reports.c.at)
        )
        reasons = {
            comment: [FLOOD] if FLOOD in json_of(row.reasons) else []
            for comment, row in opened.items()
        }
        for row in given:
            if row.at >= opened[row.comment].opened_at:
                reasons[row.comment].append(reason_key(row.category or row.reason or "other"))
        for comment, row in opened.items():
            keys = list(dict.fromkeys(reasons[comment]))
            known = Reported(keys, *reporters.known(comment))
            await connection.execute(
                update(cases)
                .where(cases.c.id == row.id)
                .values(reasons=dump(keys), priority=priority_of_reported(known))
            )
