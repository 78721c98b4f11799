"""Settings of a site with their defaults, and those that a story may override.

`setting_values` parses what people write.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from widget_server.model.capacity import Capacity
from widget_server.model.hours import Mode, Timetable
from widget_server.model.reactions import (
    MAX_LANGUAGES,
    MAX_STORED,
    REACTIONS,
    Reaction,
    check_labels,
    check_language,
    is_line,
)

RATE = re.compile(r"[1-9][0-9]{0,5}/[1-9][0-9]{0,5}")
LINK = re.compile(r"https?://[^\s\x00-\x1f]{1,500}")
LICENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,39}")
"""An SPDX licence id."""
KEEP_DAYS = range(1, 91)
HIDING_NETWORKS = range(3, 51)
"""Networks whose reports can hide a comment."""
SECOND_LOOK = range(2, 1_001)
"""One decision in so many is looked at by a second person."""
DENSITIES = (0.75, 1.25)
"""The tightest and the widest."""
MAX_LINE = 200
"""Code points of a prompt."""
MAX_ACTION_LABEL = 80
"""Code points of a call to action."""
MAX_ACTIONS = 3
MAX_TAGS = 9
"""Tags of a site, and of a comment: a figure key for each."""
MAX_TAG = 40
"""Code points of a tag."""
COMMAS = ",،、，"
"""What separates tags where they are typed, on keyboards of all languages."""
MAX_GUIDELINES = 1_000
"""Code points of the guidelines in one language."""

RATES = (
    "rate_limit_react",
    "rate_limit_comment",
    "flood_burst",
    "flood_story",
    "flood_copy",
    "flood_network",
    "flood_text",
)
"""Settings that are `count/seconds`."""
FLOOD_HOLDS = range(60, 86_401)
"""Seconds for which a flood may be held."""

STORY_KEYS = (
    "prompt",
    "prompts",
    "name",
    "website",
    "email",
    "moderation",
    "guidelines",
    "guidelines_text",
    "guidelines_texts",
    "guidelines_trees",
    "open_republishing",
    "calls_to_action",
    "hours",
    "discussion_languages",
    "older_copies",
)
"""Settings that a story may override. The others hold for a site: its reactions, look and rate limits."""

DERIVED = "guidelines_trees"
"""The setting that is made from others. The log leaves it out."""

#: Keys that earlier versions stored, in databases and backups. A dropped rate limit would be looser.
_EARLIER_KEYS = {
    "faces": "reaction_style",
    "pace_react": "rate_limit_react",
    "pace_comment": "rate_limit_comment",
}
_REPUBLISHING_ORDER = ("off", "licence", "on")
"""`open_republishing` from the narrowest to the widest."""


@dataclass(frozen=True, slots=True)
class CallToAction:
    """A link that is shown to readers who reacted. `labels` are by language."""

    url: str
    label: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SiteSettings:
    """Settings of a site.

    `edit_window` is in seconds; rate limits are `count/seconds` for a reader. `accent` is `#rrggbb`, or
    None for the embed's own; `density` stretches the embed's vertical rhythm. A text in the plural
    (`prompts`) is by language; the one in the singular is for all other languages. `keep_days`: how
    long a removed comment can be restored.
    """

    prompt: str = "How does this article make you feel?"
    prompts: Mapping[str, str] = field(default_factory=dict)
    reactions: tuple[Reaction, ...] = REACTIONS
    """With the hidden ones; `offered` is without them."""
    reaction_style: str = "icon"
    name: str = "optional"
    website: str = "off"
    email: str = "off"
    moderation: str = "post"
    guidelines: str | None = None
    """Address of the guidelines."""
    guidelines_text: str | None = None
    """The guidelines in Markdown, shown where people write."""
    guidelines_texts: Mapping[str, str] = field(default_factory=dict)
    guidelines_trees: Mapping[str, list[Any]] = field(default_factory=dict)
    """The texts as node trees by language, "" for `guidelines_text`; made whenever one is changed."""
    comment_licence: str | None = None
    """SPDX id of the licence under which readers give their comments, or None."""
    calls_to_action: tuple[CallToAction, ...] = ()
    open_reading: bool = True
    open_republishing: str = "licence"
    edit_window: int = 900
    show_copy: bool = True
    discussion_languages: str = "together"
    """Whether readers see the comments of all languages (`together`) or first those of their own (`apart`)."""
    search_engines: bool = False
    close_after_days: int = 0
    """Days after which the schedule closes a story; 0 for never."""
    close_after: str = "story"
    """Whether the days count from the story's start or from its last comment."""
    look_at_copies: bool = True
    """Whether the server asks once for the page of each new copy, for its title and credit."""
    older_copies: str = "republisher"
    """Who is told that a copy's page has an earlier version of the story's text: the `republisher` or its `readers`."""
    accent: str | None = None
    density: float = 1.0
    rate_limit_react: str = "30/60"
    rate_limit_comment: str = "5/60"
    keep_days: int = 14
    reports_hide: int = 0
    """Number of networks whose reports of one day hide a comment until a person has looked at it; 0 for never."""
    second_look: int = 0
    """One in so many decisions is shown to a second person, who is not told the first one; 0 for none."""
    tags: tuple[str, ...] = ()
    """What moderators can note of a comment, in the order of the figure keys. Never sent to readers."""
    network_bans: bool = False
    """Whether networks can be banned: only while it is on, the network of a comment is known for two days."""
    show_decisions: bool = False
    """Whether the story's page says how many comments were removed, and why."""
    floods: bool = True
    """Whether floods of comments are found and held."""
    flood_burst: str = "3/1"
    """Comments of new readers that a story takes at once."""
    flood_story: str = "30/60"
    """Comments of new readers that a story takes in the long run."""
    flood_copy: str = "20/60"
    """Comments of new readers that one copy of a story takes."""
    flood_network: str = "20/60"
    """Comments that the site takes from one network."""
    flood_text: str = "5/600"
    """Like texts that the site takes."""
    flood_hold: int = 900
    """Seconds for which what belongs to a flood is held."""
    hours: Timetable | None = None
    """When readers can write; None for always."""
    capacity: Capacity | None = None
    """How much may wait for a person before new comments wait as well, or are closed."""
    full: Mode = "open"
    """What the capacity makes of comments now. Not stored: `CachedSite.for_story` sets it."""

    def republishing_open(self, story_license: str) -> bool:
        """Whether copies with only the story's code, without a token, may react and comment."""
        if self.open_republishing == "licence":
            return story_license.upper().startswith("CC")
        return self.open_republishing == "on"

    @property
    def offered(self) -> tuple[Reaction, ...]:
        """The reactions that readers can choose, in the order shown."""
        return tuple(reaction for reaction in self.reactions if not reaction.hidden)

    def reaction_keys(self) -> tuple[str, ...]:
        """Return the keys of the offered reactions, in the order shown."""
        return tuple(reaction.key for reaction in self.offered)

    def languages(self) -> set[str]:
        """Return the languages that have texts of their own."""
        texts = [self.prompts, self.guidelines_texts]
        texts += [reaction.labels for reaction in self.reactions]
        texts += [call.labels for call in self.calls_to_action]
        return {language for by_language in texts for language in by_language}

    def for_story(self, overrides: Mapping[str, Any]) -> "SiteSettings":
        """Return the settings of a story with these overriding keys, as stored.

        A story can only narrow `open_republishing`. Keys that no story may override are ignored.
        """
        if not overrides:
            return self
        own = SiteSettings.from_json({k: v for k, v in overrides.items() if k in STORY_KEYS})
        chosen = {key: getattr(own, key) for key in STORY_KEYS if key in overrides}
        if "open_republishing" in chosen:
            allowed = (self.open_republishing, chosen["open_republishing"])
            chosen["open_republishing"] = min(allowed, key=_REPUBLISHING_ORDER.index)
        return replace(self, **chosen)

    def to_json(self) -> dict[str, Any]:
        """Return only values that differ from the defaults: a changed default then applies to old sites."""
        names = list(_STORED)
        return self.values([k for k in names if getattr(self, k) != getattr(_DEFAULTS, k)])

    def values(self, keys: list[str] | tuple[str, ...] | None = None) -> dict[str, Any]:
        """Return these settings, or all of them, as JSON values."""
        chosen = _STORED if keys is None else keys
        return {key: _json_of(getattr(self, key)) for key in chosen}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "SiteSettings":
        """Return the stored values over the defaults. Unknown keys, of a newer version, are ignored.

        Raises `KeyError`, `TypeError` or `AttributeError` for values of a wrong shape.
        """
        names = set(_STORED)
        current = {_EARLIER_KEYS.get(key, key): value for key, value in stored.items()}
        chosen = {key: value for key, value in current.items() if key in names}
        if "reactions" in chosen:
            chosen["reactions"] = tuple(Reaction.from_json(item) for item in chosen["reactions"])
        if "calls_to_action" in chosen:
            chosen["calls_to_action"] = tuple(
                CallToAction(item["url"], item["label"], dict(item.get("labels") or {}))
                for item in chosen["calls_to_action"]
            )
        if "tags" in chosen:
            chosen["tags"] = tuple(chosen["tags"])
        if chosen.get("hours") is not None:
            chosen["hours"] = Timetable.from_json(chosen["hours"])
        if chosen.get("capacity") is not None:
            chosen["capacity"] = Capacity.from_json(chosen["capacity"])
        return cls(**chosen)

    def check(self) -> None:
        """Check all values. Raises `ValueError` if a value has a wrong type or form."""
        for each in fields(self):
            value = getattr(self, each.name)
            default = getattr(_DEFAULTS, each.name)
            kinds = _NONE_OR.get(each.name, (str, type(None)))
            kinds = kinds if default is None else (type(default),)
            if not isinstance(value, kinds) or isinstance(value, bool) > (bool in kinds):
                raise ValueError(f"The setting {each.name} has a value of the wrong type.")
        if not all(RATE.fullmatch(getattr(self, key)) for key in RATES):
            raise ValueError("A rate limit must be count/seconds, for instance 5/60.")
        if self.second_look and self.second_look not in SECOND_LOOK:
            raise ValueError("A second look is at one in 2 to 1,000 decisions.")
        if not self.offered or len(self.reactions) > MAX_STORED:
            raise ValueError(f"A site has 1 to {MAX_STORED} reactions.")
        for reaction in self.reactions:
            reaction.check()
        check_tags(self.tags)
        if self.hours is not None:
            self.hours.check()
        if self.capacity is not None:
            self.capacity.check()
        self._check_texts()

    def _check_texts(self) -> None:
        check_labels(self.prompts, MAX_LINE)
        for language, text in self.guidelines_texts.items():
            check_language(language)
            if not isinstance(text, str):
                raise ValueError("Guidelines are text.")  # noqa: TRY004 - one class for all damage
        if not set(self.guidelines_trees) <= {"", *self.guidelines_texts}:
            raise ValueError("There is a tree of guidelines without its text.")
        if len(self.calls_to_action) > MAX_ACTIONS:
            raise ValueError(f"offer at most {MAX_ACTIONS} calls to action.")
        for call in self.calls_to_action:
            if not LINK.fullmatch(call.url):
                raise ValueError("A call to action is a link.")
            check_labels({"en": call.label, **call.labels}, MAX_ACTION_LABEL)
        if len(self.languages()) > MAX_LANGUAGES:
            raise ValueError(f"use at most {MAX_LANGUAGES} languages.")


_DEFAULTS = SiteSettings()
_STORED = tuple(each.name for each in fields(SiteSettings) if each.name != "full")
_NONE_OR: Mapping[str, tuple[type, ...]] = {
    "hours": (Timetable, type(None)),
    "capacity": (Capacity, type(None)),
}
"""Types of the settings that are None by default and no text."""


def _json_of(value: Any) -> Any:
    """Return a setting as a JSON value."""
    if isinstance(value, Timetable | Capacity):
        return value.to_json()
    if isinstance(value, tuple):
        return [_item_json(item) for item in value]
    return dict(sorted(value.items())) if isinstance(value, Mapping) else value


def _item_json(item: Reaction | CallToAction | str) -> Any:
    if isinstance(item, str):
        return item
    if isinstance(item, Reaction):
        return item.to_json()
    stored = asdict(item)
    return stored if item.labels else {"url": item.url, "label": item.label}


def check_tags(tags: Sequence[str]) -> None:
    """Raise `ValueError` unless these can be the tags of a site."""
    if len(tags) > MAX_TAGS:
        raise ValueError(f"use at most {MAX_TAGS} tags.")
    for tag in tags:
        # The database finds a tag by the comma before it.
        has_comma = not set(COMMAS).isdisjoint(tag)
        if has_comma or not is_line(tag, MAX_TAG) or tag != tag.strip():
            raise ValueError(
                f"write each tag in one line of 1 to {MAX_TAG} characters without a comma."
            )
    if len({tag.casefold() for tag in tags}) != len(tags):
        raise ValueError("use each tag once.")
