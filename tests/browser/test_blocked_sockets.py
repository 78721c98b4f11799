"""When a page behind a proxy tries a socket again, closes its stream, and polls instead."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.actions import article, comment
from tests.browser.blocked_sockets import (
    EXPECTED,
    HIDE,
    LIVE_S,
    behind,
    blocking_proxy,
    open_streams,
    pass_time,
    running_server,
    seen_within,
    sockets_of,
    story_of,
    streaming,
)
from tests.browser.conftest import Demo, Hosts
from tests.browser.page_metrics import post_comments
from tests.e2e.harness import Client
from tests.faults.proxy import Proxy
from tests.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def proxy(demo: Demo) -> AsyncIterator[Proxy]:
    """Run a proxy in front of the demo that refuses WebSockets."""
    async with blocking_proxy(demo.port) as proxy:
        yield proxy


@pytest.mark.parametrize("when", ["the browser is online again", "ten minutes have passed"])
async def test_the_socket_comes_back_when_the_proxy_lets_it_and_the_stream_ends(
    demo: Demo, hosts: Hosts, proxy: Proxy, when: str
) -> None:
    hosts.expected += EXPECTED
    story = demo.story()
    page = await hosts.page(await hosts.reader())
    await page.clock.install()
    streams = open_streams(page)
    sockets = sockets_of(page)
    await hosts.open(behind(proxy, story).snippet, page=page)
    await streaming(proxy, story)
    assert len(sockets) == 2
    proxy.refuse_handshakes = b""
    if when.startswith("the browser"):
        await page.evaluate("dispatchEvent(new Event('online'))")
    else:
        await page.clock.fast_forward(601_000)
    await eventually(lambda: not streams and len(sockets) == 3, "the socket is open", 30)
    post_comments(story, [{"body": "News"}])
    assert await seen_within(page, "1 new comment") <= LIVE_S
    await comment(page, "Over the socket")
    await expect(article(page, "Over the socket")).to_have_count(1)
    assert not streams


async def test_a_hidden_page_has_no_stream_and_catches_up_when_it_is_visible(
    demo: Demo, hosts: Hosts, proxy: Proxy
) -> None:
    hosts.expected += EXPECTED
    story = demo.story()
    page = await hosts.page(await hosts.reader())
    streams = open_streams(page)
    await hosts.open(behind(proxy, story).snippet, page=page)
    await streaming(proxy, story)
    await page.evaluate(HIDE, True)
    await eventually(lambda: not streams, "the stream is closed")
    post_comments(story, [{"body": "Missed"}])
    await page.evaluate(HIDE, False)
    await seen_within(page, "1 new comment")
    await eventually(lambda: len(streams) == 1, "the stream is open again")
    await streaming(proxy, story)
    post_comments(story, [{"body": "News"}])
    assert await seen_within(page, "2 new comments") <= LIVE_S


async def test_behind_a_proxy_that_keeps_responses_back_the_page_polls(
    demo: Demo, hosts: Hosts, proxy: Proxy
) -> None:
    hosts.expected += EXPECTED
    story = demo.story()
    page = await hosts.page(await hosts.reader())
    await page.clock.install()
    proxy.keep_back_streams = True
    await hosts.open(behind(proxy, story).snippet, page=page)
    await page.get_by_text("No comments yet").wait_for()
    # Two sockets, then two streams of eight seconds, and the waits between them.
    await pass_time(page, 40)
    assert len(proxy.streams) == 2
    post_comments(story, [{"body": "News"}])
    await pass_time(page, 31)
    await expect(page.get_by_role("button", name="1 new comment")).to_be_visible()
    assert len(proxy.streams) == 2
    # On another network, without that proxy.
    proxy.keep_back_streams = False
    await page.evaluate("dispatchEvent(new Event('online'))")
    await streaming(proxy, story)
    post_comments(story, [{"body": "Live"}])
    assert await seen_within(page, "2 new comments") <= LIVE_S


async def test_a_network_with_too_many_connections_gets_no_stream_and_polls(
    hosts: Hosts, tmp_path: Path
) -> None:
    hosts.expected += EXPECTED
    page = await hosts.page(await hosts.reader())
    await page.clock.install()
    answers: list[int] = []
    page.on(
        "response",
        lambda response: answers.append(response.status) if "/events?" in response.url else None,
    )
    async with (
        running_server(tmp_path, SOCKETS_PER_NETWORK="1") as server,
        Client(server.url) as client,
    ):
        story = story_of(server)
        await client.subscribe(story.token)
        await hosts.open(story.snippet, page=page)
        await page.get_by_text("No comments yet").wait_for()
        await pass_time(page, 30)
        assert answers == [429, 429]
        post_comments(story, [{"body": "News"}])
        await pass_time(page, 31)
        await expect(page.get_by_role("button", name="1 new comment")).to_be_visible()
