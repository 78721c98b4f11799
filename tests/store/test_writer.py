"""Group commit: numbers without gaps, idempotency keys, and failures of single actions."""

import asyncio
import gc
import itertools
import logging
import random
import weakref
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.statements import recorded
from tests.store.store_harness import Store, changes, decide, open_store, post, seqs, undo
from tests.waiting import eventually
from widget_server.model.claims import Attribution
from widget_server.model.errors import NotFoundError, UnavailableError
from widget_server.model.records import Comment, CommentState, Story, Tally
from widget_server.store import migrate
from widget_server.store.queries.stories import insert_story, record_copy
from widget_server.store.schema import comments, copies, decisions
from widget_server.store.writing import writer
from widget_server.store.writing.actions import Delete, Edit, Forget, React
from widget_server.store.writing.unit_of_work import UnitOfWork

ATTRIBUTION = Attribution()


async def test_numbers_have_no_gap_when_two_processes_write_to_the_same_stories(
    migrated_url: str,
) -> None:
    async with open_store(migrated_url) as one, open_store(migrated_url) as other:
        stories = [await one.story(key) for key in ("a", "b", "c")]

        async def reader(store: Store, name: str) -> None:
            for number in range(6):
                story = stories[(number + hash(name)) % 3]
                comment = await store.post(story, name)
                await store.react(story, name, ("happy", "sad", None)[number % 3])
                await store.react(story, name, "happy", comment.id)
                if number % 2:
                    at, window = 1_000_001, 900_000
                    await store.writer.submit(
                        Edit(story.id, comment.id, name, "b", [], window, False, at)
                    )

        readers = [
            reader(store, f"{n}-{i}") for n, store in enumerate((one, other)) for i in range(20)
        ]
        await asyncio.gather(*readers)
        for story in stories:
            now = await one.now(story)
            both = seqs(one.events, story.code) + seqs(other.events, story.code)
            assert sorted(both) == list(range(1, now.seq + 1))
            for store in (one, other):
                own = seqs(store.events, story.code)
                assert own == sorted(own)
        await one.tallies_are_rows()
        written = one.writer.metrics, other.writer.metrics
        assert sum(counts.actions_failed for counts in written) == 0
        assert sum(counts.batches for counts in written) < sum(counts.actions for counts in written)


async def test_simultaneous_actions_are_one_transaction_with_one_update_of_the_story(
    store: Store,
) -> None:
    story = await store.story()
    before = store.writer.metrics.batches
    begun: list[None] = []
    engine = store.database._writer.sync_engine
    event.listen(engine, "begin", lambda _: begun.append(None))
    readers = [f"r{number}" for number in range(200)]
    reactions = [React(story.id, None, reader, "happy", None, 1) for reader in readers]
    with recorded(engine) as executed:
        await store.together(*reactions)
    assert store.writer.metrics.batches == before + 1
    assert len(begun) == 1
    assert len([sql for sql, _ in executed if sql.startswith("UPDATE stories")]) == 1
    assert (await store.now(story)).tally.counts == {"happy": 200, "sad": 0}
    # One tally event for all 200 reactions: a tally is always complete.
    assert [e for e in store.events if e.story == story.code][-1:] == store.events
    await store.tallies_are_rows()


async def test_an_idempotency_key_posts_once_in_a_batch_and_in_later_batches(store: Store) -> None:
    story = await store.story()
    action = post(story, key="the-same-key")
    answers = await store.together(*(replace(action, id=f"{action.id}-{n}") for n in range(5)))
    again = await store.writer.submit(replace(action, id="later"))
    assert {answer.id for answer in (*answers, again)} == {answers[0].id}
    assert (await store.now(story)).count == 1
    assert (await store.now(story)).seq == 1


async def test_an_idempotency_key_posts_once_across_two_simultaneous_processes(
    migrated_url: str,
) -> None:
    async with open_store(migrated_url) as one, open_store(migrated_url) as other:
        story = await one.story()
        for number in range(20):
            action = post(story, key=f"key-{number}")
            answers = await asyncio.gather(
                one.writer.submit(action), other.writer.submit(replace(action, id=f"other{number}"))
            )
            assert answers[0].id == answers[1].id
        assert (await one.now(story)).count == 20
        assert one.writer.metrics.actions_failed == other.writer.metrics.actions_failed == 0


async def test_the_same_key_of_another_reader_or_story_is_another_comment(store: Store) -> None:
    first, second = await store.story("a"), await store.story("b")
    ids = {
        (await store.post(story, reader, key="shared-key")).id
        for story in (first, second)
        for reader in ("r", "q")
    }
    assert len(ids) == 4


async def test_readers_who_arrive_at_once_register_a_story_and_its_copies_once(
    migrated_url: str,
) -> None:
    """Two processes record the same copies in opposite order, as after a restart."""
    async with open_store(migrated_url) as one, open_store(migrated_url) as other:
        stories = [await one.story(f"k{number}") for number in range(12)]

        async def arrive(store: Store, order: int) -> None:
            work: list[Any] = []
            for story in stories[::order]:
                origin = "https://copy.example"
                work.append(
                    store.writer.run_in_transaction(
                        record_copy(story.id, "j", origin, None, None, None)
                    )
                )
                work.append(
                    store.writer.submit(React(story.id, None, str(order), "happy", None, 1))
                )
                made = insert_story(f"new{story.id}".ljust(12, "x"), "s", f"n{story.id}", 1,
                                  ATTRIBUTION, {})  # fmt: skip
                work.append(store.writer.run_in_transaction(made))
            await asyncio.gather(*work)

        for _ in range(3):
            await asyncio.gather(arrive(one, 1), arrive(other, -1))
        assert one.writer.metrics.actions_failed == other.writer.metrics.actions_failed == 0
        for story in stories:
            assert len(await one.rows(copies, copies.c.story == story.id)) == 1


async def test_an_action_that_the_database_rejects_fails_no_other_action(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """Operations reject such text before. The store must withstand it anyway."""
    story = await store.story()
    caplog.set_level(logging.CRITICAL)
    good = [post(story, f"r{number}") for number in range(9)]
    bad = post(story, "half", name="\ud800")
    twice = replace(post(story, "twice"), id=good[0].id)
    answers = await store.together(*good[:5], bad, twice, *good[5:])
    refused = [answer for answer in answers if isinstance(answer, BaseException)]
    assert [type(answer) for answer in refused] == [UnavailableError, UnavailableError]
    assert store.writer.metrics.actions_failed == 2
    assert store.writer.healthy, "it is not the database that is ill"
    now = await store.now(story)
    assert (now.count, now.seq) == (9, 9)
    assert len(await store.rows(comments)) == 9


async def test_on_postgresql_a_text_with_nul_fails_no_other_action(
    postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    await migrate.upgrade(postgres_url)
    caplog.set_level(logging.CRITICAL)
    async with open_store(postgres_url) as store:
        story = await store.story()
        answers = await store.together(post(story, "a", "x\0y"), post(story, "b"))
        assert isinstance(answers[0], UnavailableError)
        assert isinstance(answers[1], Comment)


async def test_a_fault_in_the_handling_of_one_action_fails_no_other_action(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    story = await store.story()
    caplog.set_level(logging.CRITICAL)
    answers = await store.together(
        post(story, "a"), post(story, "b", text=[object()]), post(story, "c")
    )
    assert [type(answer) for answer in answers] == [Comment, UnavailableError, Comment]
    assert store.writer.metrics.actions_failed == 1
    assert store.writer.healthy


async def test_a_rejected_action_does_not_affect_the_others_of_its_batch(store: Store) -> None:
    story = await store.story()
    answers = await store.together(
        post(story), React(story.id, "nowhere", "r", "happy", None, 1), post(story, "q")
    )
    assert [type(answer) for answer in answers] == [Comment, NotFoundError, Comment]
    assert store.writer.metrics.actions_rejected == 1


async def test_an_event_has_the_counts_that_belong_to_its_version(store: Store) -> None:
    """Clients would take a tally from the middle of a batch for the complete one."""
    story = await store.story()
    comment = await store.post(story, "author")
    store.events.clear()
    await store.together(
        React(story.id, comment.id, "a", "happy", None, 1),
        Edit(story.id, comment.id, "author", "new", [], 900_000, False, 1_000_001),
        React(story.id, comment.id, "b", "happy", None, 1),
    )
    (changed,) = changes(store.events)
    assert changed.comment.tally.counts == {"happy": 2, "sad": 0}


async def test_an_event_shows_no_later_action_of_the_same_batch(store: Store) -> None:
    story = await store.story()
    first = post(story, "r", "first words")
    await store.together(
        first,
        Delete(story.id, first.id, "r", 900_000, 1_000_000),
        post(story, "q"),
    )
    told = [(e.seq, e.comment.state, e.count) for e in changes(store.events)]
    assert told == [
        (1, CommentState.PUBLISHED, 1),
        (2, CommentState.REMOVED, 0),
        (3, CommentState.PUBLISHED, 1),
    ]


async def test_queued_actions_are_written_when_the_writer_is_stopped(migrated_url: str) -> None:
    async with open_store(migrated_url) as store:
        story = await store.story()
        waiting = [asyncio.ensure_future(store.post(story, f"r{number}")) for number in range(50)]
        await asyncio.sleep(0)
    assert {type(answer) for answer in await asyncio.gather(*waiting)} == {Comment}
    with pytest.raises(UnavailableError):
        await store.post(story)


async def test_erasing_a_reader_who_posts_in_another_story_fails_no_action(
    migrated_url: str,
) -> None:
    async with open_store(migrated_url) as one, open_store(migrated_url) as other:
        stories = [await one.story(f"k{number}") for number in range(8)]

        async def post_everywhere() -> None:
            for story in stories * 3:
                await other.post(story, "r")
                await other.react(story, "r", "happy")

        async def forget_often() -> None:
            for _ in range(24):
                await one.writer.submit(Forget("r", 1))

        await asyncio.gather(post_everywhere(), forget_often())
        assert one.writer.metrics.actions_failed == other.writer.metrics.actions_failed == 0
        await one.writer.submit(Forget("r", 1))
        await one.tallies_are_rows()
        for story in stories:
            now = await one.now(story)
            assert (now.count, now.tally.counts["happy"]) == (0, 0)


async def test_what_no_reader_does_is_written_without_the_pause_of_readers_actions(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = await store.story()
    comment = await store.post(story, "r")
    monkeypatch.setattr(writer, "LINGER_S", 60)
    removal = decide(story, comment.id, "remove")

    async def count(connection: AsyncConnection) -> int:
        return int((await connection.exec_driver_sql("SELECT COUNT(*) FROM stories")).scalar_one())

    async with asyncio.timeout(30):
        assert await store.writer.run_in_transaction(count) == 1
        await store.writer.submit(removal)
        await store.writer.submit(undo(story, comment.id, removal.id))
    assert await log_numbers(store, story) == [1, 2]


async def test_writes_that_can_wait_take_turns_with_those_of_readers(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PORTION", 5)
    monkeypatch.setattr(writer, "WHOLE_PORTION", 5)
    story = await store.story()
    ids = [(await store.post(story, f"r{number}")).id for number in range(60)]
    store.events.clear()
    actions = [decide(story, one, "remove") for one in ids]
    refused = asyncio.create_task(store.writer.submit_between([*actions, *actions[:3]]))
    removed = []
    for number in range(4):
        await store.react(story, f"x{number}", "happy")
        removed.append(len(changes(store.events)))
    assert removed[-1] < len(ids), "the readers did not wait for all decisions"
    assert all(later - earlier <= 10 for earlier, later in itertools.pairwise(removed))
    assert await refused == 3, "three were removed before"
    assert seqs(store.events, story.code) == list(range(61, 121))
    assert await log_numbers(store, story) == list(range(1, 61))


async def test_a_transaction_of_writes_that_can_wait_ends_early_when_a_reader_waits(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = await store.story()
    ids = [(await store.post(story, f"r{number}")).id for number in range(60)]
    monkeypatch.setattr(writer, "PORTION", 60)
    store.events.clear()
    before = store.writer.metrics.batches
    actions = [decide(story, one, "remove") for one in ids]
    removing = asyncio.create_task(store.writer.submit_between(actions))
    await store.react(story, "x", "happy")
    first = changes(store.events)
    # SQLite has one writer: there the reaction joins the transaction.
    most, transactions = (writer.STEP, 1) if store.database.is_sqlite else (writer.WHOLE_PORTION, 2)
    assert [one.comment.id for one in first] == ids[:most]
    assert store.writer.metrics.batches == before + transactions
    assert await removing == 0
    assert [one.comment.id for one in changes(store.events)] == ids
    assert seqs(store.events, story.code) == list(range(61, 121))
    assert await log_numbers(store, story) == list(range(1, 61))


async def test_a_portion_is_published_while_the_next_one_is_written(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PORTION", 5)
    monkeypatch.setattr(writer, "WHOLE_PORTION", 5)
    story = await store.story()
    ids = [(await store.post(story, f"r{number}")).id for number in range(15)]
    write, publish = store.database.write, store.writer._on_commit
    running = 0
    beside: list[int] = []

    async def counted(transaction: Any) -> Any:
        nonlocal running
        running += 1
        try:
            return await write(transaction)
        finally:
            running -= 1

    def published(events: Any, epoch: str) -> None:
        beside.append(running)
        publish(events, epoch)

    monkeypatch.setattr(store.database, "write", counted)
    monkeypatch.setattr(store.writer, "_on_commit", published)
    store.events.clear()
    assert await store.writer.submit_between([decide(story, one, "remove") for one in ids]) == 0
    assert beside == [1, 1, 0], "transactions that run while one is published"
    assert [one.comment.id for one in changes(store.events)] == ids


async def test_what_cannot_be_published_is_stored_and_the_writer_goes_on(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    monkeypatch.setattr(writer, "PORTION", 1)
    monkeypatch.setattr(writer, "WHOLE_PORTION", 1)
    story = await store.story()
    ids = [(await store.post(story, f"r{number}")).id for number in range(3)]

    def refuse(events: Any, epoch: str) -> None:
        raise ValueError("a fault of the test")

    monkeypatch.setattr(store.writer, "_on_commit", refuse)
    assert await store.writer.submit_between([decide(story, one, "remove") for one in ids]) == 0
    await store.react(story, "x", "happy")
    assert await log_numbers(store, story) == [1, 2, 3]


@pytest.mark.parametrize("faulty", ["reader", "batch"])
async def test_of_a_batch_and_a_reader_in_one_transaction_each_fails_alone(
    store: Store, faulty: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    story = await store.story()
    ids = [(await store.post(story, f"r{number}")).id for number in range(3)]
    notes = [None, "\ud800" if faulty == "batch" else None, None]
    name = "\ud800" if faulty == "reader" else None
    actions = [decide(story, *pair) for pair in zip(ids, ["remove"] * 3, strict=True)]
    actions = [replace(one, note=note) for one, note in zip(actions, notes, strict=True)]
    answers = await asyncio.gather(
        store.writer.submit_between(actions),
        store.writer.submit(post(story, "x", name=name)),
        return_exceptions=True,
    )
    failed = [isinstance(answer, UnavailableError) for answer in answers]
    assert failed == [faulty == "batch", faulty == "reader"]
    assert store.writer.metrics.actions_failed == 1
    left = {row.reader for row in await store.rows(comments, comments.c.state == "published")}
    assert left == ({"r1", "x"} if faulty == "batch" else set())


async def test_a_result_that_cannot_be_read_is_an_error_of_its_caller_alone(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    story = await store.story()
    ids = [(await store.post(story, f"r{number}")).id for number in range(4)]
    first = post(story, "ann")
    damaged = (await store.writer.submit(first)).id

    async def damage(connection: Any) -> None:
        odd = update(comments).where(comments.c.id == damaged)
        await connection.execute(odd.values(state="odd"))

    await store.database.write(damage)
    before = (await store.now(story)).seq
    removals = [decide(story, one, "remove") for one in ids]
    # Posted again with its key, it finds the damaged row.
    answers = await asyncio.gather(
        store.writer.submit_between(removals),
        store.react(story, "x", "happy"),
        store.writer.submit(replace(first, id="again")),
        store.react(story, "y", "happy"),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers] == [int, Tally, UnavailableError, Tally]
    assert store.writer.metrics.actions_failed == 1
    assert (await store.now(story)).seq == before + len(ids), "each removal is applied once"
    assert await log_numbers(store, story) == list(range(1, len(ids) + 1))


async def test_a_batch_among_many_readers_leaves_every_number_and_tally_right(store: Store) -> None:
    dice = random.Random(8)
    story = await store.story()
    ids = [(await store.post(story, f"r{number}")).id for number in range(150)]
    store.events.clear()
    removals = [decide(story, one, "remove") for one in ids]
    batch = asyncio.create_task(store.writer.submit_between(removals))
    posted = 0
    for number in range(120):
        if dice.random() < 0.5:
            with suppress(NotFoundError):  # it is removed already
                await store.react(story, f"x{number}", "happy", dice.choice([None, *ids[120:]]))
        else:
            await store.post(story, f"y{number}")
            posted += 1
        await asyncio.sleep(dice.choice([0, 0, 0.002]))
    refused = await batch
    undos = [undo(story, one.comment, one.id) for one in reversed(removals)]
    await asyncio.gather(
        store.writer.submit_between(undos),
        *(store.react(story, f"z{number}", "sad") for number in range(20)),
    )
    assert refused == 0
    assert (await store.now(story)).count == len(ids) + posted
    numbers = seqs(store.events, story.code)
    assert numbers == list(range(numbers[0], numbers[0] + 2 * len(ids) + posted))
    assert await log_numbers(store, story) == list(range(1, 2 * len(ids) + 1))
    await store.tallies_are_rows()


async def test_a_writer_that_stops_leaves_what_can_wait_to_its_job(
    migrated_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PORTION", 10)
    monkeypatch.setattr(writer, "WHOLE_PORTION", 10)
    store = Store(migrated_url)
    await store.database.open()
    writing = asyncio.create_task(store.writer.run())
    story = await store.story()
    ids = [(await store.post(story, f"r{number}")).id for number in range(40)]
    waiting = asyncio.create_task(
        store.writer.submit_between([decide(story, one, "remove") for one in ids])
    )
    await asyncio.sleep(0)
    assert len(store.writer._later) == len(ids), "the writer has all, and has begun none"
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    with pytest.raises(UnavailableError):
        await waiting
    with pytest.raises(UnavailableError):
        await store.writer.submit_between([])
    numbers = await log_numbers(store, story)
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) < len(ids)
    await store.database.close()


async def test_a_batch_goes_on_when_its_caller_is_gone(store: Store) -> None:
    story = await store.story()
    ids = [(await store.post(story, f"r{number}")).id for number in range(2 * writer.PORTION)]
    removals = [decide(story, one, "remove") for one in ids]
    waiting = asyncio.create_task(store.writer.submit_between(removals))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await store.writer.submit_between([decide(story, ids[0], "restore")]) == 0
    assert await log_numbers(store, story) == list(range(1, len(ids) + 2))


async def test_a_process_that_stops_ends_the_transaction_of_a_batch_on_sqlite(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PORTION", 60)
    await migrate.upgrade(sqlite_url)
    async with open_store(sqlite_url) as store:
        story = await store.story()
        ids = [(await store.post(story, f"r{number}")).id for number in range(60)]
        begun = asyncio.Event()
        loop, apply = asyncio.get_running_loop(), store.writer._apply

        async def stop_inside(*arguments: Any) -> Any:
            store.writer._stopping = True
            loop.call_soon_threadsafe(begun.set)
            return await apply(*arguments)

        monkeypatch.setattr(store.writer, "_apply", stop_inside)
        removing = asyncio.create_task(
            store.writer.submit_between([decide(story, one, "remove") for one in ids])
        )
        await begun.wait()
        with pytest.raises(UnavailableError):
            await removing
        assert await log_numbers(store, story) == list(range(1, writer.STEP + 1))


async def test_the_rows_of_a_transaction_are_freed_without_the_garbage_collector(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    freed: list[weakref.ref[UnitOfWork]] = []

    def unit_of_work(*arguments: Any) -> UnitOfWork:
        made = UnitOfWork(*arguments)
        freed.append(weakref.ref(made))
        return made

    story = await store.story()
    comment = await store.post(story, "r")
    removal = decide(story, comment.id, "remove")
    monkeypatch.setattr(writer, "UnitOfWork", unit_of_work)
    gc.collect()
    gc.disable()
    try:
        await store.react(story, "x", "happy", comment.id)
        await store.writer.submit(removal)
        await store.writer.submit(undo(story, comment.id, removal.id))
        with pytest.raises(NotFoundError):
            await store.react(story, "x", "happy", "none")
        store.events.clear()
        assert len(freed) == 4
        # The thread of the last transaction may hold it for a moment.
        await eventually(lambda: all(one() is None for one in freed), "all are freed")
    finally:
        gc.enable()


async def test_only_columns_that_changed_are_written(store: Store) -> None:
    story = await store.story()
    comment = await store.post(story, "r")
    with recorded(store.database._writer.sync_engine) as executed:
        await store.react(story, "x", "happy", comment.id)
    [of_comment] = [sql for sql, _ in executed if sql.startswith("UPDATE comments")]
    assert "counts" in of_comment
    assert not any(name in of_comment for name in ("born", "state", "reader", "created_at"))


async def log_numbers(store: Store, story: Story) -> list[int]:
    """Return the numbers of the story's log entries, the lowest first."""
    return sorted(row.number for row in await store.rows(decisions, decisions.c.story == story.id))
