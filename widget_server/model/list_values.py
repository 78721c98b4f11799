"""Parse the settings that are lists: reactions, calls to action and tags."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from widget_server.model.reactions import (
    KEY,
    MAX_EMOJI,
    MAX_LABEL,
    MAX_REACTIONS,
    MIN_REACTIONS,
    REACTIONS,
    Reaction,
    check_labels,
    is_line,
)
from widget_server.model.settings import (
    COMMAS,
    LINK,
    MAX_ACTION_LABEL,
    MAX_ACTIONS,
    CallToAction,
    SiteSettings,
    check_tags,
)


def reactions(settings: SiteSettings, value: str | list[Any]) -> tuple[Reaction, ...]:
    """Parse `happy,sad` (known keys) and `key:Label:emoji`, or a list of JSON objects.

    A stored reaction that is left out is hidden: its key stays, and so do the counts under it.
    """
    known = {each.key: each for each in REACTIONS} | {each.key: each for each in settings.reactions}
    items = [item.strip() for item in value.split(",")] if isinstance(value, str) else value
    chosen = [_reaction(known, item) for item in items]
    keys = {reaction.key for reaction in chosen}
    if not MIN_REACTIONS <= len(chosen) <= MAX_REACTIONS or len(keys) != len(chosen):
        raise ValueError(f"offer {MIN_REACTIONS} to {MAX_REACTIONS} reactions, each once.")
    left_out = [each for each in settings.reactions if each.key not in keys]
    return (*chosen, *(replace(each, hidden=True) for each in left_out))


def _reaction(known: Mapping[str, Reaction], item: Any) -> Reaction:
    if isinstance(item, Mapping):
        return _reaction_of_json(known, item)
    key, _, rest = str(item).partition(":")
    label, _, emoji = rest.partition(":")
    if not rest and key in known:
        return replace(known[key], hidden=False)
    if not KEY.fullmatch(key) or not is_line(label, MAX_LABEL) or not is_line(emoji, MAX_EMOJI):
        raise ValueError(f"use keys of {', '.join(known)} or key:Label:emoji, comma-separated.")
    if key in known:
        return replace(known[key], label=label, emoji=emoji, hidden=False)
    return Reaction(key, label, emoji)


def _reaction_of_json(known: Mapping[str, Reaction], item: Mapping[str, Any]) -> Reaction:
    old = known.get(str(item.get("key")))
    fields = {**({} if old is None else old.to_json()), **item, "hidden": False}
    try:
        reaction = Reaction.from_json(fields)
        reaction.check()
    except (KeyError, TypeError, AttributeError):
        raise ValueError("write each reaction as an object with key, label and emoji.") from None
    texts = is_line(reaction.label, MAX_LABEL) and is_line(reaction.emoji, MAX_EMOJI)
    if not KEY.fullmatch(reaction.key) or not texts:
        raise ValueError("use a key of small letters and _, a label and an emoji.")
    return reaction


def calls_to_action(_: SiteSettings, value: str | list[Any]) -> tuple[CallToAction, ...]:
    """Parse `https://a.example Label | https://b.example Label`, or a list of JSON objects."""
    if isinstance(value, str):
        parts = [part.strip().partition(" ") for part in value.split("|")] if value.strip() else []
        calls = [CallToAction(url, label.strip()) for url, _, label in parts]
    else:
        try:
            calls = [
                CallToAction(str(i["url"]), str(i["label"]), dict(i.get("labels") or {}))
                for i in value
            ]
        except (LookupError, TypeError, AttributeError):
            raise ValueError("write each call as an object with url and label.") from None
    if len(calls) > MAX_ACTIONS:
        raise ValueError(f"offer at most {MAX_ACTIONS} calls to action.")
    for call in calls:
        if not LINK.fullmatch(call.url) or not is_line(call.label, MAX_ACTION_LABEL):
            raise ValueError(
                "write an address that starts with https://, a space and a label of at most "
                f"{MAX_ACTION_LABEL} characters; separate several by |."
            )
        check_labels(call.labels, MAX_ACTION_LABEL)
    return tuple(calls)


def tags(_: SiteSettings, value: str | list[Any]) -> tuple[str, ...]:
    """Parse `urgent, good quote`, or a list of texts. An empty value is no tag."""
    items = re.split(f"[{COMMAS}]", value) if isinstance(value, str) else value
    if not all(isinstance(item, str) for item in items):
        raise ValueError("write each tag as a text.")
    found = [unicodedata.normalize("NFC", item.strip()) for item in items]
    # A comma too many is a slip where tags are typed.
    chosen = tuple(filter(None, found) if isinstance(value, str) else found)
    check_tags(chosen)
    return chosen
