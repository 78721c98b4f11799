"""Reactions: choosing, changing and removing them; the counts agree with the server in the end."""

import json
from typing import Any, Literal

import pytest
from playwright.async_api import Route, WebSocketRoute, expect

from tests.browser.actions import article, comment, expect_reaction, reaction, readers
from tests.browser.conftest import Demo, Hosts

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
NAMES = ["Surprised", "Thinking", "Happy", "Sad", "Fired up"]


async def test_five_reactions_are_shown_in_the_sites_order_under_its_prompt(
    demo: Demo, hosts: Hosts
) -> None:
    page = await hosts.open(demo.story().snippet)
    group = page.get_by_role("group", name="How does this article make you feel?")
    await expect(group.get_by_role("button")).to_have_count(5)
    for index, name in enumerate(NAMES):
        button = group.get_by_role("button").nth(index)
        await expect(button).to_have_accessible_name(name)
        await expect(button).to_have_attribute("aria-pressed", "false")


async def test_the_row_shows_an_invitation_shares_and_the_leading_reactions(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    page = await hosts.open(story.snippet)
    await readers(page, 1)
    await expect(page.get_by_text("Be the first to react.")).to_be_visible()
    await expect(page.locator(".reaction b")).to_have_text(["\u00a0"] * 5)
    await expect(page.locator(".presence")).to_be_empty()
    for key in ("happy", "happy", "sad", "sad"):
        story.react(key)
    await expect(page.get_by_text("4 reactions, mostly Happy, Sad")).to_be_visible()
    story.react("happy")
    await expect(page.get_by_text("5 reactions, mostly Happy", exact=True)).to_be_visible()
    shares = "all => all.map((each) => each.style.getPropertyValue('--share'))"
    assert await page.locator(".reaction").evaluate_all(shares) == ["0", "0", "0.6", "0.4", "0"]
    # With three equal reactions none is named as the most frequent.
    for key in ("sad", "fired_up", "fired_up", "fired_up"):
        story.react(key)
    await expect(page.get_by_text("9 reactions", exact=True)).to_be_visible()
    other = await hosts.open(story.snippet, site=1)
    await expect(other.get_by_text("2 reading now")).to_be_visible()
    await expect(page.get_by_text("2 reading now")).to_be_visible()
    await page.set_viewport_size({"width": 320, "height": 700})
    total = await page.get_by_text("9 reactions", exact=True).bounding_box()
    present = await page.locator(".presence").bounding_box()
    assert total
    assert present
    assert abs(total["y"] - present["y"]) < total["height"] / 2


@pytest.mark.parametrize("width", [320, 900])
async def test_the_readers_own_choice_has_a_ring_a_tick_and_a_bold_label(
    width: int, demo: Demo, hosts: Hosts
) -> None:
    page = await hosts.open(demo.story().snippet, viewport={"width": width, "height": 700})
    await reaction(page, "Happy").click()
    await expect_reaction(page, "Happy", 1, own=True)
    signs = """each => [
      getComputedStyle(each, "::before").boxShadow !== "none",
      getComputedStyle(each, "::after").clipPath.startsWith("path("),
      getComputedStyle(each.querySelector(".label")).fontWeight,
    ]"""
    await expect(page.locator(".reaction[aria-pressed=true]")).to_have_count(1)
    assert await reaction(page, "Happy").evaluate(signs) == [True, True, "600"]
    assert await reaction(page, "Sad").evaluate(signs) == [False, False, "400"]


async def test_a_choice_is_changed_and_removed_by_keyboard(demo: Demo, hosts: Hosts) -> None:
    page = await hosts.open(demo.story().snippet)
    await reaction(page, "Sad").focus()
    await page.keyboard.press("Space")
    await expect_reaction(page, "Sad", 1, own=True)
    # The reactions are one tab stop: the one that had the focus last.
    await expect(page.locator(".reaction:not([tabindex='-1'])")).to_have_count(1)
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Share")).to_be_focused()
    await page.keyboard.press("Shift+Tab")
    await expect(reaction(page, "Sad")).to_be_focused()
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Enter")
    await expect_reaction(page, "Fired up", 1, own=True)
    await expect_reaction(page, "Sad", 0, own=False)
    await page.keyboard.press("Enter")
    await expect_reaction(page, "Fired up", 0, own=False)


async def test_a_choice_is_still_marked_after_a_reload(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    page = await hosts.open(story.snippet)
    async with page.expect_event("websocket"):
        await page.reload()
    await reaction(page, "Thinking").click()
    await page.wait_for_function("localStorage.length === 1")
    await page.reload()
    await expect_reaction(page, "Thinking", 1, own=True)
    # The server has the reaction, not only this browser's storage.
    stranger = await hosts.open(story.snippet)
    await expect_reaction(stranger, "Thinking", 1, own=False)
    await page.evaluate(
        """() => {
          const [key] = Object.keys(localStorage);
          const { reader } = JSON.parse(localStorage[key]);
          localStorage[key] = JSON.stringify({ reader });
        }"""
    )
    await page.reload()
    await expect_reaction(page, "Thinking", 1, own=True)


async def test_after_fast_taps_the_last_choice_is_stored(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    page = await hosts.open(story.snippet)
    await reaction(page, "Happy").wait_for()
    for name in ("Happy", "Happy", "Sad", "Happy", "Thinking"):
        await reaction(page, name).click()
    await expect_reaction(page, "Thinking", 1, own=True)
    other = await hosts.open(story.snippet, site=1)
    for name in NAMES:
        await expect_reaction(other, name, int(name == "Thinking"), own=False)
    await expect_reaction(page, "Happy", 0, own=False)


async def test_a_rejected_reaction_is_reverted_and_shows_the_reason(
    demo: Demo, hosts: Hosts
) -> None:
    hosts.expected += ["Failed to load resource"]
    page = await hosts.page(await hosts.reader())
    detail = "You're posting too quickly. Try again in a moment."

    async def reject(route: Route) -> None:
        answer: dict[str, Any] = {"type": "error", "code": "rate_limited", "detail": detail}
        headers = {"Access-Control-Allow-Origin": "*"}
        await route.fulfill(status=429, body=json.dumps(answer), headers=headers)

    await page.route("**/v1/actions", reject)
    await page.route_web_socket("**/v1/live", lambda socket: None)
    await hosts.open(demo.story().snippet, page=page)
    await reaction(page, "Happy").click()
    await expect(page.get_by_role("alert").filter(has_text=detail)).to_be_visible()
    await expect_reaction(page, "Happy", 0, own=False)


async def test_a_first_reaction_whose_reply_is_lost_counts_once(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    page = await hosts.page(await hosts.reader())

    def lose_answers(route: WebSocketRoute) -> None:
        server = route.connect_to_server()

        def pass_on(frame: str | bytes) -> None:
            # The reply brings the reader token: without it the reader stays unknown.
            if json.loads(frame)["type"] != "ok":
                route.send(frame)

        def deliver(frame: str | bytes) -> None:
            server.send(frame)
            if json.loads(frame)["type"] == "react":
                sent.append(frame)

        server.on_message(pass_on)
        route.on_message(deliver)
        sockets.append(route)

    sent: list[str | bytes] = []
    sockets: list[WebSocketRoute] = []
    await page.route_web_socket("**/v1/live", lose_answers)
    await hosts.open(story.snippet, page=page)
    other = await hosts.open(story.snippet, site=1)
    await readers(page, 2)
    await reaction(page, "Happy").click()
    await expect_reaction(other, "Happy", 1, own=False)
    assert len(sent) == 1
    async with page.expect_response("**/v1/actions"):
        await sockets[0].close(code=1012)
    await expect_reaction(page, "Happy", 1, own=True)
    await expect_reaction(other, "Happy", 1, own=False)
    await reaction(page, "Happy").click()
    await expect_reaction(other, "Happy", 0, own=False)


async def test_nothing_is_stored_before_the_reader_acts(demo: Demo, hosts: Hosts) -> None:
    page = await hosts.open(demo.story().snippet)
    await readers(page, 1)
    await page.mouse.wheel(0, 2_000)
    kept = "[localStorage.length, sessionStorage.length, document.cookie]"
    assert await page.evaluate(kept) == [0, 0, ""]
    assert await page.evaluate("indexedDB.databases().then(({ length }) => length)") == 0
    await reaction(page, "Happy").click()
    await page.wait_for_function("localStorage.length === 1")
    assert await page.evaluate("document.cookie") == ""
    assert await page.context.cookies() == []


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
async def test_icons_float_up_as_others_react_unless_reduced_motion_is_set(
    motion: Literal["no-preference", "reduce"], demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    page = await hosts.open(story.snippet, reduced_motion=motion)
    await readers(page, 1)
    await reaction(page, "Happy").evaluate(
        """button => {
          window.most = 0;
          window.tall = document.body.scrollHeight;
          window.moved = false;
          new MutationObserver(() => {
            window.most = Math.max(window.most, button.querySelectorAll(".floating-icon").length);
            window.moved ||= document.body.scrollHeight !== window.tall;
          }).observe(button, { childList: true, subtree: true });
        }"""
    )
    for _ in range(12):
        story.react("happy")
    await expect_reaction(page, "Happy", 12, own=False)
    if motion == "reduce":
        assert await page.evaluate("window.most") == 0
        return
    await page.wait_for_function("window.most > 0")
    rising = page.locator(".floating-icon")
    # The animation is not announced, causes no layout shift, is bounded and ends.
    await expect(rising).to_have_count(0)
    assert await page.evaluate("window.most") <= 6
    assert not await page.evaluate("window.moved")
    await expect(reaction(page, "Happy")).to_have_accessible_name("Happy 12")
    await expect(page.get_by_role("status")).to_have_text("")


async def test_a_reaction_key_may_be_an_object_prototype_name(demo: Demo, hosts: Hosts) -> None:
    site = demo.site("odd-post", "reactions=happy,constructor:Built:🏗")
    story = demo.story(site)
    page = await hosts.open(story.snippet)
    await expect_reaction(page, "Built", 0, own=False)
    await reaction(page, "Built").click()
    await expect_reaction(page, "Built", 1, own=True)
    await comment(page, "To be built")
    own = article(page, "To be built")
    await own.get_by_role("button", name="React").click()
    await own.get_by_role("group").get_by_role("button", name="Built").click()
    chip = own.get_by_role("button", name="Built, 1")
    await expect(chip).to_have_attribute("aria-pressed", "true")
    await expect(chip).to_have_text("🏗 1")
