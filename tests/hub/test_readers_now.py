"""Readers now: every process knows the readers of all, by story and by copy."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.waiting import eventually
from widget_server.bus.message import BusMessage, decode, is_sound
from widget_server.hub.presence import Presence
from widget_server.hub.readers_now import TOPIC, ReadersNow, StoryReaders


class Wire:
    """A bus between several processes in this event loop, over the bytes of the real bus."""

    healthy = True

    def __init__(self) -> None:
        self.members: list[ReadersNow] = []
        self.sent: list[BusMessage] = []

    def publish(self, message: BusMessage) -> None:
        self.sent.append(message)
        received = decode(TOPIC, message.encode())
        assert received is not None
        assert is_sound(received)
        for member in self.members:
            asyncio.get_running_loop().call_soon(member.receive, received)

    def subscribe(self, _code: str) -> "asyncio.Future[None]":
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    def unsubscribe(self, _codes: Any) -> None:
        raise AssertionError("The topic is never given up.")

    def process(
        self, name: str, stories: dict[str, StoryReaders], **more: Callable[[], int]
    ) -> ReadersNow:
        member = ReadersNow(name, lambda: stories, **more)
        member.connect(self)
        self.members.append(member)
        return member


async def test_every_process_knows_the_readers_of_all_by_story_and_copy() -> None:
    wire = Wire()
    here = wire.process("here", {"one": StoryReaders(3, {7: 2, 8: 1})})
    wire.process("there", {"one": StoryReaders(2, {7: 1, 9: 1}), "two": StoryReaders(1)})
    await here.read()
    await eventually(lambda: bool(here._others), "the other process answers")
    assert await here.read() == {
        "one": StoryReaders(5, {7: 3, 8: 1, 9: 1}),
        "two": StoryReaders(1),
    }


async def test_no_process_asks_while_nobody_looks() -> None:
    wire = Wire()
    here = wire.process("here", {})
    here.tick()
    assert wire.sent == []
    await here.read()
    assert [json.loads(message.payload)["ask"] for message in wire.sent] == [True]


async def test_a_second_read_does_not_wait_or_ask_again() -> None:
    wire = Wire()
    here = wire.process("here", {"one": StoryReaders(1)})
    await here.read()
    reading = asyncio.ensure_future(here.read())
    await asyncio.sleep(0)
    assert reading.done()
    assert len(wire.sent) == 1


async def test_an_answer_that_is_sent_again_later_changes_nothing() -> None:
    wire = Wire()
    readers = {"one": StoryReaders(1)}
    here, there = wire.process("here", {}), wire.process("there", readers)
    there._answer()
    recorded = wire.sent[-1]
    await eventually(lambda: here._sum() == readers, "the first answer arrived")
    readers["one"] = StoryReaders(9)
    there._answer()
    await eventually(lambda: here._sum()["one"].readers == 9, "the second answer arrived")
    here.receive(recorded)
    assert here._sum()["one"].readers == 9
    late = wire.process("late", {}, clock=lambda: 10**18)
    late.receive(recorded)
    assert late._sum() == {}


@pytest.mark.parametrize(
    "stories",
    [
        [["one", -1, []]],
        [["one", "1", []]],
        [["one", 1, [[7, 2**70]]]],
        [["one", 1]],
        [[1, 1, []]],
        {"one": 1},
        [["one", 1, []]] * 501,
    ],
)
async def test_an_answer_with_a_wrong_value_is_ignored(stories: Any) -> None:
    here = Wire().process("here", {})
    content = {"at": here._time(), "part": 0, "parts": 1, "stories": stories}
    here.receive(BusMessage("presence", TOPIC, 0, "there", json.dumps(content).encode()))
    assert here._sum() == {}


async def test_many_stories_arrive_in_several_parts() -> None:
    wire = Wire()
    many = {f"story{number}": StoryReaders(1, {number + 1: 1}) for number in range(1_201)}
    here, there = wire.process("here", {}), wire.process("there", many)
    there._answer()
    assert len(wire.sent) == 3
    await eventually(lambda: here._sum() == many, "all parts arrived")


def test_a_network_adds_a_limited_number_of_readers_to_a_copy() -> None:
    presence = Presence("here", max_per_network=3)
    for _ in range(10):
        presence.add(1, "one program")
    presence.add(1, "another network")
    presence.add(2, "another network")
    assert presence.own_readers() == (5, {1: 4, 2: 1})
    for _ in range(10):
        presence.remove(1, "one program")
    assert presence.own_readers()[1] == {1: 1, 2: 1}
    presence.remove(1, "another network")
    presence.remove(2, "another network")
    assert presence.own_readers() == (0, {})
    assert not presence._copy_networks
