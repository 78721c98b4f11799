"""What travels on the bus can be read back, also by the version beside this one."""

import pytest
from hypothesis import given, strategies as st

from widget_server.bus.message import BusMessage, MessageKind, decode

words = st.text("0123456789abcdefXYZ_", max_size=16)
numbers = st.integers(0, 2**53)
kinds = st.sampled_from(["comment", "story", "tally", "presence"])


@given(kind=kinds, number=numbers, key=words, payload=st.binary(), count=numbers, epoch=words)
def test_a_message_is_read_as_it_was_written(
    kind: MessageKind, number: int, key: str, payload: bytes, count: int, epoch: str
) -> None:
    message = BusMessage(kind, "story", number, key, payload, count, 7, epoch)
    assert decode("story", message.encode()) == message


def test_further_fields_of_a_newer_server_are_passed_over() -> None:
    message = BusMessage("comment", "story", 3, "c", b"{}", 1, 2, "e")
    head, payload = message.encode().split(b"\n")
    assert decode("story", head + b" later fields\n" + payload) == message


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"2 c 1 k 0 0 e\n{}", b"1 z 1 k 0 0 e\n", b"1 c x k 0 0 e\n", b"1 c 1\n"]
)
def test_what_is_of_another_version_or_no_message_is_passed_over(data: bytes) -> None:
    assert decode("story", data) is None


@given(data=st.binary())
def test_no_bytes_at_all_make_reading_fail(data: bytes) -> None:
    for head in (b"", b"1 c 1 k 0 0 e", b"1 t 1 \xff 0 0 e"):
        decode("story", head + data)
