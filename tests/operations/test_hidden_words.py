"""Words that cards hide: those of the site's own word rules, in texts and trees, also written in tricks."""

import pytest

from tests.operations.operations_harness import Server
from tests.operations.owner_harness import OWNER, person
from widget_server.content.text import check_body
from widget_server.content.word_list import WordList
from widget_server.model.errors import NotPermittedError
from widget_server.model.rules import RuleSpec
from widget_server.operations.moderation import rules
from widget_server.operations.moderation.hidden_words import HiddenWords, hidden_words

HIDE = HiddenWords([WordList(["mudlark", "old boot*"])])


def test_a_text_shows_signs_in_place_of_the_words_and_nothing_else_changes() -> None:
    assert HIDE.text("You mudlark, go home.") == "You •••••••, go home."
    assert HIDE.text("Old boots float.") == "••• ••••• float."
    for trick in ("MUDLÄRK", "m u d l a r k", "mud\u200blark"):
        assert not set(HIDE.text(trick).lower()) & set("mudlrk"), trick
    assert HIDE.text("A ferry.") == "A ferry."
    assert (HIDE.count("mudlark mudlark"), HIDE.count("ferry"), HIDE.count(None)) == (2, 0, 0)


@pytest.mark.parametrize(
    "source",
    [
        "You mudlark",
        "You **mudlark** there",
        "- one\n- a mudlark",
        "> mudlark\n\nno",
        "see [mudlark](https://x.example)",
        "see [this](https://x.example/mudlark)",
        "a mud**lark** of a kind",
        "an MUD\u200bLARK",
    ],
)
def test_a_tree_shows_no_letter_of_a_hidden_word(source: str) -> None:
    shown = str(HIDE.tree(check_body(source), source)).replace("\u200b", "").lower()
    assert "mudlark" not in shown
    assert "•" in shown
    assert "lark" not in shown


def test_a_tree_without_such_a_word_stays_as_it_is() -> None:
    tree = check_body("A **ferry** is [here](https://x.example).")
    assert HIDE.tree(tree, "A **ferry** is [here](https://x.example).") is tree
    assert HiddenWords([]).tree(tree) is tree


async def test_the_words_are_those_of_the_sites_word_rules_also_in_shadow(server: Server) -> None:
    services = server.services
    spec = RuleSpec("Rude words", "words", words=("mudlark",))
    await rules.add_rule(services, OWNER, "paper", spec)
    await rules.add_rule(services, OWNER, "paper", RuleSpec("Links", "links", limit=1))
    await services.cache.site("paper", max_age=0)
    hide = await hidden_words(services, person("moderator"), "paper")
    assert hide.text("a mudlark") == "a •••••••"
    with pytest.raises(NotPermittedError):
        await hidden_words(services, person("moderator"), "other")
