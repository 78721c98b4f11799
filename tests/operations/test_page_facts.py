"""What the server notes of a copy's page, and which pages it never asks for."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.e2e.publisher import Story
from tests.operations.operations_harness import NETWORK, PAGE, Server
from tests.operations.page_server import PageServer, html
from widget_server.auth.tokens import story_code
from widget_server.model import actors
from widget_server.model.actors import Actor
from widget_server.model.errors import NotFoundError, NotPermittedError
from widget_server.model.page_facts import PageFacts, PageToLookAt
from widget_server.operations.publishing import page_facts, read_page
from widget_server.operations.publishing.fetch import FetchedPage, PageUnreachableError
from widget_server.operations.readers import authorize, copies
from widget_server.store.queries.page_facts import LOOK_AT_PAGE, schedule_look
from widget_server.store.queries.schedule import take_out_of_schedule

SERVER = "https://widgets.example"
TARGET = PageToLookAt(
    1,
    "https://copy.example/article",
    "paper",
    "0123456789ab",
    "Ann Author",
    "A paper",
    "https://paper.example/story",
    "CC-BY-4.0",
)
CREDIT = (
    '<p>“<a href="https://paper.example/story">Title</a>” by Ann Author, A paper.'
    ' <a rel="license" href="https://creativecommons.org/licenses/by/4.0/">CC BY 4.0</a></p>'
)
SNIPPET = f'<a class="story-widget" href="{SERVER}/s/0123456789ab">React</a>'


def facts(body: str | bytes, kind: str = "text/html", *, complete: bool = True) -> PageFacts:
    """Return what is noted of a page."""
    content = body if isinstance(body, bytes) else body.encode()
    answer = FetchedPage(TARGET.page, 200, kind, content, complete)
    return read_page.read_facts(answer, TARGET, SERVER)


def test_title_language_credit_licence_and_snippet_are_noted() -> None:
    page = f'<!doctype html><html lang="pt-BR"><title> A\n story </title><body>{CREDIT}{SNIPPET}'
    assert facts(page) == PageFacts("A story", "pt-BR", True, True, True)
    assert facts("<html><body><h1>Only a heading</h1></body>") == PageFacts(
        "Only a heading", None, False, False, False
    )
    assert facts("") == PageFacts(None, None, False, False, False)


async def test_a_page_is_read_in_a_process_of_its_own() -> None:
    page = f'<!doctype html><html lang="pt-BR"><title>A</title><body>{CREDIT}{SNIPPET}'
    answer = FetchedPage(TARGET.page, 200, "text/html", page.encode(), True)
    found = await read_page.read_apart(answer, TARGET, SERVER)
    assert found is not None
    assert found.facts == PageFacts("A", "pt-BR", True, True, True)
    assert found.text is None


@pytest.mark.parametrize(
    "bomb",
    [
        "<div>" * 100_000,
        # Each `p` repeats every `font` that is still open: a tree of gigabytes.
        "".join(f"<font a={number}><p>" for number in range(30_000)),
    ],
    ids=["deep", "wide"],
)
async def test_a_page_that_is_built_to_exhaust_time_or_memory_is_given_up(bomb: str) -> None:
    answer = FetchedPage(TARGET.page, 200, "text/html", bomb.encode(), True)
    assert await read_page.read_apart(answer, TARGET, SERVER) is None


def test_an_encoding_that_does_not_exist_is_read_as_utf_8() -> None:
    page = "<title>Olá</title>"
    assert facts(page, "text/html; charset=iso-8859-99").title == "Olá"


@pytest.mark.parametrize(
    ("body", "credit"),
    [
        ("<p>By Ann\n Author</p>", True),
        ("<p>First in A&nbsp;paper</p>", True),
        ('<a href="https://paper.example/story/?utm=x#y">original</a>', True),
        ('<a href="https://paper.example/other">original</a>', False),
        ("<script>var author = 'Ann Author'</script>", False),
        ("<p>By Ann Other</p>", False),
    ],
)
def test_credit_is_a_name_or_a_link_to_the_story(body: str, credit: bool) -> None:
    assert facts(f"<body>{body}</body>").credit is credit


@pytest.mark.parametrize(
    ("href", "licence"),
    [
        ("https://creativecommons.org/licenses/by/4.0/", True),
        ("http://www.creativecommons.org/licenses/by/4.0/deed.de", True),
        ("https://creativecommons.org/licenses/by-nd/4.0/", False),
        ("https://creativecommons.org.example/licenses/by/4.0/", False),
        ("/licenses/by/4.0/", False),
    ],
)
def test_the_licence_is_a_link_to_the_storys_own_licence(href: str, licence: bool) -> None:
    assert facts(f'<body><a href="{href}">terms</a></body>').licence is licence


def test_a_frame_of_the_discussion_counts_as_its_snippet_and_another_story_does_not() -> None:
    assert facts(f'<iframe src="{SERVER}/e/0123456789ab"></iframe>').snippet
    assert facts(f'<a href="{SERVER}/s/ba9876543210">x</a>').snippet is False
    assert facts('<a href="https://other.example/s/0123456789ab">x</a>').snippet is False


def test_what_is_not_in_the_first_part_of_a_long_page_is_unknown_and_not_missing() -> None:
    long = facts(f"<title>Long</title><body>{SNIPPET}", complete=False)
    assert (long.title, long.snippet, long.credit, long.licence) == ("Long", True, None, None)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("<title>Größe</title>".encode("latin-1"), "text/html; charset=ISO-8859-1"),
        ('<meta charset="windows-1252"><title>Größe</title>'.encode("cp1252"), "text/html"),
        ("<title>Größe</title>".encode(), "text/html"),
        ("<title>Größe</title>".encode(), "text/html; charset=no-such-thing"),
        ("<title>Größe</title>".encode(), 'text/html; charset="UTF-8"; x=y'),
    ],
)
def test_a_page_is_read_in_its_own_encoding(content: bytes, kind: str) -> None:
    assert facts(content, kind).title == "Größe"


def test_hostile_pages_are_noted_as_short_harmless_text() -> None:
    title = facts("<title>" + "x" * 10_000 + "\0\u202e\x1b[31m</title>").title
    assert title is not None
    assert len(title) == read_page.TITLE_LENGTH
    assert facts("<title>a\u202eb\0c\x07d</title>").title == "a b�c d"
    assert facts('<html lang="' + "x-" * 500 + '">').lang is None
    assert facts('<html lang="en onload=x">').lang is None
    deep = facts("<div>" * 80_000 + "<title>x</title>")
    assert deep.snippet is False
    assert facts(bytes(range(256)) * 2_000).credit is False


# With a database --------------------------------------------------------------------------------


@pytest.fixture
async def pages() -> AsyncIterator[PageServer]:
    """Return a web server on the loopback."""
    async with PageServer() as server:
        yield server


async def looks(server: Server) -> list[str]:
    """Return the copies whose pages are to be looked at."""
    works = await server.services.schedule.all(1_000)
    return [work.subject for work in works if work.kind == LOOK_AT_PAGE]


async def store_again(server: Server, copy: int, page: str) -> None:
    """Record the copy's page as a process does that sees the copy for the first time."""

    async def run(connection: AsyncConnection) -> None:
        await schedule_look(connection, copy, page, server.services.now_ms())

    await server.services.writer.run_in_transaction(run)


async def see(
    server: Server, story: Story, page: str, origin: str = PAGE, *, used: bool = False
) -> int:
    """Let a reader open the story on a page, or act on it, and return the id of the copy."""
    grant = await authorize.authorize(
        server.services, token=story.token, code=None, origin=origin, page=page
    )
    record = copies.record_used if used else copies.record_seen
    copy = await record(server.services, grant, NETWORK)
    assert copy is not None
    return copy.id


async def test_a_new_copy_is_looked_at_once(server: Server, pages: PageServer) -> None:
    story = server.publisher.story(origins=[PAGE])
    copy = await see(server, story, f"{PAGE}/article")
    assert await looks(server) == [str(copy)]
    await see(server, story, f"{PAGE}/article", used=True)
    assert await looks(server) == [str(copy)], "it is scheduled once"
    with pytest.raises(PageUnreachableError):
        await page_facts.look_at_page(server.services, pages.fetcher(), copy)
    await server.services.writer.run_in_transaction(take_out_of_schedule(LOOK_AT_PAGE, str(copy)))
    for page in ("article", "article", "other"):
        # Each time another process, whose cache does not know the copy yet.
        await store_again(server, copy, f"{PAGE}/{page}")
    assert await looks(server) == [], "it was looked at a moment ago"


async def test_pages_that_the_server_must_not_ask_for_are_never_scheduled(server: Server) -> None:
    anywhere = server.publisher.story(origins=["*"])
    await see(server, anywhere, f"{PAGE}/article")
    named = server.publisher.story(origins=[PAGE])
    await see(server, named, f"{PAGE}/article?preview=secret")
    local = server.publisher.story(origins=["http://localhost:8000"])
    await see(server, local, "http://localhost:8000/article", "http://localhost:8000")
    await server.set(("look_at_copies", "off"))
    off = server.publisher.story(origins=[PAGE])
    await see(server, off, f"{PAGE}/article")
    await server.set(("look_at_copies", "on"))
    grant = await authorize.authorize(
        server.services,
        token=None,
        code=story_code("paper", named.key),
        origin=PAGE,
        page=f"{PAGE}/article",
    )
    await copies.record_seen(server.services, grant, NETWORK)
    assert await looks(server) == []


async def looked_at(server: Server, pages: PageServer, path: str) -> int:
    """Return a copy whose page is on the web server of the test."""
    return await see(server, server.publisher.story(origins=[PAGE]), f"{PAGE}{path}")


async def test_what_was_seen_is_stored_and_a_host_is_asked_once_in_a_while(
    server: Server, pages: PageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetcher = pages.fetcher()
    monkeypatch.setattr(fetcher, "fetch", _from(pages))
    pages.answers["/article"] = html('<html lang="en"><title>Copied</title><body>text</body>')
    services = server.services
    first = await looked_at(server, pages, "/article")
    second = await looked_at(server, pages, "/gone")
    assert await page_facts.look_at_page(services, fetcher, first) is None
    before = services.now_ms()
    wait_until = await page_facts.look_at_page(services, fetcher, second)
    assert wait_until is not None
    assert 0 < wait_until - before <= page_facts.PAUSE_MS
    assert len(pages.requests) == 1
    clock = services.clock
    later = replace(services, clock=lambda: clock() + 11)
    assert await page_facts.look_at_page(later, fetcher, second) is None
    seen = await services.pages.seen([first, second])
    assert seen[first].status == "read"
    assert seen[first].page == f"{PAGE}/article"
    assert seen[first].facts == PageFacts("Copied", "en", False, False, False)
    assert (seen[second].status, seen[second].facts) == ("missing", PageFacts())


def _from(pages: PageServer) -> Callable[[str], Awaitable[FetchedPage]]:
    """Return a `fetch` that asks the test's web server for the path of any page."""
    reached = pages.fetcher()

    async def fetch(url: str) -> FetchedPage:
        return await reached.fetch(pages.url("/" + url.split("/", 3)[3]))

    return fetch


async def test_a_page_that_is_not_reached_is_stored_as_such_and_tried_again(
    server: Server, pages: PageServer
) -> None:
    """The fetcher knows no name but the web server's own."""
    copy = await looked_at(server, pages, "/article")
    with pytest.raises(PageUnreachableError):
        await page_facts.look_at_page(server.services, pages.fetcher(), copy)
    seen = await server.services.pages.seen([copy])
    assert (seen[copy].status, seen[copy].facts) == ("unreachable", PageFacts())
    assert pages.connections == 0


async def test_a_look_after_the_site_switched_it_off_asks_nothing(
    server: Server, pages: PageServer
) -> None:
    copy = await looked_at(server, pages, "/article")
    await server.set(("look_at_copies", "off"))
    assert await page_facts.look_at_page(server.services, pages.fetcher(), copy) is None
    assert await page_facts.look_at_page(server.services, pages.fetcher(), 999_999) is None
    assert await server.services.pages.seen([copy, 999_999]) == {}


async def test_another_look_needs_a_right_on_the_copys_site(server: Server) -> None:
    copy = await see(server, server.publisher.story(origins=[PAGE]), f"{PAGE}/article")
    stranger = Actor("account", "ann", "dashboard", "other", "owner")
    for by, number in ((stranger, copy), (actors.shell("root"), 999_999)):
        with pytest.raises(NotFoundError):
            await page_facts.request_look(server.services, by, number)
    auditor = Actor("account", "ann", "dashboard", "paper", "auditor")
    await page_facts.request_look(server.services, auditor, copy)
    assert await looks(server) == [str(copy)]
    await server.set(("look_at_copies", "off"))
    with pytest.raises(NotPermittedError):
        await page_facts.request_look(server.services, auditor, copy)
