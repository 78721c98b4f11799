"""Objections and bans in the store: who may decide, what comes back, and what stays untold."""

import json
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.store.store_harness import DAY, LOG_KEYS, Store, decide, done, undo
from widget_server.model.actors import Actor
from widget_server.model.bans import BanTerms
from widget_server.model.decisions import new_id
from widget_server.model.errors import ErasedError, NotFoundError, NotPermittedError, StaleError
from widget_server.model.outcomes import Outcome
from widget_server.model.priority import PRIORITIES
from widget_server.model.records import Comment, CommentState, Story
from widget_server.operations.moderation.statements import COLUMNS, statement
from widget_server.store.queries.bans import Bans, delete_ended_bans
from widget_server.store.queries.log_check import LogCheck
from widget_server.store.queries.networks import Networks, delete_old_networks, key_of_day
from widget_server.store.queries.statements import DecidedCounts, Statements
from widget_server.store.schema import cases, comments, decisions
from widget_server.store.schema_people import accounts, members
from widget_server.store.schema_raids import raids
from widget_server.store.schema_readers import appeals, bans, network_days, network_traces
from widget_server.store.writing.actions import Appeal, Decide, Delete, Edit, Forget, Report
from widget_server.store.writing.kept_texts import erase_expired
from widget_server.store.writing.match_cases import match_cases

AT = 2_000_000
SUBJECT = "a" * 64
MONA = Actor("account", "m" * 16, "dashboard", "s", "moderator")
NICK = Actor("account", "n" * 16, "dashboard", "s", "moderator")


async def with_people(store: Store, *people: Actor) -> None:
    """Add accounts with their roles on the site `s`."""
    await store.story()

    async def run(connection: Any) -> None:
        for person in people:
            account = {"id": person.id, "name": person.id, "server_owner": False, "created_at": 1}
            await connection.execute(insert(accounts).values(account))
            role = {"site": "s", "account": person.id, "role": person.role, "created_at": 1}
            await connection.execute(insert(members).values(role))

    await store.writer.run_in_transaction(run)


async def removed(store: Store, by: Actor = MONA, **more: Any) -> tuple[Story, Comment, Decide]:
    """Return a story, and a comment of `ana` that was removed by this decision."""
    story = await store.story()
    comment = await store.post(story, "ana", "my words", **more)
    action = decide(story, comment.id, "remove", AT, by=by, reason="attack")
    await store.writer.submit(action)
    return story, comment, action


async def objected(store: Store, story: Story, comment: Comment, text: str = "I was right") -> str:
    """Object as `ana`."""
    return await store.writer.submit(Appeal(story.id, comment.id, "ana", text, AT))


async def outcome(store: Store, story: Story, reader: str = "ana") -> Outcome | None:
    """Return what the reader is told about the one comment that something was decided about."""
    found = (await store.discussions.own(story.id, [reader]))[reader].outcomes
    return next(iter(found.values()), None)


async def waiting(store: Store) -> list[str]:
    """Return the queues with open cases."""
    return sorted(row.queue for row in await store.rows(cases, cases.c.closed_at.is_(None)))


async def verified(store: Store) -> None:
    """Assert that every log is as it was written."""
    assert (await LogCheck(store.database, LOG_KEYS).verify()).damages == []


async def test_only_its_author_is_told_what_was_decided_about_a_comment(store: Store) -> None:
    story, comment, _ = await removed(store)
    told = await outcome(store, story)
    assert told is not None
    assert (told.state, told.reason, told.by, told.at) == ("removed", "attack", "person", AT)
    assert told.may_appeal
    own = await store.discussions.own(story.id, ["ana", "ben"])
    assert [one.id for one in own["ana"].removed] == [comment.id]
    assert own["ana"].comments == []
    assert (own["ben"].outcomes, own["ben"].removed) == ({}, [])
    assert MONA.id not in repr(told)


async def test_an_author_who_deleted_a_comment_is_told_nothing(store: Store) -> None:
    story = await store.story()
    comment = await store.post(story, "ana")
    await store.writer.submit(Delete(story.id, comment.id, "ana", 10**9, AT))
    assert await outcome(store, story) is None
    with pytest.raises(NotFoundError):
        await objected(store, story, comment)


async def test_an_objection_is_a_case_for_another_person_who_brings_the_comment_back(
    store: Store,
) -> None:
    await with_people(store, MONA, NICK)
    story, comment, action = await removed(store)
    assert await objected(store, story, comment) == action.id
    assert await waiting(store) == ["appeals"]
    told = await outcome(store, story)
    assert told is not None
    assert (told.may_appeal, told.appeal) == (False, "waiting")
    for mine in (
        decide(story, comment.id, "uphold", AT, by=MONA),
        decide(story, comment.id, "restore", AT, by=MONA),
        undo(story, comment.id, action.id, by=MONA),
    ):
        with pytest.raises(NotPermittedError, match="Another person"):
            await store.writer.submit(mine)
    assert await waiting(store) == ["appeals"]
    back = await done(store, undo(story, comment.id, action.id, by=NICK))
    assert (back.state, back.source) == (CommentState.PUBLISHED, "my words")
    assert await waiting(store) == []
    told = await outcome(store, story)
    assert told is not None
    assert (told.state, told.appeal, told.may_appeal) == ("restored", "overturned", False)
    await verified(store)


@pytest.mark.parametrize("verb", ["remove", "spam", "reject"])
async def test_an_upheld_decision_stays_and_its_undoing_lets_the_objection_wait_again(
    store: Store, verb: str
) -> None:
    await with_people(store, MONA, NICK)
    story = await store.story()
    comment = await store.post(story, "ana", "my words")
    action = decide(story, comment.id, verb, AT, by=MONA)
    await store.writer.submit(action)
    await objected(store, story, comment)
    upheld = decide(story, comment.id, "uphold", AT, by=NICK)
    kept = await done(store, upheld)
    assert kept.state == CommentState.REMOVED
    assert await waiting(store) == []
    told = await outcome(store, story)
    assert told is not None
    assert (told.state, told.appeal) == ("removed", "upheld")
    with pytest.raises(StaleError):
        await store.writer.submit(undo(story, comment.id, action.id, by=NICK))
    await store.writer.submit(undo(story, comment.id, upheld.id, by=NICK))
    assert await waiting(store) == ["appeals"]
    told = await outcome(store, story)
    assert told is not None
    assert told.appeal == "waiting"
    await done(store, undo(story, comment.id, action.id, by=NICK))
    assert await waiting(store) == []
    await verified(store)


async def test_a_second_objection_to_the_same_decision_changes_nothing(store: Store) -> None:
    story, comment, _ = await removed(store)
    await objected(store, story, comment, "one")
    await objected(store, story, comment, "two")
    (row,) = await store.rows(appeals)
    assert LOG_KEYS.unseal(row.sealed) == {"text": "one"}
    assert "one" not in row.sealed
    assert len(await store.rows(cases)) == 1


async def test_an_objection_is_the_authors_alone_and_needs_a_decision(store: Store) -> None:
    story, comment, _ = await removed(store)
    with pytest.raises(NotFoundError):
        await store.writer.submit(Appeal(story.id, comment.id, "ben", "mine", AT))
    shown = await store.post(story, "ana", "still there")
    with pytest.raises(NotFoundError):
        await objected(store, story, shown)
    held = await store.post(story, "ana", "held")
    await store.writer.submit(decide(story, held.id, "hold", AT))
    with pytest.raises(NotPermittedError):
        await objected(store, story, held)
    gone = await store.post(story, "ana", "gone")
    await store.writer.submit(decide(story, gone.id, "erase", AT))
    with pytest.raises(ErasedError):
        await objected(store, story, gone)


async def test_a_person_alone_decides_after_three_days_and_the_log_says_so(store: Store) -> None:
    await with_people(store, MONA)
    story, comment, _ = await removed(store)
    await objected(store, story, comment)
    early = decide(story, comment.id, "uphold", AT + 3 * DAY - 1, by=MONA)
    with pytest.raises(NotPermittedError):
        await store.writer.submit(early)
    await store.writer.submit(decide(story, comment.id, "uphold", AT + 3 * DAY, by=MONA))
    entry = max(await store.rows(decisions), key=lambda row: row.number)
    assert json.loads(entry.after)["same_person"] is True
    await verified(store)


async def test_with_another_moderator_no_number_of_days_lets_the_same_person_decide(
    store: Store,
) -> None:
    await with_people(store, MONA, NICK)
    story, comment, _ = await removed(store)
    await objected(store, story, comment)
    with pytest.raises(NotPermittedError):
        await store.writer.submit(decide(story, comment.id, "uphold", AT + 30 * DAY, by=MONA))
    await store.writer.submit(decide(story, comment.id, "uphold", AT, by=NICK))
    entry = max(await store.rows(decisions), key=lambda row: row.number)
    assert "same_person" not in json.loads(entry.after)


async def test_the_text_of_a_removed_comment_and_its_objection_are_kept_while_it_waits(
    store: Store,
) -> None:
    await with_people(store, MONA, NICK)
    story, comment, action = await removed(store)
    await objected(store, story, comment)
    late = AT + 100 * DAY
    await store.writer.run_in_transaction(match_cases(late))
    assert await waiting(store) == ["appeals"]
    assert await store.writer.run_in_transaction(erase_expired(late)) == 0
    await store.writer.submit(decide(story, comment.id, "uphold", AT, by=NICK))
    assert await store.writer.run_in_transaction(erase_expired(late)) == 1
    (row,) = await store.rows(appeals)
    assert row.sealed is None
    told = await outcome(store, story)
    assert told is not None
    assert (told.decision, told.may_appeal, told.appeal) == (action.id, False, "upheld")


async def test_forgetting_erases_the_objection_and_closes_its_case(store: Store) -> None:
    story, comment, _ = await removed(store)
    await objected(store, story, comment)
    await store.writer.submit(Forget("ana", AT + 1))
    assert await store.rows(appeals) == []
    assert await waiting(store) == []
    assert await outcome(store, story) is None


async def test_a_rejected_edit_is_told_as_such_and_the_comment_stands(store: Store) -> None:
    story = await store.story()
    comment = await store.post(story, "ana", "good")
    await store.writer.submit(Edit(story.id, comment.id, "ana", "bad", ["bad"], 10**9, True, AT))
    await store.writer.submit(
        decide(story, comment.id, "reject", AT, queue="edits", reason="attack")
    )
    told = await outcome(store, story)
    assert told is not None
    assert (told.state, told.reason, told.may_appeal) == ("edit_rejected", "attack", False)
    own = (await store.discussions.own(story.id, ["ana"]))["ana"]
    assert [one.source for one in own.comments] == ["good"]
    assert own.removed == []


# Reports -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "state"), [("approve", "kept"), ("remove", "removed"), ("hold", "waiting")]
)
async def test_a_reporter_is_told_what_became_of_the_report(
    store: Store, verb: str, state: str
) -> None:
    story = await store.story()
    comment = await store.post(story, "ana")
    await store.writer.submit(Report(story.id, comment.id, "ben", "words", AT, "hate"))
    await store.writer.submit(Report(story.id, comment.id, "cem", None, AT, "threat"))
    (case,) = await store.rows(cases)
    assert json.loads(case.reasons) == ["hate", "threat"]
    assert case.priority < PRIORITIES["appeals"]
    before = (await store.discussions.own(story.id, ["ben"]))["ben"].reports
    assert [(one.comment, one.category, one.state) for one in before] == [
        (comment.id, "hate", "waiting")
    ]
    await store.writer.submit(decide(story, comment.id, verb, AT + 1, queue="reported"))
    own = await store.discussions.own(story.id, ["ana", "ben"])
    assert [one.state for one in own["ben"].reports] == [state]
    assert own["ana"].reports == []


async def test_a_reporter_is_told_that_the_author_took_the_comment_away(store: Store) -> None:
    story = await store.story()
    comment = await store.post(story, "ana")
    await store.writer.submit(Report(story.id, comment.id, "ben", None, AT, "spam"))
    await store.writer.submit(Delete(story.id, comment.id, "ana", 10**9, AT))
    (report,) = (await store.discussions.own(story.id, ["ben"]))["ben"].reports
    assert report.state == "gone"


# Bans ----------------------------------------------------------------------------------------


def banning(
    story: Story, comment: str, verb: str = "ban", *, by: Actor = MONA, at: int = AT, **terms: Any
) -> Decide:
    """Return a ban of the writer of a comment, or its lifting."""
    return decide(story, comment, verb, at, by=by, ban=BanTerms((SUBJECT,), **terms))


async def in_effect(store: Store, at: int = AT) -> list[tuple[str, int | None]]:
    """Return mode and end of the bans that hold at this time."""
    found = await Bans(store.database).of_site("s", at, None, 10)
    return [(one.ban.mode, one.ban.until) for one in found]


async def rights(store: Store) -> int:
    """Return the counter that open sockets watch."""
    return (await store.sites.counters(["s"]))["s"][0]


async def test_a_ban_is_replaced_lifted_and_undone_step_by_step(store: Store) -> None:
    story = await store.story()
    comment = await store.post(story, "ana")
    steps: list[tuple[Decide, list[tuple[str, int | None]]]] = [
        (banning(story, comment.id, until=AT + DAY), [("read", AT + DAY)]),
        (banning(story, comment.id, mode="approval"), [("approval", None)]),
        (banning(story, comment.id, "unban"), []),
    ]
    seen = await rights(store)
    for action, after in steps:
        decided = await store.writer.submit(action)
        assert decided.decision is not None
        assert await in_effect(store) == after
        assert SUBJECT not in repr(decided)
        assert await rights(store) > seen
        seen = await rights(store)
    for action, _ in reversed(steps):
        await store.writer.submit(undo(story, comment.id, action.id, AT))
        earlier = steps[steps.index((action, _)) - 1][1] if action is not steps[0][0] else []
        assert await in_effect(store) == earlier
    assert await store.rows(bans) == []
    assert SUBJECT not in repr(await store.rows(decisions))
    await verified(store)


async def test_the_same_ban_again_is_no_decision(store: Store) -> None:
    story = await store.story()
    comment = await store.post(story, "ana")
    await store.writer.submit(banning(story, comment.id))
    assert (await store.writer.submit(banning(story, comment.id))).decision is None
    assert (await store.writer.submit(banning(story, comment.id, "unban"))).decision is not None
    assert (await store.writer.submit(banning(story, comment.id, "unban"))).decision is None


async def test_bans_and_decisions_about_the_words_are_undone_in_any_order(store: Store) -> None:
    story, comment, action = await removed(store)
    ban = banning(story, comment.id)
    await store.writer.submit(ban)
    back = await done(store, undo(story, comment.id, action.id, by=NICK))
    assert back.state == CommentState.PUBLISHED
    assert await in_effect(store) == [("read", None)]
    await store.writer.submit(undo(story, comment.id, ban.id))
    assert await in_effect(store) == []


async def test_a_ban_outlives_forgetting_and_ends_by_itself(store: Store) -> None:
    story = await store.story()
    comment = await store.post(story, "ana")
    await store.writer.submit(banning(story, comment.id, until=AT + DAY))
    await store.writer.submit(Forget("ana", AT))
    assert await in_effect(store) == [("read", AT + DAY)]
    assert await in_effect(store, AT + DAY) == []
    assert await store.writer.run_in_transaction(delete_ended_bans(AT + 2 * DAY)) == 0
    assert await store.writer.run_in_transaction(delete_ended_bans(AT + 2 * DAY + 1)) == 1
    assert await store.rows(bans) == []


async def test_the_banned_object_and_another_person_decides(store: Store) -> None:
    await with_people(store, MONA, NICK)
    story = await store.story()
    comment = await store.post(story, "ana")
    ban = banning(story, comment.id)
    await store.writer.submit(ban)
    said = await store.writer.submit(
        Appeal(story.id, comment.id, "ana", "why?", AT, decision=ban.id)
    )
    assert said == ban.id
    assert await waiting(store) == ["appeals"]
    with pytest.raises(NotPermittedError):
        await store.writer.submit(banning(story, comment.id, "unban", by=MONA))
    # A decision about the words is no answer to the banned.
    await store.writer.submit(decide(story, comment.id, "remove", AT, by=NICK))
    assert await waiting(store) == ["appeals"]
    await store.writer.submit(decide(story, comment.id, "uphold", AT, by=NICK))
    assert await waiting(store) == []
    assert await in_effect(store) == [("read", None)]
    await store.writer.submit(banning(story, comment.id, "unban", by=NICK))
    with pytest.raises(NotFoundError):
        await store.writer.submit(
            Appeal(story.id, comment.id, "ana", "again", AT, decision=new_id())
        )
    await verified(store)


async def test_an_objection_to_a_removal_and_one_to_a_ban_wait_in_one_case(store: Store) -> None:
    await with_people(store, MONA, NICK)
    story, comment, action = await removed(store)
    ban = banning(story, comment.id)
    await store.writer.submit(ban)
    await objected(store, story, comment)
    await store.writer.submit(Appeal(story.id, comment.id, "ana", None, AT, decision=ban.id))
    assert await waiting(store) == ["appeals"]
    await store.writer.submit(undo(story, comment.id, action.id, by=NICK))
    assert await waiting(store) == ["appeals"]
    await store.writer.submit(banning(story, comment.id, "unban", by=NICK))
    assert await waiting(store) == []
    await verified(store)


async def test_the_sites_own_people_cannot_be_banned(store: Store) -> None:
    story = await store.story()
    comment = await store.post(story, "staff:m", role="moderator")
    with pytest.raises(NotPermittedError):
        await store.writer.submit(banning(story, comment.id))


# Networks ------------------------------------------------------------------------------------


def reporting(story: Story, comment: str, reader: str, network: str, day: int = 7) -> Report:
    """Return a report from a network, where three of a day hide."""
    return Report(
        story.id, comment, reader, None, AT, "hate", (network, day), hide_from=3, keep=14 * DAY
    )


async def state_of(store: Store, comment: str) -> tuple[str, list[str]]:
    """Return a comment's state and its queues."""
    (row,) = await store.rows(comments, comments.c.id == comment)
    return row.state, await waiting(store)


async def test_reports_of_three_networks_of_one_day_hide_a_comment_until_a_person_looks(
    store: Store,
) -> None:
    story = await store.story()
    comment = await store.post(story, "ana", "my words")
    for reader, network, day in (("a", "n1", 7), ("b", "n1", 7), ("c", "n2", 7), ("d", "n3", 8)):
        await store.writer.submit(reporting(story, comment.id, reader, network, day))
        assert await state_of(store, comment.id) == ("published", ["reported"])
    await store.writer.submit(reporting(story, comment.id, "e", "n3"))
    assert await state_of(store, comment.id) == ("removed", ["held", "reported"])
    told = await outcome(store, story)
    assert told is not None
    assert (told.state, told.by, told.may_appeal) == ("held", "rule", False)
    back = await done(store, decide(story, comment.id, "approve", AT, by=MONA))
    assert (back.state, back.source) == (CommentState.PUBLISHED, "my words")
    for reader, network in (("f", "n4"), ("g", "n5"), ("h", "n6")):
        await store.writer.submit(reporting(story, comment.id, reader, network))
    assert await state_of(store, comment.id) == ("published", ["reported"])
    await verified(store)


@pytest.mark.parametrize("more", [{"role": "author"}, {"vouched": True, "name": "Vera"}])
async def test_reports_never_hide_the_sites_own_people_and_signed_names(
    store: Store, more: dict[str, Any]
) -> None:
    story = await store.story()
    comment = await store.post(story, "ana", "my words", **more)
    for number in range(5):
        await store.writer.submit(reporting(story, comment.id, f"r{number}", f"n{number}"))
    assert await state_of(store, comment.id) == ("published", ["reported"])


async def test_what_a_person_approved_and_the_author_changed_since_can_be_hidden(
    store: Store,
) -> None:
    story = await store.story()
    comment = await store.post(story, "ana", "my words", pending=True)
    await store.writer.submit(decide(story, comment.id, "approve", AT, by=MONA))
    for number in range(3):
        await store.writer.submit(reporting(story, comment.id, f"r{number}", f"n{number}"))
    assert (await state_of(store, comment.id))[0] == "published"
    await store.writer.submit(
        Edit(story.id, comment.id, "ana", "worse", ["worse"], 10**9, False, AT)
    )
    await store.writer.submit(reporting(story, comment.id, "late", "n4"))
    assert (await state_of(store, comment.id))[0] == "removed"


async def test_networks_are_forgotten_48_hours_after_their_day_began(store: Store) -> None:
    story = await store.story()
    comment = await store.post(story, "ana", trace=("n", 7))
    key = await store.writer.run_in_transaction(key_of_day(7))
    assert await store.writer.run_in_transaction(key_of_day(7)) == key
    assert await store.writer.run_in_transaction(key_of_day(8)) != key
    assert await Networks(store.database).of_comment(comment.id) == ("n", 7)
    await store.writer.run_in_transaction(delete_old_networks(9 * DAY - 1))
    assert len(await store.rows(network_traces)) == 1
    await store.writer.run_in_transaction(delete_old_networks(9 * DAY))
    assert await store.rows(network_traces) == []
    assert [row.day for row in await store.rows(network_days)] == [8]


async def test_raids_forget_their_network_when_they_are_over(store: Store) -> None:
    await store.story()
    now, hour = 9 * DAY + DAY // 2, 3_600_000
    begun = {"site": "s", "kind": "network", "began_at": now - 2 * hour, "held_until": now}
    begun |= {"subject": "a hash", "by": "", "held": 1, "ended_at": None, "until": now + hour}
    kinds: dict[str, dict[str, Any]] = {
        "on": {},
        "over": {"until": now},
        "ended now": {"ended_at": now - hour + 1},
        "ended before": {"ended_at": now - hour},
        "key is gone": {"began_at": 8 * DAY - 1},
        "a text": {"kind": "text", "until": now},
    }
    rows = [begun | {"id": name} | more for name, more in kinds.items()]

    async def put(connection: AsyncConnection) -> None:
        await connection.execute(insert(raids), rows)

    await store.writer.run_in_transaction(put)
    await store.writer.run_in_transaction(delete_old_networks(now))
    known = {row.id for row in await store.rows(raids) if row.subject}
    assert known == {"on", "ended now", "a text"}


# Openness ------------------------------------------------------------------------------------


async def test_the_numbers_of_a_story_equal_its_log(store: Store) -> None:
    await with_people(store, MONA, NICK)
    story = await store.story()
    ids = [(await store.post(story, f"r{number}", "words")).id for number in range(8)]
    actions = [
        decide(story, one, verb, AT, by=MONA, reason=reason)
        for one, verb, reason in zip(
            ids,
            ("spam", "remove", "remove", "remove", "hold", "pin"),
            ("spam", "spam", "attack", None, "hate", None),
            strict=False,
        )
    ]
    for action in actions:
        await store.writer.submit(action)
    await store.writer.submit(Delete(story.id, ids[6], "r6", 10**9, AT))
    await store.writer.submit(Appeal(story.id, ids[2], "r2", None, AT))
    found = await Statements(store.database).of_story(story.code)
    assert found == DecidedCounts(8 - 1 - 1, {"spam": 2, "attack": 1, "": 1}, 0)
    await store.writer.submit(undo(story, ids[2], actions[2].id, by=NICK))
    await store.writer.submit(undo(story, ids[0], actions[0].id, by=NICK))
    found = await Statements(store.database).of_story(story.code)
    assert found == DecidedCounts(6, {"spam": 1, "": 1}, 1)


async def test_statements_have_each_restriction_with_its_end_and_no_word(store: Store) -> None:
    story = await store.story()
    comment = await store.post(story, "ana", "my words", name="Ana", lang="de-AT")
    await store.writer.submit(Report(story.id, comment.id, "ben", "secret", AT, "hate"))
    removal = decide(story, comment.id, "remove", AT, by=MONA, reason="illegal", note="a note")
    await store.writer.submit(removal)
    await store.writer.submit(undo(story, comment.id, removal.id, AT + DAY, by=NICK))
    await store.writer.submit(banning(story, comment.id, at=AT + DAY, until=AT + 3 * DAY))
    rows = await Statements(store.database).page("s", 0, None, None)
    first, second = (dict(zip(COLUMNS, statement(row), strict=True)) for row in rows)
    assert first["decision_visibility"] == "DECISION_VISIBILITY_CONTENT_REMOVED"
    assert first["end_date_visibility_restriction"] == "1970-01-02"
    assert first["decision_ground"] == "DECISION_GROUND_ILLEGAL_CONTENT"
    assert (first["source_type"], first["content_language"]) == ("SOURCE_ARTICLE_16", "DE")
    assert first["automated_decision"] == "AUTOMATED_DECISION_NOT_AUTOMATED"
    assert (first["content_date"], first["application_date"]) == ("1970-01-01", "1970-01-01")
    assert second["decision_account"] == "DECISION_ACCOUNT_SUSPENDED"
    assert second["end_date_account_restriction"] == "1970-01-04"
    assert second["decision_visibility"] == ""
    for secret in ("my words", "Ana", "secret", "a note", MONA.id, SUBJECT):
        assert secret not in repr([first, second])
