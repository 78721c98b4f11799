"""Tokens that republishers make for themselves: what they asked for, and what the owner agreed to."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, delete, exists, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.decisions import Decision
from widget_server.model.records import Copy
from widget_server.store.damaged_rows import json_of
from widget_server.store.engine import Database, read_transaction
from widget_server.store.queries.stories import record_copy
from widget_server.store.schema import copies, republisher_tokens, stories, tokens
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.site_log import append_site_decision

MAX_UNUSED = 500
"""Tokens of one story that no page has shown yet. The oldest ones are forgotten beyond that."""


@dataclass(frozen=True, slots=True)
class RepublisherToken:
    """What a republisher asked for. Times are milliseconds since 1970."""

    site: str
    jti: str
    story: str
    """The story's code."""
    label: str | None
    """The name that the republisher wants."""
    agreed_at: int | None
    """When the owner agreed to name and listing; None: readers see the host."""
    listed: bool
    """Whether the republisher wants the copy on the story's page."""
    created_at: int


class Republishers:
    """Reads of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def find(
        self, connection: AsyncConnection, site: str, jti: str
    ) -> RepublisherToken | None:
        """Return the token of a republisher with this handle, or None."""
        own = (republisher_tokens.c.site == site) & (republisher_tokens.c.jti == jti)
        return await _one(connection, own)

    @read_transaction
    async def by_secret(
        self, connection: AsyncConnection, secret_hash: str
    ) -> RepublisherToken | None:
        """Return the token whose republisher keeps the secret with this hash, or None."""
        return await _one(connection, republisher_tokens.c.secret_hash == secret_hash)


async def _one(connection: AsyncConnection, condition: Any) -> RepublisherToken | None:
    row = (await connection.execute(select(republisher_tokens).where(condition))).one_or_none()
    if row is None:
        return None
    return RepublisherToken(
        row.site, row.jti, row.story, row.label, row.agreed_at, row.listed, row.created_at
    )


def insert_republisher_token(asked: RepublisherToken, secret_hash: str) -> TransactionFn[None]:
    """Record what a republisher asked for. The oldest tokens that no page has shown make room."""

    async def run(connection: AsyncConnection) -> None:
        own = republisher_tokens.c
        seen = exists().where(
            and_(
                copies.c.jti == own.jti, copies.c.story == stories.c.id, stories.c.code == own.story
            )
        )
        unseen = (own.story == asked.story) & ~seen & own.agreed_at.is_(None)
        total = await connection.execute(
            select(func.count()).select_from(republisher_tokens).where(unseen)
        )
        over = int(total.scalar_one()) - MAX_UNUSED + 1
        if over > 0:
            oldest = select(own.jti).where(unseen).order_by(own.created_at, own.jti).limit(over)
            handles = list((await connection.execute(oldest)).scalars())
            for table in (tokens, republisher_tokens):
                is_old = (table.c.site == asked.site) & table.c.jti.in_(handles)
                await connection.execute(delete(table).where(is_old))
        await connection.execute(
            insert(republisher_tokens).values(
                site=asked.site,
                jti=asked.jti,
                story=asked.story,
                label=asked.label,
                agreed_at=asked.agreed_at,
                listed=asked.listed,
                secret_hash=secret_hash,
                created_at=asked.created_at,
            )
        )

    return run


def record_republished(
    site: str, story: int, jti: str, origin: str, lang: str | None, page: str | None, **seen: Any
) -> TransactionFn[Copy | None]:
    """Record that a copy with a republisher's own token was seen. `seen` is as in `record_copy`.

    Its name, its place on the story's page and the look at its page need the owner's agreement. Until a
    reader has acted there, it takes a place only if one is free.
    """

    async def run(connection: AsyncConnection) -> Copy | None:
        own = (republisher_tokens.c.site == site) & (republisher_tokens.c.jti == jti)
        asked = await _one(connection, own)
        agreed = asked is not None and asked.agreed_at is not None
        label = asked.label if asked is not None and agreed else None
        seen["listed"] = seen["listed"] and asked is not None and agreed and asked.listed
        seen["look"] = seen["look"] and agreed
        record = record_copy(
            story, jti, origin, label, lang, page, evict=bool(seen["used"]), **seen
        )
        return await record(connection)

    return run


def agree_with_republisher(
    site: str, jti: str, agreed_at: int | None, decision: Decision
) -> TransactionFn[bool]:
    """Show the name that a republisher wants, or with None hide it again, on all copies of the token.

    `decision` is logged. Result: False if nothing changed; then nothing is logged.
    """

    async def run(connection: AsyncConnection) -> bool:
        own = (republisher_tokens.c.site == site) & (republisher_tokens.c.jti == jti)
        asked = await _one(connection, own)
        if asked is None or (asked.agreed_at is None) == (agreed_at is None):
            return False
        await connection.execute(update(republisher_tokens).where(own).values(agreed_at=agreed_at))
        agreed = agreed_at is not None
        label = asked.label if agreed else None
        is_token = (tokens.c.site == site) & (tokens.c.jti == jti)
        await connection.execute(update(tokens).where(is_token).values(label=label))
        await connection.execute(_copies_of(asked).values(label=label, listed=False))
        if agreed and asked.listed:
            # Not one in this server's own frame, nor on another page that the token does not name.
            found = await connection.execute(select(tokens.c.origins).where(is_token))
            named = {origin for text in found.scalars() for origin in json_of(text)}
            is_named = copies.c.origin.in_(named)
            await connection.execute(_copies_of(asked).where(is_named).values(listed=True))
        await append_site_decision(connection, site, decision)
        return True

    return run


def unlist_republished(asked: RepublisherToken) -> TransactionFn[None]:
    """Take the copies of a token off the story's page, as its republisher wants."""

    async def run(connection: AsyncConnection) -> None:
        own = (republisher_tokens.c.site == asked.site) & (republisher_tokens.c.jti == asked.jti)
        await connection.execute(update(republisher_tokens).where(own).values(listed=False))
        await connection.execute(_copies_of(asked).values(listed=False))

    return run


def _copies_of(asked: RepublisherToken) -> Any:
    story = select(stories.c.id).where(stories.c.code == asked.story).scalar_subquery()
    return update(copies).where((copies.c.story == story) & (copies.c.jti == asked.jti))
