"""Clients stay in sync with two processes, a slow database and an unreliable bus.

The bus loses, repeats and reorders messages. Hypothesis chooses the events. Each client's replay
raises as soon as a message breaks the order. At the end, after all timers, each client has the
state that a new subscriber is sent.
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
    position_of,
)
from tests.hub.virtual_time import InstantLoop
from tests.waiting import MODEL_TIMES
from widget_server.bus.message import BusMessage
from widget_server.hub import flush
from widget_server.hub.channel import Subscription
from widget_server.model.errors import UnavailableError

which = st.integers(0, 1)
nth = st.integers(0, 50)


class ClientsInSync(RuleBasedStateMachine):
    """`clients` have subscribed or are about to; `in_flight` are messages between processes."""

    def __init__(self) -> None:
        super().__init__()
        # Chunks of one: a flush takes several loop iterations, as with thousands of readers.
        self.small_chunks = mock.patch.object(flush, "CHUNK", 1)
        self.small_chunks.start()
        self.loop = InstantLoop()
        self.database = FakeDatabase()
        self.processes = [Process(self.database, "a"), Process(self.database, "b")]
        self.in_flight: list[tuple[Process, BusMessage]] = []
        self.clients: list[tuple[ScriptedConnection, Process, Subscription]] = []
        self.tasks: set[asyncio.Task[Any]] = set()
        self.joining: dict[Subscription, asyncio.Task[Any]] = {}
        self.hub_tasks = [self.start(process.hub.run()) for process in self.processes]

    def start(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        async def begin() -> "asyncio.Task[Any]":
            task = asyncio.create_task(work)
            self.tasks.add(task)
            return task

        return self.loop.run_until_complete(begin())

    def commit(self, where: int, *messages: BusMessage) -> None:
        async def publish() -> None:
            self.processes[where].hub.publish(messages)

        self.loop.run_until_complete(publish())
        sent = self.processes[where].bus.sent
        other = self.processes[1 - where]
        self.in_flight += [(other, message) for message in sent if message.kind != "presence"]
        sent.clear()

    @initialize(readers=st.integers(0, 6), where=which)
    def begin_with_readers(self, readers: int, where: int) -> None:
        """Start with readers in the broadcast group, which they join after a flush."""
        for _ in range(readers):
            self.new_reader(where)
        self.pass_time(1_100)
        self.commit(where, self.database.react())
        self.pass_time(1_100)

    # Readers -------------------------------------------------------------------------------------

    @rule(where=which, number=st.integers(1, 3))
    def post(self, where: int, number: int) -> None:
        self.commit(where, *(self.database.post() for _ in range(number)))

    @precondition(lambda self: self.database.comments)
    @rule(where=which, index=nth)
    def edit(self, where: int, index: int) -> None:
        self.commit(where, self.database.edit(f"c{index % len(self.database.comments)}"))

    @rule(where=which)
    def react(self, where: int) -> None:
        self.commit(where, self.database.react())

    @precondition(lambda self: self.database.comments)
    @rule(where=which, index=nth)
    def react_to_a_comment(self, where: int, index: int) -> None:
        self.commit(where, self.database.react(f"c{index % len(self.database.comments)}"))

    @rule(where=which)
    def close(self, where: int) -> None:
        self.commit(where, self.database.close())

    @rule()
    def change_rules(self) -> None:
        self.database.change_rules()

    @rule(where=which)
    def new_reader(self, where: int) -> None:
        self.join(ScriptedConnection(), where)

    def join(self, connection: ScriptedConnection, where: int) -> None:
        process = self.processes[where]
        subscription = Subscription(connection, 1, b"", None)
        self.clients.append((connection, process, subscription))

        async def join() -> None:
            attach(connection, process.hub, subscription)
            at = position_of(connection) if connection.replay.seq >= 0 else None
            for _ in range(30):
                try:
                    await process.hub.subscribe(CODE, subscription, 1, at)
                except UnavailableError:
                    await asyncio.sleep(0.5)
                else:
                    return

        self.joining[subscription] = self.start(join())

    @precondition(lambda self: self.clients)
    @rule(index=nth, where=which)
    def leave_and_resume(self, index: int, where: int) -> None:
        connection, process, subscription = self.clients[index % len(self.clients)]
        if subscription.channel is not None:

            async def leave() -> None:
                process.hub.unsubscribe(subscription)

            self.loop.run_until_complete(leave())
            self.clients.remove((connection, process, subscription))
            self.join(connection, where)

    @precondition(lambda self: self.clients)
    @rule(index=nth, room=st.integers(1, 3))
    def read_slowly(self, index: int, room: int) -> None:
        connection = self.clients[index % len(self.clients)][0]
        connection.room = room

    @precondition(lambda self: self.clients)
    @rule(index=nth)
    def become_writable(self, index: int) -> None:
        self.loop.run_until_complete(self.resume(self.clients[index % len(self.clients)][0]))

    @staticmethod
    async def resume(connection: ScriptedConnection) -> None:
        if connection.write_paused:
            connection.resume()

    @precondition(lambda self: self.clients)
    @rule(index=nth, visible=st.booleans())
    def set_visibility(self, index: int, visible: bool) -> None:
        _, process, subscription = self.clients[index % len(self.clients)]

        async def set_visibility() -> None:
            process.hub.set_visibility(subscription, visible=visible)

        self.loop.run_until_complete(set_visibility())

    @precondition(lambda self: self.clients)
    @rule(index=nth, turns=st.integers(0, 6), how=st.sampled_from(["busy", "hide", "pause"]))
    def disturb_a_flush(self, index: int, turns: int, how: str) -> None:
        """Change a reader's state in the middle of a flush, after others were written to."""
        connection, process, subscription = self.clients[-1 - index % len(self.clients)]
        self.commit(self.processes.index(process), self.database.post())

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
    def read_over_http(self, where: int, resume: bool) -> None:
        """Request a snapshot over HTTP, with a position if the client polls again."""
        at = position_of(self.clients[0][0]) if resume and self.clients else None

        async def read() -> None:
            with contextlib.suppress(UnavailableError):
                await self.processes[where].hub.public_snapshot(CODE, at)

        self.start(read())

    @rule(where=which)
    def crash(self, where: int) -> None:
        """Replace a process: commits remain, its pending and undelivered messages are lost."""
        dead = self.processes[where]
        self.hub_tasks[where].cancel()
        self.processes[where] = Process(self.database, "ab"[where])
        self.hub_tasks[where] = self.start(self.processes[where].hub.run())
        self.in_flight = [(to, message) for to, message in self.in_flight if to is not dead]
        disconnected = [
            (connection, subscription)
            for connection, process, subscription in self.clients
            if process is dead
        ]
        self.clients = [entry for entry in self.clients if entry[1] is not dead]
        for connection, subscription in disconnected:

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

    # Bus, database and time ----------------------------------------------------------------------

    @precondition(lambda self: self.in_flight)
    @rule(index=nth, twice=st.booleans())
    def deliver(self, index: int, twice: bool) -> None:
        process, message = self.in_flight[index % len(self.in_flight)]
        if not twice:
            self.in_flight.remove((process, message))

        async def receive() -> None:
            process.receive(message)

        self.loop.run_until_complete(receive())

    @precondition(lambda self: self.in_flight)
    @rule(index=nth)
    def lose(self, index: int) -> None:
        del self.in_flight[index % len(self.in_flight)]

    @rule(milliseconds=st.sampled_from([0, 1, 30, 120, 250, 1_100]))
    def pass_time(self, milliseconds: int) -> None:
        self.loop.run_until_complete(asyncio.sleep(milliseconds / 1000))

    @rule(seconds=st.lists(st.sampled_from([0.0, 0.01, 0.3]), min_size=1), after=st.booleans())
    def slow_database(self, seconds: list[float], after: bool) -> None:
        """Delay each query by the next of `seconds`; a later query may overtake an earlier one."""
        pauses = itertools.cycle(seconds)

        def wait() -> Coroutine[Any, Any, None]:
            return asyncio.sleep(next(pauses))

        setattr(self.database, "after" if after else "before", wait)

    @rule(unavailable=st.booleans())
    def fail_database(self, unavailable: bool) -> None:
        self.database.fails = UnavailableError() if unavailable else None

    @rule(where=which, healthy=st.booleans())
    def set_bus_health(self, where: int, healthy: bool) -> None:
        self.processes[where].bus.healthy = healthy
        if healthy:

            async def report_gap() -> None:
                self.processes[where].hub.on_bus_gap()

            self.loop.run_until_complete(report_gap())

    @rule()
    def restore(self) -> None:
        self.database.restore()

    def teardown(self) -> None:
        try:
            self.loop.run_until_complete(self.let_settle())
            self.loop.check()
            assert_in_sync(self.database, *(connection for connection, _, _ in self.clients))
        finally:
            self.loop.run_until_complete(self.end())
            self.loop.close()
            self.small_chunks.stop()

    async def let_settle(self) -> None:
        self.database.fails = None
        for connection, process, subscription in self.clients:
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


ClientsInSync.TestCase.settings = settings(
    max_examples=80 * MODEL_TIMES, stateful_step_count=40, deadline=None
)
TestClientsInSync = ClientsInSync.TestCase
