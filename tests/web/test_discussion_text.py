"""The text file of a discussion: in the first column stands what the server says, and no word of another."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from widget_server.model.corrections import Correction
from widget_server.model.records import Comment, CommentState, Copy, Site, Story, Tally
from widget_server.model.settings import SiteSettings
from widget_server.operations.readers.open_data import OpenStory
from widget_server.operations.readers.whole_discussion import Part
from widget_server.web.pages.discussion_text import INDENT, TextFile
from widget_server.web.pages.shown_comments import About, ShownComments
from widget_server.web.pages.translate import LOCALES, Translator

NOW = int(datetime(2026, 11, 29, 10, tzinfo=UTC).timestamp() * 1000)
SIGN = "☃"
"""In every word of others, and in no text of the server."""
NOTHING = Tally(0, {})
# Letters of others only, and what ends a line or a word in some editor.
ends = st.sampled_from([" ", "  ", "\n", "\r\n", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029"])
words = st.lists(st.one_of(st.just(SIGN), st.just(SIGN * 9), ends), min_size=1, max_size=40).map(
    lambda some: SIGN + "".join(some) + SIGN
)


def comment(number: int, name: str, text: str, label: str, role: str | None) -> Comment:
    """Return a published comment: the first one, or a reply to the one before."""
    return Comment(
        id=f"c{number}",
        parent=f"c{number - 1}" if number else None,
        thread="c0",
        born=number + 1,
        seq=number + 1,
        state=CommentState.PUBLISHED,
        source=text,
        text=[["p", None, text], ["pre", None, text], ["ul", None, ["li", None, text]]],
        name=name,
        email=None,
        website=None,
        role=role,
        reader="r",
        copy=Copy(1, label, "https://copy.example"),
        lang=None,
        created_at=NOW,
        edited_at=None,
        pinned=False,
        tally=NOTHING,
    )


def file_of(story: Story, comments: list[Comment], lang: str) -> str:
    """Return the whole file in a language."""
    found = OpenStory(story, Site("press", "Press", 1, 1, SiteSettings()), "epoch")
    about = About(found, "https://talk.example", Translator(lang), NOW)
    file, shown = TextFile(about), ShownComments(about)
    views = [view for some in shown.of(Part(comments, None, {}), 25) for view in some]
    return file.head() + "".join(file.comment(view) for view in views) + file.foot()


@given(words, words, words, words, st.sampled_from(sorted(LOCALES)))
def test_no_line_of_words_of_others_begins_in_the_first_column(
    title: str, name: str, text: str, label: str, lang: str
) -> None:
    made = Correction("k", NOW, "correction", text, credit=name)
    gone = Correction("l", NOW, "correction", "", withdrawn_at=NOW)
    story = Story(
        id=1,
        code="abcdefghijkl",
        site="press",
        key="one",
        title=title,
        author=name,
        publisher=label,
        url="https://press.example/one",
        license=label,
        attributed=1,
        closed=False,
        notice=text,
        seq=3,
        tallies=0,
        tally=NOTHING,
        count=3,
        created_at=NOW,
        corrections=(made, gone),
    )
    # The last one names the writer of the one before.
    three = [comment(number, name, text, label, label) for number in range(3)]
    lines = file_of(story, three, lang).splitlines()
    # The Japanese line of the author and the publisher has no other words.
    byline = Translator(lang)("by", names=SIGN).startswith(SIGN)
    begun = [line for line in lines if line.startswith(SIGN)]
    assert len(begun) <= byline, begun
    assert all(line.startswith(INDENT) for line in lines if line.startswith(" "))
    assert [line.split("  ")[0] for line in lines if line[:1] == "1"] == ["1", "1.1", "1.2"]


@pytest.mark.parametrize("length", range(42, 50))
def test_a_name_that_fills_a_line_cannot_forge_the_head_of_another_comment(length: int) -> None:
    forged = f"{'a' * length} 2  The editor"
    story = Story(
        1, "abcdefghijkl", "press", "one", "One", None, None, None, "CC-BY-4.0", 1, False, None,
        3, 0, NOTHING, 3, NOW,
    )  # fmt: skip
    comments = [comment(number, forged, "words", "The Copy", None) for number in range(3)]
    lines = file_of(story, comments, "en").splitlines()
    assert sum("2  The editor" in line for line in lines) >= 4
    assert [line for line in lines if line.startswith("2  ")] == []
