"""Data stored about the reader, with unusual pages, storage and clocks."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import Page, WebSocketRoute, expect

from tests.browser.actions import article, comment, expect_reaction, more, reaction, readers, unsent
from tests.browser.conftest import Demo, Hosts
from tests.browser.page_metrics import post_comments
from tests.waiting import SLOWNESS, eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SLOW_TIMEOUT_MS = 30_000 * SLOWNESS
NETWORK_ERRORS = ["Failed to load resource", "WebSocket connection to"]
FILL = """
let s = "x".repeat(1 << 20), i = 0;
while (s.length) try { localStorage.setItem("junk" + i++, s) } catch { s = s.slice(0, s.length >> 1) }
"""
#: The stored names that docs/users/embed.md lists.
STORED_NAMES = {
    "reader",
    "first",
    "name",
    "reactions",
    "unsent",
    "muted",
    "drafts",
    "last",
    "queue",
}
#: `toJSON` methods as Prototype 1.6 and MooTools add them to every page.
OLD_LIBRARY = """<script>
Array.prototype.toJSON = function () { return "[" + this.map(JSON.stringify).join(", ") + "]" };
Object.prototype.toJSON = function () { return "an object" };
Date.prototype.toJSON = function () { return '"a date"' };
Array.prototype.reduce = function () { return this.length > 1 ? this : this[0] };
Array.prototype.each = Array.prototype._each = Array.prototype.forEach;
Array.prototype.find = function (f) { return this.filter(f)[0] };
Array.prototype.clone = function () { return [...this] };
Array.prototype.remove = Array.prototype.foo = 1;
Array.from = window.$A = (list) => list ? [...list] : [];
Object.prototype.extend = function () { return this };
Object.keys = function (object) { const names = []; for (const name in object) if (object.hasOwnProperty(name)) names.push(name); return names };
Function.prototype.bind = function (object, ...first) { const f = this; return function (...rest) { return f.apply(object, first.concat(rest)) } };
String.prototype.startsWith = function (start) { return this.lastIndexOf(start, 0) === 0 };
Element.addMethods = () => 0;
</script>"""


async def stored_entry(page: Page) -> dict[str, Any]:
    """Return the widget's storage entry."""
    text = await page.evaluate(
        "localStorage[Array.prototype.filter.call(Object.getOwnPropertyNames(localStorage),"
        " (name) => name.indexOf('story-widget') === 0)[0]] ?? '{}'"
    )
    content: dict[str, Any] = json.loads(text)
    return content


async def test_data_that_full_storage_rejects_is_kept_in_memory_and_sent(
    demo: Demo, hosts: Hosts
) -> None:
    hosts.expected += NETWORK_ERRORS
    story = demo.story()
    post_comments(story, [{"body": "Tiresome", "name": "Troll"}])
    page = await hosts.open(story.snippet)
    await reaction(page, "Sad").click()
    await expect_reaction(page, "Sad", 1, own=True)
    await eventually(lambda: stored_entry(page), "an older entry is there")
    await page.evaluate(FILL)
    box = page.get_by_role("textbox", name="Your comment")
    await box.fill("From the full shelf " + "x" * 2_000)
    await page.get_by_role("textbox", name="Name").fill("Ana")
    await page.context.set_offline(True)
    await page.get_by_role("button", name="Post", exact=True).click()
    await unsent(page, "From the full shelf").wait_for()
    await expect(box).to_have_value("")
    await page.context.set_offline(False)
    posted = article(page, "From the full shelf")
    await expect(unsent(page)).to_have_count(0, timeout=SLOW_TIMEOUT_MS)
    await expect(posted).to_have_count(1)
    # The reader token, the draft and the muted authors are kept in memory as well.
    await reaction(page, "Happy").click()
    await expect_reaction(page, "Happy", 1, own=True)
    await expect_reaction(page, "Sad", 0, own=False)
    await more(page, "Tiresome", "Mute Troll")
    await expect(article(page, "Tiresome")).to_have_count(0)
    await posted.get_by_role("button", name="Reply").click()
    answer = page.get_by_role("textbox", name="Your reply to Ana")
    await expect(answer).to_be_focused()
    await page.evaluate(
        "for (const name of Object.keys(localStorage)) if (/^junk/.test(name)) delete localStorage[name]"
    )
    await answer.fill("Half a thought")
    # The embed writes all fields as soon as storage has space.
    content = await stored_entry(page)
    assert content["muted"] == ["Troll"]
    assert content["reactions"] == {story.code: "happy"}
    assert list(content["drafts"].values()) == ["Half a thought"]
    assert content["reader"].startswith("r1.")


async def test_a_new_reader_stays_the_same_reader_with_full_storage(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    page = await hosts.open(story.snippet)
    await page.evaluate(FILL)
    for name in ("Sad", "Happy"):
        await reaction(page, name).click()
        await expect_reaction(page, name, 1, own=True)
    await expect_reaction(page, "Sad", 0, own=False)


async def test_in_a_page_with_an_old_library_data_is_stored_under_the_documented_names(
    demo: Demo, hosts: Hosts
) -> None:
    hosts.expected += NETWORK_ERRORS
    story = demo.story()
    post_comments(story, [{"body": "Tiresome", "name": "Troll"}])
    page = await hosts.open(story.snippet, head=OLD_LIBRARY)
    await reaction(page, "Sad").click()
    await expect_reaction(page, "Sad", 1, own=True)
    await comment(page, "Said in an old page", Name="Ana")
    await expect(article(page, "Said in an old page")).to_be_focused()
    await more(page, "Tiresome", "Mute Troll")
    await article(page, "Said in an old page").get_by_role("button", name="React").click()
    await article(page, "Said in an old page").get_by_role("button", name="Happy").click()
    await article(page, "Said in an old page").get_by_role("button", name="Happy, 1").wait_for()
    await page.get_by_role("textbox", name="Your comment").fill("Half a thought")
    await page.context.set_offline(True)
    await article(page, "Said in an old page").get_by_role("button", name="Reply").click()
    await page.get_by_role("textbox", name="Your reply to Ana").fill("From the tunnel")
    await page.get_by_role("textbox", name="Your reply to Ana").press("Control+Enter")
    await unsent(page, "From the tunnel").wait_for()
    content = await stored_entry(page)
    assert set(content) <= STORED_NAMES
    assert content["muted"] == ["Troll"]
    assert content["name"] == "Ana"
    assert content["reactions"] == {story.code: "sad"}
    assert content["drafts"] == {f"{story.code} ": "Half a thought"}
    assert [each["body"] for each in content["queue"]] == ["From the tunnel"]
    await page.context.set_offline(False)
    await page.reload()
    await expect_reaction(page, "Sad", 1, own=True)
    await expect(unsent(page)).to_have_count(0, timeout=SLOW_TIMEOUT_MS)
    await expect(article(page, "From the tunnel")).to_have_count(1)
    await expect(article(page, "Tiresome")).to_have_count(0)
    box = page.get_by_role("textbox", name="Your comment")
    await expect(box).to_have_value("Half a thought")


async def test_text_typed_before_the_writing_part_loads_is_a_draft(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    page = await hosts.page(await hosts.reader())
    held: list[Callable[[], Any]] = []
    await page.route("**/*-writing.js", lambda route: held.append(route.continue_))
    await hosts.open(story.snippet, page=page)
    box = page.get_by_role("textbox", name="Your comment")
    await box.click()
    await box.press_sequentially("Typed too early")
    await eventually(lambda: held, "the part is requested")
    assert (await stored_entry(page))["drafts"] == {f"{story.code} ": "Typed too early"}
    await held[0]()
    await page.get_by_role("textbox", name="Name").wait_for()
    assert (await stored_entry(page))["drafts"] == {f"{story.code} ": "Typed too early"}
    await page.unroute_all()
    await page.reload()
    await expect(box).to_have_value("Typed too early")


async def test_an_old_draft_is_shown_before_the_writing_part_loads(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    page = await hosts.open(story.snippet)
    box = page.get_by_role("textbox", name="Your comment")
    await box.click()
    await box.press_sequentially("Half a thought")
    held: list[Callable[[], Any]] = []
    await page.route("**/*-writing.js", lambda route: held.append(route.continue_))
    await page.reload()
    await expect(box).to_have_value("Half a thought")
    await box.press_sequentially("!")
    both = {f"{story.code} ": await box.input_value()}
    assert len(both[f"{story.code} "]) == len("Half a thought!")
    assert (await stored_entry(page))["drafts"] == both
    await eventually(lambda: held, "the part is requested")
    await held[0]()
    await page.get_by_role("textbox", name="Name").wait_for()
    assert (await stored_entry(page))["drafts"] == both


async def test_stored_data_is_used_where_reading_needs_a_token(demo: Demo, hosts: Hosts) -> None:
    hosts.expected += ["Failed to load resource"]
    story = demo.story(demo.site("members", "open_reading=off"))
    post_comments(
        story,
        [{"body": "A good word", "name": "Ines"}, {"body": "Tiresome", "name": "Yusuf"}],
    )
    page = await hosts.open(story.snippet)
    await article(page, "Tiresome").wait_for()
    # Store what a page stores that the reader leaves before the reply arrives.
    await page.evaluate(
        "([server, code]) => localStorage.setItem(`story-widget ${server} members`,"
        " JSON.stringify({ muted: ['Yusuf'], unsent: { [code]: 'sad' } }))",
        [story.server, story.code],
    )
    await page.reload()
    await expect_reaction(page, "Sad", 1, own=True)
    await expect(article(page, "A good word")).to_have_count(1)
    await expect(article(page, "Tiresome")).to_have_count(0)

    async def sent() -> bool:
        return "unsent" not in await stored_entry(page)

    await eventually(sent, "the reaction has a reply")


def clock_ahead(minutes: int) -> str:
    """Set the reader's clock ahead by this many minutes."""
    return f"""<script>{{
      const Real = Date, ahead = {minutes * 60_000};
      window.Date = class extends Real {{
        constructor(...given) {{ given.length ? super(...given) : super(Real.now() + ahead) }}
        static now() {{ return Real.now() + ahead }}
      }};
    }}</script>"""


@pytest.mark.parametrize("minutes", [20, -20, 0])
async def test_times_follow_the_servers_clock_not_the_readers(
    demo: Demo, hosts: Hosts, minutes: int
) -> None:
    story = demo.story()
    post_comments(story, [{"body": "Said elsewhere", "name": "Yusuf"}])
    page = await hosts.open(story.snippet, head=clock_ahead(minutes))
    await expect(article(page, "Said elsewhere").locator(".time")).to_have_text("now")
    await comment(page, "Said here")
    await expect(article(page, "Said here")).to_be_focused()
    await expect(article(page, "Said here").locator(".time")).to_have_text("now")
    await more(page, "Said here", "Edit")
    await article(page, "Said here").get_by_role("textbox").fill("Said here, changed")
    await article(page, "Said here").get_by_role("button", name="Save").click()
    await expect(article(page, "Said here, changed")).to_be_focused()


@pytest.mark.parametrize("minutes", [20, -20])
async def test_a_comment_can_be_edited_only_while_the_server_accepts_it(
    demo: Demo, hosts: Hosts, minutes: int
) -> None:
    # The server uses the real clock; only the page's clock advances.
    story = demo.story()
    page = await hosts.page(await hosts.reader())
    await page.clock.install()
    await hosts.open(story.snippet, page=page, head=clock_ahead(minutes))
    await comment(page, "Said here")
    await expect(article(page, "Said here")).to_be_focused()
    await page.clock.fast_forward("14:00")
    await article(page, "Said here").get_by_role("button", name="More about").click()
    await expect(article(page, "Said here").get_by_role("button", name="Edit")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(article(page, "Said here").locator(".time")).to_have_text(
        re.compile("^1[34] minutes ago$")
    )
    await page.clock.fast_forward("01:30")
    await article(page, "Said here").get_by_role("button", name="More about").click()
    await expect(page.get_by_text("You can no longer edit or delete this comment.")).to_be_visible()
    await expect(article(page, "Said here").get_by_role("button", name="Edit")).to_have_count(0)


@pytest.mark.parametrize(
    ("lang", "sent"),
    [
        ("en_US", "en-US"),
        ("zh_CN", "zh-CN"),
        ("de-CH", "de-CH"),
        *((lang, None) for lang in ("{{ lang }}", "x-default", "x-klingon", "en-", "de DE", "")),
    ],
)
async def test_an_invalid_page_language_does_not_prevent_the_discussion(
    demo: Demo, hosts: Hosts, lang: str, sent: str | None
) -> None:
    hosts.expected += NETWORK_ERRORS  # The server does not know the story yet: 404.
    page = await hosts.page(await hosts.reader())
    messages: list[dict[str, Any]] = []

    def listen(route: WebSocketRoute) -> None:
        server = route.connect_to_server()

        def pass_on(frame: str | bytes) -> None:
            messages.append(json.loads(frame))
            server.send(frame)

        route.on_message(pass_on)

    await page.route_web_socket("**/v1/live", listen)
    await hosts.open(demo.story(known=False).snippet, page=page, attributes=f'lang="{lang}"')
    # Only subscribed stories receive presence.
    await readers(page, 1)
    # The server drops what is no language tag.
    assert messages[0].get("lang") == (lang if sent is None else sent)


async def test_an_unusual_page_address_does_not_prevent_the_discussion(
    demo: Demo, hosts: Hosts
) -> None:
    hosts.expected += NETWORK_ERRORS
    page = await hosts.open("")
    address = page.url + "/" + "a" * 2_100
    path = address.split("/", 3)[3]
    story = demo.story(known=False)
    html = f'<!doctype html><html lang="en"><title>Far</title><link rel=icon href="data:,">{story.snippet}'
    hosts.host_sites.pages["/" + path] = (html.encode(), {})
    await page.goto(address)
    await readers(page, 1)


async def test_more_than_fifty_stories_of_a_page_are_all_live(demo: Demo, hosts: Hosts) -> None:
    hosts.expected += NETWORK_ERRORS
    stories = [demo.story(known=False) for _ in range(55)]
    page = await hosts.page(await hosts.reader())
    sockets: list[None] = []
    page.on("websocket", lambda _: sockets.append(None))
    await hosts.open("".join(s.anchor for s in stories) + stories[0].script, page=page)
    widgets = page.locator("story-widget")
    for number in range(55):
        await widgets.nth(number).scroll_into_view_if_needed()
        await readers(widgets.nth(number), 1)
    assert len(sockets) == 2
    last = widgets.nth(54)
    stories[54].react("sad")
    await expect_reaction(last, "Sad", 1, own=False)
    for number in (0, 54):
        await reaction(widgets.nth(number), "Happy").click()
        await expect_reaction(widgets.nth(number), "Happy", 1, own=True)
    stories[0].react("sad")
    await expect_reaction(widgets.nth(0), "Sad", 1, own=False)
