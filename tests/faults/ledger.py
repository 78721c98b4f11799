"""Ledger of acknowledged actions, which is compared with the database after a run."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

Json = dict[str, Any]


@dataclass
class Posted:
    """A comment that the server acknowledged with `ok`."""

    id: str
    story: str
    body: str
    removed: bool = False


@dataclass
class Ledger:
    """All acknowledgements of one run, and every protocol violation that was observed."""

    acknowledged: int = 0
    comments: dict[str, Posted] = field(default_factory=dict)
    """Comments by idempotency key."""
    reactions: dict[tuple[str, str, int], str | None] = field(default_factory=dict)
    """Last acknowledged reaction by story code, comment id (empty for the story), and reader."""
    retries: Counter[str] = field(default_factory=Counter)
    """Number of retried requests by status code or exception name."""
    violations: list[str] = field(default_factory=list)
    """Protocol violations during the run: wrong order, gaps, forbidden responses."""
    slowest: float = 0.0
    """Seconds of the slowest response to one request, whatever its status."""

    def check_messages(self, messages: list[Json]) -> None:
        """Check that one reader received no pending comment and no text of a removed one."""
        for message in messages:
            for comment in _comments(message):
                shown = comment["text"] or comment["author"]["name"]
                if comment["state"] == "pending" or (comment["state"] == "removed" and shown):
                    self.violations.append(f"shown although {comment['state']}: {comment['id']}")

    async def audit(self, database_url: str) -> "Findings":
        """Compare the ledger with the database."""
        rows = await _rows(database_url)
        findings = Findings(self.acknowledged, list(self.violations))
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
            stored = [row for row in found if row.id == posted.id and row.code == posted.story]
            expected = ("removed", "") if posted.removed else ("published", posted.body)
            if [(row.state, row.source) for row in stored] != [expected]:
                findings.lost += 1
                findings.errors.append(f"acknowledged as {posted}, stored as {found}")
        for key, found in by_key.items():
            findings.errors.append(f"stored but never acknowledged: {key} {found}")

    def _audit_reactions(self, rows: Json, findings: "Findings") -> None:
        expected = Counter((s, t, r) for (s, t, _), r in self.reactions.items() if r is not None)
        stored = Counter((row.code, row.target, row.reaction) for row in rows["reactions"])
        lost, extra = expected - stored, stored - expected
        findings.lost += lost.total()
        findings.repeated += extra.total()
        if lost or extra:
            findings.errors.append(f"reactions missing: {lost}, too many: {extra}")


@dataclass
class Findings:
    """Result of the comparison: `errors` describes each error."""

    acknowledged: int
    errors: list[str]
    lost: int = 0
    repeated: int = 0

    def raise_errors(self) -> None:
        """Raise `AssertionError` with the first 20 errors, if there are any."""
        assert not self.errors, "\n".join(self.errors[:20])
        assert (self.lost, self.repeated) == (0, 0)


def _audit_numbers(rows: Json, findings: Findings) -> None:
    """Check that tallies equal the counted rows and each `seq` is unique and at most the story's."""
    counted = Counter((row.code, row.target, row.reaction) for row in rows["reactions"])
    for story in rows["stories"]:
        comments = [row for row in rows["comments"] if row.code == story.code]
        published = sum(row.state == "published" for row in comments)
        if story.published != published:
            findings.errors.append(f"{story.code}: {story.published} counted, {published} stored")
        seqs = [row.seq for row in comments if row.born]
        if len(set(seqs)) != len(seqs) or any(seq > story.seq for seq in seqs):
            findings.errors.append(f"{story.code}: seqs {sorted(seqs)} of {story.seq}")
    targets = [(row.code, "", row.counts) for row in rows["stories"]]
    targets += [(row.code, row.id, row.counts) for row in rows["comments"]]
    for code, target, counts in targets:
        for reaction, number in json_of(counts).items():
            if counted[code, target, reaction] != number:
                findings.errors.append(f"{code} {target}: {number} × {reaction} counted")


def json_of(column: str) -> Json:
    """Return the value of a JSON column."""
    value: Json = json.loads(column)
    return value


def _comments(message: Json) -> list[Json]:
    if message["type"] == "comment":
        return [message["comment"]]
    if message["type"] != "snapshot":
        return []
    if message["resumed"]:
        return list(message["changes"])
    threads = message["comments"]["threads"]
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
