"""Which version of a story's text each copy has, and which copies changed for their readers."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, exists, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.records import OlderCopy, PlacedCopy
from widget_server.store.engine import Database, read_transaction
from widget_server.store.schema import changed_copies, copies, stories, story_texts
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.copy_changes import record_changed_copies


@dataclass(frozen=True, slots=True)
class KnownText:
    """A version of a story's text. After its publisher removed the text, its number may stand for another one."""

    version: int
    stored_at: int


class OlderCopies:
    """Reads of the copies of one database whose page has an earlier version of a story's text."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def of_story(self, connection: AsyncConnection, code: str) -> list[OlderCopy]:
        """Return the copies of a story whose page has an earlier version than the newest one."""
        newest = await connection.execute(
            select(stories.c.id, story_texts.c.version, story_texts.c.created_at)
            .join(story_texts, story_texts.c.story == stories.c.id)
            .where(stories.c.code == code)
            .order_by(story_texts.c.version.desc())
            .limit(1)
        )
        text = newest.one_or_none()
        if text is None:
            return []
        own = copies.c
        found = await connection.execute(
            select(own.id, own.handle, own.origin, own.text_version)
            .where(own.story == text.id, own.text_version < text.version)
            .order_by(own.id)
        )
        return [
            OlderCopy(
                PlacedCopy(row.id, code, row.handle, row.origin), row.text_version, text.created_at
            )
            for row in found
        ]


async def read_changed(
    connection: AsyncConnection, site: str, since: int
) -> tuple[PlacedCopy, ...]:
    """Return the copies of a site whose readers are told something else since its `copy_changes` had this value."""
    own = changed_copies.c
    found = await connection.execute(
        select(copies.c.id, stories.c.code, copies.c.handle, copies.c.origin)
        .join(copies, copies.c.id == own.copy)
        .join(stories, stories.c.id == copies.c.story)
        .where(own.site == site, own.number > since)
    )
    return tuple(PlacedCopy(*row) for row in found)


def note_text_of_copy(
    site: str, copy: int, page: str, text: KnownText | None
) -> TransactionFn[None]:
    """Note which version of a story's text a copy's page has. Do nothing if the copy was seen on another page since."""
    return _note_text(site, (copies.c.id == copy) & (copies.c.page == page), text)


def note_text_of_page(
    site: str, code: str, page: str, frame: tuple[str, str] | None, text: KnownText | None
) -> TransactionFn[None]:
    """Note which version of a story's text a page has, for the copies that were seen there last.

    `frame`: token handle and origin of the copy in a frame of this server on that page.
    """
    is_it = copies.c.page == page
    if frame is not None:
        is_it |= (copies.c.jti == frame[0]) & (copies.c.origin == frame[1])
    story = select(stories.c.id).where(stories.c.code == code, stories.c.site == site)
    return _note_text(site, (copies.c.story == story.scalar_subquery()) & is_it, text)


def _note_text(site: str, chosen: Any, text: KnownText | None) -> TransactionFn[None]:
    async def run(connection: AsyncConnection) -> None:
        version = None if text is None else text.version
        if text is not None:
            own = story_texts.c
            is_stored = exists().where(
                own.story == copies.c.story,
                own.version == text.version,
                own.created_at == text.stored_at,
            )
            condition = chosen & is_stored & copies.c.text_version.is_distinct_from(version)
        else:
            condition = chosen & copies.c.text_version.is_not(None)
        found = await connection.execute(select(copies.c.id).where(condition))
        changed = list(found.scalars())
        if not changed:
            return
        named = copies.c.id.in_(changed)
        await record_changed_copies(connection, site, select(copies.c.id).where(named))
        await connection.execute(update(copies).where(named).values(text_version=version))

    return run


async def forget_text_versions(
    connection: AsyncConnection, site: str, story: int, below: int | None = None
) -> None:
    """Record that copies of a story which has a new text, or none any more, are told something else.

    What is known about copies with a version before `below` is forgotten, without `below` about all.
    """
    known: Any = (copies.c.story == story) & copies.c.text_version.is_not(None)
    if not (await connection.execute(select(exists().where(known)))).scalar_one():
        return
    await record_changed_copies(connection, site, select(copies.c.id).where(known))
    if below is not None:
        known &= copies.c.text_version < below
    await connection.execute(update(copies).where(known).values(text_version=None))


async def forget_if_moved(connection: AsyncConnection, own: ColumnElement[bool], page: str) -> None:
    """Forget the text version of a copy that is about to be recorded on another page than before.

    That page may have another version, until the server looks. A copy without a page is in a frame: its version is
    that of the page around it.
    """
    moved = own & copies.c.text_version.is_not(None) & (copies.c.page != page)
    found = await connection.execute(
        select(copies.c.id, stories.c.site)
        .join(stories, stories.c.id == copies.c.story)
        .where(moved)
    )
    copy = found.one_or_none()
    if copy is None:
        return
    named = copies.c.id == copy.id
    await record_changed_copies(connection, copy.site, select(copies.c.id).where(named))
    await connection.execute(update(copies).where(named).values(text_version=None))
