"""Presence: what a process counts, and what it announces to the others."""

import json
from typing import Any

import pytest

from widget_server.hub.presence import ALLOWED_CLOCK_SKEW_S, MAX_COPIES, MAX_READERS, Presence


def test_all_readers_are_announced_and_a_limited_number_of_copies() -> None:
    here, there = Presence("here"), Presence("there")
    for copy in range(1, MAX_COPIES + 51):
        here.add(copy)
    message = here.message("story", 0.0)
    assert len(json.loads(message.payload)["copies"]) == MAX_COPIES
    there.receive("here", bytes(message.payload), 0.0)
    assert there.totals() == (MAX_COPIES + 50, MAX_COPIES)
    for copy in range(1, MAX_COPIES + 51):
        here.remove(copy)
    assert here.totals() == (0, 0)


def test_a_network_adds_a_limited_number_of_readers() -> None:
    here = Presence("here", max_per_network=3)
    for socket in range(60):
        here.add(1, "one program")
        assert here.totals() == (min(socket + 1, 3), 1)
    here.add(2, "another network")
    assert here.totals() == (4, 2)
    announced = json.loads(here.message("story", 0.0).payload)
    assert (announced["readers"], "network" in str(announced)) == (4, False)
    for remaining in reversed(range(60)):
        here.remove(1, "one program")
        assert here.totals()[0] == min(remaining, 3) + 1
    here.remove(2, "another network")
    assert here.totals() == (0, 0)
    assert not here._networks


def test_without_a_limit_every_connection_is_a_reader() -> None:
    here = Presence("here", max_per_network=0)
    for _ in range(5):
        here.add(1, "one office")
    assert here.totals() == (5, 1)


class Clock:
    def __init__(self) -> None:
        self.s = 1_800_000_000.0

    def __call__(self) -> int:
        return int(self.s * 1e9)


def test_a_replayed_announcement_changes_nothing() -> None:
    clock = Clock()
    there, here = Presence("there", clock=clock), Presence("here", clock=clock)
    there.add(1)
    older = there.message("story", 0.0).payload
    there.add(2)
    newer = there.message("story", 0.0).payload
    here.receive("there", newer, 0.0)
    here.receive("there", older, 0.0)
    assert here.totals() == (2, 2), "the newer announcement is kept"
    clock.s += ALLOWED_CLOCK_SKEW_S + 1
    here.has_changed(ALLOWED_CLOCK_SKEW_S + 1)
    assert here.totals() == (0, 0), "a silent process expires"
    here.receive("there", newer, ALLOWED_CLOCK_SKEW_S + 1)
    assert here.totals() == (0, 0), "a replay does not bring it back"


@pytest.mark.parametrize(
    "wrong",
    [
        {"readers": 100_000_000},
        {"readers": MAX_READERS + 1},
        {"readers": -1},
        {"readers": 1.5},
        {"readers": True},
        {"readers": "7"},
        {"copies": ["1"]},
        {"copies": [0]},
        {"copies": list(range(1, MAX_COPIES + 2))},
        {"copies": 7},
        {"copies": None},
        {"at": None},
        {"at": 1},
        {"at": 10**19},
    ],
    ids=str,
)
def test_an_announcement_with_impossible_values_is_ignored(wrong: dict[str, Any]) -> None:
    there, here = Presence("there"), Presence("here")
    there.add(1)
    announced = json.loads(there.message("story", 0.0).payload)
    here.receive("there", json.dumps({**announced, **wrong}).encode(), 0.0)
    assert here.totals() == (0, 0)
    here.receive("there", json.dumps(announced).encode(), 0.0)
    assert here.totals() == (1, 1)
