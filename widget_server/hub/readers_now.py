"""Readers now, by story and by copy, over all processes: for the people who run a site.

A process answers with the counts of its stories when another process asks. A process asks every two
seconds while an owner looks, and not at all otherwise. Only numbers travel, never networks.
"""

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import orjson

from widget_server.bus.message import BusMessage
from widget_server.hub.interfaces import Bus
from widget_server.hub.presence import ALLOWED_CLOCK_SKEW_S, MAX_READERS

TOPIC = "readers-now"
"""Topic on the bus. No story has it as its code: codes have 12 characters."""
ASK_S = 2.0
"""Seconds between two questions while an owner looks."""
WANTED_S = 30.0
"""A process goes on asking this long after the last read."""
EXPIRE_S = 10.0
"""Answers of a process that does not answer any more are dropped after this time."""
WAIT_S = 0.05
"""The first read of a server waits this long for the answers. Later reads wait for nothing."""
COMMAND_WAIT_S = 1.5
"""The first read of a command waits at most this long: it has no later ones."""
QUIET_S = 0.3
"""A read that has answers waits this long for further ones."""
SUBSCRIBE_TIMEOUT_S = 0.5
"""The first read waits at most this long for the bus to confirm the subscription."""
MIN_INTERVAL_S = 0.5
"""A process answers at most this often."""
STORIES_PER_MESSAGE = 500


@dataclass(slots=True)
class StoryReaders:
    """Readers of one story now."""

    readers: int = 0
    copies: dict[int, int] = field(default_factory=dict)
    """Readers by copy id, without copies that have none."""

    def add(self, other: "StoryReaders") -> None:
        """Add the readers of another process."""
        self.readers += other.readers
        for copy, number in other.copies.items():
            self.copies[copy] = self.copies.get(copy, 0) + number


@dataclass(slots=True)
class _Answer:
    """What another process answered last. Parts with another time belong to another answer."""

    sent_at: int
    received_at: float
    parts: int
    stories: dict[str, StoryReaders] = field(default_factory=dict)
    received: set[int] = field(default_factory=set)


class ReadersNow:
    """Readers of this process and of the others. `own` returns those of this process by story code."""

    def __init__(
        self,
        process: str,
        own: Callable[[], Mapping[str, StoryReaders]],
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._process = process
        self._own = own
        self._clock = clock
        self._bus: Bus | None = None
        self._others: dict[str, _Answer] = {}
        self._confirmed: asyncio.Future[None] | None = None
        self._waited = False
        self.wait_s = WAIT_S
        """Longest wait of the first read, in seconds."""
        self._asked_at = self._read_at = -math.inf
        self._answered_at = -math.inf
        self._answer_due: asyncio.TimerHandle | None = None
        self._last_sent_at = 0

    def connect(self, bus: Bus) -> None:
        """Use this bus from now on."""
        self._bus = bus

    def tick(self) -> None:
        """Subscribe, and ask again if an owner looks. The hub calls this about once a second."""
        if self._bus is None:
            return
        if self._confirmed is None:
            self._confirmed = self._bus.subscribe(TOPIC)
        now = self._now()
        if now - self._read_at < WANTED_S and now - self._asked_at >= ASK_S:
            self._ask()

    async def read(self) -> dict[str, StoryReaders]:
        """Return the readers of all stories by code; without a bus, those of this process."""
        self._read_at = self._now()
        if self._bus is not None and self._read_at - self._asked_at >= ASK_S * 2:
            if self._confirmed is None:
                self._confirmed = self._bus.subscribe(TOPIC)
            if not self._confirmed.done() and not self._waited:
                # Once: a page of the dashboard must not wait each time while the bus is down.
                self._waited = True
                await asyncio.wait({self._confirmed}, timeout=SUBSCRIBE_TIMEOUT_S)
            self._ask()
            if self._confirmed.done():
                await self._wait_for_answers()
        return self._sum()

    async def _wait_for_answers(self) -> None:
        deadline = self._now() + self.wait_s
        while self._now() < deadline:
            await asyncio.sleep(min(0.02, self.wait_s))
            latest = max((one.received_at for one in self._others.values()), default=math.inf)
            if self._now() - latest >= QUIET_S:
                return

    def _ask(self) -> None:
        self._asked_at = self._now()
        if self._bus is not None:
            self._bus.publish(self._message({"ask": True, "at": self._time()}))

    def _sum(self) -> dict[str, StoryReaders]:
        found: dict[str, StoryReaders] = {}
        now = self._now()
        for process, answer in list(self._others.items()):
            if now - answer.received_at > EXPIRE_S:
                del self._others[process]
        for stories in (self._own(), *(answer.stories for answer in self._others.values())):
            for code, readers in stories.items():
                found.setdefault(code, StoryReaders()).add(readers)
        return found

    def receive(self, message: BusMessage) -> None:
        """Answer the question of another process, or store its answer."""
        if message.target == self._process:
            return
        try:
            content = orjson.loads(message.payload)
            sent_at = content["at"]
            if type(sent_at) is not int or self._is_far(sent_at):
                return
            if content.get("ask") is True:
                self._answer_soon()
            else:
                self._store(message.target, content)
        except (ValueError, KeyError, TypeError, AttributeError):
            return

    def _is_far(self, sent_at: int) -> bool:
        return abs(self._clock() - sent_at) > ALLOWED_CLOCK_SKEW_S * 1e9

    def _store(self, process: str, content: dict[str, object]) -> None:
        sent_at, part, parts = content["at"], content["part"], content["parts"]
        stories = _parse(content["stories"])
        if not isinstance(sent_at, int) or not isinstance(part, int) or not isinstance(parts, int):
            return
        answer = self._others.get(process)
        if answer is not None and sent_at < answer.sent_at:
            return  # a recorded message that was sent again
        if answer is None or sent_at > answer.sent_at:
            answer = self._others[process] = _Answer(sent_at, self._now(), parts)
        if part not in answer.received and 0 <= part < answer.parts:
            answer.received.add(part)
            answer.stories |= stories

    def _answer_soon(self) -> None:
        wait = MIN_INTERVAL_S - (self._now() - self._answered_at)
        if wait <= 0:
            self._answer()
        elif self._answer_due is None:
            self._answer_due = asyncio.get_running_loop().call_later(wait, self._answer)

    def _answer(self) -> None:
        self._answer_due, self._answered_at = None, self._now()
        if self._bus is None:
            return
        own = [
            [code, readers.readers, sorted(readers.copies.items())]
            for code, readers in self._own().items()
            if readers.readers
        ]
        sent_at = self._time()
        parts = max(1, -(-len(own) // STORIES_PER_MESSAGE))
        for part in range(parts):
            start = part * STORIES_PER_MESSAGE
            some = own[start : start + STORIES_PER_MESSAGE]
            content = {"at": sent_at, "part": part, "parts": parts, "stories": some}
            self._bus.publish(self._message(content))

    def _message(self, content: dict[str, object]) -> BusMessage:
        return BusMessage("presence", TOPIC, 0, self._process, orjson.dumps(content))

    def _time(self) -> int:
        self._last_sent_at = max(self._clock(), self._last_sent_at + 1)
        return self._last_sent_at

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _parse(stories: object) -> dict[str, StoryReaders]:
    """Return the stories of an answer. Raises ValueError or TypeError for a value that is out of range."""
    found = {}
    if not isinstance(stories, list) or len(stories) > STORIES_PER_MESSAGE:
        raise ValueError("no list of stories")
    for code, readers, copies in stories:
        numbers = [readers, *(number for copy in copies for number in copy)]
        if not isinstance(code, str) or not all(
            type(number) is int and 0 <= number < 2**63 for number in numbers
        ):
            raise ValueError("a number is out of range")
        by_copy = {copy: min(number, MAX_READERS) for copy, number in copies}
        found[code] = StoryReaders(min(readers, MAX_READERS), by_copy)
    return found
