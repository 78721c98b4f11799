"""Hold a comment or an edit for a rule: the case, the entry in the story's log, and the rule's hit."""

from typing import Any

from widget_server.model import actors
from widget_server.model.decisions import new_id
from widget_server.model.errors import StoryClosedError
from widget_server.model.records import CommentState
from widget_server.model.rules import FLOOD, RuleHit
from widget_server.store.rows import CommentRow
from widget_server.store.writing.actions import Decide, Edit, Post
from widget_server.store.writing.decision_log import append_story_decision
from widget_server.store.writing.unit_of_work import UnitOfWork

FULL = "So many comments wait for the moderators that no more can be sent now. Keep your text and send it later."


def refuse_if_blocked(action: Post | Edit) -> None:
    """Raise the problem with which the rules or the opening hours refuse the text, if they do."""
    if action.refusal is not None:
        raise action.refusal


def refuse_if_full(rows: UnitOfWork, action: Post | Edit, *, waits: bool) -> None:
    """Raise `StoryClosedError` if the text would wait for the site's own people and no more cases may wait.

    `waits`: it waits for another reason than the rules that it breaks.
    """
    limit = action.most_waiting
    if limit is None or not (waits or any(hit.acting for hit in action.hits)):
        return
    site = rows.stories[action.story]["site"]
    if rows.decisions.waiting(site, rows.local.waits) >= limit:
        raise StoryClosedError(FULL)


def apply_hits(
    rows: UnitOfWork, row: CommentRow, action: Post | Edit, *, in_raid: bool = False
) -> bool:
    """Remember which rules the text breaks and its fingerprint, and return whether one holds it, or `in_raid` a flood.

    Then that is logged, and a comment that was never public waits in the queue `held`. For an edit of a
    published comment the caller opens the case.
    """
    site = rows.stories[row["story"]]["site"]
    hits = (*action.hits, RuleHit(FLOOD, acting=True)) if in_raid else action.hits
    for hit in hits:
        rows.rules.add_hit(site, hit.rule, row["id"], action.at, acting=hit.acting)
    if action.mark is not None:
        draft = action.key if isinstance(action, Post) else row["id"]
        rows.rules.add_mark(site, row["id"], draft, action.at, action.mark)
    acting = [hit.rule for hit in hits if hit.acting]
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
        decisions.open_case(story, row, "held", action.at, FLOOD if FLOOD in acting else None)
    after = {
        "queues": sorted({*decisions.open_queues(row["id"]), queue}),
        "revision": row["revision"],
        "rules": acting,
    }
    append_story_decision(rows, story, decision, before, after, {})
