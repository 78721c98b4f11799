"""Writers inside the server process, which react and comment at a steady rate without sockets."""

import asyncio
import secrets
import time
import uuid
from array import array
from collections.abc import Sequence

from tests.bench import fixtures
from tests.bench.rpc import Stopwatch
from widget_server.app import Components
from widget_server.model.events import CommentChanged, Event
from widget_server.store.writing.actions import Post, React


class Writers:
    """Many writers on one story."""

    def __init__(self, components: Components, code: str) -> None:
        self._components = components
        self._code = code
        self._committed: dict[int, float] = {}

    async def post_comments(self, per_second: float, seconds: float) -> tuple[int, float, float]:
        """Post comments of many readers at a steady rate and wait until they are stored.

        Return their number, and the seconds and CPU seconds that they took.
        """
        story, watch = await self._story(), Stopwatch()
        number, pending = 0, set()
        while (passed := watch.read()[0]) < seconds:
            for _ in range(int(passed * per_second) - number):
                number += 1
                task = asyncio.ensure_future(self._components.writer.submit(self._post(story)))
                pending.add(task)
                task.add_done_callback(pending.discard)
            # Sleep until the next is due: a check each millisecond would cost as much CPU as writes.
            await asyncio.sleep(max(0.001, (number + 1) / per_second - passed))
        await asyncio.gather(*pending)
        return number, *watch.read()

    async def _story(self) -> int:
        story = await self._components.services.cache.story(self._code)
        if story is None:
            raise LookupError(self._code)
        return story.id

    def _post(self, story: int) -> Post:
        return Post(
            story=story,
            id=secrets.token_hex(6),
            key=uuid.uuid4().hex,
            reader=secrets.token_hex(16),
            source=fixtures.SOURCE,
            text=fixtures.TEXT,
            pending=False,
            reactions=tuple(fixtures.COUNTS),
            at=self._components.services.now_ms(),
        )

    async def react(self, per_second: float, seconds: float) -> int:
        """Send reactions of many readers at a steady rate; return the number of acknowledged ones."""
        story = await self._story()
        keys = ("happy", "sad", "thinking")
        begin, number, open_actions = time.perf_counter(), 0, set()
        while (passed := time.perf_counter() - begin) < seconds:
            for _ in range(int(passed * per_second) - number):
                number += 1
                reader = f"{number % 2000:032x}"
                action = React(
                    story,
                    None,
                    reader,
                    keys[number // 2000 % 3],
                    None,
                    self._components.services.now_ms(),
                )
                task = asyncio.ensure_future(self._components.writer.submit(action))
                open_actions.add(task)
                task.add_done_callback(open_actions.discard)
            await asyncio.sleep(0.005)
        await asyncio.gather(*open_actions)
        return number

    async def write_comments(
        self, per_second: float, seconds: float
    ) -> tuple["array[int]", "array[float]"]:
        """Post comments at a steady rate; return the `seq` and the commit time of each."""
        story = await self._story()
        self._record_commits()
        begin, pending = time.perf_counter(), []
        for number in range(int(per_second * seconds)):
            await asyncio.sleep(max(0.0, begin + number / per_second - time.perf_counter()))
            post = self._components.writer.submit(self._post(story))
            pending.append(asyncio.ensure_future(post))
        answers = await asyncio.gather(*pending)
        seqs = array("q", [answer.seq for answer in answers])
        return seqs, array("d", [self._committed[seq] for seq in seqs])

    def _record_commits(self) -> None:
        """Start to record when the transaction of each comment was committed."""
        publish_committed = self._components.publisher.publish

        def record_and_publish(events: Sequence[Event], epoch: str) -> None:
            now = time.monotonic()
            for event in events:
                if isinstance(event, CommentChanged):
                    self._committed[event.seq] = now
            publish_committed(events, epoch)

        self._components.writer._on_commit = record_and_publish
