"""A server restarts while two hundred embeds in Chromium are connected to it."""

import secrets
from collections import Counter
from pathlib import Path

import pytest
from playwright.async_api import Page, WebSocket, async_playwright

from tests.browser.conftest import CHROMIUMS, SWITCHES, HostSites, host_page
from tests.e2e.publisher import Story
from tests.faults.fault_environment import StartEnvironment, now
from tests.loopback import http_client
from tests.waiting import eventually

READERS = 200
STACKED = "<style>story-widget { position: absolute; top: 0; left: 0; inline-size: 40rem }</style>"
"""Stack all widgets at one place: a widget outside the viewport would not load."""


async def post_comments(url: str, story: Story, *texts: str) -> None:
    """Post comments one after another, each by a new reader."""
    async with http_client() as http:
        for body in texts:
            action = {"type": "comment", "ref": 1, "token": story.token, "story": story.code}
            action |= {"key": secrets.token_hex(8), "body": body}
            answer = await http.post(f"{url}/v1/actions", json=action)
            assert answer.status_code == 200, answer.text


async def widget_texts(page: Page, selector: str) -> Counter[str]:
    """Return the texts of the selected elements of a widget, with the number of widgets."""
    texts: list[str] = await page.locator("story-widget").evaluate_all(
        "(widgets, selector) => widgets.map(({ shadowRoot }) =>"
        " [...shadowRoot.querySelectorAll(selector)].map((each) => each.textContent).join(' / '))",
        selector,
    )
    return Counter(texts)


@pytest.mark.slow
async def test_embeds_reconnect_spread_over_time_after_a_restart_and_show_each_comment_once(
    start_environment: StartEnvironment,
) -> None:
    environment = await start_environment("sqlite", SOCKETS_PER_NETWORK="1000")
    one, other = environment.servers
    story = environment.publisher.story(origins=["*"])
    await post_comments(one.url, story, "The first", "The second")
    # An embed shares one socket per server address. Each widget has its own host name here, so that
    # one page opens 200 sockets.
    servers = [f"http://r{number}.localhost:{one.port}" for number in range(READERS)]
    widgets = "".join(
        f'<story-widget src="{server}/s/{story.code}" token="{story.token}"></story-widget>'
        for server in servers
    )
    host_sites = HostSites(1)
    opened: list[tuple[float, WebSocket]] = []
    try:
        async with async_playwright() as playwright:
            found = next((path for path in CHROMIUMS if Path(path).exists()), None)
            browser = await playwright.chromium.launch(executable_path=found, args=SWITCHES)
            page = await browser.new_page()
            page.on("websocket", lambda socket: opened.append((now(), socket)))
            script = f'<script async src="{servers[0]}/embed.js"></script>'
            await page.goto(host_sites.put(0, host_page(widgets + script, head=STACKED), {}))

            async def all_show(selector: str, text: str) -> bool:
                return await widget_texts(page, selector) == {text: READERS}

            presence = f"{READERS} reading now"
            await eventually(
                lambda: all_show("[part=presence]", presence), "all widgets are connected", 120
            )
            await post_comments(one.url, story, "At the last moment")
            fault_at = now()
            status = await one.terminate()
            assert status == 0
            await post_comments(other.url, story, "While it was away", "And once more")
            await one.start()
            await eventually(
                lambda: all_show(".new-comments", "3 new comments"),
                "all widgets have the comments",
                60,
            )
            await eventually(
                lambda: all_show("[part=presence]", presence), "all widgets are connected again", 60
            )
            await page.evaluate(
                "for (const { shadowRoot } of document.querySelectorAll('story-widget'))"
                " shadowRoot.querySelector('.new-comments').click()"
            )
            texts = ["And once more", "While it was away", "At the last moment"]
            texts += ["The second", "The first"]
            await eventually(
                lambda: all_show("article .comment-text", " / ".join(texts)), "each comment once"
            )
            await browser.close()
    finally:
        host_sites.close()
    back = {socket.url: at - fault_at for at, socket in opened if at > fault_at}
    assert len(back) == READERS
    times = sorted(back.values())
    assert times[-1] - times[0] >= 5
    # At most half of them reconnect in one second, so that the server is not overloaded again.
    seconds = Counter(int(at) for at in times)
    assert max(seconds.values()) <= READERS / 2, seconds
