"""Read what a stranger's page says: its title and language, and whether credit, licence and snippet are there."""

import codecs
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from widget_server.content import passages, urls
from widget_server.model.page_check import TextSeen
from widget_server.model.page_facts import FetchedPage, PageFacts, PageToLookAt
from widget_server.operations.publishing.apart import received, run_apart, send
from widget_server.protocol.snippet import LICENCES

TITLE_LENGTH = 200

# Other names of Python's codecs are no encodings of pages, and some are slow.
_ENCODING = re.compile(
    r"utf-?8|utf-?16(le|be)?|us-ascii|iso-8859-\d{1,2}|latin-?1|windows-125\d|cp125\d|koi8-[ru]"
    r"|shift[_-]jis|euc-(jp|kr)|gb(2312|k|18030)|big5",
    re.IGNORECASE,
)
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w-]{1,20})", re.IGNORECASE)
_LANG = re.compile(r"[a-zA-Z]{2,8}(-[a-zA-Z0-9]{1,8}){0,3}")


@dataclass(frozen=True, slots=True)
class PageRead:
    """What a page says, and how its text compares with the versions of the story's text."""

    facts: PageFacts
    text: TextSeen | None
    """Without passages."""


async def read_apart(
    answer: FetchedPage, page: PageToLookAt, server: str, versions: Sequence[passages.Version] = ()
) -> PageRead | None:
    """Return what `read_facts` and `passages.compare` return, or None if that takes too much time or memory."""
    more = {"page": asdict(page), "server": server, "versions": versions}
    said = await run_apart(__name__, answer, more)
    if said is None:
        return None
    try:
        text = said.pop("text")
        seen = None if text is None else TextSeen(text["state"], text["version"])
        return PageRead(PageFacts(**said), seen)
    except (KeyError, TypeError):
        return None


def read_facts(answer: FetchedPage, page: PageToLookAt, server: str) -> PageFacts:
    """Return what a page says. `server` is the address of this server."""
    return _read(answer, page, server)[0]


def _read(answer: FetchedPage, page: PageToLookAt, server: str) -> tuple[PageFacts, str]:
    """Return what a page says, and its whole text."""
    tree = LexborHTMLParser(page_text(answer))
    seen = [absolute(link) for link in tree.css("a[href]")]
    links = [*seen, *(absolute(link) for link in tree.css("link[href]"))]
    root = tree.css_first("html")
    lang = (root.attributes.get("lang") or "").strip() if root is not None else ""
    # The link of a snippet, or the frame that stands in its place.
    frames = [absolute(frame, "src") for frame in tree.css("iframe[src]")]
    title = _title(tree)
    tree.strip_tags(["script", "style", "template"])
    body = one_line(tree.body.text(separator=" ")) if tree.body is not None else ""
    names = [one_line(name) for name in (page.author, page.publisher) if name]
    credit = any(name in body for name in names) or _has(seen, page.story_url)
    licence = any(_is_licence(link, page.licence) for link in links)
    own = (f"{server}/s/{page.code}", f"{server}/e/{page.code}")
    snippet = any(address.startswith(own) for address in (*links, *frames))

    def known(found: bool) -> bool | None:
        # What is not in the first part of a long page may be in the rest.
        return True if found else None if not answer.complete else False

    facts = PageFacts(
        title,
        lang[:35] if _LANG.fullmatch(lang) else None,
        known(credit),
        known(licence),
        known(snippet),
    )
    return facts, body


def page_text(answer: FetchedPage) -> str:
    """Return the page's text, in the encoding that the page or its server names."""
    _, _, given = answer.content_type.lower().partition("charset=")
    name = given.split(";")[0].strip(" \"'")
    if not name:
        declared = _META_CHARSET.search(answer.content[:2048])
        name = declared[1].decode("ascii", "replace") if declared else ""
    try:
        codecs.lookup(name)
    except LookupError:  # such as iso-8859-99
        name = "utf-8"
    if not _ENCODING.fullmatch(name):
        name = "utf-8"
    # A NUL cannot be stored in PostgreSQL.
    return answer.content.decode(name, "replace").replace("\0", "\ufffd")


def _title(tree: LexborHTMLParser) -> str | None:
    for selector in ("head > title", "h1"):
        found = tree.css_first(selector)
        title = "" if found is None else one_line(found.text())
        if title:
            return title[:TITLE_LENGTH]
    return None


def one_line(text: str) -> str:
    """Return the text on one line, without invisible control and direction characters."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def absolute(node: LexborNode, name: str = "href") -> str:
    """Return the address in an attribute, or "" if it is no absolute one."""
    return urls.safe((node.attributes.get(name) or "").strip())


def _has(links: Iterable[str], url: str | None) -> bool:
    return url is not None and any(bare(link) == bare(url) for link in links)


def bare(url: str) -> str:
    """Return an address without query, fragment and final slash."""
    return url.partition("#")[0].partition("?")[0].removesuffix("/")


def _is_licence(link: str, licence: str) -> bool:
    """Return whether a link leads to the licence; to any Creative Commons licence if it is unknown."""
    address = urlsplit(link)
    if (address.hostname or "").removeprefix("www.") != "creativecommons.org":
        return False
    _, wanted = LICENCES.get(licence, ("", ""))
    path = urlsplit(wanted).path
    return address.path.startswith(path or ("/licenses/", "/publicdomain/"))


def _main() -> None:
    """Read a page from standard input, and write what it says as JSON."""
    answer, more = received()
    facts, body = _read(answer, PageToLookAt(**more["page"]), more["server"])
    text = passages.compare(body, more["versions"], complete=answer.complete)
    send(asdict(facts) | {"text": None if text is None else asdict(text)})


if __name__ == "__main__":
    _main()
