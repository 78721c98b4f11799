"""Reads of the logs of stories and sites, of open cases, and of kept texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, case, desc, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.decisions import Decision
from widget_server.model.report_mutes import report_id
from widget_server.store.damaged_rows import readable
from widget_server.store.decision_mapping import to_decision
from widget_server.store.engine import Database, read_transaction
from widget_server.store.mapping import select_comments, to_comment
from widget_server.store.queries.tagged_comments import has_tag, is_of_site
from widget_server.store.schema import (
    cases,
    comments,
    decision_words,
    decisions,
    kept_texts,
    reports,
    site_decisions,
    stories,
)
from widget_server.store.schema_people import accounts, api_keys
from widget_server.store.writing.match_cases import has_unmatched_cases


@dataclass(frozen=True, slots=True)
class LoggedTarget:
    """What an entry of a story's log was about: `comment` is "" for the story itself."""

    decision: str
    site: str
    story: int
    code: str
    comment: str
    verb: str


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which entries of a site's logs to read. None: any. Times are milliseconds, `until` excluded."""

    story: str | None = None
    """A story's code."""
    verb: str | None = None
    actor: str | None = None
    comment: str | None = None
    batch: str | None = None
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class ReportText:
    """A reader's report of a comment. `reason` is free text or a key of `REASONS`."""

    comment: str
    reason: str | None
    at: int
    category: str | None = None
    id: str = ""
    """Name of the report among those of its comment (`model.report_mutes.report_id`)."""
    muted: bool = False
    """Whether it does not count, because its reader was muted."""


@dataclass(frozen=True, slots=True)
class CommentPlace:
    """Where a comment is, in which state, and its revision."""

    site: str
    state: str
    revision: int


Cursor = tuple[int, str]
"""Time and id of the last entry of a page."""


class Decisions:
    """Reads of the decisions, cases and kept texts of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def to_undo(self, connection: AsyncConnection, name: str) -> list[LoggedTarget]:
        """Return the decision with this id, or the decisions of the batch, the last first."""
        of_stories = (
            select(
                decisions.c.id,
                decisions.c.site,
                decisions.c.story,
                stories.c.code,
                decisions.c.comment,
                decisions.c.verb,
            )
            .join(stories, decisions.c.story == stories.c.id)
            .order_by(desc(decisions.c.at), desc(decisions.c.number))
        )
        rows = (await connection.execute(of_stories.where(decisions.c.id == name))).all()
        if not rows:
            rows = (await connection.execute(of_stories.where(decisions.c.batch == name))).all()
        return [LoggedTarget(*row) for row in rows]

    @read_transaction
    async def places(
        self, connection: AsyncConnection, ids: Sequence[str]
    ) -> dict[str, CommentPlace]:
        """Return the places of these comments, without those that do not exist."""
        rows = await connection.execute(
            select(comments.c.id, stories.c.site, comments.c.state, comments.c.revision)
            .join(stories, comments.c.story == stories.c.id)
            .where(comments.c.id.in_(ids))
        )
        return {row.id: CommentPlace(row.site, row.state, row.revision) for row in rows}

    @read_transaction
    async def ended_by(self, connection: AsyncConnection, case: int) -> tuple[str, str, int] | None:
        """Return the verb, the name of the actor and the time of the decision that closed a case, or None."""
        who = func.coalesce(accounts.c.name, api_keys.c.label, decisions.c.actor)
        found = await connection.execute(
            select(decisions.c.verb, who, decisions.c.at)
            .join_from(cases, decisions, decisions.c.id == cases.c.decision)
            .outerjoin(accounts, accounts.c.id == decisions.c.actor)
            .outerjoin(api_keys, api_keys.c.id == decisions.c.actor)
            .where(cases.c.id == case, cases.c.closed_at.is_not(None))
        )
        row = found.one_or_none()
        return None if row is None else (row[0], row[1], row[2])

    @read_transaction
    async def place_of_case(
        self, connection: AsyncConnection, case: int
    ) -> tuple[str, str, str] | None:
        """Return site, comment and queue of a case, open or not, or None."""
        found = await connection.execute(
            select(cases.c.site, cases.c.comment, cases.c.queue).where(cases.c.id == case)
        )
        row = found.one_or_none()
        return None if row is None else (row[0], row[1], row[2])

    @read_transaction
    async def unmatched(self, connection: AsyncConnection) -> bool:
        """Return whether a server of the version before has left out the opening or closing of cases."""
        return await has_unmatched_cases(connection)

    @read_transaction
    async def log(
        self,
        connection: AsyncConnection,
        site: str,
        chosen: LogFilter,
        after: Cursor | None,
        limit: int,
    ) -> list[Decision]:
        """Return entries of the site's log and its stories' logs, the newest first."""
        found: list[Decision] = []
        entries = select(
            decisions, stories.c.code, decision_words.c.words.label("stored_words")
        ).join(stories, decisions.c.story == stories.c.id)
        queries: list[tuple[Select[Any], Any]] = [(entries, decisions)]
        if chosen.story is None and chosen.comment is None:
            # Beside the change of a rule lies its whole list, which no log shows.
            words = case((site_decisions.c.verb != "rules", decision_words.c.words), else_=None)
            own = select(site_decisions, words.label("stored_words"))
            queries.append((own, site_decisions))
        for query, table in queries:
            selected = query.outerjoin(decision_words, decision_words.c.decision == table.c.id)
            where = (table.c.site == site) & _matches(table, chosen)
            if after is not None:
                where &= tuple_(table.c.at, table.c.id) < tuple_(*after)
            ordered = selected.where(where).order_by(desc(table.c.at), desc(table.c.id))
            rows = await connection.execute(ordered.limit(limit))
            found += [to_decision(row._mapping) for row in rows]
        return sorted(found, key=lambda one: (one.at, one.id), reverse=True)[:limit]

    @read_transaction
    async def place_of(self, connection: AsyncConnection, name: str) -> tuple[str, bool] | None:
        """Return the site of the decision or batch with this id, and whether it is in the site's own log."""
        for table, of_site in ((decisions, False), (site_decisions, True)):
            for column in (table.c.id, table.c.batch):
                found = await connection.execute(
                    select(table.c.site).where(column == name).limit(1)
                )
                site: str | None = found.scalar_one_or_none()
                if site is not None:
                    return site, of_site
        return None

    @read_transaction
    async def of_site(
        self, connection: AsyncConnection, site: str, decision: str
    ) -> Decision | None:
        """Return the entry of the site's own log with this id, or None."""
        rows = await connection.execute(
            select(site_decisions, decision_words.c.words.label("stored_words"))
            .outerjoin(decision_words, decision_words.c.decision == site_decisions.c.id)
            .where((site_decisions.c.site == site) & (site_decisions.c.id == decision))
        )
        row = rows.one_or_none()
        return None if row is None else to_decision(row._mapping)

    @read_transaction
    async def reports(self, connection: AsyncConnection, comment: str) -> list[ReportText]:
        """Return the reports of a comment, the oldest first."""
        rows = await connection.execute(
            select(reports).where(reports.c.comment == comment).order_by(reports.c.at)
        )
        return [
            ReportText(
                row.comment,
                row.reason,
                row.at,
                row.category,
                report_id(comment, row.reader),
                muted=row.muted_by is not None,
            )
            for row in rows
        ]

    @read_transaction
    async def kept(self, connection: AsyncConnection, comment: str) -> tuple[str, int] | None:
        """Return a removed or held comment's sealed words and the time until which they are kept."""
        found = await connection.execute(
            select(kept_texts.c.sealed, kept_texts.c.until).where(
                (kept_texts.c.comment == comment) & (kept_texts.c.why != "replaced")
            )
        )
        row = found.one_or_none()
        return None if row is None else (row.sealed, row.until)

    @read_transaction
    async def comments(
        self,
        connection: AsyncConnection,
        site: str,
        story: str | None,
        after: Cursor | None,
        limit: int,
        tag: str | None = None,
    ) -> list[tuple[str, Any]]:
        """Return comments of a site, of a story (its code), or with a tag, the newest first, with story codes."""
        where: ColumnElement[bool] = stories.c.site == site
        if tag is not None:
            where = is_of_site(site) & has_tag(tag)
        if story is not None:
            where &= stories.c.code == story
        if after is not None:
            where &= tuple_(comments.c.created_at, comments.c.id) < tuple_(*after)
        rows = await connection.execute(
            select_comments()
            .add_columns(stories.c.code.label("story_code"))
            .join(stories, comments.c.story == stories.c.id)
            .where(where)
            .order_by(desc(comments.c.created_at), desc(comments.c.id))
            .limit(limit)
        )
        return readable(rows, lambda row: (row.story_code, to_comment(row)))

    @read_transaction
    async def comment(self, connection: AsyncConnection, comment: str) -> Any:
        """Return a comment in any state, or None."""
        rows = await connection.execute(select_comments().where(comments.c.id == comment))
        found = readable(rows, to_comment)
        return found[0] if found else None


def _matches(table: Any, chosen: LogFilter) -> ColumnElement[bool]:
    where: ColumnElement[bool] = table.c.at >= (chosen.since or 0)
    if chosen.until is not None:
        where &= table.c.at < chosen.until
    equal: Mapping[str, str | None] = {
        "verb": chosen.verb,
        "actor": chosen.actor,
        "batch": chosen.batch,
    }
    for name, value in equal.items():
        if value is not None:
            where &= table.c[name] == value
    if table is decisions:
        if chosen.comment is not None:
            where &= table.c.comment == chosen.comment
        if chosen.story is not None:
            where &= stories.c.code == chosen.story
    return where
