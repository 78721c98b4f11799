"""Every visible state of the widget and the steps to reach it, in any language."""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from playwright.async_api import Locator, Page, Route, expect

from tests.browser.actions import article, comment, outbox_loaded, reaction, readers, unsent
from tests.browser.conftest import ROOT, Demo, Hosts, Story
from tests.browser.page_metrics import post_comments

STYLE = (
    "<style>:root{color-scheme:light dark;background:Canvas;color:CanvasText}body{font:1rem/1.6 system-ui,sans-serif;margin:0 auto;"
    "padding:1rem;max-width:42rem}blockquote{margin:0}</style>"
)
"""Style of a page that follows the reader's colour scheme."""

SOURCE = ROOT / "js" / "src"
QUESTION = "Who pays for the **fuel** in winter? The article is quiet."
ANSWER = "The council does, since last year."
RICH = (
    "> The boat waits.\n\nThat line stayed with me [all day](https://example.org):\n\n"
    "- the racks\n- the captain\n\nand `404` books."
)


async def create_discussion(story: Story, hosts: Hosts) -> None:
    """Create a discussion with every kind of content."""
    page = await hosts.open(story.snippet)
    await comment(page, QUESTION, Name="Yusuf")
    await expect(article(page, "Who pays")).to_be_focused()
    await reaction(page, "Thinking").click()
    other = await hosts.open(story.snippet, site=1)
    await comment(other, RICH, Name="Priya")
    await expect(article(other, "The boat waits")).to_be_focused()
    await other.get_by_role("button", name="Reply to Yusuf").click()
    box = other.get_by_role("textbox", name="Your reply to Yusuf")
    await box.fill(ANSWER)
    await box.press("Control+Enter")
    await expect(article(other, "The council does")).to_be_focused()
    await reaction(other, "Happy").click()
    await expect(reaction(other, "Happy")).to_have_accessible_name("Happy 1")


@cache
def strings_of(lang: str) -> dict[str, Any]:
    """Return the strings of a language by key; for English only those without plural forms."""
    if lang != "en":
        found: dict[str, Any] = json.loads((SOURCE / "locales" / f"{lang}.json").read_text("utf-8"))
        return found
    files = [
        SOURCE / "i18n.js",
        SOURCE / "parts/writing/strings.js",
        SOURCE / "parts/outbox/strings.js",
        SOURCE / "parts/more/strings.js",
        SOURCE / "parts/more-decisions/strings.js",
        SOURCE / "parts/more-hints/strings.js",
        SOURCE / "parts/navigation/strings.js",
        SOURCE / "parts/options/strings.js",
    ]
    text = "".join(file.read_text("utf-8") for file in files)
    return dict(re.findall(r'^  (\w+):\s+"(.+)",$', text, re.MULTILINE))


@dataclass(frozen=True)
class Harness:
    """Environment of a state: server, host pages, language."""

    demo: Demo
    hosts: Hosts
    lang: str = "en"
    options: dict[str, Any] = field(default_factory=dict)
    """Options of the browser context."""

    def say(self, key: str, **values: str) -> str:
        """Return the string with this key."""
        found: str = strings_of(self.lang)[key].format(**values)
        return found

    async def open(self, story: Story, page: Page | None = None) -> Page:
        """Open a page in this language that shows the story, as a new reader."""
        direction = strings_of(self.lang)["dir"]
        return await self.hosts.open(
            story.snippet,
            page=page,
            attributes=f'lang="{self.lang}" dir="{direction}"',
            head=STYLE,
            **self.options,
        )

    def button(self, place: Page | Locator, key: str, **values: str) -> Locator:
        """Return the button with the string of this key."""
        return place.get_by_role("button", name=self.say(key, **values), exact=True)

    def box(self, place: Page | Locator, key: str, **values: str) -> Locator:
        """Return the text field with this name."""
        return place.get_by_role("textbox", name=self.say(key, **values), exact=True)

    async def post(self, page: Page, text: str) -> Locator:
        """Post a comment and return its article."""
        await self.box(page, "write").fill(text)
        await self.box(page, "name").fill("Ana")
        await self.button(page, "post").click()
        own = article(page, text)
        await expect(own).to_be_focused()
        return own

    async def more(self, place: Page | Locator, name: str, key: str) -> None:
        """Open the menu of a comment and click an action."""
        await self.button(place, "moreOf", name=name).first.click()
        await self.button(place, key, name=name).click()


Reach = Callable[[Harness], Awaitable[Page]]
STATES: dict[str, Reach] = {}
"""Steps to reach each state, by its name."""


def state(reach: Reach) -> Reach:
    """Register the steps to a state."""
    STATES[reach.__name__.replace("_", " ")] = reach
    return reach


def discussed(demo: Demo, *, before: str = "", **claims: Any) -> Story:
    """Create a story with two threads, a reply, and every kind of content in comments.

    A comment `before` stands below them, because the newest is first.
    """
    story = demo.story(**claims)
    if before:
        post_comments(story, [{"body": before, "name": "Ana"}])
    (top,) = post_comments(story, [{"body": QUESTION, "name": "Yusuf"}])
    post_comments(story, [{"body": ANSWER, "name": "Priya", "parent": top}])
    post_comments(story, [{"body": RICH, "name": "Priya"}])
    return story


def bilingual(demo: Demo) -> Story:
    """Create a discussion in two languages, written on two sites."""
    story = demo.story(label="Northside Weekly", lang="en", jti="en")
    post_comments(story, [{"body": QUESTION, "name": "Yusuf"}, {"body": ANSWER, "name": "Priya"}])
    spanish = replace(story, token=story.with_claims(label="El Diario", lang="es", jti="es"))
    post_comments(spanish, [{"body": "Una voz.", "name": "Ana"}])
    return story


async def read(stage: Harness, story: Story | None = None) -> Page:
    """Open a discussion of three comments and wait for the last one."""
    page = await stage.open(story or discussed(stage.demo))
    await article(page, ANSWER).last.wait_for()
    return page


@state
async def no_comments_yet(stage: Harness) -> Page:
    page = await stage.open(stage.demo.story())
    await page.get_by_role("heading", name=stage.say("none")).wait_for()
    return page


@state
async def comments(stage: Harness) -> Page:
    return await read(stage)


@state
async def a_reaction_chosen(stage: Harness) -> Page:
    page = await read(stage)
    face = page.get_by_role("group").first.get_by_role("button").nth(2)
    await face.click()
    await expect(face).to_have_attribute("aria-pressed", "true")
    await expect(face).to_contain_text(re.compile(r"[1١]$"))
    return page


@state
async def a_rejected_reaction(stage: Harness) -> Page:
    stage.hosts.expected += ["Failed to load resource"]
    page = await stage.hosts.page(await stage.hosts.reader(**stage.options))
    detail = "You're posting too quickly. Try again in a moment."

    async def reject(route: Route) -> None:
        answer = json.dumps({"type": "error", "code": "rate_limited", "detail": detail})
        headers = {"Access-Control-Allow-Origin": "*"}
        await route.fulfill(status=429, body=answer, headers=headers)

    await page.route("**/v1/actions", reject)
    await page.route_web_socket("**/v1/live", lambda socket: None)
    await stage.open(stage.demo.story(), page)
    await page.get_by_role("group").get_by_role("button").first.click()
    await expect(page.get_by_role("alert").first).not_to_be_empty()
    return page


@state
async def reactions_to_a_comment(stage: Harness) -> Page:
    page = await read(stage)
    await stage.button(
        page, "addReactionOf", name="Priya", text=stage.say("addReaction")
    ).first.click()
    await expect(page.get_by_role("article").get_by_role("group")).to_be_visible()
    return page


@state
async def about_to_reply(stage: Harness) -> Page:
    page = await read(stage)
    await stage.button(page, "replyOf", name="Yusuf").click()
    await expect(stage.box(page, "answer", name="Yusuf")).to_be_focused()
    return page


@state
async def a_reply_with_an_error(stage: Harness) -> Page:
    page = await about_to_reply(stage)
    await stage.button(page, "reply").click()
    box = stage.box(page, "answer", name="Yusuf")
    await expect(box).to_have_attribute("aria-invalid", "true")
    return page


def answer_too_quickly(detail: str, retry_after: int) -> Callable[[Route], Awaitable[None]]:
    """Return a handler that answers actions as the server does above its rate limit."""

    async def refuse(route: Route) -> None:
        answer = {"type": "error", "code": "rate_limited", "detail": detail}
        body = json.dumps({**answer, "retry_after": retry_after})
        headers = {"Access-Control-Allow-Origin": "*"}
        await route.fulfill(status=429, body=body, headers=headers)

    return refuse


@state
async def a_comment_posted_too_quickly(stage: Harness) -> Page:
    stage.hosts.expected += ["Failed to load resource"]
    page = await stage.hosts.page(await stage.hosts.reader(**stage.options))
    await page.route("**/v1/actions", answer_too_quickly("Too quickly.", 40))
    await page.route_web_socket("**/v1/live", lambda socket: None)
    await stage.open(stage.demo.story(), page)
    await stage.box(page, "write").fill("And another thing about the cat:")
    await stage.box(page, "name").wait_for()
    await stage.button(page, "post").click()
    await expect(page.locator(".composer [role=alert]")).to_contain_text(re.compile("40|٤٠"))
    return page


@state
async def a_preview(stage: Harness) -> Page:
    page = await read(stage)
    await stage.box(page, "write").fill(RICH)
    await page.get_by_role("tab", name=stage.say("preview")).click()
    await expect(page.locator(".composer .comment-text li")).to_have_count(2)
    return page


@state
async def an_unsent_comment(stage: Harness) -> Page:
    stage.hosts.expected += ["Failed to load resource", "WebSocket connection to"]
    page = await read(stage)
    await stage.box(page, "write").fill("From the tunnel")
    await outbox_loaded(page)
    await page.context.set_offline(True)
    await stage.button(page, "post").click()
    await expect(unsent(page, "From the tunnel")).to_contain_text(stage.say("unsent"))
    return page


@state
async def a_pending_comment(stage: Harness) -> Page:
    page = await stage.open(stage.demo.story(stage.demo.site("careful-post", "moderation=pre")))
    own = await stage.post(page, "Please look")
    await expect(own).to_contain_text(stage.say("pending"))
    return page


@state
async def a_comment_being_edited(stage: Harness) -> Page:
    page = await stage.open(stage.demo.story())
    own = await stage.post(page, "First thought")
    await stage.more(own, "Ana", "edit")
    await expect(stage.box(own, "write")).to_be_focused()
    return page


@state
async def a_comment_just_deleted(stage: Harness) -> Page:
    page = await stage.hosts.page(await stage.hosts.reader(**stage.options))
    # Install a clock that stands still: the deletion can be undone until the clock advances.
    await page.clock.install()
    await stage.open(stage.demo.story(), page)
    own = await stage.post(page, "Shall I stay")
    await stage.more(own, "Ana", "remove")
    await expect(stage.button(page, "undo")).to_be_focused()
    return page


@state
async def a_comment_being_reported(stage: Harness) -> Page:
    page = await read(stage)
    await stage.more(page, "Yusuf", "reportOpen")
    category = page.get_by_role("combobox", name=stage.say("reportWhat"))
    await expect(category).to_be_focused()
    return page


@state
async def the_menu_of_a_comment(stage: Harness) -> Page:
    # The menu floats over what follows: over a comment, and not over the buttons below the discussion.
    page = await read(stage, discussed(stage.demo, before=RICH))
    await stage.button(page, "moreOf", name="Yusuf").click()
    await expect(stage.button(page, "copy")).to_be_focused()
    return page


@state
async def the_menu_of_an_own_comment(stage: Harness) -> Page:
    page = await stage.open(stage.demo.story())
    own = await stage.post(page, "First thought")
    await stage.button(own, "moreOf", name="Ana").click()
    await expect(stage.button(own, "remove", name="Ana")).to_be_visible()
    return page


@state
async def a_muted_author(stage: Harness) -> Page:
    page = await read(stage)
    await stage.more(page, "Yusuf", "mute")
    message = page.get_by_role("status").filter(has_text=stage.say("muteDone", name="Yusuf"))
    await expect(message).to_be_in_viewport()
    return page


@state
async def the_order(stage: Harness) -> Page:
    page = await read(stage, bilingual(stage.demo))
    await stage.button(page, "newest").click()
    await expect(stage.button(page, "newest").last).to_be_focused()
    return page


@state
async def comments_of_one_language(stage: Harness) -> Page:
    page = await the_order(stage)
    await page.get_by_role("button", name="Español").click()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Español")).to_have_attribute(
        "aria-pressed", "true"
    )
    return page


@state
async def ways_to_share(stage: Harness) -> Page:
    page = await read(stage)
    await stage.button(page, "share").click()
    await expect(stage.button(page, "copy")).to_be_focused()
    return page


@state
async def sharing_on_mastodon(stage: Harness) -> Page:
    page = await ways_to_share(stage)
    await stage.button(page, "mastodon").click()
    await expect(stage.box(page, "server")).to_be_focused()
    return page


@state
async def the_readers_data(stage: Harness) -> Page:
    page = await a_muted_author(stage)
    await stage.post(page, "My own words")
    await stage.button(page, "data").click()
    await stage.button(page, "unmute", name="Yusuf").wait_for()
    return page


@state
async def deletion_of_the_readers_data(stage: Harness) -> Page:
    page = await the_readers_data(stage)
    await stage.button(page, "forget").click()
    await expect(stage.button(page, "keep")).to_be_focused()
    return page


@state
async def a_folded_thread(stage: Harness) -> Page:
    story = stage.demo.story()
    (top,) = post_comments(story, [{"body": "The question", "name": "Ana"}])
    post_comments(
        story, [{"body": f"Reply {n}.", "name": "Yusuf", "parent": top} for n in range(9)]
    )
    page = await stage.open(story)
    await expect(page.get_by_role("article")).to_have_count(6)
    await page.locator("li > .action").wait_for()
    return page


@state
async def new_comments(stage: Harness) -> Page:
    story = discussed(stage.demo)
    page = await read(stage, story)
    # The socket is subscribed: later comments arrive live.
    await readers(page, 1)
    post_comments(story, [{"body": "News!", "name": "Jonas"}])
    await page.locator(".new-comments").wait_for()
    return page


@state
async def a_closed_discussion(stage: Harness) -> Page:
    story = discussed(stage.demo)
    stage.demo.run("story", "close", story.code)
    page = await stage.open(story)
    await page.get_by_text(stage.say("closed")).wait_for()
    return page


@state
async def a_read_only_copy(stage: Harness) -> Page:
    stage.hosts.expected += ["story-widget: "]
    story = discussed(stage.demo)
    expired = Story(
        story.server, story.code, story.with_claims(exp=1_700_000_100), story.with_claims
    )
    page = await stage.open(expired)
    await page.get_by_text(stage.say("token_expired")).wait_for()
    return page


@state
async def an_error_being_reported(stage: Harness) -> Page:
    """Return the page with the form of a report, whose words are missing."""
    page = await read(stage)
    await stage.button(page, "flaw").click()
    await stage.button(page, "e_send").click()
    await expect(page.get_by_role("alert").filter(has_text=stage.say("e_empty"))).to_be_visible()
    return page


@state
async def a_reported_error(stage: Harness) -> Page:
    """Return the page of a reader whose report waits for the editors."""
    page = await read(stage)
    await stage.button(page, "flaw").click()
    await stage.box(page, "e_text").fill("1961")
    await stage.button(page, "e_send").click()
    await expect(page.locator(".own-hint")).to_contain_text("1961")
    return page


@state
async def a_correction(stage: Harness) -> Page:
    story = discussed(stage.demo)
    text = "Correction, 12 May: The Marit was built in 1961, not in 1971."
    stage.demo.run("story", "notice", story.code, text)
    page = await stage.open(story)
    await page.locator(".notice.correction").wait_for()
    return page


@state
async def a_rejected_copy_for_its_owner(stage: Harness) -> Page:
    stage.hosts.expected += ["Failed to load resource", "story-widget: "]
    page = await stage.open(stage.demo.story(known=False, origins=["https://elsewhere.example"]))
    await page.goto(page.url + "?story-widget=debug")
    await page.get_by_text(stage.say("owner")).wait_for()
    return page
