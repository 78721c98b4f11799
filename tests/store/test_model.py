"""State machine: the writer against a simple model of one story, with any actions in any batches."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.store.store_harness import (
    KEYS,
    LOG_KEYS,
    Store,
    decide,
    nonzero,
    open_store,
    post,
    seqs,
    undo,
)
from tests.waiting import MODEL_TIMES
from widget_server.model.errors import (
    EditWindowOverError,
    ErasedError,
    NotFoundError,
    ProblemError,
    StaleError,
    StoryClosedError,
)
from widget_server.model.records import Comment, CommentState, Story, Tally
from widget_server.store import migrate
from widget_server.store.queries.log_check import LogCheck
from widget_server.store.schema import cases, kept_texts
from widget_server.store.writing.actions import (
    Decide,
    Delete,
    Edit,
    Forget,
    React,
    Undo,
    UpdateStory,
)

READERS = ("ann", "bob", "cy")
WINDOW = 10
_stories = itertools.count()


@dataclass(frozen=True)
class View:
    """What a log says of a comment."""

    state: str
    waiting: bool
    kept: bool
    queues: frozenset[str]


@dataclass
class Logged:
    """A logged decision: `closed` are the queues whose cases it closed."""

    id: str
    before: View
    after: View
    closed: frozenset[str]
    revision: int
    undone: bool = False

    @property
    def verb_erases(self) -> bool:
        """Whether the decision erased, so that nothing can come back."""
        return self.after.state == "removed" and not self.after.kept


@dataclass
class ModelComment:
    """A comment of the model."""

    id: str
    reader: str | None
    state: str
    text: str
    born_at: int
    parent: str | None = None
    waiting: str | None = None
    why: str | None = None
    kept: tuple[str, str, str | None] | None = None
    replaced: tuple[str, str] | None = None
    revision: int = 1
    queues: set[str] = field(default_factory=set)
    log: list[Logged] = field(default_factory=list)

    def view(self) -> View:
        """Return what a log says of the comment."""
        state = self.why or self.state
        return View(state, self.waiting is not None, self.kept is not None, frozenset(self.queues))


@dataclass
class Model:
    """Model of one story without a database: the result of each action, and the public state."""

    closed: bool = False
    seq: int = 0
    clock: int = 0
    words: dict[str, ModelComment] = field(default_factory=dict)
    keys: dict[tuple[str, str], str] = field(default_factory=dict)
    reactions: dict[tuple[str, str], str] = field(default_factory=dict)

    def get_comment(self, comment: str, *states: str) -> ModelComment:
        word = self.words.get(comment)
        if word is None or word.state not in (states or ("published", "pending")):
            raise NotFoundError
        return word

    def open(self) -> None:
        if self.closed:
            raise StoryClosedError

    def own(self, action: Edit | Delete) -> ModelComment:
        word = self.words.get(action.comment)
        kept = isinstance(action, Delete) and word is not None and word.kept is not None
        if word is None or not (kept or word.state in ("published", "pending")):
            raise NotFoundError
        if word.reader != action.reader:
            raise NotFoundError
        if action.at - word.born_at > WINDOW:
            raise EditWindowOverError
        return word

    def remove(self, word: ModelComment) -> None:
        self.seq += word.state == "published"
        word.state, word.text, word.waiting = "removed", "", None

    def do(self, action: Any) -> None:
        """Apply the action. Raises the problem that it is rejected with."""
        getattr(self, type(action).__name__.lower())(action)

    def react(self, action: React) -> None:
        self.open()
        if action.comment is not None:
            self.get_comment(action.comment, "published")
        self.reactions.pop((action.comment or "", action.reader), None)
        if action.reaction is not None:
            self.reactions[action.comment or "", action.reader] = action.reaction

    def edit(self, action: Edit) -> None:
        word = self.own(action)
        self.open()
        word.revision += 1
        if word.state == "published" and action.moderated:
            word.waiting = action.source
            word.queues.add("edits")
        else:
            word.text, word.waiting = action.source, None
            word.queues.discard("edits")
            self.seq += word.state == "published"

    def delete(self, action: Delete) -> None:
        word = self.words.get(action.comment)
        own = word is not None and word.reader == action.reader
        if word is not None and own and word.state == "removed" and word.kept is None:
            return
        self.erase_words(self.own(action))

    def forget(self, action: Forget) -> None:
        for key in [key for key in self.reactions if key[1] == action.reader]:
            del self.reactions[key]
        for word in self.words.values():
            if word.reader == action.reader:
                self.erase_words(word)
                word.reader = None
        self.keys = {key: i for key, i in self.keys.items() if key[0] != action.reader}

    # Decisions -------------------------------------------------------------------------------

    def take(self, word: ModelComment, why: str) -> None:
        """Make the comment a tombstone with kept words, or rename the reason of a held one."""
        if word.why == "held":
            word.why = why
            return
        if word.state == "removed":
            raise NotFoundError
        kept = (word.state, word.text, word.waiting)
        self.remove(word)
        word.why, word.kept, word.replaced = why, kept, None

    def bring_back(self, word: ModelComment) -> None:
        if word.kept is None:
            raise ErasedError
        word.state, word.text, word.waiting = word.kept
        word.why = word.kept = None
        self.seq += word.state == "published"

    def decide(self, action: Decide) -> None:
        word = self.words.get(action.comment)
        if word is None:
            raise NotFoundError
        before = word.view()
        getattr(self, "remove_" if action.verb == "remove" else action.verb)(word, action)
        if word.view() != before:
            closed = before.queues - word.queues
            word.log.append(Logged(action.id, before, word.view(), closed, word.revision))

    def approve(self, word: ModelComment, action: Decide) -> None:
        was_held = word.why == "held"
        if was_held:
            self.bring_back(word)
        if word.state == "removed":
            raise NotFoundError
        with_edit = word.state == "published" and word.waiting is not None and not was_held
        if word.state == "pending":
            word.state = "published"
            self.seq += 1
        elif with_edit:
            word.replaced = (action.id, word.text)
            word.text, word.waiting = word.waiting or "", None
            self.seq += 1
        word.queues -= {"pending", "reported", "held"} | ({"edits"} if with_edit else set())

    def remove_(self, word: ModelComment, _action: Decide) -> None:
        self.take(word, "removed")
        word.queues.clear()

    def hold(self, word: ModelComment, _action: Decide) -> None:
        if word.why == "held":
            return
        if word.state == "removed":
            raise NotFoundError
        if word.state == "published":
            self.take(word, "held")
        word.queues = (word.queues - {"pending"}) | {"held"}

    def restore(self, word: ModelComment, _action: Decide) -> None:
        if word.state == "removed":
            self.bring_back(word)
            word.queues -= {"held"}
            if word.state == "pending":
                word.queues |= {"pending"}

    def erase(self, word: ModelComment, _action: Decide) -> None:
        self.erase_words(word)

    def erase_words(self, word: ModelComment) -> None:
        if word.state != "removed":
            self.remove(word)
        word.why = word.kept = word.replaced = None
        word.queues.clear()

    def undo(self, action: Undo) -> None:
        word = self.words.get(action.comment)
        entry = None
        if word is not None:
            entry = next((one for one in word.log if one.id == action.decision), None)
        if word is None or entry is None:
            raise NotFoundError
        if entry.undone:
            return
        place = word.log.index(entry)
        if any(not one.undone for one in word.log[place + 1 :]):
            raise StaleError
        if entry.verb_erases:
            raise ErasedError
        view = word.view()
        self.undo_of(word, entry)
        word.queues -= entry.after.queues - entry.before.queues
        word.queues |= entry.closed
        entry.undone = word.view() != view

    def undo_of(self, word: ModelComment, entry: "Logged") -> None:
        if word.state == "removed" and word.kept is None:
            raise ErasedError
        was, became = entry.before.state, entry.after.state
        if was != became and became in ("removed", "held"):
            if was == "held":
                word.why = "held"
            else:
                self.bring_back(word)
        elif was != became and was in ("removed", "held"):
            self.take(word, was)
        elif was != became:
            self.take(word, "held")
        elif entry.before.waiting and not entry.after.waiting:
            if word.replaced is None or word.replaced[0] != entry.id:
                raise ErasedError
            if word.revision != entry.revision:
                raise StaleError
            word.waiting, word.text = word.text, word.replaced[1]
            word.replaced = None
            self.seq += 1

    def updatestory(self, action: UpdateStory) -> None:
        self.seq += self.closed != action.columns["closed"]
        self.closed = bool(action.columns["closed"])

    def post(self, action: Any) -> None:
        if (action.reader, action.key) in self.keys:
            return
        self.open()
        if action.parent is not None:
            self.get_comment(action.parent, "published")
        state = "pending" if action.pending else "published"
        self.words[action.id] = ModelComment(
            action.id, action.reader, state, action.source, action.at, action.parent
        )
        if action.pending:
            self.words[action.id].queues.add("pending")
        self.keys[action.reader, action.key] = action.id
        self.seq += state == "published"

    def counts(self, target: str) -> dict[str, int]:
        return dict(Counter(key for (what, _), key in self.reactions.items() if what == target))


class Discussion(RuleBasedStateMachine):
    """State machine. Actions wait until `commit` submits all of them at once, as one batch."""

    store: Store
    runner: asyncio.Runner

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.batch: list[Any] = []
        self.ids = ["nowhere"]
        self.decisions: list[tuple[str, str]] = []
        self.story: Story = self.run(self.store.story(f"m{next(_stories)}"))
        self.store.events.clear()

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    def pick(self, number: int) -> str:
        return self.ids[number % len(self.ids)]

    reader = st.sampled_from(READERS)
    number = st.integers(0, 30)

    @rule(
        reader=reader, key=st.sampled_from("klm"), pending=st.booleans(), parent=st.none() | number
    )
    def post(self, reader: str, key: str, pending: bool, parent: int | None) -> None:
        action = post(
            self.story,
            reader,
            f"words of {reader}",
            key=key,
            pending=pending,
            at=self.model.clock,
            parent=None if parent is None else self.pick(parent),
        )
        self.ids.append(action.id)
        self.batch.append(action)

    @rule(reader=reader, reaction=st.none() | st.sampled_from(KEYS), number=st.none() | number)
    def react(self, reader: str, reaction: str | None, number: int | None) -> None:
        target = None if number is None else self.pick(number)
        self.batch.append(React(self.story.id, target, reader, reaction, None, self.model.clock))

    @rule(reader=reader, number=number, moderated=st.booleans(), body=st.sampled_from("xyz"))
    def edit(self, reader: str, number: int, moderated: bool, body: str) -> None:
        comment, now = self.pick(number), self.model.clock
        edit = Edit(self.story.id, comment, reader, body, [body], WINDOW, moderated, now)
        self.batch.append(edit)

    @rule(reader=reader, number=number)
    def delete(self, reader: str, number: int) -> None:
        now = self.model.clock
        self.batch.append(Delete(self.story.id, self.pick(number), reader, WINDOW, now))

    @rule(
        number=number,
        verb=st.sampled_from(["approve", "remove", "remove", "hold", "restore", "erase"]),
    )
    def decide(self, number: int, verb: Any) -> None:
        action = decide(self.story, self.pick(number), verb, self.model.clock)
        self.decisions.append((action.comment, action.id))
        self.batch.append(action)

    @rule(number=st.integers(0, 9))
    def undo(self, number: int) -> None:
        if self.decisions:
            # Mostly the last ones: earlier ones have later decisions after them.
            comment, decision = self.decisions[-1 - number % len(self.decisions)]
            self.batch.append(undo(self.story, comment, decision, self.model.clock))

    @rule(reader=reader)
    def forget(self, reader: str) -> None:
        self.batch.append(Forget(reader, self.model.clock))

    @rule(closed=st.booleans())
    def close(self, closed: bool) -> None:
        self.batch.append(UpdateStory(self.story.id, {"closed": closed}))

    @rule(seconds=st.integers(1, 8))
    def wait(self, seconds: int) -> None:
        self.commit()
        self.model.clock += seconds

    @rule()
    def commit(self) -> None:
        batch, self.batch = self.batch, []
        before = self.store.writer.metrics.batches
        answers = self.run(self.store.together(*batch))
        assert self.store.writer.metrics.batches - before == bool(batch)
        for action, answer in zip(batch, answers, strict=True):
            rejection = None
            try:
                self.model.do(action)
            except ProblemError as refused:
                rejection = type(refused)
            assert type(answer) is rejection or (rejection is None and not is_error(answer)), action

    @invariant()
    def the_same_is_public(self) -> None:
        if self.batch:
            return
        found = self.run(self.store.discussions.snapshot(self.story.code))
        story, page = found.story, found.page
        model = self.model
        assert (story.seq, story.closed) == (model.seq, model.closed)
        assert seqs(self.store.events, story.code) == list(range(1, model.seq + 1))
        assert nonzero(story.tally) == model.counts("")
        shown: list[Comment] = [one for t in page.threads for one in (t.top, *t.replies)]
        published = {word.id: word for word in model.words.values() if word.state == "published"}
        assert story.count == len(published)
        assert {c.id for c in shown if c.state is CommentState.PUBLISHED} == set(published)
        for comment in shown:
            word = model.words[comment.id]
            assert (comment.state, comment.source) == (word.state, word.text)
            assert comment.reader == (word.reader or "")
            assert nonzero(Tally(0, comment.tally.counts)) == model.counts(comment.id)
            assert (comment.parent, comment.waiting) == (word.parent, word.waiting is not None)
        self.cases_and_kept_texts_are_those_of_the_model()

    def cases_and_kept_texts_are_those_of_the_model(self) -> None:
        words = self.model.words
        mine = cases.c.story == self.story.id
        open_ = self.run(self.store.rows(cases, mine, cases.c.closed_at.is_(None)))
        waits = sorted((row.comment, row.queue) for row in open_)
        assert waits == sorted((one, queue) for one in words for queue in words[one].queues)
        kept = {
            row.comment: row.why
            for row in self.run(self.store.rows(kept_texts))
            if row.comment in words
        }
        assert kept == {
            one: words[one].why or "replaced"
            for one in words
            if words[one].kept is not None or words[one].replaced is not None
        }

    def teardown(self) -> None:
        self.commit()
        self.the_same_is_public()
        self.run(self.store.tallies_are_rows())
        verdict = self.run(LogCheck(self.store.database, LOG_KEYS).verify())
        assert verdict.damages == []


def is_error(answer: object) -> bool:
    return isinstance(answer, BaseException)


@pytest.fixture
def machine(database_url: str) -> Iterator[type[Discussion]]:
    """Return the state machine on an open store, with an event loop for all examples."""
    with asyncio.Runner() as runner:
        runner.run(migrate.upgrade(database_url))
        stack = AsyncExitStack()
        store = runner.run(stack.enter_async_context(open_store(database_url)))
        yield type("Machine", (Discussion,), {"store": store, "runner": runner})
        runner.run(stack.aclose())


def test_any_actions_in_any_batches_do_what_the_model_says(
    machine: type[Discussion], database_url: str
) -> None:
    examples = 40 if database_url.startswith("sqlite") else 8
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples * MODEL_TIMES,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
