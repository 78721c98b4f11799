"""State machine: reports, muted reporters, and comments that reports of several networks hide, against a model.

A machine of its own: three readers on three networks seldom report one comment while much else happens.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from tests.model.moderated_story import NETWORKS, REPORTERS
from tests.model.moderation_machine import StoryMachine, run_machine
from tests.model.moderation_records import DAY, HOUR, Comment
from tests.model.moderation_steps import people
from widget_server.model.priority import LEAST_URGENT
from widget_server.model.report_mutes import report_id
from widget_server.operations.moderation import expire, match, report_mutes
from widget_server.operations.owners import take_back
from widget_server.store.queries.report_mutes import ListedMute

MOST = 8
"""Comments of a story. Steps are about the newest: a reader reports a comment once."""
number = st.sampled_from([0, 0, 1])
reporters = st.sampled_from(REPORTERS)
networks = st.sampled_from(NETWORKS)


class Reporting(StoryMachine):
    """Eight readers on four networks who report, and three people who decide."""

    readers = REPORTERS

    def begin(self) -> None:
        self.hide_from(3)
        super().begin()

    def comment(self, place: int) -> Comment:
        """Return one of the newest comments."""
        found = list(self.model.comments.values())
        return found[-1 - place % len(found)]

    def is_much_reported(self) -> bool:
        """Return whether three readers have reported the newest comment."""
        newest = self.comment(0).id
        return sum(one.comment == newest for one in self.model.reports.values()) > 2

    # Readers ------------------------------------------------------------------------------------

    @rule(
        what=st.sampled_from(["edit", "edit", "write", "write", "forget", "forget muted"]),
        place=number,
        name=reporters,
    )
    def act(self, what: str, place: int, name: str) -> None:
        if what.startswith("forget"):
            muted = [one.reader for one in self.model.mutes] if what == "forget muted" else []
            self.do_forget(muted[-1] if muted else name)
        elif what == "write" and len(self.model.comments) < MOST and self.is_much_reported():
            self.do_write(name, "plain")
        else:
            one = self.comment(place)
            self.do_edit(one, one.reader or name, "plain")

    @rule(
        place=number,
        by=st.lists(st.tuples(reporters, networks), min_size=2, max_size=5),
        category=st.sampled_from(["spam", "hate"]),
        hide=st.sampled_from([3, 3, 3, 3, 4, 0]),
        others=st.sampled_from([None, 0, 2]),
    )
    def report(
        self, place: int, by: list[tuple[str, str]], category: str, hide: int, others: int | None
    ) -> None:
        if hide != self.model.reports_hide:
            self.hide_from(hide)
        published = [one for one in self.model.comments.values() if one.state == "published"]
        one = published[-1 - place % len(published)] if published else self.comment(place)
        muted = [mute.reader for mute in self.model.mutes if mute.holds(self.model.now)]
        if others is not None and muted:
            # A reader whose reports do not count: after two others, or alone and of a new comment.
            by = [*by[:others], (muted[-1], by[-1][1])]
            if others == 0 and len(self.model.comments) < MOST:
                self.do_write("rita", "plain")
                one = self.comment(0)
        for name, network in by:
            self.tick()
            was = self.priorities() if self.model.mute_of(name) is not None else None
            self.do_report(one, name, network, category)
            if was is not None:
                assert self.priorities() == was, "a report that does not count changes no case"

    # People who decide --------------------------------------------------------------------------

    @rule(
        place=number,
        by=people,
        verb=st.sampled_from(["approve", "approve", "hold", "restore", "remove"]),
    )
    def decide(self, place: int, by: str, verb: Any) -> None:
        self.tick()
        waiting = [one for one in self.model.comments.values() if self.model.open_cases(one.id)]
        one = waiting[-1 - place % len(waiting)] if waiting else self.comment(place)
        self.do_decide(one, by, verb)

    @precondition(lambda self: self.model.log)
    @rule(place=st.sampled_from([0, 0, 1, 2]), by=people)
    def undo(self, place: int, by: str) -> None:
        self.tick()
        self.do_undo(self.model.log[-1 - place % len(self.model.log)], by)

    def hide_from(self, value: int) -> None:
        self.run(self.story.set("reports_hide", str(value)))
        self.model.reports_hide = value

    @precondition(lambda self: self.model.reports)
    @rule(
        place=st.integers(0, 5),
        by=people,
        hours=st.sampled_from([None, 1, 24]),
        anew=st.booleans(),
        new_secret=st.booleans(),
    )
    def mute(self, place: int, by: str, hours: int | None, anew: bool, new_secret: bool) -> None:
        self.tick()
        found = list(self.model.reports.values())
        over = [one.reader for one in self.model.mutes if not one.holds(self.model.now)]
        if anew and over:
            # A reader whose mute is over, and who may have another hash since then.
            found = [one for one in found if one.reader == over[-1]] or found
        if new_secret:
            self.story.change_secret()
        report = found[-1 - place % len(found)]
        until = None if hours is None else self.model.now + hours * HOUR
        name = report_id(report.comment, self.story.reader_id(report.reader))
        person, site = self.story.people[by], self.story.site
        done = self.both(
            lambda: self.model.mute(report, until),
            lambda: report_mutes.mute(
                self.services, person, site, report.comment, name, until=until
            ),
        )
        if done is not None:
            done[0].id = done[0].mute.id = done[1].id
            self.cases_are_ordered_by_what_counts()

    @precondition(lambda self: self.model.mutes)
    @rule(place=number, by=people)
    def lift(self, place: int, by: str) -> None:
        self.tick()
        mute = self.model.mutes[-1 - place % len(self.model.mutes)]
        person, site = self.story.people[by], self.story.site
        done = self.both(
            lambda: self.model.lift(mute),
            lambda: report_mutes.lift(self.services, person, site, mute.id),
        )
        if done is not None:
            done[0].id = self.run(self.story.last_of_site("mute"))
            self.cases_are_ordered_by_what_counts()

    @precondition(lambda self: any(self.unheard()))
    @rule(
        by=people,
        hide=st.sampled_from(["hold", "remove"]),
        back=st.sampled_from(["approve", "restore", "undo", "undo"]),
    )
    def lift_while_hidden(self, by: str, hide: Any, back: Any) -> None:
        """Hide what a muted reader reported, lift the mute, and bring the comment back."""
        one, place = next(self.unheard())
        self.tick()
        self.do_decide(one, by, hide)
        hidden = self.model.log[-1]
        self.lift(place=place, by=by)
        self.tick()
        if back == "undo":
            self.do_undo(hidden, by)
        else:
            self.do_decide(one, by, back)
        self.run(match.match_waiting_cases(self.services))

    def unheard(self) -> Iterator[tuple[Comment, int]]:
        """Return the published comments that a muted reader reported, and the place of that mute from the end."""
        for report in self.model.reports.values():
            one, mute = self.model.comments[report.comment], report.mute
            if mute in self.model.mutes and report.at > mute.at and one.state == "published":
                yield one, len(self.model.mutes) - 1 - self.model.mutes.index(mute)

    @precondition(lambda self: self.model.mute_log)
    @rule(place=st.sampled_from([0, 0, 0, 1, 2]), by=people)
    def undo_mute(self, place: int, by: str) -> None:
        self.tick()
        entry = self.model.mute_log[-1 - place % len(self.model.mute_log)]
        person, site = self.story.people[by], self.story.site
        done = self.both(
            lambda: self.model.take_back(entry),
            lambda: take_back.take_back(self.services, person, site, entry.id),
        )
        if done is not None:
            self.cases_are_ordered_by_what_counts()

    # Time ---------------------------------------------------------------------------------------

    @rule(
        milliseconds=st.sampled_from([61_000, 61_000, HOUR, 12 * HOUR, 3 * DAY]),
        jobs=st.booleans(),
    )
    def wait(self, milliseconds: int, jobs: bool) -> None:
        self.do_wait(milliseconds)
        if not jobs:
            return
        self.run(expire.erase_expired_texts(self.services))
        self.model.expire()
        # It finds nothing to do: whatever was hidden when its reports began to count again has its case.
        self.run(match.match_waiting_cases(self.services))

    # What is so then ----------------------------------------------------------------------------

    def priorities(self) -> dict[int, tuple[int, str]]:
        """Return how urgent each open case is, and its reasons."""
        found = self.run(self.story.stored())
        return {one.id: (one.priority, one.reasons) for one in found.cases if one.closed_at is None}

    def cases_are_ordered_by_what_counts(self) -> None:
        """Assert that cases whose reports were weighed have the reasons of those that count, or come last.

        Also closed ones, which an undo opens again.
        """
        rows = {row.id: row for row in self.run(self.story.stored()).cases}
        self.everything_is_as_the_model_says()
        for case in self.model.cases:
            row = rows[case.number]
            is_weighed = case.queue == "reported" and case.comment in self.model.weighed
            if not is_weighed or (not case.is_open and case.closed_by is None):
                continue
            counting = self.model.of_case(case.comment, row.closed_at)
            assert set(json.loads(row.reasons)) == {one.category for one in counting}
            if not self.model.counting(case.comment):
                assert row.priority == LEAST_URGENT

    @invariant()
    def the_list_names_the_mutes_in_effect(self) -> None:
        owner = self.story.people["ana"]
        found: list[ListedMute] = self.run(
            report_mutes.list_mutes(self.services, owner, self.story.site)
        )
        in_effect = {one.id for one in self.model.mutes if one.holds(self.model.now)}
        assert {one.mute.id for one in found} == in_effect


def test_whatever_readers_report_what_counts_is_as_the_model_says(
    migrated_url: str, tmp_path: Path
) -> None:
    run_machine(Reporting, tmp_path, migrated_url, (6, 2), steps=40)
