"""The texts of the pages in seven languages, and the language that a request gets."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from starlette.requests import Request

from widget_server.model.identifiers import LANGUAGE_TAG
from widget_server.model.limits import MAX_LANGUAGE_LENGTH
from widget_server.model.translations import canonical_tag, primary_of

Texts = Mapping[str, Any]

_LOCALES = Path(__file__).parents[1] / "locales"
LOCALES: dict[str, Texts] = {
    path.stem: orjson.loads(path.read_bytes()) for path in sorted(_LOCALES.glob("*.json"))
}
"""Texts by language. A value is a text, a list of texts, or one text for each plural category."""
DEFAULT = "en"


@dataclass(frozen=True, slots=True)
class Translator:
    """The texts of one language.

    `named` is the language that the address of the page names, also one without texts, or "".
    """

    lang: str
    named: str = ""

    @property
    def reads(self) -> str:
        """The language in which stories are shown: the named one, else that of the texts."""
        return self.named or self.lang

    @property
    def dir(self) -> str:
        """The writing direction."""
        return str(LOCALES[self.lang]["dir"])

    def __call__(self, key: str, default: str | None = None, **values: object) -> str:
        """Return the text with the values put in. `n` selects the plural form.

        `default` is returned for a key that the language does not have.
        """
        found = LOCALES[self.lang].get(key)
        if found is None:
            if default is None:
                raise KeyError(key)
            found = default
        return interpolate(self.lang, found, values)

    def number(self, number: float, decimals: int = 0) -> str:
        """Return a number for people: 12,345 in English, 12.345 in German."""
        return written_number(self.lang, number, decimals)

    def day(self, rfc3339: str) -> str:
        """Return the day of a time of the serializers as a person writes it, in UTC."""
        at, months = datetime.fromisoformat(rfc3339), LOCALES[self.lang]["months"]
        return self("day", day=at.day, month=months[at.month - 1], year=str(at.year))

    def pair(self, key: str) -> tuple[str, str]:
        """Return a title and a sentence."""
        title, sentence = LOCALES[self.lang][key]
        return title, sentence

    def knows(self, key: str) -> bool:
        """Return whether the language has the key."""
        return key in LOCALES[self.lang]

    def date(self, rfc3339: str, now: str) -> str:
        """Return a time of the serializers as a person writes it, in UTC. `now` has the same form."""
        at, year = datetime.fromisoformat(rfc3339), now[:4]
        months = LOCALES[self.lang]["months"]
        return self(
            "date" if rfc3339[:4] == year else "date_of_year",
            day=at.day,
            month=months[at.month - 1],
            year=str(at.year),
            time=f"{at:%H:%M}",
        )


def interpolate(lang: str, found: Any, values: Mapping[str, object]) -> str:
    """Return a text of a catalogue with the values put in. `n` selects the plural form.

    Whole numbers are written as the language writes them; a year is therefore given as text.
    """
    if isinstance(found, dict):
        found = found[plural_category(lang, int(str(values["n"])))]

    def put(match: re.Match[str]) -> str:
        value = values.get(match[1], match[0])
        return written_number(lang, value) if type(value) is int else str(value)

    return re.sub(r"\{(\w+)\}", put, found)


_GROUPS = {
    "de": (".", ",", 4),
    "es": (".", ",", 5),
    "fr": ("\u202f", ",", 4),
    "pl": ("\u00a0", ",", 5),
}
"""The sign between groups of three digits, the decimal sign, and how many digits have groups (CLDR)."""


def written_number(lang: str, number: float, decimals: int = 0) -> str:
    """Return a number as people write it in a language: 12,345 in English, 12.345 in German."""
    if type(number) is int and 0 <= number < 1000 and not decimals:
        return str(number)
    between, decimal, least = _GROUPS.get(lang, (",", ".", 4))
    plain = f"{number:.{decimals}f}"
    if len(plain.partition(".")[0].lstrip("-")) >= least:
        plain = f"{number:,.{decimals}f}"
    return plain.translate({ord(","): between, ord("."): decimal})


def plural_category(lang: str, n: int) -> str:
    """Return the CLDR plural category of a whole number."""
    match lang:
        case "ja":
            return "other"
        case "fr":
            return "one" if n < 2 else "other"
        case "pl":
            if n == 1:
                return "one"
            few = n % 10 in {2, 3, 4} and n % 100 not in {12, 13, 14}
            return "few" if few else "many"
        case "ar":
            return _arabic_category(n)
    return "one" if n == 1 else "other"


def _arabic_category(n: int) -> str:
    if n < 3:
        return ("zero", "one", "two")[n]
    if 3 <= n % 100 <= 10:
        return "few"
    return "many" if n % 100 >= 11 else "other"


def translator(request: Request) -> Translator:
    """Return the texts for a request: by `?lang=`, else by `Accept-Language`, else English."""
    named = language_tag(request.query_params.get("lang", ""))
    return Translator(text_language(named) or accepted_language(request), named or "")


def language_tag(text: str) -> str | None:
    """Return a language tag in its usual spelling, or None for any other text."""
    if len(text) > MAX_LANGUAGE_LENGTH or not LANGUAGE_TAG.fullmatch(text):
        return None
    return canonical_tag(text)


def text_language(tag: str | None) -> str | None:
    """Return the language with texts that a tag stands for, or None."""
    primary = primary_of(tag or "")
    return primary if primary in LOCALES else None


def language_name(tag: str) -> str:
    """Return a language's own name, or its tag if there are no texts in it."""
    lang = text_language(tag)
    return tag if lang is None else str(LOCALES[lang]["language"])


def accepted_language(request: Request) -> str:
    """Return the language that `Accept-Language` prefers of those with texts, else English."""
    best, lang = 0.0, DEFAULT
    for part in request.headers.get("accept-language", "").lower().split(","):
        tag, _, parameter = part.partition(";")
        primary = re.split(r"[-_]", tag.strip())[0]
        found = re.fullmatch(r"q=([01](?:\.[0-9]{0,3})?)", parameter.strip())
        weight = float(found[1]) if found else 1.0
        if primary in LOCALES and weight > best:
            best, lang = weight, primary
    return lang
