"""State machine: everything that readers, moderators, rules and the clock do to a story, against a model.

The real operations run on a real database. After each step the rows, the log, the counters and the public
snapshot are those of the model; open pages follow by messages alone.
"""

from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    invariant,
    rule,
)

from tests.model.moderated_story import READERS
from tests.model.moderation_decisions import DecisionSteps
from tests.model.moderation_machine import run_machine
from tests.model.moderation_records import Case
from tests.model.moderation_steps import WAITS, people
from widget_server.model.decisions import QUEUES
from widget_server.model.queue import CaseFilter
from widget_server.operations.moderation import expire, match, queue
from widget_server.store.queries.case_leases import delete_ended_leases


class Moderation(DecisionSteps):
    """Three people and three readers at one story."""

    # Leases -------------------------------------------------------------------------------------

    @rule(by=people, limit=st.integers(1, 4), chosen=st.sampled_from(["all", *QUEUES]))
    def take(self, by: str, limit: int, chosen: Any) -> None:
        person, name = self.story.people[by], f"account:{by}"
        free = sorted(
            (
                case
                for case in self.model.cases
                if case.is_open
                and chosen in ("all", case.queue)
                and (case.lease_by in ("", name) or case.lease_until <= self.model.now)
                and not self._is_own_objection(case, by)
            ),
            key=lambda case: (case.priority, case.opened_at, case.number),
        )
        work = queue.take(self.services, person, self.story.site, CaseFilter(chosen), limit=limit)
        cards = self.run(work)
        assert [card.case.id for card in cards] == [case.number for case in free[:limit]]
        for case in free[:limit]:
            case.lease_by, case.lease_until = name, self.model.now + queue.LEASE_S * 1000

    def _is_own_objection(self, case: Case, by: str) -> bool:
        return case.queue == "appeals" and any(
            made.comment == case.comment and made.by == by for made in self.model.appeals
        )

    @rule(by=people)
    def give_back(self, by: str) -> None:
        self.run(queue.give_cases_back(self.services, self.story.people[by], self.story.site))
        for case in self.model.cases:
            if case.lease_by == f"account:{by}":
                case.lease_by, case.lease_until = "", 0

    # Rules, settings, time and pages ------------------------------------------------------------

    @rule(
        word=st.sampled_from(["casino", "lottery"]), mode=st.sampled_from(["off", "shadow", "on"])
    )
    def switch(self, word: str, mode: str) -> None:
        self.run(self.story.switch(word, mode))
        self.model.modes[word] = mode

    @rule(value=st.sampled_from(["pre", "post"]))
    def moderate(self, value: str) -> None:
        self.run(self.story.set("moderation", value))
        self.model.moderation = value

    @rule(milliseconds=st.sampled_from(WAITS))
    def wait(self, milliseconds: int) -> None:
        self.do_wait(milliseconds)

    @rule()
    def do_the_jobs(self) -> None:
        now = self.model.now
        self.run(expire.erase_expired_texts(self.services))
        self.run(self.services.writer.run_in_transaction(delete_ended_leases(now)))
        assert self.run(match.match_waiting_cases(self.services)) == 0, "no case is missing or over"
        self.model.expire()

    @rule()
    def open_a_page(self) -> None:
        self.run(self.story.watch())

    # What is so then ----------------------------------------------------------------------------

    @invariant()
    def people_at_work_are_those_who_hold_cases(self) -> None:
        facts = self.run(
            queue.queue_facts(self.services, self.story.people["ana"], self.story.site)
        )
        holders = {
            case.lease_by
            for case in self.model.cases
            if case.is_open and case.lease_by and case.lease_until > self.model.now
        }
        assert {one.by for one in facts.at_work} == holders

    @invariant()
    def objections_that_wait_have_a_case(self) -> None:
        """Assert that each author who is told to wait for an answer has an open case that asks a person for it."""
        mine = self.run(
            self.services.discussions.own(
                self.story.grant.story.id, [self.story.reader_id(name) for name in READERS]
            )
        )
        for items in mine.values():
            for comment, outcome in items.outcomes.items():
                if outcome.appeal == "waiting":
                    assert "appeals" in self.model.open_cases(comment)


def test_whatever_people_and_readers_do_a_story_is_as_the_model_says(
    migrated_url: str, tmp_path: Path
) -> None:
    run_machine(Moderation, tmp_path, migrated_url, (12, 4))
