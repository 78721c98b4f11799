"""Cost limits of the widget: layout shift, elements, long tasks, memory."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Browser, Page, WebSocket, expect

from tests.browser.actions import article, comment, expect_reaction, reaction, readers
from tests.browser.conftest import Demo, Hosts, Story
from tests.browser.page_metrics import SHIFTS, layout_shifts, post_comments, tasks
from tests.browser.widget_states import STYLE
from tests.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

ROOT = "document.querySelector('story-widget')?.shadowRoot"
MAX_SHIFT = 0.01
MAX_NODES = 12
MAX_TASK = 2.5
"""Longest task, as a multiple of the browser's own cost of showing the first page of comments from HTML."""
MAX_GROWTH = {"JSEventListeners": 20, "Nodes": 20, "JSHeapUsedSize": 50 * 1_024}
"""Growth that twenty rounds must not reach: fewer than one object of a kind per round; bytes in total."""


MIN_HEIGHT = {
    "link": """@media (scripting: enabled) {
  blockquote:has(a.story-widget) { margin-bottom: 0 }
  blockquote:has(a.story-widget):not(:has(+ story-widget)) { margin-bottom: calc(100vh + 1em) }
  blockquote + story-widget { display: block; min-height: 100vh }
  a.story-widget[style*=none] { display: inline !important; visibility: hidden }
}""",
    "element": "story-widget { display: block; min-height: 100vh }",
}
"""The minimum height that docs/users/embed.md recommends."""


@pytest.mark.parametrize("place", ["below", "link", "element"])
async def test_2_the_page_does_not_shift_while_the_widget_and_new_comments_load(
    place: str, demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    post_comments(story, [{"body": f"Number {n}.", "name": "Ana"} for n in range(3)])
    line = "<p>A line of the story.</p>"
    if place == "below":
        body = line * 25 + story.snippet + line * 20
        head = STYLE + SHIFTS
    else:
        element = f'<story-widget src="{story.link}" token="{story.token}"></story-widget>'
        body = (story.anchor if place == "link" else element) + story.script + line * 20
        head = f"{STYLE}{SHIFTS}<style>{MIN_HEIGHT[place]}</style>"
    page = await hosts.open(body, head=head)
    await reaction(page, "Happy").wait_for()
    # Scroll to the end.
    for name in ("Post", "Your data"):
        await page.get_by_role("button", name=name).scroll_into_view_if_needed()
    await readers(page, 1)
    arrived = await layout_shifts(page)
    other = await hosts.open(story.snippet, site=1)
    await reaction(other, "Happy").click()
    await expect_reaction(page, "Happy", 1, own=False)
    await comment(other, "News")
    await expect(page.get_by_role("button", name="1 new comment")).to_be_attached()
    await readers(page, 2)
    after = await layout_shifts(page)
    assert sum(value for value, _ in arrived) <= MAX_SHIFT, arrived
    assert sum(value for value, _ in after) <= MAX_SHIFT, after


async def test_a_plain_comment_is_twelve_elements(demo: Demo, hosts: Hosts) -> None:
    page = await hosts.open(demo.story().snippet)
    count = f"{ROOT}.querySelectorAll('*').length"
    await page.get_by_role("heading", name="No comments yet").wait_for()
    empty = await page.evaluate(count)
    story = demo.story()
    tops = post_comments(
        story, [{"body": f"Number {n}, in one paragraph.", "name": "Ana"} for n in range(4)]
    )
    post_comments(
        story, [{"body": f"Reply {n}.", "name": "Yusuf", "parent": tops[0]} for n in range(4)]
    )
    page = await hosts.open(story.snippet)
    await expect(page.get_by_role("article")).to_have_count(8)
    # Plus the list of the replies.
    assert await page.evaluate(count) - empty <= 8 * MAX_NODES + 1


SHOW_COPY = f"""() => {{
  const host = document.body.appendChild(document.createElement("div"));
  const copy = host.attachShadow({{ mode: "open" }});
  copy.adoptedStyleSheets = {ROOT}.adoptedStyleSheets;
  copy.innerHTML = {ROOT}.innerHTML;
  return host.getBoundingClientRect().height;
}}"""
"""Parses, styles and lays out in one task what the widget shows."""


async def measure_copy(browser: Browser, page: Page) -> float:
    """Return the milliseconds that the browser takes to show the widget's content once more, from HTML."""
    async with tasks(browser, page) as longest:
        await page.evaluate(SHOW_COPY)
    return longest[0]


async def expect_no_long_task(
    browser: Browser, attempts: list[Page], act: Callable[[Page], Awaitable[None]], limit: float
) -> None:
    """Check that one of several runs has no task longer than `limit` milliseconds.

    Other processes on the same core slow a thread down up to two times. This noise has only one
    direction, so the best run says more than the mean.
    """
    seen = []
    for page in attempts:
        async with tasks(browser, page) as longest:
            await act(page)
        seen.append(longest[:5])
        if longest[0] <= limit:
            return
    raise AssertionError(limit, seen)


async def test_2_five_hundred_comments_and_bursts_of_two_hundred_cause_no_long_task(
    demo: Demo, hosts: Hosts, browser: Browser
) -> None:
    story = demo.story()
    text = "With a second paragraph and **words**."
    tops = post_comments(
        story, [{"body": f"Top {n}.\n\n{text}", "name": f"R{n}"} for n in range(20)]
    )
    post_comments(
        story, [{"body": f"Reply {n}. {text}", "parent": tops[n % 20]} for n in range(480)]
    )
    pages = [await hosts.open("") for _ in range(6)]

    async def load(page: Page) -> None:
        await insert_widget(page, story)
        # Six comments per thread: the top comment and five replies, as many threads as the first page has room for.
        await page.wait_for_function(f"{ROOT}.querySelectorAll('article').length >= 100")
        await page.wait_for_function(f"{ROOT}.querySelector('[part=presence]').dataset.readers > 0")

    first = await hosts.open("")
    await load(first)
    # The limit follows the machine's own speed.
    limit = MAX_TASK * await measure_copy(browser, first)
    await expect_no_long_task(browser, pages, load, limit)

    async def burst(page: Page) -> None:
        await insert_widget(page, story)
        await page.wait_for_function(f"{ROOT}?.querySelectorAll('article').length >= 100")
        before = int(await page.evaluate(f"parseInt({NEW_COMMENTS}) || 0"))
        post_comments(story, [{"body": f"Late {n}.", "name": f"L{n}"} for n in range(200)])
        await page.wait_for_function(f"parseInt({NEW_COMMENTS}) === {before + 200}")

    await expect_no_long_task(browser, pages, burst, limit)

    async def unfold(page: Page) -> None:
        await page.evaluate(f"{ROOT}.querySelector('.new-comments').click()")
        await page.wait_for_function(f"{ROOT}.querySelectorAll('article').length >= 300")

    shown = [page for page in pages if await page.evaluate(f"parseInt({NEW_COMMENTS}) || 0")]
    await expect_no_long_task(browser, shown, unfold, limit)


NEW_COMMENTS = f"({ROOT}?.querySelector('.new-comments')?.textContent ?? '').replace(/\\D+/g, '')"


async def insert_widget(page: Page, story: Story) -> None:
    """Insert the widget into a loaded page."""
    await page.evaluate(
        """([anchor, src]) => {
          if (document.querySelector("story-widget")) return;
          document.querySelector("main").innerHTML = anchor;
          document.head.append(Object.assign(document.createElement("script"), { src }));
        }""",
        [story.anchor, story.server + "/embed.js"],
    )
    await page.wait_for_function("document.querySelector('story-widget')?.shadowRoot")


async def test_10_removing_and_inserting_the_widget_twenty_times_leaks_nothing(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    post_comments(story, [{"body": f"Number {n}.", "name": "Ana"} for n in range(10)])
    page = await hosts.page(await hosts.reader())
    sockets: list[WebSocket] = []
    page.on("websocket", lambda socket: sockets.append(socket))  # noqa: PLW0108 - Playwright marks it
    await hosts.open(story.snippet, page=page)
    cdp = await page.context.new_cdp_session(page)
    await cdp.send("Performance.enable")

    async def round_trip(times: int) -> None:
        # As a single-page application does it: remove the widget, insert a new one, wait for its last comment.
        await page.evaluate(
            """async ([times, html]) => {
              for (let n = 0; n < times; n++) {
                document.querySelector("main").innerHTML = html;
                const drawn = () => document.querySelector("story-widget")?.shadowRoot
                  .querySelectorAll("article").length === 10;
                while (!drawn()) await new Promise(requestAnimationFrame);
              }
            }""",
            [times, story.anchor],
        )
        await readers(page, 1)

    async def measure_heap() -> dict[str, float]:
        for _ in range(3):
            await cdp.send("HeapProfiler.collectGarbage")
        metrics = (await cdp.send("Performance.getMetrics"))["metrics"]
        return {each["name"]: each["value"] for each in metrics}

    await article(page, "Number 0.").wait_for()
    await round_trip(5)
    grown: list[dict[str, float]] = []
    # Caches and compiled code grow in the first rounds only; a leak grows in every twenty.
    for _ in range(4):
        before = await measure_heap()
        await round_trip(20)
        after = await measure_heap()
        growth = {name: after[name] - before[name] for name in MAX_GROWTH}
        grown.append(growth)
        if all(growth[name] < most for name, most in MAX_GROWTH.items()):
            break
    else:
        pytest.fail(f"each twenty rounds left something behind: {grown}")
    await readers(page, 1)

    def one_is_open() -> bool:
        return [each.is_closed() for each in sockets].count(False) == 1

    await eventually(one_is_open, "of all sockets only the last widget's is open")
    assert len(sockets) <= 1 + 5 + 20 * len(grown)
