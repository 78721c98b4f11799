"""The event loop's lag is measured."""

import asyncio
import time

from tests.waiting import eventually
from widget_server.model.loop_lag import LoopLag


async def test_a_blocked_loop_is_measured_as_lag() -> None:
    lag = LoopLag()
    task = asyncio.create_task(lag.run())
    await asyncio.sleep(0)
    time.sleep(0.6)
    histogram = lag.metrics.lag_seconds
    await eventually(lambda: histogram.count > 0, "a measurement was added")
    assert histogram.total > 0.3
    assert sum(histogram.bucket_counts[histogram.bounds.index(0.5) :]) == 1, "above 0.25 s"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
