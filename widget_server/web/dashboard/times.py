"""Times as people write them. All are in UTC."""

from dataclasses import dataclass
from datetime import UTC, datetime

from widget_server.web.dashboard.texts import Translate

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


def duration(t: Translate, length: int) -> str:
    """Return a length in milliseconds as “12 min”, “3.4 h”, then days, rounded up to a minute."""
    if length < HOUR:
        return t("minutes", n=-(-length // MINUTE))
    unit, key = (HOUR, "hours") if length < 2 * DAY else (DAY, "n_days")
    tenths = round(10 * length / unit)
    return t(key, n=t.number(tenths / 10, 1 if tenths % 10 else 0))


@dataclass(frozen=True, slots=True)
class Clock:
    """Writes times (milliseconds since 1970) as seen at `now`."""

    t: Translate
    now: int

    def ago(self, at: int | None) -> str:
        """Return “now”, “6 min”, “2 h”, then the date; “never” for None."""
        if at is None:
            return self.t("never")
        past = self.now - at
        if past < MINUTE:
            return self.t("now")
        if past < HOUR:
            return self.t("minutes", n=past // MINUTE)
        if past < DAY:
            return self.t("hours", n=past // HOUR)
        return self.day(at)

    def left(self, until: int | None) -> str:
        """Return “in 6 min”, “in 2 h”, “in 9 days”; “never” for None."""
        if until is None:
            return self.t("never")
        rest = max(0, until - self.now)
        if rest < HOUR:
            return self.t("in_minutes", n=rest // MINUTE)
        if rest < 2 * DAY:
            return self.t("in_hours", n=rest // HOUR)
        return self.t("in_days", n=rest // DAY)

    def day(self, at: int) -> str:
        """Return day, month and, if it is another one, the year."""
        when, today = _date(at), _date(self.now)
        key = "day" if when.year == today.year else "day_of_year"
        month = self.t.months[when.month - 1]
        return self.t(key, day=when.day, month=month, year=str(when.year))

    def whole(self, at: int) -> str:
        """Return the time for a `title`: 2026-11-26 14:12 UTC."""
        return f"{_date(at):%Y-%m-%d %H:%M} UTC"

    def clock(self, at: int) -> str:
        """Return the time of the day: 14:12:05."""
        return f"{_date(at):%H:%M:%S}"

    def iso(self, at: int) -> str:
        """Return the time for a `datetime` attribute."""
        return f"{_date(at):%Y-%m-%dT%H:%M:%SZ}"


def _date(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC)
