"""The effect of each action on a story, on both engines."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.store.store_harness import Store, changes, decide, done, nonzero, post, seqs
from widget_server.model.errors import EditWindowOverError, NotFoundError, StoryClosedError
from widget_server.model.events import StoryChanged, TallyChanged
from widget_server.model.records import CommentState, Story
from widget_server.store.queries.sites import update_site
from widget_server.store.schema import comments, kept_texts, reactions, reports
from widget_server.store.schema_local import local_waits
from widget_server.store.writing.actions import Delete, Edit, Forget, Report, UpdateStory
from widget_server.store.writing.reporters import ReporterRows

MINUTES_15 = 900_000
AT = 1_000_000


def edit(story: Story, comment: str, reader: str = "r", body: str = "new", **more: Any) -> Edit:
    fields = {"window": MINUTES_15, "moderated": False, "at": AT + 1} | more
    return Edit(story.id, comment, reader, body, [body], **fields)


def delete(story: Story, comment: str, reader: str = "r", at: int = AT + 1) -> Delete:
    return Delete(story.id, comment, reader, MINUTES_15, at)


async def test_a_reader_has_one_reaction_which_can_be_changed_and_removed(store: Store) -> None:
    story = await store.story()
    counted = []
    for reaction in ("happy", "sad", "sad", None, None, "happy"):
        counted.append(nonzero(await store.react(story, "r", reaction)))
        await store.tallies_are_rows()
    assert counted == [{"happy": 1}, {"sad": 1}, {"sad": 1}, {}, {}, {"happy": 1}]
    versions = [event.tally.version for event in store.events if isinstance(event, TallyChanged)]
    assert versions == [1, 2, 3, 4]  # an action that changes nothing publishes no event


async def test_a_tally_contains_every_reaction_from_the_start(store: Store) -> None:
    story = await store.story()
    comment = await store.post(story)
    assert story.tally.counts == comment.tally.counts == {"happy": 0, "sad": 0}


async def test_reactions_on_comments_are_counted_with_the_comment(store: Store) -> None:
    story = await store.story()
    comment = await store.post(story)
    for reader in ("a", "b"):
        await store.react(story, reader, "happy", comment.id)
    assert (await store.react(story, "c", "sad", comment.id)).counts == {"happy": 2, "sad": 1}
    assert nonzero((await store.now(story)).tally) == {}
    (event,) = [e for e in store.events[-1:] if isinstance(e, TallyChanged)]
    assert (event.comment, event.tally.counts["happy"]) == (comment.id, 2)
    await store.tallies_are_rows()


async def test_versions_of_all_tallies_of_a_story_come_from_one_counter(store: Store) -> None:
    """A client that resumes therefore needs one number to find the tallies that it missed."""
    story = await store.story()
    comment = await store.post(story)
    versions = [
        (await store.react(story, reader, "happy", target)).version
        for reader, target in (("a", None), ("a", comment.id), ("b", None), ("b", comment.id))
    ]
    assert versions == [1, 2, 3, 4]
    assert (await store.now(story)).tallies == 4
    assert [target for target, _ in (await store.discussions.tallies(story.code, 1, 9))[1]] == [
        None,
        comment.id,
    ]
    assert [target for target, _ in (await store.discussions.tallies(story.code, 3, 9))[1]] == [
        comment.id
    ]


async def test_a_reply_needs_a_published_parent_in_the_same_story(store: Store) -> None:
    story, other = await store.story("a"), await store.story("b")
    top = await store.post(story)
    reply = await store.post(story, "q", parent=top.id)
    deeper = await store.post(story, "r", parent=reply.id)
    assert (deeper.parent, deeper.thread) == (reply.id, top.id)
    for where, parent in ((other, top.id), (story, "nowhere")):
        with pytest.raises(NotFoundError):
            await store.post(where, parent=parent)


async def test_a_pending_comment_has_no_number_until_it_is_approved(store: Store) -> None:
    story = await store.story()
    pending = await store.post(story, pending=True)
    assert (pending.state, pending.seq, pending.born) == (CommentState.PENDING, 0, 0)
    assert (await store.now(story)).seq == 0
    assert store.events == []
    for action in (
        store.react(story, "q", "happy", pending.id),
        store.post(story, parent=pending.id),
    ):
        with pytest.raises(NotFoundError):
            await action
    edited = await store.writer.submit(edit(story, pending.id, moderated=True))
    assert (edited.source, edited.waiting, edited.seq) == ("new", False, 0)
    await store.post(story, "q")
    approved = await done(store, decide(story, pending.id, "approve", AT))
    assert (approved.state, approved.seq, approved.born) == (CommentState.PUBLISHED, 2, 2)
    assert (await store.now(story)).count == 2


async def test_deleting_a_pending_comment_publishes_no_event(
    store: Store,
) -> None:
    story = await store.story()
    pending = await store.post(story, pending=True)
    removed = await store.writer.submit(delete(story, pending.id))
    assert (removed.state, removed.seq) == (CommentState.REMOVED, 0)
    assert store.events == []
    assert (await store.discussions.snapshot(story.code)).page.threads == []


async def test_a_comment_can_be_edited_until_its_window_ends(store: Store) -> None:
    story = await store.story()
    comment = await store.post(story)
    last = AT + MINUTES_15
    edited = await store.writer.submit(edit(story, comment.id, at=last))
    assert (edited.source, edited.edited_at, edited.seq, edited.born) == ("new", last, 2, 1)
    for late in (edit(story, comment.id, at=last + 1), delete(story, comment.id, at=last + 1)):
        with pytest.raises(EditWindowOverError):
            await store.writer.submit(late)
    assert (await store.now(story)).seq == 2


async def test_another_readers_pending_comment_is_not_found(store: Store) -> None:
    story, elsewhere = await store.story("a"), await store.story("b")
    comment = await store.post(story)
    for action in (
        edit(story, comment.id, "other"),
        edit(elsewhere, comment.id),
        edit(story, "nowhere"),
        delete(story, comment.id, "other"),
        delete(elsewhere, comment.id),
        decide(elsewhere, comment.id, "remove", AT),
        Report(elsewhere.id, comment.id, "r", None, AT),
    ):
        with pytest.raises(NotFoundError):
            await store.writer.submit(action)
    assert seqs(store.events, story.code) == [1]


async def test_a_moderated_edit_leaves_the_published_text_until_it_is_approved(
    store: Store,
) -> None:
    story = await store.story()
    comment = await store.post(story, body="old")
    waiting = await store.writer.submit(edit(story, comment.id, moderated=True))
    assert (waiting.source, waiting.waiting, waiting.seq) == ("old", True, 1)
    ((code, edited),) = await store.discussions.pending("s", 10)
    assert (code, edited.source, edited.text) == (story.code, "new", ["new"])
    approved = await done(store, decide(story, comment.id, "approve", AT + 2))
    assert (approved.source, approved.waiting, approved.seq) == ("new", False, 2)
    assert approved.text == ["new"]
    assert await store.discussions.pending("s", 10) == []


async def test_an_unmoderated_edit_replaces_a_pending_edit(store: Store) -> None:
    story = await store.story()
    comment = await store.post(story, body="old")
    await store.writer.submit(edit(story, comment.id, body="waits", moderated=True))
    edited = await store.writer.submit(edit(story, comment.id, body="newest"))
    assert (edited.source, edited.waiting) == ("newest", False)


@pytest.mark.parametrize("by", ["author", "moderator"])
async def test_removing_a_comment_erases_its_text_and_its_author(store: Store, by: str) -> None:
    story = await store.story()
    contact = {"name": "Ana", "email": "a@example.org", "website": "https://a.example"}
    top = await store.post(story, "r", "secret words", **contact)
    reply = await store.post(story, "q", parent=top.id)
    await store.writer.submit(edit(story, top.id, body="more secrets", moderated=True))
    action = delete(story, top.id) if by == "author" else decide(story, top.id, "remove", AT)
    removed = await done(store, action)
    assert removed.state is CommentState.REMOVED
    assert (removed.text, removed.source, removed.name, removed.email, removed.website) == (
        [],
        "",
        None,
        None,
        None,
    )
    (row,) = await store.rows(comments, comments.c.id == top.id)
    for word in ("secret", "Ana", "a@example.org", "a.example"):
        assert word not in repr(row)
    found = await store.discussions.snapshot(story.code)
    now, page = found.story, found.page
    assert (now.count, now.seq) == (1, 3)
    assert page.threads[0].top.id == top.id
    assert [one.id for one in page.threads[0].replies] == [reply.id]
    if by == "moderator":
        # The author may still erase what the moderators could restore.
        assert len(await store.rows(kept_texts)) == 1
        await store.writer.submit(delete(story, top.id))
    assert await store.rows(kept_texts) == []
    # Again, for instance by a page that is being left: nothing changes, and others still find nothing.
    again = await store.writer.submit(delete(story, top.id))
    assert again.state is CommentState.REMOVED
    assert (await store.discussions.snapshot(story.code)).story.seq == 3
    with pytest.raises(NotFoundError):
        await store.writer.submit(delete(story, top.id, "other"))


async def test_forget_erases_a_reader_from_every_story_of_the_site(store: Store) -> None:
    stories = [await store.story("a"), await store.story("b")]
    theirs = await store.post(stories[0], "other")
    for story in stories:
        await store.post(story, "r", "my words", name="Ana", key="the-same-key")
        await store.post(story, "r", pending=True)
        await store.react(story, "r", "happy")
        await store.react(story, "other", "happy")
    await store.react(stories[0], "r", "sad", theirs.id)
    await store.writer.submit(Report(stories[0].id, theirs.id, "r", "because", AT))
    store.events.clear()

    things = await store.writer.submit(Forget("r", AT))

    assert things == 7
    assert await store.rows(reactions, reactions.c.reader == "r") == []
    assert await store.rows(reports) == []
    assert await store.rows(comments, comments.c.reader == "r") == []
    assert "my words" not in repr(await store.rows(comments))
    for story in stories:
        now = await store.now(story)
        assert now.tally.counts == {"happy": 1, "sad": 0}
    assert [event.comment.state for event in changes(store.events)] == [CommentState.REMOVED] * 2
    assert {event.comment for event in store.events if isinstance(event, TallyChanged)} == {
        None,
        theirs.id,
    }
    await store.tallies_are_rows()
    assert await store.writer.submit(Forget("r", AT)) == 0
    # An erased reader may post again, also with an idempotency key that was used before.
    again = await store.post(stories[0], "r", "new words", key="the-same-key")
    assert again.source == "new words"
    await store.writer.submit(Forget("r", AT))


async def test_two_erased_readers_may_have_used_the_same_key(store: Store) -> None:
    story = await store.story()
    for reader in ("a", "b"):
        await store.post(story, reader, key="the-same-key")
    await store.together(Forget("a", AT), Forget("b", AT))
    assert (await store.now(story)).count == 0
    assert store.writer.metrics.actions_failed == 0


async def test_a_key_is_free_again_in_the_batch_that_erases_its_reader(store: Store) -> None:
    story = await store.story()
    await store.post(story, "r", key="k")
    batches = store.writer.metrics.batches
    _, posted = await store.together(Forget("r", AT), post(story, "r", "Again.", key="k"))
    assert posted.source == "Again."
    assert store.writer.metrics.batches == batches + 1


async def test_a_reader_reports_a_comment_once(store: Store) -> None:
    story = await store.story()
    comment = await store.post(story)
    for reason in ("first", "second"):
        await store.writer.submit(Report(story.id, comment.id, "q", reason, AT))
    await store.writer.submit(Report(story.id, comment.id, "p", None, AT))
    reasons = {(row.reader, row.reason) for row in await store.rows(reports)}
    assert reasons == {("q", "first"), ("p", None)}


async def test_only_the_newest_reports_of_a_reader_are_read_for_the_priority(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("widget_server.store.writing.reporters.KEPT", 3)
    story = await store.story()
    written = [await store.post(story) for _ in range(8)]
    for place, comment in enumerate(written[:-1]):
        await store.writer.submit(Report(story.id, comment.id, "q", None, AT + place))
        verb = "remove" if place < 4 or place == 6 else "approve"
        await store.writer.submit(decide(story, comment.id, verb, AT + place))
    last = Report(story.id, written[-1].id, "q", None, AT + 10)

    async def read(connection: AsyncConnection) -> tuple[int, int, int]:
        rows = ReporterRows(connection)
        await rows.load([last])
        rows.add(last.comment, last.reader)
        return rows.known(last.comment)

    # Of seven reports the last three count: the fifth and sixth were wrong, the seventh was right.
    assert await store.database.read(read) == (1, 1, 2)


async def test_a_closed_story_rejects_new_actions_and_allows_deletions(store: Store) -> None:
    story = await store.story()
    comment = await store.post(story)
    await store.react(story, "r", "happy")
    closed = await store.writer.submit(UpdateStory(story.id, {"closed": True}))
    assert (closed.closed, closed.seq) == (True, 2)
    for action in (
        store.post(story),
        store.react(story, "r", "sad"),
        store.react(story, "r", None),
        store.writer.submit(edit(story, comment.id)),
    ):
        with pytest.raises(StoryClosedError):
            await action
    assert (await store.writer.submit(delete(story, comment.id))).state is CommentState.REMOVED
    assert await store.writer.submit(Forget("r", AT)) == 1
    await store.writer.submit(UpdateStory(story.id, {"closed": False}))
    await store.post(story)


async def test_a_retried_first_comment_belongs_to_the_reader_of_the_later_token(
    store: Store,
) -> None:
    story = await store.story()
    first = await store.post(story, "unheard", key="the-same-key")
    again = await store.post(story, "known", key="the-same-key", previous_reader="unheard")
    assert again.id == first.id
    assert [row.reader for row in await store.rows(comments)] == ["known"]
    edited = await store.writer.submit(
        Edit(story.id, first.id, "known", "Mine.", [["p", None, "Mine."]], 1_000, False, 2)
    )
    assert edited.source == "Mine."
    other, same = await store.together(
        post(story, "a", key="together"), post(story, "b", key="together", previous_reader="a")
    )
    assert other.id == same.id
    await store.tallies_are_rows()


async def test_a_retried_comment_is_acknowledged_although_the_story_was_closed_since(
    store: Store,
) -> None:
    story = await store.story()
    first = await store.post(story, key="the-same-key")
    await store.writer.submit(UpdateStory(story.id, {"closed": True}))
    assert (await store.post(story, key="the-same-key")).id == first.id


async def test_a_change_of_the_story_has_a_number_and_one_without_effect_has_none(
    store: Store,
) -> None:
    story = await store.story()
    for _ in range(2):
        await store.writer.submit(UpdateStory(story.id, {"notice": "Wait."}))
    assert (await store.now(story)).seq == 1
    (event,) = store.events
    assert isinstance(event, StoryChanged)
    assert (event.seq, event.state.notice) == (1, "Wait.")


async def test_each_event_has_the_state_directly_after_its_change(store: Store) -> None:
    story = await store.story()
    await store.together(
        UpdateStory(story.id, {"closed": True}),
        UpdateStory(story.id, {"notice": "Closed for now."}),
    )
    published = [
        (e.seq, e.state.closed, e.state.notice) for e in store.events if isinstance(e, StoryChanged)
    ]
    assert published == [(1, True, None), (2, True, "Closed for now.")]


async def test_the_attribution_of_the_latest_token_is_shown(store: Store) -> None:
    story = await store.story(iat=100)

    async def attribute(iat: int, title: str) -> tuple[str | None, int]:
        changed = await store.writer.submit(UpdateStory(story.id, {"title": title}, iat))
        return changed.title, changed.seq

    assert await attribute(99, "Older") == ("Title", 0)
    assert await attribute(300, "Title") == ("Title", 0)
    assert await attribute(200, "Between") == ("Title", 0)
    assert await attribute(301, "Newer") == ("Newer", 1)


async def test_pins_change_the_comment_and_removing_unpins(store: Store) -> None:
    story = await store.story()
    comment = await store.post(story)
    for verb, pinned, seq in (
        ("pin", True, 2),
        ("pin", True, 2),
        ("unpin", False, 3),
        ("pin", True, 4),
    ):
        changed = await done(store, decide(story, comment.id, verb, AT))
        assert (changed.pinned, changed.seq) == (pinned, seq)
    removed = await done(store, decide(story, comment.id, "remove", AT))
    assert removed.pinned is False


async def test_announced_settings_increment_the_seq_of_their_story(store: Store) -> None:
    """Open pages that missed the message find a gap and request a snapshot with the new settings."""
    story, other = await store.story("a"), await store.story("a", site="t")
    await store.post(story)
    assert (await store.writer.submit(UpdateStory(story.id, {}))).seq == 1
    await store.writer.submit(UpdateStory(story.id, {}, announce=True))
    assert (await store.now(story)).seq == 2
    assert (await store.now(other)).seq == 0
    changed = await store.discussions.changes(story.code, 1)
    assert not changed.complete
    await store.writer.run_in_transaction(
        update_site("s", lambda site: replace(site, generation=2))
    )
    assert (await store.now(story)).seq == 2


async def test_an_edit_settles_what_an_older_server_left_for_a_local_moderator(
    store: Store,
) -> None:
    story = await store.story()
    comment = await store.post(story, "r")

    async def leave(connection: Any) -> None:
        await connection.execute(insert(local_waits), {"comment": comment.id})

    await store.database.write(leave)
    await store.writer.submit(edit(story, comment.id, "r", "new", moderated=True))
    assert await store.rows(local_waits) == []
