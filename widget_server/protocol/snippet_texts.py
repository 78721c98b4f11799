"""The sentences of a snippet, in every language that has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import orjson


@dataclass(frozen=True, slots=True)
class SnippetTexts:
    """The sentences of a snippet in one language. `{title}`, `{names}` and `{changes}` are put in."""

    join: str
    by: str
    changes: str
    none: str
    frame: str
    day: str
    months: Sequence[str]
    corrected: Mapping[str, str]
    """By the kind of a correction."""
    lang: str | None = None
    """Language of the sentences, if the page that they are pasted into may have another one."""

    def invitation(self, title: str) -> str:
        """Return the text of the link to the discussion."""
        return self.join.replace("{title}", title)

    def byline(self, names: str) -> str:
        """Return who wrote the story, with a space before it; nothing without names."""
        return f" {self.by.replace('{names}', names)}" if names else ""

    def changed(self, changes: str) -> str:
        """Return the sentence about changes. `changes` ends without a full stop."""
        return self.changes.replace("{changes}", changes)

    def frame_title(self, title: str) -> str:
        """Return the title of a frame with the discussion."""
        return self.frame.replace("{title}", title)


def _load() -> Mapping[str, SnippetTexts]:
    stored = orjson.loads(Path(__file__).with_suffix(".json").read_bytes())
    return {lang: SnippetTexts(**texts, lang=lang) for lang, texts in stored.items()}


SNIPPET_TEXTS = _load()
"""The sentences by language."""
ENGLISH = replace(SNIPPET_TEXTS["en"], lang=None)
"""English, for a copy whose language is not known."""


def texts_in(lang: str | None) -> SnippetTexts:
    """Return the sentences for a copy in a language, by the first part of its tag; else the English ones."""
    return SNIPPET_TEXTS.get((lang or "").partition("-")[0].lower(), ENGLISH)
