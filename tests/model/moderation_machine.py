"""What the state machines of moderation share: one modelled story on a real database, and what is compared."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    run_state_machine_as_test,
)

from tests.model.moderated_story import BEGIN, NETWORKS, READERS, ModeratedStory, Stored
from tests.model.moderation_checks import (
    cases_are_those_of,
    comments_are_those_of,
    laws_hold,
    log_is_that_of,
    public_is_that_of,
    reports_are_those_of,
)
from tests.model.moderation_records import Comment, Entry, asked_tag
from tests.model.moderation_site import SiteModel
from tests.operations.operations_harness import Server, new_comment, open_server
from tests.waiting import MODEL_TIMES, eventually
from widget_server.auth.permissions import allowed
from widget_server.model.errors import NotFoundError, NotPermittedError, ProblemError
from widget_server.operations.moderation import bans, decide, log
from widget_server.operations.readers import appeal, comment as comments, identify


class StoryMachine(RuleBasedStateMachine):
    """One story in the model and for real, how a step is done, and what is so after each step."""

    server: Server
    runner: asyncio.Runner
    readers: ClassVar[tuple[str, ...]] = READERS

    def __init__(self) -> None:
        super().__init__()
        self.model = SiteModel()
        self.story = ModeratedStory(self.server)
        self.services = self.story.services
        self.model.now = self.story.now
        self.texts = 0
        self.run(self.story.begin())
        self.begin()

    def begin(self) -> None:
        """Write the first comments."""
        for name in READERS[:2]:
            self.do_write(name, "plain")

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

    def permitted(self, by: str, *names: str) -> None:
        """Raise `NotPermittedError` if the person's role has not these verbs."""
        if not all(allowed(self.story.people[by], verb, self.story.site) for verb in names):
            raise NotPermittedError

    def comment(self, place: int) -> Comment:
        """Return one of the comments."""
        found = list(self.model.comments.values())
        return found[place % len(found)]

    def text(self, word: str) -> str:
        """Return words that no other comment has."""
        self.texts += 1
        return f"{word} {self.texts}"

    # Steps that several machines do -------------------------------------------------------------

    def do_write(self, name: str, word: str, network: str = NETWORKS[0]) -> None:
        """Write a comment."""
        text = self.text(word)

        async def real() -> str:
            grant, actor = await self.story.reader(name, network)
            return (await comments.post(self.services, grant, actor, new_comment(text))).id

        done = self.both(lambda: self.model.check_post(name, network, text), real)
        if done is not None:
            self.model.post(done[1], name, network, text)

    def do_edit(self, one: Comment, name: str, word: str, network: str = NETWORKS[0]) -> None:
        """Replace the words of a comment."""
        text = self.text(word)

        async def real() -> None:
            grant, actor = await self.story.reader(name, network)
            await comments.edit(self.services, grant, actor, one.id, text)

        self.both(lambda: self.model.edit(one.id, name, network, text), real)

    def do_report(self, one: Comment, name: str, network: str, category: str) -> None:
        """Report a comment from a network."""

        async def real() -> None:
            grant, actor = await self.story.reader(name, network)
            await comments.report(self.services, grant, actor, one.id, None, category)

        self.both(lambda: self.model.report(one.id, name, network, category), real)

    def do_object_to_ban(self, name: str, network: str = NETWORKS[0]) -> None:
        """Object to the ban that a reader meets on a network."""
        ban = self.model.ban_of(name, network)

        def modelled() -> None:
            if ban is None or ban.made.undone:
                raise NotFoundError
            self.model.object(ban.made, name)

        async def real() -> None:
            grant, actor = await self.story.reader(name, network)
            await appeal.appeal(self.services, grant, actor, None, None)

        self.both(modelled, real)

    def do_unban(self, one: Comment, by: str) -> None:
        """Lift the ban of a comment's writer."""
        person = self.story.people[by]
        self.both(
            lambda: self.model.unban(Entry("unban", one.id, by)),
            lambda: bans.unban(self.services, person, one.id),
        )

    def do_forget(self, name: str) -> None:
        """Erase everything that a reader left."""

        async def real() -> None:
            grant, actor = await self.story.reader(name)
            await identify.erase(self.services, grant, actor)

        self.both(lambda: self.model.forget(name), real)

    def do_decide(self, one: Comment, by: str, verb: Any, revision: int | None = None) -> None:
        """Decide about a comment."""
        person = self.story.people[by]

        def modelled() -> Entry | None:
            self.permitted(by, verb)
            return self.model.decide(Entry(verb, one.id, by), revision)

        done = self.both(
            modelled,
            lambda: decide.decide(
                self.services, person, verb, one.id, revision=revision, tag=asked_tag(verb, by)
            ),
        )
        if done is not None:
            assert (done[0] is None) == (done[1].decision is None)

    def do_decide_story(self, by: str, verb: Any, notice: str | None = None) -> None:
        """Close or open the discussion, or set the notice above it."""
        code, person = self.story.grant.story.code, self.story.people[by]

        def modelled() -> None:
            self.permitted(by, verb)
            self.model.decide_story(Entry(verb, "", by), notice)

        self.both(
            modelled,
            lambda: decide.decide_story(self.services, person, verb, code, notice=notice),
        )

    def do_undo(self, entry: Entry, by: str) -> None:
        """Undo a decision."""
        person = self.story.people[by]

        def modelled() -> Entry | None:
            self.permitted(by, "undo", *([] if entry.verb == "undo" else [entry.verb]))
            return self.model.undo(Entry("undo", entry.comment, by, undoes=entry))

        done = self.both(modelled, lambda: decide.undo(self.services, person, entry.id))
        if done is not None:
            assert (done[0] is None) == (done[1].decided[0].decision is None)

    def do_wait(self, milliseconds: int) -> None:
        """Let time pass."""
        self.story.now += milliseconds
        self.model.now = self.story.now

    def tick(self) -> None:
        """Let one second pass, so that a report and a later mute have different times."""
        self.do_wait(1_000)

    # What is so then ----------------------------------------------------------------------------

    @invariant()
    def everything_is_as_the_model_says(self) -> None:
        self.compare(self.run(self.story.stored()))
        public_is_that_of(self.model, *self.run(self.story.fresh()))

    def compare(self, found: Stored) -> None:
        """Assert that what is stored is what the model says."""
        log_is_that_of(self.model, found)
        cases_are_those_of(self.model, found)
        ids = {name: self.story.reader_id(name) for name in self.readers}
        comments_are_those_of(self.model, found, ids)
        reports_are_those_of(self.model, found, ids)
        laws_hold(self.model, found)

    def teardown(self) -> None:
        """Check that all open pages are in sync, and that the logs' chains are whole."""

        async def in_sync() -> bool:
            return not await self.story.differences()

        self.run(eventually(in_sync, "snapshot + messages = new snapshot", pause=0.005))
        owner = self.story.people["ana"]
        checked = self.run(log.verify_site_log(self.services, owner, self.story.site))
        assert checked.verdict.damages == []


def run_machine(
    kind: type[StoryMachine],
    folder: Path,
    database_url: str,
    examples: tuple[int, int],
    steps: int = 30,
) -> None:
    """Run so many examples of a state machine with SQLite, or so many with PostgreSQL: one server for all."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        opened = open_server(folder, database_url, clock=lambda: BEGIN / 1000, rate_limits="off")
        server = runner.run(stack.enter_async_context(opened))
        try:
            run_state_machine_as_test(
                type("Machine", (kind,), {"server": server, "runner": runner}),
                settings=settings(
                    max_examples=examples[not database_url.startswith("sqlite")] * MODEL_TIMES,
                    stateful_step_count=steps,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(stack.aclose())
