"""Parse the values of settings: text of a command line or a form, and JSON of the owner API."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from widget_server.model import accent, hours_values, list_values
from widget_server.model.reactions import (
    REACTIONS,
    check_language,
    is_line,
)
from widget_server.model.settings import (
    DENSITIES,
    FLOOD_HOLDS,
    HIDING_NETWORKS,
    KEEP_DAYS,
    LICENCE,
    LINK,
    MAX_GUIDELINES,
    MAX_LINE,
    RATE,
    RATES,
    SECOND_LOOK,
    STORY_KEYS,
    SiteSettings,
)

FIELD_RULES = ("off", "optional", "required")
MODERATION_MODES = ("post", "pre")
REACTION_STYLES = ("icon", "emoji")
REPUBLISHING_RULES = ("licence", "on", "off")
CLOSING_STARTS = ("story", "comment")
DISCUSSION_LANGUAGES = ("together", "apart")
OLDER_COPIES = ("republisher", "readers")

BY_LANGUAGE = {"prompt": "prompts", "guidelines_text": "guidelines_texts"}
"""Settings with one text for each language, and the field that holds those texts."""


def with_value(settings: SiteSettings, key: str, value: Any) -> SiteSettings:
    """Return the settings with one value applied: a text as people write it, or a JSON value.

    `KEY.LANGUAGE` sets the text of one language. None goes back to the default. Raises `ValueError` with
    a sentence that names the accepted values.
    """
    name, dot, language = key.partition(".")
    parse = PARSERS.get(name)
    if parse is None:
        raise ValueError(f"There is no setting “{name}”. Known: {', '.join(sorted(PARSERS))}.")
    try:
        if dot:
            changed = _with_language(settings, name, language, "" if value is None else value)
        elif value is None:
            changed = _with_default(settings, name)
        else:
            changed = replace(settings, **{name: parse(settings, _text_of(name, value))})
        changed.check()
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None
    return changed


def overridden_keys(key: str) -> tuple[str, ...]:
    """Return the stored keys that `key` (with or without a language) changes in a story.

    Raises `ValueError` if a story cannot override the setting.
    """
    name = key.partition(".")[0]
    if name not in PARSERS or name not in STORY_KEYS:
        known = ", ".join(sorted(set(STORY_KEYS) & set(PARSERS)))
        raise ValueError(f"A story cannot override “{name}”. It can override: {known}.")
    if name == "guidelines_text":
        return ("guidelines_text", "guidelines_texts", "guidelines_trees")
    return (name, BY_LANGUAGE[name]) if name in BY_LANGUAGE else (name,)


def _with_default(settings: SiteSettings, name: str) -> SiteSettings:
    names = (name, BY_LANGUAGE[name]) if name in BY_LANGUAGE else (name,)
    defaults = SiteSettings()
    if name == "reactions":
        own = ",".join(reaction.key for reaction in REACTIONS)
        return replace(settings, reactions=list_values.reactions(settings, own))
    chosen: dict[str, Any] = {each: getattr(defaults, each) for each in names}
    return replace(settings, **chosen)


def _text_of(name: str, value: Any) -> Any:
    """Return a JSON value as the text that the parsers read; lists and objects as they are."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str) or (isinstance(value, list) and name in _LISTS):
        return value
    if isinstance(value, Mapping) and name in _OBJECTS:
        return value
    raise ValueError("use a text.")


def _with_language(settings: SiteSettings, name: str, language: str, value: Any) -> SiteSettings:
    """Return the settings with the texts of one language; an empty value removes them."""
    check_language(language)
    if not isinstance(value, str):
        raise ValueError("use a text.")  # noqa: TRY004 - one class for all bad values
    if name == "reactions":
        return _with_reaction_labels(settings, language, value)
    if name == "calls_to_action":
        return _with_action_labels(settings, language, value)
    field = BY_LANGUAGE.get(name)
    if field is None:
        names = ", ".join([*BY_LANGUAGE, "reactions", "calls_to_action"])
        raise ValueError(f"only {names} have a text for each language.")
    texts = dict(getattr(settings, field))
    texts.pop(language, None)
    if value:
        texts[language] = PARSERS[name](settings, value)
    chosen: dict[str, Any] = {field: texts}
    return replace(settings, **chosen)


def _with_reaction_labels(settings: SiteSettings, language: str, value: str) -> SiteSettings:
    """Parse `happy:Feliz,sad:Triste`: labels of one language. Reactions not named have none."""
    labels = {}
    for item in filter(None, value.split(",")):
        key, _, label = (part.strip() for part in item.partition(":"))
        if key not in {reaction.key for reaction in settings.reactions} or not label:
            raise ValueError("use key:Label, comma-separated, with keys of the site's reactions.")
        labels[key] = label
    return replace(
        settings,
        reactions=tuple(
            replace(
                reaction, labels=_with_label(reaction.labels, language, labels.get(reaction.key))
            )
            for reaction in settings.reactions
        ),
    )


def _with_action_labels(settings: SiteSettings, language: str, value: str) -> SiteSettings:
    labels: list[str] = [part.strip() for part in value.split("|")] if value else []
    if labels and len(labels) != len(settings.calls_to_action):
        raise ValueError("write one label for each call to action, separated by |.")
    labels += [""] * len(settings.calls_to_action)
    return replace(
        settings,
        calls_to_action=tuple(
            replace(call, labels=_with_label(call.labels, language, label))
            for call, label in zip(settings.calls_to_action, labels, strict=False)
        ),
    )


def _with_label(labels: Mapping[str, str], language: str, label: str | None) -> dict[str, str]:
    others = {key: text for key, text in labels.items() if key != language}
    return others | {language: label} if label else others


# One setting --------------------------------------------------------------------------------------


def _one_of(*allowed: str) -> Callable[[SiteSettings, str], str]:
    def parse(_: SiteSettings, text: str) -> str:
        if text not in allowed:
            raise ValueError(f"use one of {', '.join(allowed)}.")
        return text

    return parse


def _boolean(_: SiteSettings, text: str) -> bool:
    if text not in {"on", "off"}:
        raise ValueError("use on or off.")
    return text == "on"


def _line(_: SiteSettings, text: str) -> str:
    if not is_line(text, MAX_LINE):
        raise ValueError(f"use one line of 1 to {MAX_LINE} characters.")
    return text


def _link(_: SiteSettings, text: str) -> str | None:
    if not text:
        return None
    if not LINK.fullmatch(text):
        raise ValueError(
            "use an address that starts with https://, or an empty value to remove it."
        )
    return text


def _markdown(_: SiteSettings, text: str) -> str | None:
    text = text.replace("\r\n", "\n").strip()
    if len(text) > MAX_GUIDELINES:
        raise ValueError(f"use at most {MAX_GUIDELINES} characters.")
    if not all(char in "\n\t" or char.isprintable() for char in text):
        raise ValueError("use printable characters only.")
    return text or None


def _licence(_: SiteSettings, text: str) -> str | None:
    if text and not LICENCE.fullmatch(text):
        raise ValueError(
            "use an SPDX licence id, for instance CC-BY-4.0, or an empty value for none."
        )
    return text or None


def _seconds(_: SiteSettings, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,7}", text):
        raise ValueError("use a whole number of seconds.")
    return int(text)


def _keep_days(_: SiteSettings, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,2}", text) or int(text) not in KEEP_DAYS:
        raise ValueError(f"use a whole number of days from {KEEP_DAYS[0]} to {KEEP_DAYS[-1]}.")
    return int(text)


def _hiding_networks(_: SiteSettings, text: str) -> int:
    known = re.fullmatch(r"[0-9]{1,2}", text)
    if not known or (text != "0" and int(text) not in HIDING_NETWORKS):
        raise ValueError(
            f"use a whole number from {HIDING_NETWORKS[0]} to {HIDING_NETWORKS[-1]}, or 0 for never."
        )
    return int(text)


def _second_look(_: SiteSettings, text: str) -> int:
    known = re.fullmatch(r"[0-9]{1,4}", text)
    if not known or (text != "0" and int(text) not in SECOND_LOOK):
        raise ValueError(
            f"use a whole number from {SECOND_LOOK[0]} to {SECOND_LOOK[-1]}, or 0 for none."
        )
    return int(text)


def _days(_: SiteSettings, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", text):
        raise ValueError("use a whole number of days, at most 9999, or 0 for never.")
    return int(text)


def _accent(_: SiteSettings, text: str) -> str | None:
    if not text:
        return None
    colour = accent.normalise(text)
    if not accent.is_readable(colour):
        raise ValueError(
            f"{colour} is hard to see on light or dark pages, or text on it is hard to read. "
            f"The nearest colour that works is {accent.nearest_readable(colour)}."
        )
    return colour


def _density(_: SiteSettings, text: str) -> float:
    matches = re.fullmatch(r"[01](\.[0-9]{1,3})?", text)
    if not matches or not DENSITIES[0] <= float(text) <= DENSITIES[1]:
        raise ValueError("use a number from 0.75 (tight) to 1.25 (wide).")
    return float(text)


def _rate(_: SiteSettings, text: str) -> str:
    if not RATE.fullmatch(text):
        raise ValueError("use count/seconds, for instance 5/60.")
    return text


def _flood_hold(_: SiteSettings, text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 6 or int(text) not in FLOOD_HOLDS:
        raise ValueError("use seconds from 60 to 86400, for instance 900.")
    return int(text)


_LISTS = ("reactions", "calls_to_action", "tags")
_OBJECTS = ("hours", "capacity")

PARSERS: dict[str, Callable[[SiteSettings, Any], Any]] = {
    "prompt": _line,
    "reactions": list_values.reactions,
    "reaction_style": _one_of(*REACTION_STYLES),
    "name": _one_of(*FIELD_RULES),
    "website": _one_of(*FIELD_RULES),
    "email": _one_of(*FIELD_RULES),
    "moderation": _one_of(*MODERATION_MODES),
    "guidelines": _link,
    "guidelines_text": _markdown,
    "comment_licence": _licence,
    "calls_to_action": list_values.calls_to_action,
    "open_reading": _boolean,
    "open_republishing": _one_of(*REPUBLISHING_RULES),
    "edit_window": _seconds,
    "show_copy": _boolean,
    "discussion_languages": _one_of(*DISCUSSION_LANGUAGES),
    "search_engines": _boolean,
    "close_after_days": _days,
    "close_after": _one_of(*CLOSING_STARTS),
    "look_at_copies": _boolean,
    "older_copies": _one_of(*OLDER_COPIES),
    "accent": _accent,
    "density": _density,
    **dict.fromkeys(RATES, _rate),
    "keep_days": _keep_days,
    "reports_hide": _hiding_networks,
    "second_look": _second_look,
    "tags": list_values.tags,
    "network_bans": _boolean,
    "show_decisions": _boolean,
    "floods": _boolean,
    "flood_hold": _flood_hold,
    "hours": hours_values.hours,
    "capacity": hours_values.capacity,
}
