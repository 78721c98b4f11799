"""Reads of hints: what waits for editors, and what readers are told about their own."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, and_, desc, exists, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.hints import MAX_OWN, Hint, HintCase, fitting
from widget_server.model.limits import MAX_OWN_HINTS_BYTES
from widget_server.store.engine import Database, read_transaction
from widget_server.store.mapping import to_hint
from widget_server.store.schema import erasures, stories
from widget_server.store.schema_hints import IS_OPEN_HINT, hint_counts, hints

HintCursor = tuple[int, str]
"""Time and id of the last hint of a page."""


class Hints:
    """Reads of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def page(
        self,
        connection: AsyncConnection,
        site: str,
        story: str | None,
        after: HintCursor | None,
        limit: int,
    ) -> list[HintCase]:
        """Return open hints of a site, or of a story (its code), the oldest first."""
        query = select_page_of_hints(site, story, after, limit)
        return [_to_case(row) for row in await connection.execute(query)]

    @read_transaction
    async def open_one(self, connection: AsyncConnection, site: str, hint: str) -> HintCase | None:
        """Return an open hint of a site, or None."""
        query = select_open_hints(site).where(hints.c.id == hint)
        row = (await connection.execute(query)).one_or_none()
        return None if row is None else _to_case(row)

    @read_transaction
    async def place(self, connection: AsyncConnection, hint: str) -> tuple[str, Hint] | None:
        """Return the code of a hint's story and the hint, open or answered, or None."""
        query = select(hints, stories.c.code).join(stories, stories.c.id == hints.c.story)
        row = (await connection.execute(query.where(hints.c.id == hint))).one_or_none()
        return None if row is None else (row.code, to_hint(row._mapping))

    @read_transaction
    async def count(self, connection: AsyncConnection, site: str) -> int:
        """Return the number of open hints of a site, from the counter."""
        found = await connection.execute(
            select(hint_counts.c.number).where(hint_counts.c.site == site)
        )
        return found.scalar_one_or_none() or 0

    @read_transaction
    async def forgotten(self, connection: AsyncConnection) -> list[tuple[str, int]]:
        """Return readers who have hints although they erased everything afterwards, and when they did.

        A server of the version before erases a reader without their hints.
        """
        found = await connection.execute(
            select(erasures.c.subject, erasures.c.at)
            .where(
                erasures.c.kind == "reader",
                exists().where(hints.c.reader == erasures.c.subject, hints.c.at <= erasures.c.at),
            )
            .order_by(erasures.c.subject)
        )
        return [(row.subject, row.at) for row in found]


async def read_own_hints(
    connection: AsyncConnection, story: int, readers: Sequence[str]
) -> list[tuple[str, list[Hint]]]:
    """Return the hints of these readers in the story, the newest first, with the words that fit."""
    rows = await connection.execute(select_own_hints(story, readers))
    found: defaultdict[str, list[Hint]] = defaultdict(list)
    for row in rows:
        if len(found[row.reader]) < MAX_OWN:
            found[row.reader].append(to_hint(row._mapping))
    return [(reader, fitting(own, MAX_OWN_HINTS_BYTES)) for reader, own in found.items()]


def select_own_hints(story: int, readers: Sequence[str]) -> Select[Any]:
    """Return the query of `read_own_hints`."""
    return (
        select(hints)
        .where(hints.c.reader.in_(readers), hints.c.story == story)
        .order_by(desc(hints.c.at), desc(hints.c.id))
    )


def select_page_of_hints(
    site: str, story: str | None, after: HintCursor | None, limit: int
) -> Select[Any]:
    """Return the query of `Hints.page`."""
    query = select_open_hints(site).order_by(hints.c.at, hints.c.id).limit(limit)
    if story is not None:
        query = query.where(stories.c.code == story)
    if after is not None:
        query = query.where(tuple_(hints.c.at, hints.c.id) > tuple_(*after))
    return query


def select_open_hints(site: str) -> Select[Any]:
    """Return a query for the open hints of a site, with the earlier hints of their readers."""
    other = hints.alias("other")
    # Of the same moment, the id decides which was earlier.
    earlier = and_(
        other.c.reader == hints.c.reader,
        other.c.site == hints.c.site,
        tuple_(other.c.at, other.c.id) < tuple_(hints.c.at, hints.c.id),
    )
    given = select(func.count()).select_from(other).where(earlier)
    return (
        select(
            hints,
            stories.c.code,
            stories.c.title,
            stories.c.url,
            given.scalar_subquery().label("given"),
            given.where(other.c.state == "accepted").scalar_subquery().label("followed"),
        )
        .join(stories, stories.c.id == hints.c.story)
        .where(hints.c.site == site, IS_OPEN_HINT)
    )


def _to_case(row: Any) -> HintCase:
    return HintCase(to_hint(row._mapping), row.code, row.title, row.url, row.given, row.followed)
