"""Check what a person says about a rule."""

import asyncio
import re
from dataclasses import replace

from widget_server.content.word_list import EntryRejectedError, WordList
from widget_server.model.errors import MalformedError
from widget_server.model.rules import (
    MAX_EXCEPTIONS,
    MAX_GUIDELINE,
    MAX_RULE_NAME,
    MAX_WORDS,
    RULE_ACTIONS,
    RULE_KINDS,
    RuleSpec,
)

MAX_LIMIT = 100_000
_LANGUAGE = re.compile(r"[a-z]{2,3}")


async def checked(spec: RuleSpec) -> RuleSpec:
    """Return the rule without empty and repeated entries. Raises `MalformedError` with a sentence."""
    clean = replace(
        spec,
        name=" ".join(spec.name.split()),
        languages=tuple(sorted({tag.strip().lower() for tag in spec.languages if tag.strip()})),
        guideline=(spec.guideline or "").strip() or None,
        words=_entries(spec.words) if spec.kind == "words" else (),
        exceptions=_entries(spec.exceptions) if spec.kind == "words" else (),
        leet=spec.leet and spec.kind == "words",
        limit=spec.limit if spec.kind != "words" else 0,
        least=spec.least if spec.kind == "length" else 0,
    )
    for broken, field, sentence in (
        *_about_kind(clean),
        (
            not 0 < len(clean.name) <= MAX_RULE_NAME,
            "name",
            f"Give the rule a name of at most {MAX_RULE_NAME} characters.",
        ),
        (
            not all(map(_LANGUAGE.fullmatch, clean.languages)),
            "languages",
            "Name languages by their codes, such as en or pt.",
        ),
        (
            len(clean.guideline or "") > MAX_GUIDELINE,
            "guideline",
            f"A guideline has at most {MAX_GUIDELINE} characters.",
        ),
        (
            clean.copy is not None and clean.story is None,
            "copy",
            "A rule of a copy names the copy's story too.",
        ),
        (
            "\0" in f"{clean.name}{clean.guideline}{''.join(clean.words + clean.exceptions)}",
            "name",
            "Leave NUL out.",
        ),
    ):
        if broken:
            raise _wrong(field, sentence)
    for field, entries in (("words", clean.words), ("exceptions", clean.exceptions)):
        try:
            if entries:
                await asyncio.to_thread(WordList, entries, clean.leet and field == "words")
        except EntryRejectedError as error:
            raise _wrong(field, str(error)) from None
    return clean


def _entries(typed: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word.strip() for word in typed if word.strip()))


def _about_kind(spec: RuleSpec) -> tuple[tuple[bool, str, str], ...]:
    """Return what may be wrong with kind, action, list and limits: whether it is, field, sentence."""
    in_range = 0 <= spec.limit <= MAX_LIMIT and 0 <= spec.least <= MAX_LIMIT
    words = spec.kind == "words"
    return (
        (spec.kind not in RULE_KINDS, "kind", f"A rule looks at one of: {', '.join(RULE_KINDS)}."),
        (
            spec.action not in RULE_ACTIONS,
            "action",
            f"A rule does one of: {', '.join(RULE_ACTIONS)}.",
        ),
        (not in_range, "limit", f"Give a number from 0 to {MAX_LIMIT:,}."),
        (
            spec.kind == "length" and not (spec.limit or spec.least),
            "limit",
            "Give the most or the fewest characters.",
        ),
        (words and not spec.words, "words", "Give at least one word or phrase, one a line."),
        (len(spec.words) > MAX_WORDS, "words", f"A list has at most {MAX_WORDS:,} entries."),
        (
            len(spec.exceptions) > MAX_EXCEPTIONS,
            "exceptions",
            f"A rule has at most {MAX_EXCEPTIONS:,} exceptions. Remove the word that needs so many.",
        ),
    )


def _wrong(field: str, detail: str) -> MalformedError:
    error = MalformedError(detail)
    error.field = field
    return error
