"""The audience of a story: what one process tells the others of it is bounded."""

import json

from widget_server.live.presence import MOST_COPIES, Presence


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
