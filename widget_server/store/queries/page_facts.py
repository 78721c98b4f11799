"""What the server saw on the pages of copies. Times are milliseconds since 1970."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, exists, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.page_facts import PageFacts, PageStatus, PageToLookAt, SeenPage
from widget_server.store.engine import Database, read_transaction
from widget_server.store.schema import copies, page_facts, schedule, stories, story_texts
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.bulk import insert_ignore

LOOK_AT_PAGE = "look_at_page"
"""Kind of the scheduled work that looks at a copy's page. Its subject is the copy's id."""
ASKED = "asked"
"""Status of a page that was asked for and not read yet."""
LOOK_AGAIN_AFTER_MS = 86_400_000
"""A copy that shows its discussion on several pages is looked at at most this often. So is one that is older than its story."""
LOOK_FOR_TEXT_AFTER_MS = 3_600_000
"""After a new version of the text, a copy is looked at again, at most this often."""


class PagesOfCopies:
    """Reads of the pages of copies."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def to_look_at(self, connection: AsyncConnection, copy: int) -> PageToLookAt | None:
        """Return the page of a copy and what it should say. None: no such copy, or no page known."""
        found = await connection.execute(
            select(
                copies.c.id,
                copies.c.page,
                stories.c.site,
                stories.c.code,
                stories.c.author,
                stories.c.publisher,
                stories.c.url,
                stories.c.license,
            )
            .join(stories, copies.c.story == stories.c.id)
            .where((copies.c.id == copy) & copies.c.page.is_not(None))
        )
        row = found.one_or_none()
        return None if row is None else PageToLookAt(*row)

    @read_transaction
    async def seen(self, connection: AsyncConnection, chosen: Sequence[int]) -> dict[int, SeenPage]:
        """Return what was seen on the pages of these copies, by their ids."""
        found = await connection.execute(
            select(page_facts).where(page_facts.c.copy.in_(chosen) & (page_facts.c.status != ASKED))
        )
        return {
            row.copy: SeenPage(
                row.copy,
                row.page,
                row.fetched_at,
                row.status,
                PageFacts(row.title, row.lang, row.credit, row.licence, row.snippet),
            )
            for row in found
        }


async def schedule_look(
    connection: AsyncConnection, copy: int, page: str, now: int, *, again: bool = False
) -> None:
    """Schedule a look at a copy's page, unless it was looked at or another page was, a short time ago.

    With `again`, also look once more at a page that may have another version of the story's text by now.
    """
    known = await connection.execute(
        select(page_facts.c.page, page_facts.c.fetched_at).where(page_facts.c.copy == copy)
    )
    looked = known.one_or_none()
    if looked is not None:
        is_new = looked.page != page and looked.fetched_at <= now - LOOK_AGAIN_AFTER_MS
        if not is_new and not (
            again
            and looked.page == page
            and await _may_differ(connection, copy, looked.fetched_at, now)
        ):
            return
    row = {"kind": LOOK_AT_PAGE, "subject": str(copy), "due_at": now, "every": None}
    free = {"lease_until": 0, "lease_by": None, "tries": 0, "last_error": None}
    await connection.execute(insert_ignore(schedule, connection.dialect).values(row | free))


async def _may_differ(connection: AsyncConnection, copy: int, fetched_at: int, now: int) -> bool:
    """Return whether a page that was looked at may have another version of the text than it had then.

    Either a version was stored since, or it had an earlier one than the newest, and its publisher may have changed that.
    """
    found = await connection.execute(
        select(copies.c.text_version, story_texts.c.version, story_texts.c.created_at)
        .join(story_texts, story_texts.c.story == copies.c.story)
        .where(copies.c.id == copy)
        .order_by(story_texts.c.version.desc())
        .limit(1)
    )
    newest = found.one_or_none()
    if newest is None:
        return False
    if fetched_at < newest.created_at:
        return bool(fetched_at <= now - LOOK_FOR_TEXT_AFTER_MS)
    is_older = newest.text_version is not None and newest.text_version < newest.version
    return bool(is_older and fetched_at <= now - LOOK_AGAIN_AFTER_MS)


def ask_for_page(
    copy: int, page: str, host: str, now: int, pause: int
) -> TransactionFn[int | None]:
    """Record that this process asks for a page now. Result: None, or the time to wait until.

    A host is asked at most once in `pause` milliseconds by all processes together.
    """

    async def run(connection: AsyncConnection) -> int | None:
        last = await connection.execute(
            select(func.max(page_facts.c.fetched_at)).where(page_facts.c.host == host)
        )
        before = last.scalar_one()
        # A time in the future was set by a clock that was wrong: it must not stop everything.
        if before is not None and now - pause < before <= now + pause:
            return int(before) + pause
        there = await connection.execute(select(exists().where(copies.c.id == copy)))
        if not there.scalar_one():
            return None
        await connection.execute(delete(page_facts).where(page_facts.c.copy == copy))
        row = {"copy": copy, "page": page, "host": host, "fetched_at": now, "status": ASKED}
        await connection.execute(insert(page_facts).values(row))
        return None

    return run


def store_page_facts(
    copy: int, page: str, status: PageStatus, facts: PageFacts
) -> TransactionFn[None]:
    """Store what was seen on a page. Does nothing if the copy, or its page, is another one by now."""

    async def run(connection: AsyncConnection) -> None:
        values: dict[str, Any] = {
            "status": status,
            "title": facts.title,
            "lang": facts.lang,
            "credit": facts.credit,
            "licence": facts.licence,
            "snippet": facts.snippet,
        }
        own = (page_facts.c.copy == copy) & (page_facts.c.page == page)
        await connection.execute(update(page_facts).where(own).values(values))

    return run
