"""State machine: objections and bans about one comment against a simple model, decided by two people."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.store.store_harness import LOG_KEYS, Store, decide, open_store, undo
from tests.store.test_appeals import AT, MONA, NICK, outcome, with_people
from widget_server.model.actors import Actor
from widget_server.model.bans import BanTerms
from widget_server.model.decisions import Decided
from widget_server.model.errors import NotPermittedError, ProblemError, StaleError
from widget_server.model.records import Comment, CommentState, Story
from widget_server.store import migrate
from widget_server.store.queries.bans import Bans
from widget_server.store.queries.log_check import LogCheck
from widget_server.store.schema import cases
from widget_server.store.writing.actions import Appeal, Decide, Undo

people = st.sampled_from([MONA, NICK])


@dataclass
class Step:
    """A decision in effect: what was in effect before it."""

    id: str
    verb: str
    before: str | None


@dataclass
class Model:
    """What is in effect: a removal and a ban, each by its decision's id, and the objections to them."""

    removal: str | None = None
    ban: str | None = None
    made_by: dict[str, Actor] = field(default_factory=dict)
    appealed: set[str] = field(default_factory=set)
    upheld: list[tuple[str, list[str], set[str]]] = field(default_factory=list)
    """Decisions that confirmed others, with the content decisions before them."""
    content: list[Step] = field(default_factory=list)
    bans: list[Step] = field(default_factory=list)

    def confirmed(self, decision: str) -> bool:
        """Whether another person confirmed the decision."""
        return any(decision in ids for _, ids, _ in self.upheld)

    def waiting(self) -> list[str]:
        """Return the decisions whose objections wait."""
        found = [one for one in (self.removal, self.ban) if one is not None]
        return [one for one in found if one in self.appealed and not self.confirmed(one)]

    def refuses(self, by: Actor, decisions: list[str]) -> bool:
        """Whether this person made one of the decisions to whose objections they answer."""
        return any(self.made_by[one] == by for one in decisions)


class ReadersMachine(RuleBasedStateMachine):
    """One comment of one reader in a store."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.stack = AsyncExitStack()
        self.model = Model()
        self.store: Store = self.run(self.stack.enter_async_context(open_store(self.url)))
        self.story, self.comment = self.run(self.begin())

    async def begin(self) -> tuple[Story, Comment]:
        """Return a new story on the one site, with a comment."""
        if not await self.store.sites.find("s"):
            await with_people(self.store, MONA, NICK)
        story = await self.store.story(key=f"story {id(self)} {self.loop.time()}")
        return story, await self.store.post(story, f"ana {story.id}", "my words")

    @property
    def reader(self) -> str:
        """The comment's reader."""
        return f"ana {self.story.id}"

    def run(self, work: Any) -> Any:
        """Run a coroutine."""
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        """Check the log, and close the store."""
        verdict = self.run(LogCheck(self.store.database, LOG_KEYS).verify())
        assert verdict.damages == []
        self.run(self.stack.aclose())
        self.loop.close()

    def do(self, action: Decide | Undo, problem: type[ProblemError] | None) -> str | None:
        """Submit a decision that is refused with `problem`. Return its id, or None if nothing was decided."""
        if problem is not None:
            with pytest.raises(problem):
                self.run(self.store.writer.submit(action))
            return None
        decided: Decided = self.run(self.store.writer.submit(action))
        return None if decided.decision is None else decided.decision.id

    # Decisions -------------------------------------------------------------------------------

    @precondition(lambda self: self.model.removal is None)
    @rule(by=people)
    def remove(self, by: Actor) -> None:
        made = self.do(decide(self.story, self.comment.id, "remove", AT, by=by), None)
        assert made is not None
        self.model.content.append(Step(made, "remove", None))
        self.model.removal, self.model.made_by[made] = made, by

    @rule(by=people)
    def restore(self, by: Actor) -> None:
        model = self.model
        answered = [one for one in model.waiting() if one == model.removal]
        refused = NotPermittedError if model.refuses(by, answered) else None
        made = self.do(decide(self.story, self.comment.id, "restore", AT, by=by), refused)
        assert (made is None) == (model.removal is None or refused is not None)
        if made is not None:
            model.content.append(Step(made, "restore", model.removal))
            model.removal = None

    @rule(by=people)
    def uphold(self, by: Actor) -> None:
        model, waiting = self.model, self.model.waiting()
        refused = NotPermittedError if model.refuses(by, waiting) else None
        made = self.do(decide(self.story, self.comment.id, "uphold", AT, by=by), refused)
        assert (made is None) == (not waiting or refused is not None)
        if made is not None:
            model.upheld.append((made, waiting, {step.id for step in model.content}))

    @rule(by=people, until=st.sampled_from([AT + 10, AT + 20, None]))
    def ban_writer(self, by: Actor, until: int | None) -> None:
        self._ban("ban", by, until)

    @rule(by=people)
    def lift_ban(self, by: Actor) -> None:
        self._ban("unban", by, None)

    def _ban(self, verb: str, by: Actor, until: int | None) -> None:
        model = self.model
        answered = [one for one in model.waiting() if one == model.ban]
        refused: type[ProblemError] | None = None
        same = verb == "ban" and model.ban is not None and self.run(self.ends()) == [until]
        if not same and model.refuses(by, answered):
            refused = NotPermittedError
        terms = BanTerms((f"{self.story.id:064d}",), until=until)
        action = decide(self.story, self.comment.id, verb, AT, by=by, ban=terms)
        made = self.do(action, refused)
        if made is not None:
            model.bans.append(Step(made, verb, model.ban))
            model.ban, model.made_by[made] = (made if verb == "ban" else None), by

    # Undo ------------------------------------------------------------------------------------

    @precondition(lambda self: self.model.content)
    @rule(by=people)
    def undo_words(self, by: Actor) -> None:
        model, step = self.model, self.model.content[-1]
        problem: type[ProblemError] | None = None
        if model.confirmed(step.id):
            problem = StaleError
        elif step.id in model.waiting() and model.made_by[step.id] == by:
            problem = NotPermittedError
        if self.do(undo(self.story, self.comment.id, step.id, AT, by=by), problem) is not None:
            model.content.pop()
            model.removal = step.before

    @precondition(lambda self: self.model.bans)
    @rule(by=people)
    def undo_ban(self, by: Actor) -> None:
        model, step = self.model, self.model.bans[-1]
        problem: type[ProblemError] | None = None
        if model.confirmed(step.id):
            problem = StaleError
        elif step.id in model.waiting() and model.made_by[step.id] == by:
            problem = NotPermittedError
        if self.do(undo(self.story, self.comment.id, step.id, AT, by=by), problem) is not None:
            model.bans.pop()
            model.ban = step.before

    @precondition(lambda self: self.model.upheld)
    @rule(by=people)
    def undo_uphold(self, by: Actor) -> None:
        model = self.model
        made, _, before = model.upheld[-1]
        stale = StaleError if any(step.id not in before for step in model.content) else None
        if self.do(undo(self.story, self.comment.id, made, AT, by=by), stale) is not None:
            model.upheld.pop()

    # Objections ------------------------------------------------------------------------------

    @precondition(lambda self: self.model.removal is not None)
    @rule()
    def object_to_removal(self) -> None:
        action = Appeal(self.story.id, self.comment.id, self.reader, "no", AT)
        assert self.run(self.store.writer.submit(action)) == self.model.removal
        self.model.appealed.add(str(self.model.removal))

    @precondition(lambda self: self.model.ban is not None)
    @rule()
    def object_to_ban(self) -> None:
        ban = str(self.model.ban)
        action = Appeal(self.story.id, self.comment.id, self.reader, None, AT, decision=ban)
        assert self.run(self.store.writer.submit(action)) == ban
        self.model.appealed.add(ban)

    # What is so then ---------------------------------------------------------------------------

    async def ends(self) -> list[int | None]:
        """Return the ends of the bans in effect that were made about the comment."""
        found = await Bans(self.store.database).of_site("s", AT, None, 100)
        return [one.ban.until for one in found if one.ban.comment == self.comment.id]

    async def open_queues(self) -> list[str]:
        """Return the queues in which the comment waits."""
        where = (cases.c.comment == self.comment.id, cases.c.closed_at.is_(None))
        return [row.queue for row in await self.store.rows(cases, *where)]

    @invariant()
    def agrees(self) -> None:
        """Compare the store with the model."""
        model = self.model
        found: Any = self.run(self.store.discussions.own(self.story.id, [self.reader]))
        removed = [one.id for one in found[self.reader].removed]
        assert removed == ([self.comment.id] if model.removal else [])
        assert self.run(self.open_queues()) == (["appeals"] if model.waiting() else [])
        assert len(self.run(self.ends())) == (model.ban is not None)
        told = self.run(outcome(self.store, self.story, self.reader))
        if model.removal is not None:
            assert told is not None
            state = None
            if model.removal in model.appealed:
                state = "upheld" if model.confirmed(model.removal) else "waiting"
            assert (told.state, told.decision, told.appeal) == ("removed", model.removal, state)
            assert told.may_appeal == (model.removal not in model.appealed)
        else:
            assert told is None or told.state == "restored"
            comments = found[self.reader].comments
            assert [one.state for one in comments] == [CommentState.PUBLISHED]


def test_objections_and_bans_are_as_the_model_says(database_url: str) -> None:
    asyncio.run(migrate.upgrade(database_url))
    machine = type("Machine", (ReadersMachine,), {"url": database_url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=12,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
