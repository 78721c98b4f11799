"""Cursors of pages: what a page returned is read back, and every other text is refused."""

import base64

import pytest

from widget_server.model.cursors import decode_cursor, encode_cursor, place_after, read_cursor
from widget_server.model.errors import MalformedError


@pytest.mark.parametrize("place", [(), (0,), (-(2**63) + 1, "é\u2028🦆"), (1, "a", "b")])
def test_a_place_comes_back_as_it_was(place: tuple[int | str, ...]) -> None:
    cursor = encode_cursor("newest", *place)
    assert read_cursor(cursor) == ("newest", list(place))
    assert decode_cursor(cursor, "newest", tuple(map(type, place))) == list(place)
    assert cursor.isascii()
    assert "=" not in cursor


def test_a_cursor_of_the_version_before_is_still_read() -> None:
    assert decode_cursor("WyJhY3Rpdml0eSIsMTcsM10", "activity", (int, int)) == [17, 3]


def raw(content: bytes) -> str:
    """Return a cursor with this content."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "=",
        "a",
        "\u00e9",
        "WyJhIi",
        raw(b"{}"),
        raw(b"[]"),
        raw(b"[1,2]"),
        raw(b'["k",true]'),
        raw(b'["k",1.5]'),
        raw(b'["k",NaN]'),
        raw(b'["k",9223372036854775808]'),
        raw(b'["k",' + b"9" * 5_000 + b"]"),
        raw(b'["k","\\u0000"]'),
        raw(b'["k","\\ud800"]'),
        raw(b'["k","\xff"]'),
        raw(b"[" * 100_000),
        raw(b'["another",1]'),
        raw(b'["k","1"]'),
        raw(b'["k",1,2]'),
    ],
)
def test_a_text_that_no_page_returned_is_malformed(cursor: str) -> None:
    with pytest.raises(MalformedError, match="as the last page returned it"):
        decode_cursor(cursor, "k", (int,))


def test_the_place_of_a_list_by_number_and_id_is_read_and_of_the_first_page_there_is_none() -> None:
    assert place_after(encode_cursor("bans", 7, "a"), "bans") == (7, "a")
    assert place_after(None, "bans") is place_after("", "bans") is None
    for other in (encode_cursor("log", 7, "a"), encode_cursor("bans", 7), "x"):
        with pytest.raises(MalformedError):
            place_after(other, "bans")
