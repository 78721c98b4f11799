"""History: released messages have the numbers last+1, last+2, … without gap or repeat."""

import json
import random
from dataclasses import replace

from hypothesis import given, strategies as st

from tests.hub.fakes import CODE, FakeDatabase
from tests.hub.virtual_time import instantly
from widget_server.hub.history import HISTORY_SIZE, REORDER_SIZE, RESUME_SIZE, ChannelHistory
from widget_server.hub.prepared import PreparedMessage
from widget_server.model.limits import MAX_RESPONSE_BYTES


def numbers(messages: list[PreparedMessage]) -> list[int]:
    return [json.loads(message.payload)["position"]["seq"] for message in messages]


async def loaded_history(database: FakeDatabase) -> ChannelHistory:
    history = ChannelHistory()
    history.reset(await database.snapshot(CODE))
    return history


@given(seed=st.integers(0, 10_000), repeats=st.integers(0, 3))
@instantly
async def test_messages_in_any_order_are_released_once_and_in_sequence(
    seed: int, repeats: int
) -> None:
    database = FakeDatabase()
    history = await loaded_history(database)
    arriving = [database.post() for _ in range(20)] * (repeats + 1)
    random.Random(seed).shuffle(arriving)
    released = [number for message in arriving for number in numbers(history.accept(message))]
    assert released == list(range(1, 21))
    assert not history.has_gap


@instantly
async def test_messages_received_before_the_snapshot_are_released_after_it() -> None:
    database = FakeDatabase()
    history = ChannelHistory()
    in_the_snapshot, tally = database.post(), database.react()
    assert history.accept(in_the_snapshot) == []
    assert history.accept_tally(tally) is not None
    loaded = await database.snapshot(CODE)
    after, newer = database.post(), database.react()
    assert history.accept(after) == []
    assert history.accept_tally(newer) is not None
    assert numbers(history.reset(loaded)) == [2]
    assert json.loads(history.tallies.story_tally) == database.tally


@instantly
async def test_a_message_of_another_epoch_is_ignored() -> None:
    database = FakeDatabase()
    old = [database.post(), database.post(), database.react()]
    database.restore()
    history = ChannelHistory()
    assert history.accept(old[1]) == []
    history.accept_tally(old[2])
    history.reset(await database.snapshot(CODE))
    assert not history.has_gap
    assert history.tallies.after(0) == []
    assert history.accept(old[0]) == []
    assert history.accept_tally(old[2]) is None
    assert numbers(history.accept(database.post())) == [1]
    assert history.accept_tally(database.react()) is not None


@instantly
async def test_only_a_newer_tally_is_released() -> None:
    database = FakeDatabase()
    history = await loaded_history(database)
    first, second = database.react(), database.react()
    assert history.accept_tally(second) is not None
    assert history.accept_tally(first) is None
    assert history.accept_tally(second) is None


@instantly
async def test_a_snapshot_is_usable_while_all_later_messages_are_kept() -> None:
    database = FakeDatabase()
    history = await loaded_history(database)
    for _ in range(HISTORY_SIZE):
        history.accept(database.post())
    assert history.usable_snapshot() is not None
    assert len(history.messages_after(0) or []) == HISTORY_SIZE
    history.accept(database.post())
    assert history.usable_snapshot() is None
    assert history.messages_after(0) is None
    assert len(history.messages_after(1) or []) == HISTORY_SIZE


@instantly
async def test_kept_messages_are_together_no_longer_than_a_response() -> None:
    database = FakeDatabase()
    history = await loaded_history(database)
    for _ in range(HISTORY_SIZE):
        short = database.post()
        history.accept(replace(short, payload=short.payload[:-1] + b" " * 20_000 + b"}"))
    assert history.usable_snapshot() is None
    assert history.messages_after(0) is None
    last = history.messages_after(HISTORY_SIZE - 5) or []
    assert numbers(last) == list(range(HISTORY_SIZE - 4, HISTORY_SIZE + 1))
    assert sum(len(message) for _, message in history._sent) <= MAX_RESPONSE_BYTES
    history.reset(await database.snapshot(CODE))
    assert numbers(history.accept(database.post())) == [HISTORY_SIZE + 1]
    assert numbers(history.messages_after(HISTORY_SIZE) or []) == [HISTORY_SIZE + 1]


@instantly
async def test_a_snapshot_is_unusable_after_a_later_tally_was_dropped() -> None:
    database = FakeDatabase()
    for _ in range(RESUME_SIZE + 1):
        database.post()
    history = await loaded_history(database)
    for index in range(RESUME_SIZE):
        history.accept_tally(database.react(f"c{index}"))
    assert history.usable_snapshot() is not None
    history.accept_tally(database.react(f"c{RESUME_SIZE}"))
    assert history.usable_snapshot() is None


@instantly
async def test_a_snapshot_older_than_a_change_of_the_story_is_unusable() -> None:
    database = FakeDatabase()
    history = await loaded_history(database)
    old = await database.snapshot(CODE)
    history.accept(database.close())
    assert history.usable_snapshot() is None
    history.refresh(old)
    assert history.usable_snapshot() is None
    history.refresh(await database.snapshot(CODE))
    assert history.usable_snapshot() is not None


@instantly
async def test_a_snapshot_that_is_ahead_or_older_or_of_another_epoch_is_ignored() -> None:
    database = FakeDatabase()
    database.post()
    of_another_epoch = await database.snapshot(CODE)
    database.restore()
    database.post()
    history = await loaded_history(database)
    history.refresh(of_another_epoch)
    assert history.snapshot is not of_another_epoch
    old = await database.snapshot(CODE)
    message = database.post()
    ahead = await database.snapshot(CODE)
    history.refresh(ahead)
    assert history.snapshot is not ahead
    history.accept(message)
    history.refresh(ahead)
    history.refresh(old)
    assert history.snapshot is ahead


@instantly
async def test_a_resuming_client_gets_each_changed_comment_once_as_far_back_as_is_kept() -> None:
    database = FakeDatabase()
    first, second = database.post(), database.post()
    history = await loaded_history(database)
    assert history.changes_after(0) is None
    edited = database.edit("c0")
    history.add_earlier_changes(await database.recent(CODE))
    history.accept(edited)
    changes = [json.loads(body) for body in history.changes_after(0) or []]
    assert [(comment["id"], comment["seq"]) for comment in changes] == [("c1", 2), ("c0", 3)]
    assert history.changes_after(3) == []
    assert history.changes_after(4) is None
    for _ in range(RESUME_SIZE - 1):
        history.accept(database.post())
    assert history.changes_after(0) is None
    assert len(history.changes_after(2) or []) == RESUME_SIZE
    assert first.number + second.number == 3


@instantly
async def test_the_reorder_buffer_is_bounded() -> None:
    database = FakeDatabase()
    history = await loaded_history(database)
    database.post()
    for _ in range(REORDER_SIZE + 10):
        assert history.accept(database.post()) == []
    assert len(history._reorder_buffer) == REORDER_SIZE
    assert history.has_gap
    # The other messages are read from the database.
    history.reset(await database.snapshot(CODE))
    assert history.last_seq == REORDER_SIZE + 11
    assert not history.has_gap


@instantly
async def test_a_client_cannot_resume_after_more_tallies_changed_than_are_kept() -> None:
    database = FakeDatabase()
    for _ in range(RESUME_SIZE + 1):
        database.post()
    history = await loaded_history(database)
    history.add_earlier_changes(await database.recent(CODE))
    assert history.changes_after(RESUME_SIZE + 1) == []
    for index in range(RESUME_SIZE + 1):
        history.accept_tally(database.react(f"c{index}"))
    assert history.changes_after(RESUME_SIZE + 1) is None


@instantly
async def test_a_replayed_tally_is_not_released() -> None:
    database = FakeDatabase()
    post, recorded = database.post(), [database.react(), database.react("c0")]
    history = ChannelHistory()
    history.accept(post)
    newer = [database.react(), database.react("c0")]
    history.reset(await database.snapshot(CODE))
    for message in [*recorded, *newer]:
        assert history.accept_tally(message) is None, "the snapshot includes it or a newer one"
    assert json.loads(history.tallies.story_tally) == database.tally
    assert history.accept_tally(database.react("c0")) is not None
