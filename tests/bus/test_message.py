"""Bus messages are decoded as they were encoded, also by another version of the server."""

import pytest
from hypothesis import given, strategies as st

from widget_server.bus.message import BusMessage, MessageKind, decode

tokens = st.text("0123456789abcdefXYZ_", max_size=16)
numbers = st.integers(0, 2**53)
kinds = st.sampled_from(["comment", "story", "tally", "presence"])


@given(kind=kinds, number=numbers, target=tokens, payload=st.binary(), count=numbers, epoch=tokens)
def test_a_message_is_decoded_as_it_was_encoded(
    kind: MessageKind, number: int, target: str, payload: bytes, count: int, epoch: str
) -> None:
    message = BusMessage(kind, "story", number, target, payload, count, 7, epoch)
    assert decode("story", message.encode()) == message


def test_further_fields_of_a_newer_server_are_ignored() -> None:
    message = BusMessage("comment", "story", 3, "c", b"{}", 1, 2, "e")
    head, payload = message.encode().split(b"\n")
    assert decode("story", head + b" later fields\n" + payload) == message


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"2 c 1 k 0 0 e\n{}", b"1 z 1 k 0 0 e\n", b"1 c x k 0 0 e\n", b"1 c 1\n"]
)
def test_another_version_or_a_malformed_message_is_ignored(data: bytes) -> None:
    assert decode("story", data) is None


@given(data=st.binary())
def test_decoding_never_raises(data: bytes) -> None:
    for head in (b"", b"1 c 1 k 0 0 e", b"1 t 1 \xff 0 0 e"):
        decode("story", head + data)
