"""A story on real components whose clock the test moves, and what is stored of it, to compare with the model."""

import itertools
import json
from collections import Counter
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.e2e.publisher import Publisher, Story
from tests.e2e.replay import Replay
from tests.model.moderation_records import TAGS
from tests.operations.operations_harness import SECRET, RecordingConnection, Server
from tests.operations.owner_harness import person
from widget_server.auth import tokens
from widget_server.auth.sealing import Sealer
from widget_server.hub.channel import Subscription
from widget_server.model.actors import Actor, shell
from widget_server.model.claims import ReaderClaims
from widget_server.model.rules import RuleSpec
from widget_server.operations.moderation import raids, rules
from widget_server.operations.owners import settings, sites
from widget_server.operations.readers import authorize, bans, identify
from widget_server.operations.readers.authorize import Grant
from widget_server.store.engine import Database, read_transaction
from widget_server.store.schema import (
    cases,
    comments,
    decisions,
    kept_texts,
    reports,
    site_decisions,
    stories,
)
from widget_server.store.schema_people import accounts, members
from widget_server.store.schema_queue import case_counts
from widget_server.store.schema_readers import appeals, bans as ban_rows, network_days, report_mutes

BEGIN = 1_700_000_000_000
APART = 100 * 86_400_000
"""Milliseconds between the first days of two stories. Steps of the machines that know networks take less."""
PEOPLE = {"ana": "owner", "ben": "moderator", "cem": "moderator"}
READERS = ("rita", "sam", "tove")
REPORTERS = (*READERS, "uma", "vera", "will", "xena", "yann")
NETWORKS = ("north", "east", "south", "west")
WORDS = {"casino": "hold", "lottery": "block"}
"""Words of the two rules, and what they do."""
_sites = itertools.count()


@dataclass
class Stored:
    """All rows about one story and its site."""

    comments: dict[str, Any]
    log: list[Any]
    cases: list[Any]
    kept: dict[str, Any]
    bans: list[Any]
    appeals: list[Any]
    reports: list[Any]
    mutes: list[Any]
    counts: dict[str, int]
    story: Any


class Rows:
    """Reads of a database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def of_story(self, connection: AsyncConnection, site: str, story: int) -> Stored:
        """Return everything about a story in one view."""

        async def rows(table: Any, where: Any, order: Any = None) -> list[Any]:
            return list(await connection.execute(select(table).where(where).order_by(order)))

        found = await rows(comments, comments.c.story == story)
        own = [one.id for one in found]
        return Stored(
            comments={one.id: one for one in found},
            log=await rows(decisions, decisions.c.story == story, decisions.c.number),
            cases=await rows(cases, cases.c.site == site, cases.c.id),
            kept={
                one.comment: one for one in await rows(kept_texts, kept_texts.c.comment.in_(own))
            },
            bans=await rows(ban_rows, ban_rows.c.site == site),
            appeals=await rows(appeals, appeals.c.comment.in_(own)),
            reports=await rows(reports, reports.c.comment.in_(own)),
            mutes=await rows(report_mutes, report_mutes.c.site == site),
            counts={
                one.queue: one.number
                for one in await rows(case_counts, case_counts.c.site == site)
                if one.number
            },
            story=(await rows(stories, stories.c.id == story))[0],
        )

    @read_transaction
    async def last_of_site(self, connection: AsyncConnection, site: str, verb: str) -> str:
        """Return the id of the last entry with a verb in the log of a site."""
        own = site_decisions.c
        found = select(own.id).where(own.site == site, own.verb == verb)
        return str((await connection.execute(found.order_by(own.number.desc()))).scalars().first())

    @read_transaction
    async def key_days(self, connection: AsyncConnection, first: int) -> frozenset[int]:
        """Return the days from `first` whose random keys are stored."""
        found = select(network_days.c.day).where(network_days.c.day >= first)
        return frozenset((await connection.execute(found)).scalars())


class ModeratedStory:
    """A new site with one story, three people who moderate, and readers."""

    def __init__(self, server: Server) -> None:
        self.server = server
        number = next(_sites)
        self.site = f"m{number}"
        # Each story has days of its own: the random keys of days belong to the whole server.
        self.now = BEGIN + number * APART
        self.first_day = self.now // 86_400_000
        self.secrets = [SECRET]
        self.services = replace(
            server.services, clock=lambda: self.now / 1000, people=copy(server.services.people)
        )
        self.rows = Rows(server.components.database)
        self.people: dict[str, Actor] = {
            name: replace(person(role), id=name, site=self.site)  # type: ignore[arg-type]
            for name, role in PEOPLE.items()
        }
        self.claims = {name: ReaderClaims(self.site, tokens.new_rid()) for name in REPORTERS}
        self.rules: dict[str, str] = {}
        self.watching: list[tuple[RecordingConnection, Replay, list[int]]] = []
        self.grant: Grant

    async def begin(self) -> None:
        """Make the site, its people, its rules and its story."""
        await sites.create_site(self.server.services, shell("test"), self.site, "A site")
        await self.services.writer.run_in_transaction(self._add_people)
        for word, action in WORDS.items():
            spec = RuleSpec(word, "words", action=action, words=(word,))  # type: ignore[arg-type]
            added = await rules.add_rule(self.services, self.people["ana"], self.site, spec)
            self.rules[word] = added.id
        await self.set("tags", ", ".join(TAGS))
        self.grant = await self.server.grant(self._new_story())

    def _new_story(self) -> Story:
        return Publisher(self.site, SECRET).story(iat=BEGIN // 1000)

    async def _add_people(self, connection: AsyncConnection) -> None:
        known = set((await connection.execute(select(accounts.c.id))).scalars())
        for name, role in PEOPLE.items():
            if name not in known:
                new = {"id": name, "name": name, "server_owner": False, "created_at": 1}
                await connection.execute(insert(accounts).values(new))
            member = {"site": self.site, "account": name, "role": role, "created_at": 1}
            await connection.execute(insert(members).values(member))

    def change_secret(self) -> None:
        """Put a new secret before the earlier ones: hashes of readers are others from now on."""
        self.secrets = [f"secret {len(self.secrets)} {SECRET}", *self.secrets]
        self.services.people.sealer = Sealer(self.secrets)

    async def set(self, key: str, value: str) -> None:
        """Change a setting of the site."""
        await settings.change_settings(self.services, shell("test"), self.site, {key: value})
        await self.services.cache.site(self.site, max_age=0)

    async def switch(self, word: str, mode: str) -> None:
        """Change the mode of a rule."""
        owner, rule = self.people["ana"], self.rules[word]
        await rules.set_mode(self.services, owner, self.site, rule, mode)  # type: ignore[arg-type]

    async def reader(self, name: str, network: str = NETWORKS[0]) -> tuple[Grant, identify.Actor]:
        """Return what a reader may do now on a network, and the reader."""
        await self.services.cache.site(self.site, max_age=0)
        return await self.known_reader(name, network)

    async def known_reader(self, name: str, network: str) -> tuple[Grant, identify.Actor]:
        """Return what a reader may do by what was read of the site last."""
        grant = await authorize.refresh(self.services, self.grant)
        actor = identify.act(self.services, grant, self.claims[name], network)
        return await bans.with_ban(self.services, grant, actor.reader_id, network), actor

    def reader_id(self, name: str) -> str:
        """Return the id under which a reader's items are stored."""
        return identify.reader_id(self.claims[name])

    async def switch_raid(self, hours: int) -> None:
        """Switch a raid on in a story in which nothing is written, or with 0 hours end those that are on."""
        owner = self.people["ana"]
        for raid in await raids.raids_on(self.services, self.site):
            await raids.end(self.services, owner, self.site, raid.id)
        if hours:
            other = await self.server.grant(self._new_story())
            await raids.switch_on(
                self.services, owner, self.site, story=other.story.code, hours=hours
            )

    async def key_days(self) -> frozenset[int]:
        """Return the days since the story's first one whose random keys are stored."""
        return await self.rows.key_days(self.first_day)

    async def stored(self) -> Stored:
        """Return what is stored."""
        return await self.rows.of_story(self.site, self.grant.story.id)

    async def last_of_site(self, verb: str) -> str:
        """Return the id of the last entry with a verb in the site's own log."""
        return await self.rows.last_of_site(self.site, verb)

    async def fresh(self) -> tuple[str, Replay]:
        """Return the public snapshot as text, and as a new reader sees it."""
        raw = (await self.services.hub.public_snapshot(self.grant.story.code, None)).decode()
        return raw, Replay.of(json.loads(raw))

    async def watch(self) -> None:
        """Open a page that stays open."""
        connection = RecordingConnection()
        code = self.grant.story.code
        await self.services.hub.subscribe(code, Subscription(connection, 0, b"", None), 1, None)
        self.watching.append((connection, Replay(code), [0]))

    async def differences(self) -> list[str]:
        """Apply new messages to the open pages, and return how they differ from a new snapshot."""
        _, fresh = await self.fresh()
        found = []
        for connection, replay, applied in self.watching:
            for message in connection.messages[applied[0] :]:
                replay.apply(message)
            applied[0] = len(connection.messages)
            found += replay.differences(fresh)
        return found


def counted(found: Stored) -> Counter[str]:
    """Return the number of open cases by queue."""
    return Counter(one.queue for one in found.cases if one.closed_at is None)
