"""What the widget may cost its reader: room that moves, elements, tasks, memory."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Browser, Page, WebSocket, expect

from tests.browser.actions import article, comment, expect_reaction, reaction, readers
from tests.browser.conftest import Demo, Hosts, Story
from tests.browser.page_metrics import SHIFTS, say_all, shifted, tasks
from tests.browser.widget_states import STYLE
from tests.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

ROOT = "document.querySelector('story-widget')?.shadowRoot"
MOST_SHIFT = 0.01
MOST_NODES = 12
LONGEST = 100.0
"""Milliseconds, four times slower."""
GROWS = {"JSEventListeners": 20, "Nodes": 20, "JSHeapUsedSize": 50 * 1_024}
"""What twenty rounds must not leave: not one of a kind for each, bytes for all."""


ROOM = {
    "link": """@media (scripting: enabled) {
  blockquote:has(a.story-widget) { margin-bottom: 0 }
  blockquote:has(a.story-widget):not(:has(+ story-widget)) { margin-bottom: calc(100vh + 1em) }
  blockquote + story-widget { display: block; min-height: 100vh }
  a.story-widget[style*=none] { display: inline !important; visibility: hidden }
}""",
    "element": "story-widget { display: block; min-height: 100vh }",
}
"""What docs/users/embed.md tells a page to keep for what is in sight at once."""


@pytest.mark.parametrize("place", ["below", "link", "element"])
async def test_2_nothing_of_the_page_moves_while_the_widget_and_its_news_arrive(
    place: str, demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    say_all(story, [{"body": f"Number {n}.", "name": "Ana"} for n in range(3)])
    line = "<p>A line of the story.</p>"
    if place == "below":
        body = line * 25 + story.snippet + line * 20
        head = STYLE + SHIFTS
    else:
        element = f'<story-widget src="{story.link}" token="{story.token}"></story-widget>'
        body = (story.anchor if place == "link" else element) + story.script + line * 20
        head = f"{STYLE}{SHIFTS}<style>{ROOM[place]}</style>"
    page = await hosts.open(body, head=head)
    await reaction(page, "Happy").wait_for()
    # Read down to its end.
    for name in ("Post", "Your data"):
        await page.get_by_role("button", name=name).scroll_into_view_if_needed()
    await readers(page, 1)
    arrived = await shifted(page)
    other = await hosts.open(story.snippet, site=1)
    await reaction(other, "Happy").click()
    await expect_reaction(page, "Happy", 1, own=False)
    await comment(other, "News")
    await expect(page.get_by_role("button", name="1 new comment")).to_be_attached()
    await readers(page, 2)
    after = await shifted(page)
    assert sum(value for value, _ in arrived) <= MOST_SHIFT, arrived
    assert sum(value for value, _ in after) <= MOST_SHIFT, after


async def test_a_plain_comment_is_twelve_elements(demo: Demo, hosts: Hosts) -> None:
    page = await hosts.open(demo.story().snippet)
    count = f"{ROOT}.querySelectorAll('*').length"
    await page.get_by_role("heading", name="No comments yet").wait_for()
    empty = await page.evaluate(count)
    story = demo.story()
    tops = say_all(
        story, [{"body": f"Number {n}, in one paragraph.", "name": "Ana"} for n in range(4)]
    )
    say_all(story, [{"body": f"Reply {n}.", "name": "Yusuf", "parent": tops[0]} for n in range(4)])
    page = await hosts.open(story.snippet)
    await expect(page.get_by_role("article")).to_have_count(8)
    # And the list of the replies.
    assert await page.evaluate(count) - empty <= 8 * MOST_NODES + 1


async def quick(
    browser: Browser, attempts: list[Page], act: Callable[[Page], Awaitable[None]]
) -> None:
    """Holds if one of the pages does it without a long task.

    The same work takes a thread up to twice as long while other processes press the caches of its core: that
    is noise, and only ever in one direction, so that the best of some tells more than their mean.
    """
    seen = []
    for page in attempts:
        async with tasks(browser, page) as long:
            await act(page)
        seen.append(long[:5])
        if long[0] <= LONGEST:
            return
    raise AssertionError(seen)


async def test_2_five_hundred_comments_and_bursts_of_two_hundred_never_hold_up_the_page(
    demo: Demo, hosts: Hosts, browser: Browser
) -> None:
    story = demo.story()
    text = "With a second paragraph and **words**."
    tops = say_all(story, [{"body": f"Top {n}.\n\n{text}", "name": f"R{n}"} for n in range(20)])
    say_all(story, [{"body": f"Reply {n}. {text}", "parent": tops[n % 20]} for n in range(480)])
    pages = [await hosts.open("") for _ in range(6)]

    async def load(page: Page) -> None:
        await put(page, story)
        # Six of each thread: its top and five replies; the others are folded.
        await page.wait_for_function(f"{ROOT}.querySelectorAll('article').length === 120")
        await page.wait_for_function(f"{ROOT}.querySelector('[part=presence]').dataset.readers > 0")

    await quick(browser, pages, load)

    async def burst(page: Page) -> None:
        await put(page, story)
        await page.wait_for_function(f"{ROOT}?.querySelectorAll('article').length >= 120")
        before = int(await page.evaluate(f"parseInt({PILL}) || 0"))
        say_all(story, [{"body": f"Late {n}.", "name": f"L{n}"} for n in range(200)])
        await page.wait_for_function(f"parseInt({PILL}) === {before + 200}")

    await quick(browser, pages, burst)

    async def unfold(page: Page) -> None:
        await page.evaluate(f"{ROOT}.querySelector('.new-comments').click()")
        await page.wait_for_function(f"{ROOT}.querySelectorAll('article').length >= 320")

    shown = [page for page in pages if await page.evaluate(f"parseInt({PILL}) || 0")]
    await quick(browser, shown, unfold)


PILL = f"({ROOT}?.querySelector('.new-comments')?.textContent ?? '').replace(/\\D+/g, '')"


async def put(page: Page, story: Story) -> None:
    """The widget comes into a page that is there already, once."""
    await page.evaluate(
        """([anchor, src]) => {
          if (document.querySelector("story-widget")) return;
          document.querySelector("main").innerHTML = anchor;
          document.head.append(Object.assign(document.createElement("script"), { src }));
        }""",
        [story.anchor, story.server + "/embed.js"],
    )
    await page.wait_for_function("document.querySelector('story-widget')?.shadowRoot")


async def test_10_twenty_times_taken_away_and_put_back_nothing_is_left_behind(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    say_all(story, [{"body": f"Number {n}.", "name": "Ana"} for n in range(10)])
    page = await hosts.page(await hosts.reader())
    sockets: list[WebSocket] = []
    page.on("websocket", lambda socket: sockets.append(socket))  # noqa: PLW0108 - Playwright marks it
    await hosts.open(story.snippet, page=page)
    cdp = await page.context.new_cdp_session(page)
    await cdp.send("Performance.enable")

    async def round_trip(times: int) -> None:
        # As a page without loads does it: gone for good, then a new one, each drawn to its last comment.
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

    async def weigh() -> dict[str, float]:
        for _ in range(3):
            await cdp.send("HeapProfiler.collectGarbage")
        metrics = (await cdp.send("Performance.getMetrics"))["metrics"]
        return {each["name"]: each["value"] for each in metrics}

    await article(page, "Number 0.").wait_for()
    await round_trip(5)
    grown: list[dict[str, float]] = []
    # What is filled once (compiled code, caches) takes some rounds; what leaks grows in each twenty alike.
    for _ in range(4):
        before = await weigh()
        await round_trip(20)
        after = await weigh()
        growth = {name: after[name] - before[name] for name in GROWS}
        grown.append(growth)
        if all(growth[name] < most for name, most in GROWS.items()):
            break
    else:
        pytest.fail(f"each twenty rounds left something behind: {grown}")
    await readers(page, 1)

    def one_is_open() -> bool:
        return [each.is_closed() for each in sockets].count(False) == 1

    await eventually(one_is_open, "of all sockets only the last widget's is open")
    assert len(sockets) <= 1 + 5 + 20 * len(grown)
