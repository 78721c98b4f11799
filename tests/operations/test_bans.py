"""Bans against every action that a reader can send: every kind, with a clock that moves."""

import itertools
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import orjson
import pytest
from sqlalchemy import select

from tests.operations.operations_harness import OPERATOR, Server, open_server
from widget_server.auth.network_keys import NetworkKey
from widget_server.model.actors import shell
from widget_server.model.bans import BAN_MODES, BanMode
from widget_server.model.claims import ReaderClaims
from widget_server.model.errors import (
    BannedError,
    MalformedError,
    NotFoundError,
    NotPermittedError,
    ProblemError,
)
from widget_server.operations.moderation import bans as moderation, expire, raids
from widget_server.operations.owners import sites
from widget_server.operations.readers import bans, comment as comments, identify
from widget_server.operations.readers.authorize import Grant
from widget_server.operations.services import Services
from widget_server.protocol import client_messages
from widget_server.store import schema_readers
from widget_server.store.schema import comments as comments_table
from widget_server.web import actions

DAY = 86_400
HOUR_MS = 3_600_000
OUTCOMES: dict[str, dict[BanMode, str]] = {
    "react": {"read": "banned", "approval": "ok"},
    "comment": {"read": "banned", "approval": "pending"},
    "edit": {"read": "banned", "approval": "waiting"},
    "report": {"read": "banned", "approval": "ok"},
    "hint": {"read": "banned", "approval": "ok"},
    # What concerns only the reader's own words and the ban itself stays possible.
    "delete": {"read": "ok", "approval": "ok"},
    "appeal": {"read": "ok", "approval": "ok"},
    "mine": {"read": "ok", "approval": "ok"},
    "forget": {"read": "ok", "approval": "ok"},
}
"""What each action of a banned reader comes to, by the mode of the ban. A new action needs a row here."""
VERBS = tuple(kind.model_fields["type"].annotation for kind in get_args(client_messages.Action))


@dataclass
class Writer:
    """A reader with a comment, on a network whose address stays the same."""

    grant: Grant
    claims: ReaderClaims
    address: str
    own: str
    other: str
    """A comment of another reader."""


class Clock:
    """Seconds since 1970 that move when the test says so."""

    def __init__(self, at: float) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


class Raid:
    """The site `paper` with `network_bans` on, and a clock."""

    def __init__(self, server: Server, at: float) -> None:
        self.server = server
        self.clock = Clock(at)
        self.services: Services = replace(server.services, clock=self.clock)
        self._addresses = itertools.count(1)

    def network(self, address: str) -> NetworkKey:
        """Return the key of an address on the day that it is now."""
        return self.services.network_key(address)

    async def writer(self, address: str = "") -> Writer:
        """Return a new reader who has written a comment, by default on a network of their own."""
        address = address or f"198.51.100.{next(self._addresses)}"
        grant = await self.server.grant()
        actor = identify.act(self.services, grant, None, self.network(address), None)
        stranger = identify.act(self.services, grant, None, self.network("203.0.113.9"), None)
        own = await self.post(grant, actor)
        other = await self.post(grant, stranger)
        return Writer(grant, actor.claims, address, own, other)

    async def post(self, grant: Grant, actor: identify.Actor) -> str:
        """Post a comment and return its id."""
        new = comments.NewComment(uuid.uuid4().hex, "words", None, None, None, None)
        return (await comments.post(self.services, grant, actor, new)).id

    async def ban(self, writer: Writer, kind: str, mode: BanMode, hours: int | None) -> None:
        """Ban the writer, or the network of their comment: in a raid on a story that no test writes in."""
        if kind == "network" and not await moderation.may_ban_networks(self.services, "paper"):
            quiet = (await self.server.grant()).story.code
            await raids.switch_on(self.services, OPERATOR, "paper", story=quiet, hours=1)
        until = None if hours is None else self.services.now_ms() + hours * HOUR_MS
        await moderation.ban(
            self.services,
            OPERATOR,
            writer.own,
            until=until,
            mode=mode,
            reason="attack",
            network=kind == "network",
        )

    async def do(self, writer: Writer, verb: str) -> str:
        """Send an action as the writer. Return the code of the error, the state of the comment, or `ok`."""
        fields: dict[str, Any] = {
            "react": {"reaction": "happy"},
            "comment": {"key": uuid.uuid4().hex, "body": "more words"},
            "edit": {"comment": writer.own, "body": "other words"},
            "report": {"comment": writer.other, "category": "hate"},
            "delete": {"comment": writer.own},
            "appeal": {"text": "Why?"},
            "hint": {"text": "It was 1961."},
        }.get(verb, {})
        message = {"type": verb, "story": writer.grant.story.code, **fields}
        action = client_messages.parse_action(orjson.dumps(message))
        network = self.network(writer.address)
        try:
            answer, _ = await actions.execute(
                self.services, writer.grant, writer.claims, network, action
            )
        except ProblemError as error:
            return error.code
        comment = orjson.loads(answer).get("comment") or {}
        if isinstance(comment, dict) and comment.get("waiting"):
            return "waiting"
        is_pending = isinstance(comment, dict) and comment.get("state") == "pending"
        return "pending" if is_pending else "ok"

    async def is_banned(self, address: str, claims: ReaderClaims | None = None) -> bool:
        """Return whether a new reader on this network may not write now."""
        grant = await self.server.grant()
        reader = None if claims is None else identify.reader_id(claims)
        found = await bans.with_ban(self.services, grant, reader, self.network(address), claims)
        return isinstance(found.denial, BannedError)


NOON = (int(time.time()) // DAY + 1) * DAY + DAY // 2
"""Tomorrow's noon, UTC: the cache drops raids that are over by the clock of the machine."""


@pytest.fixture
async def raid(tmp_path: Path, migrated_url: str) -> AsyncIterator[Raid]:
    """Return a site in a raid, at noon, on each engine."""
    async with open_server(tmp_path, migrated_url) as server:
        await sites.create_site(server.services, shell("test"), "paper", "A paper")
        await server.set(("network_bans", "on"), ("edit_window", "9999999"))
        yield Raid(server, NOON)


def test_every_action_of_readers_has_a_row() -> None:
    named = {get_args(one)[0] for one in VERBS}
    assert named == set(OUTCOMES)


@pytest.mark.parametrize("hours", [None, 24])
@pytest.mark.parametrize("mode", BAN_MODES)
@pytest.mark.parametrize("kind", ["reader", "network"])
async def test_a_ban_of_each_kind_meets_each_action_and_ends_by_itself(
    raid: Raid, kind: str, mode: BanMode, hours: int | None
) -> None:
    free = await raid.writer()
    writers = {verb: await raid.writer() for verb in OUTCOMES}
    for verb, writer in writers.items():
        await raid.ban(writer, kind, mode, hours)
        assert (verb, await raid.do(writer, verb)) == (verb, OUTCOMES[verb][mode])
        if verb != "appeal":
            assert (verb, await raid.do(free, verb)) == (verb, "ok")
            free = await raid.writer()
    writer = await raid.writer()
    await raid.ban(writer, kind, mode, hours)
    if hours is None and kind == "reader":
        raid.clock.at += 365 * DAY
        assert await raid.do(writer, "comment") == OUTCOMES["comment"][mode]
        return
    raid.clock.at += (hours or 48) * 3600 - 1
    assert await raid.do(writer, "comment") == OUTCOMES["comment"][mode]
    raid.clock.at += 1
    assert await raid.do(writer, "comment") == "ok"


async def test_a_reader_stays_banned_after_forgetting(raid: Raid) -> None:
    writer = await raid.writer()
    await raid.ban(writer, "reader", "read", 24)
    assert await raid.do(writer, "forget") == "ok"
    assert await raid.do(writer, "comment") == "banned"
    raid.clock.at += DAY
    assert await raid.do(writer, "comment") == "ok"


async def test_the_sites_own_people_are_never_banned(raid: Raid) -> None:
    writer = await raid.writer("192.0.2.1")
    await raid.ban(writer, "network", "read", None)
    assert await raid.is_banned("192.0.2.1")
    editor = replace(writer.claims, author=True, sub="editor", rid="f" * 32)
    assert not await raid.is_banned("192.0.2.1", editor)
    grant = writer.grant
    actor = identify.act(raid.services, grant, editor, raid.network("192.0.2.1"), None)
    own = await raid.post(await bans.with_ban(raid.services, grant, None, "x", editor), actor)
    for network in (False, True):
        with pytest.raises(NotPermittedError, match="own people"):
            await moderation.ban(raid.services, OPERATOR, own, until=None, network=network)


# Networks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("hour", [0, 12, 23])
async def test_a_ban_of_a_network_holds_past_midnight_for_the_48_hours_that_were_asked(
    raid: Raid, hour: int
) -> None:
    raid.clock.at = NOON + DAY // 2 + hour * 3600 + 3599
    begun = raid.clock.at
    writer = await raid.writer("192.0.2.1")
    await raid.ban(writer, "network", "read", 48)
    for hours in range(0, 48, 3):
        raid.clock.at = begun + hours * 3600
        await expire.erase_expired_texts(raid.services)
        assert await raid.is_banned("192.0.2.1"), hours
        assert not await raid.is_banned("192.0.2.2"), hours
    raid.clock.at = begun + 48 * 3600 - 1
    assert await raid.is_banned("192.0.2.1")
    raid.clock.at += 1
    assert not await raid.is_banned("192.0.2.1")


async def test_the_key_of_a_day_is_kept_as_long_as_a_ban_stands_on_it_and_no_longer(
    raid: Raid,
) -> None:
    first_day = NOON // DAY
    banned, free = await raid.writer("192.0.2.1"), await raid.writer("192.0.2.2")
    networks = raid.services.networks
    raid.clock.at += DAY
    await raid.ban(banned, "network", "read", 48)
    await raid.writer("192.0.2.3")
    raid.clock.at = (first_day + 2) * DAY
    await expire.erase_expired_texts(raid.services)
    # From where the comments of the first day came is known no more; only the ban still stands.
    for one in (banned, free):
        assert await networks.of_comment(one.own) is None
    assert set(await networks.keys_of([first_day, first_day + 1])) == {first_day, first_day + 1}
    assert await raid.is_banned("192.0.2.1")
    with pytest.raises(NotFoundError, match="48 hours"):
        await raid.ban(free, "network", "read", 24)
    raid.clock.at = NOON + 3 * DAY
    await expire.erase_expired_texts(raid.services)
    assert await networks.keys_of([first_day, first_day + 1]) == {}
    assert not await raid.is_banned("192.0.2.1")


async def test_another_process_recognises_a_network_that_was_banned_the_day_before(
    raid: Raid, tmp_path: Path, migrated_url: str
) -> None:
    writer = await raid.writer("192.0.2.1")
    await raid.ban(writer, "network", "read", 48)
    raid.clock.at += DAY
    async with open_server(tmp_path, migrated_url) as other:
        there = Raid(other, raid.clock.at)
        assert await there.is_banned("192.0.2.1")
        assert not await there.is_banned("192.0.2.2")


async def test_a_banned_reader_may_do_no_more_than_the_others_on_a_banned_network(
    raid: Raid,
) -> None:
    writer = await raid.writer("192.0.2.1")
    await raid.ban(writer, "network", "read", None)
    await raid.ban(writer, "reader", "approval", None)
    assert await raid.do(writer, "comment") == "banned"
    strict = await raid.writer("192.0.2.2")
    await raid.ban(strict, "network", "approval", None)
    await raid.ban(strict, "reader", "read", None)
    assert await raid.do(strict, "comment") == "banned"


async def test_the_second_ban_of_a_network_holds_also_if_the_first_is_of_the_day_before(
    raid: Raid,
) -> None:
    before = await raid.writer("192.0.2.1")
    raid.clock.at += DAY
    after = await raid.writer("192.0.2.1")
    await raid.ban(before, "network", "approval", None)
    assert await raid.do(after, "comment") == "pending"
    raid.clock.at += 1
    await raid.ban(after, "network", "read", None)
    assert await raid.do(after, "comment") == "banned"


async def test_an_objection_to_the_ban_of_a_network_waits_also_if_the_writer_is_unbanned(
    raid: Raid,
) -> None:
    writer = await raid.writer("192.0.2.1")
    await raid.ban(writer, "network", "read", None)
    assert await raid.do(writer, "appeal") == "ok"
    await raid.ban(writer, "reader", "approval", None)
    await moderation.unban(raid.services, OPERATOR, writer.own)
    by = replace(OPERATOR, id="another")
    (waits,) = await moderation.appeals_of(raid.services, by, "paper", writer.own)
    assert waits.waiting
    assert "appeals" in await raid.services.queue.counts("paper")


async def test_a_network_that_stays_connected_past_midnight_is_the_same_network(raid: Raid) -> None:
    connected = raid.network("192.0.2.1")
    raid.clock.at += DAY
    before = await raid.services.tracer.trace(connected, raid.clock.at)
    now = await raid.services.tracer.trace(raid.network("192.0.2.1"), raid.clock.at)
    assert connected != raid.network("192.0.2.1")
    assert before == now


async def test_a_ban_of_a_network_is_of_one_site_and_ends_with_the_raid(raid: Raid) -> None:
    writer = await raid.writer("192.0.2.1")
    with pytest.raises(MalformedError, match="48 hours"):
        await raid.ban(writer, "network", "read", 49)
    await raid.ban(writer, "network", "read", None)
    (listed,) = await moderation.list_bans(raid.services, OPERATOR, "paper")
    assert listed.ban.until == raid.services.now_ms() + 48 * HOUR_MS
    await sites.create_site(raid.services, shell("test"), "other", "Another paper")
    cached = await raid.services.cache.site("other", max_age=0)
    assert cached is not None
    assert cached.bans == {}
    await raid.server.set(("network_bans", "off"))
    assert not await raid.is_banned("192.0.2.1")
    with pytest.raises(NotPermittedError, match="setting"):
        await raid.ban(writer, "network", "read", 24)


async def test_no_address_and_no_lasting_name_of_a_network_is_stored(
    raid: Raid, tmp_path: Path, migrated_url: str
) -> None:
    writer = await raid.writer("192.0.2.77")
    await raid.server.set(("reports_hide", "3"))
    await raid.ban(writer, "network", "read", None)
    key = raid.network("192.0.2.77")

    async def read(connection: Any) -> list[str]:
        rows: list[str] = []
        for table in (schema_readers.bans, schema_readers.network_traces, comments_table):
            rows += [repr(tuple(row)) for row in await connection.execute(select(table))]
        return rows

    rows = await raid.server.components.database.read(read)
    assert len(rows) >= 4
    for secret in ("192.0.2", key.lasting, str(key)):
        assert not [row for row in rows if secret in row]
