"""Deadlines of one WebSocket, with a clock and a transport of the test."""

import asyncio
from typing import cast

import pytest

from widget_server.transport.settings import WebSocketLimits
from widget_server.transport.websocket.keepalive import Expiry, Keepalive, is_pong

LIMITS = WebSocketLimits(
    ping_interval_min_s=30, ping_interval_max_s=30, ping_timeout_s=15, slow_consumer_timeout_s=20
)


class FakeTransport:
    """A transport with `unread` bytes in its buffer."""

    def __init__(self) -> None:
        self.unread = 0

    def get_write_buffer_size(self) -> int:
        return self.unread

    def get_extra_info(self, _name: str) -> None:
        return None


class Timeline:
    """A keepalive that was opened at 0, and the actions of its protocol."""

    def __init__(self) -> None:
        self.keepalive = Keepalive(LIMITS)
        self.fake = FakeTransport()
        self.transport = cast(asyncio.WriteTransport, self.fake)
        self.keepalive.open(0)

    @property
    def due(self) -> float:
        assert self.keepalive.due is not None
        return self.keepalive.due

    def expire(self, *, is_reading: bool = True) -> Expiry:
        """Let the time pass until the deadline."""
        return self.keepalive.expire(self.due, self.transport, is_reading=is_reading)

    def ping(self) -> float:
        """Send the ping that is due. Return the time of that."""
        at = self.due
        assert self.expire() is Expiry.PING
        self.keepalive.new_ping(at)
        return at


def test_the_first_ping_is_early_and_each_next_one_follows_a_pong() -> None:
    line = Timeline()
    assert 15 <= line.due <= 30
    at = line.ping()
    assert line.due == at + 15
    line.keepalive.receive_pong(at + 1)
    assert line.keepalive.ping is None
    assert line.due == at + 31
    assert line.expire() is Expiry.PING


def test_a_ping_contains_its_time_and_only_its_pong_answers_it() -> None:
    line = Timeline()
    assert line.keepalive.new_ping(1.5) == b"\x89\x04" + (1500).to_bytes(4, "big")
    ping = line.keepalive.ping
    assert ping is not None
    assert is_pong(b"\x8a\x84" + bytes(4) + ping, ping)
    assert not is_pong(b"\x8a\x84" + bytes(4) + b"\x00\x00\x00\x01", ping)


def test_a_client_without_unread_bytes_must_answer_in_time() -> None:
    line = Timeline()
    line.ping()
    assert line.expire() is Expiry.NO_PONG


def test_a_ping_behind_unread_bytes_may_wait_while_the_client_reads() -> None:
    line = Timeline()
    line.ping()
    line.fake.unread = 9_000
    for _ in range(20):
        assert line.expire() is Expiry.WAIT
        line.fake.unread -= 100
    found = [line.expire() for _ in range(5)]
    assert found == [Expiry.WAIT] * 4 + [Expiry.NO_PONG]


def test_a_missing_pong_does_not_count_while_this_process_does_not_read() -> None:
    line = Timeline()
    line.ping()
    assert line.expire(is_reading=False) is Expiry.WAIT
    assert line.expire() is Expiry.PING


def test_no_ping_is_sent_while_writing_is_paused() -> None:
    line = Timeline()
    line.fake.unread = 9_000
    line.keepalive.pause(1, line.transport)
    for _ in range(20):
        assert line.expire() is Expiry.WAIT
        line.fake.unread -= 100
    line.keepalive.resume(line.due)
    assert line.expire() is Expiry.PING


def test_a_client_that_reads_nothing_for_20_seconds_is_aborted() -> None:
    line = Timeline()
    line.fake.unread = 9_000
    line.keepalive.pause(1, line.transport)
    found = [line.expire() for _ in range(4)]
    assert found == [Expiry.WAIT] * 3 + [Expiry.NOT_READING]
    assert line.due == 1 + 20


def test_a_pong_while_writing_is_paused_does_not_delay_the_check_of_the_client() -> None:
    line = Timeline()
    at = line.ping()
    line.fake.unread = 9_000
    line.keepalive.pause(at, line.transport)
    line.keepalive.receive_pong(at + 1)
    assert line.due == at + 5
    assert line.expire() is Expiry.WAIT


@pytest.mark.parametrize("is_paused", [False, True])
def test_a_handshake_or_close_that_takes_too_long_is_aborted(is_paused: bool) -> None:
    line = Timeline()
    line.ping()
    line.keepalive.close_by(7)
    if is_paused:
        line.keepalive.pause(6, line.transport)
        line.keepalive.resume(6.5)
    assert line.due == 7
    assert line.keepalive.ping is None
    assert line.expire() is Expiry.NOT_CLOSED
