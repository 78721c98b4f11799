"""Look at the page of a copy: its title and language, and whether credit, licence and snippet are there.

The schedule calls `look_at_page` for new copies. No request of a reader waits for it, and what is sent to
the page's server holds no data of a reader: the address of the page, and that this server asks.
"""

import asyncio
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from widget_server.auth import permissions
from widget_server.content import urls
from widget_server.model.actors import Actor
from widget_server.model.errors import NotFoundError, NotPermittedError
from widget_server.model.page_facts import PageFacts, PageStatus, PageToLookAt
from widget_server.operations.publishing.fetch import FetchedPage, Fetcher, PageUnreachableError
from widget_server.operations.services import Services
from widget_server.protocol.snippet import LICENCES
from widget_server.store.queries.page_facts import (
    LOOK_AT_PAGE,
    ask_for_page,
    store_page_facts,
)
from widget_server.store.queries.schedule import put_in_schedule

PAUSE_MS = 10_000
"""Time between two requests to one host, by all processes together."""
TITLE_LENGTH = 200

_HTML = ("text/html", "application/xhtml+xml")
# Other names of Python's codecs are no encodings of pages, and some are slow.
_ENCODING = re.compile(
    r"utf-?8|utf-?16(le|be)?|us-ascii|iso-8859-\d{1,2}|latin-?1|windows-125\d|cp125\d|koi8-[ru]"
    r"|shift[_-]jis|euc-(jp|kr)|gb(2312|k|18030)|big5",
    re.IGNORECASE,
)
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w-]{1,20})", re.IGNORECASE)
_LANG = re.compile(r"[a-zA-Z]{2,8}(-[a-zA-Z0-9]{1,8}){0,3}")


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
    # In a thread: parsing 512 KB takes longer than readers should wait.
    facts = await asyncio.to_thread(read_facts, answer, page, services.server_origin)
    await _store(services, page, "read", facts)
    return None


def read_facts(answer: FetchedPage, page: PageToLookAt, server: str) -> PageFacts:
    """Return what a page says. `server` is the address of this server."""
    tree = LexborHTMLParser(_text(answer))
    links = [_absolute(link) for link in tree.css("a[href], link[href]")]
    root = tree.css_first("html")
    lang = (root.attributes.get("lang") or "").strip() if root is not None else ""
    # The link of a snippet, or the frame that stands in its place.
    frames = [_absolute(frame, "src") for frame in tree.css("iframe[src]")]
    title = _title(tree)
    tree.strip_tags(["script", "style", "template"])
    body = _one_line(tree.body.text(separator=" ")) if tree.body is not None else ""
    names = [_one_line(name) for name in (page.author, page.publisher) if name]
    credit = any(name in body for name in names) or _has(links, page.story_url)
    licence = any(_is_licence(link, page.licence) for link in links)
    own = (f"{server}/s/{page.code}", f"{server}/e/{page.code}")
    snippet = any(address.startswith(own) for address in (*links, *frames))

    def known(found: bool) -> bool | None:
        # What is not in the first part of a long page may be in the rest.
        return True if found else None if not answer.complete else False

    return PageFacts(
        title,
        lang[:35] if _LANG.fullmatch(lang) else None,
        known(credit),
        known(licence),
        known(snippet),
    )


async def _site_looks(services: Services, page: PageToLookAt) -> bool:
    site = await services.cache.site(page.site)
    return site is not None and site.site.settings.look_at_copies


async def _store(
    services: Services, page: PageToLookAt, status: PageStatus, facts: PageFacts
) -> None:
    await services.writer.run_in_transaction(store_page_facts(page.copy, page.page, status, facts))


def _text(answer: FetchedPage) -> str:
    """Return the page's text, in the encoding that the page or its server names."""
    _, _, given = answer.content_type.lower().partition("charset=")
    name = given.split(";")[0].strip(" \"'")
    if not name:
        declared = _META_CHARSET.search(answer.content[:2048])
        name = declared[1].decode("ascii", "replace") if declared else ""
    if not _ENCODING.fullmatch(name):
        name = "utf-8"
    # A NUL cannot be stored in PostgreSQL.
    return answer.content.decode(name, "replace").replace("\0", "\ufffd")


def _title(tree: LexborHTMLParser) -> str | None:
    for selector in ("head > title", "h1"):
        found = tree.css_first(selector)
        title = "" if found is None else _one_line(found.text())
        if title:
            return title[:TITLE_LENGTH]
    return None


def _one_line(text: str) -> str:
    """Return the text on one line, without invisible control and direction characters."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _absolute(node: LexborNode, name: str = "href") -> str:
    """Return the address in an attribute, or "" if it is no absolute one."""
    return urls.safe((node.attributes.get(name) or "").strip())


def _has(links: Iterable[str], url: str | None) -> bool:
    return url is not None and any(_bare(link) == _bare(url) for link in links)


def _bare(url: str) -> str:
    return url.partition("#")[0].partition("?")[0].removesuffix("/")


def _is_licence(link: str, licence: str) -> bool:
    """Return whether a link leads to the licence; to any Creative Commons licence if it is unknown."""
    address = urlsplit(link)
    if (address.hostname or "").removeprefix("www.") != "creativecommons.org":
        return False
    _, wanted = LICENCES.get(licence, ("", ""))
    path = urlsplit(wanted).path
    return address.path.startswith(path or ("/licenses/", "/publicdomain/"))
