"""A site of the size that owners' pages are measured with: stories, copies, tokens, comments, reactions."""

import random
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.auth.tokens import story_code
from widget_server.model.clock import now_ms
from widget_server.model.records import Site
from widget_server.model.settings import SiteSettings
from widget_server.store import schema
from widget_server.store.engine import Database
from widget_server.store.mapping import dump, site_row

SITE = "harbour"
KINDS = ("surprised", "thinking", "happy", "sad", "fired_up")
DAY_MS = 86_400_000
DAYS = 90
"""Comments and reactions are spread over these days before now."""


@dataclass(frozen=True, slots=True)
class Size:
    """Numbers of rows."""

    stories: int = 1_000
    copies: int = 500
    comments: int = 100_000
    reactions: int = 100_000


async def fill(database: Database, size: Size) -> list[str]:
    """Insert the rows of a site into an empty database, and return the stories' codes."""
    chance = random.Random(15)
    now = now_ms()
    site = site_row(Site(SITE, "The Harbour Post", 3, 1, SiteSettings())) | {"created_at": now}
    codes = [story_code(SITE, f"story-{number}") for number in range(1, size.stories + 1)]
    copies = [_copy(number, size, now, chance) for number in range(1, size.copies + 1)]
    of_story: dict[int, list[dict[str, Any]]] = {}
    for copy in copies:
        of_story.setdefault(copy["story"], []).append(copy)
    counts: dict[int, dict[str, int]] = {}
    reactions, comments = [], []
    published: dict[int, int] = {}
    for number in range(size.reactions):
        story, place, at = _place(size, of_story, now, chance)
        kind = chance.choice(KINDS)
        of = counts.setdefault(story, dict.fromkeys(KINDS, 0))
        of[kind] += 1
        reactions.append(_reaction(number, story, kind, place, at))
    for number in range(size.comments):
        story, place, at = _place(size, of_story, now, chance)
        state = chance.choices(("published", "removed", "pending"), (96, 3, 1))[0]
        published[story] = published.get(story, 0) + (state == "published")
        comments.append(_comment(number, story, state, place, at))
    stories = [
        _story(number, code, counts.get(number, {}), published.get(number, 0), now)
        for number, code in enumerate(codes, 1)
    ]
    tokens = [_token(copy, now) for copy in copies]

    async def write(connection: AsyncConnection) -> None:
        for table, rows in (
            (schema.sites, [site]),
            (schema.stories, stories),
            (schema.copies, copies),
            (schema.tokens, tokens),
            (schema.comments, comments),
            (schema.reactions, reactions),
        ):
            for start in range(0, len(rows), 1_000):
                await connection.execute(insert(table), rows[start : start + 1_000])
        if connection.dialect.name == "postgresql":
            await connection.execute(text("ANALYZE"))

    await database.write(write)
    return codes


def _place(
    size: Size,
    of_story: dict[int, list[dict[str, Any]]],
    now: int,
    chance: random.Random,
) -> tuple[int, dict[str, Any] | None, int]:
    """Return a story, one of its copies and a time. A tenth of the stories has most of the talk."""
    story = 1 + int(size.stories * chance.random() ** 3)
    here = of_story.get(story)
    return story, chance.choice(here) if here else None, now - chance.randrange(DAYS * DAY_MS)


def _story(
    number: int, code: str, counts: dict[str, int], published: int, now: int
) -> dict[str, Any]:
    return {
        "id": number,
        "code": code,
        "site": SITE,
        "key": f"story-{number}",
        "title": f"The story of the {number}th ferry",
        "author": f"Author {number % 40}",
        "publisher": "The Harbour Post",
        "url": f"https://harbour.example/{number}",
        "license": "CC-BY-4.0",
        "attributed": 0,
        "closed": number % 9 == 0,
        "notice": None,
        "seq": published + 1,
        "tallies": 0,
        "version": 0,
        "counts": dump(counts),
        "published": published,
        "created_at": now - number * 3_600_000,
    }


def _copy(number: int, size: Size, now: int, chance: random.Random) -> dict[str, Any]:
    origin = f"https://copy{number % 200}.example"
    return {
        "id": number,
        "story": 1 + number * 7 % size.stories,
        "jti": f"token-{number}",
        "origin": origin,
        "label": f"Copy {number}",
        "lang": chance.choice(("en", "fr", "es", "de", None)),
        "page": f"{origin}/article-{number}",
        "first_seen": now - number * 600_000,
        "last_seen": now - number * 1_000,
        "used": True,
        "listed": False,
        "generation": chance.choice((2, 3, None)),
    }


def _token(copy: dict[str, Any], now: int) -> dict[str, Any]:
    return {
        "site": SITE,
        "jti": copy["jti"],
        "story": f"story-{copy['story']}",
        "label": copy["label"],
        "origins": dump([copy["origin"]]),
        "rights": dump(["read", "react", "comment"]),
        "lang": copy["lang"],
        "iat": now // 1000,
        "exp": None,
        "generation": copy["generation"],
        "by": None if copy["id"] % 3 else "account:ana",
        "created_at": copy["first_seen"],
    }


def _reaction(
    number: int, story: int, kind: str, copy: dict[str, Any] | None, at: int
) -> dict[str, Any]:
    return {
        "story": story,
        "target": "",
        "reader": f"{number:032x}",
        "reaction": kind,
        "copy": copy and copy["id"],
        "at": at,
    }


def _comment(
    number: int, story: int, state: str, copy: dict[str, Any] | None, at: int
) -> dict[str, Any]:
    empty = ("parent", "waiting_source", "waiting_text", "name", "email", "website", "role")
    return dict.fromkeys(empty) | {
        "id": f"c{number:09d}",
        "story": story,
        "thread": f"c{number:09d}",
        "born": 0 if state == "pending" else number + 1,
        "seq": number,
        "state": state,
        "source": "The ferry library is the best thing on this coast.",
        "text": dump([["p", None, "The ferry library is the best thing on this coast."]]),
        "vouched": False,
        "reader": f"{number % 997:032x}",
        "copy": copy and copy["id"],
        "lang": copy and copy["lang"],
        "created_at": at,
        "edited_at": None,
        "pinned": False,
        "client_key": f"k{number}",
        "version": 0,
        "counts": "{}",
        "score": 0,
    }
