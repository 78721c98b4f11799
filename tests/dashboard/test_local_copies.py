"""Hide comments on one copy by the forms of the dashboard, and what a local moderator sees there."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.dashboard.desk import Desk, buttons, open_desk, texts, words
from tests.operations.owner_harness import carry
from widget_server.model.actors import Actor
from widget_server.model.records import CommentState
from widget_server.operations.moderation import local_copies
from widget_server.operations.owners import people

HERE, THERE = "https://here.example", "https://there.example"


@pytest.fixture
async def desk(tmp_path: Path, migrated_url: str) -> AsyncIterator[Desk]:
    """Return a server with a signed-in owner, on each engine."""
    async with open_desk(tmp_path, migrated_url) as opened:
        yield opened


async def owner_of(desk: Desk) -> Actor:
    """Return the site's owner as operations know them."""
    return await people.find_actor(desk.services, desk.owner.account.name, "paper")


async def test_the_sites_people_hide_a_comment_on_one_copy_and_show_it_there_again(
    desk: Desk,
) -> None:
    story = desk.server.publisher.story(title="The library")
    await carry(desk.server, story, HERE)
    token = desk.server.publisher.token(story.key, title="The library", label="Island Times")
    there, _ = await carry(desk.server, story, THERE, token=token)
    shared, _ = await carry(desk.server, story, desk.services.server_origin, code=True)
    comment = await desk.write(there, "not for this town")
    await desk.write(shared, "from the story's own page")
    page = await desk.owner.get(f"comments/{comment.id}")
    assert [one.text() for one in page.css("a.btn") if "step=hide" in str(one.attributes["href"])]
    page = await desk.owner.get(f"comments/{comment.id}?step=hide")
    options = {one.text(): one.attributes["value"] for one in page.css("select#copy option")}
    assert set(options) == {"here.example", "Island Times · there.example"}
    (button,) = buttons(page, "Hide on one copy")
    page = await desk.owner.press(button, copy=str(options["here.example"]))
    assert "Readers of that copy do not see it any more." in words(page)
    assert texts(page, ".do .badge") == ["Hidden on \u2068here.example\u2069"]
    page = await desk.owner.press(buttons(page, "Show it there again")[0])
    assert "Readers of that copy see it again." in words(page)
    assert texts(page, ".do .badge") == []


async def test_comments_from_one_copy_wait_until_the_sites_people_publish_them_at_once(
    desk: Desk,
) -> None:
    story = desk.server.publisher.story(title="The library")
    grant, _ = await carry(desk.server, story, HERE)
    shared, _ = await carry(desk.server, story, desk.services.server_origin, code=True)
    await desk.write(shared)
    page = await desk.owner.get(f"stories/{story.code}/copies")
    (button,) = buttons(page, "Let comments wait")
    page = await desk.owner.press(button)
    assert "New comments that are written there wait for a moderator" in words(page)
    assert (await desk.write(grant)).state == CommentState.PENDING
    page = await desk.owner.get(f"stories/{story.code}")
    assert texts(page, "aside .note strong") == ["here.example"]
    page = await desk.owner.press(buttons(page, "Publish them at once")[0])
    assert texts(page, "aside .note strong") == []
    assert (await desk.write(grant)).state == CommentState.PUBLISHED


async def test_a_local_moderator_sees_other_copies_comments_as_readers_do(desk: Desk) -> None:
    await desk.server.set(("email", "optional"))
    story = desk.server.publisher.story(title="The library")
    here, copy = await carry(desk.server, story, HERE)
    there, _ = await carry(desk.server, story, THERE)
    strange = await desk.write(there, "strange words", name="Rita", email="rita@mail.example")
    await desk.report(here, strange)
    reply = await desk.write(there, "a reply", parent=strange.id)
    gone = await desk.write(there, "removed words")
    await desk.owner.post(f"comments/{gone.id}/decide", verb="remove", reason="attack")
    await desk.server.set(("moderation", "pre"))
    here, _ = await carry(desk.server, story, HERE)
    there, _ = await carry(desk.server, story, THERE)
    await desk.write(there, "waiting words")
    own = await desk.write(here, "own words that wait")
    local = await desk.person("local", copies=frozenset({copy}))
    whole = await local.get(f"stories/{story.code}")
    assert texts(whole, ".thread .say") == ["own words that wait", "strange words", "a reply"]
    thread = await local.get(f"stories/{story.code}/threads/{strange.id}")
    assert texts(thread, ".thread .say") == ["strange words", "a reply"]
    for page in (whole, thread):
        said = words(page)
        for secret in ("report", "rita@mail.example", "removed words", "waiting words"):
            assert secret not in said.lower()
    await local.get(f"comments/{strange.id}", 404)
    await local.get(f"comments/{own.id}")
    (button, _) = buttons(thread, "Hide on \u2068here.example\u2069")
    page = await local.press(button)
    assert page.css("h2.hide + ol.thread") != []
    assert texts(page, ".do .badge") == ["Hidden on \u2068here.example\u2069"]
    hidden = await local_copies.hidden_among(
        desk.services, await owner_of(desk), "paper", story.code, [strange.id, reply.id]
    )
    assert [(one.comment, one.by_site) for one in hidden] == [(strange.id, False)]


async def test_a_local_moderator_sees_nothing_of_stories_that_their_copy_does_not_carry(
    desk: Desk,
) -> None:
    one, other = desk.server.publisher.story(), desk.server.publisher.story()
    _, copy = await carry(desk.server, one, HERE)
    grant, _ = await carry(desk.server, other, THERE)
    comment = await desk.write(grant, "words of another story")
    local = await desk.person("local", copies=frozenset({copy}))
    page = await local.get(f"stories/{other.code}")
    assert page.css(".thread") == []
    assert "words of another story" not in words(page)
    await local.get(f"stories/{other.code}/threads/{comment.id}", 404)


async def test_the_hundred_and_first_hidden_comment_of_a_story_is_marked_on_its_page(
    desk: Desk,
) -> None:
    story = desk.server.publisher.story()
    grant, copy = await carry(desk.server, story, HERE)
    owner = await owner_of(desk)
    for number in range(101):
        comment = await desk.write(grant, f"number {number}")
        await local_copies.hide(desk.services, owner, "paper", copy, comment.id)
    page = await desk.owner.get(f"stories/{story.code}")
    marked = texts(page, ".thread > li > .do .badge")
    assert marked == ["Hidden on \u2068here.example\u2069"] * 20
