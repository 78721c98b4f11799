"""Reactions that readers can choose, as a site stores them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

KEY = re.compile(r"[a-z][a-z_]{0,29}")
LANGUAGE = re.compile(r"[a-z]{2,3}")
"""A language of labels and texts: the first part of a language tag, as the embed looks it up."""
PATH = re.compile(r"M[-0-9.MmZzLlHhVvCcSsQqTtAa ]{1,499}")
"""A path of a face as it is stored: written by `content/svg_face.py`, in a square of 24."""
COLOUR = re.compile(r"#[0-9a-f]{6}")

MIN_REACTIONS, MAX_REACTIONS = 2, 12
"""Reactions that a site offers."""
MAX_STORED = 40
"""Reactions with the hidden ones."""
MAX_LABEL, MAX_EMOJI = 30, 16
"""Code points of a label, and of an emoji with its modifiers."""
MAX_LANGUAGES = 7
"""Languages of a site's own texts."""

Face = tuple[str, str, str]
"""Path of the filled shape, path of the features on it (may be empty), colour of the shape."""


@dataclass(frozen=True, slots=True)
class Reaction:
    """A reaction that readers can choose.

    `labels` are by language, `label` is for all other languages. A hidden reaction is not offered any
    more; readers who chose it stay counted under its key.
    """

    key: str
    label: str
    emoji: str
    labels: Mapping[str, str] = field(default_factory=dict)
    face: Face | None = None
    """The site's own drawing, or None for the built-in one or the emoji."""
    hidden: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the reaction without the fields that are empty."""
        stored: dict[str, Any] = {"key": self.key, "label": self.label, "emoji": self.emoji}
        if self.labels:
            stored["labels"] = dict(sorted(self.labels.items()))
        if self.face is not None:
            stored["face"] = list(self.face)
        if self.hidden:
            stored["hidden"] = True
        return stored

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Reaction":
        """Return a stored reaction. Unknown fields, of a newer version, are ignored. Raises `KeyError`."""
        face = stored.get("face")
        return cls(
            stored["key"],
            stored["label"],
            stored["emoji"],
            dict(stored.get("labels") or {}),
            None if face is None else tuple(face),
            bool(stored.get("hidden", False)),
        )

    def check(self) -> None:
        """Raise `ValueError` if a value has a wrong type or form."""
        if not all(isinstance(text, str) for text in (self.key, self.label, self.emoji)):
            raise ValueError("A reaction must have a key, a label and an emoji.")
        check_labels(self.labels, MAX_LABEL)
        if self.face is not None:
            check_face(self.face)


REACTIONS = (
    Reaction("surprised", "Surprised", "😮"),
    Reaction("thinking", "Thinking", "🤔"),
    Reaction("happy", "Happy", "😊"),
    Reaction("sad", "Sad", "😢"),
    Reaction("fired_up", "Fired up", "🔥"),
)


def check_labels(labels: Mapping[str, object], longest: int) -> None:
    """Raise `ValueError` unless `labels` are lines of text by language."""
    for language, text in labels.items():
        check_language(language)
        if not isinstance(text, str) or not is_line(text, longest):
            raise ValueError(f"write one line of 1 to {longest} characters for {language}.")


def check_language(language: object) -> None:
    """Raise `ValueError` unless `language` is the first part of a language tag."""
    if not isinstance(language, str) or not LANGUAGE.fullmatch(language):
        raise ValueError(f"write a language as two or three small letters, not “{language}”.")


def check_face(face: tuple[Any, ...]) -> None:
    """Raise `ValueError` unless `face` is two paths (the second may be empty) and a colour."""
    if len(face) != 3 or not all(isinstance(part, str) for part in face):
        raise ValueError("A face is two paths and a colour.")
    shape, mark, colour = face
    if not PATH.fullmatch(shape) or (mark and not PATH.fullmatch(mark)):
        raise ValueError("A path of a face is at most 500 bytes of path commands.")
    if not COLOUR.fullmatch(colour):
        raise ValueError("The colour of a face is #rrggbb.")


def is_line(text: str, longest: int) -> bool:
    """Return whether `text` is one line of 1 to `longest` printable characters."""
    return 1 <= len(text) <= longest and text.isprintable() and not text.isspace()
