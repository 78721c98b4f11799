"""The hub with a fake database, bus and connections, on a virtual clock."""

import asyncio
import json
from typing import get_type_hints

import pytest

from tests.hub.fakes import (
    CODE,
    FakeDatabase,
    Process,
    ScriptedConnection,
    assert_in_sync,
    attach,
    position_of,
)
from tests.hub.virtual_time import instantly
from widget_server.bus.message import BusMessage
from widget_server.hub.channel import Subscription
from widget_server.hub.channels import IDLE_S
from widget_server.hub.flush import CHUNK, change_interval, tally_interval
from widget_server.hub.prepared import PreparedBatch, PreparedMessage
from widget_server.hub.reconcile import GAP_TIMEOUT_S
from widget_server.model.errors import NotFoundError, UnavailableError
from widget_server.model.records import Position
from widget_server.web.health import Gauges


async def settle(seconds: float = 0.19) -> None:
    """Let `seconds` of virtual time pass."""
    await asyncio.sleep(seconds)


# Subscribing -----------------------------------------------------------------------------------------


@instantly
async def test_readers_who_subscribe_at_once_share_one_query_and_one_bus_subscription() -> None:
    database = FakeDatabase()
    database.post()
    process = Process(database)
    joined = await asyncio.gather(*(process.join() for _ in range(300)))
    assert_in_sync(database, *(connection for connection, _ in joined))
    assert database.queries == {"snapshot": 1}
    assert process.bus.subscribed == [CODE]


@instantly
async def test_the_bus_is_subscribed_before_the_snapshot_is_read() -> None:
    database = FakeDatabase()
    process = Process(database)
    order = []

    async def record_subscriptions() -> None:
        order.append(list(process.bus.subscribed))

    database.before = record_subscriptions
    await process.join()
    assert order == [[CODE]]


@pytest.mark.parametrize("moment", ["before", "after"])
@instantly
async def test_changes_during_the_snapshot_query_are_sent_once(moment: str) -> None:
    database = FakeDatabase()
    process = Process(database)
    changes: list[BusMessage] = []

    async def change() -> None:
        if len(changes) < 3:
            changes.append(database.post())
            process.receive(changes[-1], database.react(), database.react(changes[-1].target))

    setattr(database, moment, change)
    connection, _ = await process.join()
    await settle()
    assert_in_sync(database, connection)
    assert len(changes) >= 1


@instantly
async def test_a_bus_without_confirmation_delays_the_first_reader_by_half_a_second() -> None:
    database = FakeDatabase()
    process = Process(database)
    process.bus.confirms = False
    started_at = asyncio.get_running_loop().time()
    connection, _ = await process.join()
    await process.join()
    assert asyncio.get_running_loop().time() - started_at == pytest.approx(0.5)
    assert_in_sync(database, connection)


@instantly
async def test_a_cancelled_subscribe_does_not_cancel_the_snapshot_query_of_others() -> None:
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
async def test_a_story_that_cannot_be_read_is_rejected_and_forgotten() -> None:
    database = FakeDatabase()
    process = Process(database)
    subscription = Subscription(ScriptedConnection(), 0, b"", None)
    with pytest.raises(NotFoundError):
        await process.hub.subscribe("nowhere00000", subscription, 1, None)
    database.fails = UnavailableError()
    for error in await asyncio.gather(process.join(), process.join(), return_exceptions=True):
        assert isinstance(error, UnavailableError)
    assert process.hub.channel_count == 0
    assert set(process.bus.unsubscribed) == {"nowhere00000", CODE}
    database.fails = None
    connection, _ = await process.join()
    assert_in_sync(database, connection)


@instantly
async def test_a_failed_load_without_waiting_readers_is_not_reported() -> None:
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
async def test_after_a_change_of_the_story_the_next_reader_gets_a_new_snapshot() -> None:
    database = FakeDatabase()
    process = Process(database)
    first, _ = await process.join()
    before = await process.hub.public_snapshot(CODE, None)
    process.receive(database.close(), database.post())
    late, _ = await process.join()
    back = ScriptedConnection()
    back.replay.apply({**json.loads(before), "presence": {}})
    await process.join(position_of(back), back)
    await settle()
    assert_in_sync(database, first, late, back)
    assert back.messages[0]["resumed"] is True


@instantly
async def test_a_reader_who_subscribes_between_two_flushes_misses_no_comment_and_no_tally() -> None:
    database = FakeDatabase()
    process = Process(database)
    early, _ = await process.join()
    process.receive(database.post(), database.react())
    await settle(0.001)
    process.receive(database.post(), database.react())
    middle, _ = await process.join()
    process.receive(database.post(), database.react(), database.react("c0"))
    await settle()
    assert_in_sync(database, early, middle)


@instantly
async def test_a_readers_own_data_is_part_of_the_snapshot() -> None:
    process = Process(FakeDatabase())
    identified, _ = await process.join(reader="r1")
    anonymous, _ = await process.join()
    assert identified.messages[0]["mine"] == {"of": "r1"}
    assert anonymous.messages[0]["mine"] == {"reaction": None, "reactions": {}, "comments": []}


@instantly
async def test_a_stream_that_is_the_same_for_all_readers_has_nothing_of_a_reader() -> None:
    process = Process(FakeDatabase())
    connection = ScriptedConnection()
    stream = Subscription(connection, 0, b"", None)
    stream.personal = False
    attach(connection, process.hub, stream)
    await process.hub.subscribe(CODE, stream, None, None)
    assert not {"mine", "ref"} & set(connection.messages[0])


# Resuming --------------------------------------------------------------------------------------------


@instantly
async def test_resuming_clients_get_the_changes_with_one_query_for_all() -> None:
    database = FakeDatabase()
    process = Process(database)
    connections = [(await process.join())[0] for _ in range(50)]
    process.receive(database.post(), database.post())
    await settle()
    other = Process(database, "b")
    other.receive(database.edit("c0"), database.react("c1"))
    await asyncio.gather(
        *(other.join(position_of(connection), connection) for connection in connections)
    )
    assert_in_sync(database, *connections)
    assert database.queries["recent"] == 1
    assert other.hub.metrics.resumes == 50


@instantly
async def test_tallies_that_no_process_received_reach_resuming_clients() -> None:
    database = FakeDatabase()
    process = Process(database)
    connection, _ = await process.join()
    process.receive(database.post())
    await settle()
    database.react("c0")
    database.react()
    await Process(database, "b").join(position_of(connection), connection)
    assert_in_sync(database, connection)


@instantly
async def test_a_tally_first_read_for_a_resuming_client_is_sent_to_all() -> None:
    database = FakeDatabase()
    process = Process(database)
    watching, _ = await process.join()
    away, subscription = await process.join()
    process.receive(database.post())
    await settle()
    process.hub.unsubscribe(subscription)
    committed = database.react("c0")
    await process.join(position_of(away), away)
    process.receive(committed)
    await settle()
    assert_in_sync(database, watching, away)


@instantly
async def test_a_tally_received_while_the_past_is_read_is_sent() -> None:
    database = FakeDatabase()
    database.post()
    process = Process(database)
    connection, _ = await process.join()
    away, gone = await process.join()
    process.hub.unsubscribe(gone)
    database.after = lambda: asyncio.sleep(0.05)
    back = asyncio.create_task(process.join(position_of(away), away))
    await settle(0.01)
    process.receive(database.react())
    await settle(0.01)
    # This tally stays pending for 0.1 s after the previous one, while the hub reads earlier changes.
    process.receive(database.react("c0"))
    await back
    await settle(1)
    assert_in_sync(database, connection, away)


@instantly
async def test_recent_changes_read_before_the_channel_restarted_are_not_used() -> None:
    database = FakeDatabase()
    database.post()
    process = Process(database)
    away, gone = await process.join()
    process.hub.unsubscribe(gone)
    pauses = iter([0.5])
    database.after = lambda: asyncio.sleep(next(pauses, 0.0))
    back = asyncio.create_task(process.join(position_of(away), away))
    await settle(0.01)
    # No message of these two is received; the comment after them reveals the gap.
    database.react("c0")
    database.change_rules()
    process.receive(database.post())
    await back
    assert process.hub.metrics.gaps_repaired == 1
    await settle(2)
    assert_in_sync(database, away)


@pytest.mark.parametrize("position", [Position("e0", 1), Position("e1", 9)])
@instantly
async def test_an_unknown_position_is_answered_with_the_whole_story(
    position: Position,
) -> None:
    database = FakeDatabase()
    database.post()
    connection, _ = await Process(database).join(position)
    assert connection.messages[0]["resumed"] is False
    assert_in_sync(database, connection)


@instantly
async def test_an_http_snapshot_is_the_current_state() -> None:
    database = FakeDatabase()
    process = Process(database)
    connection = ScriptedConnection()
    for _ in range(3):
        process.receive(database.post(), database.react("c0"), database.react())
        await settle(1)
        connection.replay.apply(json.loads(await process.hub.public_snapshot(CODE, None)))
        assert_in_sync(database, connection)
    process.receive(database.close())
    connection.replay.apply(
        json.loads(await process.hub.public_snapshot(CODE, position_of(connection)))
    )
    assert_in_sync(database, connection)


# Order and repair -----------------------------------------------------------------------------------


@instantly
async def test_a_late_message_arrives_before_the_database_is_read() -> None:
    database = FakeDatabase()
    process = Process(database)
    connection, _ = await process.join()
    first, second = database.post(), database.post()
    process.receive(second)
    await settle(GAP_TIMEOUT_S / 2)
    process.receive(first, second, first)
    await settle(1)
    assert_in_sync(database, connection)
    assert "changes" not in database.queries


@instantly
async def test_a_tally_received_before_its_comment_is_sent_again_after_it() -> None:
    database = FakeDatabase()
    process = Process(database)
    connection, _ = await process.join()
    comment = database.post()
    process.receive(database.react("c0"))
    await settle(0.05)
    process.receive(comment)
    await settle()
    assert_in_sync(database, connection)
    assert "changes" not in database.queries


@instantly
async def test_a_lost_message_is_read_once_for_the_story_not_for_each_reader() -> None:
    database = FakeDatabase()
    process = Process(database)
    connections = [(await process.join())[0] for _ in range(40)]
    database.post()
    process.receive(database.post(), database.post(), database.post())
    await settle(GAP_TIMEOUT_S + 0.1)
    assert_in_sync(database, *connections)
    assert database.queries["changes"] == 1


@instantly
async def test_if_a_change_cannot_be_fetched_all_readers_get_a_new_snapshot() -> None:
    database = FakeDatabase()
    process = Process(database)
    connections = [(await process.join())[0] for _ in range(CHUNK)]
    database.post()
    database.edit("c0")
    process.receive(database.post())
    await settle(GAP_TIMEOUT_S + 0.5)
    assert_in_sync(database, *connections)
    assert [connection.types() for connection in connections] == [["snapshot", "snapshot"]] * CHUNK
    assert database.queries["snapshot"] == 2


@instantly
async def test_missing_messages_that_arrive_while_the_snapshot_is_read_are_kept() -> None:
    database = FakeDatabase()
    process = Process(database)
    connection, _ = await process.join()
    lost = [database.post(), database.edit("c0")]
    database.before = lambda: asyncio.sleep(0.05)
    process.receive(database.post())
    await settle(GAP_TIMEOUT_S + 0.07)
    process.receive(*lost, database.post(), database.post())
    await settle(1)
    assert_in_sync(database, connection)
    assert connection.types() == ["snapshot"] + ["comment"] * 5


@instantly
async def test_a_lost_last_message_is_found_by_reconciliation() -> None:
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
async def test_a_lost_tally_is_found_even_if_a_new_reader_caused_a_new_snapshot() -> None:
    database = FakeDatabase()
    process = Process(database)
    connection, _ = await process.join()
    running = asyncio.create_task(process.hub.run())
    database.react()
    process.receive(database.close())
    late, _ = await process.join()
    await settle(1.3)
    assert_in_sync(database, connection, late)
    running.cancel()


@instantly
async def test_a_change_without_a_message_reaches_clients_by_reconciliation() -> None:
    database = FakeDatabase()
    process = Process(database)
    connection, _ = await process.join()
    running = asyncio.create_task(process.hub.run())
    database.change_rules()
    await settle(1.5)
    assert_in_sync(database, connection)
    running.cancel()


@instantly
async def test_without_a_healthy_bus_each_reconciliation_fetches_the_changes() -> None:
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
async def test_after_a_bus_gap_channels_are_reconciled_at_once() -> None:
    database = FakeDatabase()
    process = Process(database)
    connection, _ = await process.join()
    database.post()
    process.hub.on_bus_gap()
    await settle(0.05)
    assert_in_sync(database, connection)


@instantly
async def test_reconciliation_is_one_query_and_survives_an_unavailable_database() -> None:
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
    assert database.queries["positions"] == process.hub.metrics.reconciliations
    assert 0 < process.hub.metrics.reconciliations_failed < process.hub.metrics.reconciliations
    running.cancel()


@instantly
async def test_after_a_restored_backup_every_client_gets_a_new_snapshot() -> None:
    database = FakeDatabase()
    process = Process(database)
    connections = [(await process.join())[0] for _ in range(3)]
    running = asyncio.create_task(process.hub.run())
    process.receive(database.post(), database.react(), database.post())
    await settle()
    old = database.post()
    database.restore()
    process.receive(old)
    await settle(1.5)
    assert_in_sync(database, *connections)
    process.receive(database.react(), database.post(), old)
    await settle(1)
    assert_in_sync(database, *connections)
    running.cancel()


# Slow readers ---------------------------------------------------------------------------------------


@instantly
async def test_a_write_paused_connection_catches_up_from_the_history() -> None:
    database = FakeDatabase()
    process = Process(database)
    slow, _ = await process.join()
    slow.write_paused = True
    process.receive(database.post(), database.react(), database.react("c0"))
    await settle()
    process.receive(database.edit("c0"), database.react())
    await settle()
    assert slow.types() == ["snapshot"]
    slow.resume()
    assert_in_sync(database, slow)
    assert slow.types().count("snapshot") == 1
    process.receive(database.post())
    await settle()
    assert_in_sync(database, slow)


@instantly
async def test_a_connection_paused_for_longer_than_the_history_gets_a_snapshot() -> None:
    database = FakeDatabase()
    process = Process(database)
    slow, _ = await process.join()
    slow.write_paused = True
    for _ in range(300):
        process.receive(database.post())
        await settle(0.03)
    slow.resume()
    await settle()
    assert_in_sync(database, slow)
    assert slow.types() == ["snapshot", "snapshot"]


@instantly
async def test_a_delayed_first_snapshot_still_has_its_ref() -> None:
    database = FakeDatabase()
    process = Process(database)
    slow = ScriptedConnection()
    slow.write_paused = True
    await process.join(connection=slow)
    process.receive(database.post())
    await settle()
    assert slow.messages == []
    slow.resume()
    await settle()
    assert (slow.types(), slow.messages[0]["ref"]) == (["snapshot", "comment"], 1)
    assert_in_sync(database, slow)


@instantly
async def test_a_resync_that_failed_with_the_database_is_repeated_later() -> None:
    database = FakeDatabase()
    process = Process(database)
    running = asyncio.create_task(process.hub.run())
    slow, _ = await process.join(reader="r1")
    slow.write_paused = True
    for _ in range(300):
        process.receive(database.post())
    await settle()
    database.fails = UnavailableError()
    slow.resume()
    await settle(3)
    database.fails = None
    await settle(2)
    assert_in_sync(database, slow)
    running.cancel()


@instantly
async def test_a_connection_that_takes_one_write_at_a_time_ends_in_sync() -> None:
    database = FakeDatabase()
    process = Process(database)
    running = asyncio.create_task(process.hub.run())
    slow, _ = await process.join()
    slow.resume(room=1)
    for _ in range(40):
        process.receive(database.post(), database.react())
        await settle(0.05)
        if slow.write_paused:
            slow.resume(room=1)
    await settle(1)
    slow.resume()
    await settle(2)
    assert_in_sync(database, slow)
    running.cancel()


@instantly
async def test_a_hidden_page_gets_only_comments_and_the_latest_tallies_when_visible() -> None:
    database = FakeDatabase()
    process = Process(database)
    connection, subscription = await process.join()
    process.hub.set_visibility(subscription, visible=False)
    process.receive(database.post(), database.react(), database.react("c0"))
    await settle()
    assert connection.types() == ["snapshot", "comment"]
    process.receive(database.post())  # pending while the page becomes visible
    process.hub.set_visibility(subscription, visible=True)
    await settle()
    assert_in_sync(database, connection)


# Cost -----------------------------------------------------------------------------------------------


@instantly
async def test_many_reactions_between_two_flushes_are_one_message_with_the_last_state() -> None:
    database = FakeDatabase()
    process = Process(database)
    connection, _ = await process.join()
    process.receive(database.react())
    await settle(0.001)
    assert connection.replay.tally["counts"]["happy"] == 1, (
        "the first change after a pause is sent at once"
    )
    for _ in range(1000):
        process.receive(database.react())
    await settle(0.2)
    assert_in_sync(database, connection)
    assert connection.types() == ["snapshot", "tally", "tally"]
    assert process.hub.metrics.tallies_conflated == 999


@instantly
async def test_a_comment_is_not_delayed_by_a_scheduled_tally() -> None:
    database = FakeDatabase()
    process = Process(database)
    connection, _ = await process.join()
    process.receive(database.react())
    await settle(0.001)
    process.receive(database.react())
    process.receive(database.post())
    await settle(0.001)
    assert connection.types() == ["snapshot", "tally", "comment"]
    await settle(0.1)
    assert_in_sync(database, connection)
    assert connection.types() == ["snapshot", "tally", "comment", "tally"]


@instantly
async def test_accepted_messages_and_their_bytes_are_counted_and_refused_ones_are_not() -> None:
    database = FakeDatabase()
    process = Process(database)
    joined = [await process.join() for _ in range(3)]
    (hidden, hidden_subscription), (slow, _), _ = joined
    process.hub.set_visibility(hidden_subscription, visible=False)
    slow.write_paused = True
    process.receive(database.post(), database.react())
    await settle()
    process.receive(database.post())
    slow.resume()
    await settle()
    process.hub.set_visibility(hidden_subscription, visible=True)
    reply = PreparedBatch([PreparedMessage(process.hub.encode_presence(CODE, 2, 1))])
    assert process.hub.write(hidden, reply)
    hidden.closed = True
    assert not process.hub.write(hidden, reply)
    written = process.hub.write_metrics
    assert written.messages_sent == sum(len(each.messages) for each, _ in joined)
    assert written.sent_bytes == sum(len(data) for each, _ in joined for data in each.writes)


@instantly
async def test_each_event_is_encoded_once_whatever_the_number_of_readers() -> None:
    database = FakeDatabase()
    process = Process(database)
    connections = [(await process.join())[0] for _ in range(2 * CHUNK + 10)]
    process.hub.publish([database.post(), database.post(), database.react()])
    await settle(0.5)
    assert_in_sync(database, *connections)
    assert (process.hub.metrics.events_published, process.hub.metrics.flushes) == (3, 1)
    assert len({id(connection.writes[-1]) for connection in connections}) == 1
    assert [message.number for message in process.bus.sent if message.kind == "comment"] == [1, 2]


@instantly
async def test_readers_who_subscribe_or_leave_during_a_chunked_flush_are_in_sync() -> None:
    database = FakeDatabase()
    process = Process(database)
    joined = [await process.join() for _ in range(3 * CHUNK)]
    process.receive(database.post(), database.react())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    process.receive(database.post(), database.react())
    late = await process.join()
    gone = joined.pop()
    process.hub.unsubscribe(gone[1])
    received = len(gone[0].messages)
    joined[-1][0].write_paused = True
    await settle(0.5)
    joined[-1][0].resume()
    await settle(0.5)
    assert_in_sync(database, late[0], *(connection for connection, _ in joined))
    assert len(gone[0].messages) == received


@instantly
async def test_a_subscription_that_leaves_the_group_during_a_flush_is_written_to_alone() -> None:
    database = FakeDatabase()
    process = Process(database)
    joined = [await process.join() for _ in range(3 * CHUNK)]
    channel = process.hub._channels.table[CODE]
    process.receive(database.react())
    await settle(1)
    assert len(channel.broadcast) == len(joined)
    process.receive(database.post(), database.react())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    (before, had), (busy, _), (hidden, hides), (gone, leaves) = joined[0], *joined[-3:]
    assert (before.types()[-1], busy.types()[-2:]) == ("tally", ["snapshot", "tally"])
    process.hub.set_visibility(had, visible=False)
    busy.revoke_direct()
    process.hub.set_visibility(hides, visible=False)
    process.hub.unsubscribe(leaves)
    process.receive(database.post(), database.react())
    await settle(1)
    assert len(channel.broadcast) == len(joined) - 3
    assert before.types().count("comment") == hidden.types().count("comment") == 2
    assert gone.types() == ["snapshot", "tally"]
    for subscription in (had, hides):
        process.hub.set_visibility(subscription, visible=True)
    assert_in_sync(database, *(connection for connection, _ in joined[:-1]))


def test_large_stories_are_flushed_less_often() -> None:
    sizes = (1, 400, 1_000, 5_000, 20_000, 100_000)
    for interval, first, last in ((change_interval, 0.02, 0.25), (tally_interval, 0.1, 1.0)):
        intervals = [interval(size) for size in sizes]
        assert intervals == sorted(intervals)
        assert (intervals[0], intervals[-1]) == (first, last)


# Presence and idleness --------------------------------------------------------------------------------


@instantly
async def test_presence_is_summed_over_processes_and_expires_with_them() -> None:
    database = FakeDatabase()
    processes = [Process(database, "a"), Process(database, "b")]
    here, there = processes
    running = [asyncio.create_task(process.hub.run()) for process in processes]

    async def exchange_messages(seconds: int) -> None:
        for _ in range(seconds * 4):
            await settle(0.25)
            for sender, receiver in ((here, there), (there, here)):
                receiver.receive(*sender.bus.sent)
                sender.bus.sent.clear()

    first, _ = await here.join(copy=1)
    second, _ = await there.join(copy=2)
    _, third = await there.join(copy=2)
    await exchange_messages(4)
    assert first.replay.presence == {"readers": 3, "copies": 2}
    assert second.replay.presence == {"readers": 3, "copies": 2}
    there.hub.unsubscribe(third)
    await exchange_messages(4)
    assert first.replay.presence == {"readers": 2, "copies": 2}
    running[1].cancel()
    await settle(40)
    assert first.replay.presence == {"readers": 1, "copies": 1}
    running[0].cancel()


@instantly
async def test_a_malformed_presence_message_is_ignored() -> None:
    process = Process(FakeDatabase())
    connection, _ = await process.join()
    for payload in (b"", b"[]", b"{}", b'{"readers": "x", "copies": [1]}', b"\xff"):
        process.receive(BusMessage("presence", CODE, 1, "b", payload))
    await settle()
    assert connection.types() == ["snapshot"]


@instantly
async def test_a_story_without_subscriptions_is_forgotten_after_45_seconds() -> None:
    database = FakeDatabase()
    process = Process(database)
    running = asyncio.create_task(process.hub.run())
    _, subscription = await process.join()
    process.hub.unsubscribe(subscription)
    await settle(IDLE_S - 2)
    await process.join(connection=ScriptedConnection())
    assert database.queries["snapshot"] == 1, "a reloaded page uses the cached snapshot"
    await settle(IDLE_S * 2)
    assert process.hub.channel_count == 1, "it has a subscription again"
    for channel in list(process.hub._channels.table.values()):
        for subscription in [*channel.broadcast, *channel.others]:
            process.hub.unsubscribe(subscription)
    await settle(IDLE_S + 3)
    assert (process.hub.channel_count, process.bus.unsubscribed) == (0, [CODE])
    running.cancel()


@instantly
async def test_widget_channels_counts_stories_without_subscriptions_too() -> None:
    database = FakeDatabase()
    process = Process(database)
    await process.hub.public_snapshot(CODE, None)
    assert (process.hub.channel_count, process.hub.subscription_count) == (1, 0)
    help_text: str = get_type_hints(Gauges, include_extras=True)["channels"].__metadata__[0]
    assert "loaded" in help_text
    assert "with at least one subscription" not in help_text
