"""How long cases waited for a decision, by queue: the query of a median and of the time of nine in ten."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, case, func, literal, select

from widget_server.store.schema import cases, stories


@dataclass(frozen=True, slots=True)
class QueueTime:
    """The times of one queue in one period, in milliseconds. `number` is how many cases were decided."""

    period: int
    """Start of the period in the shifted time, or 0 for the whole time."""
    queue: str
    number: int
    median: int
    """Half of the cases were decided within this time (nearest rank)."""
    nine_in_ten: int


def select_decision_times(
    site: str,
    start: int,
    end: int,
    *,
    story: str | None,
    period: ColumnElement[int] | None = None,
) -> Select[Any]:
    """Return a query for the times of the cases that were decided from `start` to `end`.

    One row for each queue and value of `period`; without `period` for the whole time. Cases that closed
    because their author deleted the comment have no decision and are left out.
    """
    when = literal(0, BigInteger) if period is None else period
    took = cases.c.closed_at - cases.c.opened_at
    alike = [when, cases.c.queue]
    ranked = select(
        when.label("period"),
        cases.c.queue.label("queue"),
        took.label("took"),
        func.row_number().over(partition_by=alike, order_by=took).label("place"),
        func.count().over(partition_by=alike).label("number"),
    ).where(
        cases.c.site == site,
        cases.c.closed_at >= start,
        cases.c.closed_at < end,
        cases.c.decision.is_not(None),
    )
    if story is not None:
        ranked = ranked.join(stories, stories.c.id == cases.c.story).where(stories.c.code == story)
    one = ranked.subquery()
    return (
        select(
            one.c.period,
            one.c.queue,
            one.c.number,
            func.min(case((one.c.place * 2 >= one.c.number, one.c.took))).label("median"),
            func.min(case((one.c.place * 10 >= one.c.number * 9, one.c.took))).label("nine_in_ten"),
        )
        .group_by(one.c.period, one.c.queue, one.c.number)
        .order_by(one.c.period, one.c.queue)
    )
