"""Capacity: comments narrow at once when too much waits, and widen late."""

from hypothesis import given, settings, strategies as st

from widget_server.model.capacity import (
    STEPS,
    WIDEN_AFTER_MS,
    Capacity,
    CapacityState,
    Limit,
    Load,
    next_state,
)
from widget_server.model.hours import MODES, Mode

MINUTE = 60_000
WIDTH = {mode: place for place, mode in enumerate(MODES)}


@st.composite
def limits(draw: st.DrawFn) -> Capacity:
    """Return limits whose closed step is not below the other one."""
    approval = Limit(draw(st.integers(0, 50)), draw(st.integers(0, 60)))
    closed = Limit(
        draw(st.one_of(st.just(0), st.integers(approval.cases, 100))),
        draw(st.one_of(st.just(0), st.integers(approval.minutes, 120))),
    )
    found = Capacity(approval, closed)
    found.check()
    return found


steps = st.lists(
    st.tuples(
        st.integers(1, 5 * MINUTE),
        st.integers(0, 120),
        st.one_of(st.none(), st.integers(0, 180 * MINUTE)),
    ),
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(limits(), steps)
def test_whatever_waits_the_state_is_as_narrow_as_the_limits_ask_and_widens_only_by_the_two_rules(
    capacity: Capacity, walk: list[tuple[int, int, int | None]]
) -> None:
    state, now = CapacityState(), 1_000_000_000_000
    for passed, cases, age in walk:
        now += passed
        load = Load(cases, None if age is None else now - age)
        after = next_state(capacity, state, load, now)
        reached: list[Mode] = [mode for mode in STEPS if capacity.limit(mode).is_reached(load, now)]
        for mode in reached:
            assert WIDTH[after.mode] >= WIDTH[mode]
        if WIDTH[after.mode] > WIDTH[state.mode]:
            assert after.mode in reached
        if after.mode == state.mode:
            assert after is state
        else:
            assert after.since == now
        if WIDTH[after.mode] < WIDTH[state.mode]:
            left = capacity.limit(state.mode)
            below_half = not left.is_reached(load, now, 0.5)
            assert state.mode not in reached
            assert below_half or now - state.since >= WIDEN_AFTER_MS
        assert next_state(capacity, after, load, now) is after
        state = after


def test_a_queue_that_is_worked_off_opens_below_half_or_after_ten_minutes() -> None:
    capacity = Capacity(Limit(100, 30), Limit(200))
    closed = next_state(capacity, CapacityState(), Load(200, 0), 5 * MINUTE)
    assert closed.mode == "closed"
    assert next_state(capacity, closed, Load(150, 0), 6 * MINUTE) is closed
    waits = next_state(capacity, closed, Load(99, 0), 7 * MINUTE)
    assert waits.mode == "approval"
    assert next_state(capacity, waits, Load(60, 0), 8 * MINUTE) is waits
    assert next_state(capacity, waits, Load(49, 0), 8 * MINUTE).mode == "open"
    assert next_state(capacity, waits, Load(60, 0), 17 * MINUTE).mode == "open"
    assert next_state(capacity, waits, Load(1, 0), 31 * MINUTE) is waits, (
        "the oldest waits too long"
    )
