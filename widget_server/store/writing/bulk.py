"""Bulk select, upsert and insert.

`select_by_keys`, `delete_by_keys` and `upsert` take their rows as one JSON parameter, which the database
expands. The statement's text does not depend on the number of rows, so it is built and compiled once.
Compiling a `VALUES` list took longer than SQLite took to find the rows, and so did building an `IN` list.
A driver that releases Python's lock for each row of an `executemany` releases it once here.

`run_many` gives the driver rows as they are. SQLAlchemy's own `executemany` took longer for each row than
SQLite.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Delete,
    Executable,
    FromClause,
    Insert,
    Result,
    Select,
    Table,
    Text,
    TextClause,
    Update,
    and_,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.store.mapping import dump


def select_by_keys(
    table: Table,
    names: Sequence[str],
    dialect: Dialect,
    *,
    where: ColumnElement[bool] | TextClause | None = None,
    lock: bool = False,
    key_share: bool = False,
) -> Select[Any]:
    """Return a query for the rows with certain keys. `names` are the columns of one index.

    Each key is looked up in that index. For `(a, b, c) IN (...)` SQLite would scan all rows that share
    `a`. The query's parameter is `json_rows(keys)`, where each key has exactly these names. `where` is a
    condition that does not change, so that the query is built once. `lock` locks the rows, in the order of
    the keys; with `key_share`, other transactions may still insert rows that refer to them.
    """
    return _select_by_keys(table, tuple(names), dialect.name, where, lock, key_share)


def delete_by_keys(table: Table, name: str, dialect: Dialect) -> Delete:
    """Return a statement that deletes the rows with certain keys, as `select_by_keys` finds them."""
    return _delete_by_keys(table, name, dialect.name)


def upsert(table: Table, names: Sequence[str], key: Sequence[str], dialect: Dialect) -> Executable:
    """Return a statement that inserts rows, and updates the rows that exist under the same key.

    The statement's parameter is `json_rows(rows)`, where each row has exactly these names.
    """
    return _upsert(table, tuple(names), tuple(key), dialect.name)


def json_rows(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the parameter of `select_by_keys`, `delete_by_keys` and `upsert`."""
    return {"rows": dump(rows)}


def dicts_of(result: Result[Any]) -> list[dict[str, Any]]:
    """Return the rows of a result by column. Reading them one by one and through `Row._mapping` took twice as long."""
    # The names may be SQLAlchemy's own kind of text, which is slower and which JSON does not accept.
    names = [str(name) for name in result.keys()]  # noqa: SIM118 - a result is no mapping
    return [dict(zip(names, row, strict=True)) for row in result.all()]


async def run_many(
    connection: AsyncConnection,
    statement: Insert | Update | Delete,
    rows: Sequence[Mapping[str, Any]],
) -> None:
    """Run a statement that is built once with each of the rows, which have the same names.

    The values must be of types that the driver takes as they are: text, whole numbers, booleans, None.
    If the statement needs more than them, such as a column's default in Python, SQLAlchemy adds it.
    """
    names = tuple(rows[0])
    key = statement, names, connection.dialect.name
    if key not in _driver_statements:
        compiled = statement.compile(dialect=connection.dialect, column_keys=list(names))
        needed = compiled.positiontup or []
        has_all = set(needed) <= set(names)
        _driver_statements[key] = (str(compiled), _values_of(needed)) if has_all else None
    known = _driver_statements[key]
    if known is None:
        await connection.execute(statement, list(rows))
        return
    text, values = known
    await connection.exec_driver_sql(text, [values(row) for row in rows])


async def insert_many(
    connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert rows that have the same names, as `run_many` does."""
    await run_many(connection, _insert(table), rows)


def _values_of(names: Sequence[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """Return a function that takes these values from a row, as a tuple."""
    if len(names) == 1:
        return lambda row: (row[names[0]],)
    taken: Callable[[Mapping[str, Any]], tuple[Any, ...]] = itemgetter(*names)
    return taken


_driver_statements: dict[
    tuple[Any, tuple[str, ...], str], tuple[str, Callable[[Any], Any]] | None
] = {}
"""SQL of the driver and what takes its parameters from a row, by statement, names and dialect.

None: the rows do not have all values.
"""


@cache
def _insert(table: Table) -> Insert:
    # Inline: without the ids that PostgreSQL would return.
    return insert(table).inline()


def insert_ignore(table: Table, dialect: Dialect) -> Any:
    """Return an `INSERT` of this dialect that skips rows whose key exists already."""
    insert: Any = sqlite.insert if dialect.name == "sqlite" else postgresql.insert
    return insert(table).on_conflict_do_nothing()


def upsert_from(
    table: Table,
    names: Sequence[str],
    key: Sequence[str],
    found: FromClause,
    values: Mapping[str, ColumnElement[Any]],
    replaces: ColumnElement[bool],
    dialect: str,
) -> Any:
    """Return a statement that inserts a row for each one of `found`, whose columns come before `values`.

    A row that exists under the same key is updated if it fulfils `replaces`, else it stays.
    """
    # Without a WHERE before it, SQLite parses ON CONFLICT as the start of a join.
    rows = select(*found.c, *values.values()).select_from(found).where(true())
    insert: Any = sqlite.insert if dialect == "sqlite" else postgresql.insert
    statement = insert(table).from_select(list(names), rows)
    changed = {name: statement.excluded[name] for name in names if name not in key}
    return statement.on_conflict_do_update(index_elements=list(key), set_=changed, where=replaces)


@cache
def _select_by_keys(
    table: Table,
    names: tuple[str, ...],
    dialect: str,
    where: ColumnElement[bool] | TextClause | None,
    lock: bool,
    key_share: bool,
) -> Select[Any]:
    each = _json_table(dialect)
    same = [table.c[name] == _field(each, table.c[name], dialect) for name in names]
    query = select(table).select_from(each.join(table, and_(*same)))
    if where is not None:
        query = query.where(where)
    if lock:
        # All processes lock in one order: two that wait for each other would end in an error.
        query = query.order_by(*(table.c[name] for name in names)).with_for_update(
            of=table, key_share=key_share
        )
    return query


@cache
def _delete_by_keys(table: Table, name: str, dialect: str) -> Delete:
    each = _json_table(dialect)
    named = select(_field(each, table.c[name], dialect)).select_from(each)
    return delete(table).where(table.c[name].in_(named))


@cache
def _upsert(table: Table, names: tuple[str, ...], key: tuple[str, ...], dialect: str) -> Executable:
    each = _json_table(dialect)
    fields = [_field(each, table.c[name], dialect) for name in names]
    # Without a WHERE before it, SQLite parses ON CONFLICT as the start of a join.
    rows = select(*fields).select_from(each).where(true())
    insert: Any = sqlite.insert if dialect == "sqlite" else postgresql.insert
    statement = insert(table).from_select(list(names), rows)
    changed = {name: statement.excluded[name] for name in names if name not in key}
    new: Executable = statement.on_conflict_do_update(index_elements=list(key), set_=changed)
    return new


def _json_table(dialect: str) -> FromClause:
    text = bindparam("rows", type_=Text)
    if dialect == "sqlite":
        return func.json_each(text).table_valued("value", name="each")
    return func.json_array_elements(cast(text, JSON)).table_valued("value", name="each")


def _field(each: FromClause, column: Column[Any], dialect: str) -> ColumnElement[Any]:
    if dialect == "sqlite":
        return func.json_extract(each.c.value, literal_column(f"'$.{column.name}'"))
    return cast(each.c.value.op("->>")(literal_column(f"'{column.name}'")), column.type)
