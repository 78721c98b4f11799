"""A database with one story, for tests of backups."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.store.store_harness import LOG_KEYS
from widget_server.model.claims import Attribution
from widget_server.model.records import Site
from widget_server.model.settings import SiteSettings
from widget_server.store import migrate
from widget_server.store.engine import Database
from widget_server.store.queries.sites import insert_site
from widget_server.store.queries.stories import insert_story
from widget_server.store.writing.actions import Post
from widget_server.store.writing.writer import Writer

CODE = "0123456789ab"
KEYS = ("happy", "sad")


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[tuple[Database, Writer]]:
    """Open a migrated database with its writer running."""
    await migrate.upgrade(url)
    database = Database(url)
    await database.open()
    writer = Writer(database, lambda *_: None, LOG_KEYS)
    task = asyncio.create_task(writer.run())
    try:
        yield database, writer
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await database.close()


async def make(writer: Writer) -> int:
    """Create a site with a story, and return the story's id."""
    await writer.run_in_transaction(insert_site(Site("press", "Press", 1, 1, SiteSettings())))
    counts = dict.fromkeys(KEYS, 0)
    return await writer.run_in_transaction(
        insert_story(CODE, "press", "one", 1, Attribution(title="One"), counts)
    )


def post(story: int, number: int) -> Post:
    """Return the action that posts a comment by a new reader."""
    name = f"c{number:04}"
    return Post(story, name, f"key-{name}", name, "Hello", ["Hello"], False, KEYS, at=number)


def ignore_progress(_table: str, _done: int, _total: int) -> None:
    """Ignore the progress."""
