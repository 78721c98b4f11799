"""Objections that readers take back, by deleting the comment or everything they left: nothing waits in vain."""

from tests.store.store_harness import Store, decide, done
from tests.store.test_appeals import (
    AT,
    MONA,
    NICK,
    SUBJECT,
    objected,
    outcome,
    removed,
    verified,
    waiting,
)
from widget_server.model.bans import BanTerms
from widget_server.store.schema_readers import appeals
from widget_server.store.writing.actions import Appeal, Delete, Forget


async def test_an_author_who_deletes_a_comment_takes_the_objection_back(store: Store) -> None:
    story, comment, action = await removed(store)
    await objected(store, story, comment)
    await done(store, Delete(story.id, comment.id, "ana", 10_000_000, AT))
    assert await waiting(store) == []
    told = await outcome(store, story)
    assert told is not None
    assert (told.state, told.decision, told.appeal) == ("removed", action.id, None)
    assert not told.may_appeal
    await verified(store)


async def test_an_objection_to_a_ban_waits_on_when_its_reader_deletes_the_comment(
    store: Store,
) -> None:
    story, comment, action = await removed(store)
    await objected(store, story, comment)
    ban = decide(story, comment.id, "ban", AT, by=MONA, ban=BanTerms((SUBJECT,)))
    await store.writer.submit(ban)
    await store.writer.submit(Appeal(story.id, comment.id, "ana", "no", AT, decision=ban.id))
    await done(store, Delete(story.id, comment.id, "ana", 10_000_000, AT))
    assert await waiting(store) == ["appeals"]
    assert [row.decision for row in await store.rows(appeals)] == [ban.id]
    await store.writer.submit(decide(story, comment.id, "unban", AT, by=NICK, ban=ban.ban))
    assert await waiting(store) == []
    assert action.id not in {row.decision for row in await store.rows(appeals)}


async def test_who_forgets_takes_all_objections_back_also_later_ones_and_beside_decisions(
    store: Store,
) -> None:
    story, comment, _ = await removed(store)
    ban = decide(story, comment.id, "ban", AT, by=MONA, ban=BanTerms((SUBJECT,)))
    await store.writer.submit(ban)
    await objected(store, story, comment)
    # One transaction: the decision reads the objections, which the reader takes back in it.
    await store.together(decide(story, comment.id, "uphold", AT, by=MONA), Forget("ana", AT))
    assert await waiting(store) == []
    # The banned keep their token, and may object about a comment that is not theirs any more.
    await store.writer.submit(Appeal(story.id, comment.id, "ana", "no", AT, decision=ban.id))
    assert await waiting(store) == ["appeals"]
    await store.writer.submit(Forget("ana", AT))
    assert await waiting(store) == []
    assert await store.rows(appeals) == []
