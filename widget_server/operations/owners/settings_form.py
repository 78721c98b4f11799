"""The form of settings: its sections and fields, and what a person typed as changes of settings."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from widget_server.auth.permissions import require
from widget_server.auth.tokens import story_code
from widget_server.content import svg_face
from widget_server.model.actors import Actor
from widget_server.model.claims import Attribution, WidgetClaims
from widget_server.model.errors import MalformedError
from widget_server.model.settings import MAX_ACTIONS, SiteSettings
from widget_server.operations.owners import preview_token
from widget_server.operations.owners.settings import Changes
from widget_server.operations.services import Services

_field = MalformedError.in_field

SECTIONS: dict[str, tuple[str, ...]] = {
    "reactions": ("prompt", "reactions", "reaction_style"),
    "writing": (
        "name",
        "email",
        "website",
        "guidelines",
        "guidelines_text",
        "edit_window",
        "show_copy",
        "discussion_languages",
    ),
    "moderation": (
        "moderation",
        "close_after_days",
        "close_after",
        "keep_days",
        "reports_hide",
        "second_look",
        "tags",
        "show_decisions",
        "rate_limit_comment",
        "rate_limit_react",
    ),
    "raids": (
        "floods",
        "flood_burst",
        "flood_story",
        "flood_copy",
        "flood_network",
        "flood_text",
        "flood_hold",
        "network_bans",
    ),
    "look": ("accent", "density"),
    "after": ("calls_to_action",),
    "licence": ("comment_licence",),
    "republishing": (
        "open_republishing",
        "open_reading",
        "look_at_copies",
        "older_copies",
        "search_engines",
    ),
}
"""The settings of each section of the form, in the order shown."""
SWITCHES = frozenset(
    {
        "show_copy",
        "open_reading",
        "look_at_copies",
        "search_engines",
        "network_bans",
        "show_decisions",
        "floods",
    }
)
"""Settings that are on or off. A box that is not ticked is not sent."""
BY_LANGUAGE = frozenset({"prompt", "guidelines_text"})
EMPTY_IS_DEFAULT = frozenset({"prompt"})
_NOT_IN_KEY = re.compile(r"[^a-z]+")


@dataclass(frozen=True, slots=True)
class ReactionRow:
    """A reaction as it stands in the form. `place` orders the rows."""

    key: str
    label: str
    emoji: str
    labels: Mapping[str, str]
    offered: bool
    place: str
    svg: str = ""
    drop_face: bool = False
    """Whether its own drawing is taken away."""


def rows_of(settings: SiteSettings) -> list[ReactionRow]:
    """Return a row for each stored reaction: the offered ones first, in their order."""
    ordered = sorted(settings.reactions, key=lambda one: one.hidden)
    return [
        ReactionRow(one.key, one.label, one.emoji, one.labels, not one.hidden, str(place))
        for place, one in enumerate(ordered, 1)
    ]


def changes_of(
    section: str,
    fields: Mapping[str, str],
    languages: Sequence[str],
    rows: Sequence[ReactionRow] = (),
) -> Changes:
    """Return the changes that a filled section of the form asks for.

    `rows` are the reactions with the new ones. Raises `MalformedError` with the name of the field.
    """
    changes: dict[str, object] = {}
    for key in SECTIONS[section]:
        if key == "reactions":
            changes[key] = _reactions(rows)
        elif key == "calls_to_action":
            changes[key] = _calls(fields, languages)
        elif key in SWITCHES:
            changes[key] = key in fields
        elif key in fields:
            text = fields[key].strip()
            changes[key] = None if not text and key in EMPTY_IS_DEFAULT else text
        if key in BY_LANGUAGE:
            changes |= {
                f"{key}.{lang}": fields[f"{key}.{lang}"].strip()
                for lang in languages
                if f"{key}.{lang}" in fields
            }
    return changes


def field_of(error: MalformedError) -> tuple[str, str]:
    """Return the field that an error is about, or "", and its sentence without the field's name."""
    if error.field:
        return error.field, error.detail
    name, colon, rest = error.detail.partition(": ")
    known = {"hours", "capacity"} | {key for keys in SECTIONS.values() for key in keys}
    if colon and name.partition(".")[0] in known:
        return name, rest[:1].upper() + rest[1:]
    return "", error.detail


@dataclass(frozen=True, slots=True)
class WidgetPreview:
    """The real widget of a story. Its address can be read for an hour."""

    address: str
    story: str
    """The story's title, else its key."""
    closed: bool


async def preview_widget(
    services: Services, by: Actor, site: str, lang: str | None
) -> WidgetPreview | None:
    """Return the widget of the site's newest open story, else of its newest closed one, or None.

    Raises `NotPermittedError`.
    """
    require(by, "token", site)
    story = await services.owner_stories.newest(site)
    if story is None:
        return None
    cached = await services.cache.site(site)
    claims = WidgetClaims(
        site=site,
        story=story.key,
        origins=("*",),
        # Never newer than the story's credit, which it must not change.
        iat=min(story.attributed, int(services.clock())),
        jti="",
        attribution=Attribution(license=story.license),
        lang=lang,
    )
    if story_code(site, story.key) != story.code or cached is None:
        return None
    address = await preview_token.preview_address(services, by, claims, cached.site.generation)
    return WidgetPreview(address, story.title or story.key, story.closed)


def _reactions(rows: Sequence[ReactionRow]) -> list[dict[str, object]]:
    """Return the offered reactions in their new order. Those that are left out become hidden."""
    found: list[dict[str, object]] = []
    for row in sorted((one for one in rows if one.offered), key=_place):
        item: dict[str, object] = {
            "key": row.key or _key_of(row.label),
            "label": row.label,
            "emoji": row.emoji,
            "labels": {lang: label for lang, label in row.labels.items() if label},
        }
        if row.svg:
            try:
                item["face"] = svg_face.reduce_drawing(row.svg)
            except ValueError as error:
                raise _field(f"svg.{row.key or 'new'}", str(error)) from None
        elif row.drop_face:
            item["face"] = None
        if not row.label or not row.emoji:
            raise _field(f"label.{row.key or 'new'}", "Write a label and an emoji.")
        found.append(item)
    keys = [str(item["key"]) for item in found]
    if len(set(keys)) < len(keys):
        raise _field(
            "reactions", "Two reactions have the same key. Give the new one another label."
        )
    return found


def _place(row: ReactionRow) -> int:
    if not row.place.isascii() or not row.place.isdigit() or len(row.place) > 3:
        raise _field(f"place.{row.key or 'new'}", "Write the place as a number from 1.")
    return int(row.place)


def _key_of(label: str) -> str:
    """Return a key for a new reaction. Raises `MalformedError` if the label has no letter of a key."""
    key = _NOT_IN_KEY.sub("_", label.lower()).strip("_")[:30].strip("_")
    if not key:
        raise _field("key.new", "Write a key of small letters a to z, such as very_glad.")
    return key


def _calls(fields: Mapping[str, str], languages: Sequence[str]) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for number in range(1, MAX_ACTIONS + 1):
        url, label = (fields.get(f"{name}.{number}", "").strip() for name in ("url", "action"))
        if not url and not label:
            continue
        if not re.match(r"https?://", url):
            raise _field(f"url.{number}", "Write an address that starts with https://.")
        if not label:
            raise _field(f"action.{number}", "Write what the link says.")
        texts = {lang: fields.get(f"action.{number}.{lang}", "").strip() for lang in languages}
        labels = {lang: text for lang, text in texts.items() if text}
        found.append({"url": url, "label": label, "labels": labels})
    return found


def with_typed(
    rows: Sequence[ReactionRow], typed: Mapping[str, str], languages: Sequence[str]
) -> list[ReactionRow]:
    """Return the rows as typed, and the new reaction if one was begun."""
    found = [
        replace(
            row,
            label=typed.get(f"label.{row.key}", row.label).strip(),
            emoji=typed.get(f"emoji.{row.key}", row.emoji).strip(),
            labels=_labels(row.labels, typed, languages, row.key),
            offered=f"offered.{row.key}" in typed,
            place=typed.get(f"place.{row.key}", row.place).strip(),
            svg=typed.get(f"svg.{row.key}", "").strip(),
            drop_face=f"drop.{row.key}" in typed,
        )
        for row in rows
    ]
    if typed.get("label.new", "").strip() or typed.get("emoji.new", "").strip():
        found.append(
            ReactionRow(
                typed.get("key.new", "").strip(),
                typed.get("label.new", "").strip(),
                typed.get("emoji.new", "").strip(),
                _labels({}, typed, languages, "new"),
                True,
                typed.get("place.new", "").strip() or str(len(found) + 1),
                typed.get("svg.new", "").strip(),
            )
        )
    return found


def _labels(
    before: Mapping[str, str], typed: Mapping[str, str], languages: Sequence[str], key: str
) -> dict[str, str]:
    own = {lang: typed.get(f"label.{key}.{lang}", before.get(lang, "")) for lang in languages}
    return {**before, **{lang: label.strip() for lang, label in own.items()}}
