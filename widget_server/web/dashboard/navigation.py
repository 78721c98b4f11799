"""The places in the dashboard's navigation. A page adds itself here with one line."""

from dataclasses import dataclass

from widget_server.auth.permissions import allowed
from widget_server.model.actors import Actor


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


def places_for(actor: Actor, site: str) -> list[Place]:
    """Return the places that the actor may open on the site."""
    return [place for place in PLACES if allowed(actor, place.verb, site)]
