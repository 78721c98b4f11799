"""A fake database, bus and connections for the hub's tests, controlled by the test."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from copy import deepcopy
from typing import Any

from tests.e2e.replay import Replay
from widget_server.bus.message import BusMessage, MessageKind
from widget_server.hub.channel import Subscription
from widget_server.hub.history import RESUME_SIZE
from widget_server.hub.hub import Hub
from widget_server.hub.prepared import PreparedBatch
from widget_server.hub.snapshot import CachedSnapshot, RecentChanges
from widget_server.model.errors import NotFoundError
from widget_server.model.records import Position

Json = dict[str, Any]
CODE = "story0000001"


async def _no_delay() -> None:
    pass


class FakeDatabase:
    """A database with one story. Counts the queries by kind."""

    def __init__(self) -> None:
        self.epoch = "e1"
        self.seq = 0
        self.counter = 0
        self.tally: Json = {"version": 0, "counts": {"happy": 0}}
        self.closed = False
        self.comments: dict[str, Json] = {}
        self.queries: dict[str, int] = {}
        self.before: Callable[[], Awaitable[None]] = _no_delay
        """Awaited before a query reads the state."""
        self.after: Callable[[], Awaitable[None]] = _no_delay
        """Awaited after a query has read the state, before it returns."""
        self.fails: Exception | None = None

    # Changes -------------------------------------------------------------------------------------

    def post(self) -> BusMessage:
        """Add a comment."""
        key = f"c{len(self.comments)}"
        self.comments[key] = {
            "id": key,
            "thread": key,
            "parent": None,
            "published_seq": self.seq + 1,
            "state": "published",
            "tally": self._no_tally(),
        }
        return self._changed(key)

    def edit(self, key: str) -> BusMessage:
        """Change a comment."""
        return self._changed(key)

    def close(self) -> BusMessage:
        """Close the story, or reopen it."""
        self.closed = not self.closed
        self.seq += 1
        return self._message(
            "story", self.seq, {"position": self.position(), "closed": self.closed, "settings": {}}
        )

    def change_rules(self) -> None:
        """Change the site's rules: a `seq` for which no message is sent."""
        self.seq += 1

    def react(self, comment: str | None = None) -> BusMessage:
        """Add a reaction to the story or to a comment."""
        self.counter += 1
        tally = self.tally if comment is None else self.comments[comment]["tally"]
        tally |= {"version": self.counter, "counts": {"happy": tally["counts"]["happy"] + 1}}
        return self._tally_message(comment, tally)

    def restore(self) -> None:
        """Restore an empty story, in a new epoch."""
        self.__dict__ |= {
            **FakeDatabase().__dict__,
            "queries": self.queries,
            "epoch": self.epoch + "+",
        }

    def position(self) -> Json:
        return {"epoch": self.epoch, "seq": self.seq}

    # SnapshotSource ------------------------------------------------------------------------------

    async def snapshot(self, code: str) -> CachedSnapshot:
        await self._query("snapshot", code)
        result = CachedSnapshot(
            self.epoch,
            self.seq,
            self.counter,
            len(self.comments),
            json.dumps(self.tally).encode(),
            self.tally["version"],
            json.dumps({"story": self._story(), "settings": {}}).encode()[1:-1],
            json.dumps({"threads": self._threads(), "next": None}).encode(),
        )
        await self.after()
        return result

    async def changes(self, code: str, seq: int) -> list[BusMessage] | None:
        await self._query("changes", code)
        changed = sorted((c for c in self.comments.values() if c["seq"] > seq), key=_seq)
        complete = [c["seq"] for c in changed] == list(range(seq + 1, self.seq + 1))
        result = [self._comment_message(c) for c in changed] if complete else None
        await self.after()
        return result

    async def recent(self, code: str) -> RecentChanges:
        await self._query("recent", code)
        changed = sorted(self.comments.values(), key=_seq)
        floor = 0 if len(changed) <= RESUME_SIZE else changed[-RESUME_SIZE]["seq"] - 1
        result = RecentChanges(
            epoch=self.epoch,
            seq=self.seq,
            version=self.counter,
            oldest_seq=floor,
            counted_from=0,
            comments=[(c["seq"], c["id"], json.dumps(c).encode()) for c in changed[-RESUME_SIZE:]],
            tallies=self._tally_messages(0),
        )
        await self.after()
        return result

    async def tallies(self, code: str, version: int) -> list[BusMessage]:
        await self._query("tallies", code)
        result = self._tally_messages(version)[:RESUME_SIZE]
        await self.after()
        return result

    async def own(self, code: str, readers: Sequence[str]) -> dict[str, bytes]:
        await self._query("own", code)
        return {reader: b'{"of":"%b"}' % reader.encode() for reader in readers}

    async def positions(self, codes: Sequence[str]) -> tuple[str, dict[str, tuple[int, int]]]:
        await self._query("positions", *codes)
        result = (self.epoch, dict.fromkeys(codes, (self.seq, self.counter)))
        await self.after()
        return result

    async def _query(self, kind: str, *codes: str) -> None:
        self.queries[kind] = self.queries.get(kind, 0) + 1
        await self.before()
        if self.fails is not None:
            raise self.fails
        if codes and codes[0] != CODE:
            raise NotFoundError

    # Expected state and messages -----------------------------------------------------------------

    def current_state(self) -> Replay:
        """Return the story as a new subscriber should see it."""
        return Replay.of(
            {
                "story": self._story(),
                "settings": {},
                "position": self.position(),
                "tally": deepcopy(self.tally),
                "count": len(self.comments),
                "presence": {},
                "comments": {"threads": self._threads(), "next": None},
            }
        )

    def _story(self) -> Json:
        return {"code": CODE, "closed": self.closed}

    def _threads(self) -> list[Json]:
        return [
            {**deepcopy(c), "replies": [], "more": 0, "next": None} for c in self.comments.values()
        ]

    def _no_tally(self) -> Json:
        return {"version": 0, "counts": {"happy": 0}}

    def _changed(self, key: str) -> BusMessage:
        self.seq += 1
        self.comments[key]["seq"] = self.seq
        return self._comment_message(self.comments[key])

    def _comment_message(self, comment: Json) -> BusMessage:
        position = {"epoch": self.epoch, "seq": comment["seq"]}
        about = {"position": position, "count": len(self.comments), "comment": comment}
        return self._message("comment", comment["seq"], about, comment["id"])

    def _tally_messages(self, version: int) -> list[BusMessage]:
        own = [(None, self.tally)] + [(c["id"], c["tally"]) for c in self.comments.values()]
        changed = [(key, tally) for key, tally in own if tally["version"] > version]
        changed.sort(key=lambda item: int(item[1]["version"]))
        return [self._tally_message(key, tally) for key, tally in changed]

    def _tally_message(self, comment: str | None, tally: Json) -> BusMessage:
        target = {} if comment is None else {"comment": comment}
        return self._message("tally", tally["version"], {**target, **tally}, comment or "")

    def _message(self, kind: MessageKind, number: int, about: Json, key: str = "") -> BusMessage:
        payload = json.dumps({"type": kind, "story": CODE, **about}).encode()
        if kind == "comment":
            start = payload.index(b'"comment": {') + len(b'"comment": ')
        else:
            start = payload.find(b'"version"')
        count = about.get("count", 0)
        return BusMessage(kind, CODE, number, key, payload, count, start, self.epoch)


def _seq(comment: Json) -> int:
    seq: int = comment["seq"]
    return seq


class ScriptedConnection:
    """A connection that applies every written message to a `Replay`, as a client does.

    Like a real connection it offers a direct socket (here: itself) after it took a batch, and
    revokes it when its buffer is full, which happens in the middle of a frame.
    """

    def __init__(self) -> None:
        self.on_writable: Callable[[], None] | None = None
        self.on_shutdown: Callable[[], None] | None = None
        self.on_direct_revoked: Callable[[], None] | None = None
        self.direct_socket: ScriptedConnection | None = None
        self.replay = Replay(CODE)
        self.messages: list[Json] = []
        self.writes: list[bytes] = []
        """The bytes of each write."""
        self.write_paused = False
        self.paused_since: float | None = None
        self.closed = False
        self.room = 1_000_000
        """Number of batches accepted before the connection is write-paused."""
        self._partial = b""
        """The part of a batch that `send` took, if it did not take all."""

    def write(self, batch: PreparedBatch) -> bool:
        if self.write_paused or self.closed:
            return False
        self._take(batch.frame_bytes)
        if self.room > 0 and self.on_direct_revoked is not None:
            self.direct_socket = self
        return True

    def send(self, data: bytes, /) -> int:
        assert self.direct_socket is not None, "written directly while data is buffered"
        if self.room > 1:
            self._take(data)
            return len(data)
        self._partial = data[: len(data) * (len(self.writes) % 3) // 3]
        if not self._partial:
            raise BlockingIOError
        return len(self._partial)

    def write_remainder(self, data: bytes | memoryview) -> None:
        whole, self._partial = self._partial + bytes(data), b""
        self._take(whole)
        assert self.write_paused

    def _take(self, data: bytes) -> None:
        self.writes.append(data)
        for payload in payloads(data):
            message = json.loads(payload)
            self.messages.append(message)
            self.replay.apply(message)
        self.room -= 1
        self.write_paused = self.room <= 0
        if self.write_paused:
            self.revoke_direct()

    def revoke_direct(self) -> None:
        """Revoke the direct socket."""
        was_offered, self.direct_socket = self.direct_socket is not None, None
        if was_offered and self.on_direct_revoked is not None:
            self.on_direct_revoked()

    def resume(self, room: int = 1_000_000) -> None:
        """Become writable again."""
        self.room, self.write_paused = room, False
        if self.on_writable is not None:
            self.on_writable()

    def types(self) -> list[str]:
        """Return the types of the received messages, in order."""
        return [message["type"] for message in self.messages]

    def close(self, code: int, reason: str = "") -> None:
        self.closed = True
        self.revoke_direct()

    def abort(self) -> None:
        self.closed = True
        self.revoke_direct()


def payloads(data: bytes) -> list[bytes]:
    """Return the payloads of the written bytes: complete, unmasked text frames."""
    found = []
    while data:
        assert data[0] == 0x81
        start = 2
        size = data[1]
        if size == 126:
            start = 4
            size = int.from_bytes(data[2:4], "big")
        elif size == 127:
            start = 10
            size = int.from_bytes(data[2:10], "big")
        assert len(data) >= start + size, "a frame is incomplete"
        found.append(data[start : start + size])
        data = data[start + size :]
    return found


class ScriptedBus:
    """A bus that records messages; the test delivers them, or not."""

    def __init__(self) -> None:
        self.healthy = True
        self.confirms = True
        self.subscribed: list[str] = []
        self.unsubscribed: list[str] = []
        self.sent: list[BusMessage] = []

    def publish(self, message: BusMessage) -> None:
        self.sent.append(message)

    def subscribe(self, code: str) -> "asyncio.Future[None]":
        self.subscribed.append(code)
        confirmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.confirms:
            confirmed.set_result(None)
        return confirmed

    def unsubscribe(self, codes: Iterable[str]) -> None:
        self.unsubscribed += codes


class Process:
    """A hub and its bus, as in one server process."""

    def __init__(self, database: FakeDatabase, name: str = "a") -> None:
        self.database = database
        self.bus = ScriptedBus()
        self.hub = Hub(database, name)
        self.hub.connect(self.bus)
        self.hub.encode_presence = lambda code, readers, copies: json.dumps(
            {"type": "presence", "story": code, "readers": readers, "copies": copies}
        ).encode()

    async def join(
        self,
        since: Position | None = None,
        connection: ScriptedConnection | None = None,
        reader: str | None = None,
        copy: int = 1,
    ) -> tuple[ScriptedConnection, Subscription]:
        """Subscribe a connection; `on_writable` is connected as in a real one."""
        connection = connection or ScriptedConnection()
        subscription = Subscription(connection, copy, b"", reader)
        attach(connection, self.hub, subscription)
        await self.hub.subscribe(CODE, subscription, 1, since)
        return connection, subscription

    def receive(self, *messages: BusMessage) -> None:
        """Deliver messages of another process."""
        for message in messages:
            self.hub.receive(message)


def attach(connection: ScriptedConnection, hub: Hub, subscription: Subscription) -> None:
    """Connect a subscription to its connection's callbacks, as the WebSocket endpoint does."""
    connection.on_writable = lambda: hub.on_writable(subscription)
    connection.on_direct_revoked = subscription.leave_broadcast


def position_of(connection: ScriptedConnection) -> Position:
    """Return the position that the client has reached."""
    return Position(connection.replay.epoch, connection.replay.seq)


def assert_in_sync(database: FakeDatabase, *connections: ScriptedConnection) -> None:
    """Assert that each client has the state that a new subscriber is sent."""
    for connection in connections:
        assert connection.replay.differences(database.current_state()) == []
