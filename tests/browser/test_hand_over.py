"""Two moderators: one hands a case over by key, by touch and without JavaScript, the other one gets it."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser.desk import findings, overflow
from tests.browser.moderated_site import ModeratedSite, moderated_site, sign_up
from tests.browser.test_queue import text

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
NOTE = "Is this libel? You know the case."


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def site(
    tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> AsyncIterator[ModeratedSite]:
    """Run a server with a site whose comments wait for approval."""
    async with moderated_site(tmp_path_factory.mktemp("handed"), browser) as found:
        found.cli("site", "set", "harbour", "moderation=pre")
        yield found


def mine(site: ModeratedSite, name: str) -> list[str]:
    """Return the texts of the cases that were handed over to a person."""
    found = site.cli("queue", "list", "harbour", "--queue", "mine", "--as", name, "--json")
    return [one["text"] for one in json.loads(found)]


def empty(site: ModeratedSite) -> None:
    """Approve what an earlier test left waiting."""
    for one in json.loads(site.cli("comment", "pending", "harbour", "--json")):
        site.cli("comment", "approve", one["id"])


async def test_a_case_is_handed_over_by_keys_with_a_note_and_comes_first_to_the_colleague(
    site: ModeratedSite, browser: Browser
) -> None:
    empty(site)
    story = site.story("Handed over by keys")
    for words in ("the first", "the second", "the third"):
        site.write(story, words, "Rita")
    context, page = await site.owner(browser, viewport={"width": 1280, "height": 900})
    others, theirs = await sign_up(site, browser, "Jonas Weber")
    await page.goto(site.path("queue?queue=pending"))
    await expect(text(page)).to_have_text("the first")
    await expect(page.locator("[data-next] span.cut")).to_have_count(2)
    await page.keyboard.press("j")
    await expect(text(page)).to_have_text("the second")
    await page.keyboard.press("o")
    await page.wait_for_url("**step=hand_over*")
    assert await findings(page) == []
    await page.get_by_label("Note").fill(NOTE)
    await page.get_by_role("button", name="Jonas Weber").focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**did=hand_over*")
    await expect(page.get_by_role("status").filter(has_text="Handed over.")).to_be_visible()
    assert mine(site, "Jonas Weber") == ["the second"]
    # Left out for the one who handed it over: the first card, then the third.
    await expect(text(page)).to_have_text("the first")
    await expect(page.locator("[data-next] span.cut")).to_have_count(1)
    await page.keyboard.press("j")
    await expect(text(page)).to_have_text("the third")
    # The key that undoes takes it back, though it was done on another page.
    await page.keyboard.press("z")
    await page.wait_for_url("**did=take_back_case*")
    assert mine(site, "Jonas Weber") == []
    (case,) = [
        one["case"]
        for one in json.loads(site.cli("queue", "list", "harbour", "--json"))
        if one["text"] == "the second"
    ]
    site.cli("queue", "hand-over", "harbour", str(case), "Jonas Weber", "--note", NOTE)
    await theirs.goto(site.path("home"))
    await expect(theirs.locator(".todo").first).to_contain_text("case that was handed to you")
    await theirs.goto(site.path("queue"))
    await expect(text(theirs)).to_have_text("the second")
    await expect(theirs.locator(".handed")).to_contain_text(NOTE)
    await expect(theirs.locator(".l a[aria-current]")).to_have_text("For you1")
    assert await findings(theirs) == []
    await theirs.get_by_role("button", name="Give it to all").click()
    await theirs.wait_for_url("**did=take_back_case*")
    assert mine(site, "Jonas Weber") == []
    site.cli("queue", "hand-over", "harbour", str(case), "Jonas Weber")
    await theirs.goto(site.path("queue?queue=mine"))
    await expect(text(theirs)).to_have_text("the second")
    await theirs.keyboard.press("a")
    await expect(theirs.locator("[data-empty]")).to_be_visible()
    await expect(theirs.locator(".l [data-count=mine]")).to_have_text("0")
    assert mine(site, "Jonas Weber") == []
    await others.close()
    await context.close()


@pytest.mark.parametrize("lang", ["en", "ar"])
async def test_by_touch_at_320_px_a_case_is_handed_over_and_given_to_all_again(
    site: ModeratedSite, browser: Browser, lang: str
) -> None:
    empty(site)
    site.write(site.story(f"By touch {lang}"), "on a phone", "Rita")
    phone: dict[str, Any] = {
        "viewport": {"width": 320, "height": 640},
        "has_touch": True,
        "locale": lang,
    }
    name = f"Mireille {lang}"
    others, _ = await sign_up(site, browser, name)
    await others.close()
    context, page = await site.owner(browser, **phone)
    await page.goto(site.path("queue?queue=pending"))
    await expect(text(page)).to_have_text("on a phone")
    await page.locator("[data-key=Period]").tap()
    await page.locator(".card a[data-key=KeyO]").tap()
    await page.wait_for_url("**step=hand_over*")
    assert await findings(page) == []
    assert await overflow(page) <= 0
    await page.get_by_role("button", name=name).tap()
    await page.wait_for_url("**did=hand_over*")
    assert mine(site, name) == ["on a phone"]
    await page.goto(site.path("queue?queue=pending&view=list"))
    await expect(page.locator("table.lists")).to_contain_text(name)
    assert await overflow(page) <= 0
    assert await findings(page) == []
    # From the list, too, one sees whose it is, and takes it back.
    await page.locator("table.lists th a").first.tap()
    await expect(page.locator(".handed")).to_contain_text(name)
    assert await findings(page) == []
    assert await overflow(page) <= 0
    await page.locator(".handed button").tap()
    await page.wait_for_url("**did=take_back_case*")
    assert mine(site, name) == []
    await context.close()


async def test_without_javascript_a_case_is_handed_over_and_the_receiver_gives_it_to_all(
    site: ModeratedSite, browser: Browser
) -> None:
    empty(site)
    site.write(site.story("Without JavaScript"), "slowly", "Rita")
    others, theirs = await sign_up(site, browser, "Teo", java_script_enabled=False)
    context, page = await site.owner(browser, java_script_enabled=False)
    await page.goto(site.path("queue?queue=pending"))
    await page.get_by_role("button", name="More").click()
    await page.get_by_role("link", name="Hand over").click()
    # A note that is too long stays in its field.
    await page.get_by_label("Note").evaluate("field => field.removeAttribute('maxlength')")
    await page.get_by_label("Note").fill("x" * 2001)
    await page.get_by_role("button", name="Teo").click()
    await expect(page.get_by_label("Note")).to_have_value("x" * 2001)
    await page.get_by_label("Note").fill(NOTE)
    await page.get_by_role("button", name="Teo").click()
    await page.wait_for_url("**did=hand_over*")
    assert mine(site, "Teo") == ["slowly"]
    await theirs.goto(site.path("queue"))
    await expect(theirs.locator(".handed")).to_contain_text(NOTE)
    await theirs.get_by_role("button", name="Give it to all").click()
    await theirs.wait_for_url("**did=take_back_case*")
    assert mine(site, "Teo") == []
    await others.close()
    await context.close()
