"""The audience of a story: what is counted, and what one process tells the others of it."""

import json
from typing import Any

import pytest

from widget_server.live.presence import MOST_COPIES, MOST_READERS, NEW_S, Presence


def test_every_reader_is_told_to_the_others_and_of_the_copies_so_many() -> None:
    here, there = Presence("here"), Presence("there")
    for copy in range(1, MOST_COPIES + 51):
        here.enter(copy)
    message = here.message("story", 0.0)
    assert len(json.loads(message.payload)["copies"]) == MOST_COPIES
    there.hear("here", bytes(message.payload), 0.0)
    assert there.shown() == (MOST_COPIES + 50, MOST_COPIES)
    for copy in range(1, MOST_COPIES + 51):
        here.leave(copy)
    assert here.shown() == (0, 0)


def test_a_network_counts_as_so_many_readers_at_most() -> None:
    here = Presence("here", most=3)
    for socket in range(60):
        here.enter(1, "one program")
        assert here.shown() == (min(socket + 1, 3), 1)
    here.enter(2, "another network")
    assert here.shown() == (4, 2)
    told = json.loads(here.message("story", 0.0).payload)
    assert (told["readers"], "network" in str(told)) == (4, False)
    for left in reversed(range(60)):
        here.leave(1, "one program")
        assert here.shown()[0] == min(left, 3) + 1
    here.leave(2, "another network")
    assert here.shown() == (0, 0)
    assert not here._networks


def test_without_a_limit_every_socket_is_a_reader() -> None:
    here = Presence("here", most=0)
    for _ in range(5):
        here.enter(1, "one office")
    assert here.shown() == (5, 1)


class Clock:
    def __init__(self) -> None:
        self.s = 1_800_000_000.0

    def __call__(self) -> int:
        return int(self.s * 1e9)


def test_what_was_recorded_and_is_said_again_changes_nothing() -> None:
    clock = Clock()
    there, here = Presence("there", clock=clock), Presence("here", clock=clock)
    there.enter(1)
    one = there.message("story", 0.0).payload
    there.enter(2)
    two = there.message("story", 0.0).payload
    here.hear("there", two, 0.0)
    here.hear("there", one, 0.0)
    assert here.shown() == (2, 2), "the newer one stays"
    clock.s += NEW_S + 1
    here.has_changed(NEW_S + 1)
    assert here.shown() == (0, 0), "who says nothing is forgotten"
    here.hear("there", two, NEW_S + 1)
    assert here.shown() == (0, 0), "and stays forgotten"


@pytest.mark.parametrize(
    "wrong",
    [
        {"readers": 100_000_000},
        {"readers": MOST_READERS + 1},
        {"readers": -1},
        {"readers": 1.5},
        {"readers": True},
        {"readers": "7"},
        {"copies": ["1"]},
        {"copies": [0]},
        {"copies": list(range(1, MOST_COPIES + 2))},
        {"copies": 7},
        {"copies": None},
        {"at": None},
        {"at": 1},
        {"at": 10**19},
    ],
    ids=str,
)
def test_an_audience_that_no_process_can_have_is_not_shown(wrong: dict[str, Any]) -> None:
    there, here = Presence("there"), Presence("here")
    there.enter(1)
    said = json.loads(there.message("story", 0.0).payload)
    here.hear("there", json.dumps({**said, **wrong}).encode(), 0.0)
    assert here.shown() == (0, 0)
    here.hear("there", json.dumps(said).encode(), 0.0)
    assert here.shown() == (1, 1)
