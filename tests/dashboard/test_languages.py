"""Every language of the dashboard says everything that English says."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from widget_server.web.dashboard.texts import TEXTS, Translate
from widget_server.web.pages.translate import LOCALES, plural_category

PACKAGE = Path(__file__).parents[2] / "widget_server"
ENGLISH = TEXTS["en"]
OTHERS = sorted(set(LOCALES) - {"en"})

SAME_EVERYWHERE = {
    # Names of products, formats and forms of dates.
    *("product", "csv", "via_api", "emoji", "minutes", "hours", "day", "day_of_year"),
    *("form_html", "form_jsx", "form_markdown", "as_html", "as_wordpress", "as_ghost", "as_jsx"),
    *("as_markdown", "do_spam", "withdrawn_by", "in_seconds", "queue_seconds"),
}
SAME = {
    "ar": set(),
    "de": {
        *("sites", "site", "nav_team", "name", "set_name", "person", "as_element", "as_iframe"),
        *("generation", "generation_n", "section_moderation", "value_emoji", "set_website"),
        *("action_n", "passkeys", "status", "kind_links", "queue_filter", "download_txt"),
        "translation_original",
    },
    "es": {"no", "short_local", "nav_tokens", "tokens_n", "translation_original"},
    "fr": {
        *("sites", "sites_n", "site", "actions", "email", "set_email", "nav_copies", "copies"),
        *("section_licence", "licence", "set_prompt", "place", "page", "discussion", "attribution"),
        *("source", "note", "scope_read_copies", "mode", "nav_corrections"),
        *("correction_correction", "translation_original"),
    },
    "ja": set(),
    "pl": {
        *("email", "set_email", "by_link", "session_by_link", "action_n", "as_element"),
        "value_emoji",
    },
}
"""Words that a language writes as English does."""

FORMS_OF_PEOPLE = [
    *(f"operations/owners/{name}.py" for name in ("sign_in", "credentials", "links", "keys")),
    *(f"operations/owners/{name}.py" for name in ("token_form", "settings_form", "first_site")),
    *("auth/passkeys.py", "auth/passwords.py", "auth/permissions.py"),
]
"""Modules whose errors a person reads beside a field of the dashboard."""


def _forms(text: Any) -> list[str]:
    return list(text.values()) if isinstance(text, dict) else [text]


def _values(text: Any) -> set[str]:
    return {name for form in _forms(text) for name in re.findall(r"\{\w+\}", form)}


def _texts(node: ast.AST) -> Iterator[str]:
    """Yield the text of a node, with `{}` for each value that is put in. Other nodes have none."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(
            str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values
        )


@pytest.mark.parametrize("lang", OTHERS)
def test_a_language_has_every_text_of_english_and_no_other(lang: str) -> None:
    assert {key for key in TEXTS[lang] if not key.startswith("! ")} == set(ENGLISH)


@pytest.mark.parametrize("lang", OTHERS)
def test_a_language_puts_the_same_values_in(lang: str) -> None:
    for key, text in TEXTS[lang].items():
        wanted = _values(ENGLISH.get(key, key))
        assert isinstance(text, dict) == isinstance(ENGLISH.get(key), dict), key
        for category, form in text.items() if isinstance(text, dict) else [("other", text)]:
            # "One comment" needs no number, nor what English's own form for one leaves out.
            optional = set()
            if category in {"zero", "one", "two"}:
                optional = {"{n}"} | (wanted - _values(ENGLISH[key]["one"]))
            english = ENGLISH[key]["other"] if isinstance(text, dict) else key
            if isinstance(text, dict) and "{n}" not in _values(english):
                optional |= {"{n}"}
            assert _values(form) | optional == wanted | optional, (key, category)


@pytest.mark.parametrize("lang", sorted(LOCALES))
def test_a_language_has_the_plural_forms_that_its_numbers_need(lang: str) -> None:
    needed = {plural_category(lang, n) for n in range(200)} | {"other"}
    for key, text in TEXTS[lang].items():
        if isinstance(text, dict):
            assert set(text) == needed, key


@pytest.mark.parametrize("lang", OTHERS)
def test_no_text_is_empty_or_still_english(lang: str) -> None:
    known = SAME_EVERYWHERE | SAME[lang]
    still_english = {key for key, text in TEXTS[lang].items() if text == ENGLISH.get(key, key[2:])}
    assert still_english <= known, still_english - known
    assert SAME[lang] <= still_english, "these differ from English: take them off the list"
    for key, text in TEXTS[lang].items():
        for form in _forms(text):
            assert form.strip() == form != "", key


def test_all_languages_translate_the_same_errors() -> None:
    errors = {lang: {key for key in TEXTS[lang] if key.startswith("! ")} for lang in OTHERS}
    assert len(errors["de"]) > 100
    for lang in OTHERS:
        assert errors[lang] == errors["de"], lang


def test_every_translated_error_is_one_that_the_server_says() -> None:
    said = {
        text
        for file in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        for text in _texts(node)
    }
    # A setting's error names the setting first; the page shows what follows, with a capital.
    said |= {text[:1].upper() + text[1:] for text in said}
    for key in TEXTS["de"]:
        if key.startswith("! "):
            sentence = re.sub(r"\{\w+\}", "{}", key[2:])
            # The address that was typed stands before the error about it.
            assert sentence in said or sentence.removeprefix("{}: ") in said, key


@pytest.mark.parametrize("module", FORMS_OF_PEOPLE)
def test_errors_beside_a_field_are_translated(module: str) -> None:
    translated = {re.sub(r"\{\w+\}", "{}", key[2:]) for key in TEXTS["de"] if key[:2] == "! "}
    said = {
        text
        for node in ast.walk(ast.parse((PACKAGE / module).read_text("utf-8")))
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)
        for given in node.exc.args
        for text in _texts(given)
        if text.endswith(".")
    }
    assert said <= translated, said - translated


def test_an_error_with_values_is_said_in_the_language_with_its_values() -> None:
    says = Translate("de").error
    assert says("This is not your password.") == "Das ist nicht Ihr Passwort."
    assert says("A note is at most 2,000 characters long.") == (
        "Eine Notiz ist höchstens 2.000 Zeichen lang."
    )
    assert says(
        "http://a.example: An origin with http:// is allowed for localhost only. Use https://."
    ) == ("http://a.example: http:// ist nur für localhost erlaubt. Verwenden Sie https://.")
    assert says("A sentence that no language has.") == "A sentence that no language has."
    assert Translate("en").error("This is not your password.") == "This is not your password."


def test_a_value_of_the_other_direction_keeps_its_order_and_the_full_stop_its_place() -> None:
    arabic, english = Translate("ar"), Translate("en")
    assert "\u2068Ada Lovelace\u2069" in arabic("take_away_1", name="Ada Lovelace")
    assert "\u2068https://a.example\u2069" in arabic("shut_out_legend", origin="https://a.example")
    assert "\u2068" not in arabic("take_away_1", name="ليلى")
    assert "\u20682026-11-16\u2069" in arabic(
        "numbers_from_to", start="2026-11-16", end="", zone=""
    )
    assert "\u2068" not in arabic("days_n", n=3) + arabic("days_n", n="3")
    assert "\u2068ليلى\u2069" in english("comment_by", name="ليلى")
    assert english("comment_by", name="Zoë") == "a comment by Zoë"
