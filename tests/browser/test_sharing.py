"""Sharing: copy this copy's address or open plain links, without third-party scripts or requests."""

from urllib.parse import quote

import pytest
from playwright.async_api import FrameLocator, Locator, Page, expect

from tests.browser.actions import article, comment, reaction
from tests.browser.conftest import Demo, Hosts
from tests.browser.host_pages import wordpress
from tests.browser.page_metrics import post_comments
from tests.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TITLE = "A title with “quotes” & <marks>"


async def open_share(place: Page | FrameLocator) -> Locator:
    """Open the ways to share and return the box."""
    await reaction(place, "Happy").wait_for()
    await place.get_by_role("button", name="Share", exact=True).click()
    box = place.get_by_role("group", name="Share", exact=True)
    await box.wait_for()
    return box


async def clipboard_text(hosts: Hosts, page: Page) -> str:
    """Return the clipboard's text by pasting it into another page."""
    other = await hosts.open("<textarea></textarea>", reader=page.context, site=2)
    await other.locator("textarea").press("Control+V")
    text = await other.locator("textarea").input_value()
    await other.close()
    return text


async def test_share_links_contain_this_copys_address_and_title_and_load_nothing(
    demo: Demo, hosts: Hosts
) -> None:
    page = await hosts.page(await hosts.reader())
    requests: list[str] = []
    page.context.on("request", lambda request: requests.append(request.url))
    await hosts.open(demo.story(title=TITLE).snippet, page=page)
    await page.evaluate("history.replaceState(null, '', '?p=12&lang=en#comments')")
    group = await open_share(page)
    # The fragment belongs to the page and may identify it.
    address = page.url
    url, text = quote(address, safe=""), quote(TITLE, safe="")
    wanted = {
        "Email": f"mailto:?subject={text}&body={url}",
        "Bluesky": f"https://bsky.app/intent/compose?text={text}%20{url}",
        "WhatsApp": f"https://wa.me/?text={text}%20{url}",
        "X": f"https://x.com/intent/post?url={url}&text={text}",
        "Facebook": f"https://www.facebook.com/sharer/sharer.php?u={url}",
    }
    for name, href in wanted.items():
        link = group.get_by_role("link", name=name, exact=True)
        await expect(link).to_have_attribute("href", href)
        await expect(link).to_have_attribute("rel", "noopener")
        await expect(link).to_have_attribute("target", "_blank")
    await expect(group.get_by_role("link")).to_have_count(len(wanted))
    # Mastodon has no central share address: choosing it asks for a server.
    await expect(page.get_by_role("textbox", name="Your Mastodon server")).to_have_count(0)
    await group.get_by_role("button", name="Mastodon…").click()
    field = page.get_by_role("textbox", name="Your Mastodon server")
    await expect(field).to_be_focused()
    go = page.get_by_role("link", name="Share", exact=True)
    for typed, server in (
        ("", "mastodon.social"),
        ("fosstodon.org", "fosstodon.org"),
        (" https://fosstodon.org/@ana", "fosstodon.org"),
        ("@ana@fosstodon.org", "fosstodon.org"),
    ):
        await field.fill(typed)
        await expect(go).to_have_attribute("href", f"https://{server}/share?text={text}%20{url}")
    await expect(go).to_have_attribute("rel", "noopener")
    await field.press("Escape")
    await expect(page.get_by_role("button", name="Share", exact=True)).to_be_focused()
    await expect(field).to_have_count(0)
    assert {one.split("/")[2].split(":")[0] for one in requests if one.startswith("http")} == {
        "localhost"
    }
    await expect(page.locator("script:not([src*='/embed.js'])")).to_have_count(0)


async def test_the_ways_to_share_are_reached_by_keyboard_and_closed_by_a_press_elsewhere(
    demo: Demo, hosts: Hosts
) -> None:
    page = await hosts.open(demo.story().snippet)
    button = page.get_by_role("button", name="Share", exact=True)
    await button.focus()
    await page.keyboard.press("Enter")
    box = page.get_by_role("group", name="Share", exact=True)
    await expect(box.get_by_role("button", name="Copy link")).to_be_focused()
    await expect(button).to_have_attribute("aria-expanded", "true")
    await page.keyboard.press("ArrowDown")
    await expect(box.get_by_role("link", name="Email")).to_be_focused()
    await page.keyboard.press("End")
    await expect(box.get_by_role("link", name="Facebook")).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await expect(box.get_by_role("button", name="Copy link")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(box).to_have_count(0)
    await expect(button).to_be_focused()
    await expect(button).to_have_attribute("aria-expanded", "false")
    # Tab, its own button, a press in the widget and one in the page close it.
    await page.keyboard.press("Enter")
    await expect(box.get_by_role("button", name="Copy link")).to_be_focused()
    await page.keyboard.press("Shift+Tab")
    await expect(button).to_be_focused()
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Tab")
    await button.click()
    await expect(box).to_have_count(0)
    for elsewhere in ("A story", "No comments yet"):
        await button.click()
        await expect(box).to_be_visible()
        await page.get_by_role("heading", name=elsewhere).click()
        await expect(box).to_have_count(0)


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
@pytest.mark.parametrize("width", [320, 900])
async def test_a_popover_is_below_its_button_inside_the_column(
    width: int, direction: str, demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    post_comments(story, [{"body": "One", "name": "Ana"}, {"body": "Two", "name": "Ana"}])
    given = f'src="{story.link}" token="{story.token}" dir="{direction}"'
    viewport = {"width": width, "height": 740}
    body = f"<story-widget {given}></story-widget>{story.script}"
    page = await hosts.open(body, viewport=viewport)
    await article(page, "Two").wait_for()
    column = await page.locator("story-widget").bounding_box()
    assert column
    for name in ("Newest first", "Share", "More about the comment by Ana"):
        button = page.get_by_role("button", name=name, exact=True).first
        await button.click()
        box = page.locator(".popover")
        await box.wait_for()
        (at, place) = (await button.bounding_box(), await box.bounding_box())
        assert at
        assert place
        assert 0 <= place["y"] - at["y"] - at["height"] < 10
        assert place["x"] >= column["x"]
        assert place["x"] + place["width"] <= column["x"] + column["width"] + 0.5
        heights = await box.locator(":scope > :is(a, button)").evaluate_all(
            "items => items.map((item) => item.getBoundingClientRect().height)"
        )
        assert min(heights) >= 44
        # The box is not clipped: a press at its last entry hits that entry.
        last = box.locator(":scope > :is(a, button)").last
        await last.scroll_into_view_if_needed()
        assert await last.evaluate(
            "item => { const { x, y, width, height } = item.getBoundingClientRect();"
            " return item.getRootNode().elementFromPoint(x + width / 2, y + height / 2) === item }"
        )
        await page.keyboard.press("Escape")
        await expect(box).to_have_count(0)
    shown, room = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert shown <= room


async def test_the_address_is_copied_and_so_is_a_comments(demo: Demo, hosts: Hosts) -> None:
    reader = await hosts.reader(permissions=["clipboard-read", "clipboard-write"])
    page = await hosts.open(demo.story().snippet, reader=reader)
    await open_share(page)
    await page.get_by_role("button", name="Copy link").click()
    await expect(page.get_by_text("Link copied.")).to_be_visible()
    assert await clipboard_text(hosts, page) == page.url
    await comment(page, "Worth a link")
    await article(page, "Worth a link").get_by_role("button", name="More about").click()
    await page.get_by_role("button", name="Copy link").click()
    await expect(page.get_by_role("button", name="Copy link")).to_have_count(0)
    href = await article(page, "Worth a link").get_by_role("link").first.get_attribute("href")
    assert await clipboard_text(hosts, page) == href
    assert str(href).startswith(f"{page.url}#c-")


async def test_without_clipboard_permission_the_address_is_copied_by_exec_command(
    demo: Demo, hosts: Hosts
) -> None:
    hosts.expected += ["Permissions policy violation: The Clipboard API"]
    headers = {"Permissions-Policy": "clipboard-write=()"}
    page = await hosts.open(demo.story().snippet, headers=headers)
    await open_share(page)
    await page.get_by_role("button", name="Copy link").click()
    await expect(page.get_by_text("Link copied.")).to_be_visible()
    assert await clipboard_text(hosts, page) == page.url
    await expect(page.get_by_role("button", name="Share", exact=True)).to_be_focused()
    await expect(page.get_by_role("textbox", name="Copy link")).to_have_count(0)
    # If that is forbidden, too, the address is shown to be copied by hand.
    await page.evaluate("document.addEventListener('copy', (event) => event.preventDefault())")
    await page.evaluate("document.execCommand = () => false")
    for _ in range(2):
        await open_share(page)
        await page.get_by_role("button", name="Copy link").click()
        field = page.get_by_role("textbox", name="Copy link")
        await expect(field).to_be_focused()
        await expect(field).to_have_value(page.url)
        await expect(field).to_have_js_property("selectionEnd", len(page.url))


async def test_an_iframe_shares_the_page_of_the_story(demo: Demo, hosts: Hosts) -> None:
    hosts.expected += ["Permissions policy violation: The Clipboard API"]
    story = demo.story()
    page = await hosts.open(wordpress(story, story.token))
    frame = page.frame_locator("iframe")
    await open_share(frame)
    link = frame.get_by_role("link", name="Facebook")
    await expect(link).to_have_attribute(
        "href", "https://www.facebook.com/sharer/sharer.php?u=" + quote(story.link, safe="")
    )
    await frame.get_by_role("button", name="Copy link").click()
    await expect(frame.get_by_text("Link copied.")).to_be_visible()
    assert await clipboard_text(hosts, page) == story.link


async def test_the_browsers_share_sheet_is_offered_if_it_accepts_the_data(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story(title=TITLE)
    page = await hosts.open(story.snippet)
    # Headless Chromium has no share sheet, so there is no button.
    assert await page.evaluate("'share' in navigator || 'canShare' in navigator") is False
    await open_share(page)
    await expect(page.get_by_role("button", name="Share…")).to_have_count(0)

    sheet = (
        "window.shared = []; navigator.canShare = () => {answer};"
        " navigator.share = async (data) => {{ shared.push(data); throw new DOMException('', 'AbortError') }}"
    )
    page = await hosts.page(await hosts.reader())
    await page.add_init_script(sheet.format(answer="true"))
    await hosts.open(story.snippet, page=page)
    await open_share(page)
    await page.get_by_role("button", name="Share…").click()
    await eventually(lambda: page.evaluate("shared.length === 1"), "the sheet was opened")
    assert await page.evaluate("shared[0]") == {"title": TITLE, "url": page.url}

    page = await hosts.page(await hosts.reader())
    await page.add_init_script(sheet.format(answer="false"))
    await hosts.open(story.snippet, page=page)
    await open_share(page)
    await expect(page.get_by_role("button", name="Share…")).to_have_count(0)
