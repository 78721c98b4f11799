"""Comments: posting, replying, editing, deleting; comments never run as code."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.actions import article, comment, more, readers
from tests.browser.conftest import Demo, Hosts
from tests.browser.page_metrics import post_comments

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

HOSTILE = [
    "<img src=x onerror=\"document.title='pwned'\">",
    "<script>document.title='pwned'</script>",
    "[click](javascript:document.title='pwned')",
    "[click](data:text/html,<script>alert(1)</script>)",
    "![alt](https://evil.example/pixel.png)",
    "</textarea><svg onload=alert(1)>",
    "\u202eright to left override",
    "{name} $& ${document.title}",
]


async def test_hostile_text_is_shown_as_text_on_every_copy(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    writer = await hosts.open(story.snippet)
    reader = await hosts.open(story.snippet, site=1)
    await readers(reader, 2)
    await comment(writer, "\n\n".join(HOSTILE), Name="<b onclick=alert(1)>Eve</b>")
    await expect(article(writer, "onerror")).to_be_focused()
    await reader.get_by_role("button", name="1 new comment").click()
    for page in (writer, reader):
        shown = article(page, "onerror")
        await expect(shown.locator("bdi")).to_have_text("<b onclick=alert(1)>Eve</b>")
        await expect(
            shown.locator(
                ".comment-text img, .comment-text script, .comment-text svg, .comment-text b"
            )
        ).to_have_count(0)
        await expect(
            shown.locator(".comment-text a[href^=javascript], .comment-text a[href^=data]")
        ).to_have_count(0)
        assert await page.title() == "Host"


async def test_links_in_comments_have_no_referrer_and_no_opener(demo: Demo, hosts: Hosts) -> None:
    page = await hosts.open(demo.story().snippet)
    await comment(page, "See [this](https://example.org/a?b=1).")
    link = article(page, "See this").get_by_role("link", name="this")
    await expect(link).to_have_attribute("href", "https://example.org/a?b=1")
    await expect(link).to_have_attribute("rel", "nofollow ugc noopener noreferrer")


async def test_missing_or_too_long_input_shows_the_error_at_its_field(
    demo: Demo, hosts: Hosts
) -> None:
    site = demo.site("strict-post", "name=required", "email=optional", "website=optional")
    page = await hosts.open(demo.story(site).snippet)
    box = page.get_by_role("textbox", name="Your comment")
    name = page.get_by_role("textbox", name="Name (required)")
    await expect(name).to_have_count(0)
    await box.click()
    await expect(name).to_be_visible()
    await expect(page.get_by_role("textbox", name="Email (never shown)")).to_be_visible()
    post = page.get_by_role("button", name="Post", exact=True)
    for field, words in ((box, "Write a comment first."), (name, "Enter your name.")):
        await post.click()
        await expect(field).to_be_focused()
        await expect(field).to_have_attribute("aria-invalid", "true")
        await expect(field).to_have_accessible_description(words)
        await field.fill("x" * 5_002 if field is box else "Ana")
    await post.click()
    await expect(box).to_have_accessible_description("This is 2 characters too long.")
    await expect(box).to_have_value("x" * 5_002)
    await box.fill("Fine now.")
    await page.get_by_role("textbox", name="Website").fill("https://ana.example")
    await post.click()
    await expect(article(page, "Fine now.")).to_be_focused()
    await expect(box).to_have_value("")
    await expect(
        article(page, "Fine now.").get_by_role("link", name="Ana", exact=True)
    ).to_have_attribute("rel", re.compile("ugc"))


async def test_a_comment_is_edited_in_its_place_everywhere(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    writer = await hosts.open(story.snippet)
    await comment(writer, "First *thought*")
    await expect(article(writer, "First thought")).to_be_focused()
    reader = await hosts.open(story.snippet, site=1)
    await article(reader, "First thought").wait_for()
    await readers(reader, 2)
    await more(writer, "First thought", "Edit")
    box = article(writer, "").get_by_role("textbox", name="Your comment")
    await expect(box).to_have_value("First *thought*")
    await expect(box).to_be_focused()
    await box.fill("Second thought")
    await writer.get_by_role("button", name="Save").click()
    await expect(article(writer, "Second thought")).to_be_focused()
    await expect(article(reader, "Second thought")).to_contain_text("edited")


async def test_an_own_comment_can_be_changed_after_a_reload(demo: Demo, hosts: Hosts) -> None:
    page = await hosts.page(await hosts.reader())
    await page.clock.install()
    story = demo.story()
    await hosts.open(story.snippet, page=page)
    await comment(page, "Mine still")
    await expect(article(page, "Mine still")).to_be_focused()
    await page.reload()
    await readers(page, 1)
    await more(page, "Mine still", "Delete")
    await page.get_by_role("button", name="Undo").wait_for()
    await page.clock.run_for(10_000)
    # On a slow line the deletion is shown as unsent meanwhile.
    await expect(page.locator(".comments article")).to_have_text(
        re.compile("This comment was removed")
    )
    stranger = await hosts.open(story.snippet, site=1)
    await expect(stranger.get_by_role("heading", name="No comments yet")).to_be_visible()
    await expect(stranger.get_by_role("article")).to_have_count(0)


async def test_a_comment_of_someone_else_can_be_reported(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    writer = await hosts.open(story.snippet)
    await comment(writer, "Rude words")
    await expect(article(writer, "Rude words")).to_be_focused()
    reader = await hosts.open(story.snippet, site=1)
    await more(reader, "Rude words", "Report…")
    category = reader.get_by_role("combobox", name="What is wrong with it?")
    await expect(category).to_be_focused()
    await category.select_option("attack")
    await reader.get_by_role("textbox", name="Say more (optional)").fill("It is rude.")
    await reader.get_by_role("button", name="Report", exact=True).click()
    status = reader.get_by_role("status").filter(has_text="Thanks. Your report was saved.")
    await expect(status).to_have_count(1)
    await expect(article(reader, "Rude words")).to_be_focused()
    await expect(article(reader, "Rude words")).to_contain_text("You reported this.")


async def test_escape_closes_the_form_and_restores_the_focus(demo: Demo, hosts: Hosts) -> None:
    page = await hosts.open(demo.story().snippet)
    await comment(page, "Answer me", Name="Ana")
    reply = page.get_by_role("button", name="Reply to Ana")
    await reply.click()
    await expect(page.get_by_role("textbox", name="Your reply to Ana")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("textbox", name="Your reply to Ana")).to_have_count(0)
    await expect(reply).to_be_focused()
    more_about = page.get_by_role("button", name="More about")
    await more_about.click()
    await expect(page.get_by_role("button", name="Copy link")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(more_about).to_be_focused()


async def test_a_reply_to_a_reply_stays_in_the_thread_and_names_its_addressee(
    demo: Demo, hosts: Hosts
) -> None:
    page = await hosts.open(demo.story().snippet)
    await comment(page, "Top", Name="Ana")
    for name, text in (("Ana", "One down"), ("Yusuf", "Two down")):
        await page.get_by_role("button", name=f"Reply to {name}").last.click()
        box = page.get_by_role("textbox", name=f"Your reply to {name}")
        await box.fill(text)
        await page.get_by_role("article").get_by_role("textbox", name="Name").fill("Yusuf")
        await box.press("Control+Enter")
        await expect(article(page, text).last).to_be_focused()
    await expect(page.get_by_role("heading", name="Yusuf to Yusuf")).to_be_visible()
    await expect(page.locator("ol ol > li")).to_have_count(2)
    await expect(page.locator("ol ol ol")).to_have_count(0)


async def test_a_long_thread_is_loaded_in_parts_and_a_link_opens_its_middle(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    (top,) = post_comments(story, [{"body": "Top", "name": "Ana"}])
    ids = [post_comments(story, [{"body": f"No. {n}.", "parent": top}])[0] for n in range(140)]
    page = await hosts.open(story.snippet)
    await page.get_by_role("button", name="Show 135 more replies").click()
    await page.get_by_role("button", name="Show 40 more replies").click()
    await expect(article(page, "No. 139.")).to_be_visible()
    await expect(page.locator("ol ol > li")).to_have_count(140)
    await expect(page.get_by_role("button", name="more repl")).to_have_count(0)

    linked = await hosts.open(story.snippet)
    await expect(article(linked, "Top")).to_be_visible()
    await linked.evaluate(f"location.hash = 'c-{ids[130]}'")
    await expect(article(linked, "No. 130.")).to_be_focused()
    # Ten replies before it are drawn.
    await linked.get_by_role("button", name="Show 120 more replies").click()
    await expect(article(linked, "No. 0.")).to_be_visible()
    post_comments(story, [{"body": "One more.", "parent": top}])
    await expect(linked.get_by_role("button", name="Show 41 more replies")).to_be_visible()


async def test_with_moderation_before_publication_only_the_author_sees_the_comment(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story(demo.site("careful-post", "moderation=pre"))
    writer = await hosts.open(story.snippet)
    await comment(writer, "Please look")
    mine = article(writer, "Please look")
    await expect(mine).to_contain_text("Waiting for a moderator. Only you can see it.")
    no_one = writer.get_by_role("heading", name="No comments yet")
    await expect(no_one).to_have_count(0)
    await writer.reload()
    await expect(mine).to_contain_text("Waiting for a moderator. Only you can see it.")
    # The pending comment is not counted yet, and “No comments yet” is not shown.
    await expect(writer.get_by_role("heading", name="0 comments")).to_be_visible()
    reader = await hosts.open(story.snippet, site=1)
    await readers(reader, 2)
    await expect(reader.get_by_role("article")).to_have_count(0)
    await expect(reader.get_by_role("heading", name="No comments yet")).to_be_visible()


async def test_new_comments_do_not_move_the_text_being_read(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    writer = await hosts.open(story.snippet)
    for number in range(25):
        await comment(writer, f"Comment number {number}.\n\nWith two paragraphs.")
        await expect(article(writer, f"number {number}.")).to_be_focused()
    reader = await hosts.open(story.snippet, site=1)
    place = article(reader, "number 12.")
    await place.scroll_into_view_if_needed()
    await readers(reader, 2)
    # Comments above that a jump has brought near are laid out in the next frames, at their real height.
    await reader.evaluate(
        "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )
    before = await place.bounding_box()
    for number in range(3):
        await comment(writer, f"Late {number}.")
        await expect(article(writer, f"Late {number}.")).to_be_focused()
    pill = reader.get_by_role("button", name="3 new comments")
    await expect(pill).to_be_attached()
    assert await place.bounding_box() == before
    await expect(reader.get_by_role("article")).to_have_count(20)
    await pill.click()
    await expect(article(reader, "Late 2.")).to_be_focused()
    await expect(reader.get_by_role("article")).to_have_count(23)
    await reader.get_by_role("button", name="Show more").click()
    await expect(article(reader, "number 4.")).to_be_focused()
    await expect(reader.get_by_role("article")).to_have_count(28)
    await expect(reader.get_by_role("button", name="Show more")).to_have_count(0)
