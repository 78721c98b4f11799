"""Count the copies of a site by language."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.store.schema import copies, stories


@dataclass(frozen=True, slots=True)
class CopiesOfLanguage:
    """The copies of a site in one language; None stands for copies that state none."""

    lang: str | None
    copies: int
    matching: int
    new: int


async def count_by_language(
    connection: AsyncConnection, site: str, conditions: Sequence[ColumnElement[bool]], since: int
) -> list[CopiesOfLanguage]:
    """Return the copies of each language, those that meet the conditions, and those first seen since a time.

    `since` is in milliseconds since 1970. The language with the most copies comes first.
    """
    matches: ColumnElement[Any] = func.count()
    if conditions:
        matches = func.sum(case((and_(*conditions), 1), else_=0))
    found = await connection.execute(
        select(
            copies.c.lang,
            func.count().label("number"),
            matches.label("matching"),
            func.sum(case((copies.c.first_seen >= since, 1), else_=0)).label("fresh"),
        )
        .select_from(stories.join(copies, copies.c.story == stories.c.id))
        .where(stories.c.site == site)
        .group_by(copies.c.lang)
    )
    rows = [
        CopiesOfLanguage(row.lang, int(row.number), int(row.matching), int(row.fresh))
        for row in found
    ]
    return sorted(rows, key=lambda one: (-one.copies, one.lang or ""))
