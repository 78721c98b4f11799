"""How long what waits for a person waited, by queue and day or hour."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from widget_server.auth import permissions
from widget_server.model.actors import Actor
from widget_server.model.decisions import QUEUES
from widget_server.operations.owners.csv_lines import csv_line
from widget_server.operations.owners.numbers import (
    Span,
    filter_of,
    local_start,
    starts_of,
    zone_of,
)
from widget_server.operations.services import Services
from widget_server.store.queries.decision_times import QueueTime

__all__ = ["QueueTime"]


@dataclass(frozen=True, slots=True)
class WaitingPeriod:
    """The times of the cases that were decided in one day or hour, by queue. Empty queues are left out."""

    start: datetime
    queues: dict[str, QueueTime]


@dataclass(frozen=True, slots=True)
class DecisionTimes:
    """Times of each period, without gaps, and of the whole time. A case counts when it was decided."""

    periods: list[WaitingPeriod]
    whole: dict[str, QueueTime]

    @property
    def queues(self) -> list[str]:
        """Queues in which something was decided, in their usual order."""
        usual: list[str] = [queue for queue in QUEUES if queue in self.whole]
        return usual + sorted(self.whole.keys() - set(usual))


async def decision_times(
    services: Services, by: Actor, site: str, span: Span, *, story: str | None = None
) -> DecisionTimes:
    """Return median and the time of nine in ten, by queue and period: two SQL statements.

    Raises `NotPermittedError`, and `MalformedError` for a span that is too long or an unknown zone.
    """
    permissions.require(by, "read_numbers", site)
    starts, zone = starts_of(span), zone_of(span)
    wanted = filter_of(span, story, None, None, unit=span.unit)
    of_periods, of_whole = await services.numbers.decision_times(site, wanted)
    by_start: dict[datetime, dict[str, QueueTime]] = {start: {} for start in starts}
    for one in of_periods:
        at = local_start(one.period)
        at = at.replace(hour=0, minute=0) if span.unit == "day" else at
        by_start[at.replace(tzinfo=zone)][one.queue] = one
    return DecisionTimes(
        [WaitingPeriod(start, by_start[start]) for start in starts],
        {one.queue: one for one in of_whole},
    )


def csv_decision_times(times: DecisionTimes) -> Iterable[str]:
    """Yield the lines of a CSV file: a period and a queue on each line, times in seconds."""
    yield csv_line(("start", "queue", "decided", "median_seconds", "nine_in_ten_seconds"))
    for period in times.periods:
        for queue in times.queues:
            one = period.queues.get(queue)
            if one is not None:
                times_of = (round(one.median / 1000), round(one.nine_in_ten / 1000))
                yield csv_line((period.start.isoformat(), queue, one.number, *times_of))
