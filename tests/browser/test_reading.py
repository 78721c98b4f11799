"""Reading: requests, links to comments, order, muting, reactions to comments, filters."""

import asyncio
import json
import re
import secrets
import urllib.request
from dataclasses import replace
from typing import Any

import pytest
from playwright.async_api import Locator, Page, Route, expect

from tests.bench.embed_effort import TWO_FRAMES
from tests.browser.actions import article, comment, more, reaction, readers
from tests.browser.conftest import Demo, Hosts, Story
from tests.browser.embed_files import MANIFEST

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


SHIFTS = """<script>
window.shifts = 0;
// The frame in which the discussion takes the place of the link does not count.
addEventListener("story-widget:ready", () => requestAnimationFrame(() => setTimeout(() => {
  const drawn = performance.now();
  new PerformanceObserver((list) => {
    for (const { value, startTime } of list.getEntries()) if (startTime > drawn) shifts += value;
  }).observe({ type: "layout-shift", buffered: true });
})));
</script>"""
"""Sums up the layout shifts after the first paint."""


def act(story: Story, kind: str, **fields: str) -> dict[str, Any]:
    """Execute an action as a new reader and return the reply."""
    action = {"type": kind, "ref": 1, "token": story.token, "story": story.code, **fields}
    headers = {"Content-Type": "text/plain", "Origin": "https://northside.example"}
    url = f"{story.server}/v1/actions"
    request = urllib.request.Request(url, json.dumps(action).encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        reply: dict[str, Any] = json.load(answer)
    return reply


def say(story: Story, text: str, **fields: str) -> str:
    """Post a comment as a new reader and return its id."""
    reply = act(story, "comment", body=text, key=secrets.token_hex(8), **fields)
    found: str = reply["comment"]["id"]
    return found


async def test_1_a_page_loads_one_script_one_snapshot_and_one_socket_from_one_server(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    say(story, "First")
    page = await hosts.page(await hosts.reader())
    requests: list[str] = []
    sockets: list[str] = []
    page.on("request", lambda request: requests.append(f"{request.method} {request.url}"))
    page.on("websocket", lambda socket: sockets.append(socket.url))
    await hosts.open(story.snippet, page=page)
    await readers(page, 1)
    own = [each for each in requests[1:] if "data:" not in each]
    # The files for reading first; when that is drawn, the part that opens the socket.
    part = MANIFEST["parts"]["connection"]["file"]
    assert own == [
        f"GET {demo.server}/embed.js",
        f"GET {demo.server}/v1/stories/{story.code}?copy={story.token[-9:]}",
        f"GET {demo.server}/embed/{part}",
    ]
    assert len(sockets) == 1


async def test_a_page_without_a_token_asks_for_the_story_as_copies_of_the_bare_code_see_it(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    say(story, "First")
    page = await hosts.page(await hosts.reader())
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    bare = f'<a class="story-widget" href="{story.link}">Discuss this story</a>{story.script}'
    await hosts.open(bare, page=page)
    await article(page, "First").wait_for()
    assert f"{demo.server}/v1/stories/{story.code}?copy=" in requests


async def test_36_a_link_to_a_comment_opens_it_wherever_it_is(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    ids = [say(story, f"Number {number}.") for number in range(25)]
    page = await hosts.page(await hosts.reader())
    await hosts.open(story.snippet, page=page)
    await article(page, "Number 24.").wait_for()
    await page.evaluate("id => { location.hash = 'c-' + id }", ids[10])
    await expect(article(page, "Number 10.")).to_be_focused()
    await page.evaluate("id => { location.hash = 'c-' + id }", ids[0])
    await expect(article(page, "Number 0.")).to_be_focused()
    await page.reload()
    await expect(article(page, "Number 0.")).to_be_focused()
    hosts.expected += ["Failed to load resource"]
    await page.evaluate("location.hash = 'c-000000000000'")
    gone = page.get_by_role("status").filter(has_text="This comment was removed.")
    await expect(gone).to_be_visible()


async def test_the_order_is_chosen_and_kept_while_paging(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    for number in range(25):
        say(story, f"Number {number}.")
    page = await hosts.open(story.snippet)
    button = page.get_by_role("button", name="Newest first")
    await button.press("Enter")
    box = page.get_by_role("group", name="Order")
    now = box.get_by_role("button", name="Newest first")
    await expect(now).to_be_focused()
    await expect(now).to_have_attribute("aria-pressed", "true")
    await page.keyboard.press("ArrowDown")
    await expect(box.get_by_role("button", name="Oldest first")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("article").first).to_contain_text("Number 0.")
    # The button shows the chosen order and has the focus again.
    await expect(box).to_have_count(0)
    await expect(page.get_by_role("button", name="Oldest first")).to_be_focused()
    await page.get_by_role("button", name="Show more").click()
    await expect(article(page, "Number 20.")).to_be_focused()
    await expect(page.get_by_role("article").last).to_contain_text("Number 24.")


async def hold_requests(page: Page, query: str) -> asyncio.Event:
    """Hold back the page's requests for comments with this query until the event is set."""
    may_answer = asyncio.Event()

    async def hold(route: Route) -> None:
        await may_answer.wait()
        await route.continue_()

    await page.route(re.compile(re.escape(query)), hold)
    return may_answer


async def choose_order(page: Page, now: str, order: str) -> None:
    await page.get_by_role("button", name=now).click()
    await page.get_by_role("group", name="Order").get_by_role("button", name=order).click()


async def test_a_page_that_arrives_after_another_order_was_chosen_is_dropped(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    for number in range(24):
        say(story, f"Number {number}.")
    page = await hosts.open(story.snippet)
    await expect(page.get_by_role("article")).to_have_count(20)
    may_answer = await hold_requests(page, "order=newest&before=")
    async with page.expect_response(re.compile("order=newest&before=")) as late:
        await page.get_by_role("button", name="Show more comments").click()
        await choose_order(page, "Newest first", "Oldest first")
        await expect(page.get_by_role("article").first).to_contain_text("Number 0.")
        may_answer.set()
    await (await late.value).finished()
    await page.evaluate(TWO_FRAMES)
    await expect(page.get_by_role("article")).to_have_count(20)
    await page.get_by_role("button", name="Show more comments").click()
    await expect(page.get_by_role("article")).to_have_count(24)
    await expect(page.get_by_role("article").last).to_contain_text("Number 23.")


async def test_of_two_orders_the_last_chosen_is_shown_whichever_arrives_last(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    for number in range(3):
        say(story, f"Number {number}.")
    page = await hosts.open(story.snippet)
    await expect(page.get_by_role("article")).to_have_count(3)
    may_answer = await hold_requests(page, "order=oldest")
    async with page.expect_response(re.compile("order=oldest")) as late:
        await choose_order(page, "Newest first", "Oldest first")
        await choose_order(page, "Newest first", "Most reactions first")
        await expect(page.get_by_role("button", name="Most reactions first")).to_be_visible()
        may_answer.set()
    await (await late.value).finished()
    await page.evaluate(TWO_FRAMES)
    await expect(page.get_by_role("button", name="Most reactions first")).to_be_visible()


async def hold_answers(page: Page, query: str) -> tuple[asyncio.Event, asyncio.Event]:
    """Hold back the answers to requests with this query. Return the events that one is there, and that it may arrive."""
    is_read, may_arrive = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        answer = await route.fetch()
        is_read.set()
        await may_arrive.wait()
        await route.fulfill(response=answer)

    await page.route(re.compile(re.escape(query)), hold)
    return is_read, may_arrive


def new_comments(page: Page) -> Locator:
    return page.get_by_role("button", name=re.compile("new comment"))


@pytest.mark.parametrize("how", ["order", "more"])
async def test_what_happens_while_a_list_is_requested_is_in_the_list(
    demo: Demo, hosts: Hosts, how: str
) -> None:
    story = demo.story()
    ids = [say(story, f"Number {number}.") for number in range(23)]
    page = await hosts.open(story.snippet)
    await expect(page.get_by_role("article")).to_have_count(20)
    await readers(page, 1)
    query = "order=oldest" if how == "order" else "order=newest&before="
    is_read, may_arrive = await hold_answers(page, query)
    if how == "order":
        await choose_order(page, "Newest first", "Oldest first")
    else:
        await page.get_by_role("button", name="Show more comments").click()
    await is_read.wait()
    # The answer has been read. None of this is in it.
    say(story, "Reply to an old one.", parent=ids[0])
    demo.run("comment", "remove", ids[1])
    act(story, "react", reaction="happy", comment=ids[2])
    # These two are on the page as well, where they arrive after the others.
    demo.run("comment", "remove", ids[10])
    say(story, "Meanwhile.")
    await expect(new_comments(page)).to_have_text("1 new comment")
    may_arrive.set()
    await expect(article(page, "Number 0.")).to_be_visible()
    await expect(article(page, "Reply to an old one.")).to_be_visible()
    await expect(article(page, "Number 1.")).to_have_count(0)
    await expect(article(page, "Number 10.")).to_have_count(0)
    happy = article(page, "Number 2.").get_by_role("button", name="Happy, 1")
    await expect(happy).to_have_count(1)
    shown = page.get_by_role("article")
    if how == "order":
        # The twentieth comment ends the page: “Meanwhile.” is on the next one.
        await expect(shown.first).to_contain_text("Number 0.")
        await page.get_by_role("button", name="Show more comments").click()
        await expect(shown.last).to_contain_text("Meanwhile.")
    else:
        await expect(new_comments(page)).to_have_text("1 new comment")
        await new_comments(page).click()
        await expect(shown.first).to_contain_text("Meanwhile.")
    await expect(article(page, "Meanwhile.")).to_have_count(1)


@pytest.mark.parametrize("order", ["oldest", "top"])
async def test_a_comment_that_arrives_while_a_short_list_is_requested_is_shown_once(
    demo: Demo, hosts: Hosts, order: str
) -> None:
    story = demo.story()
    for number in range(3):
        say(story, f"Number {number}.")
    page = await hosts.open(story.snippet)
    await expect(page.get_by_role("article")).to_have_count(3)
    await readers(page, 1)
    is_read, may_arrive = await hold_answers(page, f"order={order}")
    label = {"oldest": "Oldest first", "top": "Most reactions first"}[order]
    await choose_order(page, "Newest first", label)
    await is_read.wait()
    say(story, "Meanwhile.")
    await expect(new_comments(page)).to_be_visible()
    may_arrive.set()
    await expect(page.get_by_role("button", name=label)).to_be_visible()
    await expect(article(page, "Meanwhile.")).to_be_visible()
    await expect(page.get_by_role("article")).to_have_count(4)
    await expect(new_comments(page)).to_be_hidden()


async def test_a_reply_that_arrives_while_more_replies_are_requested_is_shown_once(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    top = say(story, "The top.")
    for number in range(105):
        say(story, f"Reply {number}.", parent=top)
    page = await hosts.open(story.snippet)
    await page.get_by_role("button", name="Show 100 more replies").click()
    await expect(article(page, "Reply 99.")).to_be_visible()
    await readers(page, 1)
    is_read, may_arrive = await hold_answers(page, f"/comments/{top}?after=")
    await page.get_by_role("button", name="Show 5 more replies").click()
    await is_read.wait()
    say(story, "Meanwhile.", parent=top)
    await expect(page.get_by_role("button", name="Show 6 more replies")).to_be_visible()
    may_arrive.set()
    await expect(article(page, "Meanwhile.")).to_be_visible()
    await expect(page.get_by_role("article")).to_have_count(107)
    await expect(page.get_by_role("button", name="more repl")).to_have_count(0)


async def test_a_featured_comment_is_marked_as_long_as_the_site_features_it(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    first = say(story, "The first.")
    say(story, "The second.", parent=first)
    demo.run("comment", "feature", first)
    page = await hosts.open(story.snippet)
    one = page.get_by_role("article").filter(has_text="The first.")
    await expect(one.locator(".state")).to_have_text("Featured by The Harbour Post")
    await expect(page.get_by_text("Featured by")).to_have_count(1)
    await readers(page, 1)
    # A pinned comment is at the top, which is said first.
    demo.run("comment", "pin", first)
    await expect(one.locator(".state")).to_have_text("Pinned by The Harbour Post")
    demo.run("comment", "unpin", first)
    await expect(one.locator(".state")).to_have_text("Featured by The Harbour Post")
    demo.run("comment", "unfeature", first)
    await expect(one.locator(".state")).to_have_count(0)


async def test_a_mark_of_two_lines_above_a_comment_moves_nothing(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    demo.run("comment", "feature", say(story, "The first."))
    room = {"width": 360, "height": 1_200}
    page = await hosts.open(story.snippet, attributes='lang="de"', head=SHIFTS, viewport=room)
    await expect(page.get_by_text("Hervorgehoben von The Harbour Post")).to_be_visible()
    await readers(page, 1)
    await page.evaluate(TWO_FRAMES)
    assert await page.evaluate("shifts") <= 0.01


async def test_a_reaction_to_a_comment_by_keyboard_appears_for_others(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    say(story, "React to me", name="Ana")
    page = await hosts.open(story.snippet)
    other = await hosts.open(story.snippet, site=1)
    await readers(page, 2)
    await page.get_by_role("button", name="React, comment by Ana").press("Enter")
    one = article(page, "React to me")
    picker = one.get_by_role("group")
    await expect(picker.get_by_role("button", name="Surprised")).to_be_focused()
    await page.keyboard.press("ArrowRight")
    await expect(picker.get_by_role("button", name="Thinking")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(picker).to_have_count(0)
    opener = page.get_by_role("button", name="React, comment by Ana")
    await expect(opener).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Space")
    await expect(opener).to_be_focused()
    chip = one.get_by_role("button", name="Surprised, 1")
    await expect(chip).to_have_attribute("aria-pressed", "true")
    theirs = article(other, "React to me").get_by_role("button", name="Surprised, 1")
    await expect(theirs).to_have_attribute("aria-pressed", "false")
    await chip.press("Enter")
    await expect(theirs).to_have_count(0)
    await expect(chip).to_have_count(0)


async def test_an_author_is_muted_and_unmuted(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    say(story, "Loud words", name="Trumpet")
    quiet = say(story, "Quiet words", name="Flute")
    say(story, "Loud answer", name="Trumpet", parent=quiet)
    page = await hosts.open(story.snippet)
    await more(page, "Loud words", "Mute Trumpet")
    await expect(article(page, "Loud")).to_have_count(0)
    # The message covers the content below it until the next click.
    message = page.locator(".toast", has_text="You won’t see Trumpet here.")
    await expect(message).to_be_in_viewport()
    await page.get_by_role("heading", name="3 comments").click()
    await expect(message).to_have_count(0)
    await expect(page.get_by_role("button", name="Your data")).to_be_visible()
    await page.reload()
    await article(page, "Quiet words").wait_for()
    await expect(article(page, "Loud words")).to_have_count(0)
    await page.get_by_role("button", name="Your data").click()
    await page.get_by_role("button", name="Unmute Trumpet").click()
    await expect(article(page, "Loud words")).to_be_visible()


async def test_17_forget_deletes_everything_the_reader_left(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    page = await hosts.open(story.snippet)
    await comment(page, "Soon forgotten", Name="Ana")
    await expect(article(page, "Soon forgotten")).to_be_focused()
    await reaction(page, "Happy").click()
    # The keyboard alone is enough.
    button = page.get_by_role("button", name="Your data")
    await button.press("Enter")
    panel = page.get_by_role("group", name="Your data")
    await expect(panel).to_contain_text("your name (Ana), 1 reaction, 1 comment, and a key")
    await expect(panel).to_contain_text("No cookies.")
    await page.keyboard.press("Tab")
    await expect(panel.get_by_role("button", name="Soon forgotten")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    question = page.get_by_role(
        "group", name="Delete what you wrote from this site in this browser?"
    )
    await expect(question).to_contain_text("on stories by The Harbour Post")
    await expect(question.get_by_role("button", name="Keep it")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(panel.get_by_role("button", name="Delete my data…")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Shift+Tab")
    await expect(question.get_by_role("button", name="Delete everything")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.get_by_text("Your data was deleted.").wait_for()
    await expect(button).to_be_focused()
    await expect(article(page, "Soon forgotten")).to_have_count(0)
    await expect(reaction(page, "Happy")).to_have_attribute("aria-pressed", "false")
    assert await page.evaluate("localStorage.length") == 0
    await page.keyboard.press("Enter")
    await expect(panel).to_contain_text("Nothing is stored about you. No cookies.")
    await expect(panel.get_by_role("button")).to_have_count(0)
    await page.keyboard.press("Enter")
    await expect(panel).to_have_count(0)


async def test_comments_from_another_site_are_not_deleted(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    reader = await hosts.reader()
    other = await hosts.open(story.snippet, reader=reader, site=1)
    await comment(other, "Said elsewhere")
    await expect(article(other, "Said elsewhere")).to_be_focused()
    page = await hosts.open(story.snippet, reader=reader)
    await comment(page, "Said here")
    await expect(article(page, "Said here")).to_be_focused()
    await page.get_by_role("button", name="Your data").click()
    await page.get_by_role("button", name="Delete my data…").click()
    await page.get_by_role("button", name="Delete everything").click()
    await expect(article(page, "Said here")).to_have_count(0)
    await expect(article(page, "Said elsewhere")).to_have_count(1)


async def test_a_comment_of_the_reader_is_found_again_from_their_data(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    page = await hosts.open(story.snippet)
    await comment(page, "Where did I say that")
    await expect(article(page, "Where did I say")).to_be_focused()
    for number in range(21):
        say(story, f"Number {number}.")
    await page.reload()
    await article(page, "Number 20.").wait_for()
    await readers(page, 1)
    await expect(article(page, "Where did I say")).to_have_count(0)
    await page.get_by_role("button", name="Your data").click()
    await page.get_by_role("button", name="Where did I say that").click()
    await expect(article(page, "Where did I say")).to_be_focused()


async def test_the_menu_of_a_comment_floats_above_the_next_ones(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    for text in ("Third", "Second", "First"):
        say(story, text, name="Ana")
    page = await hosts.open(story.snippet)
    button = article(page, "First").get_by_role("button", name="More about")
    below = article(page, "Second")
    before = await below.bounding_box()
    await button.press("Enter")
    menu = page.get_by_role("group", name="More about the comment by Ana")
    await expect(menu.get_by_role("button", name="Copy link")).to_be_focused()
    assert await below.bounding_box() == before, "nothing moves"
    await page.keyboard.press("Tab")
    await expect(menu.get_by_role("button", name="Report…")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("combobox", name="What is wrong with it?")).to_be_focused()
    reason = page.get_by_role("textbox", name="Say more (optional)")
    await page.keyboard.press("Escape")
    await expect(reason).to_have_count(0)
    await expect(button).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await reason.fill("Not kind")
    await page.keyboard.press("Enter")
    await page.get_by_text("Thanks. Your report was saved.").wait_for()
    await expect(article(page, "First")).to_be_focused()
    # A muted author's comments disappear, and the focus moves to the next comment.
    say(story, "Loud", name="Trumpet")
    await page.reload()
    await article(page, "Loud").get_by_role("button", name="More about").press("Enter")
    # The menu opens when its part is loaded.
    await expect(page.get_by_role("button", name="Copy link")).to_be_focused()
    await page.keyboard.press("End")
    await expect(page.get_by_role("button", name="Mute Trumpet")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(article(page, "Loud")).to_have_count(0)
    await expect(article(page, "First")).to_be_focused()


async def test_notices_have_their_place_and_kind(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    page = await hosts.open(story.snippet)
    notice = page.locator("[part=notice]")
    await expect(notice).to_be_hidden()
    demo.run("story", "notice", story.code, "From the editors: Please be kind.")
    await expect(notice).to_have_text("From the editors: Please be kind.")
    await expect(notice.locator("b")).to_have_text("From the editors:")
    await expect(notice).not_to_contain_class("correction")
    demo.run("story", "notice", story.code, "Correction, 12 May: It was 1961.")
    await expect(notice).to_contain_class("correction")
    # A notice without such a beginning is plain text.
    demo.run("story", "notice", story.code, "The server moves tonight")
    await expect(notice).to_have_text("The server moves tonight")
    await expect(notice.locator("b")).to_be_empty()
    demo.run("story", "close", story.code)
    closed = page.get_by_role("status").filter(has_text="This discussion is closed.")
    await expect(closed).to_contain_text("You can go on reading.")
    await expect(page.get_by_role("textbox")).to_have_count(0)
    demo.run("story", "open", story.code)
    await expect(closed).to_have_count(0)
    await expect(page.get_by_role("textbox")).to_have_count(1)


async def test_a_read_only_copy_links_to_the_discussions_own_page(demo: Demo, hosts: Hosts) -> None:
    hosts.expected += ["story-widget: "]
    story = demo.story()
    expired = replace(story, token=story.with_claims(exp=1_700_000_100))
    page = await hosts.open(expired.snippet)
    link = page.get_by_role("link", name="Join the discussion on its own page.")
    await expect(link).to_have_attribute("href", story.link)


async def test_page_events_contain_nothing_about_the_reader(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    head = (
        "<script>window.received = []; for (const type of ['ready', 'react', 'comment'])"
        " addEventListener('story-widget:' + type, ({ detail }) => received.push([type, JSON.parse(JSON.stringify(detail))]))"
        "</script>"
    )
    page = await hosts.open(story.snippet, head=head)
    await reaction(page, "Happy").click()
    await page.wait_for_function("received.length === 2")
    await comment(page, "Heard")
    await page.wait_for_function("received.length === 3")
    assert await page.evaluate("received") == [
        [each, {"story": story.code}] for each in ("ready", "react", "comment")
    ]


async def test_a_long_thread_is_folded_and_unfolds_for_a_link_to_a_reply(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    top = say(story, "The question")
    ids = [say(story, f"Reply {number}.", parent=top) for number in range(9)]
    page = await hosts.open(story.snippet)
    # The fifth reply is drawn, the sixth is not.
    await article(page, "Reply 4.").wait_for()
    await expect(article(page, "Reply 5.")).to_have_count(0)
    await page.get_by_role("button", name="Show 4 more replies").press("Enter")
    await expect(article(page, "Reply 5.")).to_be_focused()
    await expect(article(page, "Reply 8.")).to_be_visible()
    await expect(page.get_by_role("button", name="more replies")).to_have_count(0)
    await page.evaluate("id => { location.hash = 'c-' + id }", ids[7])
    await page.reload()
    await expect(article(page, "Reply 7.")).to_be_focused()


async def test_filters_by_language_and_copy_also_apply_while_paging(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story(label="Northside Weekly", lang="en")
    page = await hosts.open(story.snippet)
    for number in range(2):
        say(story, f"Before {number}.")
    sort = page.get_by_role("button", name="Newest first").first
    await sort.press("Enter")
    # With one language and one copy there is no filter.
    order = page.get_by_role("group", name="Order")
    await order.wait_for()
    await expect(order.get_by_role("group")).to_have_count(0)

    spanish = replace(story, token=story.with_claims(label="El Diario", lang="es", jti="es"))
    say(spanish, "Una voz.")
    for number in range(20):
        say(story, f"Number {number}.")
    say(spanish, "Otra voz.")
    # Open as a new reader: this browser may use a response cached two seconds ago and show later comments as new.
    page = await hosts.open(story.snippet)
    await article(page, "Otra voz.").wait_for()
    sort = page.get_by_role("button", name="Newest first").first
    order = page.get_by_role("group", name="Order")
    await sort.press("Enter")
    language = page.get_by_role("group", name="Language")
    await expect(language.get_by_role("button")).to_have_text(["All", "English", "Español"])
    await expect(language.get_by_role("button", name="All")).to_have_attribute(
        "aria-pressed", "true"
    )
    await language.get_by_role("button", name="Español").press("Enter")
    await expect(page.get_by_role("article")).to_have_count(1)
    await expect(page.get_by_role("status").filter(has_text="1 comment")).to_have_count(1)
    # A filter in use stays visible below the count.
    await page.keyboard.press("Escape")
    await expect(order).to_have_count(0)
    await expect(sort).to_be_focused()
    await expect(language.get_by_role("button", name="Español")).to_have_attribute(
        "aria-pressed", "true"
    )
    await page.get_by_role("button", name="Show more").press("Enter")
    await expect(article(page, "Una voz.")).to_be_focused()
    await expect(page.get_by_role("article")).to_have_count(2)

    # A new comment in another language is not offered; the reader's own comment is shown.
    say(story, "Not asked for.")
    await expect(page.get_by_role("heading", name="25 comments")).to_be_visible()
    await expect(page.get_by_role("button", name="new comment")).to_have_count(0)
    await comment(page, "My own.")
    await expect(article(page, "My own.")).to_be_focused()
    await expect(page.get_by_role("article")).to_have_count(3)

    await language.get_by_role("button", name="All").click()
    await expect(article(page, "Number 3.")).to_have_count(1)
    await sort.press("Enter")
    await page.keyboard.press("Escape")
    await expect(language).to_have_count(0)
    await sort.press("Enter")
    # All comments are loaded: numbers are shown.
    await expect(language.get_by_role("button")).to_have_text(["All 26", "English 24", "Español 2"])
    place = page.get_by_role("group", name="Site")
    await place.get_by_role("button", name="El Diario").click()
    await expect(page.get_by_role("article")).to_have_count(3)
    await expect(article(page, "Number 3.")).to_have_count(0)


async def test_the_reason_why_readers_cannot_write_moves_nothing(demo: Demo, hosts: Hosts) -> None:
    hosts.expected += ["story-widget: "]
    closed = demo.story()
    story = demo.story()
    expired = replace(story, token=story.with_claims(exp=1_700_000_100))
    for each in (closed, story):
        for number in range(3):
            say(each, f"Number {number}.")
    demo.run("story", "close", closed.code)
    for snippet, reason in (
        (closed.snippet, "You can go on reading."),
        (expired.snippet, "Join the discussion on its own page."),
    ):
        page = await hosts.open(snippet, head=SHIFTS)
        await page.get_by_text(reason).wait_for()
        await expect(page.get_by_role("textbox")).to_have_count(0)
        await page.evaluate(TWO_FRAMES)
        assert await page.evaluate("shifts") <= 0.01
