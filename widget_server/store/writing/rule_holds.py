"""Hold a comment or an edit for a rule: the case, the entry in the story's log, and the rule's hit."""

from typing import Any

from widget_server.model import actors
from widget_server.model.decisions import new_id
from widget_server.model.records import CommentState
from widget_server.store.rows import CommentRow
from widget_server.store.writing.actions import Decide, Edit, Post
from widget_server.store.writing.decision_log import append_story_decision
from widget_server.store.writing.unit_of_work import UnitOfWork


def refuse_if_blocked(action: Post | Edit) -> None:
    """Raise the problem with which the rules refuse the text, if they do."""
    if action.refusal is not None:
        raise action.refusal


def apply_hits(rows: UnitOfWork, row: CommentRow, action: Post | Edit) -> bool:
    """Remember which rules the text breaks, and return whether one holds it.

    Then that is logged, and a comment that was never public waits in the queue `held`. For an edit of a
    published comment the caller opens the case.
    """
    site = rows.stories[row["story"]]["site"]
    for hit in action.hits:
        rows.new_hits[site, hit.rule, row["id"]] = {
            "site": site,
            "rule": hit.rule,
            "comment": row["id"],
            "at": action.at,
            "acting": hit.acting,
        }
    acting = [hit.rule for hit in action.hits if hit.acting]
    if acting:
        _hold(rows, row, action, acting)
    return bool(acting)


def _hold(rows: UnitOfWork, row: CommentRow, action: Post | Edit, acting: list[str]) -> None:
    story, decisions = rows.stories[row["story"]], rows.decisions
    decision = Decide(
        story=row["story"],
        comment=row["id"],
        verb="hold",
        by=actors.rule(acting[0], story["site"]),
        id=new_id(),
        at=action.at,
        keep=0,
    )
    before: dict[str, Any] = {"queues": decisions.open_queues(row["id"])}
    queue = "edits"
    if row["state"] == CommentState.PENDING:
        queue = "held"
        decisions.close_cases(row["id"], action.at, decision.id, ["pending"])
        decisions.open_case(story, row, "held", action.at)
    after = {
        "queues": sorted({*decisions.open_queues(row["id"]), queue}),
        "revision": row["revision"],
        "rules": acting,
    }
    append_story_decision(rows, story, decision, before, after, {})
