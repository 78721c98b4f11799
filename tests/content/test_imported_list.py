"""A pasted or uploaded list is read whole, or every wrong line is named by its number."""

import csv
import io

import pytest
from hypothesis import given, strategies as st

from widget_server.content.imported_list import ListRejectedError, decode_list, read_list
from widget_server.content.word_list import EntryRejectedError, check_entry

WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)


def is_entry(word: str) -> bool:
    try:
        check_entry(word)
    except EntryRejectedError:
        return False
    return True


ENTRIES = st.lists(
    WORDS.map(lambda word: " ".join(word.split())).filter(
        lambda word: is_entry(word) and word[:2] not in ("#", "# ") and "\ufffd" not in word
    ),
    min_size=1,
    max_size=20,
)
LANGUAGES = st.sampled_from(["", "de", "fr", "pt-BR", "EN"])


def problems(text: str, *languages: str) -> list[tuple[int, str]]:
    with pytest.raises(ListRejectedError) as refused:
        read_list(text, languages)
    return list(refused.value.problems)


@given(ENTRIES, st.sampled_from(["\n", "\r\n", "\r"]), st.sampled_from([",", ";", "\t"]), st.data())
def test_every_entry_comes_back_from_lines_and_from_csv_by_language(
    entries: list[str], end: str, delimiter: str, data: st.DataObject
) -> None:
    rows = [(entry, data.draw(LANGUAGES)) for entry in entries]
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, lineterminator=end)
    writer.writerows([("word", "language"), *rows])
    whole = read_list(decode_list(file.getvalue().encode("utf-8-sig")))
    assert whole.words == tuple(dict.fromkeys(entries))
    assert whole.elsewhere == {}
    german = read_list(file.getvalue(), ["de"]) if any(t in ("", "de") for _, t in rows) else None
    if german is not None:
        assert german.words == tuple(dict.fromkeys(e for e, tag in rows if tag in ("", "de")))
        assert sum(german.elsewhere.values()) == sum(tag not in ("", "de") for _, tag in rows)
    # Plain lines: a first line that looks like the head of a CSV is the head of a CSV.
    plain = read_list(
        f"# list{end}{end}{end.join(['a word', *entries])}".encode("utf-16").decode("utf-16")
    )
    assert plain.words == tuple(dict.fromkeys(["a word", *entries]))


def test_every_wrong_line_is_named_and_nothing_is_read() -> None:
    text = f"fine\n…\n\n# note\n{'x' * 101}\nalso fine\nb\x07ell\n\ufffd\n"
    found = problems(text)
    assert [line for line, _ in found] == [2, 5, 7, 8]
    assert "no letter" in found[0][1]
    assert "100 characters" in found[1][1]
    assert "UTF-8" in found[3][1]
    assert problems("word;language\n\n\nfine;german?\n;de\n") == [
        (4, "Name languages by their codes, such as en or pt."),
        (5, found[0][1].replace("…", "")),
    ]
    assert problems('word,language\na,de\n"b,de\n')[0][0] == 3
    assert problems("") == problems("# only a note\n") == problems("word,language\n")
    many = problems("\n".join(f"word{number}" for number in range(20_001)))
    assert many == [(20_001, "A list has at most 20,000 entries.")]
    with pytest.raises(ListRejectedError, match=r"Line 1: .* And 5 more lines\.$"):
        read_list("…\n" * 15)


def test_bytes_in_another_encoding_are_named_by_their_line() -> None:
    latin = "fine\ncafé\n".encode("latin-1")
    assert [line for line, _ in problems(decode_list(latin))] == [2]
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        assert read_list(decode_list("fine\ncafé\n".encode(encoding))).words == ("fine", "café")


def test_ten_thousand_entries_are_read() -> None:
    lines = [f"entry {number},{'de' if number % 2 else 'en'}" for number in range(10_000)]
    found = read_list("\n".join(["word,language", *lines]), ["de"])
    assert (len(found.words), found.elsewhere) == (5_000, {"en": 5_000})
