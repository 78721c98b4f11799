"""Reads of muted reporters, and of who reported a comment."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import desc, exists, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.report_mutes import ReportMute, report_id
from widget_server.store.engine import Database, read_transaction
from widget_server.store.schema import comments, reports, site_decisions, stories
from widget_server.store.schema_people import accounts, api_keys
from widget_server.store.schema_readers import report_mutes


@dataclass(frozen=True, slots=True)
class ListedMute:
    """A mute with the story of the report at which it was made, and the name of who made it."""

    mute: ReportMute
    story: str
    """Code of the story; empty if a restored backup does not have the comment."""
    title: str | None
    by: str


@dataclass(frozen=True, slots=True)
class Reporter:
    """A reader who reported a comment. `is_own`: they have written on the site as one of its own people."""

    reader: str
    site: str
    is_own: bool


class ReportMutes:
    """Reads of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def of_site(
        self,
        connection: AsyncConnection,
        site: str,
        now: int,
        after: tuple[int, str] | None,
        limit: int,
    ) -> list[ListedMute]:
        """Return the mutes in effect at `now`, the newest first. `after` is time and id of the last one."""
        who = func.coalesce(accounts.c.name, api_keys.c.label, site_decisions.c.actor, "")
        query = (
            select(report_mutes, stories.c.code, stories.c.title, who.label("who"))
            # A restored backup may not have the comment. The mute holds, so people must see it.
            .outerjoin(comments, comments.c.id == report_mutes.c.comment)
            .outerjoin(stories, stories.c.id == comments.c.story)
            .outerjoin(site_decisions, site_decisions.c.id == report_mutes.c.id)
            .outerjoin(accounts, accounts.c.id == site_decisions.c.actor)
            .outerjoin(api_keys, api_keys.c.id == site_decisions.c.actor)
            .where(
                report_mutes.c.site == site,
                or_(report_mutes.c.until.is_(None), report_mutes.c.until > now),
            )
            .order_by(desc(report_mutes.c.at), desc(report_mutes.c.id))
            .limit(limit)
        )
        if after is not None:
            query = query.where(tuple_(report_mutes.c.at, report_mutes.c.id) < tuple_(*after))
        found = await connection.execute(query)
        return [ListedMute(to_mute(row), row.code or "", row.title, row.who) for row in found]

    @read_transaction
    async def find(self, connection: AsyncConnection, site: str, mute: str) -> ReportMute | None:
        """Return a mute of the site by its id, or None."""
        own = select(report_mutes).where(report_mutes.c.site == site, report_mutes.c.id == mute)
        row = (await connection.execute(own)).one_or_none()
        return None if row is None else to_mute(row)

    @read_transaction
    async def in_effect(
        self, connection: AsyncConnection, subjects: Sequence[str], now: int
    ) -> ReportMute | None:
        """Return the mute of a reader that is in effect at `now` under one of these hashes, or None."""
        query = select(report_mutes).where(
            report_mutes.c.subject.in_(subjects),
            or_(report_mutes.c.until.is_(None), report_mutes.c.until > now),
        )
        row = (await connection.execute(query.limit(1))).one_or_none()
        return None if row is None else to_mute(row)

    @read_transaction
    async def reporters(self, connection: AsyncConnection, comment: str) -> list[str]:
        """Return the ids of the readers who reported a comment."""
        found = await connection.execute(
            select(reports.c.reader).where(reports.c.comment == comment)
        )
        return list(found.scalars())

    @read_transaction
    async def reporter(
        self, connection: AsyncConnection, comment: str, report: str
    ) -> Reporter | None:
        """Return who gave the report of a comment that has this name, or None."""
        own = comments.alias("own")
        of_site = select(stories.c.id).where(stories.c.site == own_site.c.site)
        is_own = exists().where(
            own.c.reader == reports.c.reader, own.c.role.is_not(None), own.c.story.in_(of_site)
        )
        found = await connection.execute(
            select(reports.c.reader, own_site.c.site, is_own.label("is_own"))
            .join(comments, comments.c.id == reports.c.comment)
            .join(own_site, own_site.c.id == comments.c.story)
            .where(reports.c.comment == comment)
        )
        for row in found:
            if report_id(comment, row.reader) == report:
                return Reporter(row.reader, row.site, row.is_own)
        return None


own_site = stories.alias("own_site")
"""The story of the reported comment."""


def to_mute(row: Any) -> ReportMute:
    """Return the record of a row."""
    return ReportMute(row.id, row.site, row.subject, row.comment, row.at, row.until)
