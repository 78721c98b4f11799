"""Settings of a site, with their defaults, and parsers for values from the command line."""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from widget_server.model import accent

KEY = re.compile(r"[a-z][a-z_]{0,29}")
RATE = re.compile(r"[1-9][0-9]{0,5}/[1-9][0-9]{0,5}")
FIELD_RULES = ("off", "optional", "required")
MODERATION_MODES = ("post", "pre")
REACTION_STYLES = ("icon", "emoji")
KEEP_DAYS = range(1, 91)
REPUBLISHING_RULES = ("licence", "on", "off")
CLOSING_STARTS = ("story", "comment")


@dataclass(frozen=True, slots=True)
class Reaction:
    """A reaction that readers can choose."""

    key: str
    label: str
    emoji: str


REACTIONS = (
    Reaction("surprised", "Surprised", "😮"),
    Reaction("thinking", "Thinking", "🤔"),
    Reaction("happy", "Happy", "😊"),
    Reaction("sad", "Sad", "😢"),
    Reaction("fired_up", "Fired up", "🔥"),
)

#: Keys that earlier versions stored, in databases and backups. A dropped rate limit would be looser.
_EARLIER_KEYS = {
    "faces": "reaction_style",
    "pace_react": "rate_limit_react",
    "pace_comment": "rate_limit_comment",
}


@dataclass(frozen=True, slots=True)
class SiteSettings:
    """Settings of a site.

    `edit_window` is in seconds; rate limits are `count/seconds` for a reader. `accent` is `#rrggbb`, or
    None for the embed's own; `density` stretches the embed's vertical rhythm. `keep_days`: how long a
    removed comment can be restored.
    """

    prompt: str = "How does this article make you feel?"
    reactions: tuple[Reaction, ...] = REACTIONS
    reaction_style: str = "icon"
    name: str = "optional"
    website: str = "off"
    email: str = "off"
    moderation: str = "post"
    guidelines: str | None = None
    open_reading: bool = True
    open_republishing: str = "licence"
    edit_window: int = 900
    show_copy: bool = True
    search_engines: bool = False
    close_after_days: int = 0
    """Days after which the schedule closes a story; 0 for never."""
    close_after: str = "story"
    """Whether the days count from the story's start or from its last comment."""
    look_at_copies: bool = True
    """Whether the server asks once for the page of each new copy, for its title and credit."""
    accent: str | None = None
    density: float = 1.0
    rate_limit_react: str = "30/60"
    rate_limit_comment: str = "5/60"
    keep_days: int = 14

    def republishing_open(self, story_license: str) -> bool:
        """Whether copies with only the story's code, without a token, may react and comment."""
        if self.open_republishing == "licence":
            return story_license.upper().startswith("CC")
        return self.open_republishing == "on"

    def reaction_keys(self) -> tuple[str, ...]:
        """Return the keys of the offered reactions, in the order shown."""
        return tuple(reaction.key for reaction in self.reactions)

    def to_json(self) -> dict[str, Any]:
        """Return only values that differ from the defaults: a changed default then applies to old sites."""
        values, defaults = asdict(self), asdict(SiteSettings())
        return {key: value for key, value in values.items() if value != defaults[key]}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "SiteSettings":
        """Return the stored values over the defaults. Unknown keys, of a newer version, are ignored."""
        names = {field.name for field in fields(cls)}
        current = {_EARLIER_KEYS.get(key, key): value for key, value in stored.items()}
        chosen = {key: value for key, value in current.items() if key in names}
        if "reactions" in chosen:
            chosen["reactions"] = tuple(Reaction(**item) for item in chosen["reactions"])
        return cls(**chosen)

    def check(self) -> None:
        """Check all values. Raises `ValueError` if a value has a wrong type or form."""
        for field in fields(self):
            value = getattr(self, field.name)
            kinds = (str, type(None)) if field.default is None else (type(field.default),)
            if not isinstance(value, kinds) or isinstance(value, bool) > (bool in kinds):
                raise ValueError(f"The setting {field.name} has a value of the wrong type.")
        if not all(
            RATE.fullmatch(rate) for rate in (self.rate_limit_react, self.rate_limit_comment)
        ):
            raise ValueError("A rate limit must be count/seconds, for instance 5/60.")
        texts = [text for r in self.reactions for text in (r.key, r.label, r.emoji)]
        if not all(isinstance(text, str) for text in texts) or not texts:
            raise ValueError("A reaction must have a key, a label and an emoji.")

    def with_value(self, key: str, text: str) -> "SiteSettings":
        """Return the settings with one `KEY=VALUE` of the command line applied.

        Raises `ValueError` with a sentence that names the accepted values.
        """
        parse = _PARSERS.get(key)
        if parse is None:
            raise ValueError(f"There is no setting “{key}”. Known: {', '.join(sorted(_PARSERS))}.")
        try:
            return replace(self, **{key: parse(text)})
        except ValueError as error:
            raise ValueError(f"{key}: {error}") from None


def _one_of(*allowed: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"use one of {', '.join(allowed)}.")
        return text

    return parse


def _boolean(text: str) -> bool:
    if text not in {"on", "off"}:
        raise ValueError("use on or off.")
    return text == "on"


def _line(text: str) -> str:
    if not 1 <= len(text) <= 200 or not text.isprintable():
        raise ValueError("use one line of 1 to 200 characters.")
    return text


def _link(text: str) -> str | None:
    if not text:
        return None
    if not re.fullmatch(r"https?://[^\s\x00-\x1f]{1,500}", text):
        raise ValueError(
            "use an address that starts with https://, or an empty value to remove it."
        )
    return text


def _seconds(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,7}", text):
        raise ValueError("use a whole number of seconds.")
    return int(text)


def _keep_days(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,2}", text) or int(text) not in KEEP_DAYS:
        raise ValueError(f"use a whole number of days from {KEEP_DAYS[0]} to {KEEP_DAYS[-1]}.")
    return int(text)


def _days(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", text):
        raise ValueError("use a whole number of days, at most 9999, or 0 for never.")
    return int(text)


def _accent(text: str) -> str | None:
    if not text:
        return None
    colour = accent.normalise(text)
    if not accent.is_readable(colour):
        raise ValueError(
            f"{colour} is hard to see on light or dark pages, or text on it is hard to read. "
            f"The nearest colour that works is {accent.nearest_readable(colour)}."
        )
    return colour


def _density(text: str) -> float:
    if not re.fullmatch(r"[01](\.[0-9]{1,3})?", text) or not 0.75 <= float(text) <= 1.25:
        raise ValueError("use a number from 0.75 (tight) to 1.25 (wide).")
    return float(text)


def _rate(text: str) -> str:
    if not RATE.fullmatch(text):
        raise ValueError("use count/seconds, for instance 5/60.")
    return text


def _reactions(text: str) -> tuple[Reaction, ...]:
    """Parse `happy,sad` (default reactions) and `key:Label:emoji` (the site's own)."""
    defaults = {reaction.key: reaction for reaction in REACTIONS}
    chosen: list[Reaction] = []
    for item in text.split(","):
        key, _, rest = item.strip().partition(":")
        label, _, emoji = rest.partition(":")
        if not rest and key in defaults:
            chosen.append(defaults[key])
        elif KEY.fullmatch(key) and 1 <= len(label) <= 30 and 1 <= len(emoji) <= 16:
            chosen.append(Reaction(key, label, emoji))
        else:
            raise ValueError(
                f"use keys of {', '.join(defaults)} or key:Label:emoji, comma-separated."
            )
    if not 1 <= len(chosen) <= 8 or len({reaction.key for reaction in chosen}) != len(chosen):
        raise ValueError("offer one to eight reactions, each once.")
    return tuple(chosen)


_PARSERS: dict[str, Callable[[str], Any]] = {
    "prompt": _line,
    "reactions": _reactions,
    "reaction_style": _one_of(*REACTION_STYLES),
    "name": _one_of(*FIELD_RULES),
    "website": _one_of(*FIELD_RULES),
    "email": _one_of(*FIELD_RULES),
    "moderation": _one_of(*MODERATION_MODES),
    "guidelines": _link,
    "open_reading": _boolean,
    "open_republishing": _one_of(*REPUBLISHING_RULES),
    "edit_window": _seconds,
    "show_copy": _boolean,
    "search_engines": _boolean,
    "close_after_days": _days,
    "close_after": _one_of(*CLOSING_STARTS),
    "look_at_copies": _boolean,
    "accent": _accent,
    "density": _density,
    "rate_limit_react": _rate,
    "rate_limit_comment": _rate,
    "keep_days": _keep_days,
}
