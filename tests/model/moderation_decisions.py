"""Steps of the state machine of moderation: decisions, batches, undo and bans."""

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    precondition,
    rule,
)

from tests.model.moderation_records import HOUR, Entry, asked_tag
from tests.model.moderation_steps import VERBS, ReadersSteps, number, people, verbs, words
from widget_server.auth.permissions import allowed
from widget_server.model.batches import Search
from widget_server.model.errors import NotFoundError, NotPermittedError, ProblemError
from widget_server.operations.moderation import bans, batches, decide, queue


class DecisionSteps(ReadersSteps):
    """What the people who moderate decide, in the model and for real."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[str] = []

    # Decisions ----------------------------------------------------------------------------------

    @rule(place=number, by=people, verb=verbs, seen=st.sampled_from([None, 0, 0, 1]))
    def decide(self, place: int, by: str, verb: Any, seen: int | None) -> None:
        one = self.comment(place)
        self.do_decide(one, by, verb, None if seen is None else one.revision - seen)

    @precondition(lambda self: self.model.cases)
    @rule(place=number, by=people, verb=st.sampled_from(VERBS))
    def decide_case(self, place: int, by: str, verb: Any) -> None:
        found = self.model.cases
        case = found[-1 - place % len(found)]
        self.both(
            lambda: self.model.decide(Entry(verb, case.comment, by), case=case),
            lambda: queue.decide_case(
                self.services,
                self.story.people[by],
                self.story.site,
                case.number,
                verb,
                tag=asked_tag(verb, by),
            ),
        )

    @rule(places=st.lists(number, min_size=1, max_size=4), by=people, verb=verbs, old=st.booleans())
    def decide_several(self, places: list[int], by: str, verb: Any, old: bool) -> None:
        some = {one.id: one for one in map(self.comment, places)}
        targets = [
            (one.id, one.revision - (old and not at)) for at, one in enumerate(some.values())
        ]
        refused: dict[str, type[ProblemError]] = {}
        for comment, revision in targets:
            try:
                self.permitted(by, verb)
                self.model.decide(Entry(verb, comment, by, batch="new"), revision)
            except ProblemError as problem:
                refused[comment] = type(problem)
        person, tag = self.story.people[by], asked_tag(verb, by)
        work = decide.decide_batch(self.services, person, verb, targets, tag=tag)
        result = self.run(work)
        assert {name: type(problem) for name, problem in result.refused.items()} == refused
        if any(one.decision is not None for one in result.decided):
            self.batches.append(result.batch)

    @rule(by=people, verb=st.sampled_from(["close", "open"]))
    def decide_story(self, by: str, verb: Any) -> None:
        self.do_decide_story(by, verb)

    # Batches and undo ---------------------------------------------------------------------------

    @rule(by=people, verb=st.sampled_from(["remove", "spam", "hold", "approve"]), word=words)
    def decide_found(self, by: str, verb: Any, word: str) -> None:
        def modelled() -> int:
            found = self.model.found(verb, word)
            for one in found:
                self.model.decide(Entry(verb, one.id, by, batch="new"))
            if not found:
                raise NotFoundError
            return len(found)

        site, person = self.story.site, self.story.people[by]
        done = self.both(
            modelled,
            lambda: batches.start_batch(self.services, person, site, verb, Search(phrase=word)),
        )
        if done is not None:
            assert (done[1].total, done[1].done, done[1].refused) == (done[0], done[0], 0)
            self.batches.append(done[1].id)

    @precondition(lambda self: self.batches)
    @rule(place=number, by=people, as_search=st.booleans())
    def undo_batch(self, place: int, by: str, as_search: bool) -> None:
        name = self.batches[-1 - place % len(self.batches)]
        found = self.run(self.services.batches.find(name)) if as_search else None
        entries = [entry for entry in self.model.log if entry.batch == name][::-1]
        if found is not None:
            entries = [entry for entry in entries if not entry.undone]
        site, person = self.story.site, self.story.people[by]
        needed = {entry.verb for entry in entries} - {"undo"}
        if not all(allowed(person, verb, site) for verb in needed):
            # Nothing of it is undone.
            with pytest.raises(NotPermittedError):
                self.run(decide.undo(self.services, person, name))
            return
        together = found is not None or len(entries) > 1
        done, refused = self._undo_all(entries, by, "new" if together else None)
        if found is not None:
            undoing = self.run(batches.undo_batch(self.services, person, site, name))
            if entries:
                assert (undoing.total, undoing.done) == (len(entries), done)
                assert undoing.refused == len(refused)
                self.batches.append(undoing.id)
        elif len(entries) > 1:
            result = self.run(decide.undo(self.services, person, name))
            assert {one: type(error) for one, error in result.refused.items()} == refused
        elif refused:
            with pytest.raises(next(iter(refused.values()))):
                self.run(decide.undo(self.services, person, name))
        else:
            self.run(decide.undo(self.services, person, name))

    def _undo_all(
        self, entries: list[Entry], by: str, batch: str | None
    ) -> tuple[int, dict[str, type[ProblemError]]]:
        """Undo decisions in the model. Return how many were not refused, and the problems of the others."""
        refused: dict[str, type[ProblemError]] = {}
        for entry in entries:
            try:
                self.model.undo(Entry("undo", entry.comment, by, batch=batch, undoes=entry))
            except ProblemError as problem:
                refused[entry.id] = type(problem)
        return len(entries) - len(refused), refused

    @precondition(lambda self: self.model.log)
    @rule(place=number, by=people)
    def undo(self, place: int, by: str) -> None:
        self.do_undo(self.model.log[-1 - place % len(self.model.log)], by)

    # Bans ---------------------------------------------------------------------------------------

    @rule(
        place=number,
        by=people,
        hours=st.sampled_from([1, 24, None]),
        mode=st.sampled_from(["read", "approval"]),
    )
    def ban(self, place: int, by: str, hours: int | None, mode: Any) -> None:
        one = self.comment(place)
        until = None if hours is None else self.model.now + hours * HOUR
        person = self.story.people[by]
        self.both(
            lambda: self.model.ban(Entry("ban", one.id, by), mode, until),
            lambda: bans.ban(self.services, person, one.id, until=until, mode=mode),
        )

    @rule(place=number, by=people)
    def unban(self, place: int, by: str) -> None:
        self.do_unban(self.comment(place), by)
