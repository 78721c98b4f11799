"""Look at the page of a copy: its title and language, and whether credit, licence and snippet are there.

The schedule calls `look_at_page` for new copies. No request of a reader waits for it, and what is sent to
the page's server holds no data of a reader: the address of the page, and that this server asks.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

from widget_server.auth import origins, permissions
from widget_server.content import urls
from widget_server.content.passages import passages
from widget_server.model.actors import Actor
from widget_server.model.errors import NotFoundError, NotPermittedError
from widget_server.model.page_check import TextSeen
from widget_server.model.page_facts import PageFacts, PageStatus, PageToLookAt
from widget_server.operations.publishing.fetch import Fetcher, PageUnreachableError
from widget_server.operations.publishing.read_page import read_apart
from widget_server.operations.services import Services
from widget_server.store.queries.older_copies import KnownText, note_text_of_copy
from widget_server.store.queries.page_facts import (
    LOOK_AT_PAGE,
    ask_for_page,
    store_page_facts,
)
from widget_server.store.queries.schedule import put_in_schedule
from widget_server.store.queries.story_texts import StoryText
from widget_server.store.transactions import together

PAUSE_MS = 10_000
"""Time between two requests to one host, by all processes together."""
_HTML = ("text/html", "application/xhtml+xml")


async def request_look(services: Services, by: Actor, copy: int) -> None:
    """Look at a copy's page again, soon. Raises `NotFoundError`, and `NotPermittedError`.

    `NotPermittedError` also says that the site does not look at copies, or that this page has an
    address that is not looked at.
    """
    page = await services.pages.to_look_at(copy)
    if page is None or not permissions.allowed(by, "read_copies", page.site):
        raise NotFoundError("There is no copy with this id, or its page is not known.")
    if not page.page.startswith("https://"):
        raise NotPermittedError("Only pages with https:// are looked at.")
    if not await _site_looks(services, page):
        raise NotPermittedError("This site does not look at copies (setting look_at_copies).")
    await services.writer.run_in_transaction(
        put_in_schedule(LOOK_AT_PAGE, str(copy), services.now_ms())
    )


async def request_look_on(services: Services, by: Actor, site: str, copy: int) -> None:
    """Look at the page of a site's copy again, soon. Raises the errors of `request_look`."""
    page = await services.pages.to_look_at(copy)
    if page is None or page.site != site or (by.copies is not None and copy not in by.copies):
        raise NotFoundError("There is no such copy on this site, or its page is not known.")
    await request_look(services, by, copy)


async def look_at_page(services: Services, fetcher: Fetcher, copy: int) -> int | None:
    """Look at a copy's page and store what was seen. Return None, or when to try (milliseconds).

    Nothing is asked and None returned if the copy is gone or its site no longer looks at copies. A
    time is returned if the page's host was asked a moment ago. Raises `PageUnreachableError` after
    that was stored.
    """
    page = await services.pages.to_look_at(copy)
    if page is None or not page.page.startswith("https://"):
        return None
    if not await _site_looks(services, page):
        return None
    host = urlsplit(page.page).netloc[:300]
    wait_until = await services.writer.run_in_transaction(
        ask_for_page(copy, page.page, host, services.now_ms(), PAUSE_MS)
    )
    if wait_until is not None:
        return wait_until
    try:
        answer = await fetcher.fetch(page.page)
    except PageUnreachableError:
        await _store(services, page, "unreachable", PageFacts())
        raise
    if answer.status != 200:
        await _store(services, page, "missing", PageFacts())
        return None
    if not answer.content_type.lower().startswith(_HTML):
        await _store(services, page, "unreachable", PageFacts())
        return None
    versions = await services.story_texts.versions(page.code)
    compared = [(one.version, passages(one.title, one.tree)) for one in versions]
    read = await read_apart(answer, page, services.server_origin, compared)
    if read is None:
        await _store(services, page, "unreachable", PageFacts())
        return None
    text = known_text(read.text, versions) if _is_same_site(answer.url, page.page) else None
    await services.writer.run_in_transaction(
        together(
            store_page_facts(page.copy, page.page, "read", read.facts),
            note_text_of_copy(page.site, page.copy, page.page, text),
        )
    )
    return None


def _is_same_site(address: str, page: str) -> bool:
    """Return whether an answer came from the site of the page: a redirect may lead to the page of another one."""
    asked = urls.split(page)
    return asked is not None and origins.canonical_page_url(address, asked.origin) is not None


def known_text(seen: TextSeen | None, versions: Sequence[StoryText]) -> KnownText | None:
    """Return the version that a page has, or None if its text is none of the versions."""
    if seen is None or seen.state not in ("same", "older"):
        return None
    return next(
        (KnownText(one.version, one.created_at) for one in versions if one.version == seen.version),
        None,
    )


async def _site_looks(services: Services, page: PageToLookAt) -> bool:
    site = await services.cache.site(page.site)
    return site is not None and site.site.settings.look_at_copies


async def _store(
    services: Services, page: PageToLookAt, status: PageStatus, facts: PageFacts
) -> None:
    await services.writer.run_in_transaction(store_page_facts(page.copy, page.page, status, facts))
