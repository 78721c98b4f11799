"""The texts of the dashboard. A text that a language does not have is shown in English."""

import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from starlette.requests import Request

from widget_server.web.pages.translate import (
    LOCALES,
    accepted_language,
    interpolate,
    written_number,
)

_FOLDER = Path(__file__).parent / "locales"
TEXTS: dict[str, Mapping[str, Any]] = {
    path.stem: orjson.loads(path.read_bytes()) for path in sorted(_FOLDER.glob("*.json"))
}
"""Texts by language and key. A value is a text, or one text for each plural category."""


def _pattern(key: str) -> re.Pattern[str]:
    """Return what matches the sentences that the key of an error stands for: `{x}` is any text."""
    parts = re.split(r"\{(\w+)\}", key.removeprefix("! "))
    return re.compile(
        "".join(
            f"(?P<{part}>.+?)" if number % 2 else re.escape(part)
            for number, part in enumerate(parts)
        )
    )


_PATTERNS = {
    lang: [
        (_pattern(key), str(text)) for key, text in texts.items() if key[:2] == "! " and "{" in key
    ]
    for lang, texts in TEXTS.items()
}


def _whole(value: str) -> int | str:
    """Return the number that a value of an error stands for: its 2,000 is another number in German."""
    return int(value.replace(",", "")) if re.fullmatch(r"\d{1,3}(,\d{3})+", value) else value


class Translate:
    """The texts of one language, called with a key and the values to put in."""

    def __init__(self, lang: str) -> None:
        self.lang = lang if lang in LOCALES else "en"
        self._texts = TEXTS.get(self.lang, {})

    @property
    def dir(self) -> str:
        """The writing direction."""
        return str(LOCALES[self.lang]["dir"])

    def __call__(self, key: str, **values: object) -> str:
        """Return the text with the values put in. `n` selects the plural form."""
        found = self._texts.get(key)
        if isinstance(found, str) and not values:
            return found
        values = self._isolated(values)
        if found is None:
            return interpolate("en", TEXTS["en"][key], values)
        return interpolate(self.lang, found, values)

    def number(self, number: float, decimals: int = 0) -> str:
        """Return a number for people: 12,345 in English, 12.345 in German."""
        return written_number(self.lang, number, decimals)

    def _isolated(self, values: Mapping[str, object]) -> dict[str, object]:
        """Return the values; those with signs of the other direction in isolating characters.

        A name, an address or a date (2026-11-29) then keeps its own order, and the full stop after
        it its place, also in attributes, where no `<bdi>` can stand.
        """
        other = {"L", "EN"} if self.dir == "rtl" else {"R", "AL"}
        return {
            name: f"\u2068{value}\u2069"
            if isinstance(value, str)
            and not value.isdecimal()
            and not other.isdisjoint(map(unicodedata.bidirectional, value))
            else value
            for name, value in values.items()
        }

    def knows(self, key: str) -> bool:
        """Return whether English has the key."""
        return key in TEXTS["en"]

    def error(self, detail: str) -> str:
        """Return an error's sentence in this language, or as it is.

        The key is `! ` and the English sentence. A `{x}` in it stands for the values of the error.
        """
        if exact := TEXTS[self.lang].get(f"! {detail}"):
            return str(exact)
        for pattern, text in _PATTERNS[self.lang]:
            if found := pattern.fullmatch(detail):
                values = {key: _whole(value) for key, value in found.groupdict().items()}
                return interpolate(self.lang, text, self._isolated(values))
        return detail

    @property
    def months(self) -> list[str]:
        """Names of the months."""
        return list(LOCALES[self.lang]["months"])


def language_of(request: Request, chosen: str | None) -> Translate:
    """Return the texts in the account's language, else in the one that the browser asks for.

    `lang` in an address is a filter or a language of the site, never that of the page.
    """
    return Translate(chosen or accepted_language(request))
