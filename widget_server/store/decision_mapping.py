"""Mapping between the rows of logs and cases and their records."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row

from widget_server.model.decisions import Case, Decision
from widget_server.store.damaged_rows import json_of
from widget_server.store.mapping import to_comment


def to_decision(row: Mapping[Any, Any]) -> Decision:
    """Return the record of a log's row, with `stored_words` and, for a story's log, `code`."""
    words: dict[str, Any] = json_of(row["stored_words"]) if row["stored_words"] else {}
    if "comment" in row:
        targets = (row["comment"],) if row["comment"] else ()
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
        before=json_of(row["before"]),
        after=json_of(row["after"]),
        shell_user=row["shell_user"],
        story=row.get("code"),
        number=row["number"],
    )


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
    )
