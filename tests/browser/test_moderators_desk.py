"""The moderator's desk in Chromium: what is new, watch-lists, hidden words, keys of one's own, second looks."""

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.desk import findings, overflow
from tests.browser.moderated_site import ModeratedSite, moderated_site, sign_up
from tests.browser.test_queue import text
from tests.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
JOINS_WITHIN_S = 2.0
LOOKS = 12
"""Decisions of which one in two is looked at again: none of them is drawn once in 4,000 runs."""


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def site(
    tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> AsyncIterator[ModeratedSite]:
    """Run a server with a site that publishes at once."""
    async with moderated_site(tmp_path_factory.mktemp("desk"), browser) as found:
        yield found


def states(site: ModeratedSite) -> dict[str, str]:
    """Return the state of each comment by its id."""
    found: list[dict[str, str]] = json.loads(site.cli("comment", "list", "harbour", "--json"))
    return {one["id"]: one["state"] for one in found}


def waits(site: ModeratedSite, on: bool = True) -> None:
    """Let new comments wait for approval, or publish them at once."""
    site.cli("site", "set", "harbour", f"moderation={'pre' if on else 'post'}")


async def reload_until(page: Page, number: int) -> None:
    """Load the page again until so many comments are new: that takes five seconds."""
    count = page.locator(".qs [data-count=new]").first
    deadline = time.monotonic() + 30
    while await count.inner_text() != str(number):
        assert time.monotonic() < deadline, f"{number} comments are not new"
        await page.reload()


async def test_what_came_in_since_the_last_look_is_read_by_the_same_keys(
    site: ModeratedSite, browser: Browser
) -> None:
    story = site.story("What came in")
    ids = [site.write(story, f"new {n}", "Rita")["comment"]["id"] for n in range(4)]
    context, page = await site.owner(browser)
    await page.goto(site.path("queue?queue=new"))
    await reload_until(page, 4)
    await expect(text(page)).to_have_text("new 0")
    await expect(page.locator(".next li")).to_have_count(2)
    await page.keyboard.press("a")
    await expect(text(page)).to_have_text("new 1")
    await page.keyboard.press("d")
    await page.keyboard.press("1")
    await expect(text(page)).to_have_text("new 2")
    await page.keyboard.press("a")
    await expect(text(page)).to_have_text("new 3")
    # An undo that arrives after the reload would make the comments new again.
    async with page.expect_response("**/undo"):
        await page.keyboard.press("z")
    await expect(text(page)).to_have_text("new 2")
    await eventually(lambda: states(site)[ids[1]] == "removed", "the second is removed")
    # The mark is the person's own: after a reload the first two are gone, the third is new again.
    await page.reload()
    await expect(text(page)).to_have_text("new 2")
    # Before the next card is there, a second key has nothing to act on.
    await expect(page.locator(".next li")).to_have_count(1)
    await page.keyboard.press("a")
    await page.keyboard.press("a")
    await expect(page.locator("[data-empty]")).to_be_visible()
    await expect(page.locator(".qs [data-count=new]").first).to_have_text("0")
    second, ben = await sign_up(site, browser, "Bea")
    await ben.goto(site.path("queue?queue=new"))
    await expect(text(ben)).to_have_text("new 0")
    await context.close()
    await second.close()


async def test_a_story_that_joins_a_watch_list_shows_its_cases_within_two_seconds(
    site: ModeratedSite, browser: Browser
) -> None:
    waits(site)
    context, page = await site.owner(browser)
    await page.goto(site.path("queue/watch"))
    await page.get_by_label("Name").fill("Today")
    await page.get_by_label("Highest age in hours").fill("24")
    await page.get_by_role("button", name="Add the list").click()
    await expect(page.locator("[data-empty]")).to_be_visible()
    await expect(page.get_by_role("link", name="Today").first).to_be_visible()
    for number in range(3):
        story = site.story(f"A story that is new {number}")
        begin = time.monotonic()
        site.write(story, f"joined {number}", "Rita")
        await expect(text(page)).to_have_text(f"joined {number}")
        assert time.monotonic() - begin <= JOINS_WITHIN_S
        await page.keyboard.press("a")
        await expect(page.locator("[data-empty]")).to_be_visible()
    waits(site, on=False)
    await context.close()


async def test_a_card_hides_words_until_they_are_asked_for_and_loads_nothing_from_outside(
    site: ModeratedSite, browser: Browser
) -> None:
    site.cli(
        "rule", "add", "harbour", "--kind", "words", "--name", "Rude words", "--word", "mudlark"
    )
    waits(site)
    story = site.story("A rude word")
    rude = (
        "You **mudlark** see https://outside.example/page\n\n"
        "![a picture](https://outside.example/picture.png)\n\n"
        '<img src="https://outside.example/other.png">'
    )
    site.write(story, rude, "Rita")
    context, page = await site.owner(browser)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(site.path("queue?queue=pending"))
    await expect(text(page)).to_contain_text("You •••••••")
    assert "mudlark" not in await page.content()
    assert await page.locator(".card img").count() == 0
    assert await page.locator(".card .text a").count() == 0
    await page.keyboard.press("v")
    await expect(text(page)).to_contain_text("mudlark")
    await expect(page.locator("[data-hidden]")).to_have_count(0)
    assert asked
    assert not [url for url in asked if not url.startswith((site.server.url, "data:"))], asked
    await page.keyboard.press("a")
    await expect(page.locator("[data-empty]")).to_be_visible()
    # Without script the link leads to the comment's own page.
    site.write(story, "Another mudlark", "Rita")
    plain, still = await site.owner(browser, java_script_enabled=False)
    await still.goto(site.path("queue?queue=pending"))
    await still.get_by_role("link", name="Show the hidden word").click()
    await expect(still.locator(".say, .text").first).to_contain_text("Another mudlark")
    site.cli("queue", "give-back", "harbour")
    await plain.close()
    await context.close()
    for one in json.loads(site.cli("comment", "pending", "harbour", "--json")):
        site.cli("comment", "approve", one["id"])
    waits(site, on=False)


PRESS = """([code, key, inside]) => {
    const at = inside ? document.querySelector(inside) : document.activeElement;
    at.dispatchEvent(new KeyboardEvent("keydown", { code, key, bubbles: true, cancelable: true }));
}"""


async def press(page: Page, code: str, key: str, inside: str = "") -> None:
    """Press a key by its place, as a keyboard of any alphabet does."""
    await page.evaluate(PRESS, [code, key, inside])


async def test_keys_work_by_their_place_and_each_person_changes_them_or_switches_them_off(
    site: ModeratedSite, browser: Browser
) -> None:
    waits(site)
    story = site.story("By keys")
    for number in range(5):
        site.write(story, f"key {number}", "Rita")
    context, page = await sign_up(site, browser, "Kei")
    await page.goto(site.path("queue?queue=pending"))
    await expect(page.locator(".next li")).to_have_count(2)
    # The key of A on a Japanese and on an Arabic keyboard.
    await press(page, "KeyA", "ち")
    await expect(text(page)).to_have_text("key 1")
    await press(page, "KeyA", "ش")
    await expect(text(page)).to_have_text("key 2")
    # Never in a field.
    await page.keyboard.press("n")
    await press(page, "KeyA", "a", "input[name=note]")
    await page.keyboard.press("Escape")
    await expect(text(page)).to_have_text("key 2")
    await page.goto(f"{site.server.url}/admin/account#keys")
    approve = page.locator("select[name=approve]")
    await approve.select_option("KeyD")
    await page.locator("#keys").get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Two actions have the same key.")).to_be_visible()
    await approve.select_option("KeyY")
    await page.locator("#keys").get_by_role("button", name="Save").click()
    await expect(approve).to_have_value("KeyY")
    await page.goto(site.path("queue?queue=pending"))
    await expect(text(page)).to_have_text("key 2")
    await expect(page.locator(".verbs [data-key=KeyA] kbd")).to_have_text("y")
    await page.keyboard.press("?")
    await expect(page.locator("#keys .keys")).to_contain_text("y")
    await page.keyboard.press("Escape")
    await page.keyboard.press("a")
    await expect(text(page)).to_have_text("key 2")
    await page.keyboard.press("y")
    await expect(text(page)).to_have_text("key 3")
    await page.keyboard.press("?")
    await page.locator("#keys [data-keys]").click()
    await page.keyboard.press("Escape")
    for code in [f"Key{letter}" for letter in "ADYJKHSPBONVXGL"] + ["Slash", "Period"]:
        await press(page, code, "x")
    await expect(text(page)).to_have_text("key 3")
    assert page.url.endswith("queue?queue=pending")
    # On another device too: the choice belongs to the account.
    other = await browser.new_context(storage_state=await context.storage_state())
    again = await other.new_page()
    await again.goto(site.path("queue?queue=pending"))
    await expect(again.locator("body")).to_have_class("no-keys")
    await expect(again.locator(".verbs kbd").first).to_be_hidden()
    await other.close()
    await context.close()
    site.cli("queue", "give-back", "harbour")
    for one in json.loads(site.cli("comment", "pending", "harbour", "--json")):
        site.cli("comment", "approve", one["id"])
    waits(site, on=False)


async def test_keys_open_the_story_the_ban_and_other_queues(
    site: ModeratedSite, browser: Browser
) -> None:
    waits(site)
    story = site.story("Where keys lead")
    site.write(story, "somewhere", "Rita")
    context, page = await site.owner(browser)
    await page.goto(site.path("queue?queue=pending"))
    await expect(text(page)).to_have_text("somewhere")
    async with context.expect_page() as opened:
        await page.keyboard.press("w")
    tab = await opened.value
    await tab.wait_for_url(f"**/stories/{story.code}")
    await tab.close()
    await page.bring_to_front()
    await page.keyboard.press("g")
    await page.keyboard.press("r")
    await page.wait_for_url("**/queue?queue=reported*")
    await page.keyboard.press("g")
    await page.keyboard.press("p")
    await page.wait_for_url("**/queue?queue=pending*")
    await page.keyboard.press("/")
    await page.wait_for_url("**/queue/batch")
    await page.go_back()
    await page.keyboard.press("l")
    await page.wait_for_url("**view=list*")
    await page.keyboard.press("j")
    await page.keyboard.press("x")
    await expect(page.locator("[name=case]").first).to_be_checked()
    await page.goto(site.path("queue?queue=pending"))
    await page.keyboard.press("b")
    await page.wait_for_url("**step=ban*")
    await expect(page.get_by_role("group", name="Reason")).to_be_visible()
    await context.close()
    site.cli("queue", "give-back", "harbour")
    for one in json.loads(site.cli("comment", "pending", "harbour", "--json")):
        site.cli("comment", "approve", one["id"])
    waits(site, on=False)


async def test_a_second_person_decides_again_without_the_first_decision(
    site: ModeratedSite, browser: Browser
) -> None:
    waits(site)
    site.cli("site", "set", "harbour", "second_look=2")
    story = site.story("Looked at twice")
    for number in range(LOOKS):
        site.write(story, f"twice {number}", "Rita")
    context, page = await site.owner(browser)
    await page.goto(site.path("queue?queue=pending"))
    for number in range(LOOKS):
        await expect(text(page)).to_have_text(f"twice {number}")
        await page.keyboard.press("d")
        await page.keyboard.press("1")
    await expect(page.locator("[data-empty]")).to_be_visible()
    await eventually(
        lambda: not json.loads(site.cli("comment", "pending", "harbour", "--json")), "all decided"
    )
    second, ben = await sign_up(site, browser, "Lou")
    await ben.goto(site.path("queue/second-look"))
    await expect(ben.locator(".case .text")).to_contain_text("twice")
    shown = await ben.locator("main").inner_text()
    assert "Attacks" not in shown
    assert "Removed" not in shown
    assert await findings(ben) == []
    looked = 0
    while await ben.locator(".case .text").count():
        before = await ben.locator("[name=look]").get_attribute("value")
        await ben.keyboard.press("d" if looked else "a")
        looked += 1
        await ben.wait_for_function(
            "was => document.readyState === 'complete'"
            " && document.querySelector('[name=look]')?.value !== was",
            arg=before,
        )
    await page.goto(site.path("numbers?view=decisions"))
    await expect(page.locator("main")).to_contain_text(f"{looked - 1} of {looked} second look")
    site.cli("site", "set", "harbour", "second_look=0")
    waits(site, on=False)
    await context.close()
    await second.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390, 320])
async def test_the_desk_has_no_finding_of_axe_and_fits(
    site: ModeratedSite, browser: Browser, width: int, scheme: Any
) -> None:
    if "Rude words" not in site.cli("rule", "list", "harbour"):
        site.cli(
            "rule", "add", "harbour", "--kind", "words", "--name", "Rude words", "--word", "mudlark"
        )
    story = site.story("A long title about the library that sails at six in the morning")
    shown = site.write(story, "A **mudlark** of a very long kind", "Rita")["comment"]["id"]
    site.act(story, "report", comment=shown, category="threat")
    for lang in ("en", "ar"):
        context, page = await site.owner(
            browser,
            viewport={"width": width, "height": 800},
            color_scheme=scheme,
            locale=lang,
        )
        for place in (
            "queue?queue=reported",
            "queue?queue=new",
            "queue/watch",
            "queue/second-look",
        ):
            await page.goto(site.path(place))
            assert await findings(page) == [], (place, lang)
            assert await overflow(page) <= 0, (place, lang)
        await page.goto(f"{site.server.url}/admin/account")
        assert await findings(page) == [], lang
        assert await overflow(page) <= 0, lang
        await context.close()
    site.cli("queue", "give-back", "harbour")
    site.cli("comment", "remove", shown)
