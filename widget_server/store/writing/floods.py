"""Count comments against floods, begin raids and hold what belongs to them, under the stories' locks.

The rates of a story and of its copies are counted here and not in a process's memory: the third comment
of a flood is the third in all processes together, whether or not the bus works.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, bindparam, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model import actors
from widget_server.model.decisions import Decision, new_id
from widget_server.model.raids import QUIET_MS, Flooding, Raid, RaidKind
from widget_server.model.rules import FLOOD
from widget_server.store.schema import sites, stories
from widget_server.store.schema_raids import flood_levels, raids
from widget_server.store.writing.actions import Action, Post
from widget_server.store.writing.bulk import insert_ignore, read_by_keys, upsert
from widget_server.store.writing.site_log import append_site_decision

MOVES = 10
"""A raid that goes on is written so often in the time for which it is held, and not with each comment."""
MAX_FOUND = 100
"""Raids of one site that the server found and that are on. More floods are a raid on the whole site."""
_MOVE = (
    update(raids)
    .where(raids.c.id == bindparam("row_id"))
    # Another process may have moved it further.
    .values(
        held_until=bindparam("new_held_until"),
        until=bindparam("new_until"),
        held=raids.c.held + bindparam("more"),
    )
)


class FloodRows:
    """Raids and levels of one batch. A batch without new comments reads and writes nothing."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._raids: dict[str, Raid] = {}
        self._levels: dict[tuple[int, str], int] = {}
        self._changed_levels: set[tuple[int, str]] = set()
        self._new: list[str] = []
        self._stories: dict[str, int] = {}
        """Ids of the stories in which raids began, by raid."""
        self._moved: set[str] = set()
        self._held: dict[str, int] = {}
        """How many comments were held, by raid."""

    async def load(self, actions: Sequence[Action], sites_of: Mapping[int, str]) -> None:
        """Read the raids of the sites and the levels of the stories that the actions name."""
        posts = [
            action
            for action in actions
            if isinstance(action, Post) and action.flooding is not None and action.story in sites_of
        ]
        if not posts:
            return
        wanted = {sites_of[action.story] for action in posts}
        oldest = min(action.at for action in posts)
        found = await self._connection.execute(select_raids(wanted, oldest))
        self._raids = {row.id: to_raid(row) for row in found}
        keys = {
            (action.story, subject)
            for action in posts
            for _, _, subject in _levels(action.flooding)  # type: ignore[arg-type]
        }
        rows = [{"story": story, "subject": subject} for story, subject in sorted(keys)]
        for level in await read_by_keys(self._connection, flood_levels, rows):
            self._levels[level["story"], level["subject"]] = level["full_at"]

    def meet(self, action: Post, site: str, code: str) -> str | None:
        """Count a new comment. Return the id of the raid for which it is held; None lets it pass.

        The empty text holds it without a raid.
        """
        flooding = action.flooding
        if flooding is None:
            return None
        over = {*flooding.found, *self._over_limit(action, flooding)}
        many = [self._flood(action, flooding, site, code, *one) for one in sorted(over)]
        for raid in self._raids.values():
            if raid.site != site or raid.phase(action.at) != "hold":
                continue
            is_own = (raid.kind, raid.subject) in over
            if is_own or raid.id in flooding.raids or _concerns(raid, action):
                return raid.id
        # A raid on the whole site asks new readers for proofs. It holds only what is part of a flood.
        return next(filter(None, many), "" if flooding.held else None)

    def count_held(self, raid: str) -> None:
        """Count a comment that was stored and is held for this raid; the empty text counts nothing."""
        if raid:
            self._held[raid] = self._held.get(raid, 0) + 1

    def _over_limit(self, action: Post, flooding: Flooding) -> list[tuple[RaidKind, str]]:
        """Count the comment against the rates; return the kinds and subjects of those that it exceeds."""
        over: dict[tuple[RaidKind, str], None] = {}
        for kind, rate, subject in _levels(flooding):
            key = action.story, subject
            full_at = rate.hit(self._levels.get(key, 0) / 1000, action.at / 1000)
            if full_at is None:
                over[kind, _subject_of(kind, action)] = None
            else:
                self._levels[key] = int(full_at * 1000)
                self._changed_levels.add(key)
        return list(over)

    def _flood(
        self, action: Post, flooding: Flooding, site: str, code: str, kind: RaidKind, subject: str
    ) -> str | None:
        """Begin a raid, or let the one that is on go on.

        Return the id of the raid on the whole site if too many others are on, else None.
        """
        at, hold = action.at, flooding.hold
        same = [
            raid
            for raid in self._raids.values()
            # One that a person switched on asks for proofs and never holds: a flood of those is another raid.
            if (raid.site, raid.kind, raid.subject) == (site, kind, subject) and not raid.by
        ]
        if any(raid.is_quiet(at) for raid in same):
            return None
        now = next((raid for raid in same if raid.phase(at) is not None), None)
        is_site = kind == "site"
        if now is None and not is_site and self._found(site, at) >= MAX_FOUND:
            return self._flood(action, flooding, site, code, "site", "")
        if now is None:
            raid = Raid(
                id=raid_id(site, kind, subject, at),
                site=site,
                kind=kind,
                subject=subject,
                began_at=at,
                held_until=at if is_site else at + hold,
                until=at + hold,
                story=code if kind in ("story", "copy") else None,
            )
            self._raids[raid.id] = raid
            self._new.append(raid.id)
            self._stories[raid.id] = action.story
            return raid.id if is_site else None
        held_until = now.held_until
        if now.phase(at) == "proof" and not is_site:
            # Proofs of work do not stop it.
            held_until = at + hold
        elif at + hold - now.until < hold // MOVES:
            return now.id if is_site else None
        self._raids[now.id] = replace(now, held_until=held_until, until=max(now.until, at + hold))
        self._moved.add(now.id)
        return now.id if is_site else None

    def _found(self, site: str, at: int) -> int:
        """Return how many raids of the site are on that the server found, without one on the whole site."""
        return sum(
            raid.site == site and raid.kind != "site" and not raid.by and raid.phase(at) is not None
            for raid in self._raids.values()
        )

    async def flush(self) -> None:
        """Write what changed. Sites whose raids changed count a change of rights. New raids are logged."""
        run, dialect = self._connection.execute, self._connection.dialect
        rows = [
            {"story": story, "subject": subject, "full_at": self._levels[story, subject]}
            for story, subject in sorted(self._changed_levels)
        ]
        await upsert(self._connection, flood_levels, ("story", "subject"), rows)
        for new in sorted(self._new):
            raid = self._raids[new]
            row = raid_row(raid, self._stories[new]) | {"held": self._held.get(new, 0)}
            await run(insert_ignore(raids, dialect), row)
        moved = sorted((self._moved | self._held.keys()) - set(self._new))
        if moved:
            await run(
                _MOVE,
                [
                    {
                        "row_id": raid,
                        "new_held_until": self._raids[raid].held_until,
                        "new_until": self._raids[raid].until,
                        "more": self._held.get(raid, 0),
                    }
                    for raid in moved
                ],
            )
        for site in sorted({self._raids[one].site for one in (*self._new, *self._moved)}):
            # All processes read the raids of the site again.
            await run(update(sites).where(sites.c.slug == site).values(rights=sites.c.rights + 1))
        for new in sorted(self._new, key=lambda one: self._raids[one].site):
            raid = self._raids[new]
            await append_site_decision(self._connection, raid.site, began(raid))


def _levels(flooding: Flooding) -> Iterable[tuple[RaidKind, Any, str]]:
    """Return kind, rate and name of each level that the comment counts for."""
    for kind, subject, rates in flooding.limits:
        for place, rate in enumerate(rates):
            yield kind, rate, f"{kind}:{subject}:{place}"


def _subject_of(kind: RaidKind, action: Post) -> str:
    return str(action.story if kind == "story" else action.copy)


def _concerns(raid: Raid, action: Post) -> bool:
    """Return whether a comment belongs to a raid by its place; networks and texts are named by the action."""
    if raid.kind == "site":
        return True
    return raid.kind in ("story", "copy") and raid.subject == _subject_of(raid.kind, action)


def raid_id(site: str, kind: RaidKind, subject: str, at: int) -> str:
    """Return the id of a raid. Two processes that find the same flood in one minute name it alike."""
    return hashlib.sha256(f"{site}/{kind}/{subject}/{at // 60_000}".encode()).hexdigest()[:16]


def raid_row(raid: Raid, story: int | None) -> dict[str, Any]:
    """Return the row of a raid. `story` is the id of its story."""
    names = ("id", "site", "kind", "subject", "began_at", "held_until", "until", "by", "ended_at")
    return {name: getattr(raid, name) for name in names} | {
        "story": story if raid.kind in ("story", "copy") else None,
        "held": raid.held,
    }


def began(raid: Raid) -> Decision:
    """Return the entry of the site's log that says that a raid was found."""
    by = actors.rule(FLOOD, raid.site)
    return Decision(
        id=new_id(),
        at=raid.began_at,
        actor_kind=by.kind,
        actor=by.id,
        via=by.via,
        verb="raid",
        targets=(raid.id,),
        before={"on": False},
        after=terms(raid, on=True),
    )


def terms(raid: Raid, *, on: bool) -> dict[str, Any]:
    """Return what the log says of a raid: no network and no text."""
    return {"on": on, "kind": raid.kind, "story": raid.story, "until": raid.until}


def select_raids(of_sites: Iterable[str], now: int) -> Any:
    """Return a query for raids that are on, and for those that a person ended lately."""
    return (
        select(raids, stories.c.code)
        .outerjoin(stories, stories.c.id == raids.c.story)
        .where(
            raids.c.site.in_(sorted(of_sites)),
            or_(raids.c.until > now, raids.c.ended_at > now - QUIET_MS),
        )
        .order_by(raids.c.began_at, raids.c.id)
    )


def to_raid(row: Row[Any]) -> Raid:
    """Return the record of a row of `select_raids`."""
    return Raid(
        id=row.id,
        site=row.site,
        kind=row.kind,
        subject=row.subject,
        began_at=row.began_at,
        held_until=row.held_until,
        until=row.until,
        by=row.by,
        ended_at=row.ended_at,
        held=row.held,
        story=row.code,
    )
