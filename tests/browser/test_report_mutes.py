"""A moderator mutes a reporter from the card of a reported case, by key and by button, and undoes it."""

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser.desk import findings, overflow
from tests.browser.moderated_site import ModeratedSite, moderated_site
from tests.browser.test_queue import text

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
MUTE = "Reports of this reader no longer count"


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def site(
    tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> AsyncIterator[ModeratedSite]:
    """Run a server with a site that publishes at once."""
    async with moderated_site(tmp_path_factory.mktemp("mutes"), browser) as found:
        yield found


def priority(site: ModeratedSite) -> int:
    """Return the priority of the one reported case."""
    (case,) = json.loads(site.cli("queue", "list", "harbour", "--queue", "reported", "--json"))
    return int(case["priority"])


@pytest.mark.parametrize("lang", ["en", "ar"])
@pytest.mark.parametrize("width", [1280, 320])
async def test_the_reporter_of_a_case_is_muted_from_its_card_by_key_and_the_undo_brings_it_back(
    site: ModeratedSite, browser: Browser, width: int, lang: str
) -> None:
    story = site.story(f"Reported at {width} {lang}")
    shown = site.write(story, "a quarrel", "Rita")["comment"]["id"]
    site.act(story, "report", comment=shown, category="spam")
    usual = priority(site)
    site.act(story, "report", comment=shown, category="threat")
    urgent = priority(site)
    assert urgent < usual
    context, page = await site.owner(browser, viewport={"width": width, "height": 800}, locale=lang)
    await page.goto(site.path("queue?queue=reported"))
    await expect(text(page)).to_have_text("a quarrel")
    assert await findings(page) == []
    assert await overflow(page) <= 0
    await page.keyboard.press("m")
    await page.wait_for_url("**step=mute*")
    assert await findings(page) == []
    assert await overflow(page) <= 0
    # The second report is the threat. A keyboard alone is enough.
    button = page.locator("form[action$='/mute'] button").nth(1)
    await button.focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**did=mute*")
    await expect(text(page)).to_have_text("a quarrel")
    assert await findings(page) == []
    assert await overflow(page) <= 0
    assert priority(site) == usual
    if lang == "en":
        await expect(page.locator(".card .ev")).to_contain_text("one does not count")
        await expect(page.get_by_role("status").filter(has_text=MUTE)).to_be_visible()
    await page.goto(site.path("bans"))
    await expect(page.locator("form[action$='/mutes/lift']")).to_have_count(1)
    assert await findings(page) == []
    assert await overflow(page) <= 0
    await page.go_back()
    await page.locator("form[action$='/undo'] button").click()
    await page.wait_for_url("**did=undo*")
    assert priority(site) == urgent
    site.cli("queue", "give-back", "harbour")
    site.cli("comment", "remove", shown)
    await context.close()


async def test_without_javascript_a_reporter_is_muted_and_lifted_again(
    site: ModeratedSite, browser: Browser
) -> None:
    story = site.story("Without JavaScript")
    shown = site.write(story, "another quarrel", "Rita")["comment"]["id"]
    site.act(story, "report", comment=shown, category="threat")
    urgent = priority(site)
    context, page = await site.owner(browser, java_script_enabled=False)
    await page.goto(site.path("queue?queue=reported"))
    await page.get_by_role("link", name="Mute a reporter").click()
    await page.get_by_label("For how long").select_option("24")
    await page.get_by_role("button", name=MUTE).click()
    assert priority(site) > urgent
    await page.goto(site.path("log"))
    await expect(page.locator("table").get_by_text("Reporter muted").first).to_be_visible()
    await page.goto(site.path(f"comments/{shown}?step=mute"))
    await expect(page.get_by_text("Does not count", exact=True)).to_be_visible()
    await page.get_by_role("button", name="Let the reports count again").click()
    assert priority(site) == urgent
    await context.close()
    # The command line does the same.
    (case,) = json.loads(site.cli("queue", "list", "harbour", "--queue", "reported", "--json"))
    told = json.loads(site.cli("case", "show", "harbour", str(case["case"]), "--json"))
    (report,) = told["reports_given"]
    site.cli("reader", "mute", shown, report["id"])
    assert priority(site) > urgent
    (muted,) = json.loads(site.cli("reader", "muted", "harbour", "--json"))
    assert (muted["comment"], muted["until"]) == (shown, None)
    site.cli("reader", "unmute", "harbour", muted["id"])
    assert priority(site) == urgent
    assert json.loads(site.cli("reader", "muted", "harbour", "--json")) == []
    site.cli("comment", "remove", shown)
