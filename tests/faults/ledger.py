"""What readers were told, kept apart from the server, and compared with the database afterwards."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

Json = dict[str, Any]


@dataclass
class Posted:
    """A comment whose author was told that it is saved."""

    id: str
    story: str
    body: str
    removed: bool = False


@dataclass
class Ledger:
    """All acknowledgements of one run, and every promise that was seen broken."""

    acknowledged: int = 0
    comments: dict[str, Posted] = field(default_factory=dict)
    """By client key."""
    reactions: dict[tuple[str, str, int], str | None] = field(default_factory=dict)
    """The last acknowledged reaction by story, comment or empty, and reader."""
    retries: Counter[str] = field(default_factory=Counter)
    """Why actions had to be sent again."""
    broken: list[str] = field(default_factory=list)
    """Promises broken on the way: order, gaps, answers that no one should get."""
    slowest: float = 0.0
    """Seconds of the slowest answer to one request, whatever it was."""

    def see(self, frames: list[Json]) -> None:
        """Look at all that one reader was shown."""
        for frame in frames:
            for comment in _comments(frame):
                shown = comment["text"] or comment["author"]["name"]
                if comment["state"] == "pending" or (comment["state"] == "removed" and shown):
                    self.broken.append(f"shown although {comment['state']}: {comment['id']}")

    async def audit(self, database_url: str) -> "Findings":
        """Compare with the database."""
        rows = await _rows(database_url)
        findings = Findings(self.acknowledged, list(self.broken))
        self._audit_comments(rows, findings)
        self._audit_reactions(rows, findings)
        _audit_numbers(rows, findings)
        return findings

    def _audit_comments(self, rows: Json, findings: "Findings") -> None:
        by_key: dict[str, list[Any]] = {}
        for row in rows["comments"]:
            by_key.setdefault(row.client_key, []).append(row)
        for key, posted in self.comments.items():
            found = by_key.pop(key, [])
            findings.repeated += len(found) - 1 if found else 0
            kept = [row for row in found if row.id == posted.id and row.code == posted.story]
            want = ("removed", "") if posted.removed else ("published", posted.body)
            if [(row.state, row.source) for row in kept] != [want]:
                findings.lost += 1
                findings.wrong.append(f"acknowledged as {posted}, stored as {found}")
        for key, found in by_key.items():
            findings.wrong.append(f"stored but never acknowledged: {key} {found}")

    def _audit_reactions(self, rows: Json, findings: "Findings") -> None:
        want = Counter((s, t, r) for (s, t, _), r in self.reactions.items() if r is not None)
        have = Counter((row.code, row.target, row.reaction) for row in rows["reactions"])
        lost, more = want - have, have - want
        findings.lost += lost.total()
        findings.repeated += more.total()
        if lost or more:
            findings.wrong.append(f"reactions missing: {lost}, too many: {more}")


@dataclass
class Findings:
    """What the comparison showed."""

    acknowledged: int
    wrong: list[str]
    lost: int = 0
    repeated: int = 0

    def clean(self) -> None:
        """Raise with every finding."""
        assert not self.wrong, "\n".join(self.wrong[:20])
        assert (self.lost, self.repeated) == (0, 0)


def _audit_numbers(rows: Json, findings: Findings) -> None:
    """Tallies are counted rows; places in the order are unique and not beyond the story's."""
    counted = Counter((row.code, row.target, row.reaction) for row in rows["reactions"])
    for story in rows["stories"]:
        own = [row for row in rows["comments"] if row.code == story.code]
        published = sum(row.state == "published" for row in own)
        if story.published != published:
            findings.wrong.append(f"{story.code}: {story.published} counted, {published} stored")
        seqs = [row.seq for row in own if row.born]
        if len(set(seqs)) != len(seqs) or any(seq > story.seq for seq in seqs):
            findings.wrong.append(f"{story.code}: places {sorted(seqs)} of {story.seq}")
    targets = [(row.code, "", row.counts) for row in rows["stories"]]
    targets += [(row.code, row.id, row.counts) for row in rows["comments"]]
    for code, target, counts in targets:
        for reaction, number in json_of(counts).items():
            if counted[code, target, reaction] != number:
                findings.wrong.append(f"{code} {target}: {number} × {reaction} counted")


def json_of(column: str) -> Json:
    """What a JSON column holds."""
    held: Json = json.loads(column)
    return held


def _comments(frame: Json) -> list[Json]:
    if frame["type"] == "comment":
        return [frame["comment"]]
    if frame["type"] != "snapshot":
        return []
    if frame["resumed"]:
        return list(frame["changes"])
    threads = frame["comments"]["threads"]
    return [comment for thread in threads for comment in (thread, *thread["replies"])]


async def _rows(database_url: str) -> Json:
    engine = create_async_engine(database_url)
    queries = {
        "stories": "SELECT id, code, seq, counts, published FROM stories",
        "comments": "SELECT c.id, s.code, c.client_key, c.source, c.state, c.seq, c.born, c.counts "
        "FROM comments c JOIN stories s ON s.id = c.story",
        "reactions": "SELECT s.code, r.target, r.reader, r.reaction "
        "FROM reactions r JOIN stories s ON s.id = r.story",
    }
    try:
        async with engine.connect() as connection:
            return {
                name: list((await connection.execute(text(query))).all())
                for name, query in queries.items()
            }
    finally:
        await engine.dispose()
