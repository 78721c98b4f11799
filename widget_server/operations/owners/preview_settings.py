"""Say what a change of settings would change, and for whom, without storing it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from widget_server.auth import permissions
from widget_server.model.actors import Actor
from widget_server.model.errors import NotFoundError
from widget_server.model.settings import SiteSettings
from widget_server.operations.owners.apply_settings import Changes, applied, applied_to_story
from widget_server.operations.owners.settings import site_of, version_of
from widget_server.operations.services import Services


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A setting that would change, with its JSON values."""

    key: str
    before: Any
    after: Any
    not_for: tuple[str, ...]
    """Codes of the stories that override this setting: nothing changes there."""


@dataclass(frozen=True, slots=True)
class ReactionEffect:
    """What would happen to one reaction.

    `counted` is how often it is counted in the site's stories. It keeps counting when it is hidden or
    renamed; a renamed one that was counted says something else than its readers chose.
    """

    key: str
    effect: Literal["added", "shown", "hidden", "renamed", "redrawn"]
    before: str | None
    """The label before, or None if it is new."""
    after: str
    counted: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change would change, and for whom."""

    version: str
    """The state that the change would be applied to: `expected` of `change_settings`."""
    settings: SiteSettings
    """The settings as they would be, to show a preview."""
    fields: tuple[FieldChange, ...]
    reactions: tuple[ReactionEffect, ...]
    stories: int
    """Stories for which something changes."""
    open_stories: int
    """Those of them that are open on a page now, as far as this process serves them."""
    readers: int
    copies: int


async def preview_change(
    services: Services, by: Actor, site: str, changes: Changes, *, story: str | None = None
) -> Preview:
    """Return what these changes would change. Raises the errors of `settings.change_settings`."""
    permissions.require(by, "settings" if story is None else "story_settings", site)
    cached = await site_of(services, site)
    of_site = cached.site.settings
    codes = [code for _, code in await services.site_settings.story_ids(site)]
    overrides: Mapping[str, Mapping[str, Any]] = {}
    if story is None:
        before, after = of_site, applied(of_site, changes)
        version, overrides = version_of(of_site.to_json()), cached.overrides
    else:
        if story not in codes:
            raise NotFoundError("There is no story with this code.")
        stored, codes = cached.overrides.get(story, {}), [story]
        before = of_site.for_story(stored)
        after = of_site.for_story(applied_to_story(of_site, stored, changes))
        version = version_of(stored)
    fields = _field_changes(before, after, overrides)
    affected = [code for code in codes if any(code not in field.not_for for field in fields)]
    watched = services.hub.open_stories()
    open_now = [watched[code] for code in affected if code in watched]
    effects = _reaction_effects(before, after)
    counted = await services.site_settings.counted(site) if effects else {}
    return Preview(
        version,
        after,
        fields,
        tuple(ReactionEffect(*effect, counted.get(effect[0], 0)) for effect in effects),
        len(affected),
        len(open_now),
        sum(readers for readers, _ in open_now),
        sum(copies for _, copies in open_now),
    )


def _field_changes(
    before: SiteSettings, after: SiteSettings, overrides: Mapping[str, Mapping[str, Any]]
) -> tuple[FieldChange, ...]:
    old, new = before.values(), after.values()
    return tuple(
        FieldChange(
            key,
            old[key],
            new[key],
            tuple(sorted(code for code, stored in overrides.items() if key in stored)),
        )
        for key in old
        # The trees follow from the texts.
        if old[key] != new[key] and key != "guidelines_trees"
    )


_Effect = tuple[str, Literal["added", "shown", "hidden", "renamed", "redrawn"], str | None, str]


def _reaction_effects(before: SiteSettings, after: SiteSettings) -> list[_Effect]:
    """Return key, effect, and the label before and after, of each reaction that would change."""
    old = {reaction.key: reaction for reaction in before.reactions}
    effects: list[_Effect] = []
    for new in after.reactions:
        was = old.get(new.key)
        if was is None:
            effects.append((new.key, "added", None, new.label))
        elif was.hidden != new.hidden:
            effects.append((new.key, "hidden" if new.hidden else "shown", was.label, new.label))
        elif (was.label, was.labels) != (new.label, new.labels):
            effects.append((new.key, "renamed", was.label, new.label))
        elif (was.emoji, was.face) != (new.emoji, new.face):
            effects.append((new.key, "redrawn", was.label, new.label))
    return effects
