"""Every state that a reader can see the widget in, and how to come to it, in any language."""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from playwright.async_api import Locator, Page, Route, expect

from tests.browser.actions import article, readers
from tests.browser.conftest import ROOT, Demo, Hosts, Story
from tests.browser.page_metrics import say_all

STYLE = (
    "<style>:root{color-scheme:light dark;background:Canvas;color:CanvasText}body{font:1rem/1.6 system-ui,sans-serif;margin:0 auto;"
    "padding:1rem;max-width:42rem}blockquote{margin:0}</style>"
)
"""A page that follows the reader's colour scheme."""

SOURCE = ROOT / "js" / "src"
QUESTION = "Who pays for the **fuel** in winter? The article is quiet."
ANSWER = "The council does, since last year."
RICH = (
    "> The boat waits.\n\nThat line stayed with me [all day](https://example.org):\n\n"
    "- the racks\n- the captain\n\nand `404` books."
)


@cache
def strings_of(lang: str) -> dict[str, Any]:
    """What the widget says in a language, by key; in English only what has one form."""
    if lang != "en":
        found: dict[str, Any] = json.loads((SOURCE / "locales" / f"{lang}.json").read_text("utf-8"))
        return found
    files = [
        SOURCE / "i18n.js",
        SOURCE / "parts/writing/strings.js",
        SOURCE / "parts/more/strings.js",
        SOURCE / "parts/navigation/strings.js",
    ]
    text = "".join(file.read_text("utf-8") for file in files)
    return dict(re.findall(r'^  (\w+):\s+"(.+)",$', text, re.MULTILINE))


@dataclass(frozen=True)
class Harness:
    """Where a state is reached: a server, host pages, a language."""

    demo: Demo
    hosts: Hosts
    lang: str = "en"
    options: dict[str, Any] = field(default_factory=dict)
    """Of the reader's browser."""

    def say(self, key: str, **values: str) -> str:
        """What the widget says under that key."""
        found: str = strings_of(self.lang)[key].format(**values)
        return found

    async def open(self, story: Story, page: Page | None = None) -> Page:
        """A page of someone new, in this language, that shows the story."""
        direction = strings_of(self.lang)["dir"]
        return await self.hosts.open(
            story.snippet,
            page=page,
            attributes=f'lang="{self.lang}" dir="{direction}"',
            head=STYLE,
            **self.options,
        )

    def button(self, place: Page | Locator, key: str, **values: str) -> Locator:
        """The button that says this."""
        return place.get_by_role("button", name=self.say(key, **values), exact=True)

    def box(self, place: Page | Locator, key: str, **values: str) -> Locator:
        """The text field that is called this."""
        return place.get_by_role("textbox", name=self.say(key, **values), exact=True)

    async def post(self, page: Page, text: str) -> Locator:
        """Write a comment; where it stands once it is taken."""
        await self.box(page, "write").fill(text)
        await self.box(page, "name").fill("Ana")
        await self.button(page, "post").click()
        own = article(page, text)
        await expect(own).to_be_focused()
        return own

    async def more(self, place: Page | Locator, name: str, key: str) -> None:
        """Open what else can be done with someone's comment, and choose."""
        await self.button(place, "moreOf", name=name).first.click()
        await self.button(place, key, name=name).click()


Reach = Callable[[Harness], Awaitable[Page]]
STATES: dict[str, Reach] = {}
"""How to come to each state, by its name in words."""


def state(reach: Reach) -> Reach:
    """One more state."""
    STATES[reach.__name__.replace("_", " ")] = reach
    return reach


def discussed(demo: Demo, **claims: Any) -> Story:
    """A story with two threads and a reply, and with some of everything that a comment may hold."""
    story = demo.story(**claims)
    (top,) = say_all(story, [{"body": QUESTION, "name": "Yusuf"}])
    say_all(story, [{"body": ANSWER, "name": "Priya", "parent": top}])
    say_all(story, [{"body": RICH, "name": "Priya"}])
    return story


async def read(stage: Harness, story: Story | None = None) -> Page:
    """A discussion of three comments, drawn to its last."""
    page = await stage.open(story or discussed(stage.demo))
    await article(page, ANSWER).last.wait_for()
    return page


@state
async def nothing_said_yet(stage: Harness) -> Page:
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
async def a_reaction_refused(stage: Harness) -> Page:
    stage.hosts.expected += ["Failed to load resource"]
    page = await stage.hosts.page(await stage.hosts.reader(**stage.options))
    detail = "Too fast. Wait a moment and send it again."

    async def refuse(route: Route) -> None:
        answer = json.dumps({"type": "error", "code": "rate_limited", "detail": detail})
        headers = {"Access-Control-Allow-Origin": "*"}
        await route.fulfill(status=429, body=answer, headers=headers)

    await page.route("**/v1/actions", refuse)
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


@state
async def a_preview(stage: Harness) -> Page:
    page = await read(stage)
    await stage.box(page, "write").fill(RICH)
    await stage.button(page, "preview").click()
    await expect(page.locator(".composer .comment-text li")).to_have_count(2)
    return page


@state
async def a_comment_that_waits_for_a_connection(stage: Harness) -> Page:
    stage.hosts.expected += ["Failed to load resource", "WebSocket connection to"]
    page = await read(stage)
    await stage.box(page, "write").fill("From the tunnel")
    await stage.box(page, "name").wait_for()
    await page.context.set_offline(True)
    await stage.button(page, "post").click()
    await page.get_by_text(stage.say("unsent", text="From the tunnel")).wait_for()
    return page


@state
async def a_comment_that_waits_for_a_moderator(stage: Harness) -> Page:
    page = await stage.open(stage.demo.story(stage.demo.site("careful-post", "moderation=pre")))
    own = await stage.post(page, "Please look")
    await expect(own).to_contain_text(stage.say("pending"))
    return page


@state
async def a_comment_being_changed(stage: Harness) -> Page:
    page = await stage.open(stage.demo.story())
    own = await stage.post(page, "First thought")
    await stage.more(own, "Ana", "edit")
    await expect(stage.box(own, "write")).to_be_focused()
    return page


@state
async def a_comment_just_deleted(stage: Harness) -> Page:
    page = await stage.hosts.page(await stage.hosts.reader(**stage.options))
    # It can be had back until the page's clock goes on.
    await page.clock.install()
    await stage.open(stage.demo.story(), page)
    own = await stage.post(page, "Shall I stay")
    await stage.more(own, "Ana", "remove")
    await expect(stage.button(page, "undo")).to_be_focused()
    return page


@state
async def a_comment_being_reported(stage: Harness) -> Page:
    page = await read(stage)
    await stage.more(page, "Yusuf", "report")
    await expect(stage.box(page, "reason")).to_be_focused()
    return page


@state
async def what_else_can_be_done(stage: Harness) -> Page:
    page = await read(stage)
    await stage.button(page, "moreOf", name="Yusuf").click()
    await expect(stage.button(page, "report")).to_be_focused()
    return page


@state
async def somebody_muted(stage: Harness) -> Page:
    page = await read(stage)
    await stage.more(page, "Yusuf", "mute")
    told = page.get_by_role("status").filter(has_text=stage.say("muteDone", name="Yusuf"))
    await expect(told).to_be_in_viewport()
    return page


@state
async def options(stage: Harness) -> Page:
    page = await somebody_muted(stage)
    await stage.button(page, "options").click()
    await stage.button(page, "unmute", name="Yusuf").wait_for()
    return page


@state
async def about_to_be_forgotten(stage: Harness) -> Page:
    page = await options(stage)
    await stage.button(page, "forget").click()
    await stage.button(page, "forgetYes").wait_for()
    return page


@state
async def a_folded_thread(stage: Harness) -> Page:
    story = stage.demo.story()
    (top,) = say_all(story, [{"body": "The question", "name": "Ana"}])
    say_all(story, [{"body": f"Reply {n}.", "name": "Yusuf", "parent": top} for n in range(9)])
    page = await stage.open(story)
    await expect(page.get_by_role("article")).to_have_count(6)
    await page.locator("li > .action").wait_for()
    return page


@state
async def news(stage: Harness) -> Page:
    story = discussed(stage.demo)
    page = await read(stage, story)
    # The line is open: what comes from here on is news.
    await readers(page, 1)
    say_all(story, [{"body": "News!", "name": "Jonas"}])
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
async def a_copy_that_can_only_be_read(stage: Harness) -> Page:
    stage.hosts.expected += ["story-widget: "]
    story = discussed(stage.demo)
    expired = Story(
        story.server, story.code, story.with_claims(exp=1_700_000_100), story.with_claims
    )
    page = await stage.open(expired)
    await page.get_by_text(stage.say("token_expired")).wait_for()
    return page


@state
async def a_refused_copy(stage: Harness) -> Page:
    stage.hosts.expected += ["Failed to load resource", "story-widget: "]
    page = await stage.open(stage.demo.story(known=False, origins=["https://elsewhere.example"]))
    reason = page.get_by_text(stage.say("owner"))
    await reason.click()
    await expect(page.locator("story-widget details p")).to_be_visible()
    return page
