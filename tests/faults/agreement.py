"""Checks that log, cases, counters, kept texts and comments agree, after a process was killed."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from tests.store.store_harness import LOG_KEYS, Store
from widget_server.store.log_keys import LogKeys
from widget_server.store.queries.log_check import LogCheck
from widget_server.store.schema import (
    cases,
    comments,
    decision_words,
    decisions,
    kept_texts,
    stories,
)
from widget_server.store.schema_hints import hint_counts, hints
from widget_server.store.schema_queue import case_counts


async def examine(store: Store, acknowledged: set[str], keys: LogKeys = LOG_KEYS) -> None:
    """Check the rows against each other, and that every acknowledged decision is in the log."""
    verdict = await LogCheck(store.database, keys).verify()
    assert verdict.damages == []
    entries = sorted(await store.rows(decisions), key=lambda row: row.number)
    assert acknowledged <= {row.id for row in entries}
    assert {row.decision for row in await store.rows(decision_words)} == {
        row.id for row in entries if row.words is not None
    }
    kept = {row.comment: row.why for row in await store.rows(kept_texts)}
    queues: dict[str, set[str]] = {}
    for case in await store.rows(cases, cases.c.closed_at.is_(None)):
        queues.setdefault(case.comment, set()).add(case.queue)
    counters = {row.queue: row.number for row in await store.rows(case_counts) if row.number}
    assert counters == Counter(name for names in queues.values() for name in names)
    logged: dict[str, dict[str, Any]] = {}
    for row in entries:
        logged.setdefault(row.comment, {}).update(json.loads(row.after))
    for row in await store.rows(comments):
        state = kept.get(row.id, row.state) if row.state == "removed" else row.state
        said = logged.get(row.id, {})
        assert said.get("state", state) == state, (row.id, said)
        assert said.get("pinned", row.pinned) == row.pinned
        assert said.get("featured", row.featured_at) == row.featured_at
        tags = json.loads(row.tags or "[]")
        assert said.get("tags", tags) == tags
        assert (row.state == "removed") == (row.source == "") == (row.id in kept)
        # Reports open cases without a decision.
        if "queues" in said:
            assert queues.get(row.id, set()) - {"reported"} == set(said["queues"]) - {"reported"}
        waits = {"pending"} if row.state == "pending" and not said else None
        assert waits is None or waits <= queues[row.id]
    await examine_hints(store, {row.id: row for row in entries})


async def examine_hints(store: Store, entries: Mapping[str, Any]) -> None:
    """Check that hints, their counter, corrections and the log agree."""
    rows = await store.rows(hints)
    waiting = Counter(row.site for row in rows if row.state == "open")
    counters = {row.site: row.number for row in await store.rows(hint_counts) if row.number}
    assert counters == waiting
    undone = {row.undoes for row in entries.values()}
    standing = {
        one["id"]
        for story in await store.rows(stories, stories.c.corrections.is_not(None))
        for one in json.loads(story.corrections)
        if "withdrawn_at" not in one
    }
    for row in rows:
        answers = [
            one
            for one in entries.values()
            if json.loads(one.after).get("hint") == row.id
            and one.verb != "undo"
            and one.id not in undone
        ]
        assert [one.id for one in answers] == [row.decision] * (row.state != "open"), row
        if row.state == "accepted":
            assert row.decision in standing
    # A correction stands or is withdrawn as the log says.
    made = {one.id for one in entries.values() if one.verb == "correct" and one.id not in undone}
    assert standing == made
