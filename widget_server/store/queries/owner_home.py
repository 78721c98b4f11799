"""Reads for the first page of the dashboard: what waits, what happens now, what happened today."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    BigInteger,
    String,
    case,
    cast,
    desc,
    distinct,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.records import CommentState
from widget_server.store.engine import Database, read_transaction
from widget_server.store.queries.handed_cases import count_handed
from widget_server.store.queries.log_names import FIRST_CHARACTERS
from widget_server.store.queries.queue_facts import select_queue_counts
from widget_server.store.schema import (
    IS_STORY_REACTION,
    comments,
    copies,
    decisions,
    reactions,
    sites,
    stories,
)
from widget_server.store.schema_people import accounts, api_keys, members, recovery_codes

HOUR_MS = 3_600_000
CHUNK = 1_000
"""Codes in one query."""


@dataclass(slots=True)
class Today:
    """Numbers of a site. Times are milliseconds since 1970."""

    queues: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Number of open cases and time of the oldest, by queue."""
    mine: int = 0
    """Open cases that were handed over to the account."""
    new_copies: int = 0
    old_keys: int = 0
    """Generations of the signing key that are accepted but do not sign any more."""
    old_key_copies: int = 0
    """Live copies whose token is signed with one of these."""
    stories: int = 0
    """Stories that a page carries."""
    codes: int = 0
    """Unused recovery codes of the account."""
    people: int = 0
    """Other people who have a role on the site."""
    reactions: dict[int, int] = field(default_factory=dict)
    """Reactions to stories today by hour from the start of the day."""
    comments: dict[int, int] = field(default_factory=dict)
    """Comments today by hour, without those that wait."""


@dataclass(frozen=True, slots=True)
class ReadStory:
    """A story with its number of copies."""

    code: str
    title: str | None
    key: str
    copies: int


@dataclass(frozen=True, slots=True)
class Latest:
    """A decision of a story's log with the names that a page shows."""

    id: str
    at: int
    verb: str
    kind: str
    actor: str
    """Name of the account or key, else its id."""
    reason: str | None
    batch: str | None
    undoes: str | None
    comment: str
    writer: str | None
    words: str | None
    """First characters of a public comment without a name."""
    answered: str | None
    """Verb of the decision that an undo answers."""
    code: str
    title: str
    """Title of the story, else its key."""


class OwnerHome:
    """Reads of one database. Each method is one SQL statement."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def today(
        self,
        connection: AsyncConnection,
        site: str,
        account: str,
        day: int,
        live_since: int,
        copies_of: frozenset[int] | None,
        now: int,
    ) -> Today:
        """Return the numbers of a site since `day`, the start of today.

        `live_since`: copies seen since then are live.
        """
        found = Today()
        statement = _select_today(site, account, day, live_since, copies_of, now)
        for row in await connection.execute(statement):
            match row.kind:
                case "queue":
                    found.queues[row.key] = (row.number, row.at)
                case "reactions":
                    found.reactions[int(row.key)] = row.number
                case "comments":
                    found.comments[int(row.key)] = row.number
                case name:
                    setattr(found, name, row.number or 0)
        return found

    @read_transaction
    async def read_stories(
        self, connection: AsyncConnection, site: str, codes: Sequence[str]
    ) -> list[ReadStory]:
        """Return those of these codes, at most 1,000, that are stories of the site."""
        carried = select(func.count()).where(copies.c.story == stories.c.id).scalar_subquery()
        rows = await connection.execute(
            select(stories.c.code, stories.c.title, stories.c.key, carried.label("copies")).where(
                stories.c.code.in_(codes[:CHUNK]), stories.c.site == site
            )
        )
        return [ReadStory(*row) for row in rows]

    @read_transaction
    async def latest(self, connection: AsyncConnection, site: str, limit: int) -> list[Latest]:
        """Return the last decisions about the site's stories and comments, the newest first."""
        earlier = decisions.alias()
        is_public = comments.c.name.is_(None) & (comments.c.state == CommentState.PUBLISHED.value)
        rows = await connection.execute(
            select(
                decisions.c.id,
                decisions.c.at,
                decisions.c.verb,
                decisions.c.actor_kind,
                func.coalesce(accounts.c.name, api_keys.c.label, decisions.c.actor),
                decisions.c.reason,
                decisions.c.batch,
                decisions.c.undoes,
                decisions.c.comment,
                comments.c.name,
                case((is_public, func.substr(comments.c.source, 1, FIRST_CHARACTERS))),
                earlier.c.verb,
                stories.c.code,
                func.coalesce(stories.c.title, stories.c.key),
            )
            .join(stories, stories.c.id == decisions.c.story)
            .outerjoin(comments, comments.c.id == decisions.c.comment)
            .outerjoin(accounts, accounts.c.id == decisions.c.actor)
            .outerjoin(api_keys, api_keys.c.id == decisions.c.actor)
            .outerjoin(earlier, earlier.c.id == decisions.c.undoes)
            .where(decisions.c.site == site)
            .order_by(desc(decisions.c.at), desc(decisions.c.id))
            .limit(limit)
        )
        return [Latest(*tuple(row)) for row in rows]


def _select_today(
    site: str,
    account: str,
    day: int,
    live_since: int,
    copies_of: frozenset[int] | None,
    now: int,
) -> Any:
    queues = select_queue_counts(site, copies_of).subquery()
    none = literal(None, BigInteger)

    def row(kind: str, number: Any, key: Any = "", at: Any = none) -> Any:
        return select(
            literal(kind).label("kind"),
            cast(key, String).label("key"),
            cast(number, BigInteger).label("number"),
            cast(at, BigInteger).label("at"),
        )

    own_stories = copies.join(stories, stories.c.id == copies.c.story)
    is_old = (
        (stories.c.site == site)
        & (copies.c.last_seen >= live_since)
        & (copies.c.generation < sites.c.generation)
    )
    parts = [
        row("queue", queues.c.number, queues.c.queue, queues.c.oldest),
        row("mine", count_handed(site, f"account:{account}", now).scalar_subquery()),
        row("new_copies", func.count())
        .select_from(own_stories)
        .where(stories.c.site == site, copies.c.first_seen >= day),
        row("old_keys", sites.c.generation - sites.c.oldest).where(sites.c.slug == site),
        row("old_key_copies", func.count())
        .select_from(own_stories.join(sites, sites.c.slug == stories.c.site))
        .where(is_old),
        row("stories", func.count(distinct(copies.c.story)))
        .select_from(own_stories)
        .where(stories.c.site == site),
        row("people", func.count())
        .select_from(members)
        .where(members.c.site == site, members.c.account != account),
        row("codes", func.count())
        .select_from(recovery_codes)
        .where(recovery_codes.c.account == account, recovery_codes.c.used_at.is_(None)),
    ]
    reacted = ((reactions.c.at - day) // HOUR_MS).label("hour")
    written = ((comments.c.created_at - day) // HOUR_MS).label("hour")
    by_hour = (
        (
            "reactions",
            select(reacted)
            .select_from(stories.join(reactions, reactions.c.story == stories.c.id))
            .where(stories.c.site == site, IS_STORY_REACTION, reactions.c.at >= day),
        ),
        (
            "comments",
            select(written)
            .select_from(stories.join(comments, comments.c.story == stories.c.id))
            .where(
                stories.c.site == site, comments.c.created_at >= day, comments.c.state != "pending"
            ),
        ),
    )
    for kind, query in by_hour:
        hours = query.subquery()
        hour = cast(hours.c.hour, BigInteger)
        parts.append(row(kind, func.count(), hour).group_by(hour))
    return union_all(*parts)
