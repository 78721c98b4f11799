"""Bans that were made before each ban had a row of its own hold on after the migration."""

from sqlalchemy.ext.asyncio import AsyncConnection

from tests.store.store_harness import DAY, open_store, undo
from tests.store.test_appeals import AT, banning
from widget_server.store import migrate
from widget_server.store.engine import Database
from widget_server.store.schema_readers import bans

BAN = (
    "INSERT INTO bans (site, subject, kind, mode, decision, comment, reason, by_person, at, until)"
    " VALUES ('s', '{}', 'reader', 'read', '{}', 'c0', 'attack', {}, 5, {})"
)


async def test_bans_of_the_version_before_hold_on(database_url: str) -> None:
    await migrate.upgrade(database_url, "0016")
    database = Database(database_url)

    async def fill(connection: AsyncConnection) -> None:
        run = connection.exec_driver_sql
        await run(
            "INSERT INTO sites (slug, name, generation, oldest, settings, created_at, rights)"
            " VALUES ('s', 'S', 1, 1, '{}', 1, 0)"
        )
        await run(BAN.format("a" * 64, "old1", "true", AT + DAY))
        await run(BAN.format("b" * 64, "old2", "false", "NULL"))

    await database.open()
    await database.write(fill)
    await database.close()
    await migrate.upgrade(database_url)
    async with open_store(database_url) as store:
        rows = sorted(await store.rows(bans), key=lambda row: row.decision)
        assert [(row.decision, row.subject[:1], row.by_person, row.until) for row in rows] == [
            ("old1", "a", True, AT + DAY),
            ("old2", "b", False, None),
        ]
        assert [row.day for row in rows] == [None, None]
        story = await store.story()
        comment = await store.post(story, "ana")
        replaced = banning(story, comment.id, mode="approval")
        await store.writer.submit(replaced)
        ends = {row.decision: row.until for row in await store.rows(bans)}
        assert ends == {"old1": AT, "old2": None, replaced.id: None}
        await store.writer.submit(undo(story, comment.id, replaced.id, AT))
        ends = {row.decision: row.until for row in await store.rows(bans)}
        assert ends == {"old1": AT + DAY, "old2": None}
