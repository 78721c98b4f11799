"""Two processes, a bus that loses, repeats and reorders, a slow database: everyone stays in step.

Hypothesis chooses what happens. Each reader's replay raises the moment a frame breaks the order;
in the end, once all is quiet, each has what one who comes then is shown.
"""

import asyncio
import contextlib
import itertools
from collections.abc import Coroutine
from typing import Any
from unittest import mock

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.hub.fakes import (
    CODE,
    FakeDatabase,
    Process,
    ScriptedConnection,
    assert_in_sync,
    attach,
    since,
)
from tests.hub.virtual_time import InstantLoop
from tests.waiting import MODEL_TIMES
from widget_server.bus.message import BusMessage
from widget_server.hub import flush
from widget_server.hub.channel import Subscription
from widget_server.model.errors import UnavailableError

which = st.integers(0, 1)
nth = st.integers(0, 50)


class InStep(RuleBasedStateMachine):
    """`peers` have joined or left; `flying` are the messages between the processes."""

    def __init__(self) -> None:
        super().__init__()
        # A delivery takes several turns of the loop, as it does with thousands of readers.
        self.few = mock.patch.object(flush, "CHUNK", 1)
        self.few.start()
        self.loop = InstantLoop()
        self.truth = FakeDatabase()
        self.processes = [Process(self.truth, "a"), Process(self.truth, "b")]
        self.flying: list[tuple[Process, BusMessage]] = []
        self.peers: list[tuple[ScriptedConnection, Process, Subscription]] = []
        self.tasks: set[asyncio.Task[Any]] = set()
        self.joining: dict[Subscription, asyncio.Task[Any]] = {}
        self.sweeps = [self.start(process.hub.run()) for process in self.processes]

    def start(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        async def begin() -> "asyncio.Task[Any]":
            task = asyncio.create_task(work)
            self.tasks.add(task)
            return task

        return self.loop.run_until_complete(begin())

    def commit(self, where: int, *messages: BusMessage) -> None:
        async def announce() -> None:
            self.processes[where].hub.publish(messages)

        self.loop.run_until_complete(announce())
        sent = self.processes[where].bus.sent
        other = self.processes[1 - where]
        self.flying += [(other, message) for message in sent if message.kind != "presence"]
        sent.clear()

    @initialize(readers=st.integers(0, 6), where=which)
    def begin_with_a_crowd(self, readers: int, where: int) -> None:
        """Readers who are where everyone is: one delivery makes them so."""
        for _ in range(readers):
            self.come(where)
        self.pass_time(1_100)
        self.commit(where, self.truth.react())
        self.pass_time(1_100)

    # What readers do -----------------------------------------------------------------------------

    @rule(where=which, number=st.integers(1, 3))
    def post(self, where: int, number: int) -> None:
        self.commit(where, *(self.truth.post() for _ in range(number)))

    @precondition(lambda self: self.truth.comments)
    @rule(where=which, index=nth)
    def edit(self, where: int, index: int) -> None:
        self.commit(where, self.truth.edit(f"c{index % len(self.truth.comments)}"))

    @rule(where=which)
    def react(self, where: int) -> None:
        self.commit(where, self.truth.react())

    @precondition(lambda self: self.truth.comments)
    @rule(where=which, index=nth)
    def react_to_a_comment(self, where: int, index: int) -> None:
        self.commit(where, self.truth.react(f"c{index % len(self.truth.comments)}"))

    @rule(where=which)
    def close(self, where: int) -> None:
        self.commit(where, self.truth.close())

    @rule()
    def change_the_rules(self) -> None:
        self.truth.silently()

    @rule(where=which)
    def come(self, where: int) -> None:
        self.join(ScriptedConnection(), where)

    def join(self, connection: ScriptedConnection, where: int) -> None:
        process = self.processes[where]
        subscription = Subscription(connection, 1, b"", None)
        self.peers.append((connection, process, subscription))

        async def join() -> None:
            attach(connection, process.hub, subscription)
            at = since(connection) if connection.replay.seq >= 0 else None
            for _ in range(30):
                try:
                    await process.hub.subscribe(CODE, subscription, 1, at)
                except UnavailableError:
                    await asyncio.sleep(0.5)
                else:
                    return

        self.joining[subscription] = self.start(join())

    @precondition(lambda self: self.peers)
    @rule(index=nth, where=which)
    def leave_and_come_back(self, index: int, where: int) -> None:
        connection, process, subscription = self.peers[index % len(self.peers)]
        if subscription.channel is not None:

            async def leave() -> None:
                process.hub.unsubscribe(subscription)

            self.loop.run_until_complete(leave())
            self.peers.remove((connection, process, subscription))
            self.join(connection, where)

    @precondition(lambda self: self.peers)
    @rule(index=nth, room=st.integers(1, 3))
    def read_slowly(self, index: int, room: int) -> None:
        connection = self.peers[index % len(self.peers)][0]
        connection.room = room

    @precondition(lambda self: self.peers)
    @rule(index=nth)
    def read_again(self, index: int) -> None:
        self.loop.run_until_complete(self.resume(self.peers[index % len(self.peers)][0]))

    @staticmethod
    async def resume(connection: ScriptedConnection) -> None:
        if connection.write_paused:
            connection.resume()

    @precondition(lambda self: self.peers)
    @rule(index=nth, visible=st.booleans())
    def show(self, index: int, visible: bool) -> None:
        _, process, subscription = self.peers[index % len(self.peers)]

        async def show() -> None:
            process.hub.set_visibility(subscription, visible=visible)

        self.loop.run_until_complete(show())

    @precondition(lambda self: self.peers)
    @rule(index=nth, turns=st.integers(0, 6), how=st.sampled_from(["busy", "hide", "pause"]))
    def disturb_a_delivery(self, index: int, turns: int, how: str) -> None:
        """Something happens to a reader while a comment is written to all, to some before it."""
        connection, process, subscription = self.peers[-1 - index % len(self.peers)]
        self.commit(self.processes.index(process), self.truth.post())

        async def disturb() -> None:
            for _ in range(turns):
                await asyncio.sleep(0)
            if how == "hide":
                process.hub.set_visibility(subscription, visible=False)
            else:
                connection.write_paused = connection.write_paused or how == "pause"
                connection.revoke_direct()

        self.loop.run_until_complete(disturb())

    @rule(where=which, resume=st.booleans())
    def ask_by_http(self, where: int, resume: bool) -> None:
        """Without a socket; who polls and comes back brings a position."""
        at = since(self.peers[0][0]) if resume and self.peers else None

        async def ask() -> None:
            with contextlib.suppress(UnavailableError):
                await self.processes[where].hub.public_snapshot(CODE, at)

        self.start(ask())

    @rule(where=which)
    def crash(self, where: int) -> None:
        """What was committed is there; what was on its way to it, or waited in it, is not."""
        dead = self.processes[where]
        self.sweeps[where].cancel()
        self.processes[where] = Process(self.truth, "ab"[where])
        self.sweeps[where] = self.start(self.processes[where].hub.run())
        self.flying = [(to, message) for to, message in self.flying if to is not dead]
        loader = [
            (connection, subscription)
            for connection, process, subscription in self.peers
            if process is dead
        ]
        self.peers = [entry for entry in self.peers if entry[1] is not dead]
        for connection, subscription in loader:

            async def leave(subscription: Subscription = subscription) -> None:
                self.joining[subscription].cancel()
                dead.hub.unsubscribe(subscription)

            self.loop.run_until_complete(leave())
            connection.revoke_direct()
            connection.on_writable, connection.write_paused, connection.room = (
                None,
                False,
                1_000_000,
            )
            self.join(connection, 1 - where)

    # What happens in between ---------------------------------------------------------------------

    @precondition(lambda self: self.flying)
    @rule(index=nth, twice=st.booleans())
    def arrive(self, index: int, twice: bool) -> None:
        process, message = self.flying[index % len(self.flying)]
        if not twice:
            self.flying.remove((process, message))

        async def hear() -> None:
            process.hear(message)

        self.loop.run_until_complete(hear())

    @precondition(lambda self: self.flying)
    @rule(index=nth)
    def be_lost(self, index: int) -> None:
        del self.flying[index % len(self.flying)]

    @rule(milliseconds=st.sampled_from([0, 1, 30, 120, 250, 1_100]))
    def pass_time(self, milliseconds: int) -> None:
        self.loop.run_until_complete(asyncio.sleep(milliseconds / 1000))

    @rule(seconds=st.lists(st.sampled_from([0.0, 0.01, 0.3]), min_size=1), after=st.booleans())
    def slow_the_database(self, seconds: list[float], after: bool) -> None:
        """Questions take so long, in turn: one may be overtaken by the next."""
        pauses = itertools.cycle(seconds)

        def wait() -> Coroutine[Any, Any, None]:
            return asyncio.sleep(next(pauses))

        setattr(self.truth, "after" if after else "before", wait)

    @rule(away=st.booleans())
    def take_the_database(self, away: bool) -> None:
        self.truth.fails = UnavailableError() if away else None

    @rule(where=which, healthy=st.booleans())
    def note_the_bus(self, where: int, healthy: bool) -> None:
        self.processes[where].bus.healthy = healthy
        if healthy:

            async def lose_touch() -> None:
                self.processes[where].hub.on_bus_gap()

            self.loop.run_until_complete(lose_touch())

    @rule()
    def restore(self) -> None:
        self.truth.restore()

    def teardown(self) -> None:
        try:
            self.loop.run_until_complete(self.calm_down())
            self.loop.check()
            assert_in_sync(self.truth, *(connection for connection, _, _ in self.peers))
        finally:
            self.loop.run_until_complete(self.end())
            self.loop.close()
            self.few.stop()

    async def calm_down(self) -> None:
        self.truth.fails = None
        for connection, process, subscription in self.peers:
            connection.room = 1_000_000
            await self.resume(connection)
            process.hub.set_visibility(subscription, visible=True)
        await asyncio.sleep(25)

    async def end(self) -> None:
        for task in self.tasks:
            task.cancel()
        for ended in await asyncio.gather(*self.tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended


InStep.TestCase.settings = settings(
    max_examples=80 * MODEL_TIMES, stateful_step_count=40, deadline=None
)
TestInStep = InStep.TestCase
