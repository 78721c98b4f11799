"""Templates of the dashboard obey its policy, and every text that they ask for exists."""

import re
from pathlib import Path

from markupsafe import Markup

from widget_server.web.dashboard.rendering import once, templates
from widget_server.web.dashboard.texts import TEXTS
from widget_server.web.pages.translate import LOCALES

TEMPLATES = Path(__file__).parents[2] / "widget_server/web/templates/dashboard"


def test_templates_have_no_inline_style_and_no_inline_script() -> None:
    for file in TEMPLATES.rglob("*.html"):
        text = file.read_text("utf-8")
        assert " style=" not in text, file
        assert "<script>" not in text, file
        assert "hx-on" not in text, file


def test_every_text_that_a_template_names_is_in_the_english_catalogue() -> None:
    named = set()
    for file in TEMPLATES.rglob("*.html"):
        named |= set(re.findall(r"\bt\('(\w+)'[,)]", file.read_text("utf-8")))
    assert len(named) > 150
    assert named <= TEXTS["en"].keys()


def test_other_languages_translate_known_texts_with_the_same_values() -> None:
    assert TEXTS.keys() == LOCALES.keys()
    english = TEXTS["en"]

    def values(text: object) -> set[str]:
        forms = text.values() if isinstance(text, dict) else [text]
        return set().union(*(re.findall(r"\{\w+\}", str(form)) for form in forms))

    for lang, texts in TEXTS.items():
        for key, text in texts.items():
            if not key.startswith("! "):
                assert key in english, (lang, key)
                assert values(text) <= values(english[key]), (lang, key)


def test_what_is_kept_is_rendered_once_for_each_key() -> None:
    text = "{% for n in (1, 1, 2) %}{% call once('test', n) %}<i>{{ draw(n) }}</i>{% endcall %}{% endfor %}"
    drawn: list[int] = []

    def draw(number: int) -> str:
        drawn.append(number)
        return f"<{number}>"

    made = templates.from_string(text)
    assert made.render(draw=draw) == "<i>&lt;1&gt;</i><i>&lt;1&gt;</i><i>&lt;2&gt;</i>"
    assert drawn == [1, 2]
    assert once("test", 1, caller=lambda: Markup("other")) == "<i>&lt;1&gt;</i>"


def test_nothing_that_a_template_calls_takes_the_context() -> None:
    # `PlainContext` does not pass it.
    assert not [name for name, one in templates.globals.items() if hasattr(one, "jinja_pass_arg")]
