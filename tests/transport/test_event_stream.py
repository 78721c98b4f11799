"""An event stream's connection: what it accepts, when it pauses, and what keeps it alive."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from tests.waiting import eventually
from widget_server.hub.prepared import PiecedMessage, PreparedBatch, PreparedMessage
from widget_server.transport.event_stream import (
    EventStreamConnection,
    add_shutdown_hook,
    call_shutdown_hooks,
    mark_draining,
)
from widget_server.transport.metrics import EventStreamMetrics


class Client:
    """The other end: takes bodies while `reading` is set, and disconnects on `leave`."""

    def __init__(self) -> None:
        self.reading, self.leave = asyncio.Event(), asyncio.Event()
        self.reading.set()
        self.bodies: list[bytes] = []
        self.complete = False

    async def send(self, message: MutableMapping[str, Any]) -> None:
        await self.reading.wait()
        self.bodies.append(message["body"])
        self.complete = not message["more_body"]

    async def receive(self) -> MutableMapping[str, Any]:
        await self.leave.wait()
        return {"type": "http.disconnect"}


def batch(*payloads: bytes) -> PreparedBatch:
    return PreparedBatch([PreparedMessage(payload) for payload in payloads])


def test_a_message_is_encoded_once_with_the_position_as_its_id() -> None:
    payload = (
        b'{"type":"comment","story":"8XRUo4XmFn3n","position":{"epoch":"9f","seq":41},"count":1}'
    )
    message = PreparedMessage(payload)
    assert message.event_bytes == b"id: 8XRUo4XmFn3n:9f:41\ndata: " + payload + b"\n\n"
    assert message.event_bytes is message.event_bytes
    assert PreparedMessage(b'{"type":"goodbye"}').event_bytes == b'data: {"type":"goodbye"}\n\n'
    head, text = (
        b'{"type":"snapshot","story":{"code":"8XRUo4XmFn3n"},"position":{"epoch":"9f",',
        b'"seq":7}}',
    )
    assert PiecedMessage([head, text]).event_bytes.startswith(b"id: 8XRUo4XmFn3n:9f:7\n")


async def test_batches_arrive_in_order_and_close_ends_the_response() -> None:
    client, connection = Client(), EventStreamConnection(EventStreamMetrics())
    running = asyncio.create_task(connection.run(client.receive, client.send))
    assert connection.write(batch(b"{1}", b"{2}"))
    assert connection.write(batch(b"{3}"))
    connection.close(1012, "restart")
    await asyncio.wait_for(running, 10)
    assert b"".join(client.bodies) == b"data: {1}\n\ndata: {2}\n\ndata: {3}\n\n"
    assert client.complete
    assert not connection.write(batch(b"{4}"))


async def test_a_client_that_does_not_read_costs_one_buffer_and_is_told_later() -> None:
    client, metrics = Client(), EventStreamMetrics()
    connection = EventStreamConnection(metrics)
    resumed = []
    connection.on_writable = lambda: resumed.append(True)
    client.reading.clear()
    running = asyncio.create_task(connection.run(client.receive, client.send))
    taken = 0
    while connection.write(batch(b"x" * 1000)):
        taken += 1
        assert taken < 100
        await asyncio.sleep(0)
    assert connection.write_paused
    assert metrics.write_pauses == 1
    assert not resumed
    client.reading.set()
    await eventually(lambda: resumed, "the connection is writable again")
    assert not connection.write_paused
    assert connection.write(batch(b"y"))
    client.leave.set()
    await asyncio.wait_for(running, 10)
    assert connection.closed
    assert connection.on_writable is None


async def test_an_idle_stream_is_sent_comments() -> None:
    client, connection = Client(), EventStreamConnection(EventStreamMetrics())
    connection.keepalive_s = 0.01
    running = asyncio.create_task(connection.run(client.receive, client.send))
    await eventually(lambda: client.bodies.count(b": keepalive\n\n") >= 2, "two comments")
    client.leave.set()
    await asyncio.wait_for(running, 10)


def test_a_shutdown_ends_streams_also_those_that_begin_during_it() -> None:
    called: list[str] = []
    scope: dict[str, Any] = {"type": "http"}
    add_shutdown_hook(scope, lambda: called.append("open"))
    assert not called
    call_shutdown_hooks(scope)
    assert called == ["open"]
    late: dict[str, Any] = {"type": "http"}
    mark_draining(late)
    add_shutdown_hook(late, lambda: called.append("late"))
    assert called == ["open", "late"]
