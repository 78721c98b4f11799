"""What readers are told about decisions, on pages of other origins: reasons, objections, outcomes, bans."""

import asyncio
import json
from typing import Any

import pytest
from playwright.async_api import Page, expect
from typer.testing import CliRunner

from tests.browser.actions import article, comment, more, readers
from tests.browser.axe import axe_findings
from tests.browser.conftest import UNSET, Demo, Hosts, Story
from tests.browser.host_pages import wordpress
from widget_server.cli.main import app

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def run_as(demo: Demo, user: str, *words: str, status: int = 0) -> dict[str, Any]:
    """Run a command as a user of the operating system, and return its JSON, or with a status what it says."""
    env = dict.fromkeys(UNSET) | {"LOGNAME": user}
    arguments = [*words, "--json", "--data", str(demo.data)]
    done = await asyncio.to_thread(CliRunner().invoke, app, arguments, env=env)
    assert done.exit_code == status, done.output
    if status:
        return {"said": f"{done.output}{done.exception}"}
    found: dict[str, Any] = json.loads(done.stdout)
    return found


async def written(demo: Demo, hosts: Hosts, text: str) -> tuple[Story, Page, Page, str]:
    """Return a story, the page of the comment's author, a page of another reader, and the comment's id."""
    story = demo.story()
    author = await hosts.open(story.snippet)
    await comment(author, text)
    await expect(article(author, text)).to_be_focused()
    other = await hosts.open(story.snippet, site=1)
    await readers(other, 2)
    href = await article(author, text).locator(".time").get_attribute("href")
    assert href is not None
    return story, author, other, href.rpartition("#c-")[2]


async def test_an_author_reads_the_reason_objects_and_the_comment_is_back_on_all_pages(
    demo: Demo, hosts: Hosts
) -> None:
    story, author, other, id_ = await written(demo, hosts, "Not so bad")
    await more(other, "Not so bad", "Report…")
    await other.get_by_role("combobox").select_option("hate")
    await other.get_by_role("button", name="Report", exact=True).click()
    await expect(article(other, "Not so bad")).to_contain_text("You reported this.")
    done = await run_as(demo, "mona", "comment", "remove", id_, "--reason", "hate")
    told = author.locator(".decided")
    await expect(told).to_contain_text("was removed.")
    await expect(told).to_contain_text("A moderator decided. Reason: hate or discrimination.")
    await expect(other.locator(".decided")).to_have_text(
        "A comment that you reported was removed. Thank you."
    )
    assert await axe_findings(author) == []
    await told.get_by_role("button", name="Object", exact=True).click()
    words = author.get_by_role("textbox", name="Why should it be decided otherwise?")
    await expect(words).to_be_focused()
    await author.keyboard.press("Escape")
    await expect(told.get_by_role("button", name="Object", exact=True)).to_be_focused()
    await author.keyboard.press("Enter")
    await words.fill("It is a quotation.")
    assert await axe_findings(author) == []
    await told.get_by_role("button", name="Object", exact=True).click()
    await expect(told).to_contain_text("You objected. Another person will decide.")
    # After a reload it is still there, although the comment itself is not.
    await author.reload()
    await expect(told).to_contain_text("You objected. Another person will decide.")
    await run_as(demo, "nick", "undo", done["decision"])
    for page in (author, other):
        await expect(article(page, "Not so bad")).to_be_visible()
    await author.reload()
    await expect(article(author, "Not so bad")).to_contain_text("Your objection was right")
    stranger = await hosts.open(story.snippet, site=2)
    await expect(article(stranger, "Not so bad")).to_be_visible()
    await expect(stranger.locator(".decided")).to_have_count(0)


async def test_in_the_sandbox_an_author_objects_and_the_comment_is_back_on_three_origins(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    framed = await hosts.open(wordpress(story, story.token))
    frame = framed.frame_locator("iframe")
    assert await framed.frames[1].evaluate("origin") == "null"
    pages = [await hosts.open(story.snippet, site=number) for number in (1, 2)]
    await readers(pages[0], 3)
    await comment(frame, "Not so bad")
    await expect(article(frame, "Not so bad")).to_be_focused()
    for page in pages:
        await page.get_by_role("button", name="1 new comment").click()
    before = [await article(page, "Not so bad").inner_text() for page in pages]
    href = await article(frame, "Not so bad").locator(".time").get_attribute("href")
    assert href is not None
    id_ = href.rpartition("#c-")[2]
    done = await run_as(demo, "mona", "comment", "remove", id_, "--reason", "hate")
    for page in pages:
        await expect(article(page, "Not so bad")).to_have_count(0)
    told = frame.locator(".decided")
    await told.get_by_role("button", name="Object", exact=True).click()
    words = frame.get_by_role("textbox", name="Why should it be decided otherwise?")
    await words.fill("It is a quotation.")
    await told.get_by_role("button", name="Object", exact=True).click()
    await expect(told).to_contain_text("You objected. Another person will decide.")
    refused = await run_as(demo, "mona", "undo", done["decision"], status=1)
    assert "Another person" in refused["said"]
    for page in pages:
        await expect(article(page, "Not so bad")).to_have_count(0)
    await run_as(demo, "nick", "undo", done["decision"])
    await expect(article(frame, "Not so bad")).to_contain_text("Your objection was right")
    for page, was in zip(pages, before, strict=True):
        await expect(article(page, "Not so bad")).to_be_visible()
        assert await article(page, "Not so bad").inner_text() == was
        assert "It is a quotation." not in await page.content()


async def test_the_banned_read_on_are_told_until_when_and_object(demo: Demo, hosts: Hosts) -> None:
    _, author, other, id_ = await written(demo, hosts, "A bad word")
    done = await run_as(demo, "mona", "reader", "ban", id_, "--hours", "24", "--reason", "attack")
    reason = author.get_by_role("status").filter(has_text="do not let you write")
    await expect(reason).to_be_visible()
    await expect(author.get_by_role("textbox", name="Your comment")).to_be_hidden()
    told = author.locator(".decisions .decided")
    await expect(told).to_contain_text("You can write again from")
    await expect(told).to_contain_text("Reason: attack on a person or a group.")
    await expect(article(author, "A bad word")).to_be_visible()
    assert await axe_findings(author) == []
    await told.get_by_role("button", name="Object", exact=True).click()
    await told.get_by_role("button", name="Object", exact=True).click()
    await expect(told).to_contain_text("You objected. Another person will decide.")
    hosts.expected += ["story-widget: "]
    await comment(other, "I may")
    await expect(article(author, "I may")).to_have_count(0)
    await run_as(demo, "nick", "undo", done["decision"])
    await expect(author.get_by_role("textbox", name="Your comment")).to_be_visible()
    await expect(author.locator(".decided")).to_have_count(0)


@pytest.mark.parametrize("lang", ["ar", "de", "es", "fr", "ja", "pl"])
async def test_decisions_are_told_in_the_readers_language_on_a_phone(
    demo: Demo, hosts: Hosts, lang: str
) -> None:
    story, author, _, id_ = await written(demo, hosts, "Ein Satz")
    await run_as(demo, "mona", "comment", "remove", id_, "--reason", "spam")
    await expect(author.locator(".decided")).to_be_visible()
    page = await author.context.new_page()
    await page.set_viewport_size({"width": 320, "height": 640})
    await hosts.open(story.snippet, page=page, attributes=f'lang="{lang}"')
    told = page.locator(".decided")
    await expect(told.get_by_role("button")).to_be_visible()
    await expect(told).not_to_contain_text("removed")
    await expect(told).not_to_contain_text("{")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
    assert await axe_findings(page) == []
