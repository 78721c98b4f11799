"""What an editor embeds for a pasted address, and a stream of events, in Chromium."""

from html import escape
from typing import Any

import httpx
import pytest
from playwright.async_api import expect

from tests.browser.actions import article, comment, expect_reaction, reaction
from tests.browser.conftest import Demo, Hosts, Story
from tests.browser.host_pages import HIDDEN, LISTENER, SECRET
from tests.loopback import NO_TLS
from tests.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def embedded(story: Story) -> str:
    """Return the HTML of the oEmbed answer as WordPress changes that of an unknown server."""
    server = httpx.Client(trust_env=False, verify=NO_TLS, base_url=story.server)
    with server:
        page = f"{story.server}/s/{story.code}"
        html: str = server.get("/oembed", params={"url": page}).json()["html"]
    frame = f'src="{story.server}/e/{story.code}"'
    assert frame in html
    sandboxed = (
        f'class="wp-embedded-content" sandbox="allow-scripts" security="restricted" {HIDDEN} '
        f'data-secret="{SECRET}" src="{story.server}/e/{story.code}#?secret={SECRET}"'
    )
    return html.replace(frame, sandboxed) + LISTENER


async def test_in_the_frame_of_an_oembed_answer_a_reader_reacts_and_comments(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    page = await hosts.open(embedded(story))
    frame = page.frame_locator("iframe")
    await reaction(frame, "Thinking").click()
    await expect_reaction(frame, "Thinking", 1, own=True)
    await comment(frame, "From an editor", Name="Ana")
    await expect(article(frame, "From an editor")).to_be_visible()
    assert await page.frames[1].evaluate("origin") == "null"
    heights = await page.evaluate(
        "received.filter(({ message }) => message === 'height').map(({ value }) => value)"
    )
    assert heights, "WordPress shows the frame only after the first height"
    await expect(page.locator("blockquote")).to_contain_text("Discussion")


async def test_a_page_of_another_origin_reads_the_stream_of_events(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    writer = await hosts.open(story.snippet, site=1)
    await expect(reaction(writer, "Happy")).to_be_visible()
    page = await hosts.open("<p>A page without WebSockets</p>")
    await page.evaluate(
        """([address]) => {
          window.received = [];
          window.stream = new EventSource(address);
          stream.onmessage = ({ data, lastEventId }) => received.push([JSON.parse(data), lastEventId]);
        }""",
        [f"{story.server}/v1/stories/{story.code}/events"],
    )

    async def received(kind: str) -> Any:
        return await page.evaluate(
            "(kind) => received.find(([message]) => message.type === kind)", kind
        )

    snapshot, name = await eventually(lambda: received("snapshot"), "a snapshot")
    assert snapshot["story"]["code"] == story.code
    assert name == f"{story.code}:{snapshot['position']['epoch']}:{snapshot['position']['seq']}"
    await comment(writer, "Seen in the stream")
    message, name = await eventually(lambda: received("comment"), "the comment")
    assert message["comment"]["text"] == [["p", None, "Seen in the stream"]]
    assert name.endswith(f":{message['position']['seq']}")
    await page.evaluate("stream.close()")


async def test_the_policy_of_a_storys_page_admits_its_json_ld(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    page = await hosts.page(await hosts.reader())
    await page.add_init_script(
        "window.violations = [];"
        "addEventListener('securitypolicyviolation', (event) => violations.push(event.blockedURI));"
    )
    response = await page.goto(f"{story.server}/s/{escape(story.code)}")
    assert response is not None
    await expect(reaction(page, "Happy")).to_be_visible()
    data = await page.evaluate(
        "JSON.parse(document.querySelector('script[type=\"application/ld+json\"]').textContent)"
    )
    assert data["@type"] == "DiscussionForumPosting"
    assert await page.evaluate("violations") == []
