"""Icons of the default reactions, as SVG paths: a shape to fill, and the features to fill on it.

They are sent with the settings instead of being part of the embed's file. A site with emoji or
its own reactions then costs no bytes for them.
"""

from widget_server.model.reactions import REACTIONS
from widget_server.model.settings import SiteSettings

_DISC = "M12 1.5a10.5 10.5 0 1 0 .01 0z"

#: By key: the path of the shape, the path of the features, and the shape's colour. Paths are in a square of 24.
ICONS: dict[str, tuple[str, str, str]] = {
    "surprised": (
        _DISC,
        (
            "M8.2 8.6a1.3 1.6 0 1 0 .01 0zM15.8 8.6a1.3 1.6 0 1 0 .01 0zM12 13.6a2.3 2.9 0 1 0 .0"
            "1 0zM5.6 7q1.5-2.6 4.2-1.9l.1.6q-2.4-.2-4.3 1.3zM18.4 7q-1.5-2.6-4.2-1.9l-.1.6q2.4-."
            "2 4.3 1.3z"
        ),
        "#f6c344",
    ),
    "thinking": (
        _DISC,
        (
            "M9.8 8.4a1.2 1.5 0 1 0 .01 0zM16.6 8.4a1.2 1.5 0 1 0 .01 0zM6.6 7.4q1.8-1.5 4.2-.6v."
            "6q-2.1-.6-4.1 0zM14 5.6q2-2.2 4.6-.2l-.2.6q-2.3-1.2-4.3-.4zM9.8 17.2q2.6-2.3 5.8-1.2"
            ".5.3.1.9-2.9-.6-5.6.6z"
        ),
        "#f6c344",
    ),
    "happy": (
        _DISC,
        (
            "M5.6 10.6q2.3-4.4 4.8 0l-.5.3q-1.9-2.2-3.8 0zM13.6 10.6q2.3-4.4 4.8 0l-.5.3q-1.9-2.2"
            "-3.8 0zM6.3 13.4q5.7 1.4 11.4 0 .2 5.6-5.7 5.6t-5.7-5.6z"
        ),
        "#f6c344",
    ),
    "sad": (
        _DISC,
        (
            "M8.3 10a1.2 1.5 0 1 0 .01 0zM15.7 10a1.2 1.5 0 1 0 .01 0zM5.6 9.2q2.4-.4 4-2.4l.5.4q"
            "-1.3 2.5-4.4 2.6zM18.4 9.2q-2.4-.4-4-2.4l-.5.4q1.3 2.5 4.4 2.6zM7.9 18q4.1-4.8 8.2 0"
            "l-.4.5q-3.7-2.7-7.4 0z"
        ),
        "#8fb9e0",
    ),
    "fired_up": (
        (
            "M13.3.7c.5 4 7.9 6.4 7.9 13.5a9.2 9 0 0 1-18.4 0q0-4.7 2.6-8.7 2 1.6 2.3 3.5.4-3.6 5"
            ".6-8.3z"
        ),
        (
            "M9 12a1 1.4 0 1 0 .01 0zM15 12a1 1.4 0 1 0 .01 0zM6.4 10.3l4 1.2q-2.9.8-4-1.2zM17.6 "
            "10.3l-4 1.2q2.9.8 4-1.2zM7.6 16.2q4.4 1.1 8.8 0-.4 4.5-4.4 4.5t-4.4-4.5z"
        ),
        "#f0883e",
    ),
}

_DEFAULT = {reaction.key: reaction for reaction in REACTIONS}


def icon(settings: SiteSettings, key: str) -> tuple[str, str, str] | None:
    """Return a reaction's icon, or None if its emoji is shown instead. A site's own face comes first."""
    offered = next((reaction for reaction in settings.offered if reaction.key == key), None)
    if offered is not None and offered.face is not None:
        return offered.face
    unchanged = offered is not None and _DEFAULT.get(key, offered).emoji == offered.emoji
    return ICONS.get(key) if unchanged and settings.reaction_style == "icon" else None
