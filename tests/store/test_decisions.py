"""Decisions and their undoing: the comment, its cases, the kept text and the log always agree."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from tests.statements import recorded
from tests.store.store_harness import (
    DAY,
    LOG_KEYS,
    Store,
    changes,
    decide,
    done,
    nonzero,
    open_store,
    post,
    seqs,
    undo,
)
from tests.waiting import eventually
from widget_server.model.actors import Actor
from widget_server.model.decisions import decided_by
from widget_server.model.errors import (
    ErasedError,
    NotFoundError,
    NotPermittedError,
    StaleError,
)
from widget_server.model.queue import CaseFilter
from widget_server.model.records import Comment, CommentState, Story
from widget_server.model.setting_values import with_value
from widget_server.store import migrate
from widget_server.store.queries.decisions import Decisions, LogFilter
from widget_server.store.queries.log_check import LogCheck, record_heads
from widget_server.store.queries.queue import CaseQueue
from widget_server.store.queries.site_settings import change_site_settings
from widget_server.store.queries.sites import update_site
from widget_server.store.schema import (
    cases,
    comments,
    decision_words,
    decisions,
    erasures,
    kept_texts,
)
from widget_server.store.writing.actions import Delete, Edit, Forget, Report
from widget_server.store.writing.kept_texts import erase_expired
from widget_server.store.writing.match_cases import match_cases

AT = 2_000_000
WORDS = {"name": "Ana", "email": "ana@example.org", "website": "https://ana.example"}


async def queues(store: Store, comment: str) -> list[str]:
    """Return the queues in which a comment waits."""
    rows = await store.rows(cases, cases.c.comment == comment, cases.c.closed_at.is_(None))
    return sorted(row.queue for row in rows)


async def log(store: Store) -> list[Any]:
    """Return the entries of all stories' logs, in order."""
    return sorted(await store.rows(decisions), key=lambda row: (row.story, row.number))


async def shown(store: Store, story: Story) -> Any:
    """Return what readers are shown, but for the numbers that every change moves."""
    found = await store.discussions.snapshot(story.code)
    threads = [
        [
            (
                one.id,
                one.state,
                one.text,
                one.name,
                one.website,
                one.pinned,
                one.featured_at,
                one.born,
                one.tally,
            )
            for one in (thread.top, *thread.replies)
        ]
        for thread in found.page.threads
    ]
    return found.story.count, found.story.closed, found.story.notice, threads


async def verified(store: Store) -> None:
    """Assert that every log is as it was written."""
    verdict = await LogCheck(store.database, LOG_KEYS).verify()
    assert verdict.damages == []


async def busy_thread(store: Store) -> tuple[Story, Comment]:
    """Return a story and a comment with everything: name, reply, reactions, marks, a waiting edit."""
    story = await store.story()
    comment = await store.post(story, "ana", "my words", **WORDS)
    await store.post(story, "ben", "a reply", parent=comment.id)
    await store.react(story, "cem", "sad", comment.id)
    await store.writer.submit(decide(story, comment.id, "pin", AT))
    await store.writer.submit(decide(story, comment.id, "feature", AT - 1))
    await store.writer.submit(
        Edit(story.id, comment.id, "ana", "better", ["better"], 10**9, True, AT)
    )
    await store.writer.submit(Report(story.id, comment.id, "dan", "threat", AT))
    return story, comment


@pytest.mark.parametrize("verb", ["remove", "spam", "hold", "reject"])
@pytest.mark.parametrize("back", ["undo", "restore"])
async def test_what_was_taken_away_comes_back_whole(store: Store, verb: str, back: str) -> None:
    story, comment = await busy_thread(store)
    before = await shown(store, story)
    waits = await queues(store, comment.id)
    (row,) = await store.rows(comments, comments.c.id == comment.id)
    action = decide(story, comment.id, verb, AT, queue="reported")
    taken = await done(store, action)
    assert (taken.state, taken.text, taken.name) == (CommentState.REMOVED, [], None)
    assert nonzero(taken.tally) == {"sad": 1}
    (kept,) = await store.rows(kept_texts)
    assert kept.until == AT + 14 * DAY
    for word in ("my words", "Ana", "better", "example"):
        assert word not in repr(kept)
    await store.react(story, "dan", "happy")
    if back == "undo":
        await done(store, undo(story, comment.id, action.id))
        assert await queues(store, comment.id) == waits == ["edits", "reported"]
    else:
        await done(store, decide(story, comment.id, "restore", AT))
        assert await queues(store, comment.id) == (waits if verb == "hold" else [])
    assert await shown(store, story) == before
    assert await store.rows(kept_texts) == []
    (now,) = await store.rows(comments, comments.c.id == comment.id)
    changing = {"seq", "changed_at"}
    assert {k: v for k, v in now._mapping.items() if k not in changing} == {
        k: v for k, v in row._mapping.items() if k not in changing
    }
    assert seqs(store.events, story.code) == list(range(1, (await store.now(story)).seq + 1))
    assert changes(store.events)[-1].comment.text == row_text(row)
    await store.tallies_are_rows()
    await verified(store)


def row_text(row: Any) -> Any:
    return json.loads(row.text)


async def test_every_decision_about_a_visible_comment_can_be_undone(store: Store) -> None:
    story, comment = await busy_thread(store)
    before = await shown(store, story), await queues(store, comment.id)
    for verb in ("unpin", "approve", "reject", "hold", "remove"):
        action = decide(story, comment.id, verb, AT)
        assert (await store.writer.submit(action)).decision is not None, verb
        await store.writer.submit(undo(story, comment.id, action.id))
        now = await shown(store, story), await queues(store, comment.id)
        assert now == before, verb
    (row,) = await store.rows(comments, comments.c.id == comment.id)
    assert (row.source, row.waiting_source) == ("my words", "better")
    await verified(store)


async def test_closing_opening_and_a_notice_are_undone(store: Store) -> None:
    story = await store.story()
    steps = [("notice", "Be kind."), ("notice", "Be kinder."), ("close", None)]
    states = [await shown(store, story)]
    actions = []
    for verb, notice in steps:
        actions.append(decide(story, "", verb, AT, notice=notice))
        await store.writer.submit(actions[-1])
        states.append(await shown(store, story))
    for action in reversed(actions):
        assert await shown(store, story) == states.pop()
        await store.writer.submit(undo(story, "", action.id))
    assert await shown(store, story) == states.pop()
    assert "kind" not in repr(await log(store))
    await verified(store)


async def test_pending_comments_reports_and_edits_wait_in_queues(store: Store) -> None:
    story = await store.story()
    pending = await store.post(story, "ana", pending=True)
    assert await queues(store, pending.id) == ["pending"]
    await store.writer.submit(decide(story, pending.id, "approve", AT))
    assert await queues(store, pending.id) == []
    await store.writer.submit(Edit(story.id, pending.id, "ana", "x", ["x"], 10**9, True, AT))
    for reader, reason in (("ben", "spam"), ("cem", "my own words"), ("ben", "threat")):
        await store.writer.submit(Report(story.id, pending.id, reader, reason, AT))
    assert await queues(store, pending.id) == ["edits", "reported"]
    found = await CaseQueue(store.database).page("s", CaseFilter("reported"), AT, None, 10)
    assert [case.reasons for case in found] == [("spam", "other")]
    assert "my own words" not in repr(await store.rows(cases))
    await store.writer.submit(decide(story, pending.id, "approve", AT, queue="reported"))
    assert await queues(store, pending.id) == ["edits"]
    await store.writer.submit(Report(story.id, pending.id, "ben", "hate", AT))
    assert await queues(store, pending.id) == ["edits"], "the same reader reports once"
    await store.writer.submit(decide(story, pending.id, "approve", AT))
    assert await queues(store, pending.id) == []


async def test_a_decision_on_an_older_revision_is_refused_with_the_comment_as_it_is(
    store: Store,
) -> None:
    story = await store.story()
    comment = await store.post(story, "ana", "harmless", pending=True)
    await store.writer.submit(Edit(story.id, comment.id, "ana", "vile", ["vile"], 10**9, True, AT))
    with pytest.raises(StaleError) as refused:
        await store.writer.submit(decide(story, comment.id, "approve", AT, revision=1))
    assert (refused.value.comment.source, refused.value.comment.revision) == ("vile", 2)
    assert (await store.now(story)).count == 0
    assert await log(store) == []
    approved = await done(store, decide(story, comment.id, "approve", AT, revision=2))
    assert approved.state is CommentState.PUBLISHED


async def test_an_undo_is_refused_while_a_later_decision_stands(store: Store) -> None:
    story, comment = await busy_thread(store)
    first, second = decide(story, comment.id, "unpin", AT), decide(story, comment.id, "remove", AT)
    await store.writer.submit(first)
    await store.writer.submit(second)
    with pytest.raises(StaleError, match=second.id) as refused:
        await store.writer.submit(undo(story, comment.id, first.id))
    assert refused.value.later == second.id
    await store.writer.submit(undo(story, comment.id, second.id))
    again = await store.writer.submit(undo(story, comment.id, second.id))
    assert again.decision is None, "it is undone already"
    assert (await done(store, undo(story, comment.id, first.id))).pinned
    with pytest.raises(NotFoundError):
        await store.writer.submit(undo(story, comment.id, "nothing"))
    undone = (await log(store))[-1]
    with pytest.raises(NotPermittedError):
        await store.writer.submit(undo(story, comment.id, undone.id))


@pytest.mark.parametrize("how", ["delete", "forget", "erase", "time"])
async def test_erased_words_never_come_back(store: Store, how: str) -> None:
    story, comment = await busy_thread(store)
    action = decide(story, comment.id, "remove", AT, note="It says: my words")
    await store.writer.submit(action)
    match how:
        case "delete":
            await store.writer.submit(Delete(story.id, comment.id, "ana", 10**9, AT))
        case "forget":
            await store.writer.submit(Forget("ana", AT))
        case "erase":
            await store.writer.submit(decide(story, comment.id, "erase", AT))
        case "time":
            assert await store.writer.run_in_transaction(erase_expired(AT + 14 * DAY)) == 0
            assert await store.writer.run_in_transaction(erase_expired(AT + 14 * DAY + 1)) == 1
            assert [row.subject for row in await store.rows(erasures)] == [comment.id]
    assert await store.rows(kept_texts) == []
    assert await store.rows(decision_words) == []
    with pytest.raises((ErasedError, StaleError)):
        await store.writer.submit(undo(story, comment.id, action.id))
    with pytest.raises(ErasedError):
        await store.writer.submit(decide(story, comment.id, "restore", AT))
    verdict = await LogCheck(store.database, LOG_KEYS).verify()
    assert (verdict.damages, verdict.erased) == ([], 1)


async def test_a_text_that_waits_for_a_person_is_kept_longer(store: Store) -> None:
    story = await store.story()
    comment = await store.post(story, "ana")
    await store.writer.submit(decide(story, comment.id, "hold", AT))
    assert await store.writer.run_in_transaction(erase_expired(AT + 99 * DAY)) == 0
    approved = await done(store, decide(story, comment.id, "approve", AT))
    assert (approved.source, approved.born) == ("hi", 1)


async def test_a_local_moderator_decides_only_about_the_comments_of_their_copies(
    store: Store,
) -> None:
    story = await store.story()
    comment = await store.post(story, "ana")
    local = Actor("account", "7", "dashboard", "s", "local", copies=frozenset({4}))
    for action in (
        decide(story, comment.id, "hold", by=local),
        decide(story, "", "close", by=local),
    ):
        with pytest.raises(NotPermittedError):
            await store.writer.submit(action)
    assert await log(store) == []


async def test_an_entry_says_who_decided_what_and_contains_no_words(store: Store) -> None:
    story, comment = await busy_thread(store)
    owner = Actor("account", "31", "cli", "s", "owner", shell_user="root")
    action = decide(
        story, comment.id, "remove", AT, by=owner, reason="attack", note="rude", batch="b1"
    )
    await store.writer.submit(action)
    for words in ("my words", "better", "Ana", "rude"):
        assert words not in repr(await log(store))
    (entry, *_) = await Decisions(store.database).log("s", LogFilter(verb="remove"), None, 10)
    assert (entry.actor_kind, entry.actor, entry.via, entry.shell_user) == (
        "account",
        "31",
        "cli",
        "root",
    )
    assert (entry.reason, entry.note, entry.batch, entry.targets) == (
        "attack",
        "rude",
        "b1",
        (comment.id,),
    )
    assert (entry.before["state"], entry.after["state"]) == ("published", "removed")
    assert entry.after["revision"] == 2
    assert len(entry.before["words"]) == 64


async def test_the_log_is_read_in_pages_from_the_newest_entry(store: Store) -> None:
    story = await store.story()
    comment = await store.post(story)
    for number in range(10):
        verb = "unpin" if number % 2 else "pin"
        await store.writer.submit(decide(story, comment.id, verb, AT + number // 3))
    moved = update_site("s", lambda site: site, None)
    await store.writer.run_in_transaction(moved)
    reader = Decisions(store.database)
    pages: list[str] = []
    after = None
    while page := await reader.log("s", LogFilter(), after, 3):
        pages += [one.id for one in page]
        after = page[-1].at, page[-1].id
    assert len(pages) == len(set(pages)) == 10
    assert set(pages) == {row.id for row in await log(store)}


async def test_a_sites_log_is_chained_and_has_the_values_of_settings(store: Store) -> None:
    await store.story()
    owner = Actor("account", "1", "dashboard", "s", "owner")
    for value in ("5", "6"):
        decision = decided_by(owner, "settings", AT)
        await store.writer.run_in_transaction(
            change_site_settings(
                "s",
                lambda now, value=value: with_value(now, "keep_days", value),  # type: ignore[misc]
                lambda _: True,
                decision,
            )
        )
    found = await Decisions(store.database).log("s", LogFilter(verb="settings"), None, 10)
    values = sorted((one.number, one.before["keep_days"], one.after["keep_days"]) for one in found)
    assert values == [(1, 14, 5), (2, 5, 6)]
    same = update_site("s", lambda site: site, decided_by(owner, "settings", AT))
    await store.writer.run_in_transaction(same)
    assert len(await Decisions(store.database).log("s", LogFilter(), None, 10)) == 2
    await verified(store)


CHANGES: dict[str, Sequence[str]] = {
    "a byte of a column": (
        "UPDATE decisions SET before = replace(before, 'revision', 'revisiom') WHERE number = 4",
    ),
    "another actor": ("UPDATE decisions SET actor = 'eve' WHERE number = 4",),
    "another hash": (
        "UPDATE decisions SET hash = substr(hash, 2) || substr(hash, 1, 1) WHERE number = 4",
    ),
    "a missing entry": ("DELETE FROM decisions WHERE number = 4",),
}


@pytest.mark.parametrize("how", CHANGES)
async def test_a_changed_entry_is_named(store: Store, how: str) -> None:
    story = await store.story()
    comment = await store.post(story)
    for number in range(6):
        await store.writer.submit(decide(story, comment.id, "unpin" if number % 2 else "pin", AT))
    await verified(store)
    for statement in CHANGES[how]:
        await store.writer.run_in_transaction(lambda c, s=statement: c.exec_driver_sql(s))  # type: ignore[misc]
    verdict = await LogCheck(store.database, LOG_KEYS).verify()
    first = verdict.damages[0]
    assert (first.log, first.number) == (f"story:{story.code}", 4), verdict


async def test_a_log_that_was_cut_off_is_found_by_the_story_and_by_the_kept_head(
    store: Store,
) -> None:
    story = await store.story()
    comment = await store.post(story)
    for verb in ("pin", "unpin", "pin"):
        await store.writer.submit(decide(story, comment.id, verb, AT))
    check = LogCheck(store.database, LOG_KEYS)
    heads = await check.heads(9)
    assert [(head.log, head.number) for head in heads] == [(f"story:{story.code}", 3)]
    await store.writer.run_in_transaction(
        lambda c: c.exec_driver_sql("DELETE FROM decisions WHERE number = 3")
    )
    (damage,) = (await check.verify()).damages
    assert (damage.log, damage.number) == (f"story:{story.code}", 3)
    # Whoever has the database can make the story agree. The head outside of it still names the entry.
    last = (await log(store))[-1].hash
    await store.writer.run_in_transaction(
        lambda c: c.execute(text("UPDATE stories SET decisions = 2, log_hash = :h"), {"h": last})
    )
    assert (await check.verify()).damages == []
    (damage,) = (await check.verify(heads)).damages
    assert (damage.log, damage.number) == (f"story:{story.code}", 3)
    await store.writer.run_in_transaction(record_heads(heads))
    assert [one.number for one in (await check.verify()).damages] == [3]


async def test_actions_of_readers_need_no_more_statements_than_before(
    sqlite_url: str,
) -> None:
    await migrate.upgrade(sqlite_url)
    async with open_store(sqlite_url) as store:
        story = await store.story()
        top = await store.post(story, "ana")
        with recorded(store.database._writer.sync_engine) as statements:
            await store.react(story, "ben", "sad", top.id)
            await store.post(story, "ben", parent=top.id)
        assert len(statements) > 10
        assert [sql for sql, _ in statements if _is_about_decisions(sql)] == []
        waiting = [post(story, f"r{number}", pending=True) for number in range(5)]
        with recorded(store.database._writer.sync_engine) as statements:
            await store.together(*waiting)
        assert len([sql for sql, _ in statements if _is_about_decisions(sql)]) == 1


def _is_about_decisions(sql: str) -> bool:
    names = ("cases", "kept_texts", "FROM decisions", "INTO decisions", "decision_words")
    return any(name in sql for name in names)


async def test_a_report_after_a_decision_in_the_same_transaction_opens_a_new_case(
    store: Store,
) -> None:
    story = await store.story()
    comment = await store.post(story, "ana")
    await store.writer.submit(Report(story.id, comment.id, "ben", "spam", AT))
    before = store.writer.metrics.batches
    decided, reported = await store.together(
        decide(story, comment.id, "approve", AT), Report(story.id, comment.id, "dan", "spam", AT)
    )
    assert (decided.decision.verb, reported) == ("approve", None)
    assert store.writer.metrics.batches == before + 1
    assert await queues(store, comment.id) == ["reported"]
    assert len(await store.rows(cases, cases.c.comment == comment.id)) == 2


@pytest.mark.parametrize("how", ["delete", "forget"])
async def test_a_note_is_erased_with_the_words_also_in_the_transaction_that_stores_it(
    store: Store, how: str
) -> None:
    story = await store.story()
    comment = await store.post(story, "ana", "my words")
    last = Delete(story.id, comment.id, "ana", 10**9, AT) if how == "delete" else Forget("ana", AT)
    before = store.writer.metrics.batches
    noted = decide(story, comment.id, "remove", AT, note="It says: my words")
    results = await store.together(noted, last)
    assert not any(isinstance(result, Exception) for result in results)
    assert store.writer.metrics.batches == before + 1
    assert await store.rows(decision_words) == []
    await verified(store)


async def test_the_removal_of_a_held_comment_keeps_its_text_for_the_whole_time(
    store: Store,
) -> None:
    story = await store.story()
    comment = await store.post(story, "ana", "my words")
    await store.writer.submit(decide(story, comment.id, "hold", AT))
    later = AT + 30 * DAY
    await store.writer.submit(decide(story, comment.id, "remove", later))
    assert await store.writer.run_in_transaction(erase_expired(later + 14 * DAY)) == 0
    back = await done(store, decide(story, comment.id, "restore", later + 14 * DAY))
    assert back.source == "my words"


async def test_no_case_stays_open_when_the_restoring_of_a_removed_comment_is_undone(
    store: Store,
) -> None:
    story = await store.story()
    comment = await store.post(story, "ana")
    await store.writer.submit(decide(story, comment.id, "remove", AT))
    restored = decide(story, comment.id, "restore", AT)
    await store.writer.submit(restored)
    await store.writer.submit(Report(story.id, comment.id, "dan", "spam", AT))
    removed = await done(store, undo(story, comment.id, restored.id, AT))
    assert removed.state == CommentState.REMOVED
    assert await queues(store, comment.id) == []
    await verified(store)


async def test_what_a_server_without_cases_wrote_waits_in_the_queues_afterwards(
    store: Store,
) -> None:
    story = await store.story()
    pending, edited, reported, removed, approved, held = [
        await store.post(story, f"r{number}", pending=number in (0, 4)) for number in range(6)
    ]
    for one in (edited, held):
        await store.writer.submit(
            Edit(story.id, one.id, one.reader, "new", ["new"], 10**9, True, AT)
        )
    for one in (reported, removed):
        await store.writer.submit(Report(story.id, one.id, "ben", "spam", AT))
    await store.writer.submit(decide(story, held.id, "hold", AT))
    decisions_of = Decisions(store.database)
    assert not await decisions_of.unmatched()
    kept = await queues(store, held.id)

    async def work_of_the_version_before(connection: AsyncConnection) -> None:
        lost = cases.c.comment.in_([pending.id, edited.id, reported.id])
        await connection.execute(delete(cases).where(lost))
        for one, state in ((removed, "removed"), (approved, "published")):
            await connection.execute(
                update(comments).where(comments.c.id == one.id).values(state=state)
            )

    await store.database.write(work_of_the_version_before)
    assert await decisions_of.unmatched()
    assert await store.writer.run_in_transaction(match_cases(AT)) == 5
    assert [await queues(store, one.id) for one in (pending, edited, reported)] == [
        ["pending"],
        ["edits"],
        ["reported"],
    ]
    assert [await queues(store, one.id) for one in (removed, approved)] == [[], []]
    assert await queues(store, held.id) == kept
    assert not await decisions_of.unmatched()
    await store.writer.submit(decide(story, reported.id, "approve", AT))
    assert not await decisions_of.unmatched(), "a settled report stays settled"


async def test_a_text_that_another_process_is_bringing_back_is_not_erased(
    postgres_url: str,
) -> None:
    await migrate.upgrade(postgres_url)
    async with open_store(postgres_url) as store:
        story = await store.story()
        comment = await store.post(story, "ana", "my words")
        await store.writer.submit(decide(story, comment.id, "remove", AT))
        over = AT + 14 * DAY + 1
        other = create_async_engine(postgres_url)
        async with other.begin() as connection:
            await connection.execute(select(kept_texts).with_for_update())
            assert await store.writer.run_in_transaction(erase_expired(over)) == 0
        assert await store.rows(erasures) == []
        async with other.begin() as connection:
            await erase_expired(over)(connection)
            restoring = asyncio.create_task(
                store.writer.submit(decide(story, comment.id, "restore", over))
            )

            async def waits() -> bool:
                found = await store.answers(
                    text("SELECT 1 FROM pg_locks WHERE NOT granted"),
                )
                return bool(found[0])

            await eventually(waits, "the restoring waits for the erasing")
        with pytest.raises(ErasedError):
            await restoring
        await other.dispose()


async def test_featuring_is_undone_to_the_time_that_it_had(store: Store) -> None:
    story = await store.story()
    comment = await store.post(story)
    assert (await done(store, decide(story, comment.id, "feature", AT))).featured_at == AT
    # Featured already: nothing is decided, and the time stays.
    assert (await done(store, decide(story, comment.id, "feature", AT + 5))).featured_at == AT
    end = decide(story, comment.id, "unfeature", AT + 6)
    assert (await done(store, end)).featured_at is None
    back = await done(store, undo(story, comment.id, end.id))
    assert back.featured_at == AT
    assert changes(store.events)[-1].comment.featured_at == AT
    entries = await log(store)
    assert [(one.verb, json.loads(one.after)["featured"]) for one in entries] == [
        ("feature", AT),
        ("unfeature", None),
        ("undo", AT),
    ]
    await verified(store)
