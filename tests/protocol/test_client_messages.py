"""What embeds may send is read strictly, and a fault is named without repeating what was sent."""

import json
from contextlib import suppress
from typing import Any, get_args

import pytest
from hypothesis import given, strategies as st

from widget_server.model.errors import MalformedError, ProblemError, TooLargeError
from widget_server.protocol import client_messages
from widget_server.protocol.client_messages import (
    MAX_BYTES,
    InvalidMessageError,
    parse_action,
    parse_message,
)

CODE = "0123456789ab"


def react(**more: Any) -> dict[str, Any]:
    return {"type": "react", "story": CODE, "reaction": "happy", **more}


def test_a_message_is_read_by_its_type() -> None:
    for model in get_args(client_messages.Message):
        assert model.__doc__
    read = parse_message(json.dumps(react(ref=7, comment="abc")))
    assert read == client_messages.React(
        type="react", ref=7, story=CODE, reaction="happy", comment="abc"
    )


def test_fields_of_a_newer_embed_are_passed_over() -> None:
    assert parse_action(json.dumps(react(mood=[1], ref=1)).encode()) == client_messages.React(
        type="react", ref=1, story=CODE, reaction="happy"
    )


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ({"type": "react", "story": CODE}, "reaction"),
        (react(story="short"), "story"),
        (react(ref="1"), "ref"),
        (react(ref=True), "ref"),
        (react(first="guess"), "first"),
        ({"type": "visible", "value": 1}, "value"),
        ({"type": "evil<script>"}, "type"),
        ({}, "type"),
    ],
)
def test_a_fault_is_named_by_its_field(message: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidMessageError, match=f"“{named}”") as fault:
        parse_message(json.dumps(message))
    assert "script" not in fault.value.detail


@pytest.mark.parametrize(
    ("ref", "kept"), [(7, 7), (0, 0), (-1, None), (True, None), ("7", None), (2**53, None)]
)
def test_the_reference_of_what_cannot_be_understood_is_kept_where_it_is_one(
    ref: Any, kept: int | None
) -> None:
    with pytest.raises(InvalidMessageError) as fault:
        parse_message(json.dumps({"type": "nothing", "ref": ref}))
    assert fault.value.ref == kept


BAD_LANGS: tuple[Any, ...] = (
    "en_US", "zh_CN", "x-default", "en-", "de DE", "{{ lang }}", "", "a" * 36, 7, ["en"], {},
)  # fmt: skip
BAD_PAGES: tuple[Any, ...] = ("https://a.example/" + "a" * 2_000, 7, [])
BAD_POSITIONS: tuple[Any, ...] = (
    "e:1", {"epoch": "e"}, {"epoch": "e" * 65, "seq": 1}, {"epoch": "e", "seq": -1},
)  # fmt: skip
UNFIT = [
    *(("lang", value) for value in BAD_LANGS),
    *(("page", value) for value in BAD_PAGES),
    *(("since", value) for value in BAD_POSITIONS),
]


@pytest.mark.parametrize(("name", "value"), UNFIT)
def test_a_field_that_only_describes_is_dropped_when_it_does_not_fit(name: str, value: Any) -> None:
    sent = {"type": "subscribe", "story": CODE, "ref": 1, name: value}
    bare = client_messages.Subscribe(type="subscribe", story=CODE, ref=1)
    assert parse_message(json.dumps(sent)) == bare


def test_a_field_that_describes_is_kept_when_it_fits() -> None:
    described = {"lang": "de-CH", "page": "https://a.example/", "since": {"epoch": "e", "seq": 0}}
    read = parse_message(json.dumps({"type": "subscribe", "story": CODE, **described}))
    assert isinstance(read, client_messages.Subscribe)
    assert read.model_dump(include=set(described)) == described


def test_a_message_is_at_most_32_kib() -> None:
    padded = json.dumps(react(pad=""))
    fits = json.dumps(react(pad="x" * (MAX_BYTES - len(padded))))
    assert len(fits) == MAX_BYTES
    parse_message(fits)
    with pytest.raises(TooLargeError):
        parse_message(fits + " ")


def test_what_only_a_socket_takes_is_no_action() -> None:
    for kind in ("subscribe", "unsubscribe", "visible"):
        with pytest.raises(MalformedError):
            parse_action(json.dumps({"type": kind, "story": CODE, "value": True}).encode())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = sorted(
    {name for model in get_args(client_messages.Message) for name in model.model_fields}
)
TYPES = ["subscribe", "react", "comment", "edit", "delete", "report", "forget", "visible"]


@given(
    st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=6),
    st.none() | st.sampled_from(TYPES),
)
def test_anything_at_all_is_read_or_refused(content: dict[str, Any], kind: str | None) -> None:
    if kind is not None:
        content["type"] = kind
    with suppress(ProblemError):
        parse_message(json.dumps(content))


@given(st.binary(max_size=200))
def test_any_bytes_at_all_are_refused_or_read(data: bytes) -> None:
    with pytest.raises(ProblemError):
        parse_action(data)
