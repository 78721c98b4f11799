"""Manifest of a backup: write it, and check a backup's file against it.

A backup is untrusted input: its disk may have failed, a program may have changed it, or it may be another
kind of file. The checks use plain SQL that cannot run code from the file, such as triggers or views. They
read the list of tables first, and only then the tables.
"""

import hashlib
import json
import re
import sqlite3
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from widget_server.store.engine import DatabaseUnavailableError

TABLE = "backup_manifest"
FIRST = "0004"
"""First revision whose backups have a manifest."""

_Objects = dict[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class TableSum:
    """Number of a table's rows, and SHA-256 over them in the order of the primary key."""

    columns: list[str]
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """Time (milliseconds), version and revision of a backup, and the checksums of its tables."""

    made_at: int
    version: str
    revision: str
    tables: dict[str, TableSum]


def write(file: Path, made_at: int, version: str, revision: str) -> Manifest:
    """Write a manifest into a finished copy, and leave WAL mode, so that the backup is a single file."""
    with closing(sqlite3.connect(file)) as database:
        names = sorted(name for kind, name in _objects(database) if kind == "table")
        tables = {name: _sum(database, name) for name in names if not name.startswith("sqlite_")}
        manifest = Manifest(made_at, version, revision, tables)
        database.execute(f"CREATE TABLE {TABLE} (manifest TEXT NOT NULL)")
        content = json.dumps(asdict(manifest), sort_keys=True)
        database.execute(f"INSERT INTO {TABLE} VALUES (?)", (content,))  # noqa: S608
        database.commit()
        database.execute("PRAGMA journal_mode=DELETE")
    return manifest


def revision(file: Path, name: str) -> str:
    """Check that the file contains only tables and indexes, and return the revision of its tables.

    `name` is the file's name in error messages. Raises `DatabaseUnavailableError`.
    """
    with _Opened(file, name) as database:
        objects = _objects(database)
        for (kind, table), sql in objects.items():
            virtual = re.match(r"\s*CREATE\s+VIRTUAL\b", sql, re.IGNORECASE)
            if kind not in {"table", "index"} or virtual:
                odd = "virtual table" if virtual else kind
                raise DatabaseUnavailableError(
                    f"{name} has a {odd} “{table}”, which no backup has. Nothing was changed."
                )
        if ("table", "alembic_version") not in objects:
            raise DatabaseUnavailableError(f"{name} is not a backup of widget-server.")
        found = database.execute("SELECT version_num FROM alembic_version LIMIT 2").fetchall()
        if len(found) != 1 or not isinstance(found[0][0], str):
            raise DatabaseUnavailableError(f"{name} is not a backup of widget-server.")
        return str(found[0][0])


def check(file: Path, name: str, shape: Path, revision: str) -> Manifest | None:
    """Check tables, columns, integrity and checksums. Return the manifest (None: backup without manifest).

    `shape` is an empty database of the same revision. Raises `DatabaseUnavailableError`.
    """
    with _Opened(file, name) as database:
        with closing(sqlite3.connect(shape)) as empty:
            _check_shape(database, empty, name)
        verdict = database.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if verdict != "ok":
            fault = str(verdict).splitlines()[-1]
            raise DatabaseUnavailableError(f"{name} is damaged ({fault}). Nothing was changed.")
        if ("table", TABLE) in _objects(database):
            return _check_sums(database, name)
    if revision >= FIRST:
        raise DatabaseUnavailableError(
            f"{name} has no manifest: it is a database, not a backup. "
            "Make a backup with `widget-server backup`."
        )
    return None


def _check_shape(database: sqlite3.Connection, empty: sqlite3.Connection, name: str) -> None:
    """Compare tables, indexes and columns with those of an empty database of the same revision."""
    found, wanted = set(_objects(database)) - {("table", TABLE)}, set(_objects(empty))
    for kind, table in sorted(found ^ wanted, reverse=True):  # tables before their indexes
        has = "has no" if (kind, table) in wanted else "has one more"
        raise DatabaseUnavailableError(f"{name} {has} {kind} “{table}”. Nothing was changed.")
    for kind, table in sorted(wanted):
        if kind == "table" and _columns(database, table) != _columns(empty, table):
            raise DatabaseUnavailableError(
                f"The table {table} of {name} has other columns than a backup's. "
                "Nothing was changed."
            )


def _check_sums(database: sqlite3.Connection, name: str) -> Manifest:
    """Compare the rows of every table with the manifest, and return the manifest."""
    try:
        ((content,),) = database.execute(f"SELECT manifest FROM {TABLE} LIMIT 2").fetchall()  # noqa: S608
        given = json.loads(content)
        tables = {table: TableSum(**one) for table, one in given.pop("tables").items()}
        manifest = Manifest(**given, tables=tables)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise DatabaseUnavailableError(
            f"The manifest of {name} cannot be read: the file is damaged. Nothing was changed."
        ) from None
    present = {table for kind, table in _objects(database) if kind == "table"}
    present = {table for table in present if table != TABLE and not table.startswith("sqlite_")}
    for table in sorted(present | set(tables)):
        expected = tables.get(table)
        if expected is None or table not in present or _sum(database, table) != expected:
            raise DatabaseUnavailableError(
                f"The rows of the table {table} of {name} are not those that were backed up. "
                "Nothing was changed; use another backup."
            )
    return manifest


class _Opened:
    """Opens an untrusted SQLite file. Every SQLite error becomes a `DatabaseUnavailableError`."""

    def __init__(self, file: Path, name: str) -> None:
        self._file, self._name = file, name

    def __enter__(self) -> sqlite3.Connection:
        self._database = sqlite3.connect(self._file)
        try:
            self._database.execute("PRAGMA trusted_schema=OFF")
        except sqlite3.Error as error:
            self.__exit__(type(error), error, None)
        return self._database

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._database.close()
        if isinstance(error, sqlite3.DatabaseError | UnicodeError):
            raise DatabaseUnavailableError(
                f"{self._name} is no backup of widget-server, or a damaged one ({error})."
            ) from None


def _objects(database: sqlite3.Connection) -> _Objects:
    rows = database.execute("SELECT type, name, sql FROM sqlite_master")
    return {(str(kind), str(name)): str(sql or "") for kind, name, sql in rows}


def _columns(database: sqlite3.Connection, table: str) -> list[tuple[object, ...]]:
    """Return name, type, NOT NULL, place in the primary key and kind (hidden, generated) of each column."""
    rows = database.execute(f'PRAGMA table_xinfo("{table}")').fetchall()
    return [(name, kind, notnull, key, hidden) for _, name, kind, notnull, _, key, hidden in rows]


def _sum(database: sqlite3.Connection, table: str) -> TableSum:
    described = _columns(database, table)
    columns = [str(name) for name, *_ in described]
    keys = sorted((place, number) for number, (*_, place, _) in enumerate(described, 1) if place)
    order = ", ".join(str(number) for _, number in keys) or "1"
    names = ", ".join(f'"{name}"' for name in columns)
    total, rows = hashlib.sha256(), 0
    for row in database.execute(f'SELECT {names} FROM "{table}" ORDER BY {order}'):  # noqa: S608
        try:
            total.update(orjson.dumps(row))
        except TypeError:
            raise DatabaseUnavailableError(
                f"The table {table} of the backup holds bytes in a text column."
            ) from None
        total.update(b"\n")
        rows += 1
    return TableSum(columns, rows, total.hexdigest())
