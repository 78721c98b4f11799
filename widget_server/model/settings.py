"""What a site's owner may choose, with the defaults that readers meet where nothing was chosen."""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

KEY = re.compile(r"[a-z][a-z_]{0,29}")
RATE = re.compile(r"[1-9][0-9]{0,5}/[1-9][0-9]{0,5}")
FIELD_RULES = ("off", "optional", "required")
MODERATION_MODES = ("post", "pre")
REACTION_STYLES = ("icon", "emoji")
REPUBLISHING_RULES = ("licence", "on", "off")


@dataclass(frozen=True, slots=True)
class Reaction:
    """One of the few answers a reader can give with a tap."""

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


@dataclass(frozen=True, slots=True)
class SiteSettings:
    """A site's rules. `edit_window` is in seconds; a pace is `count/seconds` for one reader."""

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
    rate_limit_react: str = "30/60"
    rate_limit_comment: str = "5/60"

    def republishing_open(self, story_license: str) -> bool:
        """Whether the story's code alone, without a token, may react and comment."""
        if self.open_republishing == "licence":
            return story_license.upper().startswith("CC")
        return self.open_republishing == "on"

    def reaction_keys(self) -> tuple[str, ...]:
        """The keys of the reactions offered, in the order shown."""
        return tuple(reaction.key for reaction in self.reactions)

    def to_json(self) -> dict[str, Any]:
        """Only what differs from the defaults, so that a later default reaches old sites."""
        plain = asdict(self)
        default = asdict(SiteSettings())
        return {key: value for key, value in plain.items() if value != default[key]}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "SiteSettings":
        """Stored choices over the defaults; a key of a newer version is passed over."""
        known = {field.name for field in fields(cls)}
        chosen = {key: value for key, value in stored.items() if key in known}
        if "reactions" in chosen:
            chosen["reactions"] = tuple(Reaction(**item) for item in chosen["reactions"])
        return cls(**chosen)

    def check(self) -> None:
        """Raise ValueError unless every value is one that could have been chosen."""
        for field in fields(self):
            value = getattr(self, field.name)
            kinds = (str, type(None)) if field.default is None else (type(field.default),)
            if not isinstance(value, kinds) or isinstance(value, bool) > (bool in kinds):
                raise ValueError(f"{field.name} is not what it can be.")
        if not all(
            RATE.fullmatch(rate) for rate in (self.rate_limit_react, self.rate_limit_comment)
        ):
            raise ValueError("A pace is count/seconds.")
        texts = [text for one in self.reactions for text in (one.key, one.label, one.emoji)]
        if not all(isinstance(text, str) for text in texts) or not texts:
            raise ValueError("A reaction has a key, a label and an emoji.")

    def with_value(self, key: str, text: str) -> "SiteSettings":
        """The settings with one `KEY=VALUE` of the command line applied.

        Raises `ValueError` with a sentence that names what is accepted.
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
        raise ValueError("use an address that starts with https://, or nothing to take it away.")
    return text


def _seconds(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,7}", text):
        raise ValueError("use a whole number of seconds.")
    return int(text)


def _rate(text: str) -> str:
    if not RATE.fullmatch(text):
        raise ValueError("use count/seconds, for instance 5/60.")
    return text


def _reactions(text: str) -> tuple[Reaction, ...]:
    """`happy,sad` picks among the known ones; `key:Label:emoji` brings one of the site's own."""
    known = {reaction.key: reaction for reaction in REACTIONS}
    chosen: list[Reaction] = []
    for item in text.split(","):
        key, _, rest = item.strip().partition(":")
        label, _, emoji = rest.partition(":")
        if not rest and key in known:
            chosen.append(known[key])
        elif KEY.fullmatch(key) and 1 <= len(label) <= 30 and 1 <= len(emoji) <= 16:
            chosen.append(Reaction(key, label, emoji))
        else:
            raise ValueError(f"use keys of {', '.join(known)} or key:Label:emoji, comma-separated.")
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
    "rate_limit_react": _rate,
    "rate_limit_comment": _rate,
}
