"""The places in the dashboard's navigation. A page adds itself here with one line."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any

from markupsafe import Markup

from widget_server.auth.permissions import allowed
from widget_server.model.actors import Actor
from widget_server.web.dashboard.rendering import templates
from widget_server.web.dashboard.texts import Translate


@dataclass(frozen=True, slots=True)
class Place:
    """A page of a site. `key` is its text `nav_KEY`, its icon, and by default its path."""

    key: str
    verb: str
    """The place is shown to roles that may use this verb."""
    group: str = ""
    """`setup` or `team`: the heading above it."""

    def path(self, site: str) -> str:
        """Return the path of the page."""
        return f"/admin/sites/{site}/{self.key}"


PLACES = (
    Place("home", "read"),
    Place("queue", "read"),
    Place("stories", "read"),
    Place("bans", "read_reports"),
    Place("copies", "read_copies"),
    Place("numbers", "read_numbers"),
    Place("tokens", "read_tokens", "setup"),
    Place("rules", "read_rules", "setup"),
    Place("settings", "read_settings", "setup"),
    Place("people", "read_people", "team"),
    Place("log", "read_log", "team"),
)
"""In the order in which they are shown. Groups come in the order of their first place."""
SHORT = ("home", "queue", "stories", "copies")
"""Places in the bar at the foot of a phone; the others are behind “More”."""


@dataclass(frozen=True, slots=True)
class Link:
    """A place of a site as pages show it."""

    key: str
    path: str
    word: str
    icon: Markup


@dataclass(frozen=True, slots=True)
class Navigation:
    """The links to the places of a site in one language, for one role."""

    groups: tuple[tuple[str, tuple[Link, ...]], ...] = ()
    """Headings, of which one may be empty, with their links."""
    short: tuple[Link, ...] = ()
    more: tuple[Link, ...] = ()


def navigation_for(actor: Actor, site: str, lang: str) -> Navigation:
    """Return links to the places that the actor may open on the site."""
    places = tuple(place for place in PLACES if allowed(actor, place.verb, site))
    return _navigation(places, site, lang)


MAX_NAVIGATIONS = 1_000
"""Navigations that are kept, one for each site, language and set of places."""


@lru_cache(MAX_NAVIGATIONS)
def _navigation(places: tuple[Place, ...], site: str, lang: str) -> Navigation:
    """Return the links to these places. Every page has them, and needs each of them twice."""
    t = Translate(lang)
    macros: Any = templates.get_template("dashboard/_macros.html").module
    links = {
        place: Link(place.key, place.path(site), t(f"nav_{place.key}"), macros.icon(place.key))
        for place in places
    }
    return Navigation(
        tuple(
            (t(f"nav_{group}") if group else "", tuple(links[place] for place in some))
            for group, some in groupby(places, lambda place: place.group)
        ),
        tuple(links[place] for place in places if place.key in SHORT),
        tuple(links[place] for place in places if place.key not in SHORT),
    )
