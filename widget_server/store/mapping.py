"""Mapping between table rows and records. No other module builds a record from columns.

A record's field and its column have the same name, except for the few that the functions here name.
"""

from collections.abc import Mapping
from dataclasses import fields
from operator import itemgetter
from typing import Any

import orjson
from sqlalchemy import Row, Select, Table, select

from widget_server.model.corrections import Correction, corrections_of
from widget_server.model.hints import HINT_STATES, Hint, HintState
from widget_server.model.records import (
    Comment,
    CommentState,
    Copy,
    Site,
    Story,
    Tally,
    Translation,
    Tree,
)
from widget_server.model.settings import SiteSettings
from widget_server.store.damaged_rows import (
    RowDamagedError,
    check_counts,
    check_generations,
    check_line,
    check_lines,
    check_time,
    check_tree,
    json_of,
    record_damaged_row,
)
from widget_server.store.schema import comments, copies, sites, stories


def _plain_fields(record: type[Any], table: Table, *converted: str) -> tuple[str, ...]:
    """Return the fields of a record that are a column's value unchanged: all but `converted`."""
    names = (field.name for field in fields(record))
    return tuple(name for name in names if name in table.c and name not in converted)


_comment_values = itemgetter(*(field.name for field in fields(Comment)))
_STORY_FIELDS = _plain_fields(Story, stories, "translations", "corrections")
_SITE_FIELDS = _plain_fields(Site, sites, "settings")


def dump(value: object) -> str:
    """Return the JSON text to store in a column."""
    return orjson.dumps(value).decode()


def counts_of(text: str) -> dict[str, int]:
    """Return the counts in a column's JSON. Raises ValueError."""
    counts: dict[str, int] = json_of(text)
    check_counts(counts)
    return counts


def tree_of(text: str) -> Tree:
    """Return the node tree in a column's JSON. Raises ValueError."""
    tree: Tree = json_of(text)
    check_tree(tree)
    return tree


def counts_or_none(table: str, row: object, text: str) -> dict[str, int]:
    """Return the counts in a column's JSON. Return no counts, and log the row, if they are damaged.

    A story without its counts is better than no story.
    """
    try:
        return counts_of(text)
    except ValueError as fault:
        record_damaged_row(RowDamagedError(table, row, str(fault)))
        return {}


def tree_or_none(table: str, row: object, text: str) -> Tree:
    """Return the node tree in a column's JSON. Return no nodes, and log the row, if it is damaged."""
    if text == "[]":
        return []
    try:
        return tree_of(text)
    except ValueError as fault:
        record_damaged_row(RowDamagedError(table, row, str(fault)))
        return []


_COMMENT_LINES = (
    "parent",
    "source",
    "name",
    "email",
    "website",
    "role",
    "lang",
    "waiting_source",
    "licence",
)
_comment_lines = itemgetter(*_COMMENT_LINES)
_STATES = {state.value: state for state in CommentState}


def state_of(row: Mapping[Any, Any]) -> CommentState:
    """Return the state in a row of `comments`. Raises ValueError."""
    # A look-up takes a third of the time of a call of the class, which raises the error.
    return _STATES.get(row["state"]) or CommentState(row["state"])


def tags_of(row: Mapping[Any, Any]) -> tuple[str, ...]:
    """Return the tags in a row of `comments` that was checked before."""
    stored = row["tags"]
    return () if stored is None else tuple(json_of(stored))


def _check_tags(stored: str) -> None:
    """Raise ValueError if the column's value is no JSON list of texts."""
    found: Any = json_of(stored)
    if not isinstance(found, list):
        raise ValueError("its tags are no list")  # noqa: TRY004 - one class for all damage
    check_lines(found)
    if None in found:
        raise ValueError("one of its tags is no text")


def check_head(row: Mapping[Any, Any]) -> None:
    """Raise `RowDamagedError` if a row of `comments` has an invalid state, time or text column."""
    try:
        state_of(row)
        check_time(row["created_at"])
        check_time(row["changed_at"])
        for name in ("edited_at", "featured_at"):
            if row[name] is not None:
                check_time(row[name])
        check_lines(_comment_lines(row))
        if row["tags"] is not None:
            _check_tags(row["tags"])
    except ValueError as fault:
        raise RowDamagedError("comments", row["id"], str(fault)) from None


def check_comment(row: Mapping[Any, Any]) -> None:
    """Raise `RowDamagedError` if a row of `comments` cannot be shown or approved."""
    check_head(row)
    try:
        tree_of(row["text"])
        counts_of(row["counts"])
        if row["waiting_source"] is not None:
            tree_of(row["waiting_text"])
    except ValueError as fault:
        raise RowDamagedError("comments", row["id"], str(fault)) from None


_READ_COLUMNS = (
    *_plain_fields(Comment, comments),
    "version",
    "counts",
    "waiting_source",
    "copy_label",
    "copy_origin",
)
"""What a record needs of a row of `select_comments`."""
_read_columns = itemgetter(*_READ_COLUMNS)


def select_comments() -> Select[Any]:
    """Return a query for comments, each with the copy on which it was written."""
    return select(
        comments,
        copies.c.label.label("copy_label"),
        copies.c.origin.label("copy_origin"),
    ).outerjoin(copies, comments.c.copy == copies.c.id)


def to_comment(row: Row[Any]) -> Comment:
    """Return the record of a row of `select_comments`. Raises `RowDamagedError`."""
    # A dictionary: its values are read often, and a row looks each name up.
    values = dict(zip(_READ_COLUMNS, _read_columns(row._mapping), strict=True))
    check_head(values)
    label, origin = values["copy_label"], values["copy_origin"]
    try:
        text, counts = tree_of(values["text"]), counts_of(values["counts"])
        check_lines((label, origin))
    except ValueError as fault:
        raise RowDamagedError("comments", values["id"], str(fault)) from None
    copy = None if values["copy"] is None else Copy(values["copy"], label, origin)
    return comment_record(values, text, Tally(values["version"], counts), copy)


def comment_record(row: Mapping[Any, Any], text: Tree, tally: Tally, copy: Copy | None) -> Comment:
    """Return the record of a row of `comments` that was checked before."""
    values = {
        **row,
        "state": state_of(row),
        "text": text,
        "copy": copy,
        "tally": tally,
        "waiting": row["waiting_source"] is not None,
        "tags": tags_of(row),
    }
    # By position: by name takes twice as long.
    return Comment(*_comment_values(values))


_STORY_LINES = ("title", "author", "publisher", "url", "notice")


def to_story(row: Row[Any]) -> Story:
    """Return the record of a row of `stories`, without the columns that are damaged."""
    values: dict[Any, Any] = dict(row._mapping)
    for name in _STORY_LINES:
        values[name] = _line_or_none(values["id"], values[name])
    counts = counts_or_none("stories", values["id"], values["counts"])
    return story_record(values, Tally(values["version"], counts))


def _line_or_none(story: object, value: object) -> str | None:
    """Return the value of a text column of a story, or None if it is no text."""
    try:
        check_line(value)
    except ValueError as fault:
        record_damaged_row(RowDamagedError("stories", story, str(fault)))
        return None
    return str(value) if value is not None else None


def story_record(row: Mapping[Any, Any], tally: Tally) -> Story:
    """Return the record of a row of `stories` that was checked before."""
    return Story(
        **{name: row[name] for name in _STORY_FIELDS},
        count=row["published"],
        tally=tally,
        corrections=stored_corrections(row),
        translations=translations_of(row),
    )


def translations_of(row: Mapping[Any, Any]) -> dict[str, Translation]:
    """Return the translations of a row of `stories`, by language. Return none, and log it, if damaged.

    What is stored without an address is the original, whose title and address are the row's.
    """
    if row["translations"] is None:
        return {}
    own = Translation(row["title"] or row["key"], row["url"] or "", original=True)
    try:
        stored: dict[str, Any] = json_of(row["translations"])
        for one in stored.values():
            check_line(one["title"])
            check_line(one["url"])
        return {
            tag: Translation(one["title"] or own.title, one["url"]) if one["url"] else own
            for tag, one in stored.items()
        }
    except (ValueError, TypeError, AttributeError, LookupError):
        fault = RowDamagedError("stories", row["id"], "its translations cannot be read")
        record_damaged_row(fault)
        return {}


def stored_corrections(row: Mapping[Any, Any]) -> tuple[Correction, ...]:
    """Return the corrections in a row of `stories`. Return none, and log the row, if they are damaged."""
    if row["corrections"] is None:
        return ()
    try:
        return corrections_of(json_of(row["corrections"]))
    except ValueError as fault:
        record_damaged_row(RowDamagedError("stories", row["id"], str(fault)))
        return ()


def to_hint(row: Mapping[Any, Any]) -> Hint:
    """Return the record of a row of `hints`, for its reader."""
    state: HintState = next((one for one in HINT_STATES if one == row["state"]), "open")
    return Hint(
        id=row["id"],
        at=row["at"],
        text=row["text"],
        passage=row["passage"],
        credit=row["credit"],
        state=state,
        answer=row["answer"],
        correction=row["decision"] if state == "accepted" else None,
        decided_at=row["decided_at"],
    )


def to_site(row: Row[Any]) -> Site:
    """Return the record of a row of `sites`. Raises `RowDamagedError`."""
    return site_record(row._mapping)


def site_record(row: Mapping[Any, Any]) -> Site:
    """Return the record of a site's columns. Raises `RowDamagedError`."""
    try:
        settings = SiteSettings.from_json(json_of(row["settings"]))
        check_settings(settings)
        check_generations(row["oldest"], row["generation"])
    except (ValueError, TypeError, AttributeError, LookupError):
        raise RowDamagedError("sites", row["slug"], "its rules or keys cannot be read") from None
    return Site(**{name: row[name] for name in _SITE_FIELDS}, settings=settings)


def check_settings(settings: SiteSettings) -> None:
    """Raise ValueError or TypeError if settings cannot be used or shown."""
    settings.check()
    for tree in settings.guidelines_trees.values():
        check_tree(tree)


def overrides_of(row: Row[Any]) -> dict[str, Any]:
    """Return the overriding settings in a row of `stories`. Raises `RowDamagedError`."""
    try:
        overrides: dict[str, Any] = json_of(row.settings)
        check_settings(SiteSettings().for_story(overrides))
    except (ValueError, TypeError, AttributeError, LookupError):
        raise RowDamagedError("stories", row.id, "its settings cannot be read") from None
    return overrides


def site_row(site: Site) -> dict[str, Any]:
    """Return the columns of a site that its commands change."""
    return {
        "slug": site.slug,
        "name": site.name,
        "generation": site.generation,
        "oldest": site.oldest,
        "settings": dump(site.settings.to_json()),
    }
