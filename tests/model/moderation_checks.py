"""Comparisons of a stored story with its model, and laws that hold whatever the model says."""

import json
from collections import Counter
from typing import Any

from tests.e2e.replay import Replay
from tests.model.moderated_story import Stored, counted
from tests.model.moderation_records import TAGS, TOMBSTONES, StoryState
from tests.model.moderation_site import SiteModel


def log_is_that_of(model: SiteModel, found: Stored) -> None:
    """Assert that each decision is logged once, in order, with who made it and what it undoes."""
    assert [(row.number, row.comment, row.verb) for row in found.log] == [
        (number, entry.comment, entry.verb) for number, entry in enumerate(model.log, 1)
    ]
    for row, entry in zip(found.log, model.log, strict=True):
        assert entry.id in ("", row.id)
        entry.id = row.id
        assert row.actor_kind == entry.kind
        assert entry.is_rule or row.actor == entry.by
        assert row.undoes == (entry.undoes.id if entry.undoes is not None else None)
        assert (row.batch is not None) == (entry.batch is not None)
        entry.batch = row.batch


def cases_are_those_of(model: SiteModel, found: Stored) -> None:
    """Assert that the same cases are open or closed, by the same decisions, and that counters are right."""
    new = [case for case in model.cases if not case.number]
    known = {case.number for case in model.cases}
    for row in found.cases:
        if row.id not in known:
            same = [one for one in new if (one.comment, one.queue) == (row.comment, row.queue)]
            assert same, f"a case that the model does not have: {row}"
            same[0].number = row.id
            new.remove(same[0])
    assert not new, f"cases that are not stored: {new}"
    rows = {row.id: row for row in found.cases}
    for case in model.cases:
        row = rows[case.number]
        assert row.closed_at == (None if case.is_open else case.closed_at), (case, row)
        assert row.opened_at == case.opened_at
        case.priority = row.priority
        assert row.decision == (case.closed_by.id if case.closed_by is not None else None)
        if case.is_open:
            assert row.revision == model.comments[case.comment].revision
    places = [(row.comment, row.queue) for row in found.cases if row.closed_at is None]
    assert max(Counter(places).values(), default=1) == 1, "one open case of a comment in a queue"
    assert found.counts == counted(found)


def comments_are_those_of(model: SiteModel, found: Stored, readers: dict[str, str]) -> None:
    """Assert that words, states, kept words, bans and objections are those of the model."""
    assert found.comments.keys() == model.comments.keys()
    for one in model.comments.values():
        row, kept = found.comments[one.id], found.kept.get(one.id)
        state = "removed" if one.state in TOMBSTONES else one.state
        waits = one.waiting is not None
        assert (row.state, row.source, row.waiting_source is not None) == (state, one.text, waits)
        assert (row.pinned, row.revision) == (one.pinned, one.revision)
        assert (row.featured_at is not None) == one.featured
        assert row.tags == (json.dumps(one.tags, separators=(",", ":")) if one.tags else None)
        assert row.reader == readers.get(one.reader, "")
        if one.kept is not None:
            assert kept is not None
            assert (kept.why, kept.until) == (one.state, one.kept.until)
        elif one.replaced is not None:
            assert kept is not None
            assert (kept.why, kept.until) == ("replaced", one.replaced[2])
        else:
            assert kept is None
    assert {(one.decision, one.kind, one.mode, one.until, one.day) for one in found.bans} == {
        (ban.made.id, ban.kind, ban.mode, ban.until, ban.day) for ban in model.bans
    }
    assert len(found.bans) == len(model.bans)
    assert {row.decision for row in found.appeals} == {one.id for one in model.appeals}
    published = [one for one in model.comments.values() if one.state == "published"]
    assert found.story.published == len(published)
    story = StoryState(found.story.closed, found.story.closes_at, found.story.notice)
    assert story == model.story


def reports_are_those_of(model: SiteModel, found: Stored, readers: dict[str, str]) -> None:
    """Assert that reports and muted reporters are those of the model, and which reports do not count."""
    assert {
        (row.comment, row.reader, row.at, row.category, row.muted_by) for row in found.reports
    } == {
        (one.comment, readers[one.reader], one.at, one.category, one.mute and one.mute.id)
        for one in model.reports.values()
    }
    assert {(row.id, row.comment, row.at, row.until) for row in found.mutes} == {
        (one.id, one.comment, one.at, one.until) for one in model.mutes
    }


def public_is_that_of(model: SiteModel, raw: str, fresh: Replay) -> None:
    """Assert that a new reader sees the story's state and the published comments, and no word of any other one."""
    published = {one.id: one.text for one in model.comments.values() if one.state == "published"}
    shown = {one["id"]: one for one in fresh.comments.values() if one["state"] == "published"}
    assert {id_: _words(one["text"]) for id_, one in shown.items()} == published
    assert fresh.count == len(published)
    story = fresh.story["closed"], fresh.story["notice"]
    assert story == (model.story.closed, model.story.notice)
    assert {id_ for id_, one in shown.items() if one["pinned"]} == {
        one.id for one in model.comments.values() if one.state == "published" and one.pinned
    }
    assert {id_ for id_, one in shown.items() if one.get("featured")} == {
        one.id for one in model.comments.values() if one.state == "published" and one.featured
    }
    assert not any(tag in raw for tag in TAGS), "readers are told nothing of tags"
    for one in model.comments.values():
        hidden = [one.kept.text] if one.kept is not None else []
        hidden += [one.text] if one.state == "pending" else []
        hidden += [one.waiting] if one.waiting is not None else []
        assert not any(f'"{words}"' in raw for words in hidden if words not in published.values())


def laws_hold(model: SiteModel, found: Stored) -> None:
    """Assert what must be so whatever was done: nothing that waits is forgotten, nothing waits in vain."""
    queues: dict[str, set[str]] = {}
    for row in found.cases:
        if row.closed_at is None:
            queues.setdefault(row.comment, set()).add(row.queue)
    for row in found.comments.values():
        own = queues.get(row.id, set())
        kept: Any = found.kept.get(row.id)
        held = row.state == "removed" and kept is not None and kept.why == "held"
        if row.state == "pending":
            assert own & {"pending", "held"}, "a pending comment waits for a person"
        if held:
            assert own - {"appeals"}, "a hidden comment waits for a person"
        if row.state == "removed" and not held:
            assert own <= {"appeals"}, "nothing waits about words that are gone"
        if row.state == "published":
            assert not own & {"pending", "held"}
            assert ("edits" in own) == (row.waiting_source is not None)
        assert ("appeals" in own) == bool(model.waiting(row.id)), "objections wait for a person"


def _words(tree: list[Any]) -> str:
    return str(tree[0][2])
