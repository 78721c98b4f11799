"""Rows that are given to the driver as they are."""

from typing import Any

from sqlalchemy import Column, Integer, MetaData, String, Table, bindparam, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.store.store_harness import Store
from widget_server.store.writing.bulk import insert_many, run_many

metadata = MetaData()
things = Table(
    "things",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(10), nullable=False),
    Column("kind", String(10), nullable=False, default="plain"),
)
OF_NAME = delete(things).where(things.c.name == bindparam("old"))


async def stored(store: Store, *writes: Any) -> list[tuple[Any, ...]]:
    """Make the writes in a table of things, and return its rows."""

    async def run(connection: AsyncConnection) -> list[tuple[Any, ...]]:
        kinds = "id INTEGER PRIMARY KEY, name VARCHAR(10) NOT NULL, kind VARCHAR(10) NOT NULL"
        await connection.exec_driver_sql(f"CREATE TABLE things ({kinds})")
        for write in writes:
            await write(connection)
        rows = await connection.execute(select(things).order_by(things.c.id))
        found = [tuple(row) for row in rows]
        await connection.exec_driver_sql("DROP TABLE things")
        return found

    return await store.database.write(run)


async def test_a_default_of_a_column_is_stored_where_the_rows_have_no_value_of_it(
    store: Store,
) -> None:
    rows = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]
    full = [{"kind": "rare", "id": 3, "name": "c"}]
    found = await stored(
        store,
        lambda connection: insert_many(connection, things, rows),
        lambda connection: insert_many(connection, things, full),
    )
    assert found == [(1, "a", "plain"), (2, "b", "plain"), (3, "c", "rare")]


async def test_rows_of_one_value_are_given_one_by_one(store: Store) -> None:
    rows = [{"id": number, "name": name, "kind": "x"} for number, name in enumerate("abcd")]
    found = await stored(
        store,
        lambda connection: insert_many(connection, things, rows),
        lambda connection: run_many(connection, OF_NAME, [{"old": "a"}, {"old": "c"}]),
    )
    assert [name for _, name, _ in found] == ["b", "d"]
