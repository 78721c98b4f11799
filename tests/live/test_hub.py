"""The hub with a scripted database, bus and readers, under a clock that jumps."""

import asyncio
import json

import pytest

from tests.live.instant import instantly
from tests.live.scripted import CODE, Process, ScriptedPeer, Truth, agree, since
from widget_server.live.channels import IDLE_S, LATE_S
from widget_server.live.messages import Message
from widget_server.live.tick import CHUNK, ordered_interval, tally_interval
from widget_server.live.watched import Subscription
from widget_server.model.errors import NotFound, Unavailable
from widget_server.model.records import Position


async def settle(seconds: float = 0.19) -> None:
    """Let all that is due in this time happen."""
    await asyncio.sleep(seconds)


# Joining --------------------------------------------------------------------------------------------


@instantly
async def test_readers_who_come_at_once_share_one_snapshot_query_and_one_subscription() -> None:
    truth = Truth()
    truth.post()
    process = Process(truth)
    joined = await asyncio.gather(*(process.join() for _ in range(300)))
    agree(truth, *(peer for peer, _ in joined))
    assert truth.asked == {"snapshot": 1}
    assert process.bus.watched == [CODE]


@instantly
async def test_the_bus_is_listened_to_before_the_snapshot_is_read() -> None:
    truth = Truth()
    process = Process(truth)
    order = []

    async def note() -> None:
        order.append(list(process.bus.watched))

    truth.before = note
    await process.join()
    assert order == [[CODE]]


@pytest.mark.parametrize("moment", ["before", "after"])
@instantly
async def test_what_happens_while_the_snapshot_is_read_is_shown_once(moment: str) -> None:
    truth = Truth()
    process = Process(truth)
    happened: list[Message] = []

    async def happen() -> None:
        if len(happened) < 3:
            happened.append(truth.post())
            process.hear(happened[-1], truth.react(), truth.react(happened[-1].key))

    setattr(truth, moment, happen)
    peer, _ = await process.join()
    await settle()
    agree(truth, peer)
    assert len(happened) >= 1


@instantly
async def test_a_bus_that_confirms_nothing_holds_a_first_reader_up_for_half_a_second() -> None:
    truth = Truth()
    process = Process(truth)
    process.bus.confirms = False
    begun = asyncio.get_running_loop().time()
    peer, _ = await process.join()
    await process.join()
    assert asyncio.get_running_loop().time() - begun == pytest.approx(0.5)
    agree(truth, peer)


@instantly
async def test_a_reader_who_leaves_while_it_loads_does_not_take_the_snapshot_from_others() -> None:
    truth = Truth()
    process = Process(truth)
    truth.before = lambda: asyncio.sleep(1)
    first = asyncio.create_task(process.join())
    second = asyncio.create_task(process.join())
    await settle()
    first.cancel()
    peer, _ = await second
    agree(truth, peer)
    assert process.hub.watching == 1


@instantly
async def test_a_story_that_cannot_be_read_is_refused_and_leaves_nothing_behind() -> None:
    truth = Truth()
    process = Process(truth)
    subscription = Subscription(ScriptedPeer(), 0, b"", None)
    with pytest.raises(NotFound):
        await process.hub.join("nowhere00000", subscription, 1, None)
    truth.fails = Unavailable()
    for refused in await asyncio.gather(process.join(), process.join(), return_exceptions=True):
        assert isinstance(refused, Unavailable)
    assert process.hub.channels == 0
    assert set(process.bus.unwatched) == {"nowhere00000", CODE}
    truth.fails = None
    peer, _ = await process.join()
    agree(truth, peer)


@instantly
async def test_a_failure_that_nobody_waits_for_any_more_is_no_problem() -> None:
    truth = Truth()
    process = Process(truth)
    truth.before = lambda: asyncio.sleep(1)
    truth.fails = Unavailable()
    alone = asyncio.create_task(process.join())
    await settle()
    alone.cancel()
    await settle(2)
    assert process.hub.channels == 0


@instantly
async def test_a_change_of_the_story_makes_the_next_reader_read_it_anew() -> None:
    truth = Truth()
    process = Process(truth)
    first, _ = await process.join()
    before = await process.hub.public(CODE, None)
    process.hear(truth.close(), truth.post())
    late, _ = await process.join()
    back = ScriptedPeer()
    back.replay.apply({**json.loads(before), "presence": {}})
    await process.join(since(back), back)
    await settle()
    agree(truth, first, late, back)
    assert back.frames[0]["resumed"] is True


@instantly
async def test_a_reader_joining_between_two_writes_misses_no_comment_and_no_tally() -> None:
    truth = Truth()
    process = Process(truth)
    early, _ = await process.join()
    process.hear(truth.post(), truth.react())
    await settle(0.001)
    process.hear(truth.post(), truth.react())
    middle, _ = await process.join()
    process.hear(truth.post(), truth.react(), truth.react("c0"))
    await settle()
    agree(truth, early, middle)


@instantly
async def test_own_things_are_asked_for_by_reader_and_drawn_into_the_snapshot() -> None:
    process = Process(Truth())
    known, _ = await process.join(reader="r1")
    stranger, _ = await process.join()
    assert known.frames[0]["mine"] == {"of": "r1"}
    assert stranger.frames[0]["mine"] == {"reaction": None, "reactions": {}, "comments": []}


# Coming back ----------------------------------------------------------------------------------------


@instantly
async def test_coming_back_brings_what_changed_and_asks_the_database_once_for_all() -> None:
    truth = Truth()
    process = Process(truth)
    peers = [(await process.join())[0] for _ in range(50)]
    process.hear(truth.post(), truth.post())
    await settle()
    elsewhere = Process(truth, "b")
    elsewhere.hear(truth.edit("c0"), truth.react("c1"))
    await asyncio.gather(*(elsewhere.join(since(peer), peer) for peer in peers))
    agree(truth, *peers)
    assert truth.asked["recent"] == 1
    assert elsewhere.hub.counts.resumed == 50


@instantly
async def test_tallies_of_a_time_when_nobody_listened_reach_those_who_come_back() -> None:
    truth = Truth()
    process = Process(truth)
    peer, _ = await process.join()
    process.hear(truth.post())
    await settle()
    truth.react("c0")
    truth.react()
    await Process(truth, "b").join(since(peer), peer)
    agree(truth, peer)


@instantly
async def test_a_tally_that_is_first_seen_by_one_who_comes_back_is_told_to_all() -> None:
    truth = Truth()
    process = Process(truth)
    watching, _ = await process.join()
    away, subscription = await process.join()
    process.hear(truth.post())
    await settle()
    process.hub.leave(subscription)
    committed = truth.react("c0")
    await process.join(since(away), away)
    process.hear(committed)
    await settle()
    agree(truth, watching, away)


@instantly
async def test_a_tally_is_told_that_comes_while_the_past_is_read_for_one_who_comes_back() -> None:
    truth = Truth()
    truth.post()
    process = Process(truth)
    peer, _ = await process.join()
    away, gone = await process.join()
    process.hub.leave(gone)
    truth.after = lambda: asyncio.sleep(0.05)
    back = asyncio.create_task(process.join(since(away), away))
    await settle(0.01)
    process.hear(truth.react())
    await settle(0.01)
    # It waits for its turn, a tenth of a second after the one before, while the past is read.
    process.hear(truth.react("c0"))
    await back
    await settle(1)
    agree(truth, peer, away)


@instantly
async def test_what_was_read_before_the_story_began_anew_says_nothing_of_the_time_between() -> None:
    truth = Truth()
    truth.post()
    process = Process(truth)
    away, gone = await process.join()
    process.hub.leave(gone)
    pauses = iter([0.5])
    truth.after = lambda: asyncio.sleep(next(pauses, 0.0))
    back = asyncio.create_task(process.join(since(away), away))
    await settle(0.01)
    # Nobody hears of these two; the comment after them shows that something is missing.
    truth.react("c0")
    truth.silently()
    process.hear(truth.post())
    await back
    assert process.hub.counts.repaired == 1
    await settle(2)
    agree(truth, away)


@pytest.mark.parametrize("position", [Position("e0", 1), Position("e1", 9)])
@instantly
async def test_a_position_that_means_nothing_here_brings_the_whole_story(
    position: Position,
) -> None:
    truth = Truth()
    truth.post()
    peer, _ = await Process(truth).join(position)
    assert peer.frames[0]["resumed"] is False
    agree(truth, peer)


@instantly
async def test_an_answer_that_stands_alone_is_the_newest_state() -> None:
    truth = Truth()
    process = Process(truth)
    peer = ScriptedPeer()
    for _ in range(3):
        process.hear(truth.post(), truth.react("c0"), truth.react())
        await settle(1)
        peer.replay.apply(json.loads(await process.hub.public(CODE, None)))
        agree(truth, peer)
    process.hear(truth.close())
    peer.replay.apply(json.loads(await process.hub.public(CODE, since(peer))))
    agree(truth, peer)


# Order and repair -----------------------------------------------------------------------------------


@instantly
async def test_a_message_that_is_only_late_is_waited_for() -> None:
    truth = Truth()
    process = Process(truth)
    peer, _ = await process.join()
    first, second = truth.post(), truth.post()
    process.hear(second)
    await settle(LATE_S / 2)
    process.hear(first, second, first)
    await settle(1)
    agree(truth, peer)
    assert "changes" not in truth.asked


@instantly
async def test_a_tally_that_overtakes_its_comment_is_told_again_after_it() -> None:
    truth = Truth()
    process = Process(truth)
    peer, _ = await process.join()
    comment = truth.post()
    process.hear(truth.react("c0"))
    await settle(0.05)
    process.hear(comment)
    await settle()
    agree(truth, peer)
    assert "changes" not in truth.asked


@instantly
async def test_a_lost_message_is_read_once_for_the_story_and_not_once_for_each_reader() -> None:
    truth = Truth()
    process = Process(truth)
    peers = [(await process.join())[0] for _ in range(40)]
    truth.post()
    process.hear(truth.post(), truth.post(), truth.post())
    await settle(LATE_S + 0.1)
    agree(truth, *peers)
    assert truth.asked["changes"] == 1


@instantly
async def test_where_a_number_is_gone_for_good_everyone_gets_a_fresh_snapshot() -> None:
    truth = Truth()
    process = Process(truth)
    peers = [(await process.join())[0] for _ in range(CHUNK)]
    truth.post()
    truth.edit("c0")
    process.hear(truth.post())
    await settle(LATE_S + 0.5)
    agree(truth, *peers)
    assert [peer.kinds() for peer in peers] == [["snapshot", "snapshot"]] * CHUNK
    assert truth.asked["snapshot"] == 2


@instantly
async def test_what_was_missing_and_comes_while_the_story_is_read_anew_is_not_undone() -> None:
    truth = Truth()
    process = Process(truth)
    peer, _ = await process.join()
    lost = [truth.post(), truth.edit("c0")]
    truth.before = lambda: asyncio.sleep(0.05)
    process.hear(truth.post())
    await settle(LATE_S + 0.07)
    process.hear(*lost, truth.post(), truth.post())
    await settle(1)
    agree(truth, peer)
    assert peer.kinds() == ["snapshot"] + ["comment"] * 5


@instantly
async def test_a_lost_last_message_is_found_by_the_sweep() -> None:
    truth = Truth()
    process = Process(truth)
    peer, _ = await process.join()
    running = asyncio.create_task(process.hub.run())
    truth.post()
    await settle(1.4)
    agree(truth, peer)
    truth.react()
    truth.react("c0")
    await settle(1.3)
    agree(truth, peer)
    running.cancel()


@instantly
async def test_a_lost_tally_is_found_even_when_the_story_was_read_anew_for_somebody_else() -> None:
    truth = Truth()
    process = Process(truth)
    peer, _ = await process.join()
    running = asyncio.create_task(process.hub.run())
    truth.react()
    process.hear(truth.close())
    late, _ = await process.join()
    await settle(1.3)
    agree(truth, peer, late)
    running.cancel()


@instantly
async def test_a_change_that_no_message_tells_of_reaches_open_pages_by_the_sweep() -> None:
    truth = Truth()
    process = Process(truth)
    peer, _ = await process.join()
    running = asyncio.create_task(process.hub.run())
    truth.silently()
    await settle(1.5)
    agree(truth, peer)
    running.cancel()


@instantly
async def test_without_a_healthy_bus_each_sweep_brings_what_happened_elsewhere() -> None:
    truth = Truth()
    process = Process(truth)
    process.bus.healthy = False
    peer, _ = await process.join()
    running = asyncio.create_task(process.hub.run())
    for _ in range(5):
        truth.post()
        truth.react()
        await settle(1.05)
        agree(truth, peer)
    running.cancel()


@instantly
async def test_after_a_gap_of_the_bus_the_story_is_looked_at_before_the_next_sweep() -> None:
    truth = Truth()
    process = Process(truth)
    peer, _ = await process.join()
    truth.post()
    process.hub.lost_touch()
    await settle(0.05)
    agree(truth, peer)


@instantly
async def test_the_sweep_asks_once_for_all_stories_and_survives_a_database_that_is_away() -> None:
    truth = Truth()
    process = Process(truth)
    peer, _ = await process.join()
    running = asyncio.create_task(process.hub.run())
    truth.fails = Unavailable()
    truth.post()
    await settle(5)
    truth.fails = None
    await settle(1.5)
    agree(truth, peer)
    assert truth.asked["positions"] == process.hub.counts.sweeps
    assert 0 < process.hub.counts.sweeps_failed < process.hub.counts.sweeps
    running.cancel()


@instantly
async def test_a_restored_database_brings_every_open_page_a_fresh_snapshot() -> None:
    truth = Truth()
    process = Process(truth)
    peers = [(await process.join())[0] for _ in range(3)]
    running = asyncio.create_task(process.hub.run())
    process.hear(truth.post(), truth.react(), truth.post())
    await settle()
    old = truth.post()
    truth.restore()
    process.hear(old)
    await settle(1.5)
    agree(truth, *peers)
    process.hear(truth.react(), truth.post(), old)
    await settle(1)
    agree(truth, *peers)
    running.cancel()


# Slow readers ---------------------------------------------------------------------------------------


@instantly
async def test_a_paused_reader_catches_up_from_the_ring() -> None:
    truth = Truth()
    process = Process(truth)
    slow, _ = await process.join()
    slow.paused = True
    process.hear(truth.post(), truth.react(), truth.react("c0"))
    await settle()
    process.hear(truth.edit("c0"), truth.react())
    await settle()
    assert slow.kinds() == ["snapshot"]
    slow.resume()
    agree(truth, slow)
    assert slow.kinds().count("snapshot") == 1
    process.hear(truth.post())
    await settle()
    agree(truth, slow)


@instantly
async def test_a_reader_paused_for_longer_than_the_ring_gets_a_snapshot() -> None:
    truth = Truth()
    process = Process(truth)
    slow, _ = await process.join()
    slow.paused = True
    for _ in range(300):
        process.hear(truth.post())
        await settle(0.03)
    slow.resume()
    await settle()
    agree(truth, slow)
    assert slow.kinds() == ["snapshot", "snapshot"]


@instantly
async def test_a_reader_who_could_not_take_the_first_snapshot_gets_it_with_its_reference() -> None:
    truth = Truth()
    process = Process(truth)
    slow = ScriptedPeer()
    slow.paused = True
    await process.join(peer=slow)
    process.hear(truth.post())
    await settle()
    assert slow.frames == []
    slow.resume()
    await settle()
    assert (slow.kinds(), slow.frames[0]["ref"]) == (["snapshot", "comment"], 1)
    agree(truth, slow)


@instantly
async def test_who_could_not_be_served_when_the_database_was_away_is_served_later() -> None:
    truth = Truth()
    process = Process(truth)
    running = asyncio.create_task(process.hub.run())
    slow, _ = await process.join(reader="r1")
    slow.paused = True
    for _ in range(300):
        process.hear(truth.post())
    await settle()
    truth.fails = Unavailable()
    slow.resume()
    await settle(3)
    truth.fails = None
    await settle(2)
    agree(truth, slow)
    running.cancel()


@instantly
async def test_a_reader_who_takes_one_write_at_a_time_ends_with_the_same_story() -> None:
    truth = Truth()
    process = Process(truth)
    running = asyncio.create_task(process.hub.run())
    slow, _ = await process.join()
    slow.resume(room=1)
    for _ in range(40):
        process.hear(truth.post(), truth.react())
        await settle(0.05)
        if slow.paused:
            slow.resume(room=1)
    await settle(1)
    slow.resume()
    await settle(2)
    agree(truth, slow)
    running.cancel()


@instantly
async def test_a_hidden_page_gets_comments_alone_and_the_latest_counts_when_it_is_seen() -> None:
    truth = Truth()
    process = Process(truth)
    peer, subscription = await process.join()
    process.hub.show(subscription, visible=False)
    process.hear(truth.post(), truth.react(), truth.react("c0"))
    await settle()
    assert peer.kinds() == ["snapshot", "comment"]
    process.hear(truth.post())  # waits for its turn while the page is shown again
    process.hub.show(subscription, visible=True)
    await settle()
    agree(truth, peer)


# Cost -----------------------------------------------------------------------------------------------


@instantly
async def test_many_reactions_in_a_tick_are_one_frame_and_the_last_state_always_comes() -> None:
    truth = Truth()
    process = Process(truth)
    peer, _ = await process.join()
    process.hear(truth.react())
    await settle(0.001)
    assert peer.replay.tally["counts"]["happy"] == 1, "the first change after quiet comes at once"
    for _ in range(1000):
        process.hear(truth.react())
    await settle(0.2)
    agree(truth, peer)
    assert peer.kinds() == ["snapshot", "tally", "tally"]
    assert process.hub.counts.conflated == 999


@instantly
async def test_a_comment_does_not_wait_for_the_tally_before_it() -> None:
    truth = Truth()
    process = Process(truth)
    peer, _ = await process.join()
    process.hear(truth.react())
    await settle(0.001)
    process.hear(truth.react())
    process.hear(truth.post())
    await settle(0.001)
    assert peer.kinds() == ["snapshot", "tally", "comment"]
    await settle(0.1)
    agree(truth, peer)
    assert peer.kinds() == ["snapshot", "tally", "comment", "tally"]


@instantly
async def test_each_event_is_encoded_once_whatever_the_number_of_readers() -> None:
    truth = Truth()
    process = Process(truth)
    peers = [(await process.join())[0] for _ in range(2 * CHUNK + 10)]
    process.hub.announce([truth.post(), truth.post(), truth.react()])
    await settle(0.5)
    agree(truth, *peers)
    assert (process.hub.counts.encoded, process.hub.counts.flushes) == (3, 1)
    assert len({id(peer.wires[-1]) for peer in peers}) == 1
    assert [message.number for message in process.bus.sent if message.kind == "comment"] == [1, 2]


@instantly
async def test_who_joins_or_leaves_while_a_large_story_is_written_in_chunks_is_in_step() -> None:
    truth = Truth()
    process = Process(truth)
    joined = [await process.join() for _ in range(3 * CHUNK)]
    process.hear(truth.post(), truth.react())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    process.hear(truth.post(), truth.react())
    late = await process.join()
    gone = joined.pop()
    process.hub.leave(gone[1])
    frames = len(gone[0].frames)
    joined[-1][0].paused = True
    await settle(0.5)
    joined[-1][0].resume()
    await settle(0.5)
    agree(truth, late[0], *(peer for peer, _ in joined))
    assert len(gone[0].frames) == frames


@instantly
async def test_who_leaves_the_crowd_in_the_middle_of_a_delivery_gets_it_by_itself() -> None:
    truth = Truth()
    process = Process(truth)
    joined = [await process.join() for _ in range(3 * CHUNK)]
    channel = process.hub._channels.table[CODE]
    process.hear(truth.react())
    await settle(1)
    assert len(channel.crowd) == len(joined)
    process.hear(truth.post(), truth.react())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    (before, had), (busy, _), (hidden, hides), (gone, leaves) = joined[0], *joined[-3:]
    assert (before.kinds()[-1], busy.kinds()[-2:]) == ("tally", ["snapshot", "tally"])
    process.hub.show(had, visible=False)
    busy.be_busy()
    process.hub.show(hides, visible=False)
    process.hub.leave(leaves)
    process.hear(truth.post(), truth.react())
    await settle(1)
    assert len(channel.crowd) == len(joined) - 3
    assert before.kinds().count("comment") == hidden.kinds().count("comment") == 2
    assert gone.kinds() == ["snapshot", "tally"]
    for subscription in (had, hides):
        process.hub.show(subscription, visible=True)
    agree(truth, *(peer for peer, _ in joined[:-1]))


def test_large_stories_are_written_to_less_often() -> None:
    sizes = (1, 400, 1_000, 5_000, 20_000, 100_000)
    for interval, first, last in ((ordered_interval, 0.02, 0.25), (tally_interval, 0.1, 1.0)):
        paces = [interval(size) for size in sizes]
        assert paces == sorted(paces)
        assert (paces[0], paces[-1]) == (first, last)


# Presence and idleness --------------------------------------------------------------------------------


@instantly
async def test_readers_and_copies_are_counted_over_processes_and_forgotten_with_them() -> None:
    truth = Truth()
    processes = [Process(truth, "a"), Process(truth, "b")]
    here, there = processes
    running = [asyncio.create_task(process.hub.run()) for process in processes]

    async def carry(seconds: int) -> None:
        for _ in range(seconds * 4):
            await settle(0.25)
            for sender, receiver in ((here, there), (there, here)):
                receiver.hear(*sender.bus.sent)
                sender.bus.sent.clear()

    first, _ = await here.join(copy=1)
    second, _ = await there.join(copy=2)
    _, third = await there.join(copy=2)
    await carry(4)
    assert first.replay.presence == {"readers": 3, "copies": 2}
    assert second.replay.presence == {"readers": 3, "copies": 2}
    there.hub.leave(third)
    await carry(4)
    assert first.replay.presence == {"readers": 2, "copies": 2}
    running[1].cancel()
    await settle(40)
    assert first.replay.presence == {"readers": 1, "copies": 1}
    running[0].cancel()


@instantly
async def test_a_presence_message_that_makes_no_sense_is_passed_over() -> None:
    process = Process(Truth())
    peer, _ = await process.join()
    for payload in (b"", b"[]", b"{}", b'{"readers": "x", "copies": [1]}', b"\xff"):
        process.hear(Message("presence", CODE, 1, "b", payload))
    await settle()
    assert peer.kinds() == ["snapshot"]


@instantly
async def test_a_story_that_nobody_watches_is_kept_for_a_moment_and_then_forgotten() -> None:
    truth = Truth()
    process = Process(truth)
    running = asyncio.create_task(process.hub.run())
    _, subscription = await process.join()
    process.hub.leave(subscription)
    await settle(IDLE_S - 2)
    await process.join(peer=ScriptedPeer())
    assert truth.asked["snapshot"] == 1, "who reloads finds it ready"
    await settle(IDLE_S * 2)
    assert process.hub.channels == 1, "it is watched again"
    for channel in list(process.hub._channels.table.values()):
        for left in [*channel.crowd, *channel.outside]:
            process.hub.leave(left)
    await settle(IDLE_S + 3)
    assert (process.hub.channels, process.bus.unwatched) == (0, [CODE])
    running.cancel()
