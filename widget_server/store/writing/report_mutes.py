"""Mute a reporter, lift it, and undo either: with the log entry, and the cases of what they reported."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, delete, exists, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.decisions import Decision
from widget_server.model.report_mutes import ReportMute
from widget_server.store.schema import comments, reports, stories
from widget_server.store.schema_readers import report_mutes
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.reported_cases import order_again, order_cases
from widget_server.store.writing.site_log import append_site_decision

KEPT_MS = 2 * 86_400_000
"""For so long the row of a mute that ended stays: its lifting can be undone, and networks are known as long."""


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
        # After a change of the server's secret the reader has another hash: `_is_muted_anew` compares one.
        earlier = update(report_mutes).where(report_mutes.c.subject.in_(subjects))
        await connection.execute(earlier.values(subject=new.subject))
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
    await order_cases(connection, named)


async def _give_weight(connection: AsyncConnection, mute_id: str, named: Sequence[str]) -> None:
    """Let the reports that a mute took the weight from, about these comments, count again."""
    own = reports.c.muted_by == mute_id
    await connection.execute(update(reports).where(own).values(muted_by=None))
    await order_again(connection, named)
