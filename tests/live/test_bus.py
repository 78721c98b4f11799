"""The bus with a real Valkey that is stopped, killed, frozen and cut off."""

import asyncio
import random
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from redis.asyncio import Redis

from tests.engines import Valkey
from tests.waiting import eventually
from widget_server.live.bus import MOST_WAITING, Bus, channel_name
from widget_server.live.messages import Message

CODE = "story0000001"


class Ear:
    """One process's bus, and what came in by it."""

    def __init__(self, url: str, name: str) -> None:
        self.heard: list[Message] = []
        self.gaps = 0
        self.bus = Bus(url, name, self.heard.append, self.note)
        self.task = asyncio.create_task(self.bus.run())

    def note(self) -> None:
        self.gaps += 1

    def numbers(self) -> list[int]:
        return [message.number for message in self.heard]


@pytest.fixture
async def listen(valkey: Valkey) -> AsyncIterator[Callable[..., Awaitable[Ear]]]:
    """Make processes: `await listen("a")`; each is healthy unless told not to wait for that."""
    ears: list[Ear] = []

    async def make(name: str, *, wait: bool = True) -> Ear:
        ear = Ear(valkey.url, name)
        ears.append(ear)
        if wait:
            await eventually(lambda: ear.bus.healthy, "the bus is healthy")
            await asyncio.wait({ear.bus.watch(CODE)}, timeout=5)
        return ear

    yield make
    for ear in ears:
        ear.task.cancel()
        _, pending = await asyncio.wait({ear.task}, timeout=5)
        assert not pending, "a cancelled bus ends"


Listen = Callable[..., Awaitable[Ear]]


def comment(number: int) -> Message:
    return Message("comment", CODE, number, f"c{number}", b'{"n":%d}' % number, number, 5, "e")


def tally(version: int, target: str = "") -> Message:
    return Message("tally", CODE, version, target, b"{}", epoch="e")


async def test_comments_arrive_in_order_and_of_tallies_the_newest(listen: Listen) -> None:
    sender, receiver = await listen("a"), await listen("b")
    for number in range(500):
        sender.bus.publish(comment(number))
        sender.bus.publish(tally(number))
    await eventually(lambda: tally(499) in receiver.heard, "the last tally came")
    await eventually(lambda: comment(499) in receiver.heard, "the last comment came")
    assert [one for one in receiver.heard if one.kind == "comment"] == [
        comment(number) for number in range(500)
    ]
    assert len(receiver.heard) < 520
    assert sender.bus.counts.conflated > 450


async def test_what_is_not_watched_is_not_heard(listen: Listen) -> None:
    sender, receiver = await listen("a"), await listen("b")
    receiver.bus.unwatch([CODE])
    await asyncio.wait({receiver.bus.watch("story0000002")}, timeout=5)
    sender.bus.publish(comment(1))
    sender.bus.publish(Message("comment", "story0000002", 7, "c", b"{}", epoch="e"))
    await eventually(lambda: receiver.numbers() == [7], "the watched story is heard")


async def test_a_killed_bus_is_noticed_and_comes_back_with_a_gap_told(
    listen: Listen, valkey: Valkey
) -> None:
    sender, receiver = await listen("a"), await listen("b")
    gaps = receiver.gaps
    valkey.kill()
    await eventually(lambda: not receiver.bus.healthy, "it is noticed", timeout=2)
    for number in range(100):
        sender.bus.publish(comment(number))
    assert await sender.bus.drained(3), "what cannot be sent is dropped, not kept"
    valkey.start()
    await eventually(lambda: sender.bus.healthy and receiver.bus.healthy, "both are back", 8)
    assert receiver.gaps > gaps
    sender.bus.publish(comment(100))
    await eventually(lambda: receiver.numbers()[-1:] == [100], "messages come again")
    assert sender.bus.counts.dropped >= 100


async def test_a_bus_that_hangs_is_noticed_within_eight_seconds_and_holds_nobody_up(
    listen: Listen, valkey: Valkey
) -> None:
    sender, receiver = await listen("a"), await listen("b")
    assert valkey.process is not None
    valkey.process.send_signal(signal.SIGSTOP)
    try:
        begun = time.monotonic()
        for number in range(10):
            sender.bus.publish(comment(number))
        watching = receiver.bus.watch("story0000002")
        assert time.monotonic() - begun < 0.1
        await eventually(lambda: not receiver.bus.healthy, "it is noticed", timeout=8)
        assert not watching.done()
    finally:
        valkey.process.send_signal(signal.SIGCONT)
    await eventually(lambda: sender.bus.healthy and receiver.bus.healthy, "both are back", 8)
    await asyncio.wait_for(watching, 5)
    sender.bus.publish(comment(100))
    await eventually(lambda: receiver.numbers()[-1:] == [100], "messages come again")


async def test_a_connection_killed_by_the_server_again_and_again_is_made_anew(
    listen: Listen, valkey: Valkey
) -> None:
    sender, receiver = await listen("a"), await listen("b")
    async with Redis.from_url(valkey.url) as operator:
        for round_ in range(1, 6):
            gaps = receiver.gaps
            await operator.client_kill_filter(_type="pubsub")
            await eventually(
                lambda before=gaps: receiver.gaps > before and receiver.bus.healthy, "it is back"
            )
            await eventually(
                lambda: _watchers(operator), "the story is watched again by both processes"
            )
            sender.bus.publish(comment(round_))
            await eventually(
                lambda number=round_: receiver.numbers()[-1:] == [number], "messages come again"
            )
    assert receiver.bus.counts.rebuilt >= 5


async def _watchers(operator: Redis) -> bool:
    (_, number), *_ = await operator.pubsub_numsub(channel_name(CODE))
    return bool(number == 2)


async def test_a_bus_that_is_away_at_the_start_is_found_when_it_comes(
    listen: Listen, valkey: Valkey
) -> None:
    valkey.kill()
    early = await listen("a", wait=False)
    watching = early.bus.watch(CODE)
    await eventually(lambda: early.bus.counts.rebuilt >= 2, "it tries again")
    valkey.start()
    await eventually(lambda: early.bus.healthy, "it is found", 8)
    await asyncio.wait_for(watching, 5)
    sender = await listen("b")
    sender.bus.publish(comment(1))
    await eventually(lambda: early.numbers() == [1], "and heard")


async def test_a_link_on_which_nothing_comes_any_more_is_rebuilt(
    listen: Listen, valkey: Valkey
) -> None:
    """Half-open: the connection stands, the subscriptions are gone, nobody says so."""
    receiver = await listen("a")
    connection = receiver.bus._pubsub.connection  # type: ignore[union-attr]
    gaps = receiver.gaps
    # Unsubscribed behind the bus's back: as silent as a server that has failed over.
    await connection.send_command("UNSUBSCRIBE")  # type: ignore[union-attr]
    await eventually(lambda: receiver.gaps > gaps, "the silence is noticed", timeout=9)
    await eventually(lambda: receiver.bus.healthy, "the link is new", timeout=8)


async def test_what_waits_to_be_sent_is_bounded(listen: Listen, valkey: Valkey) -> None:
    sender = await listen("a")
    for number in range(MOST_WAITING + 50):
        sender.bus.publish(comment(number))
    assert sender.bus.counts.dropped == 50
    assert await sender.bus.drained(10)


async def test_a_message_that_makes_no_sense_disturbs_nobody(
    listen: Listen, valkey: Valkey
) -> None:
    sender, receiver = await listen("a"), await listen("b")
    async with Redis.from_url(valkey.url) as stranger:
        for junk in (b"", b"\xff\n", b"1 c x", b"9 c 1 k 0 0 e\n{}"):
            await stranger.publish(channel_name(CODE), junk)
    sender.bus.publish(comment(1))
    await eventually(lambda: receiver.numbers() == [1], "the next one is heard")


async def test_a_bus_that_is_cancelled_ends_whatever_it_was_doing(valkey: Valkey) -> None:
    chance = random.Random(7)
    for _ in range(60):
        ear = Ear(valkey.url, "a")
        ear.bus.watch(CODE)
        ear.bus.publish(tally(1))
        await asyncio.sleep(chance.random() * 0.02)
        ear.bus.publish(comment(1))
        ear.task.cancel()
        _, pending = await asyncio.wait({ear.task}, timeout=3)
        assert not pending
