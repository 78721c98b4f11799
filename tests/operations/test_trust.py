"""Trust in writers: a state machine of comments, removals, undo and time against a simple model."""

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.e2e.publisher import Publisher
from tests.operations.operations_harness import SECRET, Server, open_server
from tests.waiting import MODEL_TIMES
from widget_server.model.actors import Actor, shell
from widget_server.model.records import CommentState
from widget_server.model.rules import TRUST_MS, RuleSpec
from widget_server.operations.moderation import decide, rules, try_rule
from widget_server.operations.owners import sites
from widget_server.operations.readers import comment as comments
from widget_server.operations.services import Services
from widget_server.store import migrate

NEEDED = 2
DAY_S = 86_400
_sites = itertools.count()


@dataclass
class Written:
    """A comment of the model. `removed` is when a person removed it; None if it stands or its author deleted it."""

    writer: int
    at: int
    id: str
    published: bool
    removed: int | None = None
    decision: str | None = None


class Writers(RuleBasedStateMachine):
    """Two writers on a site that holds comments until two of the writer were accepted."""

    server: Server
    runner: asyncio.Runner

    def __init__(self) -> None:
        super().__init__()
        self.site = f"t{next(_sites)}"
        self.now = 1_800_000_000.0
        self.written: list[Written] = []
        self.services: Services = replace(self.server.services, clock=lambda: self.now)
        self.owner = Actor("account", "1", "dashboard", self.site, "owner")
        self.runner.run(self._begin())

    async def _begin(self) -> None:
        await sites.create_site(self.server.services, shell("test"), self.site, "A site")
        self.grant = await self.server.grant(Publisher(self.site, SECRET).story())
        self.writers = [self.server.actor(self.grant), self.server.actor(self.grant)]
        # A reader whose token was issued with this comment has none yet.
        self.writers = [replace(one, new_token=None) for one in self.writers]
        spec = RuleSpec("first", "first", limit=NEEDED)
        made = await rules.add_rule(self.services, self.owner, self.site, spec)
        await rules.set_mode(self.services, self.owner, self.site, made.id, "on")

    def accepted(self, writer: int) -> int:
        """Return how many comments speak for a writer now, counted in the model."""
        now = int(self.now * 1000)
        own = [one for one in self.written if one.writer == writer]
        lost = max((one.removed for one in own if one.removed is not None), default=0)
        return sum(one.published and one.at > lost and one.at >= now - TRUST_MS for one in own)

    @rule(writer=st.integers(0, 1))
    def write(self, writer: int) -> None:
        self.now += 1
        expected = self.accepted(writer) >= NEEDED
        draft = comments.NewComment(f"k{len(self.written)}", "A fine day", None, None, None, None)
        posting = comments.post(self.services, self.grant, self.writers[writer], draft)
        stored = self.runner.run(posting)
        assert (stored.state is CommentState.PUBLISHED) is expected
        self.written.append(Written(writer, stored.created_at, stored.id, expected))

    @rule(data=st.data())
    def approve(self, data: Any) -> None:
        waiting = [one for one in self.written if not one.published and one.removed is None]
        if waiting:
            one = data.draw(st.sampled_from(waiting))
            self.now += 1
            self.runner.run(decide.decide(self.services, self.owner, "approve", one.id))
            one.published = True

    @rule(data=st.data(), verb=st.sampled_from(["remove", "spam"]))
    def remove(self, data: Any, verb: Any) -> None:
        standing = [one for one in self.written if one.published]
        if standing:
            one = data.draw(st.sampled_from(standing))
            self.now += 1
            made = self.runner.run(decide.decide(self.services, self.owner, verb, one.id))
            one.published, one.removed = False, int(self.now * 1000)
            one.decision = made.decision.id if made.decision else None

    @rule(data=st.data())
    def undo(self, data: Any) -> None:
        gone = [one for one in self.written if one.removed is not None]
        if gone:
            one = data.draw(st.sampled_from(gone))
            self.now += 1
            self.runner.run(decide.undo(self.services, self.owner, one.decision or ""))
            one.published, one.removed, one.decision = True, None, None

    @rule(data=st.data())
    def author_deletes(self, data: Any) -> None:
        window = self.grant.site.settings.edit_window
        own = [one for one in self.written if one.published and one.at / 1000 > self.now - window]
        if own:
            one = data.draw(st.sampled_from(own))
            actor = self.writers[one.writer]
            self.runner.run(comments.delete(self.services, self.grant, actor, one.id))
            self.written.remove(one)

    @rule(days=st.sampled_from([1, 100, 200]))
    def time_passes(self, days: int) -> None:
        self.now += days * DAY_S

    @rule()
    def a_trial_says_what_was_said(self) -> None:
        spec = RuleSpec("first", "first", limit=NEEDED)
        trying = try_rule.try_on_last_comments(self.services, self.owner, self.site, spec)
        tried = self.runner.run(trying)
        caught = 0
        for one in self.written:
            own = [other for other in self.written if other.writer == one.writer]
            lost = max((o.removed for o in own if o.removed and o.removed < one.at), default=0)
            spoke = sum(
                o.published and max(lost, one.at - TRUST_MS - 1) < o.at < one.at for o in own
            )
            caught += spoke < NEEDED
        assert (tried.trial.tried, tried.trial.caught) == (len(self.written), caught)


@pytest.fixture
def machine(database_url: str, tmp_path: Path) -> Iterator[type[Writers]]:
    """Return the state machine on a server's components, with an event loop for all examples."""
    with asyncio.Runner() as runner:
        runner.run(migrate.upgrade(database_url))
        stack = AsyncExitStack()
        server = runner.run(
            stack.enter_async_context(open_server(tmp_path, database_url, rate_limits="off"))
        )
        yield type("Machine", (Writers,), {"server": server, "runner": runner})
        runner.run(stack.aclose())


def test_trust_is_earned_lost_by_a_removal_given_back_by_its_undo_and_over_after_a_year(
    machine: type[Writers], database_url: str
) -> None:
    examples = 15 if database_url.startswith("sqlite") else 5
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples * MODEL_TIMES,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
