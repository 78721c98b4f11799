"""Connections that stall, break or die silently: actions count once and are not lost."""

import asyncio
import json
import secrets
import urllib.request
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, Route, WebSocketRoute, expect

from tests.browser.actions import article, comment, expect_reaction, more, reaction, readers, unsent
from tests.browser.conftest import Demo, Hosts, Story
from tests.faults.proxy import Proxy
from tests.waiting import SLOWNESS, eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NETWORK_ERRORS = ["Failed to load resource", "WebSocket connection to", "Access to "]
UNSENT = "Not sent yet. Trying again…"
SLOW_TIMEOUT_MS = 30_000 * SLOWNESS


@pytest_asyncio.fixture(loop_scope="session")
async def proxy(demo: Demo) -> AsyncIterator[Proxy]:
    """Run a proxy in front of the demo that can stall."""
    proxy = await Proxy(demo.port).start()
    yield proxy
    await proxy.close()


def snippet_through(proxy: Proxy, demo: Demo, story: Story) -> str:
    """Return the story's snippet with the proxy's address."""
    return story.snippet.replace(demo.server, f"http://localhost:{proxy.port}")


def counts(story: Story) -> dict[str, int]:
    """Return the story's reaction counts above zero."""
    url = f"{story.server}/v1/stories/{story.code}"
    with urllib.request.urlopen(url, timeout=10) as answer:
        tally = json.load(answer)["tally"]["counts"]
    return {key: n for key, n in tally.items() if n}


def texts(story: Story) -> list[str]:
    """Return the texts of the story's comments, newest first."""
    url = f"{story.server}/v1/stories/{story.code}"
    with urllib.request.urlopen(url, timeout=10) as answer:
        threads = json.load(answer)["comments"]["threads"]
    return [thread["text"][0][2] if thread["text"] else "" for thread in threads]


def post(story: Story, body: str) -> None:
    """Post a comment as another reader."""
    action = {"type": "comment", "token": story.token, "story": story.code, "body": body}
    request = urllib.request.Request(
        f"{story.server}/v1/actions",
        json.dumps({**action, "key": secrets.token_hex(8)}).encode(),
        {"Content-Type": "text/plain"},
    )
    urllib.request.urlopen(request, timeout=10).close()


async def pass_time(page: Page, seconds: int) -> None:
    """Advance the page's clock in steps, with real time between them for replies."""
    for _ in range(seconds):
        await page.clock.run_for(1_000)
        await asyncio.sleep(0.02)


# Reader actions ---------------------------------------------------------------------------------


@pytest.mark.parametrize("learnt", [True, False])
async def test_a_reaction_counts_once_however_often_it_is_tapped_on_a_stalled_connection(
    demo: Demo, hosts: Hosts, proxy: Proxy, learnt: bool
) -> None:
    hosts.expected += NETWORK_ERRORS
    story = demo.story()
    story.react("sad")
    page = await hosts.page(await hosts.reader())
    await page.clock.install()
    await hosts.open(snippet_through(proxy, demo, story), page=page)
    await readers(page, 1)
    if learnt:
        async with page.expect_response("**/*-live.js"):
            await reaction(page, "Happy").hover()
    proxy.hang()
    for name in ("Sad", "Happy", "Sad"):
        await reaction(page, name).click()
    note = page.get_by_role("alert").filter(has_text=UNSENT)
    await pass_time(page, 3)
    await expect(note).to_be_visible()
    await expect_reaction(page, "Sad", 2, own=True)
    # Longer than the timeouts of the socket and of the request after it.
    await pass_time(page, 30)
    await expect(note).to_be_visible()
    proxy.flow()
    for _ in range(30):
        await pass_time(page, 1)
        if not await note.is_visible():
            break
    await expect(note).to_be_hidden()
    await expect_reaction(page, "Sad", 2, own=True)
    await eventually(lambda: counts(story) == {"sad": 2}, "the last choice, once")
    # The reader can remove the reaction again.
    await reaction(page, "Sad").click()
    await eventually(lambda: counts(story) == {"sad": 1}, "the reaction is removed")
    await expect_reaction(page, "Sad", 1, own=False)


async def test_a_reaction_without_a_reply_is_sent_after_a_reload(
    demo: Demo, hosts: Hosts, proxy: Proxy
) -> None:
    hosts.expected += NETWORK_ERRORS
    story = demo.story()
    page = await hosts.open(snippet_through(proxy, demo, story))
    await readers(page, 1)
    proxy.hang()
    # The stalled connection also delays the part `live`, which sends the reaction.
    await reaction(page, "Sad").click()
    await expect(page.get_by_role("alert").filter(has_text=UNSENT)).to_be_visible()
    stored = await page.evaluate("JSON.parse(Object.values(localStorage)[0]).unsent")
    assert stored == {story.code: "sad"}
    proxy.cut()
    proxy.flow()
    await page.reload()
    await expect_reaction(page, "Sad", 1, own=True)
    await expect(page.get_by_role("alert").filter(has_text=UNSENT)).to_have_count(0)
    await eventually(lambda: counts(story) == {"sad": 1}, "it is counted")
    await page.reload()
    await expect_reaction(page, "Sad", 1, own=True)
    assert counts(story) == {"sad": 1}


async def test_without_a_connection_reactions_are_kept_and_the_last_choice_is_sent(
    demo: Demo, hosts: Hosts
) -> None:
    hosts.expected += NETWORK_ERRORS
    story = demo.story()
    page = await hosts.open(story.snippet)
    await readers(page, 1)
    await page.context.set_offline(True)
    await page.evaluate(
        "dispatchEvent(new Event('pagehide'))"
    )  # In a tunnel the socket closes, too.
    for name in ("Sad", "Happy", "Happy", "Thinking"):
        await reaction(page, name).click()
    note = page.get_by_role("alert").filter(has_text=UNSENT)
    await expect(note).to_be_visible()
    await expect_reaction(page, "Thinking", 1, own=True)
    assert counts(story) == {}
    await page.context.set_offline(False)
    await expect(note).to_be_hidden(timeout=SLOW_TIMEOUT_MS)
    await expect_reaction(page, "Thinking", 1, own=True)
    await eventually(lambda: counts(story) == {"thinking": 1}, "the last choice, once")


async def test_two_actions_whose_replies_are_lost_belong_to_one_reader(
    demo: Demo, hosts: Hosts
) -> None:
    hosts.expected += NETWORK_ERRORS
    story = demo.story()
    page = await hosts.page(await hosts.reader())
    lose = True

    async def lose_answer(route: Route) -> None:
        await route.fetch()
        await (route.abort() if lose else route.continue_())

    await page.route("**/v1/actions", lose_answer)
    await page.route_web_socket("**/v1/live", lambda socket: socket.close())
    await hosts.open(story.snippet, page=page)
    await reaction(page, "Sad").click()
    await eventually(lambda: counts(story) == {"sad": 1}, "the first arrived")
    await comment(page, "Counted once")
    await unsent(page, "Counted once").wait_for()
    await reaction(page, "Happy").click()
    lose = False
    await page.evaluate("dispatchEvent(new Event('online'))")
    await expect(unsent(page)).to_have_count(0, timeout=SLOW_TIMEOUT_MS)
    await expect(article(page, "Counted once")).to_have_count(1)
    await eventually(
        lambda: counts(story) == {"happy": 1}, "one reader, one reaction", SLOW_TIMEOUT_MS
    )
    assert texts(story) == ["Counted once"]
    await more(page, "Counted once", "Edit")  # The comment is the reader's own.


async def test_edits_deletions_and_comment_reactions_are_kept_without_a_connection(
    demo: Demo, hosts: Hosts, proxy: Proxy
) -> None:
    hosts.expected += NETWORK_ERRORS
    story = demo.story()
    page = await hosts.page(await hosts.reader())
    await page.clock.install()
    await hosts.open(snippet_through(proxy, demo, story), page=page)
    for text in ("To be deleted", "To be changed"):
        await comment(page, text)
        await expect(article(page, text)).to_be_focused()
    changed = article(page, "To be changed")
    # Load the part with the menu before the connection is lost.
    await article(page, "To be deleted").get_by_role("button", name="More about").click()
    await expect(page.get_by_role("button", name="Copy link")).to_be_focused()
    await page.keyboard.press("Escape")
    await changed.get_by_role("button", name="React").click()
    # Its part is loaded before the connection is lost, too.
    await expect(changed.get_by_role("button", name="Thinking")).to_be_visible()
    proxy.hang()
    await changed.get_by_role("button", name="Thinking").click()
    await more(page, "To be changed", "Edit")
    await changed.get_by_role("textbox").fill("Changed")
    await changed.get_by_role("button", name="Save").click()
    await more(page, "To be deleted", "Delete")
    await pass_time(page, 50)
    await expect(unsent(page, "Changed")).to_be_visible()
    await expect(unsent(page, "Comment deleted.")).to_be_visible()
    proxy.flow()

    async def done() -> bool:
        await pass_time(page, 2)
        return await unsent(page).count() == 0

    await eventually(done, "all is sent", SLOW_TIMEOUT_MS)
    await eventually(lambda: texts(story) == ["Changed", ""], "edit and deletion are stored")
    await expect(article(page, "Changed").get_by_role("button", name="Thinking, 1")).to_be_visible()


async def test_a_reaction_to_a_comment_is_shown_as_unsent_until_it_is_sent_also_after_a_reload(
    demo: Demo, hosts: Hosts
) -> None:
    hosts.expected += NETWORK_ERRORS
    story = demo.story()
    post(story, "Words to react to")
    page = await hosts.page(await hosts.reader())
    # Without a socket no other message redraws the comment.
    await page.add_init_script(
        "Object.defineProperty(navigator, 'connection', { value: { saveData: true } })"
    )
    await page.route("**/v1/actions", lambda route: route.abort())
    await hosts.open(story.snippet, page=page)
    chosen = article(page, "Words to react to")
    await chosen.get_by_role("button", name="React").click()
    await chosen.get_by_role("button", name="Sad").click()
    status = page.get_by_role("status").filter(has_text=UNSENT)
    await expect(status).to_be_visible()
    await page.reload()
    own = chosen.get_by_role("button", name="Sad, 1")
    await expect(own).to_have_attribute("aria-pressed", "true")
    await expect(status).to_be_visible()
    await page.unroute_all()
    await page.evaluate("dispatchEvent(new Event('online'))")
    await expect(status).to_have_count(0, timeout=SLOW_TIMEOUT_MS)
    await expect(own).to_have_attribute("aria-pressed", "true")


async def test_a_deletion_is_not_lost_with_the_page(demo: Demo, hosts: Hosts) -> None:
    hosts.expected += NETWORK_ERRORS
    story = demo.story()
    page = await hosts.open(story.snippet)
    await comment(page, "Shall go")
    await expect(article(page, "Shall go")).to_be_focused()
    await more(page, "Shall go", "Delete")
    await page.get_by_text("Deleted.").wait_for()
    await page.route("**/v1/actions", lambda route: route.abort())
    await page.context.set_offline(True)
    await page.evaluate("dispatchEvent(new Event('pagehide'))")
    await page.context.set_offline(False)
    await page.unroute("**/v1/actions")
    await page.reload()
    await eventually(lambda: texts(story) == [""], "it is deleted")


async def test_a_comment_without_a_reply_is_posted_once_from_two_tabs(
    demo: Demo, hosts: Hosts
) -> None:
    hosts.expected += NETWORK_ERRORS
    story = demo.story()
    reader = await hosts.reader()
    page = await hosts.page(reader)

    async def never_answer(route: Route) -> None:
        await route.fetch()

    await page.route("**/v1/actions", never_answer)
    await page.route_web_socket("**/v1/live", lambda socket: socket.close())
    await hosts.open(story.snippet, page=page)
    await comment(page, "Posted once")
    await eventually(lambda: texts(story) == ["Posted once"], "it arrived")
    # Without a confirmation the text is still in the field, also in another tab.
    other = await hosts.open(story.snippet, reader=reader)
    box = other.get_by_role("textbox", name="Your comment")
    await expect(box).to_have_value("Posted once")
    await other.get_by_role("button", name="Post", exact=True).click()
    await expect(box).to_have_value("")
    assert texts(story) == ["Posted once"]
    await page.unroute_all(behavior="ignoreErrors")
    await page.reload()
    await expect(article(page, "Posted once")).to_have_count(1)
    await expect(unsent(page)).to_have_count(0)
    assert texts(story) == ["Posted once"]


# Live updates ------------------------------------------------------------------------------------


def policy(server: str) -> dict[str, str]:
    """Return a policy that allows requests but no WebSockets."""
    return {"Content-Security-Policy": f"script-src {server}; connect-src {server}"}


THROWS = "<script>window.WebSocket = class { constructor() { throw new Error('no') } }</script>"
SAVES = (
    "<script>Object.defineProperty(navigator, 'connection', { value: { saveData: true } })</script>"
)


@pytest.mark.parametrize("how", ["policy", "throws", "saves", 502, 431, 429])
async def test_with_blocked_sockets_and_streams_a_passive_reader_gets_changes_within_half_a_minute(
    demo: Demo, hosts: Hosts, proxy: Proxy, how: str | int
) -> None:
    hosts.expected += [
        *NETWORK_ERRORS,
        "Loading the image",
        "Connecting to 'ws://",
        "story-widget: ",
    ]
    story = demo.story()
    page = await hosts.page(await hosts.reader())
    await page.clock.install()
    proxy.keep_back_streams = True
    server = f"http://localhost:{proxy.port}"
    body = snippet_through(proxy, demo, story)
    if isinstance(how, int):
        proxy.refuse_handshakes = b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % how
    await hosts.open(
        body,
        page=page,
        headers=policy(server) if how == "policy" else {},
        head={"throws": THROWS, "saves": SAVES}.get(str(how), ""),
    )
    await page.get_by_text("No comments yet").wait_for()
    # Wait until both attempts to open a socket have failed, and both to open a stream.
    await pass_time(page, 40)
    assert len(proxy.streams) == (0 if how == "saves" else 2)
    post(story, "News")
    await pass_time(page, 30)
    await expect(page.get_by_role("button", name="1 new comment")).to_be_visible()


async def test_a_connection_that_died_silently_is_detected_within_a_minute(
    demo: Demo, hosts: Hosts, proxy: Proxy
) -> None:
    hosts.expected += NETWORK_ERRORS
    story = demo.story()
    page = await hosts.page(await hosts.reader())
    await page.clock.install()
    sockets: list[None] = []
    page.on("websocket", lambda _: sockets.append(None))
    await hosts.open(snippet_through(proxy, demo, story), page=page)
    await readers(page, 1)
    post(story, "Heard")
    await page.get_by_role("button", name="1 new comment").wait_for()
    proxy.blackhole()
    post(story, "Unheard")
    await pass_time(page, 62)
    await expect(page.get_by_role("button", name="2 new comments")).to_be_visible()
    assert len(sockets) == 2
    await page.get_by_role("button", name="2 new comments").click()
    await expect(page.get_by_role("article")).to_have_count(2)
    # The new connection replies and stays open.
    await pass_time(page, 130)
    assert len(sockets) == 2


async def test_a_dead_connection_is_detected_as_soon_as_the_page_is_visible_again(
    demo: Demo, hosts: Hosts, proxy: Proxy
) -> None:
    hosts.expected += NETWORK_ERRORS
    story = demo.story()
    page = await hosts.open(snippet_through(proxy, demo, story))
    await readers(page, 1)
    show = "value => { Object.defineProperty(document, 'hidden', { value, configurable: true });"
    show += " document.dispatchEvent(new Event('visibilitychange')) }"
    await page.evaluate(show, True)
    proxy.blackhole()
    post(story, "Unheard")
    await page.evaluate(show, False)
    pill = page.get_by_role("button", name="1 new comment")
    await expect(pill).to_be_visible(timeout=8_000 * SLOWNESS)


async def test_a_hidden_page_sends_nothing(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    page = await hosts.page(await hosts.reader())
    await page.clock.install()
    sent: list[str] = []

    def listen(route: WebSocketRoute) -> None:
        server = route.connect_to_server()

        def pass_on(frame: str | bytes) -> None:
            sent.append(json.loads(frame)["type"])
            server.send(frame)

        route.on_message(pass_on)

    await page.route_web_socket("**/v1/live", listen)
    await hosts.open(story.snippet, page=page)
    await readers(page, 1)
    await page.evaluate(
        "Object.defineProperty(document, 'hidden', { value: true });"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    await pass_time(page, 58)
    assert sent == ["subscribe", "visible"]


async def test_a_story_whose_subscription_fails_without_a_token_is_polled(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    page = await hosts.page(await hosts.reader())
    await page.clock.install()
    tried: list[WebSocketRoute] = []

    def reject(route: WebSocketRoute) -> None:
        tried.append(route)

        def answer(frame: str | bytes) -> None:
            ref = json.loads(frame)["ref"]
            route.send(
                json.dumps({"type": "error", "ref": ref, "code": "malformed", "detail": "No."})
            )

        route.on_message(answer)

    await page.route_web_socket("**/v1/live", reject)
    await hosts.open(story.snippet, page=page)
    await page.get_by_text("No comments yet").wait_for()
    for _ in range(30):
        await pass_time(page, 10)
        if tried:
            # The server closes sockets without a subscription like this.
            await tried[-1].close(code=4408)
    assert len(tried) == 2
    post(story, "News")
    await pass_time(page, 31)
    await expect(page.get_by_role("button", name="1 new comment")).to_be_visible()
