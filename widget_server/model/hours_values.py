"""Parse opening hours and capacity as people write them on a command line, or as JSON of the owner API."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from widget_server.model.capacity import STEPS, Capacity, Limit
from widget_server.model.hours import (
    DAYS,
    MODES,
    Dates,
    Hours,
    Mode,
    Timetable,
    clock_text,
    minute_of,
)

EXAMPLE = "Europe/Lisbon; mon-fri 06:00-20:00 open; sat,sun 08:00-20:00 approval; 2026-12-24..2026-12-26 closed"
CAPACITY_EXAMPLE = "approval 100/30; closed 200/120"
_LIMIT = re.compile(r"(approval|closed) ([0-9]{1,7})(?:/([0-9]{1,7}))?")
_DATES = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:\.\.([0-9]{4}-[0-9]{2}-[0-9]{2}))?")


def hours(_: object, value: str | Mapping[str, Any]) -> Timetable | None:
    """Parse a text as in `EXAMPLE`, or a JSON object. An empty value is None: always open.

    Raises `ValueError` with a sentence.
    """
    if not value:
        return None
    try:
        found = Timetable.from_json(value) if isinstance(value, Mapping) else _of_text(value)
    except (TypeError, LookupError, AttributeError):
        raise ValueError(f"use an object as in the documentation, or a text: {EXAMPLE}.") from None
    found.check()
    return found


def hours_text(timetable: Timetable) -> str:
    """Return the text that `hours` parses."""
    parts = [timetable.zone]
    for row in timetable.rows:
        days = ",".join(DAYS[day] for day in row.days)
        parts.append(f"{days} {clock_text(row.start)}-{clock_text(row.end)} {row.mode}")
    for one in timetable.dates:
        last = f"..{one.last}" if one.last != one.first else ""
        parts.append(f"{one.first}{last} {one.mode}")
    return "; ".join([*parts, f"otherwise {timetable.otherwise}"])


def capacity(_: object, value: str | Mapping[str, Any]) -> Capacity | None:
    """Parse `STEP CASES/MINUTES` as in `CAPACITY_EXAMPLE`, or a JSON object. An empty value is None: no limit.

    Raises `ValueError` with a sentence.
    """
    if not value:
        return None
    if isinstance(value, Mapping):
        try:
            found = Capacity.from_json(value)
        except (TypeError, LookupError, AttributeError):
            raise ValueError("use an object with `approval` and `closed`.") from None
    else:
        limits = {step: Limit() for step in STEPS}
        for part in filter(None, (one.strip() for one in value.split(";"))):
            match = _LIMIT.fullmatch(part)
            if match is None:
                raise ValueError(f"write step, cases and minutes as in: {CAPACITY_EXAMPLE}.")
            step = next(each for each in STEPS if each == match[1])
            limits[step] = Limit(int(match[2]), int(match[3] or 0))
        found = Capacity(*(limits[step] for step in STEPS))
    found.check()
    return found


def capacity_text(limits: Capacity) -> str:
    """Return the text that `capacity` parses."""
    own = [(step, limits.limit(step)) for step in STEPS]
    return "; ".join(
        f"{step} {one.cases}/{one.minutes}" for step, one in own if one.cases or one.minutes
    )


def _of_text(text: str) -> Timetable:
    zone, *parts = (part.strip() for part in text.split(";"))
    rows: list[Hours] = []
    dates: list[Dates] = []
    otherwise: Mode = "closed"
    for part in filter(None, parts):
        *when, word = part.split()
        if word not in MODES:
            raise ValueError(f"end each part with {', '.join(MODES)}, for instance: {EXAMPLE}.")
        mode = next(each for each in MODES if each == word)
        if when == ["otherwise"]:
            otherwise = mode
        elif len(when) == 1 and (match := _DATES.fullmatch(when[0])):
            first, last = match.groups()
            dates.append(Dates(date.fromisoformat(first), date.fromisoformat(last or first), mode))
        elif len(when) == 2 and "-" in when[1]:
            start, _, end = when[1].partition("-")
            rows.append(Hours(_days(when[0]), minute_of(start), minute_of(end), mode))
        else:
            raise ValueError(f"write each part as in: {EXAMPLE}.")
    return Timetable(zone, tuple(rows), tuple(dates), otherwise)


def _days(text: str) -> tuple[int, ...]:
    found: set[int] = set()
    for part in text.lower().split(","):
        first, dash, last = part.partition("-")
        if first not in DAYS or (dash and last not in DAYS):
            raise ValueError(f"a day is one of {', '.join(DAYS)}, as in mon-fri or sat,sun.")
        start = DAYS.index(first)
        length = (DAYS.index(last) - start) % 7 if dash else 0
        found |= {(start + day) % 7 for day in range(length + 1)}
    return tuple(sorted(found))
