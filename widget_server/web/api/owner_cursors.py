"""Opaque cursors of the lists whose place is not yet a text."""

import base64
from typing import Any

import orjson

from widget_server.model.errors import MalformedError


def encode(kind: str, *place: int | str) -> str:
    """Return the cursor of the page after this place. `kind` names the list."""
    return base64.urlsafe_b64encode(orjson.dumps([kind, *place])).rstrip(b"=").decode()


def decode(cursor: str, kind: str, types: tuple[type, ...]) -> list[Any]:
    """Return the place in a cursor. Raises `MalformedError` for one that no page of this list returned."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        content: list[Any] = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        found, *place = content
    except (ValueError, TypeError):
        found, place = None, []
    fits = all(not isinstance(one, str) or "\0" not in one for one in place)
    fits &= all(not isinstance(one, int) or abs(one) < 2**63 for one in place)
    if found != kind or tuple(map(type, place)) != types or not fits:
        raise MalformedError("Send `after` as the last page returned it, with the same filters.")
    return place
