"""Decide about comments by the forms of the dashboard: discussion, queue, undo, stale, erase, answer."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.dashboard.desk import OWN, Desk, buttons, first, open_desk, texts, words
from tests.operations.owner_harness import Statements, carry
from widget_server.model.actors import Role
from widget_server.model.records import CommentState
from widget_server.operations.owners import sign_in
from widget_server.protocol import serializers


@pytest.fixture
async def desk(tmp_path: Path, migrated_url: str) -> AsyncIterator[Desk]:
    """Return a server with a signed-in owner, on each engine."""
    async with open_desk(tmp_path, migrated_url) as opened:
        yield opened


async def test_remove_asks_for_a_reason_and_undo_brings_the_comment_back(desk: Desk) -> None:
    grant = await desk.carried()
    comment = await desk.write(grant, "words to remove")
    page = await desk.owner.get(f"stories/{grant.story.code}")
    (step,) = [a for a in page.css("a") if (a.attributes.get("href") or "").count("step=remove")]
    page = await desk.owner.get(step.attributes["href"] or "")
    (reason,) = buttons(page, "Attacks a person or a group")
    page = await desk.owner.press(reason, note="as warned")
    assert (await desk.stored(comment)).state == CommentState.REMOVED
    assert "Removed from all copies." in texts(page, ".toast span")
    (shown,) = page.css("li.gone")
    assert "words to remove" in shown.text()
    assert "By Ana Ferreira, now. Attacks a person or a group." in " ".join(shown.text().split())
    page = await desk.owner.press(buttons(page, "Undo")[0])
    stored = await desk.stored(comment)
    assert (stored.state, stored.source) == (CommentState.PUBLISHED, "words to remove")
    assert "Undone." in texts(page, "[role=status]")
    assert page.css("li.gone") == []


async def test_each_verb_of_the_discussion_does_what_its_button_says(desk: Desk) -> None:
    grant = await desk.carried()
    comment = await desk.write(grant)
    where = f"comments/{comment.id}"
    for word, state, pinned in (
        ("Pin", CommentState.PUBLISHED, True),
        ("Unpin", CommentState.PUBLISHED, False),
    ):
        await desk.owner.press(buttons(await desk.owner.get(where), word)[0])
        stored = await desk.stored(comment)
        assert (stored.state, stored.pinned) == (state, pinned)
    page = await desk.owner.get(f"{where}?step=hold")
    await desk.owner.press(buttons(page, "Hold")[0])
    page = await desk.owner.get("queue?queue=held")
    assert "hello" in first(page, ".case .text").text()
    await desk.owner.press(buttons(page, "Approve")[0])
    assert (await desk.stored(comment)).state == CommentState.PUBLISHED
    page = await desk.owner.get(f"{where}?step=spam")
    await desk.owner.press(buttons(page, "Advertising or spam")[0])
    assert (await desk.stored(comment)).state == CommentState.REMOVED
    await desk.owner.press(buttons(await desk.owner.get(where), "Put back")[0])
    assert (await desk.stored(comment)).state == CommentState.PUBLISHED


async def test_the_queue_shows_the_next_case_after_a_decision(desk: Desk) -> None:
    await desk.server.set(("moderation", "pre"))
    grant = await desk.carried(title="The library")
    written = [await desk.write(grant, f"number {number}", name="Rita") for number in range(3)]
    page = await desk.owner.get("queue")
    for number, comment in enumerate(written):
        assert texts(page, ".case .text") == [f"number {number}"]
        assert len(page.css(".next li")) == 2 - number
        page = await desk.owner.press(buttons(page, "Approve")[0])
        assert "Approved. All copies show it." in texts(page, ".toast span")
        assert (await desk.stored(comment)).state == CommentState.PUBLISHED
    assert texts(page, ".empty h2") == ["All caught up"]
    page = await desk.owner.press(buttons(page, "Undo")[0])
    # It was public, so it is hidden from readers, and its words are here again.
    assert texts(page, ".case .text") == ["number 2"]
    assert (await desk.stored(written[2])).state == CommentState.REMOVED
    await desk.owner.press(buttons(page, "Approve")[0])
    assert (await desk.stored(written[2])).source == "number 2"


async def test_a_case_can_be_left_for_later(desk: Desk) -> None:
    await desk.server.set(("moderation", "pre"))
    grant = await desk.carried()
    for number in range(2):
        await desk.write(grant, f"number {number}")
    page = await desk.owner.get("queue")
    (later,) = [one for one in page.css("a.btn") if "Later" in one.text()]
    page = await desk.owner.get(later.attributes["href"] or "")
    assert texts(page, ".case .text") == ["number 1"]


async def test_a_report_shows_reasons_reporters_parents_and_writer(desk: Desk) -> None:
    grant = await desk.carried(title="The library")
    writer = desk.server.actor(grant)
    top = await desk.server.post(grant, writer, "a roof", name="Priya")
    await desk.server.post(grant, writer, "another one", name="Priya")
    reply = await desk.server.post(grant, writer, "nonsense", name="Priya", parent=top.id)
    for reason in ("attack", "attack", "he means <me>"):
        await desk.report(grant, reply, reason)
    page = await desk.owner.get("queue?queue=reported")
    assert texts(page, ".case .text") == ["nonsense"]
    assert texts(page, ".case .parent") == ["Priya a roof"]
    (reports, writers) = texts(page, ".ev dd")
    assert reports.startswith("2 × Attacks a person or a group")
    assert "he means <me>" in reports
    assert "by 3 different readers" in reports
    assert "3 comments stood" in writers
    assert "<me>" not in (page.html or "")
    page = await desk.owner.press(buttons(page, "Keep it")[0])
    assert texts(page, ".empty h2") == ["All caught up"]
    page = await desk.owner.press(buttons(page, "Undo")[0])
    assert texts(page, ".case .text") == ["nonsense"]


async def test_an_edit_is_shown_as_a_difference_and_approved_or_not(desk: Desk) -> None:
    grant = await desk.carried()
    writer = desk.server.actor(grant)
    comment = await desk.server.post(grant, writer, "money for a roof")
    await desk.server.set(("moderation", "pre"))
    grant = replace(grant, site=(await desk.site()))
    await desk.edit(grant, writer, comment, "money for a boat")
    page = await desk.owner.get("queue?queue=edits")
    assert texts(page, ".diff del") == ["roof"]
    assert texts(page, ".diff ins") == ["boat"]
    await desk.owner.press(buttons(page, "Keep the old text")[0])
    assert (await desk.stored(comment)).source == "money for a roof"
    await desk.edit(grant, writer, comment, "money for a boat")
    page = await desk.owner.get("queue?queue=edits")
    await desk.owner.press(buttons(page, "Approve the edit")[0])
    assert (await desk.stored(comment)).source == "money for a boat"


async def test_a_decision_about_words_that_changed_asks_again_and_keeps_reason_and_note(
    desk: Desk,
) -> None:
    grant = await desk.carried()
    writer = desk.server.actor(grant)
    comment = await desk.server.post(grant, writer, "the old words")
    page = await desk.owner.get(f"comments/{comment.id}?step=remove")
    await desk.edit(grant, writer, comment, "the new words")
    page = await desk.owner.press(buttons(page, "Hate or discrimination")[0], note="my note")
    assert (await desk.stored(comment)).state == CommentState.PUBLISHED
    assert "has changed since you opened it" in first(page, "[role=alert]").text()
    assert "the new words" in first(page, ".text").text()
    assert first(page, "input[name=note]").attributes["value"] == "my note"
    assert first(page, "button.kept").attributes["value"] == "hate"
    await desk.owner.press(first(page, "button.kept"))
    assert (await desk.stored(comment)).state == CommentState.REMOVED
    log = await desk.owner.get("log?verb=remove")
    assert "my note" in words(log)


async def test_erase_needs_a_fresh_proof_and_cannot_be_undone(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = await desk.carried()
    comment = await desk.write(grant, "gone for good")
    page = await desk.owner.get(f"comments/{comment.id}?step=erase")
    (button,) = buttons(page, "Private data of a person")
    with monkeypatch.context() as patched:
        patched.setattr(sign_in, "STRONG_MS", -1)
        asked = await desk.owner.press(button)
    assert asked.css("[name=again_password]") != []
    assert (await desk.stored(comment)).state == CommentState.PUBLISHED
    page = await desk.owner.press(button)
    assert (await desk.stored(comment)).state == CommentState.REMOVED
    assert "Erased for good." in words(page)
    assert buttons(page, "Undo") == []
    assert "gone for good" not in (page.html or "")


async def test_an_answer_appears_under_the_persons_name_with_a_badge(desk: Desk) -> None:
    await desk.server.set(("moderation", "pre"))
    grant = await desk.carried()
    comment = await desk.write(grant, "a question")
    moderator = await desk.person("moderator", "Jonas")
    await moderator.press(buttons(await moderator.get("queue"), "Approve")[0])
    page = await moderator.get(f"comments/{comment.id}?step=answer")
    (button,) = buttons(page, "Publish the answer")
    await moderator.press(button, body="an **answer**")
    shown = await moderator.press(button, body="an **answer**")
    assert texts(shown, ".replies strong") == ["answer"]
    thread = await desk.services.discussions.thread(grant.story.code, comment.id)
    (reply,) = thread.replies
    assert (reply.name, reply.role, reply.vouched) == ("Jonas", "moderator", True)
    assert reply.reader == f"staff:{moderator.account.id}"
    assert len(reply.reader) <= 32
    page = await moderator.press(button, body="")
    assert page.css("#body-error") != []


@pytest.mark.parametrize("role", ["owner", "editor", "moderator"])
async def test_whoever_of_the_site_answers_has_the_badge_that_readers_know(
    desk: Desk, role: Role
) -> None:
    """The wire has two roles, `author` and `moderator`: staff answer as moderators."""
    grant = await desk.carried()
    comment = await desk.write(grant, "a question")
    person = await desk.person(role, "Jonas")
    page = await person.get(f"comments/{comment.id}?step=answer")
    shown = await person.press(buttons(page, "Publish the answer")[0], body="an answer")
    assert "Moderator" in texts(shown, ".replies .badge")
    thread = await desk.services.discussions.thread(grant.story.code, comment.id)
    sent = serializers.comment(thread.replies[0], show_copy=True)
    assert (sent["author"]["role"], sent["author"]["name"]) == ("moderator", "Jonas")


async def test_an_answer_in_a_closed_discussion_is_refused_and_kept(desk: Desk) -> None:
    grant = await desk.carried()
    comment = await desk.write(grant, "a question")
    page = await desk.owner.get(f"comments/{comment.id}?step=answer")
    story = await desk.owner.get(f"stories/{grant.story.code}")
    await desk.owner.press(buttons(story, "Close")[0])
    page = await desk.owner.press(buttons(page, "Publish the answer")[0], body="what I wrote")
    assert "This discussion is closed" in words(page)
    assert first(page, "textarea").text() == "what I wrote"


async def test_an_undo_that_is_not_possible_any_more_says_why(desk: Desk) -> None:
    grant = await desk.carried()
    comment = await desk.write(grant)
    page = await desk.owner.press(buttons(await desk.owner.get(f"comments/{comment.id}"), "Pin")[0])
    (undo,) = buttons(page, "Undo")
    await desk.owner.press(buttons(await desk.owner.get(f"comments/{comment.id}"), "Unpin")[0])
    page = await desk.owner.press(undo)
    assert texts(page, "h1") == ["Not undone"]
    assert "There is a later decision" in words(page)


async def test_a_form_leads_back_only_to_pages_of_its_site(desk: Desk) -> None:
    grant = await desk.carried()
    comment = await desk.write(grant)
    for back in (
        "https://evil.example/",
        "//evil.example/admin/sites/paper/",
        "/admin/sites/other/home",
        "/admin/sites/paper/../../evil",
        "/admin/sites/paper\\evil",
    ):
        for verb in ("pin", "unpin"):
            answer = await desk.owner.post(f"comments/{comment.id}/decide", verb=verb, back=back)
            assert answer.headers["location"].startswith(
                f"/admin/sites/paper/stories/{grant.story.code}?did={verb}"
            )


async def test_words_and_names_of_readers_are_escaped(desk: Desk) -> None:
    grant = await desk.carried(title="<b>title</b>", author="<b>author</b>")
    evil = "<img src=x onerror=alert(1)>"
    comment = await desk.write(grant, evil, name=evil)
    await desk.report(grant, comment, evil)
    for place in (
        "home",
        "stories",
        f"stories/{grant.story.code}",
        f"comments/{comment.id}?step=remove",
        "queue",
        "log",
    ):
        page = await desk.owner.get(place)
        assert page.css("img") == [], place
        assert page.css("[onerror]") == [], place
        assert "<b>title" not in (page.html or ""), place
        assert page.css("[style]") == [], place


async def test_a_page_reads_at_most_five_statements_and_the_queue_eight(desk: Desk) -> None:
    await desk.server.set(("moderation", "pre"))
    grant = await desk.carried()
    writer = desk.server.actor(grant)
    comment = await desk.server.post(grant, writer)
    await desk.write(grant)
    await desk.owner.press(buttons(await desk.owner.get(f"comments/{comment.id}"), "Approve")[0])
    await desk.report(grant, comment)
    await desk.edit(grant, writer, comment, "other words")
    code = grant.story.code
    for place in (
        "home",
        "stories",
        "stories?q=a&state=open&sort=comments",
        f"stories/{code}",
        f"stories/{code}?show=waiting",
        f"stories/{code}?show=removed",
        f"stories/{code}/copies",
        f"stories/{code}/threads/{comment.id}",
        f"stories/{code}/count",
        f"stories/{code}/settings",
        f"comments/{comment.id}?step=remove",
        "queue?queue=pending",
        "queue?queue=edits",
        "log",
        f"log?story={code}&verb=approve",
    ):
        # The site's settings and rules are then in the cache, for two seconds.
        await desk.owner.get(place)
        with Statements(desk.server) as statements:
            await desk.owner.get(place)
        # The queue's own: the mark of what is new, its count, the watch-lists, the hard cases of today.
        most = 8 if place.startswith("queue") else 5
        assert 1 <= len(statements.texts) <= most, (place, statements.texts)


async def test_a_page_of_the_queue_is_two_reads_the_session_and_all_it_shows(desk: Desk) -> None:
    await desk.server.set(("moderation", "pre"))
    await desk.write(await desk.carried())
    metrics = desk.server.components.database.metrics
    reads = []
    for _ in range(4):
        before = metrics.read_transactions
        await desk.owner.get("queue?queue=pending")
        reads.append(metrics.read_transactions - before)
    # The first page fills the caches, and the server may read something itself meanwhile.
    assert min(reads) == 2, reads


async def test_without_a_session_every_page_leads_to_the_sign_in(desk: Desk) -> None:
    desk.owner.http.cookies.clear()
    for place in ("home", "stories", "stories/x", "queue", "log", "comments/x", "log/export"):
        answer = await desk.owner.http.get(f"{OWN}/admin/sites/paper/{place}")
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/admin/sign-in?then=")


async def test_held_words_are_shown_to_moderators_and_neither_to_auditors_nor_local_ones(
    desk: Desk,
) -> None:
    grant, copy = await carry(desk.server, desk.server.publisher.story(), "https://one.example")
    comment = await desk.write(grant, "words that were held")
    await desk.owner.post(f"comments/{comment.id}/decide", verb="hold")
    assert (await desk.stored(comment)).state == CommentState.REMOVED
    moderator = await desk.person("moderator")
    page = await moderator.get("queue?queue=held")
    assert "words that were held" in words(page)
    await moderator.press(buttons(page, "Enough for now")[0])
    auditor = await desk.person("auditor")
    local = await desk.person("local", copies=frozenset({copy}))
    for person in (auditor, local):
        page = await person.get("queue?queue=held")
        assert page.css(".case"), "the case itself is shown"
        assert "words that were held" not in words(page)


async def test_a_local_moderator_is_told_nothing_of_other_copies(desk: Desk) -> None:
    story = desk.server.publisher.story()
    here, copy = await carry(desk.server, story, "https://here.example")
    elsewhere, _ = await carry(desk.server, story, "https://other.example")
    above = await desk.write(elsewhere, "written elsewhere")
    comment = await desk.write(here, "written here", parent=above.id)
    local = await desk.person("local", copies=frozenset({copy}))
    shown = words(await local.get(f"comments/{comment.id}"))
    assert "written here" in shown
    assert "written elsewhere" not in shown
    assert "Writer" not in shown
    shown = words(await desk.owner.get(f"comments/{comment.id}"))
    assert "written elsewhere" in shown
    assert "Writer" in shown
    await local.get(f"comments/{above.id}", 404)


async def test_the_list_of_an_empty_queue_tells_whether_another_queue_has_cases(desk: Desk) -> None:
    empty = words(await desk.owner.get("queue?queue=all&view=list"))
    assert "Other queues are not empty." not in empty
    grant = await desk.carried()
    await desk.report(grant, await desk.write(grant))
    assert "Other queues are not empty." in words(
        await desk.owner.get("queue?queue=pending&view=list")
    )
