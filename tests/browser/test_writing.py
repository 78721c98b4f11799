"""Writing: nothing moves, drafts are kept, comments are sent once, errors say what to do."""

import asyncio
import json

import pytest
from playwright.async_api import Locator, Page, Route, expect

from tests.browser.actions import (
    article,
    comment,
    expect_reaction,
    more,
    outbox_loaded,
    readers,
    unsent,
)
from tests.browser.conftest import Demo, Hosts
from tests.browser.page_metrics import SHIFTS, layout_shifts, post_comments
from tests.browser.widget_states import answer_too_quickly
from tests.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

ALL_FIELDS = ("name=required", "email=required", "website=optional")
GUIDELINES = "guidelines=https://publisher.example/guidelines"
WIDTHS = (1_280, 390, 320)
COMPOSER = ".composer"
NO_FIELD_SIZING = (
    "<script>CSS.supports = (supports => (...query) => query[0] !== 'field-sizing'"
    " && supports.call(CSS, ...query))(CSS.supports)</script>"
)
"""Make the embed treat the browser as one without `field-sizing`."""
CONTRAST = """element => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const light = (color) => {
    context.fillStyle = color;
    context.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [low, high] = [
    light(getComputedStyle(element).color),
    light(getComputedStyle(document.documentElement).backgroundColor),
  ].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}"""
"""Contrast of an element's text with the page."""


async def height(place: Locator) -> float:
    """Return the height of an element."""
    box = await place.bounding_box()
    assert box
    return box["height"]


async def open_composer(page: Page) -> Locator:
    """Focus the composer, wait until it is in use, and return its text area."""
    box = page.get_by_role("textbox", name="Your comment")
    await box.click()
    await outbox_loaded(page)
    return box


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("fields", [(), ALL_FIELDS], ids=["name", "all-fields"])
async def test_nothing_moves_when_the_composer_is_focused(
    demo: Demo, hosts: Hosts, width: int, fields: tuple[str, ...]
) -> None:
    slug = "moves-all-post" if fields else "moves-post"
    story = demo.story(demo.site(slug, GUIDELINES, *fields))
    email = {"email": "ana@example.org"} if fields else {}
    post_comments(story, [{"body": "Below", "name": "Ana", **email}])
    page = await hosts.open(story.snippet, head=SHIFTS, viewport={"width": width, "height": 900})
    await article(page, "Below").wait_for()
    composer = page.locator(COMPOSER)
    before = [await composer.bounding_box(), await article(page, "Below").bounding_box()]
    moved = len(await layout_shifts(page))
    # By script: a shift after a click would not be counted.
    await page.get_by_role("textbox", name="Your comment").focus()
    await page.get_by_role("textbox", name="Name").wait_for()
    assert [await composer.bounding_box(), await article(page, "Below").bounding_box()] == before
    assert sum(value for value, _ in (await layout_shifts(page))[moved:]) <= 0.01
    widths = "[document.documentElement.scrollWidth, innerWidth]"
    shown, room = await page.evaluate(widths)
    assert shown <= room
    if not fields:
        # Neither an error nor the preview changes the height.
        await page.get_by_role("button", name="Post", exact=True).click()
        await expect(page.get_by_role("alert").filter(has_text="Write a comment")).to_be_visible()
        assert await composer.bounding_box() == before[0]
        await page.get_by_role("tab", name="Preview").click()
        await expect(composer.get_by_text("Nothing to preview yet.")).to_be_visible()
        assert await composer.bounding_box() == before[0]


@pytest.mark.parametrize("head", ["", NO_FIELD_SIZING], ids=["css", "script"])
async def test_the_text_area_grows_and_shrinks_with_its_text(
    demo: Demo, hosts: Hosts, head: str
) -> None:
    page = await hosts.open(demo.story().snippet, head=head)
    box = await open_composer(page)
    if head:
        await box.evaluate("box => { box.style.fieldSizing = 'fixed' }")
    empty = await height(box)
    await box.fill("A line.\n" * 8)
    assert await height(box) >= empty + 4 * 20
    assert await box.evaluate("box => box.scrollHeight <= box.clientHeight + 1")
    await box.fill("A line.\n" * 200)
    assert await height(box) < 900
    await box.fill("A line.")
    assert await height(box) == pytest.approx(empty, abs=1)


async def test_the_tabs_are_used_with_the_keyboard(demo: Demo, hosts: Hosts) -> None:
    page = await hosts.open(demo.story().snippet)
    box = await open_composer(page)
    await box.fill("A **bold** word")
    text, preview = (
        page.get_by_role("tab", name="Your comment"),
        page.get_by_role("tab", name="Preview"),
    )
    await box.press("Shift+Tab")
    await expect(text).to_be_focused()
    for key, chosen, other in (
        ("ArrowRight", preview, text),
        ("ArrowRight", text, preview),
        ("ArrowLeft", preview, text),
        ("Home", text, preview),
        ("End", preview, text),
    ):
        await page.keyboard.press(key)
        await expect(chosen).to_be_focused()
        await expect(chosen).to_have_attribute("aria-selected", "true")
        await expect(other).to_have_attribute("aria-selected", "false")
        await expect(other).to_have_attribute("tabindex", "-1")
    panel = page.get_by_role("tabpanel", name="Preview")
    await expect(panel.locator("strong")).to_have_text("bold")
    await expect(box).to_be_hidden()
    await page.keyboard.press("Tab")
    await expect(panel).to_be_focused()
    await text.click()
    await expect(box).to_be_focused()


async def test_post_is_filled_when_there_is_text_and_says_what_is_missing_without(
    demo: Demo, hosts: Hosts
) -> None:
    page = await hosts.open(demo.story().snippet)
    post = page.get_by_role("button", name="Post", exact=True)
    box = await open_composer(page)
    background = "button => getComputedStyle(button).backgroundColor"
    # An empty alert would be read by some screen readers.
    await expect(page.locator(f"{COMPOSER} [role=alert]")).to_have_count(0)
    idle = await post.evaluate(background)
    await post.click()
    alert = page.locator(f"{COMPOSER} [role=alert]")
    await expect(alert).to_have_text("Write a comment first.")
    await expect(box).to_be_focused()
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        await page.evaluate(
            "document.documentElement.style.cssText ="
            " 'color-scheme: light dark; background: Canvas; color: CanvasText'"
        )
        assert await alert.evaluate(CONTRAST) >= 4.5
    await page.emulate_media(color_scheme="light")
    await box.press_sequentially("W")
    await expect(alert).to_have_count(0)
    await expect(box).not_to_have_attribute("aria-invalid", "true")
    await page.get_by_role("tab", name="Preview").hover()
    assert await post.evaluate(background) != idle


async def test_a_comment_posted_too_quickly_says_when_to_try_again(
    demo: Demo, hosts: Hosts
) -> None:
    hosts.expected += ["Failed to load resource"]
    page = await hosts.page(await hosts.reader())
    await page.clock.install()
    await page.route_web_socket("**/v1/live", lambda socket: socket.close())
    await page.route("**/v1/actions", answer_too_quickly("Too quickly.", 40))
    await hosts.open(demo.story().snippet, page=page)
    box = await open_composer(page)
    await box.fill("And another thing")
    post = page.get_by_role("button", name="Post", exact=True)
    await post.click()
    alert = page.locator(f"{COMPOSER} [role=alert]")
    await expect(alert).to_have_text("You're posting too quickly. Try again in 40 seconds.")
    await expect(box).to_have_accessible_description(
        "You're posting too quickly. Try again in 40 seconds."
    )
    await box.press_sequentially("!")
    await expect(alert).to_be_visible()
    await page.clock.fast_forward(41_000)
    await expect(alert).to_have_count(0)
    await page.unroute("**/v1/actions")
    await page.route("**/v1/actions", answer_too_quickly("Too quickly.", 600))
    await post.click()
    await expect(alert).to_have_text("You're posting too quickly. Try again in 10 minutes.")
    await page.unroute("**/v1/actions")
    await post.click()
    await expect(article(page, "And another thing!")).to_be_focused()


async def test_a_line_above_the_composer_says_that_there_is_no_connection(
    demo: Demo, hosts: Hosts
) -> None:
    hosts.expected += ["Failed to load resource", "WebSocket connection to"]
    page = await hosts.open(demo.story().snippet)
    box = await open_composer(page)
    await page.get_by_role("textbox", name="Name").fill("Wiebke")
    notice = page.get_by_text("You're offline. Go on writing; it will be sent when you are back.")
    visible = notice.locator("visible=true").first
    await expect(page.locator(".offline")).to_be_hidden()
    await page.context.set_offline(True)
    await expect(page.locator(".offline")).to_be_visible()
    await expect(visible).to_be_visible()
    await expect(page.get_by_role("status").filter(has_text="You're offline.")).to_have_count(1)
    await box.fill("Second *thought*")
    await box.press("Control+Enter")
    card = unsent(page, "Second *thought*")
    await expect(card).to_contain_text("Not sent yet. Saved in this browser.")
    await expect(card).to_contain_text("Wiebke")
    assert await card.evaluate("card => getComputedStyle(card).borderStyle") == "dashed"
    # Edited and sent with another text, it is still one comment.
    await box.fill("Meanwhile.")
    await card.get_by_role("button", name="Edit").click()
    await expect(box).to_be_focused()
    await expect(box).to_have_value("Meanwhile.\n\nSecond *thought*")
    await expect(unsent(page)).to_have_count(0)
    await box.fill("Third thought")
    await box.press("Control+Enter")
    await expect(unsent(page, "Third thought")).to_have_count(1)
    await page.context.set_offline(False)
    await expect(page.locator(".offline")).to_be_hidden()
    await expect(unsent(page)).to_have_count(0, timeout=30_000)
    await expect(page.locator(".comments article")).to_have_count(1)
    await expect(article(page, "Third thought")).to_contain_text("Wiebke")


async def test_a_reply_is_written_in_the_comment_and_kept_when_it_is_closed(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story(demo.site("rules-post", GUIDELINES))
    post_comments(story, [{"body": "The question", "name": "Ana"}])
    page = await hosts.open(story.snippet)
    question = article(page, "The question")
    reply = question.get_by_role("button", name="Reply to Ana")
    await reply.click()
    box = question.get_by_role("textbox", name="Your reply to Ana")
    await expect(box).to_be_focused()
    # In the column of the text, like the comment itself.
    text, card = question.locator(".comment-text").first, question.locator(COMPOSER)
    left = "element => element.getBoundingClientRect().left"
    assert await card.evaluate(left) == await text.evaluate(left)
    await expect(card.get_by_role("link", name="Guidelines")).to_be_visible()
    await box.fill("Half an answer")
    await box.press("Escape")
    await expect(box).to_have_count(0)
    await expect(reply).to_be_focused()
    await reply.click()
    await expect(box).to_have_value("Half an answer")
    await question.get_by_role("button", name="Cancel").click()
    await reply.click()
    await expect(box).to_have_value("")


async def test_a_reply_that_was_closed_is_not_opened_again_by_what_other_readers_do(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    post_comments(story, [{"body": "The question", "name": "Ana"}])
    page = await hosts.open(story.snippet)
    question = article(page, "The question")
    await question.get_by_role("button", name="Reply to Ana").click()
    box = question.get_by_role("textbox", name="Your reply to Ana")
    await box.fill("Half an answer")
    await box.press("Escape")
    await expect(box).to_have_count(0)
    await asyncio.to_thread(story.react, "happy")
    await expect_reaction(page, "Happy", 1, own=False)
    # The drafts of an earlier visit are opened once the main composer is complete.
    await expect(page.locator(".composer.active")).to_have_count(1)
    await expect(box).to_have_count(0)
    await page.reload()
    await expect(box).to_have_value("Half an answer")


async def test_29_a_draft_is_kept_over_a_reload_and_deleted_after_posting(
    demo: Demo, hosts: Hosts
) -> None:
    page = await hosts.open(demo.story().snippet)
    await comment(page, "Top", Name="Ana")
    await expect(article(page, "Top")).to_be_focused()
    box = page.get_by_role("textbox", name="Your comment")
    await box.fill("Half a thought")
    await page.get_by_role("button", name="Reply to Ana").click()
    answer = page.get_by_role("textbox", name="Your reply to Ana")
    await answer.fill("Half an answer")
    await page.reload()
    await expect(box).to_have_value("Half a thought")
    await expect(answer).to_have_value("Half an answer")
    await answer.press("Control+Enter")
    await expect(article(page, "Half an answer").last).to_be_focused()
    await box.press("Control+Enter")
    await expect(article(page, "Half a thought")).to_be_focused()
    await page.reload()
    await article(page, "Half a thought").wait_for()
    await expect(box).to_have_value("")
    await expect(answer).to_have_count(0)


async def test_30_without_a_connection_a_comment_is_kept_and_sent_once(
    demo: Demo, hosts: Hosts
) -> None:
    hosts.expected += ["Failed to load resource", "WebSocket connection to"]
    story = demo.story()
    page = await hosts.open(story.snippet)
    await readers(page, 1)
    box = await open_composer(page)
    await page.context.set_offline(True)
    for text in ("Cancelled", "From the tunnel"):
        await box.fill(text)
        await page.get_by_role("button", name="Post", exact=True).click()
        await unsent(page, text).wait_for()
        await expect(page.get_by_role("heading", name="0 comments")).to_be_visible()
    await page.get_by_role("button", name="Discard").first.click()
    await expect(unsent(page, "Cancelled")).to_have_count(0)
    await page.context.set_offline(False)
    await page.reload()
    await expect(unsent(page)).to_have_count(0)
    await expect(article(page, "From the tunnel")).to_have_count(1)
    other = await hosts.open(story.snippet, site=1)
    await expect(article(other, "From the tunnel")).to_have_count(1)
    await expect(other.get_by_role("article")).to_have_count(1)


async def test_an_edit_and_a_deletion_wait_for_a_connection(demo: Demo, hosts: Hosts) -> None:
    hosts.expected += ["Failed to load resource", "WebSocket connection to"]
    story = demo.story()
    page = await hosts.page(await hosts.reader())
    await page.clock.install()
    await hosts.open(story.snippet, page=page)
    for text in ("To be deleted", "To be changed"):
        await comment(page, text, Name="Ana")
        await expect(article(page, text)).to_be_focused()
    # Load the part with the menu before the connection is lost.
    await article(page, "To be changed").get_by_role("button", name="More about").click()
    await expect(page.get_by_role("button", name="Copy link")).to_be_focused()
    await page.keyboard.press("Escape")
    await page.context.set_offline(True)
    await more(page, "To be changed", "Edit")
    form = article(page, "To be changed").locator(COMPOSER)
    await expect(form.get_by_role("textbox")).to_have_value("To be changed")
    await form.get_by_role("textbox").fill("Changed once")
    await form.get_by_role("button", name="Save").click()
    await unsent(page, "Changed once").get_by_role("button", name="Edit").click()
    await expect(form.get_by_role("textbox")).to_have_value("Changed once")
    await form.get_by_role("textbox").fill("Changed twice")
    await form.get_by_role("button", name="Save").click()
    await expect(unsent(page)).to_have_count(1)
    await more(page, "To be deleted", "Delete")
    await page.clock.fast_forward(13_000)
    deletion = unsent(page, "Comment deleted.")
    await expect(deletion.get_by_role("button", name="Undo")).to_be_visible()
    await expect(deletion.get_by_role("button", name="Edit")).to_have_count(0)
    await page.context.set_offline(False)
    await expect(unsent(page)).to_have_count(0)
    await expect(article(page, "Changed twice")).to_contain_text("edited")
    await expect(article(page, "To be deleted")).to_have_count(0)


async def test_a_deletion_can_be_undone_for_ten_seconds(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    page = await hosts.page(await hosts.reader())
    await page.clock.install()
    await hosts.open(story.snippet, page=page)
    await comment(page, "Shall I stay")
    await expect(article(page, "Shall I stay")).to_be_focused()
    await more(page, "Shall I stay", "Delete")
    await expect(page.get_by_text("Comment deleted.")).to_be_visible()
    await page.get_by_role("button", name="Undo").click()
    await expect(article(page, "Shall I stay")).to_be_focused()
    await page.clock.run_for(20_000)
    other = await hosts.open(story.snippet, site=1)
    await expect(article(other, "Shall I stay")).to_be_visible()


async def test_a_preview_shows_what_will_be_posted(demo: Demo, hosts: Hosts) -> None:
    page = await hosts.open(demo.story().snippet)
    text = "A **bold** word and `code`.\n\n> quoted\n\n- one\n- two"
    box = page.get_by_role("textbox", name="Your comment")
    await box.click()
    await box.fill(text)
    await page.get_by_role("tab", name="Preview").click()
    shown = page.locator(".composer .comment-text")
    await expect(shown.locator("li")).to_have_count(2)
    tree = await shown.evaluate("element => element.innerHTML")
    await page.get_by_role("button", name="Post", exact=True).click()
    await expect(article(page, "A bold word")).to_be_focused()
    posted = article(page, "A bold word").locator(".comment-text")
    assert await posted.evaluate("element => element.innerHTML") == tree


async def test_near_the_limit_the_remaining_characters_are_shown(demo: Demo, hosts: Hosts) -> None:
    page = await hosts.open(demo.story().snippet)
    box = page.get_by_role("textbox", name="Your comment")
    await box.click()
    await page.get_by_role("textbox", name="Name").wait_for()
    await box.fill("x" * 4_990)
    await expect(page.get_by_text("10 left")).to_be_visible()
    await box.fill("x" * 4_800)
    await expect(page.get_by_text("200 left")).to_have_count(0)
    await box.fill("x" * 5_003)
    await expect(page.get_by_text("-3 left")).to_be_visible()


async def test_a_part_that_failed_to_load_is_requested_again(demo: Demo, hosts: Hosts) -> None:
    hosts.expected += ["Failed to load resource"]
    page = await hosts.page(await hosts.reader())
    await page.clock.install()
    await page.route("**/*-more.js*", lambda route: route.abort())
    await hosts.open(demo.story().snippet, page=page)
    data = page.get_by_role("button", name="Your data")
    await data.click()
    message = page.get_by_role("status").filter(has_text="Can't reach the server.")

    async def is_message_visible() -> bool:
        await page.clock.run_for(5_000)
        return await message.is_visible()

    await eventually(is_message_visible, "the message appears after a minute")
    await expect(message).to_be_in_viewport()
    await page.unroute("**/*-more.js*")
    await data.click()
    await expect(page.get_by_role("group", name="Your data")).to_be_visible()


async def test_text_typed_before_its_part_was_loaded_leaves_no_room_behind(
    demo: Demo, hosts: Hosts
) -> None:
    page = await hosts.page(await hosts.reader())
    allowed = asyncio.Event()

    async def hold(route: Route) -> None:
        await allowed.wait()
        await route.continue_()

    await page.route("**/*-writing.js*", hold)
    await hosts.open(demo.story().snippet, page=page)
    composer = page.locator(COMPOSER)
    await composer.wait_for()
    height = "element => element.getBoundingClientRect().height"
    before = await composer.evaluate(height)
    await composer.get_by_role("textbox").click()
    await composer.get_by_role("textbox").fill("line\n\n" * 3)
    assert await composer.evaluate(height) > before
    await page.get_by_role("button", name="Post", exact=True).click()
    allowed.set()
    await expect(article(page, "line")).to_be_focused()
    await eventually(
        lambda: composer.evaluate("(element, was) => element.offsetHeight <= was + 1", before),
        "the composer is as high as before",
    )


async def test_a_rule_asks_once_before_it_holds_and_the_draft_stays(
    demo: Demo, hosts: Hosts
) -> None:
    slug = demo.site("kind-post")
    made = json.loads(
        demo.run(
            *("rule", "add", slug, "--kind", "words", "--word", "trash", "--name", "Insults"),
            *("--guideline", "Speak of the matter.", "--ask", "--json"),
        )
    )
    demo.run("rule", "on", slug, made["id"])
    page = await hosts.open(demo.story(slug).snippet)
    box = await open_composer(page)
    await box.fill("This plan is trash")
    post = page.get_by_role("button", name="Post", exact=True)
    await post.click()
    error = page.get_by_text(
        "Speak of the matter. Change it, or send it again: then a moderator looks at it first."
    )
    await expect(error).to_be_visible()
    await expect(box).to_have_value("This plan is trash")
    await expect(article(page, "This plan is trash")).to_have_count(0)
    await post.click()
    waiting = "Waiting for a moderator. Only you can see it."
    await expect(article(page, "This plan is trash").get_by_text(waiting)).to_be_visible()
    # A changed text that no rule holds is posted without a question.
    await comment(page, "This plan is weak")
    await expect(article(page, "This plan is weak")).to_be_visible()
    await expect(article(page, "This plan is weak").get_by_text(waiting)).to_have_count(0)
