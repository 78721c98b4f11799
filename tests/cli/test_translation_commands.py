"""`story translations`, `story translate` and `story untranslate`; and the snippet of a translation."""

import json

import pytest

from tests.cli.commands import Run, sentence
from tests.contract.make_tokens import code

GERMAN = "https://press.example/de/ferry"
ENGLISH = "https://press.example/ferry"


@pytest.fixture
def story(run: Run, site: str) -> str:
    """Mint a token for a story, and return the story's code."""
    words = ("token", "--site", site, "--story", "ferry", "--origin", "*", "--snippet")
    assert run(*words, "--title", "The ferry", "--url", ENGLISH).status == 0
    return code(site, "ferry")


def test_translations_are_linked_listed_and_unlinked(run: Run, story: str) -> None:
    assert "No translation is linked." in run("story", "translations", story).err
    done = run("story", "translate", story, "DE", "--title", "Die Fähre", "--url", GERMAN)
    assert done.out == f"de\ttranslation\tDie Fähre\t{GERMAN}"
    done = run("story", "translate", story, "en", "--title", "x", "--url", ENGLISH, "--json")
    assert json.loads(done.out) == [
        {"lang": "de", "title": "Die Fähre", "url": GERMAN, "original": False},
        {"lang": "en", "title": "The ferry", "url": ENGLISH, "original": True},
    ]
    assert run("story", "translations", story).out.splitlines()[1].startswith("en\toriginal\t")
    assert run("story", "untranslate", story, "de").out == "Unlinked."
    assert "no translation" in run("story", "untranslate", story, "de").out
    done = run("story", "untranslate", story, "en", "--json")
    assert json.loads(done.out) == {"changed": True}


def test_the_snippet_of_a_copy_is_in_its_language_and_credits_the_translation(
    run: Run, site: str, story: str
) -> None:
    run("story", "translate", story, "de", "--title", "Die Fähre", "--url", GERMAN)
    words = ("token", "--site", site, "--story", "ferry", "--origin", "*", "--snippet")
    made = run(*words, "--lang", "de-AT").out
    assert f'<blockquote cite="{GERMAN}">' in made
    assert 'data-lang="de-AT"' in made
    assert "„Die Fähre“: reagieren und mitreden" in made
    assert "Änderungen: keine." in made
    # The story keeps its own title.
    assert json.loads(run("story", "show", story, "--json").out)["title"] == "The ferry"
    plain = run(*words, "--title", "The ferry", "--url", ENGLISH).out
    assert "React to and discuss “The ferry”" in plain
    assert "lang" not in plain


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("d", "--title", "T", "--url", GERMAN), "Write a language"),
        (("de", "--title", " ", "--url", GERMAN), "Write the title"),
        (("de", "--title", "T", "--url", "press.example"), "Write the whole address"),
    ],
)
def test_a_wrong_link_says_what_to_do(
    run: Run, story: str, words: tuple[str, ...], said: str
) -> None:
    assert said in sentence(run("story", "translate", story, *words))
    assert "no story with this code" in sentence(run("story", "translations", "0" * 12))
