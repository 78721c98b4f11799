"""State machine: hints of three readers in one story against a simple model, in batches of any size."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.store.store_harness import LOG_KEYS, Store, decide, new_id, open_store, undo
from widget_server.model.corrections import Correction
from widget_server.model.decisions import Decided
from widget_server.model.errors import ProblemError
from widget_server.model.hints import MAX_OPEN, MAX_OWN, Hint
from widget_server.model.records import Story
from widget_server.store import migrate
from widget_server.store.queries.hints import Hints
from widget_server.store.queries.log_check import LogCheck
from widget_server.store.writing.actions import Decide, Forget, SendHint, Undo
from widget_server.store.writing.old_hints import erase_words_of_hints

READERS = ("ann", "ben", "cem")
KEEP = 10
"""Milliseconds for which the words of answered hints are kept."""


@dataclass
class Known:
    """A hint in the model."""

    reader: str
    text: str | None
    credit: str | None
    at: int
    state: str = "open"
    decision: str | None = None
    decided_at: int = 0


@dataclass
class Model:
    """Hints by id, and corrections by id: whom each thanks, None once it is withdrawn."""

    hints: dict[str, Known] = field(default_factory=dict)
    thanks: dict[str, str | None] = field(default_factory=dict)
    credited: dict[str, str] = field(default_factory=dict)
    """Hints whose reader a correction names, by the correction."""
    withdrawn: set[str] = field(default_factory=set)
    undone: set[str] = field(default_factory=set)
    declined: set[str] = field(default_factory=set)

    def do(self, action: Any) -> str | None:
        """Apply an action. Return `error`, `nothing`, or None for a change."""
        match action:
            case SendHint():
                return self.send(action)
            case Decide():
                return self.decide(action)
            case Undo():
                return self.undo(action)
            case _:
                return self.forget(action)

    def send(self, action: SendHint) -> str | None:
        own = [one for one in self.hints.values() if one.reader == action.reader]
        if any(one.text == action.text for one in own):
            return "nothing"
        if sum(one.state == "open" for one in own) >= MAX_OPEN:
            return "error"
        self.hints[action.id] = Known(action.reader, action.text, action.credit, action.at)
        return None

    def decide(self, action: Decide) -> str | None:
        one = self.hints.get(action.hint or "")
        if one is None or one.state != "open":
            return "error"
        one.decision, one.decided_at = action.id, action.at
        if action.verb == "reject":
            one.state = "declined"
            self.declined.add(action.id)
            return None
        one.state = "accepted"
        self.thanks[action.id] = one.credit if action.thanks else None
        if self.thanks[action.id]:
            self.credited[action.id] = str(action.hint)
        return None

    def undo(self, action: Undo) -> str | None:
        name = action.decision
        if name not in self.thanks and name not in self.declined:
            return "error"
        if name in self.undone:
            return "nothing"
        answered = [one for one in self.hints.values() if one.decision == name and one.text]
        if name in self.declined and not answered:
            return "error"
        self.undone.add(name)
        if name in self.thanks:
            self.withdrawn.add(name)
            self.credited.pop(name, None)
        for one in answered:
            one.state, one.decision = "open", None
        return None

    def forget(self, action: Forget) -> str | None:
        gone = [name for name, one in self.hints.items() if one.reader == action.reader]
        for correction, hint in list(self.credited.items()):
            if hint in gone:
                self.thanks[correction] = None
                del self.credited[correction]
        for name in gone:
            del self.hints[name]
        return None

    def erase_words(self, now: int) -> None:
        """Delete the words of answered hints whose time is over."""
        for one in self.hints.values():
            if one.state != "open" and one.decided_at + KEEP < now:
                one.text = one.credit = None


class HintsMachine(RuleBasedStateMachine):
    """One story in a store. Actions are submitted together when a batch is committed."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.stack = AsyncExitStack()
        self.model = Model()
        self.now = 1_000
        self.store: Store = self.run(self.stack.enter_async_context(open_store(self.url)))
        self.story: Story = self.run(self.store.story(key=f"{id(self)} {self.loop.time()}"))
        self.batch: list[Any] = []
        self.names: list[str] = []
        self.decisions: list[str] = []

    def run(self, work: Any) -> Any:
        """Run a coroutine."""
        return self.loop.run_until_complete(work)

    def reader(self, name: str) -> str:
        """Return the reader's id, which no other machine on this database uses."""
        return f"{name} {self.story.id}"

    def add(self, action: Any) -> None:
        """Add an action to the batch."""
        self.now += 1
        self.batch.append(action)

    @rule(
        reader=st.sampled_from(READERS),
        text=st.sampled_from("abcdef"),
        credit=st.sampled_from([None, "Ann"]),
    )
    def send(self, reader: str, text: str, credit: str | None) -> None:
        name = new_id("h")
        self.names.append(name)
        action = SendHint(self.story.id, name, self.reader(reader), text, self.now, credit=credit)
        self.add(action)

    @rule(number=st.integers(0, 9), thanks=st.booleans(), accept=st.booleans())
    def answer(self, number: int, thanks: bool, accept: bool) -> None:
        hint = self.names[-1 - number % len(self.names)] if self.names else "missing"
        verb = "correct" if accept else "reject"
        action = decide(self.story, "", verb, self.now, hint=hint, thanks=thanks, keep=KEEP)
        if accept:
            new = Correction(action.id, self.now, "update", "Words.")
            action = decide(
                self.story,
                "",
                verb,
                self.now,
                id=action.id,
                hint=hint,
                thanks=thanks,
                keep=KEEP,
                correction=new,
            )
        self.decisions.append(action.id)
        self.add(action)

    @rule(number=st.integers(0, 9))
    def take_back(self, number: int) -> None:
        name = self.decisions[-1 - number % len(self.decisions)] if self.decisions else "missing"
        self.add(undo(self.story, "", name, self.now))

    @rule(reader=st.sampled_from(READERS))
    def forget(self, reader: str) -> None:
        self.add(Forget(self.reader(reader), self.now))

    @rule(passed=st.sampled_from([0, KEEP + 2]))
    def commit(self, passed: int) -> None:
        """Commit the batch, let time pass, and compare everything with the model."""
        answers = self.run(self.store.together(*self.batch))
        for action, answer in zip(self.batch, answers, strict=True):
            expected = self.model.do(action)
            if isinstance(answer, BaseException) and not isinstance(answer, ProblemError):
                raise answer
            assert isinstance(answer, ProblemError) == (expected == "error"), (action, answer)
            if isinstance(answer, Decided):
                assert (answer.decision is None) == (expected == "nothing"), (action, answer)
        self.batch = []
        self.now += passed
        self.run(self.store.writer.run_in_transaction(erase_words_of_hints(self.now)))
        self.model.erase_words(self.now)
        self.run(self.compare())

    async def compare(self) -> None:
        """Compare what is stored with the model."""
        model, store = self.model, self.store
        for name in READERS:
            reader = self.reader(name)
            found = (await store.discussions.own(self.story.id, [reader]))[reader].hints
            known = {id_: one for id_, one in model.hints.items() if one.reader == reader}
            newest = sorted(known, key=lambda id_: (known[id_].at, id_), reverse=True)[:MAX_OWN]
            assert [self.shape(one) for one in found] == [
                (id_, known[id_].text, known[id_].credit, known[id_].state, self.correction(id_))
                for id_ in newest
            ]
        reads = Hints(store.database)
        page = await reads.page("s", self.story.code, None, 100)
        waiting = {name for name, one in model.hints.items() if one.state == "open"}
        assert {one.hint.id for one in page} == waiting
        everywhere = await reads.page("s", None, None, 10_000)
        assert await reads.count("s") == len(everywhere)
        now = await store.now(self.story)
        assert {one.id: one.credit for one in now.corrections if not one.withdrawn_at} == {
            name: credit for name, credit in model.thanks.items() if name not in model.withdrawn
        }

    def correction(self, name: str) -> str | None:
        """Return the correction that the model has for a hint."""
        one = self.model.hints[name]
        return one.decision if one.state == "accepted" else None

    @staticmethod
    def shape(one: Hint) -> tuple[str, str | None, str | None, str, str | None]:
        """Return what the model knows of a hint."""
        return one.id, one.text, one.credit, one.state, one.correction

    def teardown(self) -> None:
        """Commit the rest, check the log, and close the store."""
        self.commit(0)
        verdict = self.run(LogCheck(self.store.database, LOG_KEYS).verify())
        assert verdict.damages == []
        self.run(self.stack.aclose())
        self.loop.close()


def test_hints_in_any_order_and_any_batches_are_as_in_the_model(database_url: str) -> None:
    asyncio.run(migrate.upgrade(database_url))
    machine = type("OnEngine", (HintsMachine,), {"url": database_url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=12,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
