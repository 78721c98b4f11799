"""Journeys of moderation: an appeal won on three pages of three origins, and two moderators at one queue."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.actions import article
from tests.browser.conftest import Hosts, Story
from tests.browser.moderated_site import ModeratedSite, moderated_site, sign_up
from tests.browser.ways import SMALL_PHONE, Way, by_keyboard, by_touch
from tests.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
CASES = 40
TOUCH: dict[str, Any] = {"viewport": SMALL_PHONE, "has_touch": True, "is_mobile": True}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def site(
    tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> AsyncIterator[ModeratedSite]:
    """Run a server with a site."""
    async with moderated_site(tmp_path_factory.mktemp("journeys"), browser) as found:
        yield found


def entries(site: ModeratedSite, verb: str) -> list[Any]:
    """Return the entries of the site's log with a verb."""
    found = json.loads(site.cli("log", "list", "harbour", "--verb", verb, "--json"))
    return list(found)


def waiting(site: ModeratedSite) -> int:
    """Return the number of open cases."""
    counts: dict[str, int] = json.loads(site.cli("queue", "counts", "harbour", "--json"))
    return sum(counts.values())


# An appeal won ----------------------------------------------------------------------------------


async def decide(page: Page, use: Way, key: str, button: str) -> None:
    """Use a verb of the card on the screen, by its key or with a finger."""
    if use is by_keyboard:
        await page.keyboard.press(key)
    else:
        await by_touch(page, page.get_by_role("button", name=button).and_(page.locator(":visible")))


async def write(page: Page, use: Way, words: str) -> None:
    """Write a comment as a reader of a page."""
    await use(page, page.get_by_role("textbox", name="Your comment"))
    await page.keyboard.type(words)
    await use(page, page.get_by_role("button", name="Post", exact=True))
    await expect(article(page, words)).to_be_focused()


async def report(page: Page, use: Way, words: str) -> None:
    """Report the comment with these words as hate."""
    shown = article(page, words)
    await use(page, shown.get_by_role("button", name="More about"))
    await use(page, shown.get_by_role("button", name="Report…", exact=True))
    category = page.get_by_role("combobox")
    if use is by_keyboard:
        await use(page, category)
        await page.keyboard.type("Hate")
    else:
        # The list of choices is drawn by the system, not by the page.
        await category.select_option("hate")
    await use(page, page.get_by_role("button", name="Report", exact=True))
    await expect(shown).to_contain_text("You reported this.")


@pytest.mark.parametrize("use", [by_keyboard, by_touch])
async def test_an_appeal_is_won_and_the_comment_is_back_on_three_pages_of_three_origins(
    use: Way, site: ModeratedSite, browser: Browser, hosts: Hosts
) -> None:
    options = TOUCH if use is by_touch else {}
    words = f"They never paid {use.__name__}"
    made = site.story("The library that sails at six", origins=["*"])
    story = Story(site.server.url, made.code, made.token, lambda **_: made.token)
    author, other, third = [
        await hosts.open(story.snippet, site=number, **options) for number in range(3)
    ]
    pages = (author, other, third)
    await write(author, use, words)
    for page in (other, third):
        await use(page, page.get_by_role("button", name="1 new comment"))
        await expect(article(page, words)).to_be_visible()
    await report(other, use, words)

    first, ana = await site.owner(browser, **options)
    await ana.goto(site.path("queue?queue=reported"))
    await expect(ana.locator(".case .text")).to_have_text(words)
    await decide(ana, use, "d", "Remove")
    await decide(ana, use, "2", "Hate or discrimination")
    for page in pages:
        await expect(article(page, words)).to_have_count(0)
    told = author.locator(".decided")
    await expect(told).to_contain_text("A moderator decided. Reason: hate or discrimination.")
    await expect(other.locator(".decided")).to_contain_text("that you reported was removed")
    await expect(third.locator(".decided")).to_have_count(0)

    await use(author, told.get_by_role("button", name="Object", exact=True))
    why = author.get_by_role("textbox", name="Why should it be decided otherwise?")
    await use(author, why)
    await author.keyboard.type("It is a quotation.")
    await use(author, told.get_by_role("button", name="Object", exact=True))
    await expect(told).to_contain_text("You objected. Another person will decide.")

    # She decided: she reads the objection, but it is not offered to her.
    await ana.goto(site.path("queue?queue=appeals"))
    await expect(ana.locator(".case")).to_contain_text("another person answers")
    await expect(ana.locator("[data-lease]")).to_have_count(0)
    second, ben = await sign_up(site, browser, f"Ben {use.__name__}", **options)
    await ben.goto(site.path("queue?queue=appeals"))
    await expect(ben.locator(".case")).to_contain_text("It is a quotation.")
    await expect(ben.locator(".case .text")).to_have_text(words)
    await decide(ben, use, "a", "Put the comment back")
    for page in pages:
        await expect(article(page, words)).to_be_visible()
    await expect(ben.locator("[data-empty]")).to_be_visible()
    await expect(article(author, words)).to_contain_text("Your objection was right")
    await author.reload()
    await expect(article(author, words)).to_contain_text("Your objection was right")
    await expect(third.locator(".decided")).to_have_count(0)
    await expect(other.locator(".decided")).to_contain_text("You reported this.")
    # The removal was undone, so the report waits for an answer again: for her, who had the case last.
    await ana.goto(site.path("queue?queue=reported"))
    await expect(ana.locator(".case .text")).to_have_text(words)
    await decide(ana, use, "a", "Keep it")
    await expect(ana.locator("[data-empty]")).to_be_visible()
    await eventually(lambda: not waiting(site), "nothing waits")
    for page in (*pages, ana, ben) if use is by_touch else ():
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await first.close()
    await second.close()


# Two moderators ---------------------------------------------------------------------------------


async def work(page: Page) -> dict[str, str]:
    """Decide by keys until nothing waits. Return the verb by the comment's words, as it was pressed."""
    pressed: dict[str, str] = {}
    words = page.locator(".case .text")
    waiting = page.locator("[data-count=pending]").first
    while await page.locator("[data-empty]").is_hidden() or await waiting.inner_text() != "0":
        shown = await words.all_inner_texts()
        if not shown or shown[0] in pressed:
            continue
        if shown[0].endswith(("3", "7")):
            await page.keyboard.press("d")
            await page.keyboard.press("9")
            pressed[shown[0]] = "removed"
        else:
            await page.keyboard.press("a")
            pressed[shown[0]] = "published"
    return pressed


async def test_two_moderators_race_by_keys_and_decide_each_case_once(
    site: ModeratedSite, browser: Browser
) -> None:
    site.cli("site", "set", "harbour", "moderation=pre")
    story = site.story("Who owns the rain?")
    ids = {}
    for number in range(CASES):
        made = site.write(story, f"race {number}", "Rita")
        ids[f"race {number}"] = made["comment"]["id"]
    first, ana = await site.owner(browser)
    second, ben = await sign_up(site, browser, "Ben Race")
    for page in (ana, ben):
        await page.goto(site.path("queue?queue=pending"))
        await expect(page.locator(".next li")).to_have_count(2)
    by_ana, by_ben = await asyncio.wait_for(asyncio.gather(work(ana), work(ben)), 120)
    assert by_ana
    assert by_ben
    assert by_ana.keys().isdisjoint(by_ben), "no card was decided by both"
    assert by_ana.keys() | by_ben.keys() == ids.keys(), "none was left"
    for page in (ana, ben):
        await expect(page.locator("[data-trouble]")).to_be_hidden()
    found = {
        one["id"]: one["state"]
        for one in json.loads(site.cli("comment", "list", "harbour", "--json"))
    }
    assert {words: found[id_] for words, id_ in ids.items()} == by_ana | by_ben
    logged = [*entries(site, "approve"), *entries(site, "reject")]
    own = [one["targets"][0] for one in logged if one["targets"][0] in ids.values()]
    assert sorted(own) == sorted(ids.values()), "each decision is logged once"
    # Each reads what the other decided.
    for page, others, name in ((ana, by_ben, "Ben Race"), (ben, by_ana, "Ana Ferreira")):
        await page.goto(site.path(f"comments/{ids[next(iter(others))]}"))
        await expect(page.get_by_role("main")).to_contain_text(name)
    await first.close()
    await second.close()
