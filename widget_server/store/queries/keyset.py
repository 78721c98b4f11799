"""Keyset paging: the opaque cursor of the next page, and the condition that continues after it."""

import base64
from typing import Any

import orjson
from sqlalchemy import ColumnElement, or_, tuple_

from widget_server.model.errors import MalformedError
from widget_server.model.limits import MAX_PAGE


def encode_cursor(kind: str, *place: int | str) -> str:
    """Return the cursor of the page after the row with this place. `kind` names the order."""
    return base64.urlsafe_b64encode(orjson.dumps([kind, *place])).rstrip(b"=").decode()


def decode_cursor(cursor: str, kind: str, types: tuple[type, ...]) -> list[Any]:
    """Return the place in a cursor. Raises `MalformedError` for one that no page of this order returned."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        content: list[Any] = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        found, *place = content
    except (ValueError, TypeError):
        found, place = None, []
    numbers_fit = all(abs(value) < 2**63 for value in place if type(value) is int)
    if found != kind or tuple(map(type, place)) != types or not numbers_fit:
        raise MalformedError("Send `after` as the last page returned it, with the same order.")
    return place


def after_place(columns: tuple[ColumnElement[Any], ...], place: list[Any]) -> ColumnElement[bool]:
    """Return the condition for the rows after a place. All columns are in descending order."""
    return tuple_(*columns) < tuple_(*place)


def page_size(limit: int) -> int:
    """Return the rows to read for a page: a number from 1 to `MAX_PAGE`."""
    return max(1, min(limit, MAX_PAGE))


def contains(column: ColumnElement[Any], words: str) -> ColumnElement[bool]:
    """Return the condition that a text contains these words, whatever their case.

    SQLite folds only ASCII letters, so the usual spellings of other letters are compared as well.
    """
    spellings = dict.fromkeys((words, words.lower(), words.upper(), words.title()))
    return or_(*(column.ilike(f"%{escape_like(one)}%", escape="\\") for one in spellings))


def escape_like(words: str) -> str:
    """Return a text for LIKE in which no character is a wildcard."""
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
