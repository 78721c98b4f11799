"""Sharing: copy this copy's address or open plain links, without third-party scripts or requests."""

from urllib.parse import quote

import pytest
from playwright.async_api import FrameLocator, Page, expect

from tests.browser.actions import article, comment, reaction
from tests.browser.conftest import Demo, Hosts
from tests.browser.host_pages import wordpress
from tests.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TITLE = "A title with “quotes” & <marks>"


async def open_options(place: Page | FrameLocator) -> None:
    """Open the options of the discussion and return the panel."""
    await reaction(place, "Happy").wait_for()
    await place.get_by_role("button", name="Sort, share, privacy").click()
    await place.get_by_role("group", name="Share").wait_for()


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
    await open_options(page)
    # The fragment belongs to the page and may identify it.
    address = page.url
    url, text = quote(address, safe=""), quote(TITLE, safe="")
    wanted = {
        "Facebook": f"https://www.facebook.com/sharer/sharer.php?u={url}",
        "X": f"https://x.com/intent/post?url={url}&text={text}",
        "Bluesky": f"https://bsky.app/intent/compose?text={text}%20{url}",
        "WhatsApp": f"https://wa.me/?text={text}%20{url}",
        "Email": f"mailto:?subject={text}&body={url}",
        "Mastodon": f"https://mastodon.social/share?text={text}%20{url}",
    }
    group = page.get_by_role("group", name="Share")
    for name, href in wanted.items():
        link = group.get_by_role("link", name=name, exact=True)
        await expect(link).to_have_attribute("href", href)
        await expect(link).to_have_attribute("rel", "noopener")
        await expect(link).to_have_attribute("target", "_blank")
    await expect(group.get_by_role("link")).to_have_count(len(wanted))
    field = group.get_by_role("textbox", name="Your Mastodon server")
    for typed in ("fosstodon.org", " https://fosstodon.org/@ana", "@ana@fosstodon.org"):
        await field.fill(typed)
        await expect(group.get_by_role("link", name="Mastodon")).to_have_attribute(
            "href", f"https://fosstodon.org/share?text={text}%20{url}"
        )
    assert {one.split("/")[2].split(":")[0] for one in requests if one.startswith("http")} == {
        "localhost"
    }
    await expect(page.locator("script:not([src*='/embed.js'])")).to_have_count(0)


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
async def test_the_mastodon_server_is_entered_beside_its_link(
    direction: str, demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    given = f'src="{story.link}" token="{story.token}" dir="{direction}"'
    page = await hosts.open(f"<story-widget {given}></story-widget>{story.script}")
    await open_options(page)
    group = page.get_by_role("group", name="Share")
    for width in (320, 360, 900):
        await page.set_viewport_size({"width": width, "height": 740})
        link = await group.get_by_role("link", name="Mastodon").bounding_box()
        field = await group.get_by_role("textbox", name="Your Mastodon server").bounding_box()
        line = await group.get_by_role("link", name="Bluesky").bounding_box()
        assert link
        assert field
        assert line
        assert link["height"] == line["height"], "the name is not broken"
        assert field["y"] < link["y"] + link["height"] / 2 < field["y"] + field["height"]
        first, second = (link, field) if direction == "ltr" else (field, link)
        assert 0 <= second["x"] - first["x"] - first["width"] < 20
        assert field["width"] > 130


async def test_the_address_is_copied_and_so_is_a_comments(demo: Demo, hosts: Hosts) -> None:
    reader = await hosts.reader(permissions=["clipboard-read", "clipboard-write"])
    page = await hosts.open(demo.story().snippet, reader=reader)
    await open_options(page)
    await page.get_by_role("button", name="Copy link").click()
    await expect(page.get_by_text("Link copied.")).to_be_visible()
    assert await clipboard_text(hosts, page) == page.url
    await page.get_by_role("button", name="Sort, share, privacy").click()
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
    await open_options(page)
    await page.get_by_role("button", name="Copy link").click()
    await expect(page.get_by_text("Link copied.")).to_be_visible()
    assert await clipboard_text(hosts, page) == page.url
    await expect(page.get_by_role("button", name="Copy link")).to_be_focused()
    await expect(page.get_by_role("textbox", name="Copy link")).to_have_count(0)
    # If that is forbidden, too, the address is shown to be copied by hand.
    await page.evaluate("document.addEventListener('copy', (event) => event.preventDefault())")
    await page.evaluate("document.execCommand = () => false")
    for _ in range(2):
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
    await open_options(frame)
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
    await open_options(page)
    await expect(page.get_by_role("button", name="Send to…")).to_have_count(0)

    sheet = (
        "window.shared = []; navigator.canShare = () => {answer};"
        " navigator.share = async (data) => {{ shared.push(data); throw new DOMException('', 'AbortError') }}"
    )
    page = await hosts.page(await hosts.reader())
    await page.add_init_script(sheet.format(answer="true"))
    await hosts.open(story.snippet, page=page)
    await open_options(page)
    await page.get_by_role("button", name="Send to…").click()
    await eventually(lambda: page.evaluate("shared.length === 1"), "the sheet was opened")
    assert await page.evaluate("shared[0]") == {"title": TITLE, "url": page.url}

    page = await hosts.page(await hosts.reader())
    await page.add_init_script(sheet.format(answer="false"))
    await hosts.open(story.snippet, page=page)
    await open_options(page)
    await expect(page.get_by_role("button", name="Send to…")).to_have_count(0)
