"""Translations of a story that its publisher linked: the same story under another title and address.

A story has one tally and one discussion, whatever the language in which it is read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from widget_server.model.records import Story, Translation

MAX_TRANSLATIONS = 50
"""Translations of one story."""
MAX_TRANSLATIONS_BYTES = 8 * 1024
"""All translations of a story as JSON: they are part of every snapshot."""
MAX_TITLE = 300
"""Code points of a translation's title."""
MAX_ADDRESS = 2_000
"""Characters of a translation's address."""


@dataclass(frozen=True, slots=True)
class Edition:
    """A story as it is shown in one language."""

    story: Story
    """The story with the title and address of the translation."""
    lang: str | None
    """Language of the title; None if it is not known."""
    translated: bool
    """Whether it is a translation, and not the original."""


def canonical_tag(lang: str) -> str:
    """Return a language tag in its usual spelling: `pt-BR`, `zh-Hant` (RFC 5646, section 2.1.1)."""
    first, *rest = lang.replace("_", "-").split("-")
    spelled = {2: str.upper, 4: str.capitalize}
    return "-".join([first.lower(), *(spelled.get(len(one), str.lower)(one) for one in rest)])


def primary_of(lang: str) -> str:
    """Return the first part of a language tag, in small letters."""
    return lang.replace("_", "-").partition("-")[0].lower()


def translation_tag(translations: Mapping[str, Translation], lang: str | None) -> str | None:
    """Return the tag of the translation for readers of `lang`, or None.

    A translation into exactly this language goes before one into the same language of elsewhere.
    """
    if not lang or not translations:
        return None
    wanted = canonical_tag(lang)
    if wanted in translations:
        return wanted
    primary = primary_of(wanted)
    if primary in translations:
        return primary
    return next((tag for tag in translations if primary_of(tag) == primary), None)


def original_language(story: Story) -> str | None:
    """Return the language of the story itself, if its publisher linked its own address too."""
    return next((tag for tag, one in story.translations.items() if one.original), None)


def edition(story: Story, lang: str | None) -> Edition:
    """Return the story for readers of a language: its translation if there is one, else the original."""
    tag = translation_tag(story.translations, lang)
    if tag is None:
        return Edition(story, original_language(story), translated=False)
    chosen = story.translations[tag]
    if chosen.original:
        return Edition(story, tag, translated=False)
    return Edition(replace(story, title=chosen.title, url=chosen.url), tag, translated=True)
