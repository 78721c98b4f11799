"""What a page of the queue says beside its cases: how many wait, who is at work, what can be filtered by."""

from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Select,
    String,
    bindparam,
    cast,
    desc,
    func,
    literal,
    null,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.queue import AtWork, QueueFacts
from widget_server.store.patterns import is_like
from widget_server.store.schema import (
    IS_OPEN,
    cases,
    copies as copies_of_stories,
    stories,
)
from widget_server.store.schema_hints import hint_counts
from widget_server.store.schema_people import accounts, api_keys
from widget_server.store.schema_queue import case_counts, case_leases

CHOICES_FROM = 300
"""Open cases, the most urgent first, that the choices of the filters are taken from."""

CHOICES_SHOWN = 30
"""Choices of one filter, the most frequent ones. The address of a page takes any other."""

ORDER = (cases.c.priority, cases.c.opened_at, cases.c.id)
"""The most urgent first, then the oldest."""


async def read_facts(
    connection: AsyncConnection, site: str, now: int, copies: frozenset[int] | None
) -> QueueFacts:
    """Read what waits, who is at work, and what cases can be filtered by: one SQL statement."""
    found = QueueFacts()
    most: dict[str, AtWork] = {}
    if copies is None:
        rows = await connection.execute(_facts_of_all(), {"site": site, "now": now})
    else:
        rows = await connection.execute(select_facts(site, now, copies))
    for kind, key, name, detail, number, at in rows.all():
        match kind:
            case "queue":
                found.counts[key] = (number, at)
            case "hints":
                found.hints = number
            case "at_work":
                other = most.get(key)
                if other is None or other.cases < number:
                    most[key] = AtWork(key, name, detail, number)
            case _:
                found.choices.setdefault(kind, []).append((key, name, number))
    found.at_work = sorted(most.values(), key=lambda one: (one.name, one.by))
    for choices in found.choices.values():
        choices.sort(key=lambda one: (-one[2], one[1]))
    return found


@cache
def _facts_of_all() -> Any:
    """Return the query of `read_facts` for all copies. Building it takes longer than the database needs."""
    return select_facts(bindparam("site", type_=String), bindparam("now", type_=BigInteger), None)


def select_facts(site: Any, now: Any, copies: frozenset[int] | None) -> Any:
    """Return the query of `read_facts`."""
    none = null()

    def row(
        kind: str, key: Any, number: Any, name: Any = none, detail: Any = none, at: Any = none
    ) -> Any:
        columns: list[Any] = [
            literal(kind).label("kind"),
            cast(key, String).label("key"),
            cast(name, String).label("name"),
            cast(detail, String).label("detail"),
            cast(number, BigInteger).label("number"),
            cast(at, BigInteger).label("at"),
        ]
        return select(*columns)

    counted = select_queue_counts(site, copies).subquery()
    parts = [
        row("queue", counted.c.queue, counted.c.number, at=counted.c.oldest).select_from(counted)
    ]
    if copies is not None:
        return union_all(*parts)
    parts.append(row("hints", none, hint_counts.c.number).where(hint_counts.c.site == site))
    by = case_leases.c.by
    who = func.coalesce(accounts.c.name, api_keys.c.label, by)
    parts.append(
        row("at_work", by, func.count(), who, cases.c.queue)
        .select_from(case_leases)
        .join(cases, cases.c.id == case_leases.c.case_id)
        .outerjoin(accounts, (accounts.c.id == func.substr(by, 9)) & is_like(by, "account:%"))
        .outerjoin(api_keys, (api_keys.c.id == func.substr(by, 5)) & is_like(by, "key:%"))
        .where(case_leases.c.site == site, case_leases.c.until > now, IS_OPEN)
        .group_by(by, who, cases.c.queue)
    )
    some = (
        select(cases.c.story, cases.c.copy, cases.c.lang)
        .where(cases.c.site == site, IS_OPEN)
        .order_by(*ORDER)
        .limit(CHOICES_FROM)
        .cte("some")
    )

    def most(column: Any) -> Any:
        # Counted before the names are joined: else SQLite reads all stories and copies of the server.
        number = func.count().label("number")
        counted = select(column.label("value"), number).where(column.is_not(None)).group_by(column)
        return counted.order_by(desc(number), column).limit(CHOICES_SHOWN).subquery()

    by_story, by_copy, by_lang = most(some.c.story), most(some.c.copy), most(some.c.lang)
    story = func.coalesce(stories.c.title, stories.c.key)
    copy = func.coalesce(copies_of_stories.c.label, copies_of_stories.c.origin)
    parts += [
        row("story", stories.c.code, by_story.c.number, story)
        .select_from(by_story)
        .join(stories, stories.c.id == by_story.c.value),
        row("copy", copies_of_stories.c.id, by_copy.c.number, copy)
        .select_from(by_copy)
        .join(copies_of_stories, copies_of_stories.c.id == by_copy.c.value),
        row("lang", by_lang.c.value, by_lang.c.number, by_lang.c.value).select_from(by_lang),
    ]
    return union_all(*parts)


def select_queue_counts(site: Any, copies: frozenset[int] | None) -> Select[Any]:
    """Return a query for the number of open cases and the time of the oldest, by queue."""
    if copies is not None:
        return (
            select(
                cases.c.queue.label("queue"),
                func.count().label("number"),
                func.min(cases.c.opened_at).label("oldest"),
            )
            .where(cases.c.site == site, IS_OPEN, cases.c.copy.in_(copies))
            .group_by(cases.c.queue)
        )
    oldest = (
        select(cases.c.opened_at)
        .where(cases.c.site == case_counts.c.site, cases.c.queue == case_counts.c.queue, IS_OPEN)
        .order_by(cases.c.opened_at)
        .limit(1)
        .scalar_subquery()
    )
    return select(
        case_counts.c.queue.label("queue"),
        case_counts.c.number.label("number"),
        func.coalesce(oldest, 0).label("oldest"),
    ).where(case_counts.c.site == site, case_counts.c.number > 0)
