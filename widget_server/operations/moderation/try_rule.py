"""Try a rule on the last comments of a site: what it would have held, and what people decided about it."""

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from widget_server.auth import permissions
from widget_server.content.rules import (
    SAMPLES,
    Context,
    PastComment,
    Trial,
    fingerprint_of,
    try_on_past,
)
from widget_server.model.actors import Actor
from widget_server.model.rules import TRUST_MS, Outcome, RuleSpec, StoredRule
from widget_server.operations.rules_cache import MAX_RECENT, compiled, language_of
from widget_server.operations.services import Services
from widget_server.store.queries.rules import PastRow
from widget_server.store.queries.text_marks import WINDOW_MS
from widget_server.store.queries.trust import History

LAST = 10_000
"""Comments on which a rule is tried."""
CHUNK = 1_000
"""Comments that are read and tried at a time."""


@dataclass(frozen=True, slots=True)
class TriedRule:
    """The result of a trial. Texts of its samples are empty if the reader of the trial may not see them."""

    trial: Trial
    since: int | None
    """Time of the oldest comment (milliseconds); None without comments."""
    seconds: float


async def try_on_last_comments(
    services: Services, by: Actor, site: str, spec: RuleSpec, last: int = LAST
) -> TriedRule:
    """Evaluate a rule on the last comments of the site, of its story or its copy, in a thread.

    A process tries one rule at a time. Raises `NotPermittedError` and `UnavailableError`.
    """
    permissions.require(by, "rules", site)
    async with services.rules.trials:
        started = time.perf_counter()
        stored = services.rules.stored
        ids = await stored.last_comments(site, spec.story, spec.copy, last, services.now_ms())
        rule = await asyncio.to_thread(compiled, StoredRule("", site, spec, "shadow", 0, "", 0, ""))
        past = _Past(services, spec.kind)
        oldest: int | None = None
        whole = Trial()
        # The oldest first: what a comment repeats, and whether it is a first one, comes before it.
        for start in range(0, len(ids), CHUNK):
            rows = await stored.past(ids[::-1][start : start + CHUNK])
            rows.sort(key=lambda row: (row.created_at, row.id))
            if oldest is None and rows:
                oldest = rows[0].created_at
                if spec.kind == "first":
                    await past.read_histories(ids, oldest)
            comments = await asyncio.to_thread(past.comments, rows)
            part = await asyncio.to_thread(try_on_past, rule, comments)
            whole = _joined(part, whole)
        if not permissions.allowed(by, "read_kept_text", site):
            whole.samples = [one for one in whole.samples if one.comment.outcome != "removed"]
        return TriedRule(whole, oldest, time.perf_counter() - started)


def outcome_of(word: str) -> Outcome:
    """Return the outcome that a query named."""
    return cast(Outcome, word)


class _Past:
    """Makes past comments of rows, with the context that each had when it was written."""

    def __init__(self, services: Services, kind: str) -> None:
        self._services = services
        self._kind = kind
        self._recent: deque[tuple[int, int]] = deque(maxlen=MAX_RECENT)
        self._histories: dict[str, History] = {}

    async def read_histories(self, ids: Sequence[str], oldest: int) -> None:
        """Read what spoke for the writers, and against them, since a year before the oldest comment."""
        stored = self._services.rules.stored
        readers: set[str] = set()
        for start in range(0, len(ids), CHUNK):
            readers |= set(await stored.readers_of(ids[start : start + CHUNK]))
        trust = self._services.rules.trust
        self._histories = await trust.histories(sorted(readers - {""}), oldest - TRUST_MS)

    def comments(self, rows: Iterable[PastRow]) -> list[PastComment]:
        """Return the comments of the rows, which come in the order of writing."""
        return [self._comment(row) for row in rows]

    def _comment(self, row: PastRow) -> PastComment:
        source, name, website = row.source, row.name, row.website
        if not source and row.sealed is not None:
            words = self._services.log_keys.unseal(row.sealed) or {}
            source = str(words.get("source", ""))
            name, website = words.get("name"), words.get("website")
        recent: list[int] = []
        if self._kind == "repeat":
            since = row.created_at - WINDOW_MS
            while self._recent and self._recent[0][0] < since:
                self._recent.popleft()
            recent = [mark for _, mark in self._recent]
            mark = fingerprint_of(source)
            if mark is not None:
                self._recent.append((row.created_at, mark))
        history = self._histories.get(row.reader, History())
        context = Context(
            story=row.story,
            copy=None if row.copy is None else str(row.copy),
            language=language_of(row.lang),
            accepted=history.accepted(row.created_at),
            recent=recent,
            name=None if row.vouched else name,
            website=website,
        )
        return PastComment(row.id, source, context, outcome_of(row.outcome))


def _joined(newer: Trial, older: Trial) -> Trial:
    """Return the sum of two trials. Its samples are the newest, false alarms first."""
    samples = newer.samples + older.samples
    wrong = [one for one in samples if one.comment.outcome == "approved"]
    right = [one for one in samples if one.comment.outcome != "approved"]
    half = max(SAMPLES // 2, SAMPLES - len(right))
    shown = wrong[:half]
    return Trial(
        newer.tried + older.tried,
        newer.caught + older.caught,
        newer.approved + older.approved,
        newer.removed + older.removed,
        shown + right[: SAMPLES - len(shown)],
    )
