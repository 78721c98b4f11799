"""Opening hours: when readers can write, by weekday and time of a time zone, and on single dates.

The mode follows the clock on the wall of that zone. When that clock jumps or repeats an hour, the mode
does what the clock says: a time that comes twice has the same mode both times.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

Mode = Literal["open", "approval", "closed"]
MODES: tuple[Mode, ...] = get_args(Mode)
"""From the widest to the narrowest."""
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MAX_ROWS = 40
MAX_DATES = 100
DAY = 24 * 60
"""Minutes of a day on which the clock does not change."""
MINUTE_MS = 60_000
DAY_MS = DAY * MINUTE_MS
SEEN_DAYS = 15
"""Days for which edges are computed at once."""
FAR_DAYS = 400
"""Days that are searched if there is no edge in the next ones: a summer break, or a year of one mode."""


@dataclass(frozen=True, slots=True)
class Hours:
    """One row: on these days (0 is Monday) from minute `start` to `end`. An `end` at or before `start` is on the next day."""

    days: tuple[int, ...]
    start: int
    end: int
    mode: Mode


@dataclass(frozen=True, slots=True)
class Dates:
    """Whole days from `first` to `last` with one mode. They come before the rows of the week."""

    first: date
    last: date
    mode: Mode


@dataclass(frozen=True, slots=True)
class Timetable:
    """When readers can write. Where several rows hold, the last one does; where none does, `otherwise`."""

    zone: str
    rows: tuple[Hours, ...] = ()
    dates: tuple[Dates, ...] = ()
    otherwise: Mode = "closed"

    def check(self) -> None:
        """Raise `ValueError` with a sentence if a part is wrong."""
        try:
            ZoneInfo(self.zone)
        except (KeyError, ValueError, OSError):
            raise ValueError(
                "there is no such time zone. Write it as in Europe/Lisbon or UTC."
            ) from None
        if len(self.rows) > MAX_ROWS or len(self.dates) > MAX_DATES:
            raise ValueError(f"use at most {MAX_ROWS} rows of hours and {MAX_DATES} of dates.")
        for row in self.rows:
            if not row.days or not set(row.days) <= set(range(7)):
                raise ValueError("choose at least one day in each row.")
            if not (0 <= row.start < DAY and 0 <= row.end <= DAY):
                raise ValueError("a time is from 00:00 to 24:00.")
        for one in self.dates:
            if one.last < one.first:
                raise ValueError("the last day is before the first one.")
        modes = [*(row.mode for row in self.rows), *(one.mode for one in self.dates)]
        if any(mode not in MODES for mode in (*modes, self.otherwise)):
            raise ValueError(f"a mode is one of {', '.join(MODES)}.")

    def to_json(self) -> dict[str, Any]:
        """Return the timetable as JSON values."""
        return {
            "zone": self.zone,
            "rows": [
                {
                    "days": [DAYS[day] for day in row.days],
                    "from": clock_text(row.start),
                    "to": clock_text(row.end),
                    "mode": row.mode,
                }
                for row in self.rows
            ],
            "dates": [
                {"from": one.first.isoformat(), "to": one.last.isoformat(), "mode": one.mode}
                for one in self.dates
            ],
            "otherwise": self.otherwise,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Timetable":
        """Return a timetable from JSON values. Raises `ValueError`, `TypeError`, `LookupError` or `AttributeError`."""
        return cls(
            zone=str(stored["zone"]),
            rows=tuple(
                Hours(
                    tuple(sorted({DAYS.index(day) for day in row["days"]})),
                    minute_of(row["from"]),
                    minute_of(row["to"]),
                    row["mode"],
                )
                for row in stored.get("rows") or ()
            ),
            dates=tuple(
                Dates(
                    date.fromisoformat(one["from"]),
                    date.fromisoformat(one.get("to") or one["from"]),
                    one["mode"],
                )
                for one in stored.get("dates") or ()
            ),
            otherwise=stored.get("otherwise") or "closed",
        )


def clock_text(minute: int) -> str:
    """Return a minute of the day as `06:00`; the end of the day is `24:00`."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def minute_of(text: str) -> int:
    """Return the minute of the day of `6:00` or `06:00`. Raises `ValueError`."""
    hour, colon, minute = text.strip().partition(":")
    digits = hour.isascii() and hour.isdigit() and minute.isascii() and minute.isdigit()
    if not colon or not digits or len(hour) > 2 or len(minute) != 2 or int(minute) > 59:
        raise ValueError("write a time as 06:00.")
    found = int(hour) * 60 + int(minute)
    if found > DAY:
        raise ValueError("a time is from 00:00 to 24:00.")
    return found


# Modes and edges ------------------------------------------------------------------------------------


def narrower(one: Mode, other: Mode) -> Mode:
    """Return the narrower of two modes."""
    return max(one, other, key=MODES.index)


def mode_at(timetable: Timetable, at: int) -> Mode:
    """Return the mode at a time in milliseconds since 1970."""
    local = datetime.fromtimestamp(at // 1000, UTC).astimezone(_zone(timetable.zone))
    day, minute = local.date(), local.hour * 60 + local.minute
    for one in reversed(timetable.dates):
        if one.first <= day <= one.last:
            return one.mode
    return mode_at_minute(timetable, local.weekday(), minute)


def mode_at_minute(timetable: Timetable, weekday: int, minute: int) -> Mode:
    """Return the mode at a minute of a weekday (0 is Monday) that is no date of the timetable."""
    for row in reversed(timetable.rows):
        if row.end > row.start:
            holds = weekday in row.days and row.start <= minute < row.end
        else:
            holds = (weekday in row.days and minute >= row.start) or (
                (weekday - 1) % 7 in row.days and minute < row.end
            )
        if holds:
            return row.mode
    return timetable.otherwise


def edges_after(timetable: Timetable, at: int) -> tuple[tuple[int, Mode], ...]:
    """Return the next changes of the mode after a time, each with its time and new mode, the first one first.

    They reach two weeks ahead, or to the first change of the next year. None: it never changes.
    """
    modes = {*(row.mode for row in timetable.rows), *(one.mode for one in timetable.dates)}
    if modes <= {timetable.otherwise}:
        return ()
    day = at // DAY_MS
    found = _edges_from(timetable, day, SEEN_DAYS)
    left = found[bisect_right(found, at, key=lambda edge: edge[0]) :]
    return left or _far_edge(timetable, day + SEEN_DAYS)


def next_edge(timetable: Timetable, at: int) -> tuple[int, Mode] | None:
    """Return when the mode changes next after a time, and the new mode; None if it does not within a year."""
    found = edges_after(timetable, at)
    return found[0] if found else None


@dataclass(frozen=True, slots=True)
class Opening:
    """When comments are open, seen from one moment. Times are milliseconds since 1970."""

    mode: Mode
    opens_at: int | None
    """When more is possible than now: when closed comments can be written again, or need no approval any more."""
    closes_at: int | None
    """When comments close next."""
    edges: tuple[tuple[int, Mode], ...]
    """The next changes of the mode."""


def opening_at(timetable: Timetable | None, full: Mode, at: int) -> Opening:
    """Return the opening of a timetable (None: always open), narrowed by what the capacity allows now."""
    mode: Mode = full
    edges: list[tuple[int, Mode]] = []
    if timetable is not None:
        mode = narrower(mode_at(timetable, at), full)
        last = mode
        for edge, new in edges_after(timetable, at):
            after = narrower(new, full)
            if after != last:
                edges.append((edge, after))
            last = after
    width = MODES.index(mode)
    opens = (edge for edge, new in edges if MODES.index(new) < width)
    closes = (edge for edge, new in edges if new == "closed")
    return Opening(mode, next(opens, None), next(closes, None), tuple(edges))


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=512)
def _edges_from(timetable: Timetable, day: int, days: int) -> tuple[tuple[int, Mode], ...]:
    """Return the edges of `days` days from the start of a day (in UTC, counted from 1970)."""
    start = day * DAY_MS
    mode, found = mode_at(timetable, start - 1), []
    for at in sorted(_candidates(timetable, start, start + days * DAY_MS)):
        new = mode_at(timetable, at)
        if new != mode:
            found.append((at, new))
            mode = new
    return tuple(found)


@lru_cache(maxsize=512)
def _far_edge(timetable: Timetable, day: int) -> tuple[tuple[int, Mode], ...]:
    """Return the first edge from a day on (in UTC, from 1970), or nothing: only days with another mode are searched."""
    start = day * DAY_MS
    mode = mode_at(timetable, start - 1)
    all_of = _minutes(timetable)
    week = [{mode_at_minute(timetable, weekday, one) for one in all_of} for weekday in range(7)]
    first = datetime.fromtimestamp(start // 1000, UTC).astimezone(_zone(timetable.zone)).date()
    dates = [one for one in reversed(timetable.dates) if one.last >= first]
    for offset in range(FAR_DAYS - SEEN_DAYS):
        local = first + timedelta(days=offset)
        single = next((one.mode for one in dates if one.first <= local <= one.last), None)
        if (week[local.weekday()] if single is None else {single}) == {mode}:
            continue
        found = [edge for edge in _edges_from(timetable, day + offset - 2, 4) if edge[0] >= start]
        # Nothing is found if the clock leaves out that part of the day.
        if found:
            return (found[0],)
    return ()


def _minutes(timetable: Timetable) -> set[int]:
    """Return the minutes of a day at which the mode may change."""
    return {0, *(one for row in timetable.rows for one in (row.start, row.end % DAY))}


def _candidates(timetable: Timetable, start: int, end: int) -> set[int]:
    """Return all times in a span at which the mode may change: boundaries on the wall's clock, and its jumps."""
    zone = _zone(timetable.zone)
    minutes = _minutes(timetable)
    found = set(_jumps(zone, start, end))
    first = datetime.fromtimestamp(start // 1000, UTC).astimezone(zone).date()
    for offset in range(-1, (end - start) // DAY_MS + 2):
        midnight = datetime.combine(first + timedelta(days=offset), datetime.min.time(), zone)
        for minute in minutes:
            local = midnight.replace(hour=minute // 60, minute=minute % 60)
            found |= {round(local.replace(fold=fold).timestamp() * 1000) for fold in (0, 1)}
    return {at for at in found if start <= at < end}


def _jumps(zone: ZoneInfo, start: int, end: int) -> list[int]:
    """Return when the zone's distance from UTC changes, to the second."""

    def distance(second: int) -> timedelta | None:
        return datetime.fromtimestamp(second, UTC).astimezone(zone).utcoffset()

    found = []
    for low in range(start // 1000 - 86_400, end // 1000 + 86_400, 86_400):
        below, above = low, low + 86_400
        if distance(below) == distance(above):
            continue
        while above - below > 1:
            middle = (below + above) // 2
            below, above = (middle, above) if distance(middle) == distance(low) else (below, middle)
        found.append(above * 1000)
    return found
