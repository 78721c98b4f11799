"""Valkey is killed and restarted while two servers remove comments: no open page keeps one of them."""

import asyncio
import uuid
from collections.abc import Sequence

from tests.e2e.client import Client
from tests.e2e.publisher import Story
from tests.e2e.two_servers import all_in_sync
from tests.faults.fault_environment import (
    THOROUGH,
    FaultEnvironment,
    StartEnvironment,
    now,
    readiness,
)
from tests.faults.fault_report import FaultResult
from tests.loopback import http_client
from tests.waiting import SLOWNESS, eventually

VANISHES_S = 5.0 * SLOWNESS
"""A removed comment is gone from every open page within this time, with the bus or without it."""
DETECTION_S = 8.0
STORIES, COMMENTS = (20, 150) if THOROUGH else (6, 120)
MORE = 25
"""Removals before, during and after the fault."""


class Moderators:
    """One program at each server that removes comments, and the time of each answer."""

    def __init__(self, environment: FaultEnvironment, key: str, left: list[str]) -> None:
        self.environment, self.key, self.left = environment, key, left
        self.acknowledged: dict[str, float] = {}
        self.stopping = asyncio.Event()

    async def work(self, url: str) -> None:
        """Remove one comment after the other until told to stop."""
        headers = {"Authorization": f"Bearer {self.key}"}
        path = f"{url}/v1/sites/{self.environment.publisher.site}/decisions"
        async with http_client(timeout=20, headers=headers) as http:
            while self.left and not self.stopping.is_set():
                comment = self.left.pop()
                body = {"verb": "remove", "targets": [comment], "reason": "spam"}
                answer = await http.post(
                    path, json=body, headers={"Idempotency-Key": uuid.uuid4().hex}
                )
                assert answer.status_code == 200, answer.text
                assert answer.json()["done"][0]["state"] == "removed", answer.text
                self.acknowledged[comment] = now()
                # The pace of the load: the comments must last until the bus is back.
                await asyncio.sleep(0.04)

    async def more(self) -> None:
        """Wait for some more removals."""
        goal = len(self.acknowledged) + MORE
        await eventually(lambda: len(self.acknowledged) >= goal, f"{MORE} more removals", 40)


class Watcher:
    """Measures how long each removed comment stays on each open page."""

    def __init__(self, moderators: Moderators, pages: Sequence[tuple[Client, Story]]) -> None:
        self.moderators, self.pages = moderators, pages
        self.gone: set[tuple[int, str]] = set()
        self.slowest = 0.0

    def look(self) -> int:
        """Note which comments are gone since. Return the number that are still shown somewhere."""
        shown, at = 0, now()
        for number, (client, story) in enumerate(self.pages):
            known = client.state(story.code).comments
            for comment, acknowledged in self.moderators.acknowledged.items():
                one = known.get(comment)
                if one is None or (number, comment) in self.gone:
                    continue
                if one["state"] == "removed":
                    self.gone.add((number, comment))
                    self.slowest = max(self.slowest, at - acknowledged)
                else:
                    shown += 1
                    assert at - acknowledged < VANISHES_S, f"{comment} is still shown"
        return shown

    async def watch(self) -> None:
        """Look all the time."""
        while True:
            self.look()
            await asyncio.sleep(0.02)


async def test_removed_comments_vanish_from_all_pages_while_valkey_is_away_and_when_it_is_back(
    start_environment: StartEnvironment,
) -> None:
    environment = await start_environment("sqlite")
    pair, publisher = environment.pair, environment.publisher
    words = ["key", "create", publisher.site, "--label", "moderators"]
    for scope in ("read", "remove"):
        words += ["--scope", scope]
    key = (await asyncio.to_thread(pair.cli, *words)).split()[-1]
    stories = [publisher.story() for _ in range(STORIES)]
    clients = [Client(server.url) for server in pair.servers]
    pages = []
    async with clients[0], clients[1]:
        for story in stories:
            for client in clients:
                await client.subscribe(story.token)
                pages.append((client, story))
            await pair.post_comments(story, COMMENTS)
            await all_in_sync(story.code, *clients)
        codes = {story.code: clients[0].state(story.code) for story in stories}
        left = [comment for state in codes.values() for comment in state.comments]
        moderators = Moderators(environment, key, left)
        watcher = Watcher(moderators, pages)
        watching = asyncio.create_task(watcher.watch())
        working = [asyncio.create_task(moderators.work(server.url)) for server in pair.servers]

        async def bus_is(*parts: list[str]) -> bool:
            return await readiness(environment) == list(parts)

        await moderators.more()
        environment.valkey.kill()
        await eventually(lambda: bus_is(["bus"], ["bus"]), "both miss the bus", DETECTION_S)
        await moderators.more()
        environment.valkey.start()
        back = now()
        await eventually(lambda: bus_is([], []), "both use the bus again", DETECTION_S)
        recovered = now() - back
        await moderators.more()
        assert moderators.left, "there were removals until the end"
        moderators.stopping.set()
        await asyncio.gather(*working)
        await eventually(lambda: watcher.look() == 0, "all are gone", VANISHES_S)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        assert watching.cancelled(), "no comment was shown for too long"
        for story in stories:
            await all_in_sync(story.code, *clients)
        assert len(watcher.gone) == 2 * len(moderators.acknowledged), "none was missed"
    number = len(moderators.acknowledged)
    fault = f"Valkey killed under {'many' if THOROUGH else 'some'} removals by two servers"
    environment.lines.append(FaultResult(fault, "sqlite", number, 0, 0, recovered))
    assert watcher.slowest < VANISHES_S
