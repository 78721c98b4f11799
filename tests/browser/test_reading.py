"""Reading: requests, links to comments, order, muting, reactions to comments, filters."""

import json
import secrets
import urllib.request
from dataclasses import replace

import pytest
from playwright.async_api import expect

from tests.browser.actions import article, comment, more, reaction, readers
from tests.browser.conftest import Demo, Hosts, Story
from tests.browser.embed_files import MANIFEST

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def say(story: Story, text: str, **fields: str) -> str:
    """Post a comment as a new reader and return its id."""
    action = {"type": "comment", "ref": 1, "token": story.token, "story": story.code, "body": text}
    body = json.dumps({**action, "key": secrets.token_hex(8), **fields}).encode()
    headers = {"Content-Type": "text/plain", "Origin": "https://northside.example"}
    request = urllib.request.Request(f"{story.server}/v1/actions", body, headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        found: str = json.load(answer)["comment"]["id"]
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
        f"GET {demo.server}/v1/stories/{story.code}",
        f"GET {demo.server}/embed/{part}",
    ]
    assert len(sockets) == 1


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
    await page.get_by_role("button", name="Sort, share, privacy").click()
    await page.get_by_role("combobox", name="Order").select_option("oldest")
    await expect(page.get_by_role("article").first).to_contain_text("Number 0.")
    await page.get_by_role("button", name="Show more").click()
    await expect(article(page, "Number 20.")).to_be_focused()
    await expect(page.get_by_role("article").last).to_contain_text("Number 24.")


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
    message = page.locator(".toast", has_text="You will not see Trumpet here.")
    await expect(message).to_be_in_viewport()
    await page.get_by_role("heading", name="3 comments").click()
    await expect(message).to_have_count(0)
    await page.reload()
    await article(page, "Quiet words").wait_for()
    await expect(article(page, "Loud words")).to_have_count(0)
    await page.get_by_role("button", name="Sort, share, privacy").click()
    await page.get_by_role("button", name="Show Trumpet again").click()
    await expect(article(page, "Loud words")).to_be_visible()


async def test_17_forget_deletes_everything_the_reader_left(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    page = await hosts.open(story.snippet)
    await comment(page, "Soon forgotten", Name="Ana")
    await expect(article(page, "Soon forgotten")).to_be_focused()
    await reaction(page, "Happy").click()
    await page.get_by_role("button", name="Sort, share, privacy").click()
    await page.get_by_role("button", name="Forget me here").click()
    await page.get_by_role("button", name="Erase everything").click()
    await page.get_by_text("Everything is erased.").wait_for()
    await expect(article(page, "Soon forgotten")).to_have_count(0)
    await expect(reaction(page, "Happy")).to_have_attribute("aria-pressed", "false")
    assert await page.evaluate("localStorage.length") == 0


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
    options = page.get_by_role("button", name="Sort, share, privacy")
    await options.press("Enter")
    # With one language and one copy there is no filter.
    await page.get_by_role("combobox", name="Order").wait_for()
    await expect(page.get_by_role("combobox")).to_have_count(1)

    spanish = replace(story, token=story.with_claims(label="El Diario", lang="es", jti="es"))
    say(spanish, "Una voz.")
    for number in range(22):
        say(story, f"Number {number}.")
    say(spanish, "Otra voz.")
    # Open as a new reader: this browser may use a response cached two seconds ago and show later comments as new.
    page = await hosts.open(story.snippet)
    await article(page, "Otra voz.").wait_for()
    await page.get_by_role("button", name="Sort, share, privacy").press("Enter")
    language = page.get_by_role("combobox", name="Language")
    await language.wait_for()
    assert await language.get_by_role("option").all_text_contents() == ["All", "English", "Spanish"]
    await language.select_option(label="Spanish")
    await expect(page.get_by_role("article")).to_have_count(1)
    await expect(page.get_by_role("status").filter(has_text="1 comment")).to_have_count(1)
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

    await language.select_option(label="All")
    await page.get_by_role("combobox", name="Written on").select_option(label="El Diario")
    await expect(page.get_by_role("article")).to_have_count(3)
    await expect(article(page, "Number 3.")).to_have_count(0)
