"""A server restarts under two hundred readers with the real embed in a real browser."""

import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

from playwright.async_api import Page, WebSocket, async_playwright

from tests.browser.conftest import CHROMIUMS, SWITCHES, Papers, written
from tests.e2e.publisher import Story
from tests.faults.fault_environment import FaultEnvironment, now
from tests.faults.slow_marker import slow
from tests.loopback import http_client
from tests.waiting import eventually

SetStage = Callable[..., Awaitable[FaultEnvironment]]

READERS = 200
STACKED = "<style>story-widget { position: absolute; top: 0; left: 0; inline-size: 40rem }</style>"
"""All in sight at once, so that none waits until its reader comes near."""


async def say(url: str, story: Story, *texts: str) -> None:
    """Comments of one reader each, one after the other, each saved when it returns."""
    async with http_client() as http:
        for body in texts:
            action = {"type": "comment", "ref": 1, "token": story.token, "story": story.code}
            action |= {"key": secrets.token_hex(8), "body": body}
            answer = await http.post(f"{url}/v1/actions", json=action)
            assert answer.status_code == 200, answer.text


async def told(page: Page, what: str) -> Counter[str]:
    """What the widgets say there, and how many of them."""
    found: list[str] = await page.locator("story-widget").evaluate_all(
        "(widgets, what) => widgets.map(({ shadowRoot }) =>"
        " [...shadowRoot.querySelectorAll(what)].map((each) => each.textContent).join(' / '))",
        what,
    )
    return Counter(found)


@slow
async def test_readers_of_a_server_that_restarts_come_back_one_by_one_and_are_told_all_once(
    set_stage: SetStage,
) -> None:
    stage = await set_stage("sqlite", SOCKETS_PER_NETWORK="1000")
    one, other = stage.servers
    story = stage.publisher.story(origins=["*"])
    await say(one.url, story, "The first", "The second")
    # Each server has a line of its own, and each name is a server: so many readers in one page.
    servers = [f"http://r{number}.localhost:{one.port}" for number in range(READERS)]
    widgets = "".join(
        f'<story-widget src="{server}/s/{story.code}" token="{story.token}"></story-widget>'
        for server in servers
    )
    papers = Papers(1)
    opened: list[tuple[float, WebSocket]] = []
    try:
        async with async_playwright() as playwright:
            found = next((path for path in CHROMIUMS if Path(path).exists()), None)
            browser = await playwright.chromium.launch(executable_path=found, args=SWITCHES)
            page = await browser.new_page()
            page.on("websocket", lambda socket: opened.append((now(), socket)))
            script = f'<script async src="{servers[0]}/embed.js"></script>'
            await page.goto(papers.put(0, written(widgets + script, head=STACKED), {}))

            async def all_say(what: str, text: str) -> bool:
                return await told(page, what) == {text: READERS}

            presence = f"{READERS} reading now"
            await eventually(lambda: all_say("[part=presence]", presence), "all have come", 120)
            await say(one.url, story, "At the last moment")
            struck = now()
            status = await one.terminate()
            assert status == 0
            await say(other.url, story, "While it was away", "And once more")
            await one.start()
            await eventually(lambda: all_say(".new-comments", "3 new comments"), "all know all", 60)
            await eventually(lambda: all_say("[part=presence]", presence), "all are back", 60)
            await page.evaluate(
                "for (const { shadowRoot } of document.querySelectorAll('story-widget'))"
                " shadowRoot.querySelector('.new-comments').click()"
            )
            texts = ["And once more", "While it was away", "At the last moment"]
            texts += ["The second", "The first"]
            await eventually(
                lambda: all_say("article .comment-text", " / ".join(texts)), "each once"
            )
            await browser.close()
    finally:
        papers.close()
    back = {socket.url: at - struck for at, socket in opened if at > struck}
    assert len(back) == READERS
    times = sorted(back.values())
    assert times[-1] - times[0] >= 5
    # Nor half of them in one second: no wave that would throw it over again.
    seconds = Counter(int(at) for at in times)
    assert max(seconds.values()) <= READERS / 2, seconds
