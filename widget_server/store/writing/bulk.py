"""Read rows by their keys, upsert and insert them, by one statement for many.

Keys are one JSON parameter, which the database expands, and so are rows for PostgreSQL. The statement's text does not
depend on their number, so it is built and compiled once. Compiling a `VALUES` list took longer than SQLite took to
find the rows, and so did building an `IN` list.

SQLite's driver gets the compiled text itself: for a few rows, SQLAlchemy took longer than SQLite. It also gets rows one
by one: to expand JSON took SQLite longer than to write them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import Any, TypeVar

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
from widget_server.store.sqlite_threads import SyncConnectionAdapter

T = TypeVar("T")


CHUNK = 2_000
"""Keys or rows in one JSON parameter."""


async def read_by_keys(
    connection: AsyncConnection,
    table: Table,
    keys: Sequence[Mapping[str, Any]],
    *,
    where: ColumnElement[bool] | TextClause | None = None,
    lock: bool = False,
    key_share: bool = False,
) -> list[dict[str, Any]]:
    """Return the rows with these keys, each by column. All keys have the same names: columns of one index.

    Each key is looked up in that index. For `(a, b, c) IN (...)` SQLite would scan all rows that share
    `a`. `where` is a condition without parameters, so that the query is built once. `lock` locks the rows, in
    the order of the keys; with `key_share`, other transactions may still insert rows that refer to them.
    """
    if not keys:
        return []
    query = _select_by_keys(table, tuple(keys[0]), connection.dialect.name, where, lock, key_share)
    found: list[dict[str, Any]] = []
    for some in _chunks(keys):
        if isinstance(connection, SyncConnectionAdapter):
            built = _built(query, connection.dialect)
            found += built.dicts(connection.fetch(built.text, built.values(some)))
        else:
            found += dicts_of(await connection.execute(query, {"rows": dump(some)}))
    return found


async def delete_by_keys(
    connection: AsyncConnection, table: Table, name: str, keys: Sequence[Any]
) -> None:
    """Delete the rows with these values of a column."""
    rows = [{name: key} for key in keys]
    if connection.dialect.name == "sqlite":
        if rows:
            await run_many(connection, _delete_by_key(table, name), rows)
        return
    for some in _chunks(rows):
        await connection.execute(_delete_by_keys(table, name), {"rows": dump(some)})


async def upsert(
    connection: AsyncConnection,
    table: Table,
    key: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
) -> None:
    """Insert rows, and update those that exist under the same key. All rows have the same names."""
    if not rows:
        return
    names, known = tuple(rows[0]), tuple(key)
    if connection.dialect.name == "sqlite":
        await run_many(connection, _upsert_row(table, names, known), rows)
        return
    for some in _chunks(rows):
        await connection.execute(_upsert_rows(table, names, known), {"rows": dump(some)})


def _chunks(items: Sequence[T]) -> Iterable[Sequence[T]]:
    return (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))


class _Built:
    """A query as SQLite's driver takes it. Its only parameter is the JSON of the keys."""

    def __init__(self, query: Any, dialect: Dialect) -> None:
        compiled = query.compile(dialect=dialect)
        if set(compiled.positiontup) != {"rows"}:
            raise ValueError("A query by keys has no other parameter than them.")
        self.text = str(compiled)
        self._times = len(compiled.positiontup)
        columns = query.selected_columns
        self._names = [str(column.name) for column in columns]
        read = [
            column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns
        ]
        self._read = [(name, one) for name, one in zip(self._names, read, strict=True) if one]
        """What turns a value of the driver into one of its column: of booleans."""

    def values(self, keys: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
        """Return the parameters for these keys."""
        return (dump(keys),) * self._times

    def dicts(self, rows: Sequence[tuple[Any, ...]]) -> list[dict[str, Any]]:
        """Return rows of the driver by column."""
        found = [dict(zip(self._names, row, strict=True)) for row in rows]
        for name, read in self._read:
            for one in found:
                one[name] = read(one[name])
        return found


_known: dict[Executable, _Built] = {}
"""What SQLite's driver takes, by query."""


def _built(query: Executable, dialect: Dialect) -> _Built:
    """Return what the driver needs of a query that is built once."""
    if query not in _known:
        _known[query] = _Built(query, dialect)
    return _known[query]


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
    taken = [values(row) for row in rows]
    if isinstance(connection, SyncConnectionAdapter):
        connection.run_many(text, taken)
    else:
        await connection.exec_driver_sql(text, taken)


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
    if lock and dialect != "sqlite":
        # All processes lock in one order: two that wait for each other would end in an error. SQLite has one writer.
        query = query.order_by(*(table.c[name] for name in names)).with_for_update(
            of=table, key_share=key_share
        )
    return query


@cache
def _delete_by_key(table: Table, name: str) -> Delete:
    return delete(table).where(table.c[name] == bindparam(name))


@cache
def _delete_by_keys(table: Table, name: str) -> Delete:
    each = _json_table("postgresql")
    named = select(_field(each, table.c[name], "postgresql")).select_from(each)
    return delete(table).where(table.c[name].in_(named))


@cache
def _upsert_row(table: Table, names: tuple[str, ...], key: tuple[str, ...]) -> Any:
    return _or_update(sqlite.insert(table).inline(), names, key)


@cache
def _upsert_rows(table: Table, names: tuple[str, ...], key: tuple[str, ...]) -> Any:
    each = _json_table("postgresql")
    fields = [_field(each, table.c[name], "postgresql") for name in names]
    rows = select(*fields).select_from(each)
    return _or_update(postgresql.insert(table).from_select(list(names), rows), names, key)


def _or_update(statement: Any, names: tuple[str, ...], key: tuple[str, ...]) -> Any:
    changed = {name: statement.excluded[name] for name in names if name not in key}
    return statement.on_conflict_do_update(index_elements=list(key), set_=changed)


def _json_table(dialect: str) -> FromClause:
    text = bindparam("rows", type_=Text)
    if dialect == "sqlite":
        return func.json_each(text).table_valued("value", name="each")
    return func.json_array_elements(cast(text, JSON)).table_valued("value", name="each")


def _field(each: FromClause, column: Column[Any], dialect: str) -> ColumnElement[Any]:
    if dialect == "sqlite":
        return func.json_extract(each.c.value, literal_column(f"'$.{column.name}'"))
    return cast(each.c.value.op("->>")(literal_column(f"'{column.name}'")), column.type)
