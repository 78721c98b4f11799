"""Prepared messages are valid RFC 6455 frames, for every payload and every batch."""

import pytest
from hypothesis import example, given, settings, strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame as ParsedFrame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from widget_server.hub.prepared import PreparedBatch, PreparedMessage


def read_as_client(data: bytes, step: int) -> list[str]:
    """Parse `data`, `step` bytes at a time, as a client does; return the texts of its messages."""
    client = ClientProtocol(parse_uri("ws://localhost/"), state=State.OPEN, max_size=None)
    texts = []
    for start in range(0, len(data), step):
        client.receive_data(data[start : start + step])
        for event in client.events_received():
            assert isinstance(event, ParsedFrame)
            assert (event.opcode, event.fin) == (Opcode.TEXT, True)
            texts.append(bytes(event.data).decode())
    assert client.parser_exc is None
    return texts


@given(texts=st.lists(st.text(max_size=300), min_size=1, max_size=5), step=st.integers(1, 5000))
@example(texts=["x" * 125, "x" * 126, "x" * 127], step=1)
@settings(max_examples=150, deadline=None)
def test_a_client_reads_every_message_of_a_batch_in_order(texts: list[str], step: int) -> None:
    batch = PreparedBatch(PreparedMessage(text.encode()) for text in texts)
    assert read_as_client(batch.frame_bytes, step) == texts


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
def test_every_encoding_of_the_length_is_read_correctly(length: int) -> None:
    message = PreparedMessage(b"x" * length)
    assert read_as_client(message.frame_bytes, 65_536) == ["x" * length]
    assert (len(message), len(message.payload)) == (length, length)


@pytest.mark.parametrize(("length", "header"), [(125, 2), (126, 4), (65_535, 4), (65_536, 10)])
def test_the_header_is_the_shortest_that_holds_the_length(length: int, header: int) -> None:
    assert len(PreparedMessage(b"x" * length).frame_bytes) == length + header


@given(st.text())
def test_payload_and_text_are_unchanged(text: str) -> None:
    message = PreparedMessage(text.encode())
    assert (message.payload, message.text) == (text.encode(), text)


def test_a_batch_of_one_message_shares_its_bytes() -> None:
    message = PreparedMessage(b"{}")
    assert PreparedBatch([message]).frame_bytes is message.frame_bytes


def test_a_batch_joins_its_messages_once() -> None:
    batch = PreparedBatch([PreparedMessage(b"1"), PreparedMessage(b"2")])
    assert batch.frame_bytes is batch.frame_bytes


def test_added_batches_keep_the_order_of_messages() -> None:
    one, two, three = PreparedMessage(b"1"), PreparedMessage(b"2"), PreparedMessage(b"3")
    total = PreparedBatch([one]) + PreparedBatch([two, three])
    assert total.messages == (one, two, three)
    assert len(total) == 3


def test_an_empty_batch_has_no_bytes() -> None:
    assert PreparedBatch([]).frame_bytes == b""
