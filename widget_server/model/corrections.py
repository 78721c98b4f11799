"""Corrections of a story: what its publisher says afterwards about the text, on every copy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from widget_server.model.identifiers import LANGUAGE_TAG

CorrectionKind = Literal["correction", "clarification", "update", "retraction"]
CORRECTION_KINDS: tuple[CorrectionKind, ...] = (
    "correction",
    "clarification",
    "update",
    "retraction",
)
MAX_TEXT = 1_000
"""Characters of a correction in one language, and of a passage."""
MAX_TEXTS = 4_000
"""Characters of a correction in all languages together."""
MAX_CREDIT = 100
MAX_SHOWN = 20
"""Corrections that readers see: the newest."""
MAX_SHOWN_BYTES = 20 * 1024
"""Bytes of UTF-8 in the texts of the corrections that readers see. The newest one is always shown."""
MAX_STORED = 100
"""Corrections of one story, withdrawn ones included."""


@dataclass(frozen=True, slots=True)
class Correction:
    """One correction. Its id is that of the decision that made it."""

    id: str
    at: int
    """Milliseconds since 1970."""
    kind: CorrectionKind
    text: str
    """For all languages that `texts` does not have."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """By language (BCP 47)."""
    passage: str | None = None
    """The words of the story that it is about."""
    credit: str | None = None
    """Who pointed it out."""
    withdrawn_at: int | None = None
    """When it was withdrawn. It has no text, passage and credit any more."""

    def withdrawn(self, at: int) -> "Correction":
        """Return the correction as it is once it is withdrawn."""
        return Correction(self.id, self.at, self.kind, "", withdrawn_at=at)

    def text_in(self, lang: str | None) -> str:
        """Return the text in a language, else the one for all others."""
        if lang is not None:
            for tag in (lang, lang.partition("-")[0].lower()):
                if tag in self.texts:
                    return self.texts[tag]
        return self.text

    def to_json(self) -> dict[str, Any]:
        """Return what is stored."""
        fields: dict[str, Any] = {
            "id": self.id,
            "at": self.at,
            "kind": self.kind,
            "text": self.text,
            "texts": dict(self.texts),
            "passage": self.passage,
            "credit": self.credit,
            "withdrawn_at": self.withdrawn_at,
        }
        return {name: value for name, value in fields.items() if value or name == "text"}


def corrections_of(rows: object) -> tuple[Correction, ...]:
    """Return stored corrections, the oldest first. Raises ValueError if one is damaged."""
    if not isinstance(rows, list):
        raise ValueError("the corrections are no list")  # noqa: TRY004
    return tuple(_one(row) for row in rows)


def _one(row: object) -> Correction:
    if not isinstance(row, dict):
        raise ValueError("a correction is no object")  # noqa: TRY004
    texts, kind = row.get("texts", {}), row.get("kind")
    words = (row.get("id"), row.get("text"), row.get("passage", ""), row.get("credit", ""))
    times = (row.get("at"), row.get("withdrawn_at", 0))
    if (
        kind not in CORRECTION_KINDS
        or not isinstance(texts, dict)
        or not all(isinstance(one, str) for one in (*words, *texts.values()))
        or not all(type(one) is int and 0 <= one < 10**14 for one in times)
        or not all(LANGUAGE_TAG.fullmatch(tag) for tag in texts)
    ):
        raise ValueError("a correction cannot be read")
    return Correction(**{**row, "kind": cast(CorrectionKind, kind)})


def shown(corrections: Sequence[Correction]) -> tuple[Correction, ...]:
    """Return the corrections that readers see, the newest first."""
    found: list[Correction] = []
    room = MAX_SHOWN_BYTES
    for one in reversed(corrections[-MAX_SHOWN:]):
        room -= sum(
            len(words.encode()) for words in (one.text, *one.texts.values(), one.passage or "")
        )
        if found and room < 0:
            break
        found.append(one)
    return tuple(found)
