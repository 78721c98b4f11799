"""Bans and objections by the forms of the dashboard, without JavaScript."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.dashboard.desk import Desk, buttons, open_desk, texts, words
from widget_server.model.actors import shell
from widget_server.model.errors import BannedError, NotFoundError, NotPermittedError
from widget_server.model.records import CommentState
from widget_server.operations.moderation import bans as moderation, raids
from widget_server.operations.moderation.decide import decide
from widget_server.operations.owners import people
from widget_server.operations.readers import appeal, bans, comment as comments

BY = shell("test")


@pytest.fixture
async def desk(tmp_path: Path, migrated_url: str) -> AsyncIterator[Desk]:
    """Return a server with a signed-in owner, on each engine."""
    async with open_desk(tmp_path, migrated_url) as opened:
        yield opened


async def test_a_writer_is_banned_with_a_reason_listed_and_the_ban_lifted(desk: Desk) -> None:
    grant = await desk.carried(title="The library")
    writer = desk.reader(grant)
    comment = await desk.server.post(grant, writer, "A bad word", name="Rita")
    page = await desk.owner.get(f"comments/{comment.id}?step=ban")
    (reason,) = buttons(page, "Attacks a person or a group")
    page = await desk.owner.press(reason, mode="read", length="24", note="third time")
    assert "Banned. It holds on all copies within seconds." in texts(page, ".toast span")
    banned = await bans.with_ban(desk.services, grant, writer.reader_id, "n")
    assert isinstance(banned.denial, BannedError)
    with pytest.raises(BannedError):
        await comments.report(desk.services, banned, writer, comment.id, None)
    page = await desk.owner.get("bans")
    (row,) = page.css("tbody tr")
    shown = " ".join(row.text().split())
    for part in ("Rita", "The library", "Read only", "third time", "Ana Ferreira"):
        assert part in shown
    assert "The writer is banned until" in words(await desk.owner.get(f"comments/{comment.id}"))
    page = await desk.owner.press(buttons(page, "Lift the ban")[0])
    assert "The ban is lifted." in texts(page, ".toast span")
    assert texts(page, ".empty h2") == ["No writer is banned"]
    free = await bans.with_ban(desk.services, grant, writer.reader_id, "n")
    assert (free.denial, free.ban) == (None, None)
    page = await desk.owner.press(buttons(page, "Undo")[0])
    assert len(page.css("tbody tr")) == 1


async def test_another_person_answers_an_objection_and_the_comment_is_back(desk: Desk) -> None:
    grant = await desk.carried()
    writer = desk.reader(grant)
    comment = await desk.server.post(grant, writer, "Not so bad")
    page = await desk.owner.get(f"comments/{comment.id}?step=remove")
    await desk.owner.press(buttons(page, "Hate or discrimination")[0])
    await appeal.appeal(desk.services, grant, writer, comment.id, "It is a quotation.")
    page = await desk.owner.get("queue")
    assert "It is a quotation." in texts(page, "blockquote.parent")
    assert "another person answers" in words(page)
    page = await desk.owner.press(buttons(page, "Put the comment back")[0])
    assert "Another person decides" in words(page)
    assert (await desk.stored(comment)).state == CommentState.REMOVED
    nick = await desk.person("moderator")
    page = await nick.get("queue?queue=appeals")
    page = await nick.press(buttons(page, "Put the comment back")[0])
    assert "Undone." in texts(page, "[role=status]")
    assert (await desk.stored(comment)).state == CommentState.PUBLISHED
    assert texts(page, ".empty h2") == ["All caught up"]


async def test_a_decision_that_stands_leaves_the_queue_of_objections(desk: Desk) -> None:
    grant = await desk.carried()
    writer = desk.reader(grant)
    comment = await desk.server.post(grant, writer, "Bad")
    page = await desk.owner.get(f"comments/{comment.id}?step=remove")
    await desk.owner.press(buttons(page, "Hate or discrimination")[0])
    await appeal.appeal(desk.services, grant, writer, comment.id, None)
    nick = await desk.person("moderator")
    page = await nick.get("queue?queue=appeals")
    assert "The writer gave no words." in texts(page, "blockquote.parent")
    page = await nick.press(buttons(page, "Let the decision stand")[0])
    assert "The decision stands. The writer is told." in texts(page, ".toast span")
    own = (await desk.services.discussions.own(grant.story.id, [writer.reader_id]))[
        writer.reader_id
    ]
    assert [one.appeal for one in own.outcomes.values()] == ["upheld"]
    auditor = await desk.person("auditor")
    for person, sees in ((nick, True), (auditor, False)):
        queues = texts(await person.get("queue"), ".pane.l .qs a")
        assert any(one.startswith("Objections") for one in queues) is sees


async def test_networks_are_banned_only_while_the_setting_is_on(desk: Desk) -> None:
    grant = await desk.carried()
    writer = desk.reader(grant)
    before = await desk.server.post(grant, writer, "Before the raid")
    await desk.server.set(("network_bans", "on"))
    raid = await raids.switch_on(
        desk.services, BY, "paper", story=(await desk.carried()).story.code
    )
    assert raid.phase(desk.services.now_ms()) == "proof"
    grant = await desk.carried()
    comment = await desk.server.post(grant, writer, "In the raid")
    assert await desk.services.networks.of_comment(before.id) is None
    with pytest.raises(NotFoundError):
        await moderation.ban(desk.services, BY, before.id, until=None, network=True)
    await moderation.ban(desk.services, BY, comment.id, until=None, network=True)
    stranger = desk.reader(grant)
    banned = await bans.with_ban(desk.services, grant, stranger.reader_id, writer.network)
    assert isinstance(banned.denial, BannedError)
    assert banned.ban is not None
    assert banned.ban.until is not None
    assert banned.ban.until <= desk.services.now_ms() + 2 * 86_400_000
    free = await bans.with_ban(desk.services, grant, stranger.reader_id, stranger.network)
    assert free.denial is None
    await desk.server.set(("network_bans", "off"))
    await desk.site()
    free = await bans.with_ban(desk.services, grant, stranger.reader_id, writer.network)
    assert free.denial is None
    with pytest.raises(NotPermittedError, match="raid"):
        await moderation.ban(desk.services, BY, comment.id, until=None, network=True)


async def test_the_form_of_a_ban_offers_the_network_only_in_a_raid(desk: Desk) -> None:
    grant = await desk.carried()
    comment = await desk.write(grant)
    page = await desk.owner.get(f"comments/{comment.id}?step=ban")
    assert page.css("input[name=mode]")
    assert not page.css("input[name=whom]")
    await desk.server.set(("network_bans", "on"))
    page = await desk.owner.get(f"comments/{comment.id}?step=ban")
    assert not page.css("input[name=whom]")
    # The raid is on another story, so that the new reader does no proof of work.
    await raids.switch_on(desk.services, BY, "paper", story=grant.story.code)
    grant = await desk.carried()
    writer = desk.reader(grant)
    comment = await desk.server.post(grant, writer, "In the raid", name="Rita")
    page = await desk.owner.get(f"comments/{comment.id}?step=ban")
    assert [one.attributes["value"] for one in page.css("input[name=whom]")] == [
        "reader",
        "network",
    ]
    (reason,) = buttons(page, "Advertising or spam")
    page = await desk.owner.press(reason, whom="network", mode="approval", length="")
    assert "Banned." in words(page)
    page = await desk.owner.get("bans")
    (row,) = page.css("tbody tr")
    for part in ("Rita", "With approval", "Network"):
        assert part in row.text()
    assert "For good" not in row.text()
    found = await bans.with_ban(desk.services, grant, None, writer.network)
    assert found.ban is not None
    assert found.ban.mode == "approval"
    log = words(await desk.owner.get("log?verb=ban"))
    assert "With approval" in log
    assert "Network" in log


async def test_a_card_and_the_page_show_what_was_reported_beside_what_it_is_now(
    desk: Desk,
) -> None:
    grant = await desk.carried()
    writer = desk.reader(grant)
    comment = await desk.server.post(grant, writer, "You are a liar")
    await desk.report(grant, comment)
    for path in ("queue?queue=reported", f"comments/{comment.id}"):
        assert "As it was reported" not in words(await desk.owner.get(path))
    await desk.edit(grant, writer, comment, "You are a poet")
    for path in ("queue?queue=reported", f"comments/{comment.id}"):
        page = await desk.owner.get(path)
        assert "As it was reported" in words(page)
        assert texts(page, ".diff del") == ["liar"]
        assert texts(page, ".diff ins") == ["poet"]
    auditor = await desk.person("auditor")
    assert "liar" not in words(await auditor.get(f"comments/{comment.id}"))


@pytest.mark.parametrize(
    ("lang", "one", "two"),
    [
        ("en", "objection to answer", "objections to answer"),
        ("pl", "sprzeciw do rozpatrzenia", "sprzeciwy do rozpatrzenia"),
    ],
)
async def test_the_first_page_counts_objections_in_the_forms_of_the_language(
    desk: Desk, lang: str, one: str, two: str
) -> None:
    grant = await desk.carried()
    for said in (one, two):
        writer = desk.reader(grant)
        comment = await desk.server.post(grant, writer, "Not so bad")
        await moderation.ban(desk.services, BY, comment.id, until=None)
        banned = await bans.with_ban(desk.services, grant, writer.reader_id, "n")
        await appeal.appeal(desk.services, banned, writer, None, None)
        desk.owner.http.headers["Accept-Language"] = lang
        page = await desk.owner.get("home")
        (row,) = [row for row in page.css(".todo li") if said in row.text()]
        assert [one.strip() for one in texts(page, ".todo li span")].count(said) == 1
        assert row.css("b")


async def test_the_log_says_that_the_same_person_answered_alone(desk: Desk) -> None:
    grant = await desk.carried()
    writer = desk.reader(grant)
    comment = await desk.server.post(grant, writer, "Not so bad")
    page = await desk.owner.get(f"comments/{comment.id}?step=remove")
    await desk.owner.press(buttons(page, "Hate or discrimination")[0])
    await appeal.appeal(desk.services, grant, writer, comment.id, "No.")
    later = replace(desk.services, clock=lambda: desk.services.clock() + 3 * 86_400 + 60)
    me = await people.find_actor(desk.services, desk.owner.account.name, "paper")
    with pytest.raises(NotPermittedError, match="Another person"):
        await decide(desk.services, me, "uphold", comment.id)
    await decide(later, me, "uphold", comment.id)
    assert "The same person answered" in words(await desk.owner.get("log"))
    own = await desk.services.discussions.own(grant.story.id, [writer.reader_id])
    (told,) = own[writer.reader_id].outcomes.values()
    assert told.appeal == "upheld"


async def test_a_report_has_the_same_words_where_its_reader_is_muted_as_on_the_comments_page(
    desk: Desk,
) -> None:
    grant = await desk.carried()
    comment = await desk.write(grant)
    # A key of a reason that an embed sends as words, and words of a reader.
    for reason in ("attack", "He means <me>", None):
        await desk.report(grant, comment, reason)
    page = await desk.owner.get(f"comments/{comment.id}?step=mute")
    offered = texts(page, ".mutes strong")
    assert sorted(offered) == ["Attacks a person or a group", "He means <me>", "no reason given"]
    counted = texts(page, ".ev .row span bdi")
    assert sorted(counted) == sorted(offered)
    described = [one.attributes["aria-describedby"] for one in page.css(".mutes form button")]
    assert [texts(page, f"[id='{one}'] strong")[0] for one in described] == offered
