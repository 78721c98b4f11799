"""The texts of the dashboard. English is complete; other languages fall back to it text by text."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from starlette.requests import Request

from widget_server.web.pages.translate import LOCALES, accepted_language, interpolate

_FOLDER = Path(__file__).parent / "locales"
TEXTS: dict[str, Mapping[str, Any]] = {
    path.stem: orjson.loads(path.read_bytes()) for path in sorted(_FOLDER.glob("*.json"))
}
"""Texts by language and key. A value is a text, or one text for each plural category."""


class Translate:
    """The texts of one language, called with a key and the values to put in."""

    def __init__(self, lang: str) -> None:
        self.lang = lang if lang in LOCALES else "en"

    @property
    def dir(self) -> str:
        """The writing direction."""
        return str(LOCALES[self.lang]["dir"])

    def __call__(self, key: str, **values: object) -> str:
        """Return the text with the values put in. `n` selects the plural form."""
        found = TEXTS.get(self.lang, {}).get(key)
        if found is None:
            return interpolate("en", TEXTS["en"][key], values)
        return interpolate(self.lang, found, values)

    def knows(self, key: str) -> bool:
        """Return whether English has the key."""
        return key in TEXTS["en"]

    def error(self, detail: str) -> str:
        """Return an error's sentence in this language, or as it is."""
        return str(TEXTS.get(self.lang, {}).get(f"! {detail}", detail))

    @property
    def months(self) -> list[str]:
        """Names of the months."""
        return list(LOCALES[self.lang]["months"])


def language_of(request: Request, chosen: str | None) -> Translate:
    """Return the texts in the account's language, else in the one that the browser asks for.

    `lang` in an address is a filter or a language of the site, never that of the page.
    """
    return Translate(chosen or accepted_language(request))
