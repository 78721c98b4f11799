"""Client messages are parsed strictly; errors name the field and never echo input."""

import json
from contextlib import suppress
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

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


def test_a_message_is_parsed_by_its_type() -> None:
    for model in get_args(client_messages.Message):
        assert model.__doc__
    parsed = parse_message(json.dumps(react(ref=7, comment="abc")))
    assert parsed == client_messages.React(
        type="react", ref=7, story=CODE, reaction="happy", comment="abc"
    )


def test_unknown_fields_are_ignored() -> None:
    assert parse_action(json.dumps(react(mood=[1], ref=1)).encode()) == client_messages.React(
        type="react", ref=1, story=CODE, reaction="happy"
    )


@pytest.mark.parametrize(
    ("message", "field"),
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
def test_an_error_names_the_field(message: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidMessageError, match=f"“{field}”") as error:
        parse_message(json.dumps(message))
    assert "script" not in error.value.detail


@pytest.mark.parametrize(
    ("ref", "echoed"), [(7, 7), (0, 0), (-1, None), (True, None), ("7", None), (2**53, None)]
)
def test_a_malformed_message_keeps_its_ref_if_that_is_valid(ref: Any, echoed: int | None) -> None:
    with pytest.raises(InvalidMessageError) as error:
        parse_message(json.dumps({"type": "nothing", "ref": ref}))
    assert error.value.ref == echoed


BAD_LANGS: tuple[Any, ...] = (
    "en_US", "zh_CN", "x-default", "en-", "de DE", "{{ lang }}", "", "a" * 36, 7, ["en"], {},
)  # fmt: skip
BAD_PAGES: tuple[Any, ...] = ("https://a.example/" + "a" * 2_000, 7, [])
BAD_POSITIONS: tuple[Any, ...] = (
    "e:1", {"epoch": "e"}, {"epoch": "e" * 65, "seq": 1}, {"epoch": "e", "seq": -1},
)  # fmt: skip
INVALID = [
    *(("lang", value) for value in BAD_LANGS),
    *(("page", value) for value in BAD_PAGES),
    *(("since", value) for value in BAD_POSITIONS),
]


@pytest.mark.parametrize(("name", "value"), INVALID)
def test_an_invalid_describing_field_is_dropped(name: str, value: Any) -> None:
    sent = {"type": "subscribe", "story": CODE, "ref": 1, name: value}
    bare = client_messages.Subscribe(type="subscribe", story=CODE, ref=1)
    assert parse_message(json.dumps(sent)) == bare


def test_a_valid_describing_field_is_kept() -> None:
    fields = {"lang": "de-CH", "page": "https://a.example/", "since": {"epoch": "e", "seq": 0}}
    parsed = parse_message(json.dumps({"type": "subscribe", "story": CODE, **fields}))
    assert isinstance(parsed, client_messages.Subscribe)
    assert parsed.model_dump(include=set(fields)) == fields


def test_a_message_is_at_most_32_kib() -> None:
    padded = json.dumps(react(pad=""))
    fits = json.dumps(react(pad="x" * (MAX_BYTES - len(padded))))
    assert len(fits) == MAX_BYTES
    parse_message(fits)
    with pytest.raises(TooLargeError):
        parse_message(fits + " ")


def test_messages_that_only_a_websocket_accepts_are_no_actions() -> None:
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


# The first text takes a second: Hypothesis computes its table of characters.
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=6),
    st.none() | st.sampled_from(TYPES),
)
def test_any_json_object_is_parsed_or_rejected(content: dict[str, Any], kind: str | None) -> None:
    if kind is not None:
        content["type"] = kind
    with suppress(ProblemError):
        parse_message(json.dumps(content))


@given(st.binary(max_size=200))
def test_any_bytes_are_rejected(data: bytes) -> None:
    with pytest.raises(ProblemError):
        parse_action(data)
