"""The hub with a scripted database, bus and readers, under a clock that jumps."""

import asyncio
import json

import pytest

from tests.hub.fakes import CODE, FakeDatabase, Process, ScriptedConnection, assert_in_sync, since
from tests.hub.virtual_time import instantly
from widget_server.bus.message import BusMessage
from widget_server.hub.channel import Subscription
from widget_server.hub.channels import IDLE_S
from widget_server.hub.flush import CHUNK, change_interval, tally_interval
from widget_server.hub.reconcile import GAP_TIMEOUT_S
from widget_server.model.errors import NotFoundError, UnavailableError
from widget_server.model.records import Position


async def settle(seconds: float = 0.19) -> None:
    """Let all that is due in this time happen."""
    await asyncio.sleep(seconds)


# Joining --------------------------------------------------------------------------------------------


@instantly
async def test_readers_who_come_at_once_share_one_snapshot_query_and_one_subscription() -> None:
    database = FakeDatabase()
    database.post()
    process = Process(database)
    joined = await asyncio.gather(*(process.join() for _ in range(300)))
    assert_in_sync(database, *(connection for connection, _ in joined))
    assert database.asked == {"snapshot": 1}
    assert process.bus.subscribed == [CODE]


@instantly
async def test_the_bus_is_listened_to_before_the_snapshot_is_read() -> None:
    database = FakeDatabase()
    process = Process(database)
    order = []

    async def note() -> None:
        order.append(list(process.bus.subscribed))

    database.before = note
    await process.join()
    assert order == [[CODE]]


@pytest.mark.parametrize("moment", ["before", "after"])
@instantly
async def test_what_happens_while_the_snapshot_is_read_is_shown_once(moment: str) -> None:
    database = FakeDatabase()
    process = Process(database)
    happened: list[BusMessage] = []

    async def happen() -> None:
        if len(happened) < 3:
            happened.append(database.post())
            process.hear(happened[-1], database.react(), database.react(happened[-1].target))

    setattr(database, moment, happen)
    connection, _ = await process.join()
    await settle()
    assert_in_sync(database, connection)
    assert len(happened) >= 1


@instantly
async def test_a_bus_that_confirms_nothing_holds_a_first_reader_up_for_half_a_second() -> None:
    database = FakeDatabase()
    process = Process(database)
    process.bus.confirms = False
    begun = asyncio.get_running_loop().time()
    connection, _ = await process.join()
    await process.join()
    assert asyncio.get_running_loop().time() - begun == pytest.approx(0.5)
    assert_in_sync(database, connection)


@instantly
async def test_a_reader_who_leaves_while_it_loads_does_not_take_the_snapshot_from_others() -> None:
    database = FakeDatabase()
    process = Process(database)
    database.before = lambda: asyncio.sleep(1)
    first = asyncio.create_task(process.join())
    second = asyncio.create_task(process.join())
    await settle()
    first.cancel()
    connection, _ = await second
    assert_in_sync(database, connection)
    assert process.hub.subscription_count == 1


@instantly
async def test_a_story_that_cannot_be_read_is_refused_and_leaves_nothing_behind() -> None:
    database = FakeDatabase()
    process = Process(database)
    subscription = Subscription(ScriptedConnection(), 0, b"", None)
    with pytest.raises(NotFoundError):
        await process.hub.subscribe("nowhere00000", subscription, 1, None)
    database.fails = UnavailableError()
    for refused in await asyncio.gather(process.join(), process.join(), return_exceptions=True):
        assert isinstance(refused, UnavailableError)
    assert process.hub.channel_count == 0
    assert set(process.bus.unsubscribed) == {"nowhere00000", CODE}
    database.fails = None
    connection, _ = await process.join()
    assert_in_sync(database, connection)


@instantly
async def test_a_failure_that_no_one_waits_for_any_more_is_no_problem() -> None:
    database = FakeDatabase()
    process = Process(database)
    database.before = lambda: asyncio.sleep(1)
    database.fails = UnavailableError()
    alone = asyncio.create_task(process.join())
    await settle()
    alone.cancel()
    await settle(2)
    assert process.hub.channel_count == 0


@instantly
async def test_a_change_of_the_story_makes_the_next_reader_read_it_anew() -> None:
    database = FakeDatabase()
    process = Process(database)
    first, _ = await process.join()
    before = await process.hub.public_snapshot(CODE, None)
    process.hear(database.close(), database.post())
    late, _ = await process.join()
    back = ScriptedConnection()
    back.replay.apply({**json.loads(before), "presence": {}})
    await process.join(since(back), back)
    await settle()
    assert_in_sync(database, first, late, back)
    assert back.frames[0]["resumed"] is True


@instantly
async def test_a_reader_joining_between_two_writes_misses_no_comment_and_no_tally() -> None:
    database = FakeDatabase()
    process = Process(database)
    early, _ = await process.join()
    process.hear(database.post(), database.react())
    await settle(0.001)
    process.hear(database.post(), database.react())
    middle, _ = await process.join()
    process.hear(database.post(), database.react(), database.react("c0"))
    await settle()
    assert_in_sync(database, early, middle)


@instantly
async def test_own_things_are_asked_for_by_reader_and_drawn_into_the_snapshot() -> None:
    process = Process(FakeDatabase())
    known, _ = await process.join(reader="r1")
    stranger, _ = await process.join()
    assert known.frames[0]["mine"] == {"of": "r1"}
    assert stranger.frames[0]["mine"] == {"reaction": None, "reactions": {}, "comments": []}


# Coming back ----------------------------------------------------------------------------------------


@instantly
async def test_coming_back_brings_what_changed_and_asks_the_database_once_for_all() -> None:
    database = FakeDatabase()
    process = Process(database)
    connections = [(await process.join())[0] for _ in range(50)]
    process.hear(database.post(), database.post())
    await settle()
    elsewhere = Process(database, "b")
    elsewhere.hear(database.edit("c0"), database.react("c1"))
    await asyncio.gather(
        *(elsewhere.join(since(connection), connection) for connection in connections)
    )
    assert_in_sync(database, *connections)
    assert database.asked["recent"] == 1
    assert elsewhere.hub.metrics.resumes == 50


@instantly
async def test_tallies_of_a_time_when_no_one_listened_reach_those_who_come_back() -> None:
    database = FakeDatabase()
    process = Process(database)
    connection, _ = await process.join()
    process.hear(database.post())
    await settle()
    database.react("c0")
    database.react()
    await Process(database, "b").join(since(connection), connection)
    assert_in_sync(database, connection)


@instantly
async def test_a_tally_that_is_first_seen_by_one_who_comes_back_is_told_to_all() -> None:
    database = FakeDatabase()
    process = Process(database)
    watching, _ = await process.join()
    away, subscription = await process.join()
    process.hear(database.post())
    await settle()
    process.hub.unsubscribe(subscription)
    committed = database.react("c0")
    await process.join(since(away), away)
    process.hear(committed)
    await settle()
    assert_in_sync(database, watching, away)


@instantly
async def test_a_tally_is_told_that_comes_while_the_past_is_read_for_one_who_comes_back() -> None:
    database = FakeDatabase()
    database.post()
    process = Process(database)
    connection, _ = await process.join()
    away, gone = await process.join()
    process.hub.unsubscribe(gone)
    database.after = lambda: asyncio.sleep(0.05)
    back = asyncio.create_task(process.join(since(away), away))
    await settle(0.01)
    process.hear(database.react())
    await settle(0.01)
    # It waits for its turn, a tenth of a second after the one before, while the past is read.
    process.hear(database.react("c0"))
    await back
    await settle(1)
    assert_in_sync(database, connection, away)


@instantly
async def test_what_was_read_before_the_story_began_anew_says_nothing_of_the_time_between() -> None:
    database = FakeDatabase()
    database.post()
    process = Process(database)
    away, gone = await process.join()
    process.hub.unsubscribe(gone)
    pauses = iter([0.5])
    database.after = lambda: asyncio.sleep(next(pauses, 0.0))
    back = asyncio.create_task(process.join(since(away), away))
    await settle(0.01)
    # No one hears of these two; the comment after them shows that something is missing.
    database.react("c0")
    database.silently()
    process.hear(database.post())
    await back
    assert process.hub.metrics.gaps_repaired == 1
    await settle(2)
    assert_in_sync(database, away)


@pytest.mark.parametrize("position", [Position("e0", 1), Position("e1", 9)])
@instantly
async def test_a_position_that_means_nothing_here_brings_the_whole_story(
    position: Position,
) -> None:
    database = FakeDatabase()
    database.post()
    connection, _ = await Process(database).join(position)
    assert connection.frames[0]["resumed"] is False
    assert_in_sync(database, connection)


@instantly
async def test_an_answer_that_stands_alone_is_the_newest_state() -> None:
    database = FakeDatabase()
    process = Process(database)
    connection = ScriptedConnection()
    for _ in range(3):
        process.hear(database.post(), database.react("c0"), database.react())
        await settle(1)
        connection.replay.apply(json.loads(await process.hub.public_snapshot(CODE, None)))
        assert_in_sync(database, connection)
    process.hear(database.close())
    connection.replay.apply(json.loads(await process.hub.public_snapshot(CODE, since(connection))))
    assert_in_sync(database, connection)


# Order and repair -----------------------------------------------------------------------------------


@instantly
async def test_a_message_that_is_only_late_is_waited_for() -> None:
    database = FakeDatabase()
    process = Process(database)
    connection, _ = await process.join()
    first, second = database.post(), database.post()
    process.hear(second)
    await settle(GAP_TIMEOUT_S / 2)
    process.hear(first, second, first)
    await settle(1)
    assert_in_sync(database, connection)
    assert "changes" not in database.asked


@instantly
async def test_a_tally_that_overtakes_its_comment_is_told_again_after_it() -> None:
    database = FakeDatabase()
    process = Process(database)
    connection, _ = await process.join()
    comment = database.post()
    process.hear(database.react("c0"))
    await settle(0.05)
    process.hear(comment)
    await settle()
    assert_in_sync(database, connection)
    assert "changes" not in database.asked


@instantly
async def test_a_lost_message_is_read_once_for_the_story_and_not_once_for_each_reader() -> None:
    database = FakeDatabase()
    process = Process(database)
    connections = [(await process.join())[0] for _ in range(40)]
    database.post()
    process.hear(database.post(), database.post(), database.post())
    await settle(GAP_TIMEOUT_S + 0.1)
    assert_in_sync(database, *connections)
    assert database.asked["changes"] == 1


@instantly
async def test_where_a_number_is_gone_for_good_everyone_gets_a_fresh_snapshot() -> None:
    database = FakeDatabase()
    process = Process(database)
    connections = [(await process.join())[0] for _ in range(CHUNK)]
    database.post()
    database.edit("c0")
    process.hear(database.post())
    await settle(GAP_TIMEOUT_S + 0.5)
    assert_in_sync(database, *connections)
    assert [connection.kinds() for connection in connections] == [["snapshot", "snapshot"]] * CHUNK
    assert database.asked["snapshot"] == 2


@instantly
async def test_what_was_missing_and_comes_while_the_story_is_read_anew_is_not_undone() -> None:
    database = FakeDatabase()
    process = Process(database)
    connection, _ = await process.join()
    lost = [database.post(), database.edit("c0")]
    database.before = lambda: asyncio.sleep(0.05)
    process.hear(database.post())
    await settle(GAP_TIMEOUT_S + 0.07)
    process.hear(*lost, database.post(), database.post())
    await settle(1)
    assert_in_sync(database, connection)
    assert connection.kinds() == ["snapshot"] + ["comment"] * 5


@instantly
async def test_a_lost_last_message_is_found_by_the_sweep() -> None:
    database = FakeDatabase()
    process = Process(database)
    connection, _ = await process.join()
    running = asyncio.create_task(process.hub.run())
    database.post()
    await settle(1.4)
    assert_in_sync(database, connection)
    database.react()
    database.react("c0")
    await settle(1.3)
    assert_in_sync(database, connection)
    running.cancel()


@instantly
async def test_a_lost_tally_is_found_even_when_the_story_was_read_anew_for_someone_else() -> None:
    database = FakeDatabase()
    process = Process(database)
    connection, _ = await process.join()
    running = asyncio.create_task(process.hub.run())
    database.react()
    process.hear(database.close())
    late, _ = await process.join()
    await settle(1.3)
    assert_in_sync(database, connection, late)
    running.cancel()


@instantly
async def test_a_change_that_no_message_tells_of_reaches_open_pages_by_the_sweep() -> None:
    database = FakeDatabase()
    process = Process(database)
    connection, _ = await process.join()
    running = asyncio.create_task(process.hub.run())
    database.silently()
    await settle(1.5)
    assert_in_sync(database, connection)
    running.cancel()


@instantly
async def test_without_a_healthy_bus_each_sweep_brings_what_happened_elsewhere() -> None:
    database = FakeDatabase()
    process = Process(database)
    process.bus.healthy = False
    connection, _ = await process.join()
    running = asyncio.create_task(process.hub.run())
    for _ in range(5):
        database.post()
        database.react()
        await settle(1.05)
        assert_in_sync(database, connection)
    running.cancel()


@instantly
async def test_after_a_gap_of_the_bus_the_story_is_looked_at_before_the_next_sweep() -> None:
    database = FakeDatabase()
    process = Process(database)
    connection, _ = await process.join()
    database.post()
    process.hub.on_bus_gap()
    await settle(0.05)
    assert_in_sync(database, connection)


@instantly
async def test_the_sweep_asks_once_for_all_stories_and_survives_a_database_that_is_away() -> None:
    database = FakeDatabase()
    process = Process(database)
    connection, _ = await process.join()
    running = asyncio.create_task(process.hub.run())
    database.fails = UnavailableError()
    database.post()
    await settle(5)
    database.fails = None
    await settle(1.5)
    assert_in_sync(database, connection)
    assert database.asked["positions"] == process.hub.metrics.reconciliations
    assert 0 < process.hub.metrics.reconciliations_failed < process.hub.metrics.reconciliations
    running.cancel()


@instantly
async def test_a_restored_database_brings_every_open_page_a_fresh_snapshot() -> None:
    database = FakeDatabase()
    process = Process(database)
    connections = [(await process.join())[0] for _ in range(3)]
    running = asyncio.create_task(process.hub.run())
    process.hear(database.post(), database.react(), database.post())
    await settle()
    old = database.post()
    database.restore()
    process.hear(old)
    await settle(1.5)
    assert_in_sync(database, *connections)
    process.hear(database.react(), database.post(), old)
    await settle(1)
    assert_in_sync(database, *connections)
    running.cancel()


# Slow readers ---------------------------------------------------------------------------------------


@instantly
async def test_a_paused_reader_catches_up_from_the_ring() -> None:
    database = FakeDatabase()
    process = Process(database)
    slow, _ = await process.join()
    slow.write_paused = True
    process.hear(database.post(), database.react(), database.react("c0"))
    await settle()
    process.hear(database.edit("c0"), database.react())
    await settle()
    assert slow.kinds() == ["snapshot"]
    slow.resume()
    assert_in_sync(database, slow)
    assert slow.kinds().count("snapshot") == 1
    process.hear(database.post())
    await settle()
    assert_in_sync(database, slow)


@instantly
async def test_a_reader_paused_for_longer_than_the_ring_gets_a_snapshot() -> None:
    database = FakeDatabase()
    process = Process(database)
    slow, _ = await process.join()
    slow.write_paused = True
    for _ in range(300):
        process.hear(database.post())
        await settle(0.03)
    slow.resume()
    await settle()
    assert_in_sync(database, slow)
    assert slow.kinds() == ["snapshot", "snapshot"]


@instantly
async def test_a_reader_who_could_not_take_the_first_snapshot_gets_it_with_its_reference() -> None:
    database = FakeDatabase()
    process = Process(database)
    slow = ScriptedConnection()
    slow.write_paused = True
    await process.join(connection=slow)
    process.hear(database.post())
    await settle()
    assert slow.frames == []
    slow.resume()
    await settle()
    assert (slow.kinds(), slow.frames[0]["ref"]) == (["snapshot", "comment"], 1)
    assert_in_sync(database, slow)


@instantly
async def test_who_could_not_be_served_when_the_database_was_away_is_served_later() -> None:
    database = FakeDatabase()
    process = Process(database)
    running = asyncio.create_task(process.hub.run())
    slow, _ = await process.join(reader="r1")
    slow.write_paused = True
    for _ in range(300):
        process.hear(database.post())
    await settle()
    database.fails = UnavailableError()
    slow.resume()
    await settle(3)
    database.fails = None
    await settle(2)
    assert_in_sync(database, slow)
    running.cancel()


@instantly
async def test_a_reader_who_takes_one_write_at_a_time_ends_with_the_same_story() -> None:
    database = FakeDatabase()
    process = Process(database)
    running = asyncio.create_task(process.hub.run())
    slow, _ = await process.join()
    slow.resume(room=1)
    for _ in range(40):
        process.hear(database.post(), database.react())
        await settle(0.05)
        if slow.write_paused:
            slow.resume(room=1)
    await settle(1)
    slow.resume()
    await settle(2)
    assert_in_sync(database, slow)
    running.cancel()


@instantly
async def test_a_hidden_page_gets_comments_alone_and_the_latest_counts_when_it_is_seen() -> None:
    database = FakeDatabase()
    process = Process(database)
    connection, subscription = await process.join()
    process.hub.set_visibility(subscription, visible=False)
    process.hear(database.post(), database.react(), database.react("c0"))
    await settle()
    assert connection.kinds() == ["snapshot", "comment"]
    process.hear(database.post())  # waits for its turn while the page is shown again
    process.hub.set_visibility(subscription, visible=True)
    await settle()
    assert_in_sync(database, connection)


# Cost -----------------------------------------------------------------------------------------------


@instantly
async def test_many_reactions_in_a_tick_are_one_frame_and_the_last_state_always_comes() -> None:
    database = FakeDatabase()
    process = Process(database)
    connection, _ = await process.join()
    process.hear(database.react())
    await settle(0.001)
    assert connection.replay.tally["counts"]["happy"] == 1, (
        "the first change after quiet comes at once"
    )
    for _ in range(1000):
        process.hear(database.react())
    await settle(0.2)
    assert_in_sync(database, connection)
    assert connection.kinds() == ["snapshot", "tally", "tally"]
    assert process.hub.metrics.tallies_conflated == 999


@instantly
async def test_a_comment_does_not_wait_for_the_tally_before_it() -> None:
    database = FakeDatabase()
    process = Process(database)
    connection, _ = await process.join()
    process.hear(database.react())
    await settle(0.001)
    process.hear(database.react())
    process.hear(database.post())
    await settle(0.001)
    assert connection.kinds() == ["snapshot", "tally", "comment"]
    await settle(0.1)
    assert_in_sync(database, connection)
    assert connection.kinds() == ["snapshot", "tally", "comment", "tally"]


@instantly
async def test_each_event_is_encoded_once_whatever_the_number_of_readers() -> None:
    database = FakeDatabase()
    process = Process(database)
    connections = [(await process.join())[0] for _ in range(2 * CHUNK + 10)]
    process.hub.publish([database.post(), database.post(), database.react()])
    await settle(0.5)
    assert_in_sync(database, *connections)
    assert (process.hub.metrics.events_published, process.hub.metrics.flushes) == (3, 1)
    assert len({id(connection.wires[-1]) for connection in connections}) == 1
    assert [message.number for message in process.bus.sent if message.kind == "comment"] == [1, 2]


@instantly
async def test_who_joins_or_leaves_while_a_large_story_is_written_in_chunks_is_in_step() -> None:
    database = FakeDatabase()
    process = Process(database)
    joined = [await process.join() for _ in range(3 * CHUNK)]
    process.hear(database.post(), database.react())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    process.hear(database.post(), database.react())
    late = await process.join()
    gone = joined.pop()
    process.hub.unsubscribe(gone[1])
    frames = len(gone[0].frames)
    joined[-1][0].write_paused = True
    await settle(0.5)
    joined[-1][0].resume()
    await settle(0.5)
    assert_in_sync(database, late[0], *(connection for connection, _ in joined))
    assert len(gone[0].frames) == frames


@instantly
async def test_who_leaves_the_group_in_the_middle_of_a_delivery_gets_it_by_itself() -> None:
    database = FakeDatabase()
    process = Process(database)
    joined = [await process.join() for _ in range(3 * CHUNK)]
    channel = process.hub._channels.table[CODE]
    process.hear(database.react())
    await settle(1)
    assert len(channel.broadcast) == len(joined)
    process.hear(database.post(), database.react())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    (before, had), (busy, _), (hidden, hides), (gone, leaves) = joined[0], *joined[-3:]
    assert (before.kinds()[-1], busy.kinds()[-2:]) == ("tally", ["snapshot", "tally"])
    process.hub.set_visibility(had, visible=False)
    busy.revoke_direct()
    process.hub.set_visibility(hides, visible=False)
    process.hub.unsubscribe(leaves)
    process.hear(database.post(), database.react())
    await settle(1)
    assert len(channel.broadcast) == len(joined) - 3
    assert before.kinds().count("comment") == hidden.kinds().count("comment") == 2
    assert gone.kinds() == ["snapshot", "tally"]
    for subscription in (had, hides):
        process.hub.set_visibility(subscription, visible=True)
    assert_in_sync(database, *(connection for connection, _ in joined[:-1]))


def test_large_stories_are_written_to_less_often() -> None:
    sizes = (1, 400, 1_000, 5_000, 20_000, 100_000)
    for interval, first, last in ((change_interval, 0.02, 0.25), (tally_interval, 0.1, 1.0)):
        paces = [interval(size) for size in sizes]
        assert paces == sorted(paces)
        assert (paces[0], paces[-1]) == (first, last)


# Presence and idleness --------------------------------------------------------------------------------


@instantly
async def test_readers_and_copies_are_counted_over_processes_and_forgotten_with_them() -> None:
    database = FakeDatabase()
    processes = [Process(database, "a"), Process(database, "b")]
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
    there.hub.unsubscribe(third)
    await carry(4)
    assert first.replay.presence == {"readers": 2, "copies": 2}
    running[1].cancel()
    await settle(40)
    assert first.replay.presence == {"readers": 1, "copies": 1}
    running[0].cancel()


@instantly
async def test_a_presence_message_that_makes_no_sense_is_passed_over() -> None:
    process = Process(FakeDatabase())
    connection, _ = await process.join()
    for payload in (b"", b"[]", b"{}", b'{"readers": "x", "copies": [1]}', b"\xff"):
        process.hear(BusMessage("presence", CODE, 1, "b", payload))
    await settle()
    assert connection.kinds() == ["snapshot"]


@instantly
async def test_a_story_that_no_one_watches_is_kept_for_a_moment_and_then_forgotten() -> None:
    database = FakeDatabase()
    process = Process(database)
    running = asyncio.create_task(process.hub.run())
    _, subscription = await process.join()
    process.hub.unsubscribe(subscription)
    await settle(IDLE_S - 2)
    await process.join(connection=ScriptedConnection())
    assert database.asked["snapshot"] == 1, "who reloads finds it ready"
    await settle(IDLE_S * 2)
    assert process.hub.channel_count == 1, "it is watched again"
    for channel in list(process.hub._channels.table.values()):
        for loader in [*channel.broadcast, *channel.others]:
            process.hub.unsubscribe(loader)
    await settle(IDLE_S + 3)
    assert (process.hub.channel_count, process.bus.unsubscribed) == (0, [CODE])
    running.cancel()
