"""The rules of decisions about a comment or a story, applied to the rows of one batch."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from widget_server.model import actors
from widget_server.model.decisions import Decided, Queue
from widget_server.model.errors import (
    CaseClosedError,
    ErasedError,
    NotFoundError,
    NotPermittedError,
    StaleError,
    TooLargeError,
)
from widget_server.model.outcomes import BAN_VERBS
from widget_server.model.records import CommentState
from widget_server.model.settings import MAX_TAGS
from widget_server.store.damaged_rows import json_of
from widget_server.store.decision_mapping import declined_hint
from widget_server.store.log_keys import new_salt, salted_hash
from widget_server.store.mapping import dump, tags_of
from widget_server.store.rows import CommentRow, StoryRow
from widget_server.store.writing.actions import Decide, Undo
from widget_server.store.writing.decision_rules import (
    ABOUT_WORDS,
    REPLACED,
    TOMBSTONE,
    erase_comment,
)
from widget_server.store.writing.hint_rules import HintRules


class DecisionApplier(HintRules):
    """Applies decisions and undoes them. Each is one entry of the story's log."""

    # Decisions ---------------------------------------------------------------------------------

    def decide(self, action: Decide) -> Callable[[], Decided]:
        """Apply a decision. Nothing is logged if everything was as decided already."""
        if not action.comment:
            return self._decide_story(action)
        if action.verb in BAN_VERBS:
            return self._decide_ban(action)
        row = self._comment(action.story, action.comment, action.by)
        if action.revision is not None and action.revision != row["revision"]:
            raise self._stale(row["id"])
        if action.case is not None and not self._rows.decisions.is_open(row["id"], action.case):
            raise CaseClosedError
        if action.by.copies is not None and action.verb in ("approve", "reject"):
            self._require_only_local(row)
        before = self._view(row)
        said = self._answer_appeals(row, action)
        hashes = self._change(row, action)
        self._settle_local(row, before)
        return self._logged(action, row, before, hashes, said)

    def _change(self, row: CommentRow, action: Decide) -> dict[str, Any]:
        """Do what the decision says. Return hashes of the words that it took away, for the log."""
        change = _CHANGES.get(action.verb)
        if change is None:
            raise ValueError(f"No decision about a comment: {action.verb}")
        return change(self, row, action)

    def _require_only_local(self, row: CommentRow) -> None:
        """Raise `NotPermittedError` for what waits for the site's own people: a local moderator only narrows.

        Raises `CaseClosedError` if nothing waits.
        """
        queues = self._rows.decisions.open_queues(row["id"])
        wanted = "pending" if row["state"] == CommentState.PENDING else "edits"
        if not queues and wanted == "edits":
            raise CaseClosedError
        if not self._rows.local.waits(row["id"]) or list(queues) != [wanted]:
            raise NotPermittedError("This waits for the publisher's own moderators.")

    def _approve(self, row: CommentRow, action: Decide) -> dict[str, Any]:
        """Publish a pending, held or edited comment, or keep a reported one: its reports are settled."""
        hashes: dict[str, Any] = {}
        was_held = self._is_held(row["id"])
        if was_held:
            self._bring_back(row)
        self._require_text(row)
        with_edit = False
        if row["state"] == CommentState.PENDING:
            self._changes.publish(row["id"])
        elif not was_held and self._is_about_edit(row, action.queue):
            with_edit = True
            hashes = self._replace(row, action, "source", "text")
            row |= {"source": row["waiting_source"] or "", "text": row["waiting_text"] or "[]"}
            row |= {"waiting_source": None, "waiting_text": None, "edited_at": action.at}
            self._changes.record_change(row["id"])
        others: list[Queue] = ["pending", "reported", "held"]
        self._close(row, action, ABOUT_WORDS if with_edit else others)
        return hashes

    def _reject(self, row: CommentRow, action: Decide) -> dict[str, Any]:
        if not self._is_about_edit(row, action.queue):
            return self._remove(row, action)
        hashes = self._replace(row, action, "waiting_source", "waiting_text")
        row |= {"waiting_source": None, "waiting_text": None}
        self._rows.changed_comments.add(row["id"])
        self._close(row, action, ["edits"])
        return hashes

    def _remove(self, row: CommentRow, action: Decide) -> dict[str, Any]:
        hashes = self._take_away(row, action, "removed")
        self._close(row, action)
        return hashes

    def _hold(self, row: CommentRow, action: Decide) -> dict[str, Any]:
        hashes: dict[str, Any] = {}
        if self._is_held(row["id"]):
            return hashes
        self._require_text(row)
        if row["state"] == CommentState.PUBLISHED:
            hashes = self._take_away(row, action, "held")
        self._close(row, action, ["pending"])
        self._rows.decisions.open_case(self._story(row), row, "held", action.at)
        return hashes

    def _restore(self, row: CommentRow, action: Decide) -> dict[str, Any]:
        if row["state"] == CommentState.REMOVED:
            self._bring_back(row)
            self._close(row, action, ["held"])
            if row["state"] == CommentState.PENDING:
                self._rows.decisions.open_case(self._story(row), row, "pending", action.at)
                history = self._rows.decisions.history(row["story"], row["id"])
                said = (one for one in reversed(history) if "only_local" in _json(one, "before"))
                self._wait_for_local(row, next(said, None))
        return {}

    def _pin(self, row: CommentRow, action: Decide) -> dict[str, Any]:
        self._require_text(row)
        if row["pinned"] != (action.verb == "pin"):
            row["pinned"] = action.verb == "pin"
            self._changes.record_change(row["id"])
        return {}

    def _feature(self, row: CommentRow, action: Decide) -> dict[str, Any]:
        self._require_text(row)
        if (row["featured_at"] is None) == (action.verb == "feature"):
            row["featured_at"] = action.at if action.verb == "feature" else None
            self._changes.record_change(row["id"])
        return {}

    def _tag(self, row: CommentRow, action: Decide) -> dict[str, Any]:
        """Give the comment a tag, or take it off. Readers see nothing of it: it is no change of the story."""
        if row["id"] in self._rows.damaged:
            raise NotFoundError("The row of this comment is damaged.")
        tags, name = tags_of(row), (action.tag or "").casefold()
        others = tuple(tag for tag in tags if tag.casefold() != name)
        if action.verb == "untag":
            self._set_tags(row, others)
            return {}
        self._require_not_erased(row)
        if len(others) == len(tags):
            if len(tags) == MAX_TAGS:
                raise TooLargeError(f"A comment has at most {MAX_TAGS} tags. Take one off first.")
            self._set_tags(row, (*tags, action.tag or ""))
        return {}

    def _set_tags(self, row: CommentRow, tags: Sequence[str]) -> None:
        row["tags"] = dump(tags) if tags else None
        self._rows.changed_comments.add(row["id"])

    def _require_not_erased(self, row: CommentRow) -> None:
        kept = self._rows.decisions.kept.get(row["id"])
        if row["state"] == CommentState.REMOVED and (kept is None or kept["why"] == REPLACED):
            raise ErasedError

    def _uphold(self, row: CommentRow, action: Decide) -> dict[str, Any]:
        """Leave the comment as it is: the objections that waited are answered."""
        return {}

    def _erase(self, row: CommentRow, action: Decide) -> dict[str, Any]:
        erase_comment(self._rows, self._changes, row["id"], action.at, action.id)
        return {}

    def _decide_story(self, action: Decide) -> Callable[[], Decided]:
        story = self._rows.stories.get(action.story)
        if story is None:
            raise NotFoundError
        if action.by.copies is not None:
            raise NotPermittedError("Your role is limited to the comments of some copies.")
        before: dict[str, Any] = {}
        after: dict[str, Any] = {}
        words: dict[str, Any] = {}
        if action.verb == "correct":
            return self._correct(action, story)
        if action.verb == "reject":
            return self._decline(action, story)
        if action.verb == "notice":
            if story["notice"] == action.notice:
                return self._unchanged(story)
            words = {"notice": story["notice"]}
            before, after = _notices(story["notice"], action.notice)
            story["notice"] = action.notice
        else:
            after = {k: v for k, v in action.columns.items() if _column(story, k) != v}
            if not after:
                return self._unchanged(story)
            before = {name: _column(story, name) for name in after}
            self._set_columns(story, after)
        if action.verb == "notice" or "closed" in after:
            self._changes.story_changed(action.story)
        return self._append(action, story, before, after, words)

    def _set_columns(self, story: StoryRow, columns: Mapping[str, Any]) -> None:
        """Set `closed` or `closes_at`. Readers do not see a closing date: alone it is no event."""
        story |= cast(StoryRow, columns)
        self._rows.changed_stories.add(story["id"])

    # Undo --------------------------------------------------------------------------------------

    def undo(self, action: Undo) -> Callable[[], Decided]:
        """Undo a decision: bring back everything that it changed."""
        story = self._rows.stories.get(action.story)
        if story is None:
            raise NotFoundError
        entry = self._entry_to_undo(action)
        if entry is None:
            return self._unchanged(story, action.comment)
        before, after = _json(entry, "before"), _json(entry, "after")
        if not action.comment:
            if entry["verb"] == "correct":
                return self._withdraw(action, story)
            hint = declined_hint(before, after)
            if hint is not None:
                return self._undo_of_decline(action, story, hint)
            return self._undo_of_story(action, story, before)
        row = self._comment(action.story, action.comment, action.by)
        if entry["verb"] == "erase":
            raise ErasedError
        if entry["verb"] in BAN_VERBS:
            return self._undo_of_ban(action, row, before, after)
        view = self._view(row)
        said = self._answer_appeals(row, action)
        hashes = self._undo_of_comment(action, row, entry, before, after)
        decisions = self._rows.decisions
        opened = set(after.get("queues", ())) - set(before.get("queues", ()))
        decisions.close_cases(row["id"], action.at, action.id, opened)
        self._reopen(row, action)
        if self._is_held(row["id"]) and not decisions.open_queues(row["id"]):
            # The row of its case was deleted long after it was closed.
            decisions.open_case(story, row, "held", action.at)
        if row["state"] == CommentState.REMOVED and not self._is_held(row["id"]):
            # The comment had been reported since it was restored: nothing about it waits any more.
            decisions.close_cases(row["id"], action.at, action.id, ABOUT_WORDS)
        self._settle_local(row, view)
        self._wait_for_local(row, entry)
        return self._logged(action, row, view, hashes, said)

    def _entry_to_undo(self, action: Undo) -> dict[str, Any] | None:
        """Return the entry, or None if it was undone before. Raises if it cannot be undone."""
        history = self._rows.decisions.history(action.story, action.comment)
        entry = next((entry for entry in history if entry["id"] == action.decision), None)
        if entry is None:
            raise NotFoundError("There is no decision with this id.")
        if entry["verb"] == "undo":
            raise NotPermittedError("An undo cannot be undone. Make the decision again.")
        if _by_rule_of_site(entry):
            raise NotPermittedError("What a rule held is not undone: approve or reject it.")
        undone = {one["undoes"] for one in history}
        if entry["id"] in undone:
            return None
        for later in history:
            follows = later["number"] > entry["number"] and _follows(entry, later)
            if follows and later["id"] not in undone:
                error = StaleError(
                    f"There is a later decision, {later['id']} ({later['verb']}). Undo that one first."
                )
                error.later = later["id"]
                if action.comment in self._rows.comments:
                    error.comment = self._rows.comment(action.comment)
                raise error
        return entry

    def _undo_of_comment(
        self,
        action: Undo,
        row: CommentRow,
        entry: Mapping[str, Any],
        before: Mapping[str, Any],
        after: Mapping[str, Any],
    ) -> dict[str, Any]:
        self._require_not_erased(row)
        was, became = before.get("state"), after.get("state")
        if became in TOMBSTONE:
            if was == "held":
                self._rename_kept(row["id"], "held")
            else:
                self._bring_back(row)
        elif was in TOMBSTONE:
            return self._take_away(row, action, str(was))
        elif was == "pending":
            # It had been public: a tombstone hides it until it is decided again.
            return self._take_away(row, action, "held")
        elif before.get("waiting") and not after.get("waiting", True):
            self._undo_of_edit(row, entry)
        elif "pinned" in before and row["pinned"] != before["pinned"]:
            row["pinned"] = bool(before["pinned"])
            self._changes.record_change(row["id"])
        elif "featured" in before and row["featured_at"] != before["featured"]:
            row["featured_at"] = before["featured"]
            self._changes.record_change(row["id"])
        elif "tags" in before:
            self._set_tags(row, before["tags"])
        return {}

    def _undo_of_edit(self, row: CommentRow, entry: Mapping[str, Any]) -> None:
        """Let an edit wait again that was approved or rejected."""
        decisions = self._rows.decisions
        kept = decisions.kept.get(row["id"])
        words = None if kept is None else decisions.keys.unseal(kept["sealed"])
        if kept is None or words is None or kept["decision"] != entry["id"]:
            raise ErasedError
        if row["revision"] != _json(entry, "after").get("revision"):
            raise self._stale(row["id"])
        if entry["verb"] == "approve":
            row |= {"waiting_source": row["source"], "waiting_text": row["text"]}
            row |= {"source": words["source"], "text": words["text"]}
            row["edited_at"] = words["edited_at"]
            self._changes.record_change(row["id"])
        else:
            row |= {"waiting_source": words["source"], "waiting_text": words["text"]}
            self._rows.changed_comments.add(row["id"])
        decisions.drop_kept(row["id"])

    def _undo_of_story(
        self, action: Undo, story: StoryRow, before: Mapping[str, Any]
    ) -> Callable[[], Decided]:
        was: dict[str, Any]
        words: dict[str, Any] = {}
        if "notice" not in before:
            was, now = {name: _column(story, name) for name in before}, dict(before)
            self._set_columns(story, now)
        else:
            stored = self._rows.decisions.words.get(action.decision)
            if stored is None:
                raise ErasedError
            notice = _json({"words": stored}, "words")["notice"]
            words = {"notice": story["notice"]}
            was, now = _notices(story["notice"], notice)
            story["notice"] = notice
        if before.keys() != {"closes_at"}:
            self._changes.story_changed(action.story)
        return self._append(action, story, was, now, words)


def _follows(entry: Mapping[str, Any], later: Mapping[str, Any]) -> bool:
    """Return whether a later entry is about the same as an entry: the words of a comment, or its writer."""
    if later["verb"] == "undo" or _by_rule_of_site(later):
        return False
    if _is_by_itself(entry) or _is_by_itself(later):
        return False
    if later["verb"] == "uphold":
        return entry["id"] in _json(later, "after").get("upholds", ())
    return _kind_of_ban(entry) == _kind_of_ban(later)


def _is_by_itself(entry: Mapping[str, Any]) -> bool:
    """Return whether nothing else that is decided about the story changes anything of it: of a correction or hint."""
    return entry["verb"] == "correct" or (entry["verb"] == "reject" and not entry["comment"])


def _by_rule_of_site(entry: Mapping[str, Any]) -> bool:
    """Return whether a rule of the site held a new text. What reports hid is undone as other decisions."""
    return bool(entry["actor_kind"] == "rule" and entry["actor"] != actors.REPORTS_RULE.id)


def _kind_of_ban(entry: Mapping[str, Any]) -> str | None:
    """Return whether a decision is about the writer or the network of a comment; None: about its words."""
    if entry["verb"] not in BAN_VERBS:
        return None
    terms = _json(entry, "after").get("ban") or _json(entry, "before").get("ban") or {}
    return str(terms.get("kind"))


def _json(entry: Mapping[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = json_of(entry[name])
    return found


def _column(story: StoryRow, name: str) -> Any:
    return cast(dict[str, Any], story)[name]


def _notices(before: str | None, after: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return how the log names two notices: by salted hashes, or None for no notice."""
    salt = new_salt()

    def named(notice: str | None) -> dict[str, Any]:
        return {"notice": None if notice is None else salted_hash(salt, notice)}

    return named(before), named(after)


_CHANGES: dict[str, Callable[[DecisionApplier, CommentRow, Decide], dict[str, Any]]] = {
    "approve": DecisionApplier._approve,
    "reject": DecisionApplier._reject,
    "remove": DecisionApplier._remove,
    "spam": DecisionApplier._remove,
    "hold": DecisionApplier._hold,
    "restore": DecisionApplier._restore,
    "pin": DecisionApplier._pin,
    "unpin": DecisionApplier._pin,
    "feature": DecisionApplier._feature,
    "unfeature": DecisionApplier._feature,
    "tag": DecisionApplier._tag,
    "untag": DecisionApplier._tag,
    "uphold": DecisionApplier._uphold,
    "erase": DecisionApplier._erase,
}
"""What each verb does to the row of a comment."""
