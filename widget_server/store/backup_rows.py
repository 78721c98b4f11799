"""Check every row of a backup with the functions that read it in the server."""

import re
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Integer, String, Table, Text

from widget_server.model.corrections import corrections_of
from widget_server.store.damaged_rows import RowDamagedError, check_time, json_of
from widget_server.store.mapping import check_comment, counts_of, site_record
from widget_server.store.schema import metadata

_TIMES = frozenset(
    {
        "agreed_at",
        "at",
        "changed_at",
        "closed_at",
        "closes_at",
        "created_at",
        "decided_at",
        "disabled_at",
        "due_at",
        "edited_at",
        "ended_at",
        "fetched_at",
        "first_seen",
        "last_at",
        "last_seen",
        "lease_until",
        "made_at",
        "mode_at",
        "opened_at",
        "seen_at",
        "strong_at",
        "until",
        "used_at",
    }
)

# Queries for references to missing rows that no foreign key protects, and the fault to report.
_ORPHANS = {
    "comments": (
        "SELECT id FROM comments AS own WHERE NOT EXISTS (SELECT 1 FROM comments AS other WHERE"
        " other.story = own.story AND other.id = own.thread) OR (parent IS NOT NULL AND NOT EXISTS"
        " (SELECT 1 FROM comments AS other WHERE other.story = own.story AND"
        " other.id = own.parent)) LIMIT 1",
        "it belongs to a comment that is not there",
    ),
    "reactions": (
        "SELECT target FROM reactions AS own WHERE target <> '' AND NOT EXISTS (SELECT 1 FROM"
        " comments WHERE comments.story = own.story AND id = target) LIMIT 1",
        "it belongs to a comment that is not there",
    ),
    "stories": (
        "SELECT stories.id FROM stories JOIN comments ON story = stories.id"
        " WHERE comments.seq > stories.seq OR comments.version > stories.tallies LIMIT 1",
        "a comment of it has a number that was not given yet",
    ),
}


def check_rows(file: Path) -> None:
    """Check every row of a SQLite file with this version's tables.

    Raises `RowDamagedError`, which names the table and the row.
    """
    with closing(sqlite3.connect(file)) as database:
        database.row_factory = sqlite3.Row
        for table in metadata.sorted_tables:
            try:
                _check_table(database, table)
            except sqlite3.DatabaseError as error:
                raise RowDamagedError(table.name, "unknown", str(error)) from None
        _check_epoch(database)
        _check_links(database)


def _check_table(database: sqlite3.Connection, table: Table) -> None:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    check_row = _ROW_CHECKS.get(table.name)
    for row in database.execute(f'SELECT {names} FROM "{table.name}"'):  # noqa: S608
        for column in table.columns:
            fault = _fault(column, row[column.name])
            if fault is not None:
                key = "/".join(str(row[one.name]) for one in table.primary_key.columns)
                raise RowDamagedError(table.name, key, f"{column.name} {fault}")
        if check_row is not None:
            check_row(row)


def _fault(column: Column[Any], value: object) -> str | None:
    """Return why a value is invalid for its column, or None. PostgreSQL would reject such a value."""
    if value is None:
        return None if column.nullable else "is missing"
    if isinstance(column.type, Boolean):
        return None if value in (0, 1) else "is neither true nor false"
    if isinstance(column.type, String | Text):
        return _fault_of_text(value, column.type.length)
    if type(value) is not int or value < 0:
        return "is no whole number of at least 0"
    small = isinstance(column.type, Integer) and not isinstance(column.type, BigInteger)
    if value >= (2**31 if small else 2**63):
        return "is too large"
    if column.name in _TIMES:
        try:
            check_time(value)
        except ValueError as fault:
            return f"is wrong: {fault}"
    return None


def _fault_of_text(value: object, length: int | None) -> str | None:
    if not isinstance(value, str) or "\0" in value:
        return "is no text"
    return "is too long" if length is not None and len(value) > length else None


def _check_story(row: Mapping[Any, Any]) -> None:
    try:
        counts_of(row["counts"])
        if row["corrections"] is not None:
            corrections_of(json_of(row["corrections"]))
    except ValueError as fault:
        raise RowDamagedError("stories", row["id"], str(fault)) from None


def _check_rule(row: Mapping[Any, Any]) -> None:
    try:
        body = json_of(row["body"])
    except ValueError as fault:
        raise RowDamagedError("rules", row["id"], str(fault)) from None
    if not isinstance(body, dict):
        raise RowDamagedError("rules", row["id"], "its body is no object")


_ROW_CHECKS: Mapping[str, Callable[[Mapping[Any, Any]], object]] = {
    "comments": check_comment,
    "rules": _check_rule,
    "stories": _check_story,
    "sites": site_record,
}


def _check_epoch(database: sqlite3.Connection) -> None:
    row = database.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()
    if row is None or re.fullmatch(r"[0-9A-Za-z]{1,64}", str(row[0])) is None:
        raise RowDamagedError("meta", "epoch", "the epoch is missing")


def _check_links(database: sqlite3.Connection) -> None:
    found = database.execute("PRAGMA foreign_key_check").fetchone()
    if found is not None:
        table, number, other, _ = found
        raise RowDamagedError(table, number, f"it belongs to a row of {other} that is not there")
    for table, (query, fault) in _ORPHANS.items():
        row = database.execute(query).fetchone()
        if row is not None:
            raise RowDamagedError(table, row[0], fault)
