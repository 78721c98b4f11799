"""Lists of a site's stories, and one story with its copies and what waits."""

from collections.abc import Sequence
from dataclasses import dataclass

from widget_server.auth import permissions
from widget_server.model.actors import Actor
from widget_server.model.errors import NotFoundError
from widget_server.model.records import Story
from widget_server.operations.owners.readers_now import ReaderCount, reader_count, readers_now
from widget_server.operations.services import Services
from widget_server.store.queries.owner_copies import CopyFilter, CopyRecord
from widget_server.store.queries.owner_stories import (
    STORY_ORDERS,
    StoryChoices,
    StoryFilter,
    StoryOrder,
    StoryRecord,
)

__all__ = ["STORY_ORDERS", "StoryChoices", "StoryFilter", "StoryOrder", "StoryRecord"]

PAGE_SIZE = 25
"""Stories of a page if the request names no limit."""


@dataclass(frozen=True, slots=True)
class ListedStory:
    """A row of the list of stories."""

    record: StoryRecord
    readers: ReaderCount


@dataclass(frozen=True, slots=True)
class StoryList:
    """A page of stories. `next` is the cursor of the next page, or None."""

    stories: list[ListedStory]
    total: int
    """Stories that match the filter."""
    all: int
    """Stories of the site."""
    next: str | None


@dataclass(frozen=True, slots=True)
class ShownCopy:
    """A copy of a story that is shown."""

    record: CopyRecord
    readers: ReaderCount


@dataclass(frozen=True, slots=True)
class ShownStory:
    """One story with its first copies by readers, then by reactions."""

    record: StoryRecord
    readers: ReaderCount
    copies: list[ShownCopy]
    more_copies: int
    """Copies that are not in `copies`."""


async def list_stories(
    services: Services,
    by: Actor,
    site: str,
    wanted: StoryFilter | None = None,
    *,
    order: StoryOrder = "activity",
    limit: int = PAGE_SIZE,
    after: str | None = None,
) -> StoryList:
    """Return a page of the site's stories, the highest value of `order` first: two SQL statements.

    Raises `NotPermittedError`, `MalformedError` for a wrong `after`, and `UnavailableError`.
    """
    permissions.require(by, "read", site)
    page = await services.owner_stories.page(site, wanted or StoryFilter(), order, limit, after)
    now = await readers_now(services)
    rows = [
        ListedStory(one, reader_count(by, now[code].readers if code in now else 0))
        for one in page.stories
        for code in (one.story.code,)
    ]
    return StoryList(rows, page.total, page.all, page.next)


async def story_choices(services: Services, by: Actor, site: str) -> StoryChoices:
    """Return the authors and languages by which the site's stories can be filtered.

    Raises `NotPermittedError`.
    """
    permissions.require(by, "read", site)
    return await services.owner_stories.choices(site)


async def get_story(services: Services, code: str) -> Story:
    """Return a story as it is stored. Raises `NotFoundError`."""
    story = await services.discussions.story(code)
    if story is None:
        raise NotFoundError(
            "There is no story with this code. `widget-server story list SITE` shows them."
        )
    return story


async def require_own(services: Services, site: str, code: str) -> None:
    """Raise `NotFoundError` unless this is a story of the site."""
    story = await services.cache.story(code)
    if story is None or story.site != site:
        raise NotFoundError("There is no story with this code.")


async def find_story(services: Services, by: Actor, site: str, code: str) -> ListedStory:
    """Return a story of the site: one SQL statement. Raises `NotPermittedError`, `NotFoundError`."""
    permissions.require(by, "read", site)
    record = await services.owner_stories.find(site, code)
    if record is None:
        raise NotFoundError(f"The site “{site}” has no such story. It may belong to another site.")
    now = (await readers_now(services)).get(code)
    return ListedStory(record, reader_count(by, 0 if now is None else now.readers))


@dataclass(frozen=True, slots=True)
class StoryCounts:
    """Numbers of a story that change while somebody looks at a list."""

    code: str
    readers: ReaderCount
    reactions: int
    comments: int


async def count_stories(
    services: Services, by: Actor, site: str, codes: Sequence[str]
) -> list[StoryCounts]:
    """Return the numbers of those of these codes that are stories of the site: one SQL statement.

    Raises `NotPermittedError`.
    """
    permissions.require(by, "read", site)
    now = await readers_now(services)
    return [
        StoryCounts(
            code,
            reader_count(by, now[code].readers if code in now else 0),
            sum(tally.counts.values()),
            comments,
        )
        for owner, code, comments, tally in await services.discussions.counts(codes)
        if owner == site
    ]


async def show_story(
    services: Services, by: Actor, site: str, code: str, *, copies: int = 20
) -> ShownStory:
    """Return a story of the site with its first `copies` copies: three SQL statements.

    A local moderator sees only their own copies. Raises `NotPermittedError`, and `NotFoundError` for a
    code that is not a story of this site.
    """
    permissions.require(by, "read", site)
    record = await services.owner_stories.find(site, code)
    if record is None:
        raise NotFoundError(f"The site “{site}” has no such story. It may belong to another site.")
    now = (await readers_now(services)).get(code)
    by_copy = {} if now is None else now.copies
    wanted = CopyFilter(story=code, ids=by.copies)
    page = await services.owner_copies.page(
        site, wanted, "readers" if by_copy else "reactions", by_copy, copies, None
    )
    shown = [ShownCopy(one, reader_count(by, by_copy.get(one.id, 0))) for one in page.copies]
    readers = reader_count(by, 0 if now is None else now.readers)
    return ShownStory(record, readers, shown, page.total - len(shown))


async def site_readers(services: Services, by: Actor, site: str) -> ReaderCount:
    """Return the readers now of all stories of the site. Raises `NotPermittedError`."""
    permissions.require(by, "read", site)
    now = await readers_now(services)
    codes = [code for code, readers in now.items() if readers.readers]
    own = await services.owner_stories.own_codes(site, codes)
    return reader_count(by, sum(now[code].readers for code in own))
