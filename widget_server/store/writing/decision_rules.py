"""What decisions and their undoing share: taking words away, bringing them back, and the log."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from widget_server.model.actors import Actor
from widget_server.model.decisions import Decided, Queue
from widget_server.model.errors import ErasedError, NotFoundError, NotPermittedError, StaleError
from widget_server.model.records import CommentState
from widget_server.store.damaged_rows import json_of
from widget_server.store.log_keys import new_salt, salted_hash
from widget_server.store.mapping import tags_of
from widget_server.store.rows import CommentRow, StoryRow
from widget_server.store.schema_local import LOCAL_QUEUES
from widget_server.store.writing.actions import Decide, Undo
from widget_server.store.writing.changes import CLEARED, ChangeRecorder
from widget_server.store.writing.decision_log import append_story_decision
from widget_server.store.writing.unit_of_work import UnitOfWork

TOMBSTONE = ("removed", "held")
"""Reasons for which a text is kept whose comment is a tombstone."""
ABOUT_WORDS: tuple[Queue, ...] = ("pending", "reported", "held", "edits")
"""Queues that wait for a decision about the words of a comment. The others wait for an answer to its writer."""
REPLACED = "replaced"
"""The comment is still published: an edit of it was approved or rejected."""


def erase_comment(
    rows: UnitOfWork, changes: ChangeRecorder, comment: str, at: int, decision: str | None = None
) -> None:
    """Erase a comment's words wherever they are, also those that were kept, and close its cases."""
    if rows.comments[comment]["state"] != CommentState.REMOVED:
        changes.remove(comment)
    if rows.comments[comment]["tags"] is not None:
        rows.comments[comment]["tags"] = None
        rows.changed_comments.add(comment)
    rows.decisions.drop_kept(comment)
    rows.decisions.erase_words(comment)
    rows.decisions.forget_learned(comment)
    rows.local.erase(comment)
    rows.decisions.close_cases(comment, at, decision, ABOUT_WORDS)
    if not rows.decisions.readers.appeals.get(comment):
        rows.decisions.close_cases(comment, at, decision, ["appeals"])


class DecisionRules:
    """Rules about the rows of one batch that more than one decision needs."""

    def __init__(self, rows: UnitOfWork, changes: ChangeRecorder) -> None:
        self._rows = rows
        self._changes = changes

    # Taking words away and bringing them back ----------------------------------------------------

    def _take_away(self, row: CommentRow, action: Decide | Undo, why: str) -> dict[str, Any]:
        """Make the comment a tombstone whose words are kept. Return their hash for the log."""
        comment = row["id"]
        if self._is_held(comment):
            # The comment may have waited for long: from this decision on there is the whole time again.
            self._rename_kept(comment, why, action.at + action.keep)
            return {}
        self._require_text(row, damaged=True)
        if comment in self._rows.damaged:
            # What cannot be read cannot be brought back.
            erase_comment(self._rows, self._changes, comment, action.at, action.id)
            return {}
        words = {name: row[name] for name in CLEARED}  # type: ignore[literal-required]
        hashes = self._seal(row, action, why, words | {"state": row["state"]})
        self._changes.remove(comment)
        return hashes

    def _replace(self, row: CommentRow, action: Decide, source: str, text: str) -> dict[str, Any]:
        """Keep the words that the decision about an edit replaces. Return their hash for the log."""
        fields: Any = row
        words = {"source": fields[source], "text": fields[text], "edited_at": row["edited_at"]}
        return self._seal(row, action, REPLACED, words)

    def _seal(
        self, row: CommentRow, action: Decide | Undo, why: str, words: dict[str, Any]
    ) -> dict[str, Any]:
        salt = new_salt()
        self._rows.decisions.keep(
            {
                "comment": row["id"],
                "decision": action.id,
                "why": why,
                "until": action.at + action.keep,
                "sealed": self._rows.decisions.keys.seal(words | {"salt": salt}),
            }
        )
        return {"words": salted_hash(salt, words["source"])}

    def _bring_back(self, row: CommentRow) -> None:
        decisions = self._rows.decisions
        kept = decisions.kept.get(row["id"])
        words = None
        if kept is not None and kept["why"] in TOMBSTONE:
            words = decisions.keys.unseal(kept["sealed"])
        if words is None:
            raise ErasedError
        self._changes.bring_back(row["id"], words)
        decisions.drop_kept(row["id"])

    def _rename_kept(self, comment: str, why: str, until: int = 0) -> None:
        kept = self._rows.decisions.kept[comment]
        until = max(until, kept["until"])
        self._rows.decisions.keep({**kept, "why": why, "until": until})

    # Rules that decisions share ------------------------------------------------------------------

    def _comment(self, story: int, comment: str, by: Actor) -> CommentRow:
        row = self._rows.comments.get(comment)
        if row is None or row["story"] != story:
            raise NotFoundError("There is no comment with this id.")
        if by.copies is not None and row["copy"] not in by.copies:
            raise NotPermittedError("Your role is limited to the comments of other copies.")
        return row

    def _require_text(self, row: CommentRow, *, damaged: bool = False) -> None:
        """Raise `NotFoundError` for a tombstone, and for a damaged row unless it is to be removed."""
        gone = row["state"] == CommentState.REMOVED
        if gone or (row["id"] in self._rows.damaged and not damaged):
            raise NotFoundError("This comment is removed already, or its row is damaged.")

    def _is_held(self, comment: str) -> bool:
        kept = self._rows.decisions.kept.get(comment)
        removed = self._rows.comments[comment]["state"] == CommentState.REMOVED
        return removed and kept is not None and kept["why"] == "held"

    def _is_about_edit(self, row: CommentRow, queue: Queue | None) -> bool:
        waits = row["state"] == CommentState.PUBLISHED and row["waiting_source"] is not None
        return waits and queue in (None, "edits")

    def _settle_local(self, row: CommentRow, before: Mapping[str, Any]) -> None:
        """If a decision closed what waited, it does not wait for its copy's moderator any more either."""
        waited = not set(LOCAL_QUEUES).isdisjoint(before["queues"])
        if waited and set(LOCAL_QUEUES).isdisjoint(self._rows.decisions.open_queues(row["id"])):
            self._rows.local.set(row["id"], only_local=False)

    def _wait_for_local(self, row: CommentRow, entry: Mapping[str, Any] | None) -> None:
        """Let what waits again wait for its copy's moderator alone, if it did before the decision of this log entry."""
        before = {} if entry is None else json_of(entry["before"])
        waits = not set(LOCAL_QUEUES).isdisjoint(self._rows.decisions.open_queues(row["id"]))
        if waits and before.get("only_local"):
            self._rows.local.set(row["id"], only_local=True)

    def _story(self, row: CommentRow) -> StoryRow:
        return self._rows.stories[row["story"]]

    def _close(
        self, row: CommentRow, action: Decide, queues: Sequence[Queue] = ABOUT_WORDS
    ) -> None:
        self._rows.decisions.close_cases(row["id"], action.at, action.id, queues)

    def _stale(self, comment: str) -> StaleError:
        error = StaleError()
        error.comment = self._rows.comment(comment)
        return error

    # The log -------------------------------------------------------------------------------------

    def _view(self, row: CommentRow) -> dict[str, Any]:
        """Return what the log says of a comment: no words."""
        kept = self._rows.decisions.kept.get(row["id"])
        removed = row["state"] == CommentState.REMOVED
        return {
            "state": "held" if self._is_held(row["id"]) else row["state"],
            "pinned": row["pinned"],
            "featured": row["featured_at"],
            "tags": list(tags_of(row)),
            "waiting": row["waiting_source"] is not None,
            "kept": removed and kept is not None and kept["why"] in TOMBSTONE,
            "queues": self._rows.decisions.open_queues(row["id"]),
            "only_local": self._rows.local.waits(row["id"]),
            "revision": row["revision"],
        }

    def _logged(
        self,
        action: Decide | Undo,
        row: CommentRow,
        before: Mapping[str, Any],
        hashes: Mapping[str, Any],
        said: Mapping[str, Any] | None = None,
    ) -> Callable[[], Decided]:
        """Append the difference to the log, and return a function that creates the result.

        `said` is what the entry says besides, of objections that the decision answers.
        """
        now, story = self._view(row), self._story(row)
        changed = [name for name in now if before[name] != now[name]]
        if not changed:
            return self._unchanged(story, row["id"])
        shown = [*changed, "revision"]
        return self._append(
            action,
            story,
            {name: before[name] for name in shown} | dict(hashes),
            {name: now[name] for name in shown} | dict(said or {}),
            {},
        )

    def _append(
        self,
        action: Decide | Undo,
        story: StoryRow,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        words: Mapping[str, Any],
    ) -> Callable[[], Decided]:
        noted = dict(words) | ({"note": action.note} if action.note else {})
        decision = append_story_decision(self._rows, story, action, before, after, noted)
        comment, rows = action.comment, self._rows
        return lambda: Decided(
            decision(), rows.comment(comment) if comment else None, rows.story(story["id"])
        )

    def _unchanged(self, story: StoryRow, comment: str = "") -> Callable[[], Decided]:
        rows = self._rows
        return lambda: Decided(
            None, rows.comment(comment) if comment else None, rows.story(story["id"])
        )
