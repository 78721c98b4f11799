"""A copy as its republisher sees it, by the link that they keep: its figures, and off the story's page."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from widget_server.model.errors import NotFoundError
from widget_server.model.limits import MAX_PAGE
from widget_server.model.records import OlderCopy, Site, Story
from widget_server.operations.publishing.republish import secret_hash
from widget_server.operations.readers import older_copies, open_data
from widget_server.operations.services import Services
from widget_server.store.queries.owner_copies import CopyFilter, CopyRecord
from widget_server.store.queries.republishers import RepublisherToken, unlist_republished

SECRET = re.compile(r"[0-9A-Za-z_-]{32}")


@dataclass(frozen=True, slots=True)
class OwnCopy:
    """What a republisher asked for, and the pages that show it, the last seen first."""

    asked: RepublisherToken
    story: Story
    site: Site
    pages: list[CopyRecord]
    older: Mapping[int, OlderCopy]
    """Pages whose text has changed since, by the copy's id."""


async def read(services: Services, code: str, secret: str) -> OwnCopy:
    """Return the copy whose republisher keeps this secret, of a story that everyone may read.

    Raises `NotFoundError`, `UnavailableError`.
    """
    asked = await _asked(services, code, secret)
    found = await open_data.open_story(services, code, fresh=False)
    wanted = CopyFilter(story=code, jti=asked.jti)
    seen = await services.owner_copies.page(
        asked.site, wanted, "last_seen", {}, MAX_PAGE, None, MAX_PAGE
    )
    older = await older_copies.older_of(services, found.site, found.story)
    return OwnCopy(asked, found.story, found.site, seen.copies, older)


async def unlist(services: Services, code: str, secret: str) -> None:
    """Take the copy off the story's page, also while the site is closed. Raises `NotFoundError`, `UnavailableError`."""
    asked = await _asked(services, code, secret)
    await services.writer.run_in_transaction(unlist_republished(asked))


async def _asked(services: Services, code: str, secret: str) -> RepublisherToken:
    asked = None
    if SECRET.fullmatch(secret):
        asked = await services.republishers.by_secret(secret_hash(secret))
    if asked is None or asked.story != code:
        raise NotFoundError
    return asked
