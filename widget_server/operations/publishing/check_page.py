"""Check the page of a copy: ask for it now, and say what to change.

A stranger checks any page that carries an open story; people of a site check pages of its stories. Whatever
keeps a page from being read has one answer: what differs would tell about the server's network.
"""

from widget_server.auth import origins, permissions
from widget_server.content import urls
from widget_server.content.passages import passages
from widget_server.model.actors import Actor
from widget_server.model.errors import NotFoundError, RateLimitedError, TextRejectedError
from widget_server.model.page_check import Finding as Finding, PageCheck
from widget_server.model.page_facts import PageToLookAt
from widget_server.operations.owners.story_text import images_of
from widget_server.operations.publishing.fetch import PageUnreachableError
from widget_server.operations.publishing.page_facts import known_text
from widget_server.operations.publishing.page_findings import Looked, find, framed_token
from widget_server.operations.publishing.read_check import Expected, read_check_apart
from widget_server.operations.publishing.republish import RepublishedStory, read_terms, terms_of
from widget_server.operations.readers.open_data import OpenStory
from widget_server.operations.readers.permissions import republisher_denial
from widget_server.operations.services import Services
from widget_server.protocol.snippet_texts import ENGLISH, SnippetTexts
from widget_server.store.queries.older_copies import note_text_of_page
from widget_server.store.queries.story_texts import StoryText

FIELD = "page"
MAX_ADDRESS = 2_000
UNREACHABLE = "This page cannot be read. It must be public, on port 80 or 443, and answer with HTML within 3 seconds."
BUSY_S = 5.0
"""Seconds after which to try again if too many pages are being checked."""
_HTML = ("text/html", "application/xhtml+xml")


async def check_as_stranger(
    services: Services, code: str, address: str, network: str, texts: SnippetTexts = ENGLISH
) -> PageCheck:
    """Check a page that carries an open story. `texts` are those of the lines to paste.

    The story's text is compared if its licence lets everyone republish it: otherwise only the site's people may read it.
    Raises `NotFoundError`, `RateLimitedError`, `UnavailableError`, and `TextRejectedError` in the field
    `page` for every page that cannot be read, and every address that is not asked.
    """
    shown = await read_terms(services, code)
    services.rate_limiters.hit_network("check", network)
    return await _check(services, shown, address, texts, with_text=shown.terms.republish)


async def check_address(
    services: Services,
    by: Actor,
    site: str,
    code: str,
    address: str,
    texts: SnippetTexts = ENGLISH,
) -> PageCheck:
    """Check a page that carries a story of a site. Raises the errors of `check_as_stranger`, and `NotPermittedError`."""
    permissions.require(by, "read_copies", site)
    shown = await _own_story(services, site, code)
    # Together with all other people and programs of the site.
    services.rate_limiters.hit_network("check", f"site {site}")
    return await _check(services, shown, address, texts, with_text=True)


async def check_copy(
    services: Services, by: Actor, site: str, copy: int, texts: SnippetTexts = ENGLISH
) -> PageCheck:
    """Check the page on which a copy was seen last. Raises the errors of `check_address`."""
    permissions.require(by, "read_copies", site)
    known = await services.pages.to_look_at(copy)
    if known is None or known.site != site or (by.copies is not None and copy not in by.copies):
        raise NotFoundError("There is no such copy on this site, or its page is not known.")
    return await check_address(services, by, site, known.code, known.page, texts)


async def _own_story(services: Services, site: str, code: str) -> RepublishedStory:
    story = await services.cache.story(code)
    cached = None if story is None or story.site != site else await services.cache.site(site)
    if story is None or cached is None:
        raise NotFoundError("There is no story with this code.")
    own = cached.for_story(code)
    found = OpenStory(story, own, services.discussions.epoch)
    return RepublishedStory(found, terms_of(story.license), republisher_denial(own, story) is None)


async def _check(
    services: Services,
    shown: RepublishedStory,
    address: str,
    texts: SnippetTexts,
    *,
    with_text: bool,
) -> PageCheck:
    url = _address(address)
    story = shown.found.story
    versions = await services.story_texts.versions(story.code) if with_text else []
    if services.page_checks.locked():
        raise RateLimitedError(retry_after=BUSY_S)
    async with services.page_checks:
        try:
            answer = await services.fetcher.fetch(
                url, lambda host: services.rate_limiters.hit_network("check_host", host)
            )
        except PageUnreachableError:
            raise _unreachable() from None
        if answer.status != 200 or not answer.content_type.lower().startswith(_HTML):
            raise _unreachable()
        says = await read_check_apart(answer, _expected(services, shown, url, versions))
    read = urls.split(answer.url)
    if says is None or read is None:
        raise _unreachable()
    stored = {one.version: one.created_at for one in versions}
    looked = Looked(shown, read.origin, says, stored, texts)
    if with_text:
        await _note_text(services, looked, answer.url, versions)
    return PageCheck(story.code, url, await find(services, looked))


async def _note_text(
    services: Services, looked: Looked, url: str, versions: list[StoryText]
) -> None:
    """Note for copies on this page which version of the text it has. An address with a query is another page."""
    page = None if "?" in url else origins.canonical_page_url(url, looked.origin)
    if page is None:
        return
    story = looked.shown.found.story
    jti = framed_token(services, looked)
    frame = None if jti is None else (jti, services.server_origin)
    text = known_text(looked.says.text, versions)
    await services.writer.run_in_transaction(
        note_text_of_page(story.site, story.code, page, frame, text)
    )


def _expected(
    services: Services, shown: RepublishedStory, url: str, versions: list[StoryText]
) -> Expected:
    story = shown.found.story
    page = PageToLookAt(
        0, url, story.site, story.code, story.author, story.publisher, story.url, story.license
    )
    images = images_of(versions[0].images) if versions else []
    return Expected(
        page,
        services.server_origin,
        [(one.version, passages(one.title, one.tree)) for one in versions],
        [
            {"url": one.url, "alt": one.alt, "credit": one.credit, "included": one.included}
            for one in images
        ],
        [one.url for one in story.translations.values()],
    )


def _address(text: str) -> str:
    """Return the address to ask for. Raises `TextRejectedError`."""
    typed = text.strip().partition("#")[0]
    url = typed if "://" in typed else f"https://{typed}"
    if len(url) > MAX_ADDRESS or urls.split(url) is None:
        raise _unreachable()
    return url


def _unreachable() -> TextRejectedError:
    return TextRejectedError.in_field(FIELD, UNREACHABLE)
