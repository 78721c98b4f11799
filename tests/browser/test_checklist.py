"""Points of docs/developers/checklist.md without a test elsewhere. Each test name has the number of its point."""

import json
import urllib.request
from typing import Any

import pytest
from playwright.async_api import WebSocket, expect

from tests.browser.actions import article, comment, expect_reaction, reaction, readers
from tests.browser.conftest import ROOT, Demo, Hosts
from tests.browser.embed_files import MANIFEST
from tests.browser.page_metrics import SHIFTS, TWO_FRAMES, layout_shifts, post_comments
from tests.browser.widget_states import STYLE
from tests.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_3_below_the_fold_only_the_script_is_requested_until_the_reader_scrolls_near(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    page = await hosts.page(await hosts.reader())
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url.removeprefix(demo.server)))
    await hosts.open('<div style="height: 2700px"></div>' + story.snippet, page=page)
    await page.wait_for_function("document.querySelector('story-widget')?.shadowRoot")
    await page.evaluate(TWO_FRAMES)
    assert [each for each in requests[1:] if not each.startswith("data:")] == ["/embed.js"]
    await page.evaluate("scrollTo(0, 1200)")
    await reaction(page, "Happy").wait_for()
    # With the copy's handle, because a local moderator may hide comments there.
    assert [each.partition("?")[0] for each in requests].count(f"/v1/stories/{story.code}") == 1


async def test_4_without_scripts_the_link_opens_the_discussion_as_a_page(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    post_comments(story, [{"body": "Said in **plain** HTML.", "name": "Ana"}])
    page = await hosts.open(story.snippet, java_script_enabled=False)
    await page.get_by_role("link", name="Discuss this story").click()
    await expect(page.get_by_text("Said in plain HTML.")).to_be_visible()
    await expect(page.get_by_text("Happy")).to_be_visible()


async def test_7_every_page_may_load_the_files_and_pin_them(demo: Demo, hosts: Hosts) -> None:
    pinned = f"/embed/{MANIFEST['file']}"
    story = demo.story()
    lives = {"/embed.js": 3_600, pinned: None, f"/v1/stories/{story.code}": 3_600}
    for path, most in lives.items():
        request = urllib.request.Request(demo.server + path, headers={"Accept-Encoding": "gzip"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            headers = answer.headers
        assert headers["Access-Control-Allow-Origin"] == "*"
        assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Encoding"] == "gzip" or path.startswith("/v1")
        assert headers["Set-Cookie"] is None
        life = int(headers["Cache-Control"].split("max-age=")[1].split(",")[0])
        if most is None:
            assert "immutable" in headers["Cache-Control"]
        else:
            assert life <= most
    script = (
        f'<script async crossorigin src="{demo.server}{pinned}" '
        f'integrity="{MANIFEST["integrity"]}"></script>'
    )
    page = await hosts.open(story.anchor + script)
    await reaction(page, "Happy").click()
    await expect_reaction(page, "Happy", 1, own=True)


async def test_11_bundled_into_another_file_the_script_still_finds_its_server(
    demo: Demo, hosts: Hosts
) -> None:
    ours = (ROOT / "widget_server/static/embed.js").read_text("utf-8")
    story = demo.story()
    head = f"<script>window.before = 1;\n{ours}\n;window.after = 1;</script>"
    page = await hosts.open(story.anchor, head=head)
    await reaction(page, "Happy").click()
    await expect_reaction(page, "Happy", 1, own=True)
    await comment(page, "Concatenated")
    await expect(article(page, "Concatenated")).to_be_focused()


HOSTILE = """<style>
main * { margin: 40px !important; padding: 30px !important; border: 3px dotted red; float: right }
story-widget { margin: 0 !important; padding: 0 !important; border: 0 !important; float: none !important }
button, input, textarea { display: none !important; position: fixed; border-radius: 50% !important }
h2, h3, h4, p, ol, li, article { font: 60px fantasy; list-style: square; text-shadow: 3px 3px red }
span, svg, bdi { visibility: hidden; transform: rotate(9deg); color: lime !important }
.widget, .reaction, .label, .comments, .actions, .comment-text, .secondary, .composer { display: none !important }
</style>"""


PLACE = (
    "position: absolute; inset: 500px auto auto 20px; inline-size: 600px; margin: 0 !important; "
    "padding: 0 !important; border: 0 !important; float: none"
)


async def test_13_styles_of_the_page_do_not_change_the_rendering(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    post_comments(story, [{"body": "A *word*.\n\n> quoted\n\n- one", "name": "Ana"}])
    pictures = []
    pages = []
    for head in ("", HOSTILE):
        page = await hosts.page(await hosts.reader())
        await page.clock.set_fixed_time("2040-01-01T00:00:00Z")
        place = f'<story-widget src="{story.link}" token="{story.token}"><i></i></story-widget>'
        # At the same position in both pages, so that only the content may differ.
        around = f'<div style="{PLACE}">{place}</div>'
        await hosts.open(around + story.script, page=page, head=STYLE + head)
        pages.append(page)
    for page in pages:
        await readers(page, 2)
        pictures.append(await page.locator("story-widget").screenshot(animations="disabled"))
    assert pictures[0] == pictures[1]


async def test_18_no_response_contains_the_identity_of_a_reader(demo: Demo, hosts: Hosts) -> None:
    story = demo.story(demo.site("mail-post", "email=optional"))
    page = await hosts.page(await hosts.reader())
    frames: list[str] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: frames.append(str(frame)))

    page.on("websocket", listen)
    await hosts.open(story.snippet, page=page)
    await readers(page, 1)
    other = await hosts.open(story.snippet, site=1)
    box = other.get_by_role("textbox", name="Your comment")
    await box.click()
    await box.fill("Seen by all")
    await other.get_by_role("textbox", name="Email (never shown)").fill("ana@example.org")
    await box.press("Control+Enter")
    await expect(article(other, "Seen by all")).to_be_focused()
    await reaction(other, "Happy").click()
    await expect_reaction(page, "Happy", 1, own=False)
    own = json.loads(await other.evaluate("localStorage[Object.keys(localStorage)[0]]"))["reader"]
    with urllib.request.urlopen(f"{demo.server}/v1/stories/{story.code}", timeout=10) as answer:
        frames.append(answer.read().decode())
    assert any("Seen by all" in frame for frame in frames)
    agent = await other.evaluate("navigator.userAgent")
    for frame in frames:
        for secret in (own, *own.split(".")[1:], "ana@example.org", "127.0.0.1", agent, "::1"):
            assert secret in ("mail-post", "0", "1") or secret not in frame


async def test_20_a_reader_token_from_one_site_is_worthless_on_another(
    demo: Demo, hosts: Hosts
) -> None:
    story, elsewhere = demo.story(), demo.story(demo.site("other-post"))
    page = await hosts.open(story.snippet)
    await reaction(page, "Happy").click()
    await page.wait_for_function(
        "JSON.parse(localStorage[Object.keys(localStorage)[0]] ?? '{}').reader"
    )
    held: dict[str, Any] = json.loads(
        await page.evaluate("localStorage[Object.keys(localStorage)[0]]")
    )
    action = {"type": "react", "ref": 1, "story": elsewhere.code, "reaction": None}
    action |= {"token": elsewhere.token, "reader": held["reader"]}
    request = urllib.request.Request(
        f"{demo.server}/v1/actions", json.dumps(action).encode(), {"Content-Type": "text/plain"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        # Unknown there: a new reader is created.
        assert json.load(answer)["reader"] != held["reader"]


async def test_24_counts_change_without_announcement_and_without_layout_shift(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    page = await hosts.open(story.snippet, head=SHIFTS)
    other = await hosts.open(story.snippet, site=1)
    await readers(page, 2)
    box = page.get_by_role("textbox", name="Your comment")
    await box.click()
    await page.get_by_role("textbox", name="Name").wait_for()
    await page.locator("story-widget").evaluate(
        """widget => {
          window.announced = [];
          for (const live of widget.shadowRoot.querySelectorAll("[role=status], [role=alert], [aria-live]")) {
            new MutationObserver(() => announced.push(live.textContent))
              .observe(live, { childList: true, characterData: true, subtree: true });
          }
        }"""
    )
    before = await box.bounding_box()
    moved = len(await layout_shifts(page))
    for name in ("Happy", "Sad", "Thinking"):
        await reaction(other, name).click()
        await expect_reaction(page, name, 1, own=False)
    assert await page.evaluate("announced") == []
    await expect(box).to_be_focused()
    assert await box.bounding_box() == before
    assert len(await layout_shifts(page)) == moved


async def test_34_a_hidden_tab_disconnects_after_a_minute_and_gets_missed_comments_once(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    page = await hosts.page(await hosts.reader())
    await page.clock.install()
    sockets: list[WebSocket] = []

    def listen(socket: WebSocket) -> None:
        sockets.append(socket)

    page.on("websocket", listen)
    await hosts.open(story.snippet, page=page)
    await readers(page, 1)
    # A headless page is never hidden: set `document.hidden`.
    turn = """hidden => {
      Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    await page.evaluate(turn, True)
    await page.clock.run_for(59_000)
    assert not sockets[0].is_closed()
    await page.clock.run_for(2_000)
    await eventually(sockets[0].is_closed, "the socket is closed")
    other = await hosts.open(story.snippet, site=1)
    await comment(other, "Missed")
    await expect(article(other, "Missed")).to_be_focused()
    await page.evaluate(turn, False)
    await page.get_by_role("button", name="1 new comment").click()
    await expect(article(page, "Missed")).to_have_count(1)
    assert len(sockets) == 2
