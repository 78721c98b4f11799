"""Bans that are undone after other bans of the same writer, and what backups keep of them."""

from pathlib import Path
from typing import Any

import pytest

from tests.store.backup_harness import ignore_progress
from tests.store.store_harness import DAY, Store, decide, undo
from tests.store.test_appeals import AT, banning, in_effect, verified
from tests.store.test_restore_merge import restored, store_at
from widget_server.model.bans import BanTerms
from widget_server.model.errors import ErasedError, StaleError
from widget_server.model.records import Comment, Story
from widget_server.store import backup
from widget_server.store.queries.bans import delete_ended_bans
from widget_server.store.queries.networks import key_of_day
from widget_server.store.schema_readers import bans, network_days, network_traces
from widget_server.store.writing.actions import Decide


async def two_comments(store: Store) -> tuple[Story, Comment, Comment]:
    """Return a story with two comments of one writer."""
    story = await store.story()
    return story, await store.post(story, "ana"), await store.post(story, "ana")


async def submit(store: Store, *actions: Decide) -> list[str]:
    """Make decisions one after the other. Return their ids."""
    for action in actions:
        assert (await store.writer.submit(action)).decision is not None
    return [action.id for action in actions]


async def test_a_lifted_ban_comes_back_after_another_ban_was_made_and_undone(store: Store) -> None:
    story, first, second = await two_comments(store)
    _, lifted, other = await submit(
        store,
        banning(story, first.id, until=AT + DAY),
        banning(story, first.id, "unban"),
        banning(story, second.id, mode="approval"),
    )
    with pytest.raises(StaleError, match=other) as stale:
        await store.writer.submit(undo(story, first.id, lifted, AT))
    assert stale.value.later == other
    await store.writer.submit(undo(story, second.id, other, AT))
    assert await in_effect(store) == []
    await store.writer.submit(undo(story, first.id, lifted, AT))
    assert await in_effect(store) == [("read", AT + DAY)]
    await verified(store)


async def test_a_lifted_ban_comes_back_after_another_ban_has_ended_by_itself(store: Store) -> None:
    story, first, second = await two_comments(store)
    _, lifted, _ = await submit(
        store,
        banning(story, first.id, until=AT + 2 * DAY),
        banning(story, first.id, "unban"),
        banning(story, second.id, until=AT + 10),
    )
    await store.writer.submit(undo(story, first.id, lifted, AT + 10))
    assert await in_effect(store, AT + 10) == [("read", AT + 2 * DAY)]


@pytest.mark.parametrize("later", ["ban", "unban"])
async def test_a_ban_that_a_decision_at_another_comment_ended_is_not_undone_before_that(
    store: Store, later: str
) -> None:
    story, first, second = await two_comments(store)
    made, then = await submit(
        store, banning(story, first.id), banning(story, second.id, later, mode="approval")
    )
    before = await in_effect(store)
    with pytest.raises(StaleError, match=r"Undo (that one|or lift that one) first"):
        await store.writer.submit(undo(story, first.id, made, AT))
    assert await in_effect(store) == before
    await store.writer.submit(undo(story, second.id, then, AT))
    assert await in_effect(store) == [("read", None)]
    await store.writer.submit(undo(story, first.id, made, AT))
    assert await in_effect(store) == []
    assert await store.rows(bans) == []


async def test_a_ban_that_was_lifted_more_than_a_day_ago_is_erased(store: Store) -> None:
    story, first, _ = await two_comments(store)
    _, lifted = await submit(store, banning(story, first.id), banning(story, first.id, "unban"))
    await store.writer.run_in_transaction(delete_ended_bans(AT + DAY + 1))
    with pytest.raises(ErasedError, match="Ban the writer again"):
        await store.writer.submit(undo(story, first.id, lifted, AT + DAY + 1))


async def test_a_ban_that_replaced_another_is_undone_also_days_later(store: Store) -> None:
    story, first, _ = await two_comments(store)
    old, made = await submit(
        store, banning(story, first.id), banning(story, first.id, until=AT + 9 * DAY)
    )
    late = AT + 2 * DAY
    await store.writer.run_in_transaction(delete_ended_bans(late))
    assert [row.decision for row in await store.rows(bans)] == [made]
    await store.writer.submit(undo(story, first.id, made, late))
    assert [row.decision for row in await store.rows(bans)] == [old]
    assert await in_effect(store, late) == [("read", None)]


async def test_networks_of_two_sites_are_banned_apart(store: Store) -> None:
    story, other = await store.story(), await store.story(site="t")
    comment, there = await store.post(story, "ana"), await store.post(other, "bea")
    terms = BanTerms(("f" * 64,), "network", until=AT + DAY, day=7)
    made, also = await submit(
        store,
        decide(story, comment.id, "ban", AT, ban=terms),
        decide(other, there.id, "ban", AT, ban=terms),
    )
    await store.writer.submit(undo(other, there.id, also, AT))
    assert [row.decision for row in await store.rows(bans)] == [made]


# Backups -------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where a backup is written."""
    return tmp_path / "backup.sqlite3"


async def test_a_restore_keeps_the_bans_of_now_and_what_was_lifted_since(
    database_url: str, file: Path
) -> None:
    async with store_at(database_url) as store:
        story, first, _ = await two_comments(store)
        await submit(store, banning(story, first.id, mode="approval"))
        await backup.back_up(database_url, file, ignore_progress)
        replaced = banning(story, first.id, until=AT + DAY)
        await submit(store, replaced)
        await restored(store, database_url, file)
        assert await in_effect(store) == [("read", AT + DAY)]
        await submit(store, banning(await store.now(story), first.id, "unban"))
        await restored(store, database_url, file)
        assert await in_effect(store) == []


async def test_a_ban_that_was_undone_since_the_backup_does_not_come_back(
    database_url: str, file: Path
) -> None:
    async with store_at(database_url) as store:
        story, first, _ = await two_comments(store)
        [made] = await submit(store, banning(story, first.id))
        await backup.back_up(database_url, file, ignore_progress)
        await store.writer.submit(undo(story, first.id, made, AT))
        assert await store.rows(bans) == []
        await restored(store, database_url, file)
        assert await store.rows(bans) == []


async def test_keys_and_hashes_of_networks_are_in_no_backup_and_outlive_a_restore(
    database_url: str, file: Path
) -> None:
    async with store_at(database_url) as store:
        story = await store.story()
        await store.post(story, "ana", trace=("n" * 64, 7))
        key = await store.writer.run_in_transaction(key_of_day(7))
        counts = await backup.back_up(database_url, file, ignore_progress)
        assert (counts["network_days"], counts["network_traces"]) == (0, 0)
        stored = file.read_bytes()
        for secret in (key.encode(), b"n" * 64):
            assert secret not in stored
        await restored(store, database_url, file)
        found: list[Any] = [*await store.rows(network_days), *await store.rows(network_traces)]
        assert (found[0].key, found[1].network) == (key, "n" * 64)
