"""An open store: one database with one writer, as in a server process."""

import asyncio
import itertools
import json
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.auth.tokens import story_code
from widget_server.model.actors import shell
from widget_server.model.claims import Attribution
from widget_server.model.events import CommentChanged, Event, TallyChanged
from widget_server.model.records import Comment, Site, Story, Tally
from widget_server.model.settings import SiteSettings
from widget_server.store.engine import Database, read_transaction
from widget_server.store.log_keys import LogKeys
from widget_server.store.queries.discussions import Discussions
from widget_server.store.queries.sites import Sites, insert_site
from widget_server.store.queries.stories import insert_story
from widget_server.store.schema import comments, reactions, stories
from widget_server.store.writing.actions import Decide, Delete, Post, React, Undo
from widget_server.store.writing.writer import Writer

LOG_KEYS = LogKeys({"test": b"l" * 32}, [b"t" * 32])
DAY = 86_400_000
STORIES = select(stories.c.code)
KEYS = ("happy", "sad")
_ids = itertools.count(1)


def new_id(prefix: str = "c") -> str:
    """Return a comment id that no other test of this run has."""
    return f"{prefix}{next(_ids)}"


class Store:
    """The store of one process. `events` are the events that its writer published."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        self.discussions = Discussions(self.database)
        self.sites = Sites(self.database)
        self.events: list[Event] = []
        self.writer = Writer(self.database, lambda events, _: self.events.extend(events), LOG_KEYS)

    async def story(self, key: str = "one", site: str = "s", iat: int = 100) -> Story:
        """Register a story and its site, and return the story."""
        account = Site(site, site.upper(), 1, 1, SiteSettings())
        await self.writer.run_in_transaction(insert_site(account))
        code = story_code(site, key)
        counts = dict.fromkeys(KEYS, 0)
        title = Attribution(title="Title")
        await self.writer.run_in_transaction(insert_story(code, site, key, iat, title, counts))
        story = await self.discussions.story(code)
        assert story is not None
        return story

    async def post(self, story: Story, reader: str = "r", body: str = "hi", **more: Any) -> Comment:
        """Post a comment."""
        return await self.writer.submit(post(story, reader, body, **more))

    async def react(
        self, story: Story, reader: str, reaction: str | None, comment: str | None = None
    ) -> Tally:
        """Set a reaction to the story or to a comment."""
        return await self.writer.submit(React(story.id, comment, reader, reaction, None, 1))

    async def together(self, *actions: Any) -> list[Any]:
        """Return the results of actions that are submitted at once: one batch."""
        return await asyncio.gather(
            *(self.writer.submit(action) for action in actions), return_exceptions=True
        )

    async def now(self, story: Story) -> Story:
        """Read the story from the database."""
        found = await self.discussions.story(story.code)
        assert found is not None
        return found

    async def rows(self, table: Any, *where: Any) -> Sequence[Any]:
        """Return rows of a table."""
        (rows,) = await self.answers(select(table).where(*where))
        return rows

    @read_transaction
    async def answers(self, connection: AsyncConnection, *queries: Any) -> list[Sequence[Any]]:
        """Return the rows of each query, read in one view."""
        return [(await connection.execute(query)).all() for query in queries]

    async def tallies_are_rows(self) -> None:
        """Assert that every stored count and total equals the number of its rows."""
        counted, codes, stored = await self.answers(
            select(
                reactions.c.story, reactions.c.target, reactions.c.reaction, func.count()
            ).group_by(reactions.c.story, reactions.c.target, reactions.c.reaction),
            STORIES,
            select(comments.c.id, comments.c.counts),
        )
        expected: dict[tuple[int, str], dict[str, int]] = {}
        for story_id, target, reaction, number in counted:
            expected.setdefault((story_id, target), {})[reaction] = number
        for (code,) in codes:
            story = await self.discussions.story(code)
            assert story is not None
            assert nonzero(story.tally) == expected.pop((story.id, ""), {})
            published = await self.rows(
                comments, comments.c.story == story.id, comments.c.state == "published"
            )
            assert story.count == len(published)
        counts_of = dict(map(tuple, stored))
        for (_, target), counts in expected.items():
            assert nonzero(Tally(0, json.loads(counts_of[target]))) == counts


def post(story: Story, reader: str = "r", body: str = "hi", **more: Any) -> Post:
    """Return the action that posts a comment."""
    fields: dict[str, Any] = {
        "id": new_id(),
        "key": uuid.uuid4().hex,
        "pending": False,
        "reactions": KEYS,
        "at": 1_000_000,
        "text": [["p", None, body]],
    } | more
    return Post(story=story.id, reader=reader, **{"source": body, **fields})


def decide(story: Story, comment: str, verb: Any, at: int = 1, **more: Any) -> Decide:
    """Return a decision of the shell about a comment, or about the story ("")."""
    fields: dict[str, Any] = {"by": shell("op"), "id": new_id("d"), "keep": 14 * DAY}
    if verb in ("close", "open"):
        fields["columns"] = {"closed": verb == "close"}
    fields |= more
    return Decide(story=story.id, comment=comment, verb=verb, at=at, **fields)


def undo(story: Story, comment: str, decision: str, at: int = 1, **more: Any) -> Undo:
    """Return the undoing of a decision by the shell."""
    fields: dict[str, Any] = {"by": shell("op"), "id": new_id("u"), "keep": 14 * DAY} | more
    return Undo(story=story.id, comment=comment, decision=decision, at=at, **fields)


async def done(store: "Store", action: Decide | Undo | Delete) -> Comment:
    """Submit an action and return the comment as it is then."""
    result = await store.writer.submit(action)
    comment = result if isinstance(result, Comment) else result.comment
    assert comment is not None
    return comment


def nonzero(tally: Tally) -> dict[str, int]:
    """Return the counts that are not 0."""
    return {key: number for key, number in tally.counts.items() if number}


def seqs(events: Sequence[Event], code: str) -> list[int]:
    """Return the `seq` of a story's events, in the order of publication."""
    return [e.seq for e in events if e.story == code and not isinstance(e, TallyChanged)]


def changes(events: Sequence[Event]) -> list[CommentChanged]:
    """Return the events about comments."""
    return [event for event in events if isinstance(event, CommentChanged)]


@asynccontextmanager
async def open_store(url: str) -> AsyncIterator[Store]:
    """Open a store on a migrated database. At the end, queued actions are still written."""
    store = Store(url)
    await store.database.open()
    writing = asyncio.create_task(store.writer.run())
    try:
        yield store
    finally:
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing
        await store.database.close()
