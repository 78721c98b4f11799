"""Steps of the state machine of moderation: what readers do, in the model and for real."""

from hypothesis import strategies as st
from hypothesis.stateful import (
    precondition,
    rule,
)

from tests.model.moderated_story import NETWORKS, READERS
from tests.model.moderation_machine import StoryMachine
from tests.model.moderation_records import DAY, HOUR, TAG_VERBS
from widget_server.operations.readers import appeal, comment as comments

people = st.sampled_from(["ana", "ben", "cem"])
readers = st.sampled_from(READERS)
words = st.sampled_from(["plain", "plain", "casino", "lottery"])
MARKS = ("pin", "unpin", "feature", "unfeature", *TAG_VERBS)
VERBS = ("approve", "reject", "remove", "spam", "hold", "restore", *MARKS, "uphold")
verbs = st.sampled_from((*VERBS, "erase"))
MOST = 6
"""Comments of a story. With few of them, much happens to each."""
number = st.integers(0, MOST - 1)
WAITS = (1_000, 61_000, HOUR, 2 * DAY, 15 * DAY)


class ReadersSteps(StoryMachine):
    """What readers do at one story, beside an open page."""

    def begin(self) -> None:
        self.run(self.story.watch())
        super().begin()

    @precondition(lambda self: len(self.model.comments) < MOST)
    @rule(name=readers, word=words)
    def write(self, name: str, word: str) -> None:
        self.do_write(name, word)

    @rule(place=number, word=words, other=st.none() | readers)
    def edit(self, place: int, word: str, other: str | None) -> None:
        one = self.comment(place)
        self.do_edit(one, other or one.reader or "rita", word)

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
        self.do_report(self.comment(place), name, NETWORKS[0], category)

    @rule(name=readers)
    def forget(self, name: str) -> None:
        self.do_forget(name)

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
        self.do_object_to_ban(name)
