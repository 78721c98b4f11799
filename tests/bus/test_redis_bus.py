"""The bus with a real Valkey that is stopped, killed, frozen, cut off and spoken on by strangers."""

import asyncio
import json
import logging
import random
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis

from tests.engines import Valkey
from tests.waiting import eventually
from widget_server.bus.message import BusMessage
from widget_server.bus.publisher import MAX_PENDING
from widget_server.bus.redis_bus import RedisBus
from widget_server.bus.redis_client import channel_name
from widget_server.bus.signing import BusSigner

CODE = "story0000001"
OLD, NEW = b"the bus key of before", b"the bus key of today"


class Ear:
    """One process's bus, and what came in by it."""

    def __init__(self, url: str, name: str, keys: tuple[bytes, ...] = (NEW,)) -> None:
        self.heard: list[BusMessage] = []
        self.gaps = 0
        self.bus = RedisBus(url, name, self.heard.append, self.note, keys)
        self.task = asyncio.create_task(self.bus.run())

    def note(self) -> None:
        self.gaps += 1

    def numbers(self) -> list[int]:
        return [message.number for message in self.heard]


@pytest.fixture
async def listen(valkey: Valkey) -> AsyncIterator[Callable[..., Awaitable[Ear]]]:
    """Make processes: `await listen("a")`; each is healthy unless told not to wait for that."""
    ears: list[Ear] = []

    async def make(name: str, *, wait: bool = True, keys: tuple[bytes, ...] = (NEW,)) -> Ear:
        ear = Ear(valkey.url, name, keys)
        ears.append(ear)
        if wait:
            await eventually(lambda: ear.bus.healthy, "the bus is healthy")
            await asyncio.wait({ear.bus.subscribe(CODE)}, timeout=5)
        return ear

    yield make
    for ear in ears:
        ear.task.cancel()
        _, pending = await asyncio.wait({ear.task}, timeout=5)
        assert not pending, "a cancelled bus ends"


Listen = Callable[..., Awaitable[Ear]]


def comment(number: int, story: str = CODE) -> BusMessage:
    about = {"type": "comment", "story": story, "position": {"epoch": "e", "seq": number}}
    payload = _json({**about, "comment": {"id": f"c{number}"}})
    start = payload.index(b'{"id"')
    return BusMessage("comment", story, number, f"c{number}", payload, number, start, "e")


def tally(version: int, target: str = "") -> BusMessage:
    about = {"type": "tally", "story": CODE} | ({"comment": target} if target else {})
    payload = _json({**about, "version": version, "counts": {}})
    return BusMessage("tally", CODE, version, target, payload, 0, payload.index(b'"version"'), "e")


def _json(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


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
    assert sender.bus.metrics.messages_conflated > 450


async def test_what_is_not_watched_is_not_heard(listen: Listen) -> None:
    sender, receiver = await listen("a"), await listen("b")
    receiver.bus.unsubscribe([CODE])
    await asyncio.wait({receiver.bus.subscribe("story0000002")}, timeout=5)
    sender.bus.publish(comment(1))
    sender.bus.publish(comment(7, "story0000002"))
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
    assert await sender.bus.wait_flushed(3), "what cannot be sent is dropped, not kept"
    valkey.start()
    await eventually(lambda: sender.bus.healthy and receiver.bus.healthy, "both are back", 8)
    assert receiver.gaps > gaps
    sender.bus.publish(comment(100))
    await eventually(lambda: receiver.numbers()[-1:] == [100], "messages come again")
    assert sender.bus.metrics.messages_dropped >= 100


async def test_a_bus_that_hangs_is_noticed_within_eight_seconds_and_holds_no_one_up(
    listen: Listen, valkey: Valkey
) -> None:
    sender, receiver = await listen("a"), await listen("b")
    assert valkey.process is not None
    valkey.process.send_signal(signal.SIGSTOP)
    try:
        begun = time.monotonic()
        for number in range(10):
            sender.bus.publish(comment(number))
        watching = receiver.bus.subscribe("story0000002")
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
    assert receiver.bus.metrics.reconnects >= 5


async def _watchers(operator: Redis) -> bool:
    (_, number), *_ = await operator.pubsub_numsub(channel_name(CODE))
    return bool(number == 2)


async def test_a_bus_that_is_away_at_the_start_is_found_when_it_comes(
    listen: Listen, valkey: Valkey
) -> None:
    valkey.kill()
    early = await listen("a", wait=False)
    watching = early.bus.subscribe(CODE)
    await eventually(lambda: early.bus.metrics.reconnects >= 2, "it tries again")
    valkey.start()
    await eventually(lambda: early.bus.healthy, "it is found", 8)
    await asyncio.wait_for(watching, 5)
    sender = await listen("b")
    sender.bus.publish(comment(1))
    await eventually(lambda: early.numbers() == [1], "and heard")


async def test_a_link_on_which_nothing_comes_any_more_is_rebuilt(
    listen: Listen, valkey: Valkey
) -> None:
    """Half-open: the connection stands, the subscriptions are gone, no one says so."""
    receiver = await listen("a")
    connection = receiver.bus._pubsub.connection  # type: ignore[union-attr]
    gaps = receiver.gaps
    # Unsubscribed behind the bus's back: as silent as a server that has failed over.
    await connection.send_command("UNSUBSCRIBE")  # type: ignore[union-attr]
    await eventually(lambda: receiver.gaps > gaps, "the silence is noticed", timeout=9)
    await eventually(lambda: receiver.bus.healthy, "the link is new", timeout=8)


async def test_what_waits_to_be_sent_is_bounded(listen: Listen, valkey: Valkey) -> None:
    sender = await listen("a")
    for number in range(MAX_PENDING + 50):
        sender.bus.publish(comment(number))
    assert sender.bus.metrics.messages_dropped == 50
    assert await sender.bus.wait_flushed(10)


async def test_nothing_is_heard_that_no_process_of_ours_has_said(
    listen: Listen, valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    sender, receiver = await listen("a"), await listen("b")
    name, stranger = channel_name(CODE), BusSigner([b"another key"])
    good = BusSigner([NEW]).sign(name, comment(1).encode())
    forged = [
        *(b"", b"\xff\n", b" ", b"not json", b"1 c x", b"9 c 1 k 0 0 e\n{}"),
        comment(1).encode(),
        stranger.sign(name, comment(1).encode()),
        # What was signed for one story is not said of another; nor is any byte of it changed.
        BusSigner([NEW]).sign(channel_name("story0000002"), comment(1).encode()),
        good[:-2] + b"]}",
        b"0" + good[1:] if good[:1] != b"0" else b"1" + good[1:],
        good.upper(),
    ]
    with caplog.at_level(logging.WARNING, "widget_server.bus.redis_bus"):
        async with Redis.from_url(valkey.url) as operator:
            for data in forged:
                await operator.publish(name, data)
            sender.bus.publish(comment(2))
            await eventually(lambda: receiver.numbers() == [2], "the next one is heard, no other")
            await operator.publish(name, good)
            await eventually(lambda: receiver.numbers() == [2, 1], "and what is as we say it")
    assert receiver.bus.metrics.messages_rejected == len(forged)
    assert sum("event=bus_message_rejected" in line for line in caplog.messages) == 2, (
        "once by each"
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"payload": b"not json"},
        {"payload": b"[]"},
        {"payload": b"{}"},
        {"payload": b'{"type":"ok","story":"story0000001"}'},
        {"number": -1},
        {"number": 2},
        {"number": 2**53},
        {"count": -1},
        {"target": "another"},
        {"epoch": "another"},
        {"body_offset": 0},
        {"kind": "story", "number": 2},
        {"kind": "tally"},
    ],
    ids=str,
)
async def test_what_its_header_does_not_say_rightly_is_not_passed_on(
    listen: Listen, valkey: Valkey, wrong: dict[str, Any]
) -> None:
    sender, receiver = await listen("a"), await listen("b")
    sender.bus.publish(replace(comment(1), **wrong))
    sender.bus.publish(comment(9))
    await eventually(lambda: 9 in receiver.numbers(), "the next one is heard")
    assert receiver.numbers() == [9]
    assert receiver.bus.metrics.messages_rejected == 1


async def test_a_replaced_secret_is_known_until_it_is_taken_away(listen: Listen) -> None:
    before = await listen("a", keys=(OLD, NEW))
    during = await listen("b", keys=(NEW, OLD))
    after = await listen("c", keys=(NEW,))
    before.bus.publish(comment(1))
    await eventually(lambda: during.numbers() == [1], "signed with the older key")
    during.bus.publish(comment(2))
    await eventually(lambda: after.numbers() == [2], "signed with the newer one")
    await eventually(lambda: before.numbers()[-1:] == [2], "by each that has it")


async def test_a_probe_that_is_forged_or_sent_again_says_nothing_about_the_bus(
    listen: Listen, valkey: Valkey
) -> None:
    receiver = await listen("a")
    async with Redis.from_url(valkey.url) as stranger, stranger.pubsub() as recorder:
        await recorder.subscribe("w:probe:a")
        recorded = await _next_of(recorder)
        await _next_of(recorder)
        await stranger.publish(channel_name(CODE), b"after the newer one")
        await eventually(lambda: receiver.bus.metrics.messages_rejected == 1, "that has been heard")
        receiver.bus.healthy, gaps = False, receiver.gaps
        for data in (b"?", b"1", recorded):
            await stranger.publish("w:probe:a", data)
        await stranger.publish(channel_name(CODE), b"the last of these")
        await eventually(lambda: receiver.bus.metrics.messages_rejected == 4, "all were looked at")
        assert (receiver.bus.healthy, receiver.gaps) == (False, gaps)
        await eventually(lambda: receiver.bus.healthy, "its own next one does")


async def _next_of(recorder: Any) -> bytes:
    while True:
        said = await recorder.get_message(ignore_subscribe_messages=True, timeout=5)
        if said is not None:
            data: bytes = said["data"]
            return data


async def test_a_bus_that_is_cancelled_ends_whatever_it_was_doing(valkey: Valkey) -> None:
    chance = random.Random(7)
    for _ in range(60):
        ear = Ear(valkey.url, "a")
        ear.bus.subscribe(CODE)
        ear.bus.publish(tally(1))
        await asyncio.sleep(chance.random() * 0.02)
        ear.bus.publish(comment(1))
        ear.task.cancel()
        _, pending = await asyncio.wait({ear.task}, timeout=3)
        assert not pending
