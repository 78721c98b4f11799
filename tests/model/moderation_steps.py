"""Steps of the state machine of moderation: what readers do, in the model and for real."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
)

from tests.model.moderated_story import READERS, ModeratedStory
from tests.model.moderation_records import DAY, Comment
from tests.model.moderation_site import SiteModel
from tests.operations.operations_harness import Server, new_comment
from widget_server.model.errors import NotFoundError, ProblemError
from widget_server.operations.readers import appeal, comment as comments, identify

people = st.sampled_from(["ana", "ben", "cem"])
readers = st.sampled_from(READERS)
words = st.sampled_from(["plain", "plain", "casino", "lottery"])
MARKS = ("pin", "unpin", "feature", "unfeature")
VERBS = ("approve", "reject", "remove", "spam", "hold", "restore", *MARKS, "uphold")
verbs = st.sampled_from((*VERBS, "erase"))
MOST = 6
"""Comments of a story. With few of them, much happens to each."""
number = st.integers(0, MOST - 1)
WAITS = (1_000, 61_000, 3_600_000, 2 * DAY, 15 * DAY)


class ReadersSteps(RuleBasedStateMachine):
    """What readers do at one story, and how a step is done."""

    server: Server
    runner: asyncio.Runner

    def __init__(self) -> None:
        super().__init__()
        self.model = SiteModel()
        self.story = ModeratedStory(self.server)
        self.services = self.story.services
        self.model.now = self.story.now
        self.texts = 0
        self.batches: list[str] = []
        self.run(self.story.begin())
        self.run(self.story.watch())
        for name in READERS[:2]:
            self._write(name, self.text("plain"))

    # How a step is done -------------------------------------------------------------------------

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine."""
        return self.runner.run(work)

    def both(
        self, modelled: Callable[[], Any], real: Callable[[], Coroutine[Any, Any, Any]]
    ) -> Any:
        """Do it in the model and for real: both refuse it with the same problem, or both do it.

        Return what the model returned and the real result, or None if it was refused.
        """
        try:
            expected = modelled()
        except ProblemError as problem:
            with pytest.raises(type(problem)):
                self.run(real())
            return None
        return expected, self.run(real())

    def comment(self, place: int) -> Comment:
        """Return one of the comments."""
        found = list(self.model.comments.values())
        return found[place % len(found)]

    def text(self, word: str) -> str:
        """Return words that no other comment has."""
        self.texts += 1
        return f"{word} {self.texts}"

    # Readers ------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.model.comments) < MOST)
    @rule(name=readers, word=words)
    def write(self, name: str, word: str) -> None:
        self._write(name, self.text(word))

    def _write(self, name: str, text: str) -> None:
        async def real() -> str:
            grant, actor = await self.story.reader(name)
            return (await comments.post(self.services, grant, actor, new_comment(text))).id

        done = self.both(lambda: self.model.check_post(name, text), real)
        if done is not None:
            self.model.post(done[1], name, text)

    @rule(place=number, word=words, other=st.none() | readers)
    def edit(self, place: int, word: str, other: str | None) -> None:
        one, text = self.comment(place), self.text(word)
        name = other or one.reader or "rita"

        async def real() -> None:
            grant, actor = await self.story.reader(name)
            await comments.edit(self.services, grant, actor, one.id, text)

        self.both(lambda: self.model.edit(one.id, name, text), real)

    @rule(place=number, other=st.none() | readers)
    def delete(self, place: int, other: str | None) -> None:
        one = self.comment(place)
        name = other or one.reader or "rita"

        async def real() -> None:
            grant, actor = await self.story.reader(name)
            await comments.delete(self.services, grant, actor, one.id)

        self.both(lambda: self.model.delete(one.id, name), real)

    @rule(place=number, name=readers, category=st.sampled_from(["spam", "off_topic"]))
    def report(self, place: int, name: str, category: str) -> None:
        one = self.comment(place)

        async def real() -> None:
            grant, actor = await self.story.reader(name)
            await comments.report(self.services, grant, actor, one.id, None, category)

        self.both(lambda: self.model.report(one.id, name), real)

    @rule(name=readers)
    def forget(self, name: str) -> None:
        async def real() -> None:
            grant, actor = await self.story.reader(name)
            await identify.erase(self.services, grant, actor)

        self.both(lambda: self.model.forget(name), real)

    @precondition(lambda self: self.model.log)
    @rule(place=number)
    def object_to_removal(self, place: int) -> None:
        one = self.comment(place)
        made, name = self.model.objectionable(one.id, one.reader), one.reader
        if made is None:
            return

        async def real() -> None:
            grant, actor = await self.story.reader(name)
            await appeal.appeal(self.services, grant, actor, one.id, "no")

        self.both(lambda: self.model.object(made, name), real)

    @precondition(lambda self: self.model.bans)
    @rule(name=readers)
    def object_to_ban(self, name: str) -> None:
        ban = self.model.ban_of(name)

        def modelled() -> None:
            if ban is None or ban.made.undone:
                raise NotFoundError
            self.model.object(ban.made, name)

        async def real() -> None:
            grant, actor = await self.story.reader(name)
            await appeal.appeal(self.services, grant, actor, None, None)

        self.both(modelled, real)
