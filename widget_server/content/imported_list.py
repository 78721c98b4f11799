"""Read a list of words and phrases that a person pasted or uploaded: plain lines, or CSV with a head."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from widget_server.content.word_list import EntryRejectedError, check_entry
from widget_server.model.errors import MalformedError
from widget_server.model.rules import MAX_WORDS

WORD_HEADS = frozenset({"word", "words", "phrase", "phrases", "entry", "term"})
LANGUAGE_HEADS = frozenset({"language", "lang"})
SHOWN_PROBLEMS = 10
MAX_PROBLEMS = 100
"""Wrong lines after which the rest of a list is not read: a large file has two million lines."""
MAX_LINES = 50_000
"""Lines of a list that are read."""
NOT_UTF8 = "This line is not in UTF-8. Save the file as UTF-8 and try again."

_LANGUAGE = re.compile(r"([a-z]{2,3})(?:[-_][\w-]+)?", re.IGNORECASE)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class ImportedList:
    """The entries of a list, each once. `elsewhere` counts those in other languages by language."""

    words: tuple[str, ...]
    elsewhere: dict[str, int]


class ListRejectedError(MalformedError):
    """A list with lines that cannot be read. `problems` are numbers of lines, each with a sentence."""

    def __init__(self, problems: Sequence[tuple[int, str]]) -> None:
        self.problems = tuple(problems)
        shown = [f"Line {line}: {sentence}" for line, sentence in problems[:SHOWN_PROBLEMS]]
        if len(problems) > SHOWN_PROBLEMS:
            least = "at least " if len(problems) == MAX_PROBLEMS else ""
            shown.append(f"And {least}{len(problems) - SHOWN_PROBLEMS} more lines.")
        super().__init__(" ".join(shown))
        self.field = "words"


def decode_list(content: bytes) -> str:
    """Return the text of a file in UTF-8 or UTF-16. What is neither becomes U+FFFD, which `read_list` names."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", errors="replace")
    return content.decode("utf-8-sig", errors="replace")


def read_list(text: str, languages: Iterable[str] = ()) -> ImportedList:
    """Return the entries of a list: one a line, or the column `word` of a CSV.

    Empty lines and notes (`# …`) are left out; `#word` is an entry. A CSV begins with a line that names its
    columns; its column `language` may say the language of an entry. If `languages` are given, entries in
    others are left out and counted. Raises `ListRejectedError`, which names every wrong line.
    """
    wanted = {tag.split("-", 1)[0].lower() for tag in languages}
    words: dict[str, None] = {}
    elsewhere: dict[str, int] = {}
    problems: list[tuple[int, str]] = []
    for count, (line, word, tag) in enumerate(_rows(text)):
        if count == MAX_LINES:
            problems.append((line, f"A list has at most {MAX_LINES:,} lines."))
            break
        language = _LANGUAGE.fullmatch(tag) if tag else None
        problem = _problem(word) or (
            "Name languages by their codes, such as en or pt." if tag and language is None else None
        )
        if problem is not None:
            problems.append((line, problem))
        elif language is not None and wanted and language[1].lower() not in wanted:
            elsewhere[language[1].lower()] = elsewhere.get(language[1].lower(), 0) + 1
        else:
            words[word] = None
            if len(words) == MAX_WORDS + 1:
                problems.append((line, f"A list has at most {MAX_WORDS:,} entries."))
                break
        if len(problems) == MAX_PROBLEMS:
            break
    if problems:
        raise ListRejectedError(problems)
    if not words:
        raise ListRejectedError([(1, "There is no word or phrase in this list.")])
    return ImportedList(tuple(words), elsewhere)


def _problem(word: str) -> str | None:
    if "\ufffd" in word:
        return NOT_UTF8
    if _CONTROLS.search(word):
        return "There are signs in it that control a terminal. Leave them out."
    try:
        check_entry(word)
    except EntryRejectedError as error:
        return str(error)
    return None


def _rows(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield number of the line, entry and language of each line that has something."""
    lines = re.split(r"\r\n|\r|\n", text)
    head = _head(lines)
    if head is None:
        for number, line in enumerate(lines, 1):
            if line.strip() and not _is_note(line):
                yield number, line.strip(), ""
        return
    first, delimiter, word, language = head
    reader = csv.reader((f"{line}\n" for line in lines[first:]), delimiter=delimiter, strict=True)
    begins = first + 1
    try:
        for row in reader:
            number, begins = begins, first + reader.line_num + 1
            cells = [" ".join(cell.split()) for cell in row]
            if not any(cells) or _is_note(cells[0]):
                continue
            tag = cells[language] if language is not None and language < len(cells) else ""
            yield number, cells[word] if word < len(cells) else "", tag
    except csv.Error:
        raise ListRejectedError(
            [(begins, "A quotation mark is not closed, or the line is too long.")]
        ) from None


def _is_note(line: str) -> bool:
    return line.strip() == "#" or line.lstrip().startswith("# ")


def _head(lines: Sequence[str]) -> tuple[int, str, int, int | None] | None:
    """Return the number of lines to skip, the delimiter and the columns of a CSV; None for plain lines."""
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        for delimiter in ",;\t":
            names = [name.strip().strip('"').casefold() for name in line.split(delimiter)]
            found = [column for column, name in enumerate(names) if name in WORD_HEADS]
            if found and (len(names) > 1 or lines[number + 1 :]):
                tags = [column for column, name in enumerate(names) if name in LANGUAGE_HEADS]
                return number + 1, delimiter, found[0], tags[0] if tags else None
        return None
    return None
