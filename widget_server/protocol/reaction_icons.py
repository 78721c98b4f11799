"""Icons of the default reactions, as SVG paths: a shape to fill, and lines to draw on it.

They are sent with the settings instead of being part of the embed's file. A site with emoji or
its own reactions then costs no bytes for them.
"""

from widget_server.model.settings import REACTIONS, SiteSettings

_DISC = "M12 2a10 10 0 1 0 .01 0z"
_YELLOW = "#ffd257"

#: By key: the filled shape, the lines, and the shape's colour. Paths are in a square of 24.
ICONS: dict[str, tuple[str, str, str]] = {
    "surprised": (
        _DISC,
        "M8.4 10v.6M15.6 10v.6M6.8 7q1.6-1.6 3.2-.6M14 6.4q1.6-1 3.2.6M12 14a2 2.4 0 1 0 .01 0z",
        _YELLOW,
    ),
    "thinking": (
        _DISC,
        "M8.6 10.4v.4M15.2 9.8v.4M7 8.4h3M13.6 6.8q1.6-1.4 3.4 0M9 16q3-1.8 6-.6",
        _YELLOW,
    ),
    "happy": (_DISC, "M7 10q1.5-2.2 3 0M14 10q1.5-2.2 3 0M7 14q5 6 10 0z", _YELLOW),
    "sad": (
        _DISC,
        "M8.4 10.6v.5M15.6 10.6v.5M6.8 8.6l3-1.6M17.2 8.6l-3-1.6M8.4 17q3.6-3.6 7.2 0",
        "#9cc9f5",
    ),
    "fired_up": (
        "M12.6 1.5c1 4.3 6.9 6.8 6.9 13.2a7.5 7.5 0 0 1-15 0c0-3.2 1.6-5 2.7-7.2"
        ".5 1.6 1 2.3 2 2.9.2-3.6.9-6.2 3.4-8.9z",
        "M9 14v.5M15 14v.5M7.6 11.6l2.2 1M16.4 11.6l-2.2 1M9.6 18q2.4 1.8 4.8 0",
        "#ff9a3d",
    ),
}

_DEFAULT = {reaction.key: reaction for reaction in REACTIONS}


def icon(settings: SiteSettings, key: str) -> tuple[str, str, str] | None:
    """Return a reaction's icon, or None if its emoji is shown instead."""
    offered = next((reaction for reaction in settings.reactions if reaction.key == key), None)
    unchanged = offered is not None and _DEFAULT.get(key, offered).emoji == offered.emoji
    return ICONS.get(key) if unchanged and settings.reaction_style == "icon" else None
