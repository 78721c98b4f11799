"""Upper bounds for the JSON size of comments, computed in SQL and from records.

A query selects by these sizes how many comments a response has room for, before it reads their texts.
"""

from typing import Any

import orjson
from sqlalchemy import ColumnElement, Integer, Select, Subquery, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from widget_server.model.records import Comment
from widget_server.store.schema import comments, copies

FIXED_BYTES = 640
"""At most so many bytes of a comment's JSON are neither texts nor counts: names, ids, numbers, times."""


class byte_length(GenericFunction[int]):  # noqa: N801 - named as it is called in SQL
    """Number of bytes of a text in UTF-8, the encoding of both databases."""

    type = Integer()
    inherit_cache = True


@compiles(byte_length)
def _octet_length(element: Any, compiler: Any, **more: Any) -> str:
    return f"octet_length({compiler.process(element.clauses, **more)})"


@compiles(byte_length, "sqlite")
def _length_of_blob(element: Any, compiler: Any, **more: Any) -> str:
    # SQLite has `octet_length` since 3.43. Python often ships an older SQLite.
    return f"length(CAST({compiler.process(element.clauses, **more)} AS BLOB))"


def size_of_shown() -> ColumnElement[int]:
    """Return an SQL upper bound for the bytes of a comment's public JSON."""
    size: ColumnElement[int] = (
        FIXED_BYTES + byte_length(comments.c.text) + byte_length(comments.c.counts)
    )
    for column in (comments.c.name, comments.c.website, copies.c.label, copies.c.origin):
        size += func.coalesce(_escaped(column), 0)
    return size


def _escaped(column: ColumnElement[Any]) -> ColumnElement[int]:
    """Return an upper bound for a text's bytes in JSON: escaping may add one byte to each character."""
    return byte_length(column) + func.length(column)


def size_of_own() -> ColumnElement[int]:
    """Return an SQL upper bound for the bytes of a comment's JSON for its author, with its source."""
    return size_of_shown() + _escaped(comments.c.source) + 100


def size_of_comment(comment: Comment) -> int:
    """Return the same number of bytes as `size_of_shown` in SQL."""
    copy = comment.copy
    escaped = (comment.name, comment.website, copy and copy.label, copy and copy.origin)
    texts = sum(len(text.encode()) + len(text) for text in escaped if text)
    return (
        FIXED_BYTES
        + len(orjson.dumps(comment.text))
        + len(orjson.dumps(comment.tally.counts))
        + texts
    )


def sized_comments(selected: Select[Any], size: ColumnElement[int] | None = None) -> Subquery:
    """Return `id`, `born`, `score` and `size` (bytes) of the selected comments, without their texts.

    `selected` selects comment ids as `id`. Its other columns are kept.
    """
    ids = selected.subquery()
    own = ("id", "born", "score")
    rest = [column for column in ids.c if column.name not in own]
    size = size_of_shown() if size is None else size
    return (
        select(*(comments.c[name] for name in own), size.label("size"), *rest)
        .select_from(
            ids.join(comments, comments.c.id == ids.c.id).outerjoin(
                copies, comments.c.copy == copies.c.id
            )
        )
        .subquery()
    )
