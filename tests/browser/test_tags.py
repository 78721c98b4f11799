"""Tags in Chromium: by keys with undo, by touch at 320 px, without script, refused, and in every look."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, Route, expect

from tests.browser.desk import findings, overflow
from tests.browser.moderated_site import ModeratedSite, moderated_site
from tests.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


class Tagged:
    """A site with two tags, where comments wait."""

    def __init__(self, site: ModeratedSite) -> None:
        self.site = site
        self.story = site.story("The library that sails at six")

    def wait(self, *words: str) -> list[str]:
        """Return the ids of new comments that wait."""
        return [self.site.write(self.story, one, "Rita")["comment"]["id"] for one in words]

    def tags(self, comment: str) -> list[str]:
        """Return the tags of a comment."""
        listed = json.loads(self.site.cli("comment", "list", "harbour", "--json"))
        found: list[str] = next(one["tags"] for one in listed if one["id"] == comment)
        return found


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def site(
    tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> AsyncIterator[ModeratedSite]:
    """Run a server with a site whose comments need approval."""
    async with moderated_site(tmp_path_factory.mktemp("tags"), browser) as found:
        found.cli("site", "set", "harbour", "moderation=pre", "tags=urgent, good quote")
        yield found


@pytest_asyncio.fixture(loop_scope="session")
async def tagged(site: ModeratedSite) -> AsyncIterator[Tagged]:
    """Return the site, with nothing that waits afterwards."""
    yield Tagged(site)
    site.cli("queue", "give-back", "harbour")
    waiting = json.loads(site.cli("comment", "pending", "harbour", "--json"))
    if waiting:
        site.cli("comment", "approve", *(one["id"] for one in waiting))


def badges(page: Page) -> Locator:
    """Return the tags that the card shows."""
    return page.locator(".case [data-tag]:not([hidden])")


def text(page: Page) -> Any:
    """Return the words of the card on the screen."""
    return page.locator(".case .text")


async def test_a_tag_is_given_by_keys_at_once_and_undone_by_z(
    tagged: Tagged, browser: Browser
) -> None:
    first, second = tagged.wait("one", "two")
    context, page = await tagged.site.owner(browser)
    await page.goto(tagged.site.path("queue?queue=pending"))
    await expect(text(page)).to_have_text("one")
    await expect(badges(page)).to_have_count(0)
    press = page.keyboard.press
    await press("t")
    sheet = page.get_by_role("group", name="Tags of this comment")
    await expect(sheet).to_be_visible()
    await expect(sheet.get_by_role("button", name="urgent")).to_have_attribute(
        "aria-pressed", "false"
    )
    await press("1")
    await expect(sheet).to_be_hidden()
    await expect(badges(page)).to_have_text(["urgent"])
    await expect(page.locator("[data-toast] span").first).to_have_text("Tagged.")
    # The card stays, and its other keys act.
    await expect(text(page)).to_have_text("one")
    await eventually(lambda: tagged.tags(first) == ["urgent"], "the tag is stored")
    await press("t")
    await press("2")
    await expect(badges(page)).to_have_text(["urgent", "good quote"])
    await press("t")
    await expect(page.locator(".toggles:visible [aria-pressed=true]")).to_have_count(2)
    await press("1")
    await expect(badges(page)).to_have_text(["good quote"])
    await eventually(lambda: tagged.tags(first) == ["good quote"], "it is taken off")
    await expect(page.locator("[data-undo] li")).to_have_count(3)
    # All three come back, the last one first; a decision after them as well.
    await press("a")
    await expect(text(page)).to_have_text("two")
    await press("z")
    await expect(text(page)).to_have_text("one")
    for left in (["urgent", "good quote"], ["urgent"], []):
        await press("z")
        await expect(badges(page)).to_have_text(left)
    await eventually(lambda: tagged.tags(first) == [], "no tag is left")
    assert tagged.tags(second) == []
    await context.close()


async def test_keys_pressed_one_after_the_other_without_waiting_end_as_pressed(
    tagged: Tagged, browser: Browser
) -> None:
    (comment,) = tagged.wait("fast")
    context, page = await tagged.site.owner(browser)
    await page.goto(tagged.site.path("queue?queue=pending"))
    await expect(text(page)).to_have_text("fast")
    for key in ("t", "1", "t", "1", "t", "1", "t", "2", "z", "t", "2"):
        await page.keyboard.press(key)
    await expect(badges(page)).to_have_text(["urgent", "good quote"])
    await eventually(lambda: tagged.tags(comment) == ["urgent", "good quote"], "stored as shown")
    await context.close()


async def test_a_refusal_takes_the_badge_back_and_says_why(
    tagged: Tagged, browser: Browser
) -> None:
    (comment,) = tagged.wait("refused")
    context, page = await tagged.site.owner(browser)
    await page.goto(tagged.site.path("queue?queue=pending"))
    await expect(text(page)).to_have_text("refused")
    tagged.site.cli("site", "set", "harbour", "tags=other")
    answers: list[int] = []
    page.on("response", lambda one: answers.append(one.status) if "/decide" in one.url else None)

    async def later(route: Route) -> None:
        # The badge is there before the server has answered.
        await expect(badges(page)).to_have_text(["urgent"])
        await route.continue_()

    await page.route(re.compile("/decide$"), later)

    async def is_known() -> bool:
        answer = await page.request.get(tagged.site.path(f"comments/{comment}?step=tag"))
        return ">other<" in await answer.text()

    await eventually(is_known, "the server knows that the site has another tag")
    await page.keyboard.press("t")
    await page.keyboard.press("1")
    await expect(page.locator("[data-trouble]")).to_have_text("Give one of these tags: other.")
    await expect(badges(page)).to_have_count(0)
    await expect(text(page)).to_have_text("refused")
    assert answers == [400]
    await page.keyboard.press("t")
    await expect(page.get_by_role("button", name="urgent")).to_have_attribute(
        "aria-pressed", "false"
    )
    await page.unroute_all(behavior="ignoreErrors")
    tagged.site.cli("site", "set", "harbour", "tags=urgent, good quote")
    await context.close()


async def test_a_phone_of_320_pixels_tags_by_touch(tagged: Tagged, browser: Browser) -> None:
    (comment,) = tagged.wait("touch")
    context, page = await tagged.site.owner(
        browser, viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True
    )
    await page.goto(tagged.site.path("queue?queue=pending"))
    await expect(text(page)).to_have_text("touch")
    await page.locator(".verbs").get_by_role("button", name="More", exact=True).tap()
    await page.get_by_role("link", name="Tag", exact=True).tap()
    button = page.get_by_role("button", name="good quote")
    box = await button.bounding_box()
    assert box is not None
    assert box["height"] >= 44
    assert await overflow(page) <= 0
    await button.tap()
    await expect(badges(page)).to_have_text(["good quote"])
    await eventually(lambda: tagged.tags(comment) == ["good quote"], "the tag is stored")
    await page.locator("[data-toast]").get_by_role("button", name="Undo").tap()
    await expect(badges(page)).to_have_count(0)
    await eventually(lambda: tagged.tags(comment) == [], "it is taken back")
    await context.close()


async def test_without_script_the_comments_page_gives_tags_and_takes_them_off(
    tagged: Tagged, browser: Browser
) -> None:
    (comment,) = tagged.wait("plain")
    context, page = await tagged.site.owner(browser, java_script_enabled=False)
    await page.goto(tagged.site.path("queue?queue=pending"))
    await page.get_by_role("button", name="More", exact=True).click()
    await page.get_by_role("link", name="Tag", exact=True).click()
    await page.get_by_role("button", name="urgent").click()
    # Back at the card.
    await expect(badges(page)).to_have_text(["urgent"])
    assert tagged.tags(comment) == ["urgent"]
    await page.locator(".toast").get_by_role("button", name="Undo").click()
    await expect(page.get_by_text("Undone.")).to_be_visible()
    assert tagged.tags(comment) == []
    await page.goto(tagged.site.path(f"comments/{comment}?step=tag"))
    await page.get_by_role("button", name="good quote").click()
    await page.goto(tagged.site.path("queue/tagged?tag=good+quote"))
    await expect(page.locator(f"#c-{comment}")).to_contain_text("plain")
    await context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("lang", ["en", "ar", "de"])
async def test_sheet_step_and_list_of_tags_are_accessible_in_every_look(
    tagged: Tagged, browser: Browser, scheme: Any, width: int, lang: str
) -> None:
    (comment,) = tagged.wait("look")
    tagged.site.cli("site", "set", "harbour", f"tags=urgent, good quote, سؤال, {'w' * 40}")
    tagged.site.cli("comment", "tag", comment, "--tag", "سؤال")
    tagged.site.cli("comment", "tag", comment, "--tag", "w" * 40)
    context, page = await tagged.site.owner(
        browser, viewport={"width": width, "height": 800}, color_scheme=scheme, locale=lang
    )
    await page.goto(tagged.site.path("queue?queue=pending"))
    await expect(badges(page)).to_have_count(2)
    await page.keyboard.press("t")
    await expect(page.locator(".toggles:visible")).to_be_visible()
    assert await findings(page) == []
    assert await overflow(page) <= 0
    for place in (
        f"comments/{comment}?step=tag",
        "queue/tagged",
        "queue/tagged?tag=%D8%B3%D8%A4%D8%A7%D9%84",
        "queue?view=list",
        "log?verb=tag",
    ):
        await page.goto(tagged.site.path(place))
        assert await findings(page) == [], place
        assert await overflow(page) <= 0, place
    await context.close()
    tagged.site.cli("site", "set", "harbour", "tags=urgent, good quote")
