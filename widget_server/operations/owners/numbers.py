"""Numbers of a site: reactions and comments over time, by copy and language, and where the talk is."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from widget_server.auth import permissions
from widget_server.model.actors import Actor
from widget_server.model.errors import MalformedError
from widget_server.model.records import CommentState
from widget_server.operations.services import Services
from widget_server.store.queries.numbers import (
    Cell,
    CopyName,
    GroupCounts,
    MatrixStory,
    NumbersFilter,
    PeriodCount,
)

__all__ = ["Cell", "CopyName", "MatrixStory"]

Unit = Literal["hour", "day"]
MAX_HOURS = 31 * 24
"""Periods of a chart by hour."""
MAX_DAYS = 400
"""Periods of a chart by day."""
WEEK_DAYS = 31
"""Days of which the comments are counted by hour whatever the unit is."""
QUARTER_MS = 900_000
"""No time zone has an offset that is not a multiple of a quarter of an hour."""
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MATRIX_STORIES = 50
MATRIX_ORIGINS = 500


@dataclass(frozen=True, slots=True)
class Span:
    """The time to count, in the days and hours of a time zone.

    `start` and `end` are milliseconds since 1970; `end` is not included.
    """

    start: int
    end: int
    unit: Unit = "day"
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Period:
    """The numbers of one day or hour."""

    start: datetime
    reactions: dict[str, int]
    """Reactions by kind. A reaction counts at its last change."""
    stood: int
    """Comments that are published now."""
    removed: int
    """Comments that were removed since, by moderators or their authors."""
    pending: int


@dataclass(frozen=True, slots=True)
class OverTime:
    """Numbers of each period, without gaps, and the kinds of reactions in them."""

    periods: list[Period]
    kinds: list[str]
    week: list[list[int]] | None = None
    """As `when_people_write`, if the span is at most `WEEK_DAYS` long: it costs nothing then."""


@dataclass(frozen=True, slots=True)
class Share:
    """The numbers of one copy or language."""

    key: int | str | None
    name: str | None
    """A copy's label or origin; a language."""
    reactions: int
    comments: int
    copy: CopyName | None = None
    """What tells the copy from others with the same name."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """Stories by origins. `cells` has no empty cell."""

    stories: list[MatrixStory]
    origins: list[str | None]
    """The origins with the most comments first; None: not on a recorded copy."""
    cells: dict[tuple[str, str | None], Cell]
    """By story code and origin."""


async def over_time(
    services: Services,
    by: Actor,
    site: str,
    span: Span,
    *,
    story: str | None = None,
    copy: int | None = None,
    lang: str | None = None,
) -> OverTime:
    """Return reactions by kind and comments, by hour or day: two SQL statements.

    Raises `NotPermittedError`, and `MalformedError` for a span that is too long or an unknown zone.
    """
    permissions.require(by, "read_numbers", site)
    starts, zone = starts_of(span), zone_of(span)
    wanted = filter_of(span, story, copy, lang, unit=span.unit)
    by_hour = span.end - span.start <= WEEK_DAYS * DAY_MS
    of_comments = filter_of(span, story, copy, lang) if by_hour else wanted
    reactions, comments = await services.numbers.over_time(site, wanted, of_comments)
    by_kind: dict[datetime, Counter[str]] = {start: Counter() for start in starts}
    by_state: dict[datetime, Counter[str]] = {start: Counter() for start in starts}
    for counts, into in ((reactions, by_kind), (comments, by_state)):
        for one in counts:
            at = local_start(one.period)
            at = at.replace(hour=0, minute=0) if span.unit == "day" else at
            into[at.replace(tzinfo=zone)][one.kind] += one.number
    known = await services.cache.site(site)
    kinds = [*known.site.settings.reaction_keys()] if known is not None else []
    kinds += sorted({one.kind for one in reactions})
    return OverTime(
        [
            Period(
                start,
                dict(by_kind[start]),
                by_state[start][CommentState.PUBLISHED.value],
                by_state[start][CommentState.REMOVED.value],
                by_state[start][CommentState.PENDING.value],
            )
            for start in starts
        ],
        list(dict.fromkeys(kinds)),
        _week(comments) if by_hour else None,
    )


async def when_people_write(
    services: Services,
    by: Actor,
    site: str,
    span: Span,
    *,
    story: str | None = None,
    copy: int | None = None,
    lang: str | None = None,
) -> list[list[int]]:
    """Return comments by weekday (Monday first) and hour of the day in the zone: seven lists of 24.

    Raises the errors of `over_time`.
    """
    permissions.require(by, "read_numbers", site)
    starts_of(span)
    comments = await services.numbers.comments(site, filter_of(span, story, copy, lang))
    return _week(comments)


def _week(comments: Iterable[PeriodCount]) -> list[list[int]]:
    """Return comments counted by hour, by weekday and hour of the day."""
    table = [[0] * 24 for _ in range(7)]
    for one in comments:
        at = local_start(one.period)
        table[at.weekday()][at.hour] += one.number * (one.kind != CommentState.PENDING.value)
    return table


async def by_copy(
    services: Services, by: Actor, site: str, span: Span, *, story: str | None = None
) -> list[Share]:
    """Return the numbers of each copy, the one with the most reactions first.

    Raises the errors of `over_time`.
    """
    permissions.require(by, "read_numbers", site)
    starts_of(span)
    counted = await services.numbers.by_copy(site, filter_of(span, story, None, None))
    found = _sorted(counted)[:MATRIX_ORIGINS]
    ids = [one.key for one in found if isinstance(one.key, int)]
    names = await services.numbers.copy_names(site, ids)
    return [_share(one, names) for one in found]


def _sorted(found: list[GroupCounts]) -> list[GroupCounts]:
    return sorted(found, key=lambda one: (-one.reactions, -one.comments, str(one.key)))


def _share(one: GroupCounts, names: dict[int, CopyName]) -> Share:
    copy = names.get(one.key) if isinstance(one.key, int) else None
    name = None if copy is None else copy.label or copy.origin
    return Share(one.key, name, one.reactions, one.comments, copy)


async def by_language(
    services: Services, by: Actor, site: str, span: Span, *, story: str | None = None
) -> list[Share]:
    """Return the numbers of each language: of copies for reactions, and of comments.

    Raises the errors of `over_time`.
    """
    permissions.require(by, "read_numbers", site)
    starts_of(span)
    found = _sorted(await services.numbers.by_language(site, filter_of(span, story, None, None)))
    return [
        Share(one.key, None if one.key is None else str(one.key), one.reactions, one.comments)
        for one in found
    ]


async def matrix(services: Services, by: Actor, site: str, span: Span) -> Matrix:
    """Return where the talk is: up to 50 stories by up to 500 origins, in three SQL statements.

    Raises the errors of `over_time`.
    """
    permissions.require(by, "read_numbers", site)
    starts_of(span)
    wanted = NumbersFilter(span.start, span.end, HOUR_MS)
    stories, cells = await services.numbers.matrix(site, wanted, MATRIX_STORIES)
    most: Counter[str | None] = Counter()
    for cell in cells:
        most[cell.origin] += cell.comments * 1_000 + cell.reactions
    origins = [origin for origin, _ in most.most_common(MATRIX_ORIGINS)]
    shown = set(origins)
    return Matrix(
        stories,
        origins,
        {(cell.story, cell.origin): cell for cell in cells if cell.origin in shown},
    )


def filter_of(
    span: Span, story: str | None, copy: int | None, lang: str | None, *, unit: Unit = "hour"
) -> NumbersFilter:
    """Return what the database counts: periods of the zone's local time."""
    zone = zone_of(span)
    shifts: list[tuple[int, int]] = []
    # Changes of the zone's offset are found to the quarter of an hour.
    for day in range(span.start - span.start % QUARTER_MS, span.end + DAY_MS, DAY_MS):
        offset = _offset(day, zone)
        if not shifts:
            shifts.append((0, offset))
        elif offset != shifts[-1][1]:
            quarters = range(day - DAY_MS, day + 1, QUARTER_MS)
            change = next(at for at in quarters if _offset(at, zone) == offset)
            shifts.append((change, offset))
    step = HOUR_MS if unit == "hour" else DAY_MS
    return NumbersFilter(span.start, span.end, step, tuple(shifts), story, copy, lang)


def _offset(at: int, zone: ZoneInfo) -> int:
    """Return the difference between a zone's local time and UTC, in milliseconds."""
    return int((_local(at, zone).utcoffset() or timedelta()) / timedelta(milliseconds=1))


def zone_of(span: Span) -> ZoneInfo:
    """Return the time zone of a span. Raises `MalformedError` if there is none with its name."""
    try:
        return ZoneInfo(span.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise MalformedError("Name a time zone as Europe/Lisbon or UTC.") from None


def _local(at: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(at / 1000, zone)


def local_start(period: int) -> datetime:
    """Return the local time, without its zone, of a period that the database counted."""
    return datetime.fromtimestamp(period / 1000, UTC).replace(tzinfo=None)


def _start_of(at: int, unit: Unit, zone: ZoneInfo) -> datetime:
    local = _local(at, zone)
    if unit == "day":
        return datetime(local.year, local.month, local.day, tzinfo=zone)
    return local.replace(minute=0, second=0, microsecond=0)


def starts_of(span: Span) -> Sequence[datetime]:
    """Return the starts of all periods of a span. Raises `MalformedError`."""
    zone = zone_of(span)
    length, most = (HOUR_MS, MAX_HOURS) if span.unit == "hour" else (24 * HOUR_MS, MAX_DAYS)
    if not 0 <= span.start < span.end < 2**45 or (span.end - span.start) / length > most:
        raise MalformedError(
            f"Choose a start before the end, and at most {MAX_HOURS // 24} days by hour or {MAX_DAYS} days by day."
        )
    # Short enough steps to find every period, whatever the change to summer time does.
    step = QUARTER_MS if span.unit == "hour" else 6 * HOUR_MS
    steps = range(span.start, span.end, step)
    found = dict.fromkeys(_start_of(at, span.unit, zone) for at in steps)
    found[_start_of(span.end - 1, span.unit, zone)] = None
    return list(found)
