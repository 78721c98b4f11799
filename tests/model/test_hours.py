"""Opening hours: the mode at any minute, and the edges between modes, over both changes of the clock."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st

from widget_server.model.hours import (
    DAY,
    MODES,
    Dates,
    Hours,
    Mode,
    Timetable,
    edges_after,
    mode_at,
    narrower,
    next_edge,
    opening_at,
)
from widget_server.model.hours_values import capacity, capacity_text, hours, hours_text

MINUTE = 60_000
ZONES = {
    # Both changes of 2026, from spring to autumn or the other way round.
    "Europe/Lisbon": (date(2026, 3, 29), date(2026, 10, 25)),
    "America/New_York": (date(2026, 3, 8), date(2026, 11, 1)),
    "America/Sao_Paulo": (date(2018, 2, 18), date(2018, 11, 4)),
    "Australia/Lord_Howe": (date(2026, 4, 5), date(2026, 10, 4)),
    "Pacific/Apia": (date(2011, 12, 30), date(2012, 4, 1)),
    "Asia/Kathmandu": (date(2026, 3, 29), date(2026, 10, 25)),
    "UTC": (date(2026, 3, 29), date(2026, 10, 25)),
}
modes = st.sampled_from(MODES)
# The clock changes in the small hours: boundaries there matter most.
minutes = st.one_of(st.integers(0, 4 * 60), st.integers(0, DAY - 1))
rows = st.builds(
    Hours,
    st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days))),
    minutes,
    st.one_of(minutes, st.just(DAY)),
    modes,
)


@st.composite
def weeks(draw: st.DrawFn) -> tuple[Timetable, int]:
    """Return a timetable, and the start of a week (milliseconds) in which its clock changes."""
    zone = draw(st.sampled_from(sorted(ZONES)))
    change = draw(st.sampled_from(ZONES[zone]))
    single = st.builds(
        lambda first, length, mode: Dates(first, first + timedelta(days=length), mode),
        st.dates(change - timedelta(days=3), change + timedelta(days=3)),
        st.integers(0, 2),
        modes,
    )
    timetable = Timetable(
        zone,
        tuple(draw(st.lists(rows, max_size=4))),
        tuple(draw(st.lists(single, max_size=2))),
        draw(modes),
    )
    timetable.check()
    start = datetime.combine(change - timedelta(days=3), datetime.min.time(), UTC)
    return timetable, int(start.timestamp() * 1000)


def mode_by_the_wall(timetable: Timetable, at: int) -> Mode:
    """Return the mode by looking at every row in turn: slow and plain."""
    wall = datetime.fromtimestamp(at / 1000, ZoneInfo(timetable.zone))
    found = timetable.otherwise
    for row in timetable.rows:
        for day in row.days:
            # Minutes of the week in which the row holds, by the clock on the wall.
            start = day * DAY + row.start
            length = row.end - row.start if row.end > row.start else row.end + DAY - row.start
            now = wall.weekday() * DAY + wall.hour * 60 + wall.minute
            if (now - start) % (7 * DAY) < length:
                found = row.mode
    for one in timetable.dates:
        if one.first <= wall.date() <= one.last:
            found = one.mode
    return found


@settings(max_examples=60, deadline=None)
@given(weeks())
def test_modes_and_edges_equal_a_look_at_every_minute_of_a_week_in_which_the_clock_changes(
    week: tuple[Timetable, int],
) -> None:
    timetable, start = week
    times = range(start, start + 7 * DAY * MINUTE, MINUTE)
    seen = [mode_by_the_wall(timetable, at) for at in times]
    assert [mode_at(timetable, at) for at in times] == seen
    changes = [
        (at, mode)
        for at, mode, last in zip(times[1:], seen[1:], seen, strict=False)
        if mode != last
    ]
    end = times[-1]
    assert [edge for edge in edges_after(timetable, start) if edge[0] <= end] == changes
    for at in times[:: 7 * 60 + 13]:
        later = [edge for edge in changes if edge[0] > at]
        found = next_edge(timetable, at)
        if later:
            assert found == later[0]
        else:
            assert found is None or found[0] > end


@settings(max_examples=30, deadline=None)
@given(weeks(), modes)
def test_an_opening_says_when_comments_open_and_close_again_and_is_never_wider_than_the_capacity(
    week: tuple[Timetable, int], full: Mode
) -> None:
    timetable, start = week
    for at in range(start, start + 7 * DAY * MINUTE, 97 * MINUTE):
        now = opening_at(timetable, full, at)
        assert now.mode == narrower(mode_at(timetable, at), full)
        last = now.mode
        for edge, mode in now.edges:
            assert edge > at
            assert mode != last
            assert narrower(mode, full) == mode
            last = mode
        wider = [edge for edge, mode in now.edges if MODES.index(mode) < MODES.index(now.mode)]
        closed = [edge for edge, mode in now.edges if mode == "closed"]
        assert now.opens_at == (wider[0] if wider else None)
        assert now.closes_at == (closed[0] if closed else None)


def test_an_hour_that_comes_twice_has_the_same_mode_twice_and_one_that_is_left_out_opens_after_it() -> (
    None
):
    night = Timetable("Europe/Lisbon", (Hours(tuple(range(7)), 60, 120, "open"),))
    autumn = int(datetime(2026, 10, 25, tzinfo=UTC).timestamp() * 1000)
    # 01:00 to 02:00 comes twice on the wall: two hours of UTC.
    assert edges_after(night, autumn - MINUTE)[:2] == (
        (autumn, "open"),
        (autumn + 120 * MINUTE, "closed"),
    )
    spring = int(datetime(2026, 3, 29, tzinfo=UTC).timestamp() * 1000)
    # The clock jumps from 01:00 to 02:00: the row does not come on that day.
    opened = [at for at, mode in edges_after(night, spring - 720 * MINUTE) if mode == "open"]
    assert opened[0] == spring + (24 * 60) * MINUTE


def test_a_break_of_a_summer_is_found_beyond_the_next_two_weeks() -> None:
    july = Dates(date(2026, 7, 1), date(2026, 8, 31), "closed")
    table = Timetable("Europe/Berlin", (), (july,), "open")
    at = int(datetime(2026, 7, 2, tzinfo=UTC).timestamp() * 1000)
    september = int(datetime(2026, 8, 31, 22, tzinfo=UTC).timestamp() * 1000)
    assert edges_after(table, at) == ((september, "open"),)
    assert next_edge(table, september) is None


@settings(max_examples=40, deadline=None)
@given(weeks(), st.integers(16, 380))
def test_a_far_edge_is_the_first_change_that_a_look_at_every_quarter_of_an_hour_finds(
    week: tuple[Timetable, int], days: int
) -> None:
    """The rows are those of a week; dates with one mode cover the weeks before it."""
    timetable, start = week
    day = datetime.fromtimestamp(start // 1000, UTC).date()
    early = Dates(day - timedelta(days=days + 3), day - timedelta(days=1), "approval")
    rows = [
        replace(row, start=row.start // 15 * 15, end=row.end // 15 * 15) for row in timetable.rows
    ]
    table = replace(timetable, rows=tuple(rows), dates=(early, *timetable.dates))
    at = start - days * DAY * MINUTE
    mode = mode_at(table, at)
    quarters = range(at, start + 7 * DAY * MINUTE, 15 * MINUTE)
    later = ((one, mode_at(table, one)) for one in quarters)
    first = next((edge for edge in later if edge[1] != mode), None)
    found = next_edge(table, at)
    assert found == first if first else found is None or found[0] >= quarters[-1]


def test_a_year_without_an_edge_costs_few_evaluations(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0

    def counted(table: Timetable, at: int) -> Mode:
        nonlocal asked
        asked += 1
        return mode_at(table, at)

    monkeypatch.setattr("widget_server.model.hours.mode_at", counted)
    all_week = tuple(range(7))
    many = tuple(Hours(all_week, 10 * n + 1, 10 * n + 2, "closed") for n in range(40))
    at = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp() * 1000)
    next_year = Dates(date(2027, 3, 1), date(2027, 3, 2), "open")
    assert edges_after(Timetable("Europe/Lisbon", many, (), "closed"), at) == ()
    assert asked == 0
    found = edges_after(Timetable("Europe/Lisbon", many, (next_year,), "closed"), at)
    assert [mode for _, mode in found] == ["open"]
    # The two weeks ahead, and four days around the far edge.
    assert 0 < asked <= (17 + 6) * 81


TEXT = "Europe/Lisbon; mon,tue,wed,thu,fri 06:00-20:00 open; sat,sun 08:00-24:00 approval; 2026-12-24..2026-12-26 closed; 2027-01-01 approval; otherwise closed"


def test_hours_are_read_from_text_and_json_and_written_back() -> None:
    table = hours(None, TEXT)
    assert table is not None
    assert hours_text(table) == TEXT
    assert hours(None, table.to_json()) == table
    assert hours(None, "UTC; fri-mon 22:00-2:00 open") == Timetable(
        "UTC", (Hours((0, 4, 5, 6), 1320, 120, "open"),)
    )
    assert hours(None, "") is None
    limits = capacity(None, "approval 100/30; closed 200/0")
    assert limits is not None
    assert capacity(None, capacity_text(limits)) == limits
    assert capacity(None, limits.to_json()) == limits


@pytest.mark.parametrize(
    "wrong",
    [
        "Nowhere/Land",
        "../etc/passwd",
        "UTC; mon 6-7 open",
        "UTC; mon 06:00-25:00 open",
        "UTC; mon 24:00-06:00 open",
        "UTC; day 06:00-07:00 open",
        "UTC; mon 06:00-07:00 shut",
        "UTC; 2026-02-30 closed",
        "UTC; 2026-12-26..2026-12-24 closed",
        "UTC; ٢٠٢٦-12-26 closed",
        "UTC; mon ٠٦:00-07:00 open",
        "UTC; " + "; ".join(["mon 06:00-07:00 open"] * 41),
        {"zone": "UTC", "rows": [{"days": [], "from": "06:00", "to": "07:00", "mode": "open"}]},
        {"zone": "UTC", "rows": [{"days": "mon", "from": "06:00", "to": "07:00", "mode": "open"}]},
        {"rows": []},
        {"zone": "UTC", "otherwise": "ajar"},
        {"zone": "UTC", "otherwise": ["open"]},
        {"zone": "UTC", "rows": 3},
    ],
)
def test_wrong_hours_are_a_sentence(wrong: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        hours(None, wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [
        "approval",
        "open 5/5",
        "approval 200; closed 100",
        "approval 1/60; closed 2/30",
        "approval -1",
        {"approval": {"cases": "5"}},
        {"approval": {"cases": True}},
        {"approval": 5},
        {"approval": {"hours": 5}},
        {"later": {}},
    ],
)
def test_wrong_limits_are_a_sentence(wrong: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        capacity(None, wrong)  # type: ignore[arg-type]
