"""The schedule: a lease belongs to one holder, and work is neither lost nor done at the wrong time."""

import asyncio
from collections.abc import Sequence

import pytest

from tests.store.store_harness import Store, open_store
from widget_server.model.schedule import Lease, ScheduledWork
from widget_server.store.queries.schedule import (
    Schedule,
    finish_work,
    lease_work,
    postpone_work,
    put_in_schedule,
    renew_lease,
    repeat_in_schedule,
    take_out_of_schedule,
)

KINDS = ("close", "sweep")


async def lease(store: Store, now: int, until: int, kinds: Sequence[str] = KINDS) -> Lease | None:
    """Lease what is due longest."""
    return await store.writer.run_in_transaction(lease_work(kinds, now, until))


async def leased(store: Store, now: int, until: int) -> Lease:
    """Lease what is due longest; there is something."""
    found = await lease(store, now, until)
    assert found is not None
    return found


async def rows(store: Store) -> list[ScheduledWork]:
    return await Schedule(store.database).all(100)


async def test_work_is_leased_only_once_its_date_has_come_and_the_oldest_first(
    store: Store,
) -> None:
    run = store.writer.run_in_transaction
    await run(put_in_schedule("close", "late", 2_000))
    await run(put_in_schedule("close", "early", 1_000))
    await run(put_in_schedule("other", "x", 1))
    schedule = Schedule(store.database)
    assert not await schedule.is_due(KINDS, 999)
    assert await lease(store, 999, 5_000) is None
    assert await schedule.is_due(KINDS, 1_000)
    assert (await leased(store, 1_000, 5_000)).subject == "early"
    assert await lease(store, 1_999, 5_000) is None, "one is leased, the other not due"
    assert (await leased(store, 2_000, 5_000)).subject == "late"


async def test_a_lease_that_ended_is_taken_by_another_and_counted(store: Store) -> None:
    await store.writer.run_in_transaction(put_in_schedule("close", "a", 1_000))
    first = await leased(store, 1_000, 2_000)
    assert not await Schedule(store.database).is_due(KINDS, 2_000)
    assert await lease(store, 2_000, 3_000) is None, "it still belongs to the first"
    second = await leased(store, 2_001, 4_000)
    assert (first.tries, second.tries) == (1, 2)
    assert first.by != second.by


async def test_who_lost_the_lease_can_neither_renew_nor_end_it(store: Store) -> None:
    run = store.writer.run_in_transaction
    await run(put_in_schedule("close", "a", 1_000))
    lost = await leased(store, 1_000, 2_000)
    held = await leased(store, 2_001, 3_000)
    before = await rows(store)
    assert not await run(renew_lease(lost, 9_000))
    assert not await run(finish_work(lost, 2_500))
    assert not await run(postpone_work(lost, 9_000, "OSError", count=True))
    assert await rows(store) == before
    assert await run(renew_lease(held, 9_000))
    assert (await rows(store))[0].lease_until == 9_000
    assert await run(finish_work(held, 2_500))
    assert await rows(store) == []


async def test_repeated_work_gets_its_next_date_and_is_scheduled_once(store: Store) -> None:
    run = store.writer.run_in_transaction
    await run(repeat_in_schedule([("sweep", 60_000, 1_000)]))
    await run(repeat_in_schedule([("sweep", 60_000, 7_000), ("close", 5_000, 9_000)]))
    held = await leased(store, 1_000, 2_000)
    assert await run(finish_work(held, 1_500))
    sweep = next(work for work in await rows(store) if work.kind == "sweep")
    assert sweep == ScheduledWork("sweep", "", 61_500, 60_000, 0, 0, None)
    assert len(await rows(store)) == 2


async def test_a_new_date_wins_over_the_lease_of_the_old_one(store: Store) -> None:
    run = store.writer.run_in_transaction
    await run(put_in_schedule("close", "a", 1_000))
    held = await leased(store, 1_000, 5_000)
    await run(put_in_schedule("close", "a", 3_000))
    assert not await run(finish_work(held, 1_100)), "the work of the new date stays"
    assert (await leased(store, 3_000, 9_000)).tries == 1
    await run(take_out_of_schedule("close", "a"))
    assert await rows(store) == []


@pytest.mark.parametrize(("count", "tries"), [(True, 1), (False, 0)])
async def test_work_that_failed_waits_for_its_new_date_and_shows_why(
    store: Store, count: bool, tries: int
) -> None:
    run = store.writer.run_in_transaction
    await run(put_in_schedule("close", "a", 1_000))
    held = await leased(store, 1_000, 5_000)
    assert await run(postpone_work(held, 8_000, "TimeoutError", count=count))
    assert await rows(store) == [ScheduledWork("close", "a", 8_000, None, 0, tries, "TimeoutError")]
    assert await lease(store, 7_999, 9_000) is None
    assert (await leased(store, 8_000, 9_000)).tries == tries + 1


async def test_processes_that_lease_at_once_never_get_the_same_work(
    store: Store, migrated_url: str
) -> None:
    run = store.writer.run_in_transaction
    for number in range(30):
        await run(put_in_schedule("close", f"story{number}", 1_000))
    async with open_store(migrated_url) as other:

        async def take_all(by: Store) -> list[str]:
            taken = []
            while (found := await lease(by, 1_000, 9_000)) is not None:
                taken.append(found.subject)
            return taken

        taken = await asyncio.gather(*(take_all(by) for by in (store, other, store, other)))
    everything = [subject for subjects in taken for subject in subjects]
    assert sorted(everything) == sorted(f"story{number}" for number in range(30))
