"""Apply changes to settings, of a site or of a story over its site, without storing them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from widget_server.content import markdown, svg_face
from widget_server.model import setting_values
from widget_server.model.decisions import Decision
from widget_server.model.errors import MalformedError, ProblemError, SettingsChangedError
from widget_server.model.limits import MAX_SETTINGS_BYTES
from widget_server.model.settings import DERIVED, STORY_KEYS, SiteSettings
from widget_server.protocol import serializers

Changes = Mapping[str, Any]
Stored = Mapping[str, Any]


def applied(settings: SiteSettings, changes: Changes) -> SiteSettings:
    """Return the settings with all changes applied. Raises `MalformedError` with a sentence."""
    try:
        for key, value in changes.items():
            settings = setting_values.with_value(settings, key, _with_faces(key, value))
        return _checked_size(_with_trees(settings))
    except ValueError as error:
        raise MalformedError(str(error)) from None


def applied_to_story(of_site: SiteSettings, before: Stored, changes: Changes) -> Stored:
    """Return what a story overrides after the changes. Raises `MalformedError` with a sentence."""
    after = dict(before)
    for key, value in changes.items():
        try:
            names = setting_values.overridden_keys(key)
        except ValueError as error:
            raise MalformedError(str(error)) from None
        if value is None and "." not in key:
            for name in names:
                after.pop(name, None)
            continue
        start = of_site.for_story(after)
        if names[0] not in after and len(names) > 1 and "." not in key:
            # The site's translations belong to the site's text.
            alone: dict[str, Any] = {names[1]: {}}
            start = replace(start, **alone)
        settings = applied(start, {key: value})
        if key == "open_republishing" and of_site.for_story({key: value}) != replace(
            of_site, open_republishing=settings.open_republishing
        ):
            raise MalformedError(
                "open_republishing: a story can only narrow what its site allows, "
                f"which is {of_site.open_republishing}."
            )
        after |= settings.values(names)
    return {name: after[name] for name in STORY_KEYS if name in after}


def taken_back(settings: SiteSettings, entry: Decision) -> SiteSettings:
    """Return the settings with those that a logged decision changed as they were before it.

    Raises `SettingsChangedError` if one of them was changed again since, and `MalformedError` if this
    version cannot read them.
    """
    return _restored(_former(settings.values(), entry))


def taken_back_in_story(stored: Stored, entry: Decision) -> Stored:
    """Return what a story overrides as it was before a logged decision. Raises as `taken_back`."""
    former = _former(stored, entry)
    trees = _restored(former).guidelines_trees
    former.pop(DERIVED, None)
    if "guidelines_text" in former:
        former[DERIVED] = dict(trees)
    return {name: former[name] for name in STORY_KEYS if name in former}


def _former(stored: Stored, entry: Decision) -> dict[str, Any]:
    keys = {**entry.before, **entry.after}
    now, then, former = (
        [(key in values, values.get(key)) for key in keys]
        for values in (stored, entry.after, entry.before)
    )
    if now not in (then, former):
        raise SettingsChangedError(
            "These settings were changed again since. Take back the later change first."
        )
    kept = {key: value for key, value in stored.items() if key not in keys}
    return kept | dict(entry.before)


def _restored(stored: Stored) -> SiteSettings:
    try:
        settings = SiteSettings.from_json(stored)
        settings.check()
        return _with_trees(settings)
    except (ValueError, TypeError, AttributeError, LookupError):
        raise MalformedError("This version cannot read these earlier settings.") from None


def _with_faces(key: str, value: Any) -> Any:
    """Return a list of reactions with each drawing reduced to a face."""
    if key != "reactions" or not isinstance(value, list):
        return value
    return [
        {**item, "face": svg_face.reduce_drawing(item["svg"])}
        if isinstance(item, Mapping) and isinstance(item.get("svg"), str)
        else item
        for item in value
    ]


def _with_trees(settings: SiteSettings) -> SiteSettings:
    """Return the settings with the trees of their guidelines. Raises `ValueError` if one is too complex."""
    texts = dict(settings.guidelines_texts)
    if settings.guidelines_text is not None:
        texts[""] = settings.guidelines_text
    try:
        trees = {language: markdown.render(text) for language, text in sorted(texts.items())}
    except ProblemError as rejection:
        raise ValueError(f"guidelines_text: {rejection.detail}") from None
    return replace(settings, guidelines_trees=trees)


def _checked_size(settings: SiteSettings) -> SiteSettings:
    """Return the settings. Raises `ValueError` if they take too much of a snapshot."""
    size = len(orjson.dumps(serializers.settings(settings)))
    if size > MAX_SETTINGS_BYTES:
        raise ValueError(
            f"The texts of all languages take {size} bytes of at most {MAX_SETTINGS_BYTES}."
            " Shorten the guidelines or the labels."
        )
    return settings
