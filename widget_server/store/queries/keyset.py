"""Keyset paging: rows after a cursor, and the cursor of the next page; and search in texts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Boolean, ColumnElement, Row, Select, or_, tuple_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from widget_server.model.cursors import decode_cursor, encode_cursor
from widget_server.model.limits import MAX_PAGE

R = TypeVar("R", bound=Row[Any])


@dataclass(frozen=True, slots=True)
class Keyset:
    """The order of a list, all columns descending. `kind` names it in cursors, with the columns' types."""

    kind: str
    columns: tuple[ColumnElement[Any], ...]
    types: tuple[type, ...]
    limit: int

    @property
    def size(self) -> int:
        """Rows of a page: a number from 1 to `MAX_PAGE`."""
        return max(1, min(self.limit, MAX_PAGE))

    def page(self, query: Select[Any], after: str | None) -> Select[Any]:
        """Return the query for the page after a cursor, and one row more. Raises `MalformedError`."""
        if after is not None:
            place = decode_cursor(after, self.kind, self.types)
            query = query.where(tuple_(*self.columns) < tuple_(*place))
        return query.order_by(*(column.desc() for column in self.columns)).limit(self.size + 1)

    def cut(
        self, rows: Sequence[R], place: Callable[[R], tuple[int | str, ...]]
    ) -> tuple[Sequence[R], str | None]:
        """Return the page's rows, and the cursor of the next page or None. `place` is that of a row."""
        if len(rows) <= self.size:
            return rows, None
        return rows[: self.size], encode_cursor(self.kind, *place(rows[self.size - 1]))


def contains(column: ColumnElement[Any], words: str) -> ColumnElement[bool]:
    """Return the condition that a text contains these words, whatever their case.

    SQLite folds only ASCII letters, so the usual spellings of other letters are compared as well.
    """
    spellings = dict.fromkeys((words, words.lower(), words.upper(), words.title()))
    if words.isascii():
        spellings = dict.fromkeys((words,))
    return or_(*(_LikeInAnyCase(column, f"%{escape_like(one)}%") for one in spellings))


class _LikeInAnyCase(FunctionElement[bool]):
    """`LIKE` that finds capitals and small letters alike. Its arguments are a text and a pattern."""

    type = Boolean()
    inherit_cache = True


@compiles(_LikeInAnyCase)
def _ilike(element: _LikeInAnyCase, compiler: SQLCompiler, **options: Any) -> str:
    text, pattern = (compiler.process(one, **options) for one in element.clauses)
    return f"({text} ILIKE {pattern} ESCAPE '\\')"


@compiles(_LikeInAnyCase, "sqlite")
def _like(element: _LikeInAnyCase, compiler: SQLCompiler, **options: Any) -> str:
    # SQLAlchemy's `ilike` compares two lower-case copies. SQLite's LIKE needs none: half the time.
    text, pattern = (compiler.process(one, **options) for one in element.clauses)
    return f"({text} LIKE {pattern} ESCAPE '\\')"


def escape_like(words: str) -> str:
    """Return a text for LIKE in which no character is a wildcard."""
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
