"""A journey through a raid: a flood on one of two stories, its removal as one batch, and a calm page after it."""

import asyncio
import re
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.actions import article
from tests.browser.conftest import Hosts, Story
from tests.browser.moderated_site import SECRET, ModeratedSite
from tests.browser.ways import SMALL_PHONE, Way, by_keyboard, by_touch, follow
from tests.e2e.harness import ServerProcess
from tests.loopback import http_client

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

BAD = 60
"""Comments of the flood, each by a new reader."""
NETWORKS = 20
SHOWN = 3
"""Comments that a story takes at once before the rest is held."""
LIMITS = ",".join(
    f"{kind}=1000000/60"
    for kind in ("comment", "new_reader", "action", "copy", "read", "handshake", "handshake_total")
)
"""No limit but the search for floods, which `RATE_LIMITS=off` would switch off."""
TOUCH: dict[str, Any] = {"viewport": SMALL_PHONE, "has_touch": True, "is_mobile": True}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def site(
    tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> AsyncIterator[ModeratedSite]:
    """Run a server that searches for floods, with a site."""
    env = {"SECRET_KEYS": SECRET, "RATE_LIMITS": LIMITS}
    server = ServerProcess(tmp_path_factory.mktemp("flood") / "data", env)
    server.url = f"http://localhost:{server.port}"
    server.env["PUBLIC_URL"] = server.url
    await server.start()
    found = ModeratedSite(server)
    await found.begin(browser)
    # A slow machine stretches the second in which a flood arrives; all browsers here are of one network.
    found.cli("site", "set", "harbour", f"flood_burst={SHOWN}/5", "flood_network=100000/60")
    yield found
    await server.kill()


async def flood(site: ModeratedSite, story: Story, phrase: str) -> Counter[str]:
    """Post bad comments of many new readers on many networks at once. Return how many got which state."""
    async with http_client(timeout=60) as http:

        async def say(number: int) -> str:
            action = {
                "type": "comment",
                "ref": 1,
                "token": story.token,
                "story": story.code,
                "key": str(uuid.uuid4()),
                "first": str(uuid.uuid4()),
                "body": f"{phrase} {uuid.uuid4().hex}",
            }
            headers = {
                "Origin": f"https://copy-{number % 10}.example",
                "X-Forwarded-For": f"203.0.{number % NETWORKS}.{number}",
            }
            url = f"{site.server.url}/v1/actions"
            answer = await http.post(url, json=action, headers=headers)
            assert answer.status_code == 200, answer.text
            return str(answer.json()["comment"]["state"])

        return Counter(await asyncio.gather(*(say(number) for number in range(BAD))))


async def write(page: Page, use: Way, words: str) -> None:
    """Write a comment as a reader of a page."""
    await use(page, page.get_by_role("textbox", name="Your comment"))
    await page.keyboard.type(words)
    await use(page, page.get_by_role("button", name="Post", exact=True))
    await expect(article(page, words)).to_be_focused()


async def find_all(ana: Page, use: Way, phrase: str) -> None:
    """Go from the queue to the search, and ask for what was written with a phrase within the hour."""
    if use is by_keyboard:
        await ana.keyboard.press("/")
    else:
        await follow(ana, use, ana.get_by_role("link", name="List", exact=True))
        await follow(ana, use, ana.locator(".bulk").get_by_role("link", name="By search"))
    await ana.wait_for_url("**/queue/batch")
    await use(ana, ana.get_by_label("With the phrase"))
    await ana.keyboard.type(phrase)
    since = ana.get_by_label("Written in the last")
    if use is by_keyboard:
        await use(ana, since)
        await ana.keyboard.press("ArrowDown")
    else:
        # The list of choices is drawn by the system, not by the page.
        await since.select_option("1")
    await expect(since).to_have_value("1")
    await follow(ana, use, ana.get_by_role("button", name="Show what it finds"))


@pytest.mark.parametrize("use", [by_keyboard, by_touch])
async def test_a_flood_is_held_and_removed_as_one_batch_and_the_other_story_notices_nothing(
    use: Way, site: ModeratedSite, browser: Browser, hosts: Hosts
) -> None:
    options = TOUCH if use is by_touch else {}
    phrase = f"Boycott {use.__name__}"
    stories = []
    for title in ("The library that sails at six", "Who owns the rain?"):
        made = site.story(title, origins=["*"])
        stories.append(Story(site.server.url, made.code, made.token, lambda **_: ""))
    raided, calm = stories
    target = await hosts.open(raided.snippet, **options)
    other = await hosts.open(calm.snippet, site=1, **options)
    witness = await hosts.open(calm.snippet, site=2, **options)

    became = await flood(site, raided, phrase)
    assert became["published"] <= SHOWN, became
    assert became.total() == BAD == became["published"] + became["pending"]
    # The other story is as on every day; what a reader of the raided one writes waits for a person.
    await write(other, use, "It rains on all of us")
    await use(witness, witness.get_by_role("button", name="1 new comment"))
    await expect(article(witness, "It rains on all of us")).to_be_visible()
    await write(target, use, "A word of my own")
    await expect(article(target, "A word of my own")).to_contain_text("Waiting for a moderator")
    await expect(article(other, "It rains on all of us")).not_to_contain_text(
        "Waiting for a moderator"
    )

    context, ana = await site.owner(browser, **options)
    await ana.goto(site.path("home"))
    await expect(ana.get_by_role("status")).to_contain_text("A raid is on")
    await follow(ana, use, ana.get_by_role("link", name="Look at it"))
    await ana.wait_for_url("**/raids")
    now = ana.get_by_role("region", name="On now")
    raid = now.get_by_role("row").filter(has_text="A flood on a story")
    await expect(raid).to_contain_text("The library that sails at six")
    await expect(raid).to_contain_text("Comments wait")
    await follow(ana, use, ana.get_by_role("link", name="Look", exact=True))
    await ana.wait_for_url("**/queue?queue=held&reason=flood")
    await expect(ana.locator(".case")).to_contain_text("Held in a flood")
    await expect(ana.locator("[data-count=held]:visible").first).to_have_text(
        str(became["pending"] + 1)
    )

    await find_all(ana, use, phrase)
    await expect(
        ana.get_by_role("heading", name=f"It finds {BAD} comments", exact=True)
    ).to_be_visible()
    await expect(ana.locator(".thread > li")).to_have_count(10)
    await follow(ana, use, ana.get_by_role("button", name=f"Remove all {BAD}"))
    await expect(ana.get_by_text(f"{BAD} of {BAD} done.")).to_be_visible()
    batch = ana.url
    await expect(article(target, phrase)).to_have_count(0)
    # What is left is the one comment that a person wrote.
    await ana.goto(site.path("queue?queue=held"))
    await expect(ana.locator(".case .text")).to_have_text("A word of my own")
    if use is by_keyboard:
        await ana.keyboard.press("a")
    else:
        approve = ana.get_by_role("button", name="Approve").and_(ana.locator(":visible"))
        await by_touch(ana, approve)
    await expect(article(target, "A word of my own")).not_to_contain_text("Waiting for a moderator")

    await ana.goto(site.path("raids"))
    ends = ana.get_by_role("button", name=re.compile("^End"))
    while left := await ends.count():
        await follow(ana, use, ends.first)
        await expect(ends).to_have_count(left - 1)
    await expect(ana.get_by_role("heading", name="No raid is on")).to_be_visible()
    late = await hosts.open(raided.snippet, site=1, **options)
    await write(late, use, "Calm again")
    await use(target, target.get_by_role("button", name="1 new comment"))
    await expect(article(target, "Calm again")).to_be_visible()
    await expect(article(late, "Calm again")).not_to_contain_text("Waiting for a moderator")

    # One undo brings the whole flood back to where it was: the held ones to the queue, the shown ones to the page.
    await ana.goto(batch)
    await follow(ana, use, ana.get_by_role("button", name="Undo all"))
    await expect(ana.get_by_text(f"{BAD} of {BAD} done.")).to_be_visible()
    await expect(article(late, phrase)).to_have_count(became["published"])
    await ana.goto(site.path("queue?queue=held"))
    await expect(ana.locator(".case")).to_contain_text("Held in a flood")
    await expect(ana.locator("[data-count=held]:visible").first).to_have_text(
        str(became["pending"])
    )
    await find_all(ana, use, phrase)
    await follow(ana, use, ana.get_by_role("button", name=f"Remove all {BAD}"))
    await expect(ana.get_by_text(f"{BAD} of {BAD} done.")).to_be_visible()
    await expect(article(late, phrase)).to_have_count(0)
    for page in (target, other, witness, late, ana) if use is by_touch else ():
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await context.close()
