"""Whether a copy's page has an earlier version of the story's text, as its readers may be told."""

from widget_server.auth import origins
from widget_server.model.records import Copy, OlderCopy, Site, Story
from widget_server.operations.older_copies_cache import OlderCopiesOfStory
from widget_server.operations.publishing.republish import terms_of
from widget_server.operations.readers.authorize import Grant
from widget_server.operations.readers.copies import place_of
from widget_server.operations.services import Services


async def older_on(services: Services, grant: Grant, copy: Copy | None) -> OlderCopy | None:
    """Return what the readers of a copy are told about its age, or None. Raises `UnavailableError`."""
    if copy is None or not readers_are_told(grant.site, grant.story):
        return None
    # A grant may be older than the cached site.
    known = await services.cache.site(grant.site.slug)
    found = await _of_story(services, grant.site if known is None else known.site, grant.story)
    return _told(grant.story, found.by_id.get(copy.id))


async def older_by(
    services: Services, story: Story, handle: str, origin: str | None
) -> OlderCopy | None:
    """Return the same for the copy that `GET …?copy=` names. `handle` and `origin` are as in `copies.narrowed_by`."""
    known = await services.cache.site(story.site)
    if known is None or not readers_are_told(known.for_story(story.code), story):
        return None
    found = await _of_story(services, known.site, story)
    return _told(story, found.by_place.get(place_of(services, handle, origin)))


async def older_of(services: Services, site: Site, story: Story) -> dict[int, OlderCopy]:
    """Return the older copies of a story by id, for a republisher whose own copies are among them.

    Whether readers are told makes no difference. Raises `UnavailableError`.
    """
    if not terms_of(story.license).republish:
        return {}
    found = await _of_story(services, site, story)
    return {one: older for one, older in found.by_id.items() if _told(story, older) is not None}


def readers_are_told(site: Site, story: Story) -> bool:
    """Return whether readers of older copies are told. `site` has the story's settings.

    They are told where everyone may read what differs: as in the page checker, that depends on the licence.
    """
    settings = site.settings
    told = settings.older_copies == "readers" and settings.open_reading
    return told and terms_of(story.license).republish


async def _of_story(services: Services, site: Site, story: Story) -> OlderCopiesOfStory:
    return await services.older_copies.of_story(site, story, services.discussions.epoch)


def _told(story: Story, found: OlderCopy | None) -> OlderCopy | None:
    """Return a copy that its publisher did not put on the story's own site: that page is no copy."""
    if found is None:
        return None
    own = [story.url or "", *(one.url for one in story.translations.values())]
    is_own = any(origins.canonical_page_url(url, found.copy.origin) is not None for url in own)
    return None if is_own else found
