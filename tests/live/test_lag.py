"""The event loop's lateness is measured, and its peak told once."""

import asyncio
import time

from tests.waiting import eventually
from widget_server.live.lag import Lag


async def test_a_blocked_loop_shows_until_it_was_told() -> None:
    lag = Lag()
    task = asyncio.create_task(lag.run())
    await asyncio.sleep(0)
    time.sleep(0.6)
    await eventually(lambda: lag.latest > 0.2, "the loop's lateness")
    assert lag.worst() > 0.2
    assert lag.worst() == 0.0
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
