"""One story's order: what is let through has the numbers last+1, last+2, … and no other."""

import json
import random
from dataclasses import replace

from hypothesis import given, strategies as st

from tests.live.instant import instantly
from tests.live.scripted import CODE, Truth
from widget_server.live.channel import EARLY, RECENT, RING, Channel
from widget_server.live.frames import Frame
from widget_server.model.answers import MOST_ANSWER


def numbers(frames: list[Frame]) -> list[int]:
    return [json.loads(frame.payload)["position"]["seq"] for frame in frames]


async def started(truth: Truth) -> Channel:
    channel = Channel(CODE)
    channel.start(await truth.snapshot(CODE))
    return channel


@given(seed=st.integers(0, 10_000), repeats=st.integers(0, 3))
@instantly
async def test_whatever_the_order_of_arrival_each_change_is_let_through_once_in_its_turn(
    seed: int, repeats: int
) -> None:
    truth = Truth()
    channel = await started(truth)
    arriving = [truth.post() for _ in range(20)] * (repeats + 1)
    random.Random(seed).shuffle(arriving)
    passed = [number for message in arriving for number in numbers(channel.take(message))]
    assert passed == list(range(1, 21))
    assert not channel.has_gap


@instantly
async def test_what_came_before_the_snapshot_was_read_follows_it() -> None:
    truth = Truth()
    channel = Channel(CODE)
    in_the_snapshot, tally = truth.post(), truth.react()
    assert channel.take(in_the_snapshot) == []
    assert channel.take_tally(tally) is not None
    loaded = await truth.snapshot(CODE)
    after, newer = truth.post(), truth.react()
    assert channel.take(after) == []
    assert channel.take_tally(newer) is not None
    assert numbers(channel.start(loaded)) == [2]
    assert json.loads(channel.story_tally) == truth.tally


@instantly
async def test_a_message_of_another_epoch_is_not_taken_for_one_of_this() -> None:
    truth = Truth()
    old = [truth.post(), truth.post(), truth.react()]
    truth.restore()
    channel = Channel(CODE)
    assert channel.take(old[1]) == []
    channel.take_tally(old[2])
    channel.start(await truth.snapshot(CODE))
    assert not channel.has_gap
    assert channel.tallies_after(0) == []
    assert channel.take(old[0]) == []
    assert channel.take_tally(old[2]) is None
    assert numbers(channel.take(truth.post())) == [1]
    assert channel.take_tally(truth.react()) is not None


@instantly
async def test_only_a_newer_tally_is_told() -> None:
    truth = Truth()
    channel = await started(truth)
    first, second = truth.react(), truth.react()
    assert channel.take_tally(second) is not None
    assert channel.take_tally(first) is None
    assert channel.take_tally(second) is None


@instantly
async def test_a_snapshot_is_used_as_long_as_all_that_came_since_is_at_hand() -> None:
    truth = Truth()
    channel = await started(truth)
    for _ in range(RING):
        channel.take(truth.post())
    assert channel.usable() is not None
    assert len(channel.frames_after(0) or []) == RING
    channel.take(truth.post())
    assert channel.usable() is None
    assert channel.frames_after(0) is None
    assert len(channel.frames_after(1) or []) == RING


@instantly
async def test_what_follows_an_old_snapshot_is_no_longer_than_an_answer() -> None:
    truth = Truth()
    channel = await started(truth)
    for _ in range(RING):
        short = truth.post()
        channel.take(replace(short, payload=short.payload[:-1] + b" " * 20_000 + b"}"))
    assert channel.usable() is None
    assert channel.frames_after(0) is None
    last = channel.frames_after(RING - 5) or []
    assert numbers(last) == list(range(RING - 4, RING + 1))
    assert sum(len(frame) for _, frame in channel._ring) <= MOST_ANSWER
    channel.start(await truth.snapshot(CODE))
    assert numbers(channel.take(truth.post())) == [RING + 1]
    assert numbers(channel.frames_after(RING) or []) == [RING + 1]


@instantly
async def test_a_snapshot_is_not_used_when_a_tally_since_then_is_no_longer_kept() -> None:
    truth = Truth()
    for _ in range(RECENT + 1):
        truth.post()
    channel = await started(truth)
    for index in range(RECENT):
        channel.take_tally(truth.react(f"c{index}"))
    assert channel.usable() is not None
    channel.take_tally(truth.react(f"c{RECENT}"))
    assert channel.usable() is None


@instantly
async def test_a_snapshot_older_than_a_change_of_the_story_itself_is_not_used() -> None:
    truth = Truth()
    channel = await started(truth)
    old = await truth.snapshot(CODE)
    channel.take(truth.close())
    assert channel.usable() is None
    channel.refresh(old)
    assert channel.usable() is None
    channel.refresh(await truth.snapshot(CODE))
    assert channel.usable() is not None


@instantly
async def test_a_snapshot_ahead_or_older_or_of_another_epoch_is_passed_over() -> None:
    truth = Truth()
    truth.post()
    of_another_epoch = await truth.snapshot(CODE)
    truth.restore()
    truth.post()
    channel = await started(truth)
    channel.refresh(of_another_epoch)
    assert channel.loaded is not of_another_epoch
    old = await truth.snapshot(CODE)
    message = truth.post()
    ahead = await truth.snapshot(CODE)
    channel.refresh(ahead)
    assert channel.loaded is not ahead
    channel.take(message)
    channel.refresh(ahead)
    channel.refresh(old)
    assert channel.loaded is ahead


@instantly
async def test_who_comes_back_is_told_each_changed_comment_once_as_far_back_as_is_known() -> None:
    truth = Truth()
    first, second = truth.post(), truth.post()
    channel = await started(truth)
    assert channel.changes_after(0) is None
    edited = truth.edit("c0")
    channel.widen(await truth.recent(CODE))
    channel.take(edited)
    known = [json.loads(body) for body in channel.changes_after(0) or []]
    assert [(comment["id"], comment["seq"]) for comment in known] == [("c1", 2), ("c0", 3)]
    assert channel.changes_after(3) == []
    assert channel.changes_after(4) is None
    for _ in range(RECENT - 1):
        channel.take(truth.post())
    assert channel.changes_after(0) is None
    assert len(channel.changes_after(2) or []) == RECENT
    assert first.number + second.number == 3


@instantly
async def test_of_what_comes_early_only_so_much_is_kept() -> None:
    truth = Truth()
    channel = await started(truth)
    truth.post()
    for _ in range(EARLY + 10):
        assert channel.take(truth.post()) == []
    assert len(channel._early) == EARLY
    assert channel.has_gap
    # The rest is the database's to tell.
    channel.start(await truth.snapshot(CODE))
    assert channel.last == EARLY + 11
    assert not channel.has_gap


@instantly
async def test_who_comes_back_gets_it_all_where_more_was_counted_than_is_kept() -> None:
    truth = Truth()
    for _ in range(RECENT + 1):
        truth.post()
    channel = await started(truth)
    channel.widen(await truth.recent(CODE))
    assert channel.changes_after(RECENT + 1) == []
    for index in range(RECENT + 1):
        channel.take_tally(truth.react(f"c{index}"))
    assert channel.changes_after(RECENT + 1) is None


@instantly
async def test_a_tally_that_is_sent_again_is_not_told_for_the_newest() -> None:
    truth = Truth()
    post, recorded = truth.post(), [truth.react(), truth.react("c0")]
    channel = Channel(CODE)
    channel.take(post)
    newer = [truth.react(), truth.react("c0")]
    channel.start(await truth.snapshot(CODE))
    for message in [*recorded, *newer]:
        assert channel.take_tally(message) is None, "the snapshot has it, or what came after it"
    assert json.loads(channel.story_tally) == truth.tally
    assert channel.take_tally(truth.react("c0")) is not None
