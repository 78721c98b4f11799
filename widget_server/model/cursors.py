"""Opaque cursors of pages: the kind of a list, and the place after which the next page begins."""

import base64
import json
from typing import Any

from widget_server.model.errors import MalformedError


def encode_cursor(kind: str, *place: int | str) -> str:
    """Return the cursor of the page after this place. `kind` names the list and its order."""
    content = json.dumps([kind, *place], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(content.encode()).rstrip(b"=").decode()


def read_cursor(cursor: str) -> tuple[str, list[int | str]]:
    """Return kind and place of a cursor. Raises `ValueError` for a text that is none.

    The numbers fit into 64 bits and the texts have no character that a database rejects.
    """
    padded = cursor + "=" * (-len(cursor) % 4)
    try:
        content: Any = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except RecursionError:
        raise ValueError("too deep") from None
    if not isinstance(content, list) or not content or type(content[0]) is not str:
        raise ValueError("no kind")
    for part in content:
        if type(part) is str:
            if "\0" in part or any("\ud800" <= char <= "\udfff" for char in part):
                raise ValueError("a text that cannot be stored")
        elif type(part) is not int or abs(part) >= 2**63:
            raise ValueError("neither a number nor a text")
    return content[0], content[1:]


def decode_cursor(cursor: str, kind: str, types: tuple[type, ...]) -> list[Any]:
    """Return the place in a cursor. Raises `MalformedError` for one that no page of this list returned."""
    try:
        found, place = read_cursor(cursor)
    except ValueError:
        found, place = "", []
    if found != kind or tuple(map(type, place)) != types:
        raise MalformedError(
            "Send `after` as the last page returned it, with the same order and filters."
        )
    return place


def place_after(cursor: str | None, kind: str) -> tuple[int, str] | None:
    """Return the place in a cursor of a list in the order of a number and an id, or None for the first page.

    Raises `MalformedError` as `decode_cursor`.
    """
    if not cursor:
        return None
    number, id_ = decode_cursor(cursor, kind, (int, str))
    return int(number), str(id_)
