"""The form of opening hours and capacity: what a person typed as changes of settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from widget_server.model.capacity import STEPS, Capacity
from widget_server.model.errors import MalformedError
from widget_server.model.hours import DAYS, Mode, Timetable, clock_text, mode_at_minute
from widget_server.operations.owners.settings import Changes

SPARE_ROWS = 2
"""Empty rows of hours at the foot of the list."""
SPARE_DATES = 1
USES = ("site", "always", "own")
"""Whose hours hold: those of the site, none, or the typed ones."""


@dataclass(frozen=True, slots=True)
class HoursRow:
    """A row of hours as it stands in the form."""

    days: frozenset[str] = frozenset()
    start: str = ""
    end: str = ""
    mode: str = "open"


@dataclass(frozen=True, slots=True)
class DatesRow:
    """Some days with one mode as they stand in the form."""

    first: str = ""
    last: str = ""
    mode: str = "closed"


@dataclass(frozen=True, slots=True)
class HoursForm:
    """The form: hours, and the limits (texts of numbers) by step."""

    use: str = "always"
    zone: str = ""
    rows: tuple[HoursRow, ...] = ()
    dates: tuple[DatesRow, ...] = ()
    otherwise: str = "closed"
    limits: Mapping[Mode, tuple[str, str]] = field(default_factory=dict)


def form_of(hours: Timetable | None, capacity: Capacity | None, use: str) -> HoursForm:
    """Return the form that shows these settings."""
    limits = capacity or Capacity()
    shown = {
        step: (_text(limits.limit(step).cases), _text(limits.limit(step).minutes)) for step in STEPS
    }
    if hours is None:
        weekdays = HoursRow(frozenset(DAYS[:5]), "06:00", "23:00")
        return HoursForm(use, "", _spare((weekdays,)), (DatesRow(),), limits=shown)
    rows = tuple(
        HoursRow(
            frozenset(DAYS[day] for day in row.days),
            clock_text(row.start),
            clock_text(row.end),
            row.mode,
        )
        for row in hours.rows
    )
    dates = tuple(
        DatesRow(one.first.isoformat(), one.last.isoformat(), one.mode) for one in hours.dates
    )
    return HoursForm(
        use, hours.zone, _spare(rows), (*dates, DatesRow()), hours.otherwise, limits=shown
    )


def typed_form(fields: Mapping[str, str], days: Mapping[int, Sequence[str]]) -> HoursForm:
    """Return the form with what a person typed; `days` are the ticked days of each row."""
    rows = tuple(
        HoursRow(
            frozenset(days.get(number, ())),
            fields.get(f"from.{number}", ""),
            fields.get(f"to.{number}", ""),
            fields.get(f"mode.{number}", ""),
        )
        for number in _numbers(fields, "from.")
    )
    dates = tuple(
        DatesRow(
            fields.get(f"first.{number}", ""),
            fields.get(f"last.{number}", ""),
            fields.get(f"date_mode.{number}", ""),
        )
        for number in _numbers(fields, "first.")
    )
    limits = {
        step: (fields.get(f"{step}.cases", ""), fields.get(f"{step}.minutes", "")) for step in STEPS
    }
    use, zone = fields.get("use", ""), fields.get("zone", "")
    return HoursForm(use, zone, rows, dates, fields.get("otherwise", "closed"), limits)


def hours_changes(form: HoursForm, *, site: bool) -> Changes:
    """Return the changes that the form asks for. A site also has limits.

    Raises `MalformedError` with the field for what is no time, day or number; the rest is checked when the
    changes are applied.
    """
    changes: dict[str, Any] = {}
    if form.use == "own":
        changes["hours"] = {
            "zone": form.zone,
            "rows": [_row(row) for row in form.rows if row.start or row.end],
            "dates": [
                {"from": one.first, "to": one.last or one.first, "mode": one.mode}
                for one in form.dates
                if one.first
            ],
            "otherwise": form.otherwise,
        }
    else:
        changes["hours"] = None if form.use == "site" else ""
    if not site:
        return changes
    limits = {
        step: {"cases": _number(cases), "minutes": _number(minutes)}
        for step, (cases, minutes) in form.limits.items()
    }
    changes["capacity"] = limits if any(any(one.values()) for one in limits.values()) else ""
    return changes


def week_of(hours: Timetable) -> list[tuple[str, list[Mode]]]:
    """Return the modes of the 24 hours of each weekday, without single dates."""
    return [
        (day, [mode_at_minute(hours, number, 60 * hour) for hour in range(24)])
        for number, day in enumerate(DAYS)
    ]


def _row(row: HoursRow) -> dict[str, Any]:
    days = [day for day in DAYS if day in row.days]
    return {"days": days, "from": row.start, "to": row.end, "mode": row.mode}


def _spare(rows: tuple[HoursRow, ...]) -> tuple[HoursRow, ...]:
    return (*rows, *[HoursRow()] * SPARE_ROWS)


def _numbers(fields: Mapping[str, str], prefix: str) -> list[int]:
    found = [name.removeprefix(prefix) for name in fields if name.startswith(prefix)]
    return sorted(int(number) for number in found if number.isdecimal() and len(number) < 4)


def _number(text: str) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) < 8):
        raise MalformedError.in_field("capacity", "Use a whole number, or nothing for no limit.")
    return int(text)


def _text(number: int) -> str:
    return str(number) if number else ""
