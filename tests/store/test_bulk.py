"""Rows that are read by their keys, and rows that are given to the driver as they are."""

from typing import Any

import pytest
from sqlalchemy import Boolean, Column, Integer, MetaData, String, Table, bindparam, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.store.store_harness import Store, open_store
from widget_server.store import migrate
from widget_server.store.writing import bulk
from widget_server.store.writing.bulk import (
    delete_by_keys,
    insert_many,
    read_by_keys,
    run_many,
    upsert,
)

metadata = MetaData()
things = Table(
    "things",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(10), nullable=False),
    Column("kind", String(10), nullable=False, default="plain"),
)
flags = Table(
    "flags",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("up", Boolean),
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


async def test_rows_are_read_changed_and_deleted_by_their_keys_in_parts(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "CHUNK", 2)

    async def run(connection: AsyncConnection) -> list[list[dict[str, Any]]]:
        await connection.exec_driver_sql("CREATE TABLE flags (id INTEGER PRIMARY KEY, up BOOLEAN)")
        rows = [{"id": number, "up": None} for number in range(5)]
        await upsert(connection, flags, ("id",), rows)
        changed = [{"id": number, "up": number == 1} for number in range(3)]
        await upsert(connection, flags, ("id",), changed)
        keys = [{"id": number} for number in range(7)]
        before = await read_by_keys(connection, flags, keys)
        await delete_by_keys(connection, flags, "id", [0, 2, 4, 6])
        after = await read_by_keys(connection, flags, keys)
        assert await read_by_keys(connection, flags, []) == []
        await connection.exec_driver_sql("DROP TABLE flags")
        return [before, after]

    before, after = await store.database.write(run)
    by_id = {row["id"]: row["up"] for row in before}
    assert by_id == {0: False, 1: True, 2: False, 3: None, 4: None}
    assert all(type(by_id[number]) is bool for number in range(3))
    assert sorted(row["id"] for row in after) == [1, 3]


async def test_what_the_database_refuses_is_an_error_of_sqlalchemy(store: Store) -> None:
    twice = [{"kind": "x", "id": 1, "name": "a"}, {"kind": "x", "id": 1, "name": "b"}]
    with pytest.raises(IntegrityError):
        await stored(store, lambda connection: insert_many(connection, things, twice))


async def test_a_condition_with_a_parameter_is_refused(sqlite_url: str) -> None:
    await migrate.upgrade(sqlite_url)

    async def run(connection: AsyncConnection) -> None:
        await read_by_keys(connection, things, [{"id": 1}], where=things.c.kind == "rare")

    async with open_store(sqlite_url) as store:
        with pytest.raises(ValueError, match="no other parameter"):
            await store.database.write(run)
