"""The conditions of watch-lists, and their rows."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    bindparam,
    delete,
    desc,
    exists,
    func,
    insert,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.errors import MalformedError, NotFoundError
from widget_server.model.queue import StorySet, WatchList
from widget_server.store.damaged_rows import RowDamagedError, json_of, readable
from widget_server.store.engine import Database, read_transaction
from widget_server.store.mapping import dump
from widget_server.store.queries.sites import locked_site
from widget_server.store.queries.tagged_comments import has_tag, is_tagged
from widget_server.store.schema import comments, copies, stories
from widget_server.store.schema_queue import watch_lists
from widget_server.store.transactions import TransactionFn

HOUR_MS = 3_600_000
MAX_WATCH_LISTS = 50
_OF_SITE = (
    select(watch_lists)
    .where(watch_lists.c.site == bindparam("of_site"))
    .order_by(watch_lists.c.name, watch_lists.c.id)
)


class WatchLists:
    """Reads of watch-lists of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def of_site(self, connection: AsyncConnection, site: str) -> list[WatchList]:
        """Return the watch-lists of a site by name."""
        return await read_watch_lists(connection, site)

    @read_transaction
    async def find(self, connection: AsyncConnection, site: str, name: str) -> WatchList | None:
        """Return a watch-list of the site by its id, or None."""
        own = (watch_lists.c.site == site) & (watch_lists.c.id == name)
        rows = await connection.execute(select(watch_lists).where(own))
        return next(iter(readable(rows, _to_watch_list)), None)


async def read_watch_lists(connection: AsyncConnection, site: str) -> list[WatchList]:
    """Read the watch-lists of a site by name."""
    return readable(await connection.execute(_OF_SITE, {"of_site": site}), _to_watch_list)


def in_story_set(chosen: StorySet, site: str, now: int, of: FromClause) -> ColumnElement[bool]:
    """Return the condition that a row of `of`, which is `cases` or `comments`, is in the set."""
    where: ColumnElement[bool] = true()
    own = stories.c.site == site
    if chosen.codes:
        named = select(stories.c.id).where(own, stories.c.code.in_(chosen.codes))
        where &= of.c.story.in_(named)
    if chosen.newer_than is not None:
        since = now - chosen.newer_than * HOUR_MS
        where &= of.c.story.in_(select(stories.c.id).where(own, stories.c.created_at >= since))
    if chosen.top is not None:
        where &= of.c.story.in_(_busiest(site, now, chosen.top))
    if chosen.lang is not None:
        where &= of.c.lang == chosen.lang
    if chosen.origin is not None:
        # Another name: queries of comments join `copies` already.
        carried = copies.alias("carried")
        own_copy = (carried.c.id == of.c.copy) & (carried.c.origin == chosen.origin)
        where &= exists().where(own_copy)
    if chosen.tag is not None:
        where &= has_tag(chosen.tag) if of is comments else is_tagged(of.c.comment, chosen.tag)
    return where


def _busiest(site: str, now: int, number: int) -> Any:
    """Return a query for the stories with the most comments in the last hour, in any state."""
    since = now - HOUR_MS
    wrote = comments.alias("wrote")
    return (
        select(wrote.c.story)
        .join(stories, stories.c.id == wrote.c.story)
        .where(stories.c.site == site, wrote.c.created_at >= since)
        .group_by(wrote.c.story)
        .order_by(desc(func.count()), wrote.c.story)
        .limit(number)
    )


def insert_watch_list(made: WatchList) -> TransactionFn[None]:
    """Store a watch-list. Raises `MalformedError` if the site has too many, `NotFoundError` without the site."""

    async def run(connection: AsyncConnection) -> None:
        await locked_site(connection, made.site)
        counted = select(func.count()).where(watch_lists.c.site == made.site)
        if int((await connection.execute(counted)).scalar_one()) >= MAX_WATCH_LISTS:
            raise MalformedError(
                f"A site has at most {MAX_WATCH_LISTS} watch-lists. Remove one first."
            )
        row = {name: getattr(made, name) for name in ("id", "site", "name", "by", "created_at")}
        await connection.execute(insert(watch_lists).values(**row, terms=dump(asdict(made.terms))))

    return run


def delete_watch_list(site: str, name: str) -> TransactionFn[None]:
    """Delete a watch-list by its id. Raises `NotFoundError`."""

    async def run(connection: AsyncConnection) -> None:
        own = (watch_lists.c.site == site) & (watch_lists.c.id == name)
        done: Any = await connection.execute(delete(watch_lists).where(own))
        if not done.rowcount:
            raise NotFoundError("There is no watch-list with this id.")

    return run


def _to_watch_list(row: Any) -> WatchList:
    try:
        stored = json_of(row.terms)
        known = {name: value for name, value in stored.items() if name in StorySet.__slots__}
        terms = StorySet(**known | {"codes": tuple(known.get("codes") or ())})
    except (ValueError, TypeError, AttributeError) as fault:
        raise RowDamagedError("watch_lists", row.id, str(fault)) from None
    return WatchList(row.id, row.site, row.name, terms, row.by, row.created_at)
