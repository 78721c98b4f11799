"""ReceiveQueue and LightEvent behave like the asyncio classes that they replace."""

import asyncio
from typing import Any

import pytest

from widget_server.transport.websocket.receive_queue import LightEvent, ReceiveQueue


def message(text: str) -> Any:
    return {"type": "websocket.receive", "text": text}


async def test_events_are_returned_in_order() -> None:
    queue = ReceiveQueue()
    for n in range(5):
        queue.put_nowait(message(str(n)))
    assert [await queue.get() for _ in range(5)] == [message(str(n)) for n in range(5)]
    assert queue.empty()


async def test_a_waiting_task_is_woken() -> None:
    queue = ReceiveQueue()
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.put_nowait(message("a"))
    queue.put_nowait(message("b"))
    assert await waiting == message("a")
    assert await queue.get() == message("b")


async def test_a_cancelled_wait_loses_no_event() -> None:
    queue = ReceiveQueue()
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.put_nowait(message("a"))
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await queue.get() == message("a")


async def test_two_tasks_may_not_receive_at_once() -> None:
    queue = ReceiveQueue()
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError):
        await queue.get()
    queue.put_nowait(message("a"))
    assert await waiting == message("a")


async def test_no_event_follows_a_disconnect() -> None:
    queue = ReceiveQueue()
    queue.put_nowait(message("a"))
    queue.put_nowait({"type": "websocket.disconnect", "code": 1000})
    queue.put_nowait(message("b"))
    queue.put_nowait({"type": "websocket.disconnect", "code": 1006})
    received = [await queue.get() for _ in range(3)]
    assert [event.get("code") for event in received] == [None, 1000, 1000]


async def test_setting_the_event_wakes_all_waiting_tasks() -> None:
    event = LightEvent()
    waiting = [asyncio.create_task(event.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    assert [task.done() for task in waiting] == [True, False, False]
    event.set()
    await asyncio.gather(*waiting[1:])
    await event.wait()


async def test_an_event_that_is_cleared_at_once_wakes_no_task() -> None:
    event = LightEvent()
    waiting = asyncio.create_task(event.wait())
    await asyncio.sleep(0)
    event.set()
    event.clear()
    await asyncio.sleep(0)
    assert not waiting.done()
    event.set()
    await waiting
