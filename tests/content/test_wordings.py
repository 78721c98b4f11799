"""An exception made of a false alarm lets that wording pass and nothing else."""

import pytest
from hypothesis import given, strategies as st

from widget_server.content.rules import Context, Rule, evaluate
from widget_server.content.word_list import LONGEST_ENTRY, MOST_EXCEPTED, WordList
from widget_server.content.wordings import wordings

LIST = WordList(["you people", "trash", "ばか", "casino*"], leet=True)
PARTS = st.lists(
    st.sampled_from(
        ["you people", "You  PEOPLE!", "trash", "t.r.a.s.h", "hill", "of the crew", "ばかり", "casinos", "\n",
         ". ", "the", "c4s1no", "*", "“trash”", "x" * 60, "これはばかです"]
    ),
    max_size=14,
).map(" ".join)  # fmt: skip


def spans(text: str, exceptions: WordList | None = None) -> tuple[tuple[int, int], ...]:
    """Return where the list finds something."""
    rule = Rule("1", "words", mode="on", words=LIST, exceptions=exceptions)
    hits = evaluate(text, Context(""), [rule]).hits
    return hits[0].spans if hits else ()


@given(PARTS)
def test_the_wordings_of_a_text_let_it_pass(text: str) -> None:
    found = wordings(text, spans(text))
    assert all(0 < len(one) <= LONGEST_ENTRY and "\n" not in one for one in found)
    left = spans(text, WordList(found)) if found else spans(text)
    # A wording of one sentence is not taken across its end, and a long run of signs has none.
    assert set(left) <= {one for one in spans(text) if text[slice(*one)].count(".") > 1}


@given(PARTS, PARTS)
def test_an_exception_takes_away_only_places_that_it_contains(text: str, other: str) -> None:
    allowed = WordList(wordings(other, spans(other)) or ["nothing of the kind"])
    assert set(spans(text, allowed)) <= set(spans(text))
    for place in set(spans(text)) - set(spans(text, allowed)):
        assert any(start <= place[0] and place[1] <= end
                   for start, end in ((one.start, one.end) for one in allowed.search(text)))  # fmt: skip


@pytest.mark.parametrize(
    ("text", "wording"),
    [
        ("Thank you people of the ferry crew.", "Thank you people of the"),
        ("Put it in. Trash belongs there! Really", "Trash belongs there"),
        ("trash", "trash"),
        ("A heap of\ntrash", "trash"),
        ("We go t.r.a.s.h hunting on Sunday", "We go t.r.a.s.h hunting on"),
    ],
)
def test_a_wording_is_the_word_with_two_more_on_each_side_within_its_sentence(
    text: str, wording: str
) -> None:
    assert wordings(text, spans(text)) == (wording,)
    assert spans(text, WordList([wording])) == ()


def test_the_word_elsewhere_is_found_after_many_excepted_places() -> None:
    allowed = WordList(["good trash can"])
    many = "good trash can. " * 60
    assert spans(many, allowed) == ()
    assert spans(f"{many} trash", allowed) != ()
    # Above the number of matches that are looked at, a text is held.
    short = Rule("1", "words", mode="on", words=WordList(["a"]), exceptions=WordList(["a b"]))
    assert evaluate("a b " * MOST_EXCEPTED, Context(""), [short]).hits


def test_a_text_of_very_many_oddly_spelled_words_is_held_whatever_is_excepted() -> None:
    allowed = WordList(["good trash can"])
    odd = " ".join(f"o.{number}x" for number in range(60))
    assert spans("good trash can", allowed) == spans(odd) == ()
    assert spans(f"{odd} good trash can", allowed) != ()
