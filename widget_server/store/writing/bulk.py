"""Bulk select, upsert and insert.

`select_by_keys` and `upsert` take their rows as one JSON parameter, which the database expands. The
statement's text does not depend on the number of rows, so it is compiled once. Compiling a `VALUES`
list took longer than SQLite took to find the rows. A driver that releases Python's lock for each
row of an `executemany` releases it once here.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Executable,
    FromClause,
    Table,
    Text,
    and_,
    bindparam,
    cast,
    func,
    literal,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect

from widget_server.store.mapping import dump


def select_by_keys(table: Table, names: Sequence[str], dialect: Dialect) -> Executable:
    """Return a query for the rows with certain keys. `names` are the columns of one unique index.

    Each key is looked up in that index. For `(a, b, c) IN (...)` SQLite would scan all rows that share
    `a`. The query's parameter is `json_rows(keys)`, where each key has exactly these names.
    """
    return _select_by_keys(table, tuple(names), dialect.name)


def upsert(table: Table, names: Sequence[str], key: Sequence[str], dialect: Dialect) -> Executable:
    """Return a statement that inserts rows, and updates the rows that exist under the same key.

    The statement's parameter is `json_rows(rows)`, where each row has exactly these names.
    """
    return _upsert(table, tuple(names), tuple(key), dialect.name)


def json_rows(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the parameter of `select_by_keys` and `upsert`."""
    return {"rows": dump(rows)}


def insert_ignore(table: Table, dialect: Dialect) -> Any:
    """Return an `INSERT` of this dialect that skips rows whose key exists already."""
    insert: Any = sqlite.insert if dialect.name == "sqlite" else postgresql.insert
    return insert(table).on_conflict_do_nothing()


def upsert_from(
    table: Table,
    names: Sequence[str],
    key: Sequence[str],
    found: FromClause,
    values: Mapping[str, Any],
    replaces: ColumnElement[bool],
    dialect: Dialect,
) -> Any:
    """Return a statement that inserts a row for each one of `found`, whose columns come before `values`.

    A row that exists under the same key is updated if it fulfils `replaces`, else it stays.
    """
    fixed = [literal(value, table.c[name].type) for name, value in values.items()]
    # Without a WHERE before it, SQLite parses ON CONFLICT as the start of a join.
    rows = select(*found.c, *fixed).select_from(found).where(true())
    insert: Any = sqlite.insert if dialect.name == "sqlite" else postgresql.insert
    statement = insert(table).from_select(list(names), rows)
    changed = {name: statement.excluded[name] for name in names if name not in key}
    return statement.on_conflict_do_update(index_elements=list(key), set_=changed, where=replaces)


@cache
def _select_by_keys(table: Table, names: tuple[str, ...], dialect: str) -> Executable:
    each = _json_table(dialect)
    same = [table.c[name] == _field(each, table.c[name], dialect) for name in names]
    return select(table).select_from(each.join(table, and_(*same)))


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
