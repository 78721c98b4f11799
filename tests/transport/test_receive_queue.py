"""The small queue and the small event do what uvicorn needs of the large ones."""

import asyncio
from typing import Any

import pytest

from widget_server.transport.websocket.receive_queue import LightEvent, ReceiveQueue


def message(text: str) -> Any:
    return {"type": "websocket.receive", "text": text}


async def test_events_come_out_in_the_order_in_which_they_went_in() -> None:
    inbox = ReceiveQueue()
    for n in range(5):
        inbox.put_nowait(message(str(n)))
    assert [await inbox.get() for _ in range(5)] == [message(str(n)) for n in range(5)]
    assert inbox.empty()


async def test_who_waits_is_woken() -> None:
    inbox = ReceiveQueue()
    waiting = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    inbox.put_nowait(message("a"))
    inbox.put_nowait(message("b"))
    assert await waiting == message("a")
    assert await inbox.get() == message("b")


async def test_a_cancelled_wait_loses_no_event() -> None:
    inbox = ReceiveQueue()
    waiting = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    inbox.put_nowait(message("a"))
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await inbox.get() == message("a")


async def test_two_tasks_may_not_receive_at_once() -> None:
    inbox = ReceiveQueue()
    waiting = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError):
        await inbox.get()
    inbox.put_nowait(message("a"))
    assert await waiting == message("a")


async def test_nothing_follows_a_disconnect() -> None:
    inbox = ReceiveQueue()
    inbox.put_nowait(message("a"))
    inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})
    inbox.put_nowait(message("b"))
    inbox.put_nowait({"type": "websocket.disconnect", "code": 1006})
    events = [await inbox.get() for _ in range(3)]
    assert [e.get("code") for e in events] == [None, 1000, 1000]


async def test_a_gate_lets_everyone_through_when_it_opens() -> None:
    gate = LightEvent()
    waiting = [asyncio.create_task(gate.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    assert [task.done() for task in waiting] == [True, False, False]
    gate.set()
    await asyncio.gather(*waiting[1:])
    await gate.wait()


async def test_a_gate_that_shuts_again_at_once_stays_shut() -> None:
    gate = LightEvent()
    waiting = asyncio.create_task(gate.wait())
    await asyncio.sleep(0)
    gate.set()
    gate.clear()
    await asyncio.sleep(0)
    assert not waiting.done()
    gate.set()
    await waiting
