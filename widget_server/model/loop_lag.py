"""Measure the event loop's lag: how late a timer fires. High lag delays everything."""

import asyncio
from dataclasses import dataclass, field
from typing import Annotated

from widget_server.model.metrics import Histogram

INTERVAL_S = 0.25
"""Seconds between two measurements."""


@dataclass(slots=True)
class LoopMetrics:
    """Measured lag, for /metrics."""

    lag_seconds: Annotated[Histogram, "lateness of a timer, four times a second"] = field(
        default_factory=lambda: Histogram(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
    )


class LoopLag:
    """Measures the lag of a timer every `INTERVAL_S`."""

    def __init__(self) -> None:
        self.metrics = LoopMetrics()

    async def run(self) -> None:
        """Measure until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + INTERVAL_S
            await asyncio.sleep(INTERVAL_S)
            self.metrics.lag_seconds.add(max(0.0, loop.time() - due))
