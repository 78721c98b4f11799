"""How long what waits for a person waited, by queue and day or hour."""

import asyncio
from collections.abc import Iterable, Sequence
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
from widget_server.store.queries.decision_times import Waits


@dataclass(frozen=True, slots=True)
class QueueTime:
    """The times of one queue, in milliseconds. `number` is how many cases were decided."""

    queue: str
    number: int
    median: int
    """Half of the cases were decided within this time (nearest rank)."""
    nine_in_ten: int


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
    """Return median and the time of nine in ten, by queue and period: one SQL statement.

    Raises `NotPermittedError`, and `MalformedError` for a span that is too long or an unknown zone.
    """
    permissions.require(by, "read_numbers", site)
    starts, zone = starts_of(span), zone_of(span)
    wanted = filter_of(span, story, None, None, unit=span.unit)
    waits = await services.numbers.waits(site, wanted)
    # Sorting the cases of a year takes longer than the event loop may be blocked.
    of_periods, whole = await asyncio.to_thread(_ranked, waits)
    by_start: dict[datetime, dict[str, QueueTime]] = {start: {} for start in starts}
    for period, one in of_periods:
        at = local_start(period)
        at = at.replace(hour=0, minute=0) if span.unit == "day" else at
        by_start[at.replace(tzinfo=zone)][one.queue] = one
    return DecisionTimes([WaitingPeriod(start, by_start[start]) for start in starts], whole)


def _ranked(waits: Sequence[Waits]) -> tuple[list[tuple[int, QueueTime]], dict[str, QueueTime]]:
    """Return the times of each period and queue, and those of each queue over the whole time."""
    all_of: dict[str, list[int]] = {}
    of_periods = []
    for one in waits:
        times = sorted(map(int, one.times.split(",")))
        of_periods.append((one.period, _queue_time(one.queue, times)))
        all_of.setdefault(one.queue, []).extend(times)
    return of_periods, {queue: _queue_time(queue, sorted(all_)) for queue, all_ in all_of.items()}


def _queue_time(queue: str, times: list[int]) -> QueueTime:
    """Return the times at the nearest rank (rounded up) of a half and of nine in ten."""
    number = len(times)
    return QueueTime(queue, number, times[-(-number // 2) - 1], times[-(-number * 9 // 10) - 1])


def csv_decision_times(times: DecisionTimes) -> Iterable[str]:
    """Yield the lines of a CSV file: a period and a queue on each line, times in seconds."""
    yield csv_line(("start", "queue", "decided", "median_seconds", "nine_in_ten_seconds"))
    for period in times.periods:
        for queue in times.queues:
            one = period.queues.get(queue)
            if one is not None:
                times_of = (round(one.median / 1000), round(one.nine_in_ten / 1000))
                yield csv_line((period.start.isoformat(), queue, one.number, *times_of))
