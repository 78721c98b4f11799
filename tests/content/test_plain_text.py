"""Comments as plain text: nothing is lost, lines are short, and every line can be indented."""

import re

import pytest
from hypothesis import given, strategies as st

from widget_server.content.markdown import render
from widget_server.content.plain_text import columns_of, wrap, wrapped
from widget_server.model.errors import TextRejectedError

LONG = "A sentence of some words that is longer than a line of thirty columns."


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("one\ntwo\n\nthree", ["one", "two", "", "three"]),
        ("*a* **b** ~~c~~ `d`", ["*a* **b** ~~c~~ `d`"]),
        ("[here](https://a.example/x) now", ["here <https://a.example/x> now"]),
        ("see https://a.example/x", ["see https://a.example/x"]),
        ("> quoted\n> words", ["> quoted", "> words"]),
        ("- one\n- two\n  - deep\n\nend", ["- one", "- two", "  - deep", "", "end"]),
        ("1. one\n2. two", ["1. one", "2. two"]),
        ("```\n  a  b\nc\n```", ["      a  b", "    c"]),
        ("> - a\n> - b", ["> - a", "> - b"]),
    ],
)
def test_marks_and_blocks_stay_readable(source: str, lines: list[str]) -> None:
    assert wrapped(render(source), 60) == lines


def test_lines_are_broken_between_words_and_addresses_stay_whole() -> None:
    address = "https://a.example/" + "x" * 60
    lines = wrapped(render(f"{LONG} {address} {LONG}"), 30)
    assert address in lines
    assert all(len(line) <= 30 for line in lines if line != address)
    assert " ".join(lines) == f"{LONG} {address} {LONG}"


def test_japanese_is_broken_between_characters_and_no_line_begins_with_a_full_stop() -> None:
    text = "これは長い文章です。改行の位置を確かめます。「括弧」も使います。" * 3
    lines = wrap(text, 20)
    assert "".join(lines) == text
    assert all(columns_of(line) <= 22 for line in lines)
    assert not any(line[0] in "。、」" for line in lines)


@given(st.text(st.characters(blacklist_categories=["Cs"]), max_size=400), st.integers(20, 80))
def test_no_word_is_lost_and_no_line_has_a_line_end(source: str, width: int) -> None:
    try:
        tree = render(source)
    except TextRejectedError:
        return
    for line in wrapped(tree, width):
        assert len(line.splitlines()) <= 1
    assert re.sub(r"\s", "", "".join(wrap(source, width))) == re.sub(r"\s", "", source)
