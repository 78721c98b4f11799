"""State machine: cases, leases, handed cases, decisions and undo against a simple model, with a clock that is moved."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.e2e.publisher import Publisher
from tests.operations.operations_harness import SECRET, Server, open_server
from tests.operations.owner_harness import person
from tests.waiting import MODEL_TIMES
from widget_server.model.actors import name_of, shell
from widget_server.model.errors import CaseClosedError, MalformedError
from widget_server.model.priority import PRIORITIES
from widget_server.model.queue import CaseFilter
from widget_server.operations.moderation import decide, hand_over, queue
from widget_server.operations.owners import sites
from widget_server.operations.services import Services
from widget_server.store import migrate
from widget_server.store.queries.handed_cases import delete_ended_hand_overs
from widget_server.store.schema_people import accounts
from widget_server.store.writing.actions import Post, Report

PEOPLE = {name: replace(person("moderator"), id=name) for name in ("ana", "ben", "cem")}
ALL = CaseFilter()
_sites = itertools.count()


@dataclass
class ModelCase:
    """A case of the model."""

    comment: str
    queue: str
    priority: int
    opened_at: int
    by: str | None = None
    until: int = 0
    is_open: bool = True
    handed_to: str | None = None
    handed_until: int = 0

    def is_free(self, by: str, now: int) -> bool:
        """Return whether a person gets it from the queue."""
        others = self.handed_to not in (None, by) and self.handed_until > now
        return self.is_open and not others and (self.by in (None, by) or self.until <= now)


@dataclass
class Made:
    """A decision of the model: what it closed, and whether the comment was visible before."""

    id: str
    comment: str
    closed: list[int]
    visible: bool
    undone: bool = False


@dataclass
class Model:
    """Cases by number, visible comments, and the decisions in order."""

    cases: dict[int, ModelCase] = field(default_factory=dict)
    visible: dict[str, bool] = field(default_factory=dict)
    made: list[Made] = field(default_factory=list)

    def free(self, by: str, now: int) -> list[int]:
        """Return the cases that a person would get, in order."""
        found = [
            (case.priority, case.opened_at, number)
            for number, case in self.cases.items()
            if case.is_free(by, now)
        ]
        return [number for _, _, number in sorted(found)]


class Desk(RuleBasedStateMachine):
    """People at one queue."""

    server: Server
    runner: asyncio.Runner

    def __init__(self) -> None:
        super().__init__()
        self.site = f"s{next(_sites)}"
        self.now = 1_700_000_000.0
        self.model = Model()
        self.reported: set[tuple[str, str]] = set()
        self.services: Services = replace(self.server.services, clock=lambda: self.now)
        self.people = {name: replace(by, site=self.site) for name, by in PEOPLE.items()}
        self.run(self._begin())

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    async def _begin(self) -> None:
        await sites.create_site(self.server.services, shell("test"), self.site, "A site")
        story = Publisher(self.site, SECRET).story()
        self.grant = await self.server.grant(story)
        self.story = self.grant.story

    def now_ms(self) -> int:
        return int(self.now * 1000)

    async def _open(self) -> dict[int, tuple[str, str]]:
        rows = await self.services.queue.page(self.site, ALL, self.now_ms(), None, 1000)
        return {case.id: (case.comment.id, case.queue) for case in rows}

    def learn(self, queue_name: str, comment: str, priority: int) -> None:
        """Add the case that was opened last to the model."""
        known = {(one.comment, one.queue) for one in self.model.cases.values() if one.is_open}
        for number, place in self.run(self._open()).items():
            if place == (comment, queue_name) and place not in known:
                self.model.cases[number] = ModelCase(comment, queue_name, priority, self.now_ms())

    def read_priority(self, comment: str) -> None:
        """Take the priority of a reported case from the database: `test_priority` says what it must be."""
        rows = self.run(self.services.queue.page(self.site, ALL, self.now_ms(), None, 1000))
        for case in rows:
            if (case.comment.id, case.queue) == (comment, "reported"):
                self.model.cases[case.id].priority = case.priority

    @rule(pending=st.booleans())
    def write(self, pending: bool) -> None:
        number = len(self.model.visible)
        comment = f"c{self.site}x{number}"
        action = Post(
            story=self.story.id, id=comment, key=comment, reader=f"r{number}", source="hi",
            text=[["p", None, "hi"]], pending=pending, reactions=(), at=self.now_ms(),
        )  # fmt: skip
        self.run(self.services.writer.submit(action))
        self.model.visible[comment] = not pending
        if pending:
            self.learn("pending", comment, PRIORITIES["pending"])

    @rule(data=st.data(), reason=st.sampled_from(["spam", "threat"]), reader=st.integers(0, 99))
    def report(self, data: Any, reason: str, reader: int) -> None:
        seen = sorted(one for one, visible in self.model.visible.items() if visible)
        if not seen:
            return
        comment = data.draw(st.sampled_from(seen))
        key = f"q{reader}"
        if (comment, key) in self.reported:
            return  # a second report by the same reader changes nothing
        self.reported.add((comment, key))
        self.run(
            self.services.writer.submit(Report(self.story.id, comment, key, reason, self.now_ms()))
        )
        own = [
            case
            for case in self.model.cases.values()
            if (case.comment, case.queue, case.is_open) == (comment, "reported", True)
        ]
        if not own:
            self.learn("reported", comment, 0)
        self.read_priority(comment)

    @rule(name=st.sampled_from(sorted(PEOPLE)), limit=st.integers(1, 4))
    def take(self, name: str, limit: int) -> None:
        by = self.people[name]
        cards = self.run(queue.take(self.services, by, self.site, ALL, limit=limit))
        own = name_of(by)
        expected = self.model.free(own, self.now_ms())[:limit]
        harsh = [card.case.id for card in cards if "threat" in card.case.reasons]
        if len(harsh) < limit:
            assert sorted(card.case.id for card in cards) == sorted(expected)
        taken = {card.case.id for card in cards}
        assert set(expected) <= taken
        for number in taken:
            case = self.model.cases[number]
            assert case.is_free(own, self.now_ms())
            case.by, case.until = own, self.now_ms() + queue.LEASE_S * 1000

    @rule(name=st.sampled_from(sorted(PEOPLE)))
    def give_back(self, name: str) -> None:
        by = self.people[name]
        self.run(queue.give_cases_back(self.services, by, self.site))
        for case in self.model.cases.values():
            if case.by == name_of(by):
                case.by, case.until = None, 0

    @rule(
        data=st.data(),
        name=st.sampled_from(sorted(PEOPLE)),
        to=st.sampled_from(sorted(PEOPLE)),
    )
    def hand_over(self, data: Any, name: str, to: str) -> None:
        if not self.model.cases:
            return
        number = data.draw(st.sampled_from(sorted(self.model.cases)))
        case = self.model.cases[number]
        work = hand_over.hand_over(self.services, self.people[name], self.site, number, to)
        if name == to or not case.is_open:
            with pytest.raises(MalformedError if name == to else CaseClosedError):
                self.run(work)
            return
        self.run(work)
        case.by, case.until = None, 0
        case.handed_to = name_of(self.people[to])
        case.handed_until = self.now_ms() + hand_over.HANDED_MS

    @rule(data=st.data(), name=st.sampled_from(sorted(PEOPLE)))
    def take_back(self, data: Any, name: str) -> None:
        if not self.model.cases:
            return
        number = data.draw(st.sampled_from(sorted(self.model.cases)))
        case = self.model.cases[number]
        work = hand_over.take_back_case(self.services, self.people[name], self.site, number)
        assert self.run(work) == (case.handed_to is not None)
        case.handed_to, case.handed_until = None, 0

    @rule()
    def delete_ended(self) -> None:
        now = self.now_ms()
        self.run(self.services.writer.run_in_transaction(delete_ended_hand_overs(now)))
        for case in self.model.cases.values():
            if not case.is_open or case.handed_until <= now:
                case.handed_to, case.handed_until = None, 0

    @rule(seconds=st.sampled_from([1, 30, 61, 24 * 3600 + 1]))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule(data=st.data(), name=st.sampled_from(sorted(PEOPLE)), keep=st.booleans())
    def decide(self, data: Any, name: str, keep: bool) -> None:
        if not self.model.cases:
            return
        number = data.draw(st.sampled_from(sorted(self.model.cases)))
        case, by = self.model.cases[number], self.people[name]
        verb: Any = "approve" if keep else "reject" if case.queue == "pending" else "remove"
        work = queue.decide_case(self.services, by, self.site, number, verb)
        if not case.is_open:
            with pytest.raises(CaseClosedError):
                self.run(work)
            return
        done = self.run(work)
        assert done.decision is not None
        closed = [
            one
            for one, other in self.model.cases.items()
            if other.comment == case.comment and other.is_open
        ]
        for one in closed:
            self.model.cases[one].is_open = False
        visible = self.model.visible[case.comment]
        self.model.made.append(Made(done.decision.id, case.comment, closed, visible))
        self.model.visible[case.comment] = keep

    @rule(data=st.data(), name=st.sampled_from(sorted(PEOPLE)))
    def undo(self, data: Any, name: str) -> None:
        last: dict[str, Made] = {}
        for made in self.model.made:
            if not made.undone:
                last[made.comment] = made
        if not last:
            return
        made = last[data.draw(st.sampled_from(sorted(last)))]
        self.run(decide.undo(self.services, self.people[name], made.id))
        made.undone = True
        self.model.visible[made.comment] = made.visible
        again = {(one.comment, one.queue) for one in self.model.cases.values() if one.is_open}
        for number in made.closed:
            case = self.model.cases[number]
            if (case.comment, case.queue) not in again:
                case.is_open = True

    @invariant()
    def open_cases_and_counters_are_those_of_the_model(self) -> None:
        expected = {
            number: (case.comment, case.queue)
            for number, case in self.model.cases.items()
            if case.is_open
        }
        assert self.run(self._open()) == expected
        facts = self.run(queue.queue_facts(self.services, self.people["ana"], self.site))
        counted = {name: number for name, (number, _) in facts.counts.items()}
        assert counted == Counter(name for _, name in expected.values())
        names = {one.by: one.cases for one in facts.at_work}
        now = self.now_ms()
        holders = {
            case.by for case in self.model.cases.values() if case.is_open and case.until > now
        }
        assert set(names) == holders
        for by in self.people.values():
            own = sum(
                case.is_open and case.handed_to == name_of(by) and case.handed_until > now
                for case in self.model.cases.values()
            )
            assert self.run(queue.queue_facts(self.services, by, self.site)).mine == own


async def put_people(connection: AsyncConnection) -> None:
    """Store an account for each person. As owners of the server they may decide on every site."""
    rows = [
        {"id": name, "name": name, "server_owner": True, "created_at": 0} for name in sorted(PEOPLE)
    ]
    await connection.execute(insert(accounts), rows)


@pytest.fixture
def machine(database_url: str, tmp_path: Path) -> Iterator[type[Desk]]:
    """Return the state machine on a server's components, with an event loop for all examples."""
    with asyncio.Runner() as runner:
        runner.run(migrate.upgrade(database_url))
        stack = AsyncExitStack()
        server = runner.run(stack.enter_async_context(open_server(tmp_path, database_url)))
        runner.run(server.services.writer.run_in_transaction(put_people))
        yield type("Machine", (Desk,), {"server": server, "runner": runner})
        runner.run(stack.aclose())


def test_people_at_one_queue_get_decide_and_undo_what_the_model_says(
    machine: type[Desk], database_url: str
) -> None:
    examples = 20 if database_url.startswith("sqlite") else 6
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples * MODEL_TIMES,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
