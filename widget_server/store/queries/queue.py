"""Reads of open cases: a page of a queue, what is known about its comments, and how many wait."""

from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    String,
    and_,
    bindparam,
    func,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.capacity import Load
from widget_server.model.decisions import Case
from widget_server.model.queue import HARSH, CaseFilter, Context, QueueFacts, Watcher
from widget_server.model.records import Comment
from widget_server.store.damaged_rows import readable
from widget_server.store.decision_mapping import to_case
from widget_server.store.engine import Database, read_transaction
from widget_server.store.mapping import select_comments
from widget_server.store.patterns import is_like
from widget_server.store.queries.capacity import is_only_local, read_only_local
from widget_server.store.queries.comment_context import read_contexts
from widget_server.store.queries.handed_cases import count_handed, is_handed_to
from widget_server.store.queries.made_decisions import HARD_ONES
from widget_server.store.queries.new_comments import count_new
from widget_server.store.queries.queue_facts import ORDER, read_facts, select_queue_counts
from widget_server.store.queries.story_sets import in_story_set, read_watch_lists
from widget_server.store.queries.tagged_comments import is_tagged
from widget_server.store.schema import (
    IS_OPEN,
    cases,
    comments,
    kept_texts,
    stories,
)
from widget_server.store.schema_people import accounts, api_keys
from widget_server.store.schema_queue import case_leases, handed_cases, looked_at

DAY_MS = 86_400_000
CaseCursor = tuple[int, int, int]
"""Priority, time and id of the last case of a page."""

OF_SITE: Any = bindparam("of_site", type_=String)
NOW: Any = bindparam("now", type_=BigInteger)
"""What queries that are built once are told when they run. Times are milliseconds."""


_receiver, _giver = accounts.alias("receiver"), accounts.alias("giver")
_OWN_MARK = (looked_at.c.site == OF_SITE) & (looked_at.c.by == bindparam("by", type_=String))
_OF_WATCHER = select(
    HARD_ONES.scalar_subquery().label("hard"),
    count_handed(OF_SITE, bindparam("by", type_=String), NOW).scalar_subquery().label("mine"),
    select(looked_at.c.at).where(_OWN_MARK).scalar_subquery().label("at"),
    select(looked_at.c.comment).where(_OWN_MARK).scalar_subquery().label("comment"),
)
"""What the page says of the person alone, with the parameters of `HARD_ONES`."""


class CaseQueue:
    """Reads of the queues of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def page(
        self,
        connection: AsyncConnection,
        site: str,
        chosen: CaseFilter,
        now: int,
        after: CaseCursor | None,
        limit: int,
        without: Collection[str] = (),
        copies: frozenset[int] | None = None,
    ) -> list[Case]:
        """Return open cases, the most urgent first, then the oldest. `without` names queues to leave out.

        With `copies` only cases of comments that were written on these copies.
        """
        return await _read_page(connection, site, chosen, now, after, limit, without, copies)

    @read_transaction
    async def opened(
        self,
        connection: AsyncConnection,
        site: str,
        chosen: CaseFilter,
        now: int,
        after: CaseCursor | None,
        limit: int,
        choose: Callable[[list[Case]], Case | None],
        watcher: Watcher | None,
        without: Collection[str] = (),
        copies: frozenset[int] | None = None,
    ) -> tuple[QueueFacts | None, list[Case], dict[str, Context]]:
        """Return the facts, a page of cases, and what is known of the case that `choose` returns: one view.

        Without `watcher` no facts. `choose` runs in the database's thread.
        """
        facts = None
        if watcher is not None:
            facts = await _read_facts(connection, site, now, copies, watcher)
        found = await _read_page(connection, site, chosen, now, after, limit, without, copies)
        first = choose(found)
        about = [] if first is None else [first.comment]
        return facts, found, await read_contexts(connection, about)

    @read_transaction
    async def named(
        self,
        connection: AsyncConnection,
        site: str,
        ids: Sequence[int],
        copies: frozenset[int] | None = None,
    ) -> list[Case]:
        """Return those of these cases of the site that are open, in no order."""
        where: ColumnElement[bool] = and_(cases.c.id.in_(ids), cases.c.site == site, IS_OPEN)
        if copies is not None:
            where &= comments.c.copy.in_(copies)
        return readable(await connection.execute(_select_cases().where(where)), to_case)

    @read_transaction
    async def of_comment(self, connection: AsyncConnection, site: str, comment: str) -> list[Case]:
        """Return the open cases of a comment of the site, the most urgent first."""
        where = and_(cases.c.comment == comment, cases.c.site == site, IS_OPEN)
        query = _select_cases().where(where).order_by(*ORDER)
        return readable(await connection.execute(query), to_case)

    @read_transaction
    async def contexts(
        self, connection: AsyncConnection, about: Sequence[Comment]
    ) -> dict[str, Context]:
        """Return what is known about each comment, by its id: one SQL statement."""
        return await read_contexts(connection, about)

    @read_transaction
    async def counts(
        self, connection: AsyncConnection, site: str, copies: frozenset[int] | None = None
    ) -> dict[str, tuple[int, int]]:
        """Return the number of open cases and the time of the oldest by queue, without empty queues."""
        rows = await connection.execute(select_queue_counts(site, copies))
        return {row.queue: (row.number, row.oldest) for row in rows}

    @read_transaction
    async def load(self, connection: AsyncConnection, site: str) -> Load:
        """Return what waits for the site's own people: without what waits only for a local moderator."""
        queues = (await connection.execute(select_queue_counts(site, None))).all()
        local = (await read_only_local(connection, [site])).get(site, 0)
        oldest = min((row.oldest for row in queues), default=None)
        if local:
            others = select(func.min(cases.c.opened_at)).where(
                cases.c.site == site, IS_OPEN, ~is_only_local()
            )
            oldest = (await connection.execute(others)).scalar_one()
        return Load(sum(row.number for row in queues) - local, oldest)

    @read_transaction
    async def facts(
        self,
        connection: AsyncConnection,
        site: str,
        now: int,
        copies: frozenset[int] | None,
        watcher: Watcher,
    ) -> QueueFacts:
        """Return what waits, who is at work, and what cases can be filtered by: one view for a whole page.

        Those whose role is limited to some copies are told the numbers only.
        """
        return await _read_facts(connection, site, now, copies, watcher)


async def _read_page(
    connection: AsyncConnection,
    site: str,
    chosen: CaseFilter,
    now: int,
    after: CaseCursor | None,
    limit: int,
    without: Collection[str],
    copies: frozenset[int] | None,
) -> list[Case]:
    query = _page_of(chosen, limit, tuple(without), copies)
    if after is not None:
        query = query.where(tuple_(*ORDER) > tuple_(*after))
    rows = await connection.execute(query, {"of_site": site, "now": now})
    return readable(rows.all(), to_case)


async def _read_facts(
    connection: AsyncConnection,
    site: str,
    now: int,
    copies: frozenset[int] | None,
    watcher: Watcher,
) -> QueueFacts:
    found = await read_facts(connection, site, now, copies)
    values = {"of_site": site, "since": watcher.today, "kind": watcher.kind}
    values |= {"person": watcher.id, "by": watcher.new.by, "now": now}
    own = (await connection.execute(_OF_WATCHER, values)).one()
    found.hard, found.mine = own.hard, own.mine
    mark = None if own.at is None else (own.at, own.comment)
    found.new = await count_new(connection, site, watcher.new, mark, copies)
    found.watch_lists = await read_watch_lists(connection, site)
    return found


def open_cases_where(
    site: str,
    chosen: CaseFilter,
    now: int,
    without: Collection[str] = (),
    copies: frozenset[int] | None = None,
) -> ColumnElement[bool]:
    """Return the condition for the open cases of a site that a filter chooses."""
    where: ColumnElement[bool] = and_(IS_OPEN, _in_queue(site, chosen, now, without))
    if chosen.story is not None:
        story = select(stories.c.id).where(stories.c.code == chosen.story, stories.c.site == site)
        where &= cases.c.story == story.scalar_subquery()
    where &= _about_comment(chosen)
    if chosen.age is not None:
        since = now - DAY_MS
        is_new = chosen.age == "day"
        where &= cases.c.opened_at >= since if is_new else cases.c.opened_at < since
    if chosen.stories is not None:
        where &= in_story_set(chosen.stories, site, now, cases)
    if copies is not None:
        where &= cases.c.copy.in_(copies)
    return where


def _in_queue(
    site: str, chosen: CaseFilter, now: int, without: Collection[str]
) -> ColumnElement[bool]:
    if chosen.handed_to is not None:
        # Without the site of the case, by which SQLite would read all cases of the site.
        where = is_handed_to(chosen.handed_to, site, now)
    else:
        where = cases.c.site == site
        if chosen.queue != "all":
            where &= cases.c.queue == chosen.queue
    return where & cases.c.queue.not_in(without) if without else where


def _about_comment(chosen: CaseFilter) -> ColumnElement[bool]:
    """Return what a filter says of the comment of a case."""
    where: ColumnElement[bool] = true()
    if chosen.copy is not None:
        where &= cases.c.copy == chosen.copy
    if chosen.lang is not None:
        where &= cases.c.lang == chosen.lang
    if chosen.reason is not None:
        where &= has_reason(chosen.reason)
    if chosen.tag is not None:
        where &= is_tagged(cases.c.comment, chosen.tag)
    return where


def select_page(
    site: str,
    chosen: CaseFilter,
    now: int,
    after: CaseCursor | None,
    limit: int,
    without: Collection[str] = (),
    copies: frozenset[int] | None = None,
) -> Select[Any]:
    """Return the query of `CaseQueue.page`."""
    where = open_cases_where(site, chosen, now, without, copies)
    if after is not None:
        where &= tuple_(*ORDER) > tuple_(*after)
    return _select_cases().where(where).order_by(*ORDER).limit(limit)


def has_reason(reason: str) -> ColumnElement[bool]:
    """Return the condition that a reader gave this reason, a key of `REASONS`."""
    return is_like(cases.c.reasons, f'%"{reason}"%', escape="\\")


def is_mild() -> ColumnElement[bool]:
    """Return the condition for cases that are probably not hard to read."""
    return ~or_(*(has_reason(reason) for reason in HARSH))


@lru_cache(256)
def _page_of(
    chosen: CaseFilter, limit: int, without: tuple[str, ...], copies: frozenset[int] | None
) -> Select[Any]:
    """Return the query of `CaseQueue.page`, first page. Building it takes longer than the database needs."""
    return select_page(OF_SITE, chosen, NOW, None, limit, without, copies)


def _select_cases() -> Select[Any]:
    names = ("id", "queue", "reasons", "priority", "opened_at", "revision")
    handed = ("person", "by", "at", "until", "note")
    giver = handed_cases.c.by
    return (
        select_comments()
        .add_columns(
            *(cases.c[name].label(f"case_{name}") for name in names),
            stories.c.code.label("story_code"),
            kept_texts.c.sealed.label("sealed"),
            case_leases.c.by.label("lease_by"),
            case_leases.c.until.label("lease_until"),
            *(handed_cases.c[name].label(f"handed_{name}") for name in handed),
            _receiver.c.name.label("handed_to_name"),
            func.coalesce(_giver.c.name, api_keys.c.label).label("handed_by_name"),
        )
        .join(cases, cases.c.comment == comments.c.id)
        .join(stories, cases.c.story == stories.c.id)
        .outerjoin(kept_texts, kept_texts.c.comment == comments.c.id)
        .outerjoin(case_leases, case_leases.c.case_id == cases.c.id)
        .outerjoin(handed_cases, handed_cases.c.case_id == cases.c.id)
        .outerjoin(_receiver, _receiver.c.id == func.substr(handed_cases.c.person, 9))
        .outerjoin(_giver, (_giver.c.id == func.substr(giver, 9)) & is_like(giver, "account:%"))
        .outerjoin(api_keys, (api_keys.c.id == func.substr(giver, 5)) & is_like(giver, "key:%"))
    )
