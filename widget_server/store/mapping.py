"""Rows to records and back: the only place that knows how a record lies in its columns."""

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Integer, Row, Select, Subquery, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from widget_server.model.records import Comment, CommentState, Copy, Site, Story, Tally, Tree
from widget_server.model.settings import SiteSettings
from widget_server.store.damaged_rows import (
    RowDamagedError,
    check_counts,
    check_generations,
    check_line,
    check_time,
    check_tree,
    json_of,
    record_damaged_row,
)
from widget_server.store.schema import comments, copies

ALWAYS = 580
"""Bytes of a comment's JSON beside its texts and counts, at most: names, ids, numbers and times."""


class byte_length(GenericFunction[int]):  # noqa: N801 - named as it is called in SQL
    """Bytes of a text in UTF-8, which is how both databases keep it."""

    type = Integer()
    inherit_cache = True


@compiles(byte_length)
def _octet_length(element: Any, compiler: Any, **more: Any) -> str:
    return f"octet_length({compiler.process(element.clauses, **more)})"


@compiles(byte_length, "sqlite")
def _length_of_blob(element: Any, compiler: Any, **more: Any) -> str:
    # `octet_length` came with SQLite 3.43; the one that Python brings is often older.
    return f"length(CAST({compiler.process(element.clauses, **more)} AS BLOB))"


def size_of_shown() -> ColumnElement[int]:
    """Bytes of a comment's JSON, at most."""
    size: ColumnElement[int] = (
        ALWAYS + byte_length(comments.c.text) + byte_length(comments.c.counts)
    )
    for column in (comments.c.name, comments.c.website, copies.c.label, copies.c.origin):
        size += func.coalesce(_escaped(column), 0)
    return size


def _escaped(column: ColumnElement[Any]) -> ColumnElement[int]:
    """Bytes of a text in JSON, at most: any of its characters may take one more."""
    return byte_length(column) + func.length(column)


def size_of_own() -> ColumnElement[int]:
    """Bytes of its JSON for its author, at most: the text as it was typed comes with it."""
    return size_of_shown() + _escaped(comments.c.source) + 100


def size_of_comment(comment: Comment) -> int:
    """What the database says of its size: bytes of its JSON, at most."""
    via = comment.copy
    escaped = (comment.name, comment.website, via and via.label, via and via.origin)
    texts = sum(len(text.encode()) + len(text) for text in escaped if text)
    return (
        ALWAYS + len(orjson.dumps(comment.text)) + len(orjson.dumps(comment.tally.counts)) + texts
    )


def sized_comments(asked: Select[Any], size: ColumnElement[int] | None = None) -> Subquery:
    """The comments whose ids are asked for, without their texts: place, and `size` in bytes.

    What else is asked for beside `id` stays.
    """
    ids = asked.subquery()
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


def dump(value: object) -> str:
    """JSON text for a column."""
    return orjson.dumps(value).decode()


def counts_of(text: str) -> dict[str, int]:
    """The counts that a column holds. Raises ValueError."""
    counts: dict[str, int] = json_of(text)
    check_counts(counts)
    return counts


def tree_of(text: str) -> Tree:
    """The node tree that a column holds. Raises ValueError."""
    tree: Tree = json_of(text)
    check_tree(tree)
    return tree


def counts_or_none(table: str, row: object, text: str) -> dict[str, int]:
    """The counts that a column holds; no counts, logged, where they cannot be read.

    A story is shown without its counts rather than not at all.
    """
    try:
        return counts_of(text)
    except ValueError as fault:
        record_damaged_row(RowDamagedError(table, row, str(fault)))
        return {}


def tree_or_none(table: str, row: object, text: str) -> Tree:
    """The node tree that a column holds; an empty one, logged, where it cannot be read."""
    try:
        return tree_of(text)
    except ValueError as fault:
        record_damaged_row(RowDamagedError(table, row, str(fault)))
        return []


_LINES = ("parent", "source", "name", "email", "website", "role", "lang", "waiting_source")


def check_head(row: Mapping[Any, Any]) -> None:
    """Raise `RowDamagedError` for a row of `comments` with a state, time or line that is none."""
    try:
        CommentState(row["state"])
        check_time(row["created_at"])
        if row["edited_at"] is not None:
            check_time(row["edited_at"])
        for name in _LINES:
            check_line(row[name])
    except ValueError as fault:
        raise RowDamagedError("comments", row["id"], str(fault)) from None


def check_comment(row: Mapping[Any, Any]) -> None:
    """Raise `RowDamagedError` for a row of `comments` that cannot be shown or approved."""
    check_head(row)
    try:
        tree_of(row["text"])
        counts_of(row["counts"])
        if row["waiting_source"] is not None:
            tree_of(row["waiting_text"])
    except ValueError as fault:
        raise RowDamagedError("comments", row["id"], str(fault)) from None


def select_comments() -> Select[Any]:
    """Comments with the copy that each was written on."""
    return select(
        comments,
        copies.c.label.label("copy_label"),
        copies.c.origin.label("copy_origin"),
    ).outerjoin(copies, comments.c.copy == copies.c.id)


def to_comment(row: Row[Any]) -> Comment:
    """A row of `select_comments` as a record. Raises `RowDamagedError`."""
    check_head(row._mapping)
    try:
        text, counts = tree_of(row.text), counts_of(row.counts)
        check_line(row.copy_label)
        check_line(row.copy_origin)
    except ValueError as fault:
        raise RowDamagedError("comments", row.id, str(fault)) from None
    return Comment(
        id=row.id,
        parent=row.parent,
        thread=row.thread,
        born=row.born,
        seq=row.seq,
        state=CommentState(row.state),
        source=row.source,
        text=text,
        name=row.name,
        vouched=bool(row.vouched),
        email=row.email,
        website=row.website,
        role=row.role,
        reader=row.reader,
        copy=None if row.copy is None else Copy(row.copy, row.copy_label, row.copy_origin),
        lang=row.lang,
        created_at=row.created_at,
        edited_at=row.edited_at,
        pinned=bool(row.pinned),
        tally=Tally(row.version, counts),
        waiting=row.waiting_source is not None,
    )


_SAID = ("title", "author", "publisher", "url", "notice")


def _line_or_none(row: Row[Any], name: str) -> str | None:
    """What a row of `stories` says, or nothing where it is no text."""
    value = row._mapping[name]
    try:
        check_line(value)
    except ValueError as fault:
        record_damaged_row(RowDamagedError("stories", row.id, str(fault)))
        return None
    return str(value) if value is not None else None


def to_story(row: Row[Any]) -> Story:
    """A row of `stories` as a record."""
    said = {name: _line_or_none(row, name) for name in _SAID}
    return Story(
        **said,
        id=row.id,
        code=row.code,
        site=row.site,
        key=row.key,
        license=row.license,
        attributed=row.attributed,
        closed=bool(row.closed),
        seq=row.seq,
        tallies=row.tallies,
        tally=Tally(row.version, counts_or_none("stories", row.id, row.counts)),
        count=row.published,
        created_at=row.created_at,
    )


def to_site(row: Row[Any]) -> Site:
    """A row of `sites` as a record. Raises `RowDamagedError`."""
    try:
        settings = SiteSettings.from_json(json_of(row.settings))
        settings.check()
        check_generations(row.oldest, row.generation)
    except (ValueError, TypeError, AttributeError):
        raise RowDamagedError("sites", row.slug, "its rules or keys cannot be read") from None
    return Site(
        slug=row.slug,
        name=row.name,
        generation=row.generation,
        oldest=row.oldest,
        settings=settings,
        rights=row.rights,
    )
