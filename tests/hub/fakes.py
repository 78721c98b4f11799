"""A database, a bus and readers of the hub's tests: plain objects that do as they are told."""

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


async def _at_once() -> None:
    pass


class FakeDatabase:
    """The database with one story: what was committed, and how often it was asked for what."""

    def __init__(self) -> None:
        self.epoch = "e1"
        self.seq = 0
        self.counter = 0
        self.tally: Json = {"version": 0, "counts": {"happy": 0}}
        self.closed = False
        self.comments: dict[str, Json] = {}
        self.asked: dict[str, int] = {}
        self.before: Callable[[], Awaitable[None]] = _at_once
        """Awaited before each question is answered, with the state after it."""
        self.after: Callable[[], Awaitable[None]] = _at_once
        """Awaited after each question was answered, before the answer is known."""
        self.fails: Exception | None = None

    # What readers do -----------------------------------------------------------------------------

    def post(self) -> BusMessage:
        """A new comment."""
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
        """A change of a comment."""
        return self._changed(key)

    def close(self) -> BusMessage:
        """A change of the story itself."""
        self.closed = not self.closed
        self.seq += 1
        return self._message(
            "story", self.seq, {"position": self.position(), "closed": self.closed, "settings": {}}
        )

    def silently(self) -> None:
        """A change of the site's rules: a number that no message speaks of."""
        self.seq += 1

    def react(self, comment: str | None = None) -> BusMessage:
        """One more reaction to the story or to a comment."""
        self.counter += 1
        tally = self.tally if comment is None else self.comments[comment]["tally"]
        tally |= {"version": self.counter, "counts": {"happy": tally["counts"]["happy"] + 1}}
        return self._tally_message(comment, tally)

    def restore(self) -> None:
        """Go back to an empty story, under another epoch."""
        self.__dict__ |= {**FakeDatabase().__dict__, "asked": self.asked, "epoch": self.epoch + "+"}

    def position(self) -> Json:
        return {"epoch": self.epoch, "seq": self.seq}

    # What the hub asks ---------------------------------------------------------------------------

    async def snapshot(self, code: str) -> CachedSnapshot:
        await self._ask("snapshot", code)
        answer = CachedSnapshot(
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
        return answer

    async def changes(self, code: str, seq: int) -> list[BusMessage] | None:
        await self._ask("changes", code)
        changed = sorted((c for c in self.comments.values() if c["seq"] > seq), key=_seq)
        complete = [c["seq"] for c in changed] == list(range(seq + 1, self.seq + 1))
        answer = [self._comment_message(c) for c in changed] if complete else None
        await self.after()
        return answer

    async def recent(self, code: str) -> RecentChanges:
        await self._ask("recent", code)
        changed = sorted(self.comments.values(), key=_seq)
        floor = 0 if len(changed) <= RESUME_SIZE else changed[-RESUME_SIZE]["seq"] - 1
        answer = RecentChanges(
            epoch=self.epoch,
            seq=self.seq,
            version=self.counter,
            oldest_seq=floor,
            counted_from=0,
            comments=[(c["seq"], c["id"], json.dumps(c).encode()) for c in changed[-RESUME_SIZE:]],
            tallies=self._tally_messages(0),
        )
        await self.after()
        return answer

    async def tallies(self, code: str, version: int) -> list[BusMessage]:
        await self._ask("tallies", code)
        answer = self._tally_messages(version)[:RESUME_SIZE]
        await self.after()
        return answer

    async def own(self, code: str, readers: Sequence[str]) -> dict[str, bytes]:
        await self._ask("mine", code)
        return {reader: b'{"of":"%b"}' % reader.encode() for reader in readers}

    async def positions(self, codes: Sequence[str]) -> tuple[str, dict[str, tuple[int, int]]]:
        await self._ask("positions", *codes)
        answer = (self.epoch, dict.fromkeys(codes, (self.seq, self.counter)))
        await self.after()
        return answer

    async def _ask(self, what: str, *codes: str) -> None:
        self.asked[what] = self.asked.get(what, 0) + 1
        await self.before()
        if self.fails is not None:
            raise self.fails
        if codes and codes[0] != CODE:
            raise NotFoundError

    # How it looks --------------------------------------------------------------------------------

    def fresh(self) -> Replay:
        """The story as one who comes now should see it."""
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
    """A reader's end of a socket: follows what is written with the replay of the journeys.

    Like a real one it lends its socket, which is itself here, when it has taken a batch, and wants
    it back when it is full, which is in the middle of a frame.
    """

    def __init__(self) -> None:
        self.on_writable: Callable[[], None] | None = None
        self.on_shutdown: Callable[[], None] | None = None
        self.on_direct_revoked: Callable[[], None] | None = None
        self.direct_socket: ScriptedConnection | None = None
        self.replay = Replay(CODE)
        self.frames: list[Json] = []
        self.wires: list[bytes] = []
        """What was written, each time."""
        self.write_paused = False
        self.paused_since: float | None = None
        self.closed = False
        self.room = 1_000_000
        """Batches taken before it is paused."""
        self._torn = b""
        """What it took of a batch that it did not take whole."""

    def write(self, batch: PreparedBatch) -> bool:
        if self.write_paused or self.closed:
            return False
        self._take(batch.frame_bytes)
        if self.room > 0 and self.on_direct_revoked is not None:
            self.direct_socket = self
        return True

    def send(self, wire: bytes, /) -> int:
        assert self.direct_socket is not None, "it was written past what waits"
        if self.room > 1:
            self._take(wire)
            return len(wire)
        self._torn = wire[: len(wire) * (len(self.wires) % 3) // 3]
        if not self._torn:
            raise BlockingIOError
        return len(self._torn)

    def write_remainder(self, data: bytes | memoryview) -> None:
        wire, self._torn = self._torn + bytes(data), b""
        self._take(wire)
        assert self.write_paused

    def _take(self, wire: bytes) -> None:
        self.wires.append(wire)
        for payload in payloads(wire):
            message = json.loads(payload)
            self.frames.append(message)
            self.replay.apply(message)
        self.room -= 1
        self.write_paused = self.room <= 0
        if self.write_paused:
            self.revoke_direct()

    def revoke_direct(self) -> None:
        """Take back what is lent."""
        lent, self.direct_socket = self.direct_socket is not None, None
        if lent and self.on_direct_revoked is not None:
            self.on_direct_revoked()

    def resume(self, room: int = 1_000_000) -> None:
        """Read again."""
        self.room, self.write_paused = room, False
        if self.on_writable is not None:
            self.on_writable()

    def kinds(self) -> list[str]:
        """What came, in order."""
        return [frame["type"] for frame in self.frames]

    def buffered(self) -> int:
        return 0

    def close(self, code: int, reason: str = "") -> None:
        self.closed = True
        self.revoke_direct()

    def abort(self) -> None:
        self.closed = True
        self.revoke_direct()


def payloads(wire: bytes) -> list[bytes]:
    """The messages in what was written to a socket: whole text frames that no one masked."""
    found = []
    while wire:
        assert wire[0] == 0x81
        start = 2
        size = wire[1]
        if size == 126:
            start = 4
            size = int.from_bytes(wire[2:4], "big")
        elif size == 127:
            start = 10
            size = int.from_bytes(wire[2:10], "big")
        assert len(wire) >= start + size, "a frame was torn"
        found.append(wire[start : start + size])
        wire = wire[start + size :]
    return found


class ScriptedBus:
    """Carries a message to the other processes when the test says so, if at all."""

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
    """A hub with its bus, as one server process has them."""

    def __init__(self, database: FakeDatabase, name: str = "a") -> None:
        self.truth = database
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
        """A reader who subscribes; paused peers catch up as sockets make them."""
        connection = connection or ScriptedConnection()
        subscription = Subscription(connection, copy, b"", reader)
        attach(connection, self.hub, subscription)
        await self.hub.subscribe(CODE, subscription, 1, since)
        return connection, subscription

    def hear(self, *messages: BusMessage) -> None:
        """Messages of another process arrive."""
        for message in messages:
            self.hub.receive(message)


def attach(connection: ScriptedConnection, hub: Hub, subscription: Subscription) -> None:
    """Do for a subscription what its socket does."""
    connection.on_writable = lambda: hub.on_writable(subscription)
    connection.on_direct_revoked = subscription.leave_broadcast


def since(connection: ScriptedConnection) -> Position:
    """Where a reader stands."""
    return Position(connection.replay.epoch, connection.replay.seq)


def assert_in_sync(database: FakeDatabase, *connections: ScriptedConnection) -> None:
    """What each reader followed is what one who comes now is shown."""
    for connection in connections:
        assert connection.replay.differences(database.fresh()) == []
