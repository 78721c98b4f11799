"""Tags in the dashboard, without script: given and taken off by forms, shown on pages, found on a page of their own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.dashboard.desk import Desk, buttons, first, open_desk, texts, words
from widget_server.operations.moderation import discussion


@pytest.fixture
async def desk(tmp_path: Path, migrated_url: str) -> AsyncIterator[Desk]:
    """Return a server with a signed-in owner whose site has two tags, on each engine."""
    async with open_desk(tmp_path, migrated_url) as opened:
        await opened.server.set(("tags", "urgent, good quote"))
        yield opened


async def test_a_comments_page_gives_tags_takes_them_off_and_undoes_that(desk: Desk) -> None:
    grant = await desk.carried()
    comment = await desk.write(grant, "a fine sentence")
    page = await desk.owner.get(f"comments/{comment.id}")
    (step,) = [a for a in page.css("a") if (a.attributes.get("href") or "").count("step=tag")]
    page = await desk.owner.get(step.attributes["href"] or "")
    assert [b.attributes["aria-pressed"] for b in page.css(".toggles button")] == ["false"] * 2
    page = await desk.owner.press(buttons(page, "good quote")[0])
    assert "Tagged." in texts(page, ".toast span")
    assert texts(page, ".c-who .badge") == ["good quote"]
    assert (await desk.stored(comment)).tags == ("good quote",)
    page = await desk.owner.get(f"comments/{comment.id}?step=tag")
    (pressed,) = [
        one for one in page.css(".toggles button") if one.attributes["aria-pressed"] == "true"
    ]
    assert pressed.attributes["name"] == "untag"
    page = await desk.owner.press(pressed)
    assert "Tag taken off." in texts(page, ".toast span")
    assert (await desk.stored(comment)).tags == ()
    await desk.owner.press(buttons(page, "Undo")[0])
    assert (await desk.stored(comment)).tags == ("good quote",)


async def test_the_log_names_the_tag_and_undoes_the_decision(desk: Desk) -> None:
    comment = await desk.write(await desk.carried(), name="Rita")
    page = await desk.owner.get(f"comments/{comment.id}?step=tag")
    await desk.owner.press(buttons(page, "urgent")[0])
    page = await desk.owner.get("log?verb=tag")
    assert "Tagged" in words(page)
    assert "“urgent”" in words(page)
    await desk.owner.press(buttons(page, "Undo")[0])
    assert (await desk.stored(comment)).tags == ()
    assert "“urgent”" in words(await desk.owner.get("log?verb=undo"))


async def test_a_card_of_the_queue_shows_tags_and_its_sheet_gives_them(desk: Desk) -> None:
    await desk.server.set(("moderation", "pre"))
    grant = await desk.carried()
    comment = await desk.write(grant)
    page = await desk.owner.get("queue?queue=pending")
    sheet = first(page, f"#tags-{first(page, '.card').attributes['data-case']}")
    page = await desk.owner.press(buttons(sheet, "urgent")[0])
    assert "Tagged." in texts(page, ".toast span")
    shown = [one for one in page.css(".case [data-tag]") if "hidden" not in one.attributes]
    assert [one.text(strip=True) for one in shown] == ["urgent"]
    assert (await desk.stored(comment)).tags == ("urgent",)
    assert texts(await desk.owner.get("queue?view=list"), ".badge.acc") == ["urgent"]
    filtered = await desk.owner.get("queue?queue=all&tag=urgent")
    assert texts(filtered, ".case .text") == ["hello"]
    assert len((await desk.owner.get("queue?queue=all&tag=good+quote")).css(".case")) == 0


async def test_a_sheet_without_tags_leads_those_who_may_to_the_setting(desk: Desk) -> None:
    await desk.server.set(("moderation", "pre"), ("tags", ""))
    grant = await desk.carried()
    comment = await desk.write(grant)
    moderator = await desk.person("moderator")
    for person, links in ((desk.owner, 1), (moderator, 0)):
        page = await person.get(f"comments/{comment.id}?step=tag")
        assert "This site has no tags yet." in words(page)
        found = [a for a in page.css("a") if "settings/moderation" in (a.attributes["href"] or "")]
        assert len([a for a in found if a.text() == "Set up tags"]) == links
        left = await person.get("queue")
        assert not [a for a in left.css("a") if "tagged" in (a.attributes.get("href") or "")]


async def test_a_tag_that_was_taken_from_the_site_is_said_at_the_form(desk: Desk) -> None:
    comment = await desk.write(await desk.carried())
    await desk.server.set(("tags", "other"))
    answer = await desk.owner.post(
        f"comments/{comment.id}/decide", verb="tags", tag="urgent", revision="1"
    )
    assert answer.status_code == 400
    assert "Give one of these tags: other." in answer.text
    assert (await desk.stored(comment)).tags == ()


async def test_the_page_of_a_tag_lists_comments_in_any_state_page_by_page(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discussion, "FLAT_PAGE", 2)
    grant = await desk.carried(title="The library")
    written = [await desk.write(grant, f"number {number}") for number in range(4)]
    for comment in written[:3]:
        await desk.owner.post(f"comments/{comment.id}/decide", verb="tags", tag="urgent")
    await desk.owner.post(f"comments/{written[1].id}/decide", verb="remove", reason="spam")
    page = await desk.owner.get("queue")
    (link,) = [a for a in page.css(".pane.l a") if a.text() == "urgent"]
    page = await desk.owner.get(link.attributes["href"] or "")
    assert texts(page, ".thread .say") == ["number 2", "number 1"]
    assert len(page.css("li.gone")) == 1
    (older,) = [a for a in page.css("a") if a.text() == "Older comments"]
    page = await desk.owner.get(older.attributes["href"] or "")
    assert texts(page, ".thread .say") == ["number 0"]
    page = await desk.owner.get("queue/tagged?tag=good+quote")
    assert texts(page, ".empty h2") == ["No comment has this tag"]


async def test_a_watch_list_of_a_tag_is_made_by_its_form(desk: Desk) -> None:
    await desk.server.set(("moderation", "pre"))
    grant = await desk.carried()
    comment = await desk.write(grant, "with a tag")
    await desk.write(grant, "without")
    await desk.owner.post(f"comments/{comment.id}/decide", verb="tags", tag="urgent")
    await desk.owner.post("queue/watch", name="Urgent ones", tag="urgent")
    page = await desk.owner.get("queue/watch")
    assert "Tag: urgent" in words(page)
    (link,) = [a for a in page.css(".lists a") if a.text() == "Urgent ones"]
    page = await desk.owner.get(link.attributes["href"] or "")
    assert texts(page, ".case .text") == ["with a tag"]
    assert page.css(".next li") == []


async def test_a_local_moderator_sees_no_tag_and_no_page_of_them(desk: Desk) -> None:
    await desk.server.set(("moderation", "pre"))
    grant = await desk.carried()
    comment = await desk.write(grant)
    await desk.owner.post(f"comments/{comment.id}/decide", verb="tags", tag="urgent")
    copy = (await desk.stored(comment)).copy
    assert copy is not None
    local = await desk.person("local", copies=frozenset({copy.id}))
    for path in ("queue?queue=pending", "queue?view=list", f"comments/{comment.id}", "home"):
        assert "urgent" not in (await local.get(path)).html  # type: ignore[operator]
    await local.get("queue/tagged?tag=urgent", 403)
    await local.get("queue?tag=urgent", 403)


async def test_the_settings_page_keeps_the_tags_in_their_order(desk: Desk) -> None:
    page = await desk.owner.get("settings/moderation")
    (field,) = page.css("#tags")
    assert field.attributes["value"] == "urgent, good quote"
    await desk.owner.post("settings/moderation", tags="b, a")
    assert (await desk.site()).settings.tags == ("b", "a")
    answer = await desk.owner.post("settings/moderation", tags="a, A")
    assert "Use each tag once." in answer.text
    await desk.owner.post("settings/moderation", tags="")
    assert (await desk.site()).settings.tags == ()
