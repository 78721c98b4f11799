"""How late the event loop is: the one number that tells whether everything else waits."""

import asyncio
from dataclasses import dataclass, field
from typing import Annotated

from widget_server.model.metrics import Histogram

INTERVAL_S = 0.25


@dataclass(slots=True)
class LoopMetrics:
    """What was measured, for /metrics."""

    lag_seconds: Annotated[Histogram, "lateness of a timer, four times a second"] = field(
        default_factory=lambda: Histogram(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
    )


class LoopLag:
    """Lateness of a timer, over and over."""

    def __init__(self) -> None:
        self.metrics = LoopMetrics()

    async def run(self) -> None:
        """Measure until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + INTERVAL_S
            await asyncio.sleep(INTERVAL_S)
            self.metrics.lag_seconds.add(max(0.0, loop.time() - due))
