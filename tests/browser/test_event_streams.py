"""Readers whose sockets are blocked: changes arrive as Server-Sent Events, once and at once."""

import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.actions import article, comment, expect_reaction, reaction, readers
from tests.browser.blocked_sockets import (
    EXPECTED,
    LATE_MS,
    LIVE_S,
    behind,
    blocking_proxy,
    code_of,
    has_all,
    messages,
    open_streams,
    pass_time,
    passing,
    polls_of,
    running_server,
    seen_within,
    snapshot,
    story_of,
    streaming,
)
from tests.browser.conftest import Demo, Hosts
from tests.browser.host_pages import policy
from tests.browser.page_metrics import post_comments
from tests.e2e.harness import Replay
from tests.faults.proxy import Proxy
from tests.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def proxy(demo: Demo) -> AsyncIterator[Proxy]:
    """Run a proxy in front of the demo that refuses WebSockets."""
    async with blocking_proxy(demo.port) as proxy:
        yield proxy


@pytest.mark.parametrize("how", ["refused", "closed at once", "forbidden by the page's policy"])
async def test_a_reader_whose_sockets_are_blocked_sees_reactions_and_comments_within_a_second(
    demo: Demo, hosts: Hosts, proxy: Proxy, how: str
) -> None:
    hosts.expected += EXPECTED
    story = demo.story()
    there = behind(proxy, story)
    page = await hosts.page(await hosts.reader())
    if how == "closed at once":
        await page.route_web_socket("**/v1/live", lambda socket: socket.close())
    headers = policy(there.server, socket=False) if how.startswith("forbidden") else {}
    await hosts.open(there.snippet, page=page, headers=headers)
    await streaming(proxy, story)
    story.react("sad")
    began = time.monotonic()
    await expect_reaction(page, "Sad", 1, own=False)
    late = [time.monotonic() - began]
    for number, text in enumerate(("1 new comment", "2 new comments"), 1):
        post_comments(story, [{"body": f"News {number}"}])
        late.append(await seen_within(page, text))
    assert max(late) <= LIVE_S, late

    # Writing goes over HTTP, and what is written is shown once.
    other = await hosts.open(story.snippet, site=1)
    await readers(other, 2)
    await reaction(page, "Happy").click()
    await expect_reaction(page, "Happy", 1, own=True)
    await expect_reaction(other, "Happy", 1, own=False)
    await comment(page, "Written behind the proxy")
    await expect(article(page, "Written behind the proxy")).to_be_focused()
    await other.get_by_role("button", name="1 new comment").click()
    await expect(article(other, "Written behind the proxy")).to_have_count(1)
    await expect(article(page, "Written behind the proxy")).to_have_count(1)
    assert len(proxy.streams) == 1


async def test_on_the_servers_own_page_a_stream_sends_no_cookie(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    reader = await hosts.reader()
    await reader.add_cookies([{"name": "session", "value": "1", "url": demo.server}])
    page = await hosts.page(reader)
    await page.add_init_script("window.WebSocket = class { constructor() { throw Error(); } }")
    async with page.expect_response("**/events?*", timeout=LATE_MS) as streamed:
        opened = await page.goto(story.link)
    assert opened is not None
    assert "cookie" in await opened.request.all_headers()
    answer = await streamed.value
    assert answer.ok
    assert "cookie" not in await answer.request.all_headers()
    post_comments(story, [{"body": "News"}])
    await seen_within(page, "1 new comment")


async def test_three_widgets_of_a_page_share_one_stream(
    demo: Demo, hosts: Hosts, proxy: Proxy
) -> None:
    hosts.expected += EXPECTED
    stories = [demo.story() for _ in range(3)]
    there = [behind(proxy, story) for story in stories]
    page = await hosts.page(await hosts.reader())
    streams = open_streams(page)
    # The third is far below: it is drawn, and joins the stream, when the reader comes near.
    body = there[0].anchor + there[1].anchor + "<div style='height:5000px'></div>"
    await hosts.open(body + there[2].anchor + there[0].script, page=page)
    await streaming(proxy, *stories[:2])
    await page.locator("blockquote").last.scroll_into_view_if_needed()
    await streaming(proxy, *stories)
    await eventually(lambda: len(streams) == 1, "the stream of two stories is closed")
    assert all(story.code in streams[0] for story in stories)
    for number, story in enumerate(stories):
        post_comments(story, [{"body": f"News {number}"}])
        pill = page.locator("story-widget").nth(number).get_by_role("button", name="1 new comment")
        await expect(pill).to_be_visible(timeout=1_000 * LIVE_S)
    assert len(streams) == 1
    # A widget that is removed leaves the stream; the others go on.
    await page.evaluate("document.querySelector('a.story-widget').closest('blockquote').remove()")
    await eventually(
        lambda: len(streams) == 1 and stories[0].code not in streams[0], "two stories are left"
    )


async def test_a_stream_that_is_cut_continues_without_a_lost_or_repeated_message(
    demo: Demo, hosts: Hosts, proxy: Proxy
) -> None:
    hosts.expected += EXPECTED
    stories = [demo.story() for _ in range(2)]
    there = [behind(proxy, story) for story in stories]
    replays = {story.code: Replay.of(snapshot(story)) for story in stories}
    page = await hosts.page(await hosts.reader())
    await page.clock.install()
    await hosts.open("".join(one.anchor for one in there) + there[0].script, page=page)
    await streaming(proxy, *stories)
    polls = polls_of(page)
    texts: dict[str, list[str]] = {story.code: [] for story in stories}

    def change(text: str, key: str) -> None:
        for story in stories:
            texts[story.code].append(text)
            post_comments(story, [{"body": text}])
            story.react(key)

    for number, key in enumerate(("happy", "sad", "thinking")):
        # What arrives now shows the page that streams work here.
        await pass_time(page, 11)
        change(f"Live {number}", key)
        await eventually(lambda: has_all(proxy, stories), "it has arrived")
        proxy.cut()
        change(f"Missed {number}", key)
        await passing(page, lambda: has_all(proxy, stories), "the stream has caught up")
    assert len(proxy.streams) == 4
    assert polls == []
    for stream in proxy.streams:
        for message in messages(stream):
            replays[code_of(message)].apply(message)
    for story in stories:
        assert replays[story.code].differences(Replay.of(snapshot(story))) == []
    for number, story in enumerate(stories):
        widget = page.locator("story-widget").nth(number)
        await widget.get_by_role("button", name=re.compile(r"\d new comments?$")).click()
        await expect(widget.get_by_role("article")).to_have_count(len(texts[story.code]))
        shown = await widget.locator("article .comment-text").all_text_contents()
        assert shown == texts[story.code][::-1]


async def test_a_reader_behind_a_proxy_follows_a_restart_of_the_server(
    hosts: Hosts, tmp_path: Path
) -> None:
    hosts.expected += EXPECTED
    async with running_server(tmp_path) as server, blocking_proxy(server.port) as proxy:
        story = story_of(server)
        page = await hosts.page(await hosts.reader())
        await page.clock.install()
        await hosts.open(behind(proxy, story).snippet, page=page)
        await streaming(proxy, story)
        post_comments(story, [{"body": "Before"}])
        await seen_within(page, "1 new comment")
        assert await server.terminate() == 0
        assert messages(proxy.streams[-1])[-1]["type"] == "goodbye"
        await server.start()
        post_comments(story, [{"body": "After"}])
        await passing(page, lambda: len(proxy.streams) > 1, "the stream is back")
        await streaming(proxy, story)
        await seen_within(page, "2 new comments")
        post_comments(story, [{"body": "Live again"}])
        assert await seen_within(page, "3 new comments") <= LIVE_S
