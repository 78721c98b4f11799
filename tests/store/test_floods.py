"""Raids that begin with a comment, in the transaction that stores it."""

from tests.store.store_harness import open_store
from widget_server.model.raids import Flooding
from widget_server.store.schema import comments, site_decisions
from widget_server.store.schema_raids import raids

MINUTE = 60_000


async def test_the_first_write_on_a_new_connection_can_begin_a_raid_and_log_it(
    migrated_url: str,
) -> None:
    """A process that has just started, or whose database has, may meet a flood first."""
    async with open_store(migrated_url) as earlier:
        story = await earlier.story()
    async with open_store(migrated_url) as store:
        flooding = Flooding(5 * MINUTE, found=(("story", str(story.id)),))
        comment = await store.post(story, flooding=flooding, at=MINUTE)
        [raid] = await store.rows(raids)
        assert (raid.kind, raid.subject, raid.began_at) == ("story", str(story.id), MINUTE)
        [entry] = await store.rows(site_decisions)
        assert (entry.verb, entry.targets, entry.number) == ("raid", f'["{raid.id}"]', 1)
        # It was signed: without the keys of the log the whole batch fails.
        assert entry.hash
        assert [row.id for row in await store.rows(comments)] == [comment.id]
