"""Reads for consumers without a token: feeds, oEmbed, the collection of a discussion.

To all of them, a story of a site whose stories are read with a token does not exist.
"""

from dataclasses import dataclass

from widget_server.model.errors import NotFoundError
from widget_server.model.identifiers import SITE_SLUG
from widget_server.model.records import Comment, Site, Story
from widget_server.operations.services import Services
from widget_server.store.queries.latest_comments import LatestComments
from widget_server.store.queries.statements import DecidedCounts

__all__ = ["LatestComments"]

MAX_ENTRIES = 25
"""Entries of a feed, or of one page of it: the last changes."""
MAX_ITEMS = 50
"""Comments of one page of a collection."""


@dataclass(frozen=True, slots=True)
class OpenStory:
    """A story that everyone may read, and its site with the settings that hold for the story."""

    story: Story
    site: Site
    epoch: str


async def open_story(services: Services, code: str, *, fresh: bool = True) -> OpenStory:
    """Return a story as it is now, or with `fresh=False` as it is in the cache.

    Raises `NotFoundError`, `UnavailableError`.
    """
    return await _opened(services, await services.cache.story(code, fresh=fresh))


async def recent_story(services: Services, code: str) -> OpenStory:
    """Return a story for a feed: a change by another process is in it up to `RECENT_S` later.

    A change that this process committed is in it at once. Raises `NotFoundError`, `UnavailableError`.
    """
    return await _opened(services, await services.cache.recent_story(code))


async def recent_story_with_latest(
    services: Services, code: str, lang: str = "", before: int | None = None
) -> tuple[OpenStory, LatestComments | None]:
    """Return a story as `recent_story` does, and its last comments if both were read at once.

    If the story was known already, the comments are None: ask for the `latest`. Raises as `recent_story`.
    """
    read: list[LatestComments] = []

    async def both(code: str) -> Story | None:
        found = await services.discussions.story_with_latest(code, MAX_ENTRIES, lang, before)
        if found is None:
            return None
        read.append(found[1])
        return found[0]

    story = await _opened(services, await services.cache.recent_story(code, both))
    return story, read[0] if read else None


async def _opened(services: Services, story: Story | None) -> OpenStory:
    if story is None:
        raise NotFoundError
    site = await open_site(services, story.site, story.code)
    return OpenStory(story, site, services.discussions.epoch)


async def decided(services: Services, code: str) -> DecidedCounts:
    """Return how many comments of a story were removed, by reason, and how many are back."""
    return await services.cache.shared(
        ("decided", code), lambda: services.statements.of_story(code)
    )


async def open_site(services: Services, slug: str, code: str | None = None) -> Site:
    """Return a site whose stories everyone may read, with the settings of the story `code`.

    Raises `NotFoundError`, `UnavailableError`.
    """
    if not SITE_SLUG.fullmatch(slug):
        raise NotFoundError
    cached = await services.cache.site(slug)
    if cached is None or not cached.site.settings.open_reading:
        raise NotFoundError
    return cached.site if code is None else cached.for_story(code)


async def framed_story(services: Services, code: str) -> OpenStory:
    """Return a story that every page may show in a frame by its code.

    Raises `NotFoundError`, also if the site frames its stories with a token only.
    """
    found = await open_story(services, code, fresh=False)
    if not found.site.settings.republishing_open(found.story.license):
        raise NotFoundError
    return found


async def latest(
    services: Services, story: Story, lang: str = "", before: int | None = None
) -> LatestComments:
    """Return the last changed comments of a story, or of those in one language. Raises `UnavailableError`.

    `lang` is the first part of a language tag, `before` the place at which the last page ended.
    """
    return await services.discussions.latest(story, MAX_ENTRIES, lang, before)


async def site_changed_at(services: Services, site: Site) -> tuple[str, int]:
    """Return the epoch, and the time of the last change of any story of a site, or 0."""
    return await services.discussions.changed_at(site.slug)


async def latest_of_site(services: Services, site: Site) -> LatestComments:
    """Return the last changed comments of a site's stories. Raises `UnavailableError`."""
    return await services.discussions.latest_of_site(site.slug, MAX_ENTRIES)


async def featured(services: Services, story: Story) -> LatestComments:
    """Return the comments of a story that were featured last. Raises `UnavailableError`."""
    return await services.discussions.featured(story, MAX_ENTRIES)


async def featured_of_site(services: Services, site: Site) -> LatestComments:
    """Return the comments of a site's stories that were featured last. Raises `UnavailableError`."""
    return await services.discussions.featured(site.slug, MAX_ENTRIES)


async def in_order(
    services: Services, story: Story, after: int
) -> tuple[list[Comment], int | None]:
    """Return comments in order of publication, and the `after` of the next part, or None."""
    return await services.discussions.in_order(story.id, after, MAX_ITEMS)


async def comment(services: Services, story: Story, comment_id: str) -> Comment:
    """Return one comment of a story, also a removed one. Raises `NotFoundError`."""
    thread = await services.discussions.thread(story.code, comment_id)
    for one in (thread.top, *thread.replies):
        if one.id == comment_id:
            return one
    raise NotFoundError
