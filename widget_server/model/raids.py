"""Raids: floods of comments that a site defends itself against, and what the defence does."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from widget_server.model.rates import Rate

RaidKind = Literal["site", "story", "copy", "network", "text"]
"""What the flood has in common. `site`, and `story` too, may also be switched on by a person."""
RAID_KINDS: tuple[RaidKind, ...] = ("site", "story", "copy", "network", "text")
RaidPhase = Literal["hold", "proof"]
"""`hold`: what is written waits for a person. `proof`: new readers do a proof of work first."""

SWITCHED_HOURS = range(1, 73)
"""Hours for which a person may switch a raid on."""
QUIET_MS = 3_600_000
"""Milliseconds after a person has ended a raid in which the same flood begins no new one."""


@dataclass(frozen=True, slots=True)
class Raid:
    """A raid on a site. Times are milliseconds since 1970."""

    id: str
    site: str
    kind: RaidKind
    subject: str
    """By kind: empty, a story's id, a copy's id, the hash of a network, or the fingerprint of a text."""
    began_at: int
    held_until: int
    """Until then what is written is held."""
    until: int
    """Until then the raid is on. A flood that goes on moves it."""
    by: str = ""
    """Who switched it on, as `account:…`, `key:…` or `shell:…`; empty if the server found it."""
    ended_at: int | None = None
    """When a person ended it."""
    held: int = 0
    """Comments that were held for it."""
    story: str | None = None
    """Code of the story that the kinds `story` and `copy` are about."""

    def phase(self, now: int) -> RaidPhase | None:
        """Return what the defence does at this time; None if the raid is over."""
        if self.ended_at is not None:
            return None
        if now < self.held_until:
            return "hold"
        return "proof" if now < self.until else None

    def is_quiet(self, now: int) -> bool:
        """Return whether a person has ended it so lately that the same flood begins no new one."""
        return self.ended_at is not None and now < self.ended_at + QUIET_MS


@dataclass(frozen=True, slots=True)
class Flooding:
    """What is known about one comment: which floods it may belong to.

    `limits` are counted under the story's lock, so that they hold exactly in all processes: by kind and
    subject the rates of comments by new readers. `found` are floods that this process saw, `raids` the
    ids of those that are on and that the comment belongs to. `hold` is how long what is written is held, in milliseconds.
    """

    hold: int
    limits: tuple[tuple[RaidKind, str, tuple[Rate, ...]], ...] = ()
    found: tuple[tuple[RaidKind, str], ...] = ()
    raids: frozenset[str] = frozenset()
    held: bool = False
    """Whether it is held whatever the raids are: it came without a proof, by a form."""


def in_effect(raids: Iterable[Raid], now: int) -> list[Raid]:
    """Return the raids that are on, the newest first."""
    on = [raid for raid in raids if raid.phase(now) is not None]
    return sorted(on, key=lambda raid: (-raid.began_at, raid.id))
