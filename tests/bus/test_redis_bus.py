"""The bus with a real Valkey that is killed, frozen, disconnected and used by an attacker."""

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
from widget_server.model.records import STORY

CODE = "story0000001"
OLD, NEW = b"the bus key of before", b"the bus key of today"


class BusProcess:
    """The bus of one process, and the messages that it received."""

    def __init__(self, url: str, name: str, keys: tuple[bytes, ...] = (NEW,)) -> None:
        self.received: list[BusMessage] = []
        self.gaps = 0
        self.bus = RedisBus(url, name, self.received.append, self.count_gap, keys)
        self.task = asyncio.create_task(self.bus.run())

    def count_gap(self) -> None:
        self.gaps += 1

    def numbers(self) -> list[int]:
        return [message.number for message in self.received]


@pytest.fixture
async def listen(valkey: Valkey) -> AsyncIterator[Callable[..., Awaitable[BusProcess]]]:
    """Start processes: `await listen("a")`. By default it waits until the bus is healthy."""
    started: list[BusProcess] = []

    async def make(name: str, *, wait: bool = True, keys: tuple[bytes, ...] = (NEW,)) -> BusProcess:
        process = BusProcess(valkey.url, name, keys)
        started.append(process)
        if wait:
            await eventually(lambda: process.bus.healthy, "the bus is healthy")
            await asyncio.wait({process.bus.subscribe(CODE)}, timeout=5)
        return process

    yield make
    for process in started:
        process.task.cancel()
        _, pending = await asyncio.wait({process.task}, timeout=5)
        assert not pending, "the cancelled bus ends"


Listen = Callable[..., Awaitable[BusProcess]]


def comment(number: int, story: str = CODE) -> BusMessage:
    content = {"type": "comment", "story": story, "position": {"epoch": "e", "seq": number}}
    payload = _json({**content, "comment": {"id": f"c{number}"}})
    start = payload.index(b'{"id"')
    return BusMessage("comment", story, number, f"c{number}", payload, number, start, "e")


def tally(version: int, target: str = STORY) -> BusMessage:
    content = {"type": "tally", "story": CODE} | ({"comment": target} if target else {})
    payload = _json({**content, "version": version, "counts": {}})
    return BusMessage("tally", CODE, version, target, payload, 0, payload.index(b'"version"'), "e")


def _json(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


async def test_comments_arrive_in_order_and_only_the_newest_tallies(listen: Listen) -> None:
    sender, receiver = await listen("a"), await listen("b")
    for number in range(500):
        sender.bus.publish(comment(number))
        sender.bus.publish(tally(number))
    await eventually(lambda: tally(499) in receiver.received, "the last tally arrived")
    await eventually(lambda: comment(499) in receiver.received, "the last comment arrived")
    assert [message for message in receiver.received if message.kind == "comment"] == [
        comment(number) for number in range(500)
    ]
    assert len(receiver.received) < 520
    assert sender.bus.metrics.messages_conflated > 450


async def test_messages_of_unsubscribed_stories_do_not_arrive(listen: Listen) -> None:
    sender, receiver = await listen("a"), await listen("b")
    receiver.bus.unsubscribe([CODE])
    await asyncio.wait({receiver.bus.subscribe("story0000002")}, timeout=5)
    sender.bus.publish(comment(1))
    sender.bus.publish(comment(7, "story0000002"))
    await eventually(
        lambda: receiver.numbers() == [7], "the message of the subscribed story arrives"
    )


async def test_a_killed_bus_is_detected_and_a_gap_is_reported_after_the_reconnect(
    listen: Listen, valkey: Valkey
) -> None:
    sender, receiver = await listen("a"), await listen("b")
    gaps = receiver.gaps
    valkey.kill()
    await eventually(lambda: not receiver.bus.healthy, "the failure is detected", timeout=2)
    for number in range(100):
        sender.bus.publish(comment(number))
    assert await sender.bus.wait_flushed(3), "messages that cannot be sent are dropped"
    valkey.start()
    await eventually(
        lambda: sender.bus.healthy and receiver.bus.healthy, "both are connected again", 8
    )
    assert receiver.gaps > gaps
    sender.bus.publish(comment(100))
    await eventually(lambda: receiver.numbers()[-1:] == [100], "messages arrive again")
    assert sender.bus.metrics.messages_dropped >= 100


async def test_a_hanging_bus_is_detected_within_eight_seconds_and_blocks_no_caller(
    listen: Listen, valkey: Valkey
) -> None:
    sender, receiver = await listen("a"), await listen("b")
    assert valkey.process is not None
    valkey.process.send_signal(signal.SIGSTOP)
    try:
        started_at = time.monotonic()
        for number in range(10):
            sender.bus.publish(comment(number))
        subscribing = receiver.bus.subscribe("story0000002")
        assert time.monotonic() - started_at < 0.1
        await eventually(lambda: not receiver.bus.healthy, "the failure is detected", timeout=8)
        assert not subscribing.done()
    finally:
        valkey.process.send_signal(signal.SIGCONT)
    await eventually(
        lambda: sender.bus.healthy and receiver.bus.healthy, "both are connected again", 8
    )
    await asyncio.wait_for(subscribing, 5)
    sender.bus.publish(comment(100))
    await eventually(lambda: receiver.numbers()[-1:] == [100], "messages arrive again")


async def test_a_connection_killed_repeatedly_by_the_server_is_rebuilt(
    listen: Listen, valkey: Valkey
) -> None:
    sender, receiver = await listen("a"), await listen("b")
    async with Redis.from_url(valkey.url) as operator:
        for round_ in range(1, 6):
            gaps = receiver.gaps
            await operator.client_kill_filter(_type="pubsub")
            await eventually(
                lambda before=gaps: receiver.gaps > before and receiver.bus.healthy,
                "the bus is healthy again",
            )
            await eventually(
                lambda: _both_subscribed(operator), "both processes are subscribed again"
            )
            sender.bus.publish(comment(round_))
            await eventually(
                lambda number=round_: receiver.numbers()[-1:] == [number], "messages arrive again"
            )
    assert receiver.bus.metrics.reconnects >= 5


async def _both_subscribed(operator: Redis) -> bool:
    (_, number), *_ = await operator.pubsub_numsub(channel_name(CODE))
    return bool(number == 2)


async def test_a_bus_that_is_unavailable_at_the_start_is_connected_later(
    listen: Listen, valkey: Valkey
) -> None:
    valkey.kill()
    early = await listen("a", wait=False)
    subscribing = early.bus.subscribe(CODE)
    await eventually(lambda: early.bus.metrics.reconnects >= 2, "it retries")
    valkey.start()
    await eventually(lambda: early.bus.healthy, "it is connected", 8)
    await asyncio.wait_for(subscribing, 5)
    sender = await listen("b")
    sender.bus.publish(comment(1))
    await eventually(lambda: early.numbers() == [1], "the message arrives")


async def test_a_silent_connection_is_rebuilt(listen: Listen, valkey: Valkey) -> None:
    """Half-open: the connection is up, the subscriptions are gone, and no error is raised."""
    receiver = await listen("a")
    connection = receiver.bus._pubsub.connection  # type: ignore[union-attr]
    gaps = receiver.gaps
    # Unsubscribed without the bus: the connection is then as silent as after a failover.
    await connection.send_command("UNSUBSCRIBE")  # type: ignore[union-attr]
    await eventually(lambda: receiver.gaps > gaps, "the silence is detected", timeout=9)
    await eventually(lambda: receiver.bus.healthy, "the connection is rebuilt", timeout=8)


async def test_the_queue_of_outgoing_messages_is_bounded(listen: Listen, valkey: Valkey) -> None:
    sender = await listen("a")
    for number in range(MAX_PENDING + 50):
        sender.bus.publish(comment(number))
    assert sender.bus.metrics.messages_dropped == 50
    assert await sender.bus.wait_flushed(10)


async def test_messages_without_a_valid_signature_are_rejected(
    listen: Listen, valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    sender, receiver = await listen("a"), await listen("b")
    name, attacker = channel_name(CODE), BusSigner([b"another key"])
    good = BusSigner([NEW]).sign(name, comment(1).encode())
    forged = [
        *(b"", b"\xff\n", b" ", b"not json", b"1 c x", b"9 c 1 k 0 0 e\n{}"),
        comment(1).encode(),
        attacker.sign(name, comment(1).encode()),
        # Signed for another story, or with one changed byte.
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
            await eventually(lambda: receiver.numbers() == [2], "only the valid message arrives")
            await operator.publish(name, good)
            await eventually(lambda: receiver.numbers() == [2, 1], "the unchanged message arrives")
    assert receiver.bus.metrics.messages_rejected == len(forged)
    assert sum("event=bus_message_rejected" in line for line in caplog.messages) == 2, (
        "logged once by each process"
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
async def test_a_message_whose_header_and_payload_differ_is_rejected(
    listen: Listen, valkey: Valkey, wrong: dict[str, Any]
) -> None:
    sender, receiver = await listen("a"), await listen("b")
    sender.bus.publish(replace(comment(1), **wrong))
    sender.bus.publish(comment(9))
    await eventually(lambda: 9 in receiver.numbers(), "the next message arrives")
    assert receiver.numbers() == [9]
    assert receiver.bus.metrics.messages_rejected == 1


async def test_an_older_signing_key_is_accepted_until_it_is_removed(listen: Listen) -> None:
    before = await listen("a", keys=(OLD, NEW))
    during = await listen("b", keys=(NEW, OLD))
    after = await listen("c", keys=(NEW,))
    before.bus.publish(comment(1))
    await eventually(lambda: during.numbers() == [1], "signed with the older key")
    during.bus.publish(comment(2))
    await eventually(lambda: after.numbers() == [2], "signed with the newer one")
    await eventually(
        lambda: before.numbers()[-1:] == [2], "accepted by each process that has the key"
    )


async def test_a_forged_or_replayed_probe_does_not_make_the_bus_healthy(
    listen: Listen, valkey: Valkey
) -> None:
    receiver = await listen("a")
    async with Redis.from_url(valkey.url) as attacker, attacker.pubsub() as recorder:
        await recorder.subscribe("w:probe:a")
        recorded = await _next_of(recorder)
        await _next_of(recorder)
        await attacker.publish(channel_name(CODE), b"after the newer probe")
        await eventually(
            lambda: receiver.bus.metrics.messages_rejected == 1, "the message was rejected"
        )
        receiver.bus.healthy, gaps = False, receiver.gaps
        for data in (b"?", b"1", recorded):
            await attacker.publish("w:probe:a", data)
        await attacker.publish(channel_name(CODE), b"the last message")
        await eventually(lambda: receiver.bus.metrics.messages_rejected == 4, "all were rejected")
        assert (receiver.bus.healthy, receiver.gaps) == (False, gaps)
        await eventually(lambda: receiver.bus.healthy, "the next own probe does")


async def _next_of(recorder: Any) -> bytes:
    while True:
        received = await recorder.get_message(ignore_subscribe_messages=True, timeout=5)
        if received is not None:
            data: bytes = received["data"]
            return data


async def test_a_cancelled_bus_ends_at_any_moment(valkey: Valkey) -> None:
    rng = random.Random(7)
    for _ in range(60):
        process = BusProcess(valkey.url, "a")
        process.bus.subscribe(CODE)
        process.bus.publish(tally(1))
        await asyncio.sleep(rng.random() * 0.02)
        process.bus.publish(comment(1))
        process.task.cancel()
        _, pending = await asyncio.wait({process.task}, timeout=3)
        assert not pending
