"""What is known about the readers who report: for the priority of a case, read with the batch of actions."""

import secrets
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.records import CommentState
from widget_server.model.report_mutes import ReportMute
from widget_server.store.queries.report_mutes import to_mute
from widget_server.store.schema import IS_OPEN, cases, comments, reports
from widget_server.store.schema_readers import network_traces, report_mutes
from widget_server.store.writing.actions import Report

ASKED = 20
"""Reporters of a comment whose earlier reports count; of later ones only the number does."""

_DAY_MS = 86_400_000
ERASED = "erased"
"""Kind of a row of `network_traces`: a report that counted no more was erased. It names no reader and no network."""
KEPT = 200
"""Newest reports of each reporter whose outcome counts. A reader may have sent any number of them."""


class ReporterRows:
    """Reporters of the comments that a batch of actions reports, and what became of their earlier reports."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._readers: dict[str, set[str]] = {}
        self._numbers: dict[str, int] = {}
        self._records: dict[str, dict[str, bool]] = {}
        """By reader: the comments that they reported, and whether these were removed."""
        self._mutes: dict[str, list[ReportMute]] = {}
        """Mutes by the hash of their reader."""
        self._lost: dict[str, list[int]] = {}
        """By comment: the days of reports that counted when they came, and whose readers were muted since."""

    async def load(self, actions: Sequence[Report]) -> None:
        """Read what the reports of a batch need: a few small statements, none without a report."""
        named = {action.comment for action in actions}
        if not named:
            return
        await self.load_comments(named, {action.reader for action in actions})
        subjects = {subject for action in actions for subject in action.muted_as}
        if subjects:
            own = select(report_mutes).where(report_mutes.c.subject.in_(subjects))
            for row in await self._connection.execute(own):
                self._mutes.setdefault(row.subject, []).append(to_mute(row))
        hiding = {action.comment for action in actions if action.trace is not None}
        if hiding:
            run = self._connection.execute
            for comment, day in await run(_lost().where(reports.c.comment.in_(hiding))):
                self._lost.setdefault(comment, []).append(day)
            of_comment = network_traces.c.comment.in_(hiding) & (network_traces.c.kind == ERASED)
            erased = select(network_traces.c.comment, network_traces.c.day).where(of_comment)
            for comment, day in await run(erased):
                self._lost.setdefault(comment, []).append(day)

    async def load_comments(
        self, about: Collection[str], readers: Collection[str] = frozenset()
    ) -> None:
        """Read the reporters of comments that count, and what became of their earlier reports.

        Also of the earlier reports of `readers`, who report now.
        """
        named = sorted(about)
        run = self._connection.execute
        own = reports.c.comment.in_(named) & reports.c.muted_by.is_(None)
        numbers = select(reports.c.comment, func.count()).where(own)
        for comment, number in await run(numbers.group_by(reports.c.comment)):
            self._numbers[comment] = int(number)
        first = select(reports.c.comment, reports.c.reader).where(own).order_by(reports.c.at)
        for comment, reader in await run(first.limit(ASKED * len(named))):
            self._readers.setdefault(comment, set()).add(reader)
        for comment in named:
            self._readers.setdefault(comment, set())
        asked = {reader for found in self._readers.values() for reader in found} | set(readers)
        still_open = select(cases.c.comment).where(
            cases.c.comment == comments.c.id, cases.c.queue == "reported", IS_OPEN
        )
        removed = comments.c.state == CommentState.REMOVED.value
        kept = and_(comments.c.state == CommentState.PUBLISHED.value, ~still_open.exists())
        newest_first = (reports.c.at.desc(), reports.c.comment)
        place = func.row_number().over(partition_by=reports.c.reader, order_by=newest_first)
        numbered = select(reports.c.reader, reports.c.comment, place.label("place"))
        counting = numbered.where(reports.c.reader.in_(asked), reports.c.muted_by.is_(None))
        earlier = counting.subquery()
        found = await run(
            select(earlier.c.reader, comments.c.id, comments.c.state)
            .join(comments, comments.c.id == earlier.c.comment)
            .where(earlier.c.place <= KEPT, or_(removed, kept))
        )
        for reader, comment, state in found:
            about = self._records.setdefault(reader, {})
            about[comment] = state == CommentState.REMOVED.value

    def add(self, comment: str, reader: str) -> None:
        """Count a new report."""
        self._readers.setdefault(comment, set()).add(reader)
        self._numbers[comment] = self._numbers.get(comment, 0) + 1

    def mute_of(self, action: Report) -> str | None:
        """Return the id of the mute because of which the report counts for nothing, or None."""
        found = [one for subject in action.muted_as for one in self._mutes.get(subject, ())]
        return next((one.id for one in found if one.holds(action.at)), None)

    def lost_on(self, comment: str, day: int) -> int:
        """Return how many reports of a day (since 1970) have lost their weight after they came."""
        return self._lost.get(comment, []).count(day)

    def known(self, comment: str) -> tuple[int, int, int]:
        """Return the number of a comment's reporters, and how many of their other reports were right and wrong."""
        about: dict[str, bool] = {}
        for reader in self._readers.get(comment, ()):
            about |= self._records.get(reader, {})
        about.pop(comment, None)
        right = sum(about.values())
        return self._numbers.get(comment, 0), right, len(about) - right


async def keep_lost(connection: AsyncConnection, erased: ColumnElement[bool]) -> None:
    """Keep for two days that reports count no more which are about to be erased, by this condition.

    Of a comment and a day there is one row for each, and no word about who gave it. Without it, the network of a
    muted reader would be one that hides the comment again.
    """
    is_traced = exists().where(
        network_traces.c.comment == reports.c.comment,
        network_traces.c.kind == "report",
        network_traces.c.day == reports.c.at // _DAY_MS,
    )
    rows = [
        {"comment": comment, "kind": ERASED, "network": secrets.token_hex(8), "day": day}
        for comment, day in await connection.execute(_lost().where(erased, is_traced))
    ]
    if rows:
        await connection.execute(insert(network_traces), rows)


def _lost() -> Select[Any]:
    """Return the query for comment and day of the reports that came before their reader was muted."""
    return (
        select(reports.c.comment, reports.c.at // _DAY_MS)
        .join(report_mutes, report_mutes.c.id == reports.c.muted_by)
        .where(reports.c.at < report_mutes.c.at)
    )
