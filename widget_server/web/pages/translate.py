"""The texts of the pages in seven languages, and the language that a request gets."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from starlette.requests import Request

Texts = Mapping[str, Any]

_LOCALES = Path(__file__).parents[1] / "locales"
LOCALES: dict[str, Texts] = {
    path.stem: orjson.loads(path.read_bytes()) for path in sorted(_LOCALES.glob("*.json"))
}
"""Texts by language. A value is a text, a list of texts, or one text for each plural category."""
DEFAULT = "en"


@dataclass(frozen=True, slots=True)
class Translator:
    """The texts of one language. `explicit`: the address of the page names the language."""

    lang: str
    explicit: bool = False

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
            year=at.year,
            time=f"{at:%H:%M}",
        )


def interpolate(lang: str, found: Any, values: Mapping[str, object]) -> str:
    """Return a text of a catalogue with the values put in. `n` selects the plural form."""
    if isinstance(found, dict):
        found = found[plural_category(lang, int(str(values["n"])))]
    return re.sub(r"\{(\w+)\}", lambda match: str(values.get(match[1], match[0])), found)


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
    wanted = request.query_params.get("lang", "")
    if wanted in LOCALES:
        return Translator(wanted, explicit=True)
    return Translator(accepted_language(request))


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
