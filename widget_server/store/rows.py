"""Rows to records and back: the only place that knows how a record lies in its columns."""

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Row, Select, select

from widget_server.model.records import Comment, CommentState, Copy, Site, Story, Tally, Tree
from widget_server.model.settings import SiteSettings
from widget_server.store.damage import (
    RowDamagedError,
    check_counts,
    check_generations,
    check_line,
    check_time,
    check_tree,
    json_of,
    left_out,
)
from widget_server.store.schema import comments, copies


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
        left_out(RowDamagedError(table, row, str(fault)))
        return {}


def tree_or_none(table: str, row: object, text: str) -> Tree:
    """The node tree that a column holds; an empty one, logged, where it cannot be read."""
    try:
        return tree_of(text)
    except ValueError as fault:
        left_out(RowDamagedError(table, row, str(fault)))
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
        left_out(RowDamagedError("stories", row.id, str(fault)))
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
    )
