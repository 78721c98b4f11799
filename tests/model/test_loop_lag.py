"""The event loop's lateness is measured."""

import asyncio
import time

from tests.waiting import eventually
from widget_server.model.loop_lag import LoopLag


async def test_a_blocked_loop_shows_as_late() -> None:
    lag = LoopLag()
    task = asyncio.create_task(lag.run())
    await asyncio.sleep(0)
    time.sleep(0.6)
    late = lag.metrics.lag_seconds
    await eventually(lambda: late.count > 0, "the loop's lateness")
    assert late.total > 0.3
    assert sum(late.bucket_counts[late.bounds.index(0.5) :]) == 1, "above 0.25 s"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
