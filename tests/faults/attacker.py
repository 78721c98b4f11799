"""Process that runs one attack on request and counts how its connections end.

The parent writes one JSON command per line on standard input. Each is answered by one line with the
counts.
"""

import asyncio
import json
import os
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from tests.async_context import AsyncContext
from tests.e2e.harness import ROOT
from tests.faults.hostile import ATTACKS, Attack, Ends, Target


class Attacker(AsyncContext):
    """Handle of the attacking process: `async with Attacker("never reads", target) as attacker:`.

    The attack runs in its own process, so that its work does not count as work of the server. The
    process has the lowest priority (nice 19). Otherwise, on two cores, the test would measure how
    much CPU the attacker takes.
    """

    def __init__(self, name: str, target: Target) -> None:
        self.name, self.target = name, target

    async def open(self) -> None:
        """Start the process, without attacking yet."""
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.faults.attacker"),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        await self._send({"name": self.name, **asdict(self.target)})

    async def close(self, error: BaseException | None) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        await self.process.wait()

    async def start(self) -> None:
        """Start the attack. Ended connections are replaced until `stop`."""
        await self._send("start")

    async def ends(self) -> Ends:
        """Return how connections have ended since `start`."""
        return Counter(await self._send("ends"))

    async def stop(self) -> Ends:
        """Close all connections and return how connections have ended since `start`."""
        return Counter(await self._send("stop"))

    async def _send(self, command: object) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(command).encode() + b"\n")
        return json.loads(await self.process.stdout.readline())


async def _keep_attacking(attack: Attack, target: Target, ends: Ends) -> None:
    """Keep `concurrency` connections open and start at most `per_second` new ones a second."""
    loop = asyncio.get_running_loop()
    running: set[asyncio.Task[None]] = set()
    next_start = loop.time()
    try:
        while True:
            running.add(asyncio.create_task(attack.run(target, ends)))
            next_start = max(next_start + 1 / attack.per_second, loop.time() - 1)
            await asyncio.sleep(next_start - loop.time())
            while len(running) >= attack.concurrency:
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for one in done:
                    with suppress(OSError):
                        one.result()
    finally:
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _reply(ends: Ends) -> None:
    sys.stdout.write(json.dumps(ends) + "\n")
    sys.stdout.flush()


async def _serve_commands() -> None:
    loop = asyncio.get_running_loop()
    options = json.loads(await loop.run_in_executor(None, sys.stdin.readline))
    attack, target = ATTACKS[options.pop("name")], Target(**options)
    task: asyncio.Task[None] | None = None
    ends: Ends = Counter()
    _reply(ends)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        command = json.loads(line)
        if command == "start":
            ends = Counter()
            task = asyncio.create_task(_keep_attacking(attack, target, ends))
        elif task is not None and (task.done() or command == "stop"):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            task = None
        _reply(ends)


if __name__ == "__main__":
    os.nice(19)
    asyncio.run(_serve_commands())
