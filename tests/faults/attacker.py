"""A process that attacks when it is told to, and tells how its connections were ended."""

import asyncio
import json
import os
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import asdict
from types import TracebackType
from typing import Any

from tests.e2e.harness import ROOT
from tests.faults.hostile import ATTACKS, Attack, Ends, Target


class Attacker:
    """`async with Attacker("never reads", target) as attacker:`.

    A process of its own, for its work must not be taken for the server's; and the last in line for
    the processor (nice 19), for on two cores it would else measure the attacker's appetite.
    """

    def __init__(self, name: str, target: Target) -> None:
        self.name, self.target = name, target

    async def __aenter__(self) -> "Attacker":
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.faults.attacker"),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        await self._ask({"name": self.name, **asdict(self.target)})
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        await self.process.wait()

    async def go(self) -> None:
        """Begin, and come back again and again."""
        await self._ask("go")

    async def so_far(self) -> Ends:
        """How connections have ended since `go`."""
        return Counter(await self._ask("so far"))

    async def stop(self) -> Ends:
        """Leave with all connections; how they have ended since `go`."""
        return Counter(await self._ask("stop"))

    async def _ask(self, what: object) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(what).encode() + b"\n")
        return json.loads(await self.process.stdout.readline())


async def _keep_on(attack: Attack, target: Target, ends: Ends) -> None:
    """As many together as the attack has, each new one in its turn."""
    loop = asyncio.get_running_loop()
    running: set[asyncio.Task[None]] = set()
    turn = loop.time()
    try:
        while True:
            running.add(asyncio.create_task(attack.run(target, ends)))
            turn = max(turn + 1 / attack.a_second, loop.time() - 1)
            await asyncio.sleep(turn - loop.time())
            while len(running) >= attack.together:
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for one in done:
                    with suppress(OSError):
                        one.result()
    finally:
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _say(ends: Ends) -> None:
    sys.stdout.write(json.dumps(ends) + "\n")
    sys.stdout.flush()


async def _obey() -> None:
    loop = asyncio.get_running_loop()
    given = json.loads(await loop.run_in_executor(None, sys.stdin.readline))
    attack, target = ATTACKS[given.pop("name")], Target(**given)
    task: asyncio.Task[None] | None = None
    ends: Ends = Counter()
    _say(ends)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        word = json.loads(line)
        if word == "go":
            ends = Counter()
            task = asyncio.create_task(_keep_on(attack, target, ends))
        elif task is not None and (task.done() or word == "stop"):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            task = None
        _say(ends)


if __name__ == "__main__":
    os.nice(19)
    asyncio.run(_obey())
