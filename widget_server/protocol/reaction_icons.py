"""The faces of the usual reactions, drawn: shapes that the embed fills and lines it draws on them.

They travel with the settings, so that the embed's own file need not carry them, and a site that
chose emoji or reactions of its own costs no one their bytes.
"""

from widget_server.model.settings import REACTIONS, SiteSettings

_DISC = "M12 2a10 10 0 1 0 .01 0z"
_YELLOW = "#ffd257"

#: By key: the filled shape, the lines, the colour of the shape; in a square of 24.
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

_USUAL = {reaction.key: reaction for reaction in REACTIONS}


def icon(settings: SiteSettings, key: str) -> tuple[str, str, str] | None:
    """The drawn face of a reaction; None where its emoji is shown."""
    offered = next((each for each in settings.reactions if each.key == key), None)
    usual = offered is not None and _USUAL.get(key, offered).emoji == offered.emoji
    return ICONS.get(key) if usual and settings.reaction_style == "icon" else None
