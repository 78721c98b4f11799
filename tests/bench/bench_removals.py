"""Time from a removal, and from its undoing, until pages on three origins at two server processes have it.

Run with `python -m tests.bench.bench_removals [ROUNDS] [SOCKETS]`. It prints three rows: with no other
socket, with SOCKETS other readers of the story, and after a bus that was killed has come back.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import httpx

from tests.bench.client_process import LoadClient
from tests.bench.client_sockets import handshake, masked
from tests.bench.rpc import ProcessHandle
from tests.e2e.client import Client
from tests.e2e.publisher import Story
from tests.e2e.two_servers import Pair, start_valkey
from tests.engines import Valkey
from tests.loopback import http_client
from tests.waiting import eventually

PAGES = 3
OUTAGES = 5


class Desk:
    """The owner API of one server, with a key."""

    def __init__(self, pair: Pair, site: str, http: httpx.AsyncClient) -> None:
        made = json.loads(
            pair.cli("key", "create", site, "--label", "bench", "--scope", "remove",
                     "--scope", "undo", "--json")
        )  # fmt: skip
        self._http, self._url = http, f"{pair.one.url}/v1/sites/{site}"
        self._headers = {"Authorization": f"Bearer {made['key']}"}

    async def remove(self, story: Story, comment: str) -> str:
        """Remove a comment; return the id of the decision."""
        targets = [{"id": comment, "revision": 1}]
        asked = {"verb": "remove", "targets": targets, "reason": "spam"}
        done = await self._post("/decisions", asked)
        assert len(done["done"]) == 1, done
        found: str = done["batch"]
        return found

    async def undo(self, decision: str) -> None:
        """Undo a decision."""
        await self._post(f"/decisions/{decision}:undo", {})

    async def _post(self, path: str, content: dict[str, Any]) -> dict[str, Any]:
        headers = {**self._headers, "Idempotency-Key": str(uuid.uuid4())}
        answer = await self._http.post(self._url + path, json=content, headers=headers, timeout=30)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found


def state_of(page: Client, code: str, comment: str) -> str:
    """Return the state of a comment on a page, or `unknown` while the page does not have it."""
    return str(page.state(code).comments.get(comment, {"state": "unknown"})["state"])


async def seen(pages: Sequence[Client], code: str, comment: str, state: str) -> float:
    """Wait until each page shows the comment in this state; return that moment."""

    def there() -> bool:
        return all(state_of(page, code, comment) == state for page in pages)

    await eventually(there, f"{comment} is {state}", 30, 0.001)
    return time.perf_counter()


async def rounds(
    desk: Desk, story: Story, pages: Sequence[Client], number: int
) -> dict[str, list[float]]:
    """Remove a comment and undo it, `number` times; return the seconds of each."""
    found: dict[str, list[float]] = {"removal": [], "undo": []}
    comment = (await pages[0].comment(story.code, "The one that goes."))["id"]
    await pages[1].comment(story.code, "A reply.", parent=comment)
    await seen(pages, story.code, comment, "published")
    for _ in range(number):
        before = [dict(page.state(story.code).comments[comment], seq=0) for page in pages]
        begun = time.perf_counter()
        decision = await desk.remove(story, comment)
        found["removal"].append(await seen(pages, story.code, comment, "removed") - begun)
        begun = time.perf_counter()
        await desk.undo(decision)
        found["undo"].append(await seen(pages, story.code, comment, "published") - begun)
        after = [dict(page.state(story.code).comments[comment], seq=0) for page in pages]
        assert after == before
    return found


async def outages(
    desk: Desk, story: Story, pages: Sequence[Client], valkey: Valkey
) -> dict[str, list[float]]:
    """Remove a comment while the bus is dead; return the seconds from its return to the last page."""
    found: dict[str, list[float]] = {"removal": []}
    for number in range(OUTAGES):
        comment = (await pages[0].comment(story.code, f"Before outage {number}."))["id"]
        await seen(pages, story.code, comment, "published")
        valkey.kill()
        await desk.remove(story, comment)
        valkey.start()
        begun = time.perf_counter()
        found["removal"].append(await seen(pages, story.code, comment, "removed") - begun)
    return found


def load(connection: Connection, port: int) -> None:
    """Be a process with sockets."""
    LoadClient(port).run(connection)


@asynccontextmanager
async def other_readers(pair: Pair, story: Story, number: int) -> AsyncIterator[None]:
    """Keep `number` sockets subscribed to the story, half at each server."""
    subscribe = masked(json.dumps({"type": "subscribe", "ref": 1, "token": story.token}).encode())
    processes = [ProcessHandle(load, server.port) for server in pair.servers]
    for process in processes:
        process.send_call("open", number // 2, handshake("https://copy-0.example"), subscribe)
    for process in processes:
        await asyncio.to_thread(process.receive_result)
    yield
    for process in processes:
        process.close()


def report(title: str, found: dict[str, list[float]]) -> None:
    """Print the row of a measurement, in milliseconds."""
    for name, seconds in found.items():
        cut = statistics.quantiles(seconds, n=100, method="inclusive")
        p50, p95, p99 = (1000 * cut[place] for place in (49, 94, 98))
        print(  # noqa: T201
            f"{title:<34} {name:<8} {len(seconds):>4} ×  median {p50:6.1f}  p95 {p95:6.1f}"
            f"  p99 {p99:6.1f}  max {1000 * max(seconds):6.1f} ms"
        )


async def measure(number: int, sockets: int) -> dict[str, dict[str, list[float]]]:
    """Return the seconds of each row: `alone`, `with readers` and `bus back`, by what was done."""
    with tempfile.TemporaryDirectory() as folder:
        valkey = start_valkey()
        pair = Pair(Path(folder), f"sqlite+aiosqlite:///{folder}/shared.db", valkey.url)
        try:
            await pair.start_without_blocking()
            publisher = await pair.site_without_blocking()
            async with http_client() as http:
                desk = await asyncio.to_thread(Desk, pair, publisher.site, http)
                story = publisher.story()
                async with pair.readers(story, PAGES) as pages:
                    found = {"alone": await rounds(desk, story, pages, number)}
                    async with other_readers(pair, story, sockets):
                        found["with readers"] = await rounds(desk, story, pages, number)
                    found["bus back"] = await outages(desk, story, pages, valkey)
            return found
        finally:
            await pair.kill()
            valkey.close()


async def run(number: int, sockets: int) -> None:
    """Measure and print the rows."""
    found = await measure(number, sockets)
    report("three pages", found["alone"])
    report(f"three pages, {sockets:,} other readers", found["with readers"])
    report("bus killed and back", found["bus back"])


if __name__ == "__main__":
    chosen = [int(one) for one in sys.argv[1:3]]
    asyncio.run(run(*(chosen + [200, 10_000][len(chosen) :])))
