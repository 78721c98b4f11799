"""Unusual host pages: strict policies, no storage, no WebSocket, several widgets, scripts loaded twice."""

import pytest
from playwright.async_api import Page, Request, WebSocketRoute, expect

from tests.browser.actions import article, comment, expect_reaction, reaction, readers
from tests.browser.conftest import Demo, Hosts
from tests.browser.host_pages import policy
from tests.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_the_embed_works_under_the_strictest_policy(demo: Demo, hosts: Hosts) -> None:
    hosts.expected += ["Loading the image 'data:,'"]
    story = demo.story()
    page = await hosts.open(story.snippet, headers=policy(demo.server))
    other = await hosts.open(story.snippet, site=1)
    await readers(other, 2)
    await reaction(page, "Happy").click()
    await expect_reaction(other, "Happy", 1, own=False)
    await comment(page, "Written under a **strict** policy", Name="Ana")
    await expect(article(page, "strict policy")).to_be_focused()
    pill = other.get_by_role("button", name="1 new comment")
    await expect(pill).to_be_visible()
    width = await reaction(page, "Happy").evaluate("button => button.getBoundingClientRect().width")
    plain = await reaction(other, "Happy").evaluate(
        "button => button.getBoundingClientRect().width"
    )
    assert width == plain


def pending_requests(page: Page) -> set[Request]:
    """Record the page's requests that have no response yet."""
    pending: set[Request] = set()

    # Playwright accepts functions only, no methods of a set.
    def begun(request: Request) -> None:
        pending.add(request)

    def ended(request: Request) -> None:
        pending.discard(request)

    page.on("request", begun)
    page.on("requestfinished", ended)
    page.on("requestfailed", ended)
    return pending


async def test_without_a_socket_and_a_stream_everything_but_push_works(
    demo: Demo, hosts: Hosts
) -> None:
    hosts.expected += ["Loading the image 'data:,'", "Connecting to 'ws://", "story-widget: "]
    hosts.expected.append("Failed to load resource")
    story = demo.story()
    page = await hosts.page(await hosts.reader())
    await page.clock.install()
    await page.route("**/events?*", lambda route: route.abort())
    pending = pending_requests(page)

    passed_s = 0

    async def pass_ten_seconds() -> None:
        nonlocal passed_s
        passed_s += 10
        # The page's timeouts use the fake clock: let each request finish before advancing it.
        for _ in range(10):
            await page.clock.run_for(1_000)
            await eventually(lambda: not pending, "the server has answered")

    await hosts.open(story.snippet, page=page, headers=policy(demo.server, socket=False))
    await reaction(page, "Happy").click()
    await expect_reaction(page, "Happy", 1, own=True)
    await comment(page, "By post", Name="Ana")
    await expect(article(page, "By post")).to_be_focused()

    def is_logged() -> bool:
        return any(text.startswith("story-widget: ") for text in hosts.console)

    # The browser reports violations in real time: do not advance the clock before that.
    await eventually(is_logged, "the owner's message is logged after the second attempt")
    other = await hosts.open(story.snippet, site=1)
    await reaction(other, "Sad").click()
    await comment(other, "By socket")
    await expect(article(other, "By socket")).to_be_focused()

    async def news() -> bool:
        await pass_ten_seconds()
        return await page.get_by_role("button", name="1 new comment").is_visible()

    await eventually(news, "the page polled the comment")
    await expect_reaction(page, "Sad", 1, own=False)
    await page.get_by_role("button", name="1 new comment").click()
    await expect(article(page, "By socket")).to_be_visible()
    # A reaction to a comment does not change the discussion: it arrives as a tally.
    await article(other, "By socket").get_by_role("button", name="React").click()
    await article(other, "By socket").get_by_role("button", name="Thinking").click()

    async def counted() -> bool:
        await pass_ten_seconds()
        react = article(page, "By socket").get_by_role("button", name="Thinking, 1")
        return await react.is_visible()

    await eventually(counted, "the page polled the reaction")
    for _ in range(30):
        await pass_ten_seconds()
    # Two attempts, then one in ten minutes: each logs an error to the console.
    attempts = [text for text in hosts.console if text.startswith("Connecting to 'ws://")]
    assert 2 <= len(attempts) <= 2 + passed_s / 600
    # One console message for the page's owner: the directive to add.
    messages = [text for text in hosts.console if text.startswith("story-widget: ")]
    assert len(messages) == 1
    assert f"connect-src {demo.server} {demo.server.replace('http', 'ws', 1)}" in messages[0]
    await page.reload()
    await expect_reaction(page, "Happy", 1, own=True)


async def test_in_a_sandboxed_iframe_without_storage_a_reader_reacts_and_posts(
    demo: Demo, hosts: Hosts
) -> None:
    frame = demo.story().snippet.replace("&", "&amp;").replace('"', "&quot;")
    page = await hosts.open(
        f'<iframe sandbox="allow-scripts" srcdoc="{frame}" width="600" height="800"></iframe>'
    )
    inside = page.frame_locator("iframe")
    await reaction(inside, "Happy").click()
    await expect_reaction(inside, "Happy", 1, own=True)
    await comment(inside, "From the sandbox", Name="Ana")
    await expect(article(inside, "From the sandbox")).to_be_focused()
    await inside.get_by_role("button", name="More about").click()
    await expect(inside.get_by_role("button", name="Copy link")).to_be_focused()
    await expect(inside.get_by_role("button", name="Edit")).to_be_visible()
    await reaction(inside, "Happy").click()
    await expect_reaction(inside, "Happy", 0, own=False)


async def test_several_widgets_share_one_socket_and_the_script_may_be_loaded_twice(
    demo: Demo, hosts: Hosts
) -> None:
    one, two = demo.story(), demo.story()
    page = await hosts.page(await hosts.reader())
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    body = (
        one.anchor
        + two.anchor
        + f'<a href="{one.link}">an ordinary link</a>'
        + '<a class="story-widget" href="https://publisher.example/about">not a story</a>'
        + f'<story-widget src="{one.link}" token="{one.token}"></story-widget>'
        + f'<script async src="{demo.server}/embed.js" data-story="{two.code}" '
        + f'data-widget-token="{two.token}"></script>'
        + one.script
        + one.script
    )
    await hosts.open(body, page=page)
    await expect(page.locator("story-widget")).to_have_count(4)
    await expect(reaction(page, "Happy")).to_have_count(4)
    await expect(page.get_by_role("link", name="an ordinary link")).to_be_visible()
    await expect(page.get_by_role("link", name="not a story")).to_be_visible()
    await reaction(page, "Happy").first.click()
    # Before a story's first reaction its buttons show no number.
    for index, name in enumerate(("Happy 1", "Happy", "Happy 1", "Happy")):
        await expect(reaction(page, "Happy").nth(index)).to_have_accessible_name(name)
    await reaction(page, "Sad").nth(1).click()
    await expect(reaction(page, "Sad").nth(3)).to_have_attribute("aria-pressed", "true")
    assert len(sockets) == 1
    # Without a snippet the embed adds the attribution to the page itself.
    credit = page.locator("story-widget > p[slot=credit]")
    await expect(credit).to_have_count(2)
    await expect(credit.first.get_by_role("link", name="A title with")).to_have_attribute(
        "href", "https://publisher.example/story"
    )
    await expect(credit.first.locator("a[rel=license]")).to_have_count(1)


async def test_single_page_applications_add_and_remove_widgets(demo: Demo, hosts: Hosts) -> None:
    one, two = demo.story(), demo.story()
    page = await hosts.open('<div id="app"></div>' + one.script)
    await page.evaluate("html => { app.innerHTML = html }", one.anchor)
    await reaction(page, "Happy").click()
    await expect_reaction(page, "Happy", 1, own=True)
    await page.evaluate("document.body.prepend(document.querySelector('story-widget'))")
    await expect_reaction(page, "Happy", 1, own=True)
    await page.locator("story-widget").evaluate(
        "(widget, [src, token]) => { widget.setAttribute('token', token);"
        " widget.setAttribute('src', src) }",
        [two.link, two.token],
    )
    await expect_reaction(page, "Happy", 0, own=False)
    await page.evaluate("document.querySelector('story-widget').remove()")
    await page.evaluate("html => { app.innerHTML = html }", one.anchor)
    await expect_reaction(page, "Happy", 1, own=True)


async def test_a_widget_removed_while_its_socket_opens_leaves_no_socket_and_no_error(
    demo: Demo, hosts: Hosts
) -> None:
    page = await hosts.page(await hosts.reader())
    await page.add_init_script(
        "window.opened = []; window.WebSocket = class extends WebSocket { constructor(...where) {"
        " super(...where); opened.push(this);"
        " queueMicrotask(() => document.querySelector('story-widget').remove()) } }"
    )
    story = demo.story()
    await hosts.open('<div id="app"></div>' + story.script, page=page)
    for number in (1, 2):
        await page.evaluate("html => { app.innerHTML = html }", story.anchor)
        await page.wait_for_function(
            "n => opened.length === n && opened.every(({ readyState }) => readyState === 3)",
            arg=number,
        )


async def test_messages_missed_while_the_socket_was_closed_arrive_once(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    page = await hosts.page(await hosts.reader())
    sockets: list[WebSocketRoute] = []

    def pass_on(route: WebSocketRoute) -> None:
        route.connect_to_server()
        sockets.append(route)

    await page.route_web_socket("**/v1/live", pass_on)
    await hosts.open(story.snippet, page=page)
    other = await hosts.open(story.snippet, site=1)
    await readers(page, 2)
    await sockets[0].close(code=1012)
    await comment(other, "Said while away")
    await reaction(other, "Sad").click()
    await expect_reaction(other, "Sad", 1, own=True)
    await page.get_by_role("button", name="1 new comment").click(timeout=20_000)
    await expect(article(page, "Said while away")).to_have_count(1)
    await expect_reaction(page, "Sad", 1, own=False)
    assert len(sockets) == 2


async def test_a_story_unknown_to_the_server_is_created_by_its_first_reader(
    demo: Demo, hosts: Hosts
) -> None:
    hosts.expected += ["Failed to load resource: the server responded with a status of 404"]
    page = await hosts.open(demo.story(known=False).snippet)
    await reaction(page, "Happy").click()
    await expect_reaction(page, "Happy", 1, own=True)
