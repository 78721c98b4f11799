"""Settings of a site, and those that a story overrides: read, preview, change, take back.

`changes` map setting keys to values, as `model/setting_values.py` parses them: a text as people write
it, a JSON value, or None for the default (in a story: for the site's value). In the list of reactions,
an object may have `svg`, a drawing, in place of `face`.
"""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import orjson

from widget_server.auth import permissions
from widget_server.content import svg_face
from widget_server.model.actors import Actor
from widget_server.model.decisions import Decision, decided_by
from widget_server.model.errors import MalformedError, NotFoundError, NotPermittedError
from widget_server.model.settings import SiteSettings
from widget_server.operations.cache import CachedSite
from widget_server.operations.made_before import made_before
from widget_server.operations.owners.apply_settings import (
    Changes as Changes,
    Stored,
    applied,
    applied_to_story,
    taken_back,
    taken_back_in_story,
)
from widget_server.operations.services import Services
from widget_server.store.queries.site_settings import (
    change_site_settings,
    change_story_settings,
    changed_keys,
    watched_first,
)
from widget_server.store.writing.actions import UpdateStory

BATCH = 200
"""Stories whose `seq` is moved in one transaction."""


@dataclass(frozen=True, slots=True)
class CurrentSettings:
    """The settings of a site, or of a story over those of its site."""

    site: str
    story: str | None
    version: str
    """Names this state of `stored`: `expected` of a change."""
    settings: SiteSettings
    stored: Stored
    """What differs from the defaults, or what the story overrides."""
    stories: tuple[str, ...]
    """Codes of the site's stories that override settings."""


@dataclass(frozen=True, slots=True)
class ChangedSettings:
    """A stored change: the stored JSON before and after it."""

    version: str
    settings: SiteSettings
    before: str
    after: str
    keys: tuple[str, ...]
    """Stored keys that changed."""
    decision: str | None
    """Id of the decision in the site's log, for `take_back`. None: nothing changed."""


async def read_settings(
    services: Services, by: Actor, site: str, story: str | None = None
) -> CurrentSettings:
    """Return the settings of a site, or of its story with this code.

    Raises `NotPermittedError` and `NotFoundError`.
    """
    permissions.require(by, "read_settings", site)
    cached = await site_of(services, site)
    settings, stored = await _state(services, cached, story)
    codes = tuple(sorted(cached.overrides))
    return CurrentSettings(site, story, version_of(stored), settings, stored, codes)


async def change_settings(
    services: Services,
    by: Actor,
    site: str,
    changes: Changes,
    *,
    story: str | None = None,
    expected: str | None = None,
) -> ChangedSettings:
    """Change settings of a site, or override them in a story; open pages follow within 2 seconds.

    All changes are stored, or none. Raises `MalformedError` with a sentence for a wrong value,
    `SettingsChangedError` if `expected` is given and is not the current version, `NotPermittedError` and
    `NotFoundError`.
    """
    permissions.require(by, "settings" if story is None else "story_settings", site)
    if story is None:
        decision = decided_by(by, "settings", services.now_ms())
        return await _store_site(services, site, lambda s: applied(s, changes), expected, decision)

    def change(of_site: SiteSettings, before: Stored) -> Stored:
        return applied_to_story(of_site, before, changes)

    decision = decided_by(by, "settings", services.now_ms(), targets=(story,))
    return await _store_story(services, site, story, change, expected, decision)


async def set_reaction_face(
    services: Services, by: Actor, site: str, key: str, svg: str | None
) -> ChangedSettings:
    """Draw a reaction with the paths of an SVG, or (None) as it was drawn before.

    Raises the errors of `change_settings`; `MalformedError` also says what is wrong with the drawing.
    """
    permissions.require(by, "settings", site)
    try:
        face = None if svg is None else svg_face.reduce_drawing(svg)
    except ValueError as error:
        raise MalformedError(str(error)) from None

    def change(settings: SiteSettings) -> SiteSettings:
        if key not in {reaction.key for reaction in settings.reactions}:
            raise MalformedError(f"There is no reaction “{key}” on this site.")
        return replace(
            settings,
            reactions=tuple(
                replace(each, face=face) if each.key == key else each for each in settings.reactions
            ),
        )

    decision = decided_by(by, "settings", services.now_ms())
    return await _store_site(services, site, change, None, decision)


async def take_back(
    services: Services, by: Actor, site: str, decision: str, *, expected: str | None = None
) -> ChangedSettings:
    """Give the settings that a logged decision changed the values that they had before it.

    Other settings stay as they are. It is logged as `undo`. Raises the errors of `change_settings`;
    `SettingsChangedError` also if one of the settings was changed again since, `NotFoundError` if the
    site's log has no such decision about settings, and `NotPermittedError` for the undoing of an undo.
    """
    permissions.require(by, "undo", site)
    entry = await services.decisions.of_site(site, decision)
    if entry is None or entry.verb not in {"settings", "undo"}:
        raise NotFoundError("There is no decision about settings with this id.")
    story = entry.targets[0] if entry.targets else None
    permissions.require(by, "settings" if story is None else "story_settings", site)
    if entry.verb == "undo":
        raise NotPermittedError("An undo cannot be undone. Make the change again.")
    made = await made_before(services, by, "undo")
    if made:
        return await _taken_back(services, site, story, made["undo"])
    undo = decided_by(by, "undo", services.now_ms(), targets=entry.targets, undoes=entry.id)
    if story is None:
        return await _store_site(services, site, lambda s: taken_back(s, entry), expected, undo)
    return await _store_story(
        services, site, story, lambda _, stored: taken_back_in_story(stored, entry), expected, undo
    )


async def _taken_back(
    services: Services, site: str, story: str | None, made: Decision
) -> ChangedSettings:
    """Return a change that was stored before, with the settings of now. Open pages are told again."""
    await announce_settings(services, site, story)
    settings, stored = await _state(services, await site_of(services, site), story)
    text = _json_of(stored)
    return ChangedSettings(version_of(stored), settings, text, text, tuple(made.after), made.id)


# Storing ------------------------------------------------------------------------------------------


async def _store_site(
    services: Services,
    slug: str,
    change: Callable[[SiteSettings], SiteSettings],
    expected: str | None,
    decision: Decision,
) -> ChangedSettings:
    def is_expected(settings: SiteSettings) -> bool:
        return expected in {None, version_of(settings.to_json())}

    before, after = await services.writer.run_in_transaction(
        change_site_settings(slug, change, is_expected, decision)
    )
    changed = _changed(
        after.settings, before.settings.to_json(), after.settings.to_json(), decision
    )
    if changed.keys:
        await announce_settings(services, slug, None)
    return changed


async def _store_story(
    services: Services,
    slug: str,
    code: str,
    change: Callable[[SiteSettings, Stored], Stored],
    expected: str | None,
    decision: Decision,
) -> ChangedSettings:
    def is_expected(stored: Stored) -> bool:
        return expected in {None, version_of(stored)}

    before, after = await services.writer.run_in_transaction(
        change_story_settings(slug, code, change, is_expected, decision)
    )
    if before != after:
        await announce_settings(services, slug, code)
    settings = (await site_of(services, slug)).for_story(code).settings
    return _changed(settings, before, after, decision)


def _changed(
    settings: SiteSettings, before: Stored, after: Stored, decision: Decision
) -> ChangedSettings:
    keys = changed_keys(before, after)
    return ChangedSettings(
        version_of(after),
        settings,
        _json_of(before),
        _json_of(after),
        keys,
        decision.id if keys else None,
    )


def _json_of(stored: Stored) -> str:
    return orjson.dumps(dict(stored)).decode()


async def announce_settings(services: Services, slug: str, code: str | None = None) -> None:
    """Give the change a number in one story or in all stories of the site: first in those that are open."""
    # The events are encoded with the cached settings.
    await services.cache.site(slug, max_age=0)
    found = await services.site_settings.story_ids(slug)
    if code is not None:
        found = [story for story in found if story[1] == code]
    ids = [story for story, _ in watched_first(found, services.hub.open_stories())]
    for start in range(0, len(ids), BATCH):
        await asyncio.gather(
            *(
                services.writer.submit(UpdateStory(i, {}, announce=True))
                for i in ids[start : start + BATCH]
            )
        )


# Reading ------------------------------------------------------------------------------------------


def version_of(stored: Stored) -> str:
    """Return the name of a state of settings: a hash of what is stored."""
    text = orjson.dumps(dict(stored), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()[:16]


async def site_of(services: Services, slug: str) -> CachedSite:
    """Return a site as it is now. Raises `NotFoundError`."""
    cached = await services.cache.site(slug, max_age=0)
    if cached is None:
        raise NotFoundError(f"There is no site “{slug}”. `widget-server site list` shows them.")
    return cached


async def _state(
    services: Services, cached: CachedSite, code: str | None
) -> tuple[SiteSettings, Stored]:
    """Return the settings in effect, and what is stored. Raises `NotFoundError` for an unknown story."""
    if code is None:
        return cached.site.settings, cached.site.settings.to_json()
    story = await services.cache.story(code, fresh=True)
    if story is None or story.site != cached.site.slug:
        raise NotFoundError("There is no story with this code.")
    return cached.for_story(code).settings, cached.overrides.get(code, {})
