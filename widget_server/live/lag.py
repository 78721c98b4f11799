"""How late the event loop is: the one number that tells whether everything else waits."""

import asyncio

INTERVAL_S = 0.25


class Lag:
    """Lateness of a timer, in seconds: the latest, and the worst since it was last asked for."""

    def __init__(self) -> None:
        self.latest = 0.0
        self._worst = 0.0

    async def run(self) -> None:
        """Measure until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + INTERVAL_S
            await asyncio.sleep(INTERVAL_S)
            self.latest = max(0.0, loop.time() - due)
            self._worst = max(self._worst, self.latest)

    def worst(self) -> float:
        """The worst lateness since the last question: a peak between two scrapes is not lost."""
        worst, self._worst = self._worst, 0.0
        return worst
