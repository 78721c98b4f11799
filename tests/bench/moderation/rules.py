"""Figures 12 to 14: a list of 10,000 entries, a rule tried on the past, and a rule in every process."""

import asyncio
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

from tests.bench import bench_rules, bench_trials
from tests.bench.moderation.figures import Asked, Group, Tell, Values
from tests.e2e.two_servers import Pair, start_valkey
from tests.loopback import http_client

TIMES = 10
ASKED = (
    Asked(12, "list of 10,000 entries, typical comment, CPU", 50, "µs"),
    Asked(12, "worst of any 5,000 characters, CPU", 2_000, "µs"),
    Asked(13, "a rule tried on the last 10,000 comments, CPU", 1, "s"),
)
EVERYWHERE = Asked(14, "a rule turned on at one server → holds at the other, the longest", 2, "s")


def measure(tell: Tell) -> Values:
    """Search, and try a rule on the past."""
    tell("a list of 10,000 entries on typical and hostile texts")
    found = {goal.says: goal.median for goal in bench_rules.row().goals}
    tell("a rule on the last 10,000 comments")
    tried = bench_trials.row().goals[0].median
    values = (found["typical"], found["worst of any text"], tried)
    return {one.says: value for one, value in zip(ASKED, values, strict=True)}


def in_every_process(tell: Tell) -> Values:
    """Turn a rule on at one server and comment at the other."""
    tell(f"a rule turned on {TIMES} times, two servers")
    return {EVERYWHERE.says: max(asyncio.run(_turned_on()))}


async def _turned_on() -> list[float]:
    with tempfile.TemporaryDirectory() as folder:
        valkey = start_valkey()
        pair = Pair(Path(folder), f"sqlite+aiosqlite:///{folder}/shared.db", valkey.url)
        try:
            await pair.start_without_blocking()
            publisher = await asyncio.to_thread(pair.site, "rate_limit_comment=9999/60")
            story = publisher.story()
            action = {"type": "comment", "story": story.code, "token": story.token}
            async with http_client(headers={"Origin": "https://post.example"}) as http:

                async def state_of(body: str) -> str:
                    sent = {**action, "key": str(uuid.uuid4()), "body": body}
                    url = f"{pair.other.url}/v1/actions"
                    answer = (await http.post(url, json=sent, timeout=30)).raise_for_status()
                    found: dict[str, Any] = answer.json()
                    return str(found["comment"]["state"])

                seconds = []
                for number in range(TIMES):
                    word = f"zeppelin{number}x"
                    add = ("rule", "add", publisher.site, "--kind", "words", "--name", word)
                    made = await asyncio.to_thread(pair.cli, *add, "--word", word)
                    rule = made.split()[0]
                    await asyncio.to_thread(pair.cli, "rule", "on", publisher.site, rule)
                    begun = time.perf_counter()
                    while await state_of(f"{word} at {time.time()}") != "pending":
                        await asyncio.sleep(0.02)
                    seconds.append(time.perf_counter() - begun)
                return seconds
        finally:
            await pair.kill()
            valkey.close()


GROUP = Group(
    ASKED,
    "seed 16",
    "python -m tests.bench rules trials",
    measure,
)
IN_EVERY_PROCESS = Group(
    (EVERYWHERE,), "", 'make bench-moderation ARGS="--only 14"', in_every_process
)
