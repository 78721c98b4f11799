"""State machine: closing, opening, closing dates and notices of a story, and their undoing, against a model.

A machine of its own: beside all that is done about comments these decisions seldom follow each other.
"""

from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.model.moderated_story import READERS
from tests.model.moderation_machine import StoryMachine, run_machine
from tests.model.moderation_records import DAY, HOUR, Entry
from tests.model.moderation_steps import people, readers
from widget_server.model.actors import SCHEDULE
from widget_server.operations.moderation import decide
from widget_server.operations.owners import closing

MOST = 4
"""Comments of a story."""


class Closing(StoryMachine):
    """Three people who decide about one story, and readers who write beside an open page."""

    def begin(self) -> None:
        self.run(self.story.watch())
        self.do_write(READERS[0], "plain")

    @rule(name=readers)
    def write(self, name: str) -> None:
        if len(self.model.comments) < MOST:
            self.do_write(name, "plain")
        else:
            self.do_edit(self.comment(MOST - 1), name, "plain")

    @rule(by=people, verb=st.sampled_from(["close", "open"]), days=st.sampled_from([0, 2]))
    def close_or_open(self, by: str, verb: Any, days: int) -> None:
        if days != self.model.close_after_days:
            self.run(self.story.set("close_after_days", str(days)))
            self.model.close_after_days = days
        self.do_decide_story(by, verb)

    @rule(
        by=st.sampled_from(["ana", "ana", "ana", "ben"]),
        notice=st.sampled_from(["Be kind.", "Closed at six.", None]),
    )
    def set_notice(self, by: str, notice: str | None) -> None:
        self.do_decide_story(by, "notice", notice)

    @rule(by=people, hours=st.sampled_from([1, 24, 0, None]))
    def set_closing_date(self, by: str, hours: int | None) -> None:
        at = None if hours is None else self.model.now + hours * HOUR
        code, person = self.story.grant.story.code, self.story.people[by]
        self.model.set_closing_date(Entry("close", "", by), at)
        self.run(decide.set_closing_date(self.services, person, code, at))

    @precondition(lambda self: self.model.log)
    @rule(back=st.sampled_from([0, 0, 0, 1, 2]), by=people)
    def undo(self, back: int, by: str) -> None:
        found = self.model.standing("") or self.model.log
        self.do_undo(found[-1 - back % len(found)], by)

    @rule(milliseconds=st.sampled_from([HOUR, HOUR, DAY, 2 * DAY]), jobs=st.booleans())
    def wait(self, milliseconds: int, jobs: bool) -> None:
        self.do_wait(milliseconds)
        if jobs:
            self.run(closing.close_if_due(self.services, SCHEDULE, self.story.grant.story.code))
            self.model.close_if_due()


def test_a_story_is_open_and_has_the_notice_as_the_model_says(
    migrated_url: str, tmp_path: Path
) -> None:
    run_machine(Closing, tmp_path, migrated_url, (5, 2), steps=40)
