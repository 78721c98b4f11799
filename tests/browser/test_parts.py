"""Lazy parts: they are of the right build, from the right server, and unaltered."""

import asyncio
import os
import re
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, Route, expect

from tests.browser.actions import article, expect_reaction, reaction
from tests.browser.conftest import ROOT, Demo, Hosts, Story
from tests.browser.embed_files import MANIFEST
from tests.browser.front import Front
from tests.e2e.harness import ServerProcess
from tests.engines import Valkey
from tests.loopback import http_client
from tests.node import node
from tests.ports import free_ports
from tests.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LIVE = MANIFEST["parts"]["live"]["file"]
MISSING = "Failed to load resource: the server responded with a status of 404"
WRONG_DIGEST = "Failed to find a valid digest in the 'integrity' attribute for resource"
FIRST_FILE_PATH = re.compile(r"^/embed\.js$")
PART_PATH = re.compile(r"^/embed/")

Opened = Callable[[Callable[[str], int]], Front]


@pytest.fixture(scope="session")
def other_build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the same source with other bytes, as a next version has. Yields its folder."""
    folder = tmp_path_factory.mktemp("other-build")
    names = {"EMBED_STATIC": str(folder), "EMBED_LABEL": "2"}
    command = [node(), str(ROOT / "js" / "build.mjs")]
    subprocess.run(command, env={**os.environ, **names}, check=True, capture_output=True)
    return folder


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def next_version(
    demo: Demo, other_build: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ServerProcess]:
    """Run a process of the next version on the demo's database, as during a deploy."""
    # With its own bus it needs no child process, which would be of this build.
    valkey = Valkey()
    valkey.start()
    env = {
        "REDIS_URL": f"unix://{valkey.socket_path}",
        "DATABASE_URL": f"sqlite+aiosqlite:///{demo.data / 'database.sqlite3'}",
        "SECRET_KEYS": (demo.data / "secret").read_text().strip(),
        "OTHER_BUILD": str(other_build),
    }
    server = ServerProcess(tmp_path_factory.mktemp("other") / "data", env)
    server.module = "tests.browser.other_build"
    try:
        await server.start()
        async with http_client() as http:
            served = (await http.get(f"{server.url}/embed.js")).text
        assert "2" in served
        yield server
    finally:
        await server.kill()
        valkey.close()


@pytest.fixture
def front() -> Iterator[Opened]:
    """Return a function that opens a proxy in front of servers."""
    fronts: list[Front] = []

    def opened(choose: Callable[[str], int]) -> Front:
        fronts.append(Front(choose))
        return fronts[-1]

    yield opened
    for one in fronts:
        one.close()


def story_at(story: Story, server: str | Front) -> Story:
    """Return the story with another server address."""
    return replace(story, server=server if isinstance(server, str) else server.url)


def pinned_snippet(story: Story) -> str:
    """Return the snippet with the pinned file of this build and its integrity."""
    return (
        f'{story.anchor}<script async crossorigin src="{story.server}/embed/{MANIFEST["file"]}" '
        f'integrity="{MANIFEST["integrity"]}"></script>'
    )


async def use_all_parts(page: Page, text: str) -> None:
    """React, post with a preview and open what the buttons offer: this loads all parts."""
    await reaction(page, "Happy").click()
    await expect_reaction(page, "Happy", 1, own=True)
    await page.get_by_role("textbox", name="Your comment").click()
    await page.get_by_role("textbox", name="Your comment").fill(f"**{text}**")
    await page.get_by_role("tab", name="Preview").click()
    await expect(page.locator("strong").filter(has_text=text)).to_be_visible()
    await page.get_by_role("button", name="Post", exact=True).click()
    await expect(article(page, text)).to_be_focused()
    await page.get_by_role("button", name="Share", exact=True).click()
    await expect(page.get_by_role("group", name="Share", exact=True)).to_be_visible()
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Your data").click()
    await expect(page.get_by_role("group", name="Your data")).to_be_visible()


@pytest.mark.parametrize("first", ["the new", "the old"])
async def test_during_a_deploy_a_page_gets_its_parts_from_any_process(
    first: str, demo: Demo, next_version: ServerProcess, front: Opened, hosts: Hosts
) -> None:
    """A page that was opened before the deploy loads its parts even if all processes are new."""
    ports = (next_version.port, demo.port) if first == "the new" else (demo.port, next_version.port)
    proxy = front(lambda path: ports[0] if FIRST_FILE_PATH.match(path) else ports[1])
    page = await hosts.open(story_at(demo.story(), proxy).snippet)
    await use_all_parts(page, "Between two releases")
    assert len([path for path in proxy.paths if PART_PATH.match(path)]) == 9


@pytest.mark.parametrize("german", [False, True])
async def test_widgets_of_servers_of_different_versions_both_work(
    german: bool, demo: Demo, next_version: ServerProcess, front: Opened, hosts: Hosts
) -> None:
    """The first script draws both widgets; its parts come from its own server."""
    behind = front(lambda _: next_version.port)
    behind.missing = re.compile(re.escape(LIVE.removesuffix("live.js")))
    mine, theirs = demo.story(), story_at(demo.story(), behind)
    attributes = 'lang="de"' if german else 'lang="en"'
    page = await hosts.open(mine.snippet + theirs.anchor, attributes=attributes)
    await page.add_script_tag(url=f"{behind.url}/embed.js")
    happy = reaction(page, "Freude" if german else "Happy")
    for number in (0, 1):
        await happy.nth(number).click()
        await expect(happy.nth(number)).to_have_attribute("aria-pressed", "true")
        await page.locator("textarea").nth(number).fill(f"Comment {number}")
        await page.locator("[part=button]").nth(number).click()
        await expect(article(page, f"Comment {number}")).to_be_visible()
    assert not [path for path in behind.paths if PART_PATH.match(path)]


def copy_script(hosts: Hosts) -> None:
    """Serve the first file at /copied/embed.js of a host page, without the parts."""
    script = (ROOT / "widget_server" / "static" / "embed.js").read_text("utf-8")
    hosts.host_sites.pages["/copied/embed.js"] = (
        script.encode(),
        {"Content-Type": "text/javascript"},
    )


async def test_parts_come_from_the_storys_server_if_the_script_came_from_elsewhere(
    demo: Demo, hosts: Hosts
) -> None:
    hosts.expected += [MISSING]
    copy_script(hosts)
    page = await hosts.open(demo.story().anchor + '<script src="/copied/embed.js"></script>')
    await use_all_parts(page, "From elsewhere")


async def test_a_missing_part_is_requested_again_for_a_minute(
    demo: Demo, front: Opened, hosts: Hosts
) -> None:
    hosts.expected += [MISSING]
    proxy = front(lambda _: demo.port)
    proxy.missing = re.compile(r"-live\.js")
    page = await hosts.page(await hosts.reader())
    await page.clock.install()
    await hosts.open(story_at(demo.story(), proxy).snippet, page=page)
    await reaction(page, "Happy").click()

    async def requested(number: int) -> None:
        async def more() -> bool:
            await page.clock.run_for(500)
            return len([path for path in proxy.paths if "-live.js" in path]) >= number

        await eventually(more, f"it was requested {number} times")

    await requested(6)
    await expect(page.get_by_role("alert")).to_contain_text("Not sent yet")
    proxy.missing = None

    async def came() -> bool:
        await page.clock.run_for(1_000)
        return await reaction(page, "Happy").get_attribute("aria-pressed") == "true"

    await eventually(came, "the reaction is stored once the part is loaded")
    await expect_reaction(page, "Happy", 1, own=True)


async def test_a_part_that_never_arrives_is_requested_again(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    page = await hosts.page(await hosts.reader())
    await page.clock.install()
    routes: list[Route] = []

    async def drop_first_request(route: Route) -> None:
        routes.append(route)
        if len(routes) > 1:
            await route.continue_()

    await page.route("**/*-live.js*", drop_first_request)
    await hosts.open(story.snippet, page=page)
    await reaction(page, "Happy").click()
    await eventually(lambda: routes, "the part is requested")

    async def stored() -> bool:
        await page.clock.run_for(1_000)
        return bool(await page.evaluate("JSON.parse(Object.values(localStorage)[0]).reader ?? 0"))

    await eventually(stored, "the reaction has a reply")
    await expect_reaction(page, "Happy", 1, own=True)
    await page.unroute_all()


async def test_an_unreachable_server_does_not_block_the_parts_of_another(
    demo: Demo, hosts: Hosts
) -> None:
    hosts.expected += ["Failed to load resource", "story-widget: "]
    away = replace(demo.story(), server=f"http://localhost:{free_ports(1)}")
    page = await hosts.page(await hosts.reader())
    copy_script(hosts)
    anchor = away.anchor + demo.story().anchor
    await hosts.open(anchor + '<script src="/copied/embed.js"></script>', page=page)
    await reaction(page, "Happy").click()

    async def stored() -> bool:
        return bool(await page.evaluate("'reader' in JSON.parse(Object.values(localStorage)[0])"))

    await eventually(stored, "the reaction has a reply")
    await expect_reaction(page, "Happy", 1, own=True)


@pytest.mark.parametrize(
    ("part", "preloads"),
    [
        *(
            ("connection", True),
            ("live", True),
            ("navigation", True),
            ("writing", True),
            ("outbox", True),
            ("more", True),
            ("options", True),
            ("preview", True),
        ),
        ("live", False),
    ],
)
async def test_a_part_with_the_wrong_hash_never_runs(
    part: str, preloads: bool, demo: Demo, front: Opened, hosts: Hosts
) -> None:
    """The browser reports the wrong hash in the console. The part loads once its bytes are right."""
    hosts.expected += [WRONG_DIGEST, "Fetch API cannot load"]
    proxy = front(lambda _: demo.port)
    proxy.altered = re.compile(rf"-{part}\.js")
    page = await hosts.page(await hosts.reader())
    if not preloads:
        await page.add_init_script("DOMTokenList.prototype.supports = () => false")
    story = story_at(demo.story(), proxy)
    await hosts.open(pinned_snippet(story), page=page)
    trying = asyncio.create_task(use_all_parts(page, "Not altered"))
    try:

        def refused() -> bool:
            return any(
                f"-{part}.js" in text for text in hosts.console if text.startswith(WRONG_DIGEST)
            )

        await eventually(refused, "the console names the file")
        assert await page.evaluate("window.altered") is None
        proxy.altered = None
        await trying
        assert await page.evaluate("window.altered") is None
    finally:
        trying.cancel()


@pytest.mark.parametrize(
    "script_src", ["{server}", "'nonce-r4nd0m'", "'nonce-r4nd0m' 'strict-dynamic'"]
)
async def test_a_pinned_page_with_integrity_and_trusted_types_policies_loads_all_parts(
    script_src: str, demo: Demo, hosts: Hosts
) -> None:
    hosts.expected += ["Loading the image 'data:,'"]
    live = demo.server.replace("http", "ws", 1)
    headers = {
        "Integrity-Policy": "blocked-destinations=(script)",
        "Content-Security-Policy": (
            f"default-src 'none'; script-src {script_src.format(server=demo.server)}; "
            f"connect-src {demo.server} {live}; "
            "require-trusted-types-for 'script'; trusted-types 'none'"
        ),
    }
    story = demo.story()
    body = pinned_snippet(story).replace("<script async", '<script async nonce="r4nd0m"')
    page = await hosts.open(body, headers=headers)
    await use_all_parts(page, "Under policies")


async def test_strings_of_a_locale_file_are_inserted_as_text(
    demo: Demo, front: Opened, hosts: Hosts, other_build: Path
) -> None:
    """No hash covers locale files: the embed inserts their content as text and never runs it."""
    proxy = front(lambda _: demo.port)
    page = await hosts.page(await hosts.reader())
    evil = '<img src=x onerror="window.altered=1"><script>window.altered=1</script>{n}'

    async def spoil(route: object) -> None:
        answer = await route.fetch()  # type: ignore[attr-defined]
        words = {
            key: evil if isinstance(value, str) else value
            for key, value in (await answer.json()).items()
        }
        words |= {"lang": "de", "dir": "ltr"}
        await route.fulfill(response=answer, json=words)  # type: ignore[attr-defined]

    await page.route("**/*.json", spoil)
    await hosts.open(story_at(demo.story(), proxy).snippet, page=page, attributes='lang="de"')
    await page.get_by_text("<img src=x").first.wait_for()
    await page.locator("textarea").click()
    await page.locator("textarea").fill("Written")
    await page.locator("[part=button]").click()
    await expect(article(page, "Written")).to_be_visible()
    assert await page.evaluate("window.altered") is None
    # Files that the page still fetches would end as errors when it closes.
    await page.unroute_all(behavior="wait")
