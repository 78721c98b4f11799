"""Values of settings: what is accepted, and how reactions keep their keys."""

from typing import Any

import pytest

from widget_server.model.reactions import MAX_STORED
from widget_server.model.setting_values import PARSERS, overridden_keys, with_value
from widget_server.model.settings import STORY_KEYS, SiteSettings

DEFAULT = SiteSettings()


def with_all(**values: Any) -> SiteSettings:
    """Return the default settings with these values."""
    settings = DEFAULT
    for key, value in values.items():
        settings = with_value(settings, key.replace("__", "."), value)
    return settings


def test_a_reaction_that_is_left_out_keeps_its_key_and_is_hidden() -> None:
    settings = with_all(reactions="sad,wow:Wow:🤩")
    assert settings.reaction_keys() == ("sad", "wow")
    assert {r.key for r in settings.reactions if r.hidden} == {
        "surprised",
        "thinking",
        "happy",
        "fired_up",
    }
    again = with_value(settings, "reactions", "sad,happy")
    assert again.reaction_keys() == ("sad", "happy")
    # The site's own one can be shown again by its key alone, with label and emoji.
    back = with_value(again, "reactions", "wow,sad")
    assert [(r.label, r.emoji) for r in back.offered] == [("Wow", "🤩"), ("Sad", "😢")]


def test_a_site_offers_two_to_twelve_reactions() -> None:
    letters = [f"r_{chr(97 + n)}:Label {n}:😀" for n in range(13)]
    assert len(with_all(reactions=",".join(letters[:12])).offered) == 12
    for wrong in (letters[:1], letters):
        with pytest.raises(ValueError, match="2 to 12"):
            with_all(reactions=",".join(wrong))


def test_hidden_reactions_do_not_pile_up_without_end() -> None:
    settings = DEFAULT
    letters = [chr(97 + n) for n in range(26)]
    pairs = [f"x_{letter}:A:😀,y_{letter}:B:😀" for letter in letters]
    full = (MAX_STORED - len(DEFAULT.reactions)) // 2
    for pair in pairs[:full]:
        settings = with_value(settings, "reactions", pair)
    with pytest.raises(ValueError, match=str(MAX_STORED)):
        with_value(settings, "reactions", pairs[full])


def test_a_new_label_keeps_the_labels_of_other_languages_and_the_drawing() -> None:
    face = ["M0 0h24v24z", "", "#ff0000"]
    reactions = [{"key": "wow", "label": "Wow", "emoji": "🤩", "face": face}, {"key": "sad"}]
    settings = with_all(reactions=reactions, reactions__es="wow:Guau,sad:Triste")
    renamed = with_value(settings, "reactions", "wow:Great:🤩,sad")
    assert renamed.offered[0].labels == {"es": "Guau"}
    assert renamed.offered[0].face == tuple(face)
    assert renamed.offered[0].label == "Great"


@pytest.mark.parametrize(
    "face",
    [
        ["M0 0", ""],
        ["M0 0", "", "red"],
        ['M0 0");background:url(https://x.example', "", "#ff0000"],
        ["0 0", "", "#ff0000"],
        ["M" + "0 " * 250, "", "#ff0000"],
        "M0 0",
        7,
        {},
    ],
)
def test_a_face_is_two_paths_and_a_colour(face: Any) -> None:
    with pytest.raises(ValueError, match=r"^reactions: "):
        with_all(reactions=[{"key": "happy", "face": face}, {"key": "sad"}])


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("prompt.es", "", "^$"),
        ("prompt.ES", "x", "small letters"),
        ("prompt.es-MX", "x", "small letters"),
        ("moderation.es", "pre", "text for each language"),
        ("reactions.es", "love:Amor", "keys of the site"),
        ("calls_to_action.es", "Presta", "one label for each"),
        ("prompt", ["x"], "use a text"),
        ("prompt", {"x": 1}, "use a text"),
        ("reactions", [1, 2], "use keys of"),
        ("reactions", [{"key": "A"}, {"key": "sad"}], "an object with key"),
        ("calls_to_action", [{"url": "javascript:x", "label": "x"}], "starts with https"),
        ("calls_to_action", ["x"], "an object with url"),
        ("edit_window", True, "whole number"),
        ("nothing", "x", "There is no setting"),
    ],
)
def test_a_wrong_value_is_rejected_with_a_sentence(key: str, value: Any, sentence: str) -> None:
    if sentence == "^$":
        assert with_value(DEFAULT, key, value) == DEFAULT
        return
    with pytest.raises(ValueError, match=sentence):
        with_value(DEFAULT, key, value)


def test_a_site_has_texts_in_at_most_seven_languages() -> None:
    settings = DEFAULT
    for language in ("ar", "de", "es", "fr", "ja", "pl"):
        settings = with_value(settings, f"prompt.{language}", "?")
    settings = with_value(settings, "reactions.en", "happy:Joyful")
    with pytest.raises(ValueError, match="at most 7"):
        with_value(settings, "guidelines_text.it", "Gentile")


def test_json_values_and_texts_give_the_same_settings() -> None:
    texts = with_all(
        calls_to_action="https://a.example Lend | https://b.example Write",
        calls_to_action__es="Presta | Escribe",
        density="0.75",
        edit_window="60",
        show_copy="off",
        accent="",
    )
    calls = [
        {"url": "https://a.example", "label": "Lend", "labels": {"es": "Presta"}},
        {"url": "https://b.example", "label": "Write", "labels": {"es": "Escribe"}},
    ]
    values: dict[str, Any] = {"density": 0.75, "edit_window": 60, "show_copy": False}
    assert with_all(calls_to_action=calls, **values) == texts


def test_none_goes_back_to_the_default() -> None:
    changed = with_all(prompt="New?", prompt__es="¿Nuevo?", density="0.75", reactions="sad,happy")
    for key in ("prompt", "density"):
        changed = with_value(changed, key, None)
    assert changed.to_json().keys() == {"reactions"}
    assert with_value(changed, "reactions", None).reaction_keys() == DEFAULT.reaction_keys()


def test_all_settings_survive_storing() -> None:
    settings = with_all(
        prompt="New?",
        prompt__es="¿Nuevo?",
        reactions="wow:Wow:🤩,sad",
        reactions__es="wow:Guau",
        guidelines_text="Be *kind*.",
        guidelines_text__fr="Soyez *aimables*.",
        comment_licence="CC-BY-4.0",
        calls_to_action="https://a.example Lend",
        calls_to_action__es="Presta",
    )
    assert SiteSettings.from_json(settings.to_json()) == settings
    settings.check()


def test_a_story_overrides_only_what_makes_sense_there() -> None:
    overridable = {key for key in PARSERS if key in STORY_KEYS}
    assert overridable == {
        "prompt",
        "name",
        "website",
        "email",
        "moderation",
        "guidelines",
        "guidelines_text",
        "open_republishing",
        "calls_to_action",
        "hours",
        "discussion_languages",
        "older_copies",
    }
    for key in PARSERS.keys() - overridable:
        with pytest.raises(ValueError, match="cannot override"):
            overridden_keys(key)
    story = DEFAULT.for_story({"moderation": "pre", "reactions": [], "open_reading": False})
    assert (story.moderation, story.reactions) == ("pre", DEFAULT.reactions)
    assert story.open_reading


@pytest.mark.parametrize(
    ("of_site", "of_story", "effect"),
    [
        ("on", "off", "off"),
        ("off", "on", "off"),
        ("licence", "on", "licence"),
        ("on", "licence", "licence"),
    ],
)
def test_a_story_can_only_narrow_open_republishing(
    of_site: str, of_story: str, effect: str
) -> None:
    site = with_all(open_republishing=of_site)
    assert site.for_story({"open_republishing": of_story}).open_republishing == effect
