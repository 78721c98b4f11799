"""Rules only narrow, a rule in shadow holds no comment, and a trial counts what the test counts."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from widget_server.content.rules import (
    Context,
    PastComment,
    Rule,
    evaluate,
    fingerprint_of,
    try_on_past,
)
from widget_server.content.word_list import WordList
from widget_server.model.rules import RuleKind

LIST = WordList(["casino", "buy now"])
MILD = WordList(["the casino"])
STRICTNESS = {None: 0, "hold": 1, "block": 2}
PLACES = st.sampled_from(
    [(None, None), ("s", None), ("s", "c"), ("s", "d"), ("t", None), ("t", "c")]
)
SHAPES: st.SearchStrategy[tuple[RuleKind, int]] = st.sampled_from(
    [("words", 0), ("links", 0), ("links", 2), ("first", 1), ("length", 20), ("repeat", 0)]
)


@st.composite
def random_rules(draw: st.DrawFn) -> Rule:
    kind, limit = draw(SHAPES)
    story, copy = draw(PLACES)
    return Rule(
        id=str(draw(st.integers(0, 99))),
        kind=kind,
        action=draw(st.sampled_from(["hold", "block"])),
        mode=draw(st.sampled_from(["off", "shadow", "on"])),
        story=story,
        copy=copy,
        words=LIST if kind == "words" else None,
        exceptions=draw(st.sampled_from([None, MILD])) if kind == "words" else None,
        limit=limit,
    )


TEXTS = st.sampled_from(
    ["hello", "the casino", "see https://a.example and www.b.example", "buy now " * 9, "x" * 30]
)


@given(st.lists(random_rules(), max_size=12), TEXTS, st.integers(0, 2), st.booleans())
def test_a_narrower_place_breaks_every_rule_of_the_wider_one(
    tree: list[Rule], text: str, accepted: int, linked: bool
) -> None:
    recent = [mark] if (mark := fingerprint_of(text)) else []
    site_of = "https://casino.example" if linked else None
    where = [("other", None), ("s", None), ("s", "c")]
    places = [Context(*one, None, accepted, recent, website=site_of) for one in where]
    site, story, copy = (evaluate(text, place, tree) for place in places)
    assert set(site.hits) <= set(story.hits) <= set(copy.hits)
    assert STRICTNESS[site.action] <= STRICTNESS[story.action] <= STRICTNESS[copy.action]


@given(st.lists(random_rules(), max_size=12), random_rules(), TEXTS)
def test_a_further_rule_never_makes_a_verdict_milder(
    tree: list[Rule], further: Rule, text: str
) -> None:
    context = Context("s", "c")
    before = evaluate(text, context, tree).action
    assert STRICTNESS[evaluate(text, context, [*tree, further]).action] >= STRICTNESS[before]


@given(st.lists(random_rules(), max_size=12), TEXTS)
def test_shadow_hits_what_on_hits_and_acts_on_nobody(tree: list[Rule], text: str) -> None:
    context = Context("s", "c")
    shadow = [replace(rule, mode="shadow") for rule in tree]
    live = [replace(rule, mode="on") for rule in tree]
    seen = evaluate(text, context, shadow)
    assert seen.action is None
    assert [hit.rule for hit in seen.hits] == [
        hit.rule for hit in evaluate(text, context, live).hits
    ]


def test_each_kind_names_the_place_in_the_text() -> None:
    text = "Visit the CASINO: https://a.example, www.b.example"
    words = evaluate(text, Context("s"), [Rule("1", "words", mode="on", words=LIST)])
    assert [text[a:b] for a, b in words.hits[0].spans] == ["CASINO"]
    assert words.hits[0].entries == ("casino",)
    links = evaluate(text, Context("s"), [Rule("1", "links", mode="on", limit=1)])
    assert [text[a:b] for a, b in links.hits[0].spans] == ["www.b.example"]
    length = evaluate(text, Context("s"), [Rule("1", "length", mode="on", limit=10)])
    assert length.hits[0].spans == ((10, len(text)),)


def test_words_and_links_are_found_in_name_and_website_too() -> None:
    words = [Rule("1", "words", mode="on", words=LIST)]
    name, website = "C.a.s.i.n.o Joe", "https://www.casino.example/now"
    for context in (Context("s", name=name), Context("s", website=website)):
        (hit,) = evaluate("Good evening", context, words).hits
        found = (context.name or context.website,)
        assert (hit.entries, hit.spans, hit.beside) == (("casino",), (), found)
    assert evaluate("Good evening", Context("s", name="Casimir"), words).hits == ()
    none, one = Rule("2", "links", mode="on"), Rule("3", "links", mode="on", limit=1)
    context = Context("s", name="See www.a.example", website="https://b.example")
    assert [hit.rule for hit in evaluate("No link", context, [none, one]).hits] == ["2", "3"]
    context = Context("s", website="https://b.example")
    assert [hit.rule for hit in evaluate("No link", context, [none, one]).hits] == ["2"]


def test_a_first_comment_is_held_until_enough_were_accepted() -> None:
    rule = Rule("1", "first", mode="on", limit=2)
    assert [evaluate("x", Context("s", accepted=n), [rule]).action for n in range(4)] == [
        "hold", "hold", None, None,
    ]  # fmt: skip


def test_a_text_with_one_word_changed_is_a_repetition_and_another_text_is_not() -> None:
    sold = "buy cheap watches {} at the best shop in the whole town and tell all of your friends"
    other = "the council will decide on thursday whether the old harbour is to be sold or not"
    rule = Rule("1", "repeat", mode="on", limit=1)
    marks = [mark for n in range(2) if (mark := fingerprint_of(sold.format("today")))]
    context = Context("s", recent=marks)
    assert evaluate(sold.format("now"), context, [rule]).action == "hold"
    assert evaluate(other, context, [rule]).action is None
    assert fingerprint_of("I agree with you") is None


def test_a_rule_of_a_language_leaves_the_others_alone() -> None:
    rule = Rule("1", "words", mode="on", words=LIST, languages=frozenset({"de"}))
    assert evaluate("casino", Context("s", language="de"), [rule]).action == "hold"
    assert evaluate("casino", Context("s", language="fr"), [rule]).action is None


def test_rules_that_make_no_sense_are_rejected() -> None:
    with pytest.raises(ValueError, match="story"):
        Rule("1", "first", copy="c")
    with pytest.raises(ValueError, match="list"):
        Rule("1", "words")


@given(st.integers(0, 10_000))
def test_a_trial_equals_a_count_by_hand(seed: int) -> None:
    rng = random.Random(seed)
    rule = Rule("1", "words", mode="off", words=LIST, story=rng.choice([None, "s"]))
    past = [
        PastComment(
            str(n),
            rng.choice(["fine", "a casino", "Buy  now!", "nothing to see"]),
            Context(rng.choice(["s", "t"])),
            rng.choice(["approved", "removed", "open"]),
        )
        for n in range(60)
    ]
    trial = try_on_past(rule, past)
    caught = [one for one in past if one.text in ("a casino", "Buy  now!")
              and (rule.story is None or one.context.story == "s")]  # fmt: skip
    assert (trial.tried, trial.caught) == (60, len(caught))
    assert trial.approved == sum(one.outcome == "approved" for one in caught)
    assert trial.removed == sum(one.outcome == "removed" for one in caught)
    assert len(trial.samples) == min(10, len(caught))
    assert all(sample.comment in caught for sample in trial.samples)
    wrong = sum(sample.comment.outcome == "approved" for sample in trial.samples)
    assert wrong >= min(5, trial.approved)
