"""Read what a stranger's page says, in a process of its own with little memory, time and no secrets.

A page of 512 KB can be built so that its tree takes minutes or gigabytes: HTML repeats what is left open.
No parser of trees bounds that, so the kernel does. What becomes of this process harms no reader.
"""

import asyncio
import codecs
import os
import re
import resource
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from urllib.parse import urlsplit

import orjson
from selectolax.lexbor import LexborHTMLParser, LexborNode

from widget_server.content import urls
from widget_server.model.page_facts import FetchedPage, PageFacts, PageToLookAt
from widget_server.protocol.snippet import LICENCES

MEMORY_BYTES = 512 * 1024 * 1024
CPU_S = 3
WALL_S = 20.0
"""Seconds after which the process is stopped even if it got no time to work."""
TITLE_LENGTH = 200

# Other names of Python's codecs are no encodings of pages, and some are slow.
_ENCODING = re.compile(
    r"utf-?8|utf-?16(le|be)?|us-ascii|iso-8859-\d{1,2}|latin-?1|windows-125\d|cp125\d|koi8-[ru]"
    r"|shift[_-]jis|euc-(jp|kr)|gb(2312|k|18030)|big5",
    re.IGNORECASE,
)
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w-]{1,20})", re.IGNORECASE)
_LANG = re.compile(r"[a-zA-Z]{2,8}(-[a-zA-Z0-9]{1,8}){0,3}")


async def read_apart(answer: FetchedPage, page: PageToLookAt, server: str) -> PageFacts | None:
    """Return what `read_facts` returns, or None if that takes too much time or memory."""
    head = {
        "url": answer.url,
        "status": answer.status,
        "content_type": answer.content_type,
        "complete": answer.complete,
    }
    sent = orjson.dumps({"answer": head, "page": asdict(page), "server": server}) + b"\n"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        # Nothing else: the server's environment has its secrets.
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        async with asyncio.timeout(WALL_S):
            said, _ = await process.communicate(sent + answer.content)
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    try:
        return PageFacts(**orjson.loads(said)) if process.returncode == 0 else None
    except (ValueError, TypeError):
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


def _text(answer: FetchedPage) -> str:
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


def _main() -> None:
    """Read a page from standard input, and write what it says as JSON."""
    for limit, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    head = orjson.loads(sys.stdin.buffer.readline())
    answer = FetchedPage(**head["answer"], content=sys.stdin.buffer.read())
    facts = read_facts(answer, PageToLookAt(**head["page"]), head["server"])
    sys.stdout.buffer.write(orjson.dumps(asdict(facts)))


if __name__ == "__main__":
    _main()
