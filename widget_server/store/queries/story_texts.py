"""Texts of stories: the newest version, and the versions before it."""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Select, delete, exists, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.clock import now_ms
from widget_server.model.decisions import Decision
from widget_server.model.errors import NotFoundError
from widget_server.store.damaged_rows import json_of
from widget_server.store.engine import Database, read_transaction
from widget_server.store.mapping import dump
from widget_server.store.queries.older_copies import forget_text_versions
from widget_server.store.schema import copies, stories, story_texts
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.site_log import append_site_decision

KEPT_VERSIONS = 20
KEPT_FOR_COPIES = 20
"""Earlier versions that are kept as well because the pages of copies have them."""


@dataclass(frozen=True, slots=True)
class NewText:
    """A text as the publisher sent it, with the tree that was made from it."""

    title: str | None
    format: str
    source: str
    tree: Any
    images: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class StoryText:
    """A version of a story's text. `created_at` is in milliseconds since 1970."""

    version: int
    title: str | None
    format: str
    source: str
    tree: Any
    images: list[dict[str, Any]]
    created_at: int


class StoryTexts:
    """Reads of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def newest(self, connection: AsyncConnection, code: str) -> StoryText | None:
        """Return the newest version of a story's text, or None. A damaged one is None."""
        own = stories.c.code == code
        return await _newest(connection, own)

    @read_transaction
    async def version(
        self, connection: AsyncConnection, code: str, version: int
    ) -> tuple[StoryText, StoryText] | None:
        """Return a version of a story's text and the newest one, or None if one of the two is not stored or damaged."""
        own = stories.c.code == code
        newest = await _newest(connection, own)
        found = await connection.execute(_texts_of(own & (story_texts.c.version == version)))
        row = found.one_or_none()
        text = None if row is None else _text(row)
        return None if text is None or newest is None else (text, newest)

    @read_transaction
    async def versions(self, connection: AsyncConnection, code: str) -> list[StoryText]:
        """Return the versions that are kept of a story's text, the newest first, without damaged ones."""
        own = _texts_of(stories.c.code == code).limit(KEPT_VERSIONS + KEPT_FOR_COPIES)
        found = await connection.execute(own)
        return [text for row in found if (text := _text(row)) is not None]


async def _newest(connection: AsyncConnection, condition: Any) -> StoryText | None:
    found = await connection.execute(_texts_of(condition).limit(1))
    row = found.one_or_none()
    return None if row is None else _text(row)


def _texts_of(condition: Any) -> Select[Any]:
    return (
        select(story_texts)
        .join(stories, stories.c.id == story_texts.c.story)
        .where(condition)
        .order_by(story_texts.c.version.desc())
    )


def _text(row: Any) -> StoryText | None:
    """Return the text of a row, or None if it is damaged."""
    try:
        tree, images = json_of(row.tree), json_of(row.images)
    except ValueError:
        return None
    if not isinstance(images, list):
        return None
    return StoryText(row.version, row.title, row.format, row.source, tree, images, row.created_at)


def put_text(site: str, code: str, text: NewText, decision: Decision) -> TransactionFn[int]:
    """Store a new version of a story's text. Result: its number.

    The same text again is no new version. `decision` is logged with the number. Raises `NotFoundError`.
    """

    async def run(connection: AsyncConnection) -> int:
        story = await _locked_story(connection, site, code)
        last = await _newest(connection, stories.c.id == story)
        if last is not None and _same(last, text):
            return last.version
        version = 1 if last is None else last.version + 1
        row = {
            "story": story,
            "version": version,
            "title": text.title,
            "format": text.format,
            "source": text.source,
            "tree": dump(text.tree),
            "images": dump(text.images),
            "created_at": now_ms(),
        }
        await connection.execute(insert(story_texts).values(row))
        oldest = await _delete_old(connection, story, version - KEPT_VERSIONS)
        await forget_text_versions(connection, site, story, oldest)
        logged = replace(decision, after={**decision.after, "version": version})
        await append_site_decision(connection, site, logged)
        return version

    return run


async def _delete_old(connection: AsyncConnection, story: int, until: int) -> int:
    """Delete versions up to `until`, but not the last ones that copies have. Return the oldest one that is kept."""
    own = story_texts.c
    old = (own.story == story) & (own.version <= until)
    of_copy = exists().where(copies.c.story == story, copies.c.text_version == own.version)
    last = select(own.version).where(old & of_copy).order_by(own.version.desc())
    kept = list((await connection.execute(last.limit(KEPT_FOR_COPIES))).scalars())
    await connection.execute(delete(story_texts).where(old & own.version.not_in(kept)))
    return min(kept, default=until + 1)


def remove_text(site: str, code: str, decision: Decision) -> TransactionFn[bool]:
    """Remove all versions of a story's text. Result: False if there was none; then nothing is logged."""

    async def run(connection: AsyncConnection) -> bool:
        story = await _locked_story(connection, site, code)
        own = story_texts.c.story == story
        removed = await connection.execute(delete(story_texts).where(own))
        if removed.rowcount > 0:
            await forget_text_versions(connection, site, story)
            await append_site_decision(connection, site, decision)
        return removed.rowcount > 0

    return run


def _same(last: StoryText, text: NewText) -> bool:
    return (last.title, last.format, last.source, last.images) == (
        text.title,
        text.format,
        text.source,
        text.images,
    )


async def _locked_story(connection: AsyncConnection, site: str, code: str) -> int:
    own = (stories.c.code == code) & (stories.c.site == site)
    found = await connection.execute(
        select(stories.c.id).where(own).with_for_update(key_share=True)
    )
    story = found.scalar_one_or_none()
    if story is None:
        raise NotFoundError("There is no story with this code.")
    return int(story)
