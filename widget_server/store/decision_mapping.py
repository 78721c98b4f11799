"""Mapping between the rows of logs and cases and their records."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row

from widget_server.model.decisions import Case, Decision, HandedOver
from widget_server.model.hints import TARGET
from widget_server.store.damaged_rows import json_of
from widget_server.store.mapping import to_comment


def to_decision(row: Mapping[Any, Any]) -> Decision:
    """Return the record of a log's row, with `stored_words` and, for a story's log, `code`."""
    words: dict[str, Any] = json_of(row["stored_words"]) if row["stored_words"] else {}
    before, after = json_of(row["before"]), json_of(row["after"])
    if "comment" in row:
        declined = None if row["comment"] else declined_hint(before, after)
        target = row["comment"] if declined is None else TARGET + declined
        targets = (target,) if target else ()
    else:
        targets = tuple(json_of(row["targets"]))
    return Decision(
        id=row["id"],
        at=row["at"],
        actor_kind=row["actor_kind"],
        actor=row["actor"],
        via=row["via"],
        verb=row["verb"],
        targets=targets,
        reason=row["reason"],
        note=words.get("note"),
        batch=row["batch"],
        undoes=row["undoes"],
        before=before,
        after=after,
        shell_user=row["shell_user"],
        story=row.get("code"),
        number=row["number"],
    )


def declined_hint(before: Mapping[str, Any], after: Mapping[str, Any]) -> str | None:
    """Return the id of the hint that an entry about a story declined or opened again, or None.

    A correction that follows a hint is about the story: its `after` has `correction` too.
    """
    if "correction" in before or "correction" in after:
        return None
    return after.get("hint") or before.get("hint")


def to_case(row: Row[Any]) -> Case:
    """Return the record of a comment's row with the columns of its case. Raises `RowDamagedError`."""
    return Case(
        id=row.case_id,
        queue=row.case_queue,
        story=row.story_code,
        comment=to_comment(row),
        reasons=tuple(json_of(row.case_reasons)),
        priority=row.case_priority,
        opened_at=row.case_opened_at,
        revision=row.case_revision,
        waiting=row.waiting_source,
        sealed=row.sealed,
        lease_by=row.lease_by,
        lease_until=row.lease_until or 0,
        handed=_to_handed(row),
    )


def _to_handed(row: Row[Any]) -> HandedOver | None:
    if row.handed_person is None:
        return None
    kind, _, id_ = row.handed_by.partition(":")
    return HandedOver(
        row.handed_person,
        row.handed_to_name or "",
        kind,
        row.handed_by_name or id_,
        row.handed_at,
        row.handed_until,
        row.handed_note,
    )
