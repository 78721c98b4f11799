"""Many rows in one statement with one parameter: a list of rows as JSON, which the database unfolds.

The statement's text is always the same, so it is compiled once, whatever the number of rows; a
`VALUES` list of as many parameters took longer to compile than SQLite took to find the rows. And
a driver that gives up Python's lock for each row of an `executemany` does so once.
"""

from collections.abc import Sequence
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
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect

from widget_server.store.mapping import dump

Row = dict[str, Any]


def select_by_keys(table: Table, names: Sequence[str], dialect: Dialect) -> Executable:
    """A query for the rows with certain keys; `names` are the columns of one unique index.

    Each is looked up in that index: SQLite answers `(a, b, c) IN (...)` with a walk through all
    rows that share the first of them. Its parameter is `many(keys)`, of rows with these names.
    """
    return _by_key(table, tuple(names), dialect.name)


def upsert(table: Table, names: Sequence[str], key: Sequence[str], dialect: Dialect) -> Executable:
    """A statement that inserts rows, or changes those that are there under the same key.

    Its parameter is `many(rows)`, of rows with exactly these names.
    """
    return _put(table, tuple(names), tuple(key), dialect.name)


def json_rows(rows: Sequence[Row]) -> dict[str, str]:
    """The parameter of both."""
    return {"many": dump(rows)}


@cache
def _by_key(table: Table, names: tuple[str, ...], dialect: str) -> Executable:
    each = _json_table(dialect)
    same = [table.c[name] == _field(each, table.c[name], dialect) for name in names]
    return select(table).select_from(each.join(table, and_(*same)))


@cache
def _put(table: Table, names: tuple[str, ...], key: tuple[str, ...], dialect: str) -> Executable:
    each = _json_table(dialect)
    fields = [_field(each, table.c[name], dialect) for name in names]
    # SQLite would read ON CONFLICT as the beginning of a join without a WHERE before it.
    rows = select(*fields).select_from(each).where(true())
    insert: Any = sqlite.insert if dialect == "sqlite" else postgresql.insert
    statement = insert(table).from_select(list(names), rows)
    changed = {name: statement.excluded[name] for name in names if name not in key}
    new: Executable = statement.on_conflict_do_update(index_elements=list(key), set_=changed)
    return new


def _json_table(dialect: str) -> FromClause:
    text = bindparam("many", type_=Text)
    if dialect == "sqlite":
        return func.json_each(text).table_valued("value", name="each")
    return func.json_array_elements(cast(text, JSON)).table_valued("value", name="each")


def _field(each: FromClause, column: Column[Any], dialect: str) -> ColumnElement[Any]:
    if dialect == "sqlite":
        return func.json_extract(each.c.value, literal_column(f"'$.{column.name}'"))
    return cast(each.c.value.op("->>")(literal_column(f"'{column.name}'")), column.type)
