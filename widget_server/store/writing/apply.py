"""The rules of each action, applied in order to the rows of one batch.

The stories' rows are locked before, so `seq` numbers are assigned in commit order and without gaps.
Results and events are created from the rows after the whole batch was applied.
"""

from collections.abc import Callable
from typing import Any, cast

from widget_server.model.errors import (
    EditWindowOverError,
    NotFoundError,
    ProblemError,
    StoryClosedError,
)
from widget_server.model.events import Event
from widget_server.model.records import CommentState
from widget_server.store.mapping import dump
from widget_server.store.rows import CommentRow, ReactionRow, ReportRow, StoryRow
from widget_server.store.writing.actions import (
    Action,
    ActionResult,
    Appeal,
    Decide,
    Delete,
    Edit,
    Erase,
    Forget,
    Post,
    React,
    Report,
    SendHint,
    Undo,
    UpdateStory,
)
from widget_server.store.writing.changes import ChangeRecorder
from widget_server.store.writing.decide import DecisionApplier
from widget_server.store.writing.decision_rules import erase_comment
from widget_server.store.writing.rule_holds import (
    apply_hits,
    refuse_if_blocked,
    refuse_if_full,
)
from widget_server.store.writing.unit_of_work import UnitOfWork


class ActionApplier:
    """Applies the actions of one batch. Use once: load the rows, `apply` each action, flush the rows."""

    def __init__(self, rows: UnitOfWork) -> None:
        self._rows = rows
        self._changes = ChangeRecorder(rows)
        self._decisions = DecisionApplier(rows, self._changes)

    def events(self) -> list[Event]:
        """Return the public changes. Call once the whole batch was applied."""
        return self._changes.events()

    # Applying ----------------------------------------------------------------------------------

    def apply(self, action: Action) -> Callable[[], ActionResult] | ProblemError:
        """Change the rows. Return a function that creates the result once the whole batch was applied."""
        try:
            return _RULES[type(action)](self, action)
        except ProblemError as rejection:
            # Without the frames of its rule, which would keep all rows of the batch.
            return rejection.with_traceback(None)

    def _react(self, action: React) -> Callable[[], ActionResult]:
        """Count the reaction to the story or a comment, in place of the reader's old one."""
        self._require_open(action.story)
        target = action.comment or ""
        if target:
            self._get_published_comment(action.story, target)
        before = self._rows.reactions.get((action.story, target, action.reader))
        if before != action.reaction:
            self._changes.count_reaction(action.story, target, before, action.reaction)
            row: ReactionRow | None = None
            if action.reaction is None:
                del self._rows.reactions[action.story, target, action.reader]
            else:
                self._rows.reactions[action.story, target, action.reader] = action.reaction
                row = {
                    "story": action.story,
                    "target": target,
                    "reader": action.reader,
                    "reaction": action.reaction,
                    "copy": action.copy,
                    "at": action.at,
                }
            self._rows.set_reactions[action.story, target, action.reader] = row
        return lambda: self._rows.tally(action.story, target)

    def _post(self, action: Post) -> Callable[[], ActionResult]:
        stored = self._find_earlier_attempt(action)
        if stored is not None:
            return lambda: self._rows.comment(stored)
        self._require_open(action.story)
        refuse_if_blocked(action)
        thread = action.id
        if action.parent is not None:
            thread = self._get_published_comment(action.story, action.parent)["thread"]
        story = self._rows.stories[action.story]
        raid = self._rows.floods.meet(action, story["site"], story["code"])
        # What only a local moderator looks at neither fills the site's queues nor is refused for them.
        for_site = action.pending and not action.only_local
        refuse_if_full(self._rows, action, waits=for_site or raid is not None)
        if raid is not None:
            self._rows.floods.count_held(raid)
        self._rows.comments[action.id] = {
            "id": action.id,
            "story": action.story,
            "parent": action.parent,
            "thread": thread,
            "born": 0,
            "seq": 0,
            "state": CommentState.PENDING.value,
            "source": action.source,
            "text": dump(action.text),
            "waiting_source": None,
            "waiting_text": None,
            "name": action.name,
            "vouched": action.vouched,
            "email": action.email,
            "website": action.website,
            "role": action.role,
            "reader": action.reader,
            "copy": action.copy,
            "lang": action.lang,
            "created_at": action.at,
            "edited_at": None,
            "changed_at": action.at,
            "pinned": False,
            "featured_at": None,
            "tags": None,
            "client_key": action.key,
            "version": 0,
            "counts": dump(dict.fromkeys(action.reactions, 0)),
            "score": 0,
            "revision": 1,
            "licence": action.licence,
        }
        self._rows.comment_by_idempotency_key[action.story, action.reader, action.key] = action.id
        self._rows.new_comments.append(action.id)
        if action.trace is not None:
            self._rows.decisions.readers.add_trace(action.id, "comment", action.trace)
        row = self._rows.comments[action.id]
        held = apply_hits(self._rows, row, action, in_raid=raid is not None)
        if action.pending and not held:
            self._rows.decisions.open_case(story, row, "pending", action.at)
            self._rows.local.set(action.id, only_local=action.only_local)
        elif not held:
            self._changes.publish(action.id)
        return lambda: self._rows.comment(action.id)

    def _find_earlier_attempt(self, action: Post) -> str | None:
        """Return the id of the comment that an earlier attempt of this action stored, if any."""
        by_key = self._rows.comment_by_idempotency_key
        stored = by_key.get((action.story, action.reader, action.key))
        if stored is None and action.previous_reader is not None:
            stored = by_key.pop((action.story, action.previous_reader, action.key), None)
            if stored is not None:
                # Only the comment's author knows the key, so the sender may own and edit the comment.
                by_key[action.story, action.reader, action.key] = stored
                self._rows.comments[stored]["reader"] = action.reader
                self._rows.changed_comments.add(stored)
        return stored

    def _edit(self, action: Edit) -> Callable[[], ActionResult]:
        row = self._get_own_comment(
            action.story, action.comment, action.reader, action.at - action.window
        )
        self._require_open(action.story)
        refuse_if_blocked(action)
        refuse_if_full(self._rows, action, waits=action.moderated and not action.only_local)
        row["revision"] += 1
        decisions = self._rows.decisions
        held = apply_hits(self._rows, row, action)
        waits = row["state"] == CommentState.PENDING or row["waiting_source"] is not None
        # What waits for the site's own people must not become what the copy's moderator publishes.
        only_local = not held and not (waits and not self._rows.local.waits(action.comment))
        if held or action.moderated:
            self._rows.local.set(action.comment, only_local=action.only_local and only_local)
        if row["state"] == CommentState.PUBLISHED and (held or action.moderated):
            decisions.open_case(self._rows.stories[action.story], row, "edits", action.at)
            row |= {"waiting_source": action.source, "waiting_text": dump(action.text)}
            self._rows.changed_comments.add(action.comment)
        else:
            row |= {"source": action.source, "text": dump(action.text), "edited_at": action.at}
            row |= {"waiting_source": None, "waiting_text": None}
            decisions.close_cases(action.comment, action.at, None, ["edits"])
            if row["state"] == CommentState.PUBLISHED:
                self._rows.local.set(action.comment, only_local=False)
            self._changes.record_change(action.comment)
        decisions.refresh_cases(row)
        return lambda: self._rows.comment(action.comment)

    def _delete(self, action: Delete) -> Callable[[], ActionResult]:
        if self._is_erased(action):
            # A page that is being left may send its deletion twice.
            return lambda: self._rows.comment(action.comment)
        row = self._get_own_comment(
            action.story, action.comment, action.reader, action.at - action.window, kept=True
        )
        self._decisions.withdraw_appeals(row, action.at)
        erase_comment(self._rows, self._changes, action.comment, action.at)
        return lambda: self._rows.comment(action.comment)

    def _is_erased(self, action: Delete) -> bool:
        """Return whether nothing is left of the reader's own comment but its place."""
        row = self._rows.comments.get(action.comment)
        if row is None or (row["story"], row["reader"]) != (action.story, action.reader):
            return False
        kept = action.comment in self._rows.decisions.kept
        return row["state"] == CommentState.REMOVED and not kept

    def _report(self, action: Report) -> Callable[[], ActionResult]:
        comment = self._get_published_comment(action.story, action.comment)
        key = action.comment, action.reader
        decisions = self._rows.decisions
        mute = decisions.reporters.mute_of(action)
        is_new = key not in decisions.reported and key not in self._rows.new_reports
        if is_new:
            if mute is None:
                story = self._rows.stories[action.story]
                reason = action.category or action.reason or "other"
                decisions.reporters.add(action.comment, action.reader)
                decisions.open_case(story, comment, "reported", action.at, reason)
            decisions.keep_reported(comment, action.at, action.at + action.keep)
        row: ReportRow = {
            "comment": action.comment,
            "reader": action.reader,
            "reason": action.reason,
            "at": action.at,
            "category": action.category,
            "muted_by": mute,
        }
        self._rows.new_reports.setdefault(key, row)
        # A reader counts once, from however many networks they report.
        if is_new and mute is None:
            self._decisions.hide_reported(action, comment)
        return lambda: None

    def _forget(self, action: Forget) -> Callable[[], ActionResult]:
        erased = 0
        for story, target, reader in [
            key for key in self._rows.reactions if key[2] == action.reader
        ]:
            self._changes.count_reaction(
                story, target, self._rows.reactions.pop((story, target, reader)), None
            )
            self._rows.set_reactions[story, target, reader] = None
            erased += 1
        own = [row for row in self._rows.comments.values() if row["reader"] == action.reader]
        if action.until is not None:
            own = [row for row in own if row["created_at"] <= action.until]
        hints = self._decisions.forget_hints(action.reader, action.until)
        # At least the time of the newest one: the clocks of several machines may differ.
        at = max([action.at, *(row["created_at"] for row in own), *hints])
        for comment in self._rows.decisions.readers.withdraw_all(action.reader, action.until):
            self._rows.decisions.close_cases(comment, at, None, ["appeals"])
        for row in own:
            has_words = row["id"] in self._rows.decisions.kept
            erased += row["state"] != CommentState.REMOVED or has_words
            erase_comment(self._rows, self._changes, row["id"], at)
            del self._rows.comment_by_idempotency_key[
                row["story"], row["reader"], row["client_key"]
            ]
            # A tombstone has no reader. Its own id as idempotency key keeps the key unique.
            row |= {"reader": "", "client_key": row["id"], "copy": None, "lang": None}
            self._rows.changed_comments.add(row["id"])
        self._rows.erased_readers[action.reader] = (
            (at if action.until is None else action.until),
            action.until,
        )
        return lambda: erased

    def _erase(self, action: Erase) -> Callable[[], ActionResult]:
        if action.comment not in self._rows.comments:
            raise NotFoundError
        if not action.keep:
            erase_comment(self._rows, self._changes, action.comment, action.at)
        elif self._rows.comments[action.comment]["state"] != CommentState.REMOVED:
            self._changes.remove(action.comment)
            self._rows.local.erase(action.comment)
            self._rows.decisions.close_cases(action.comment, action.at, None)
        return lambda: None

    def _update_story(self, action: UpdateStory) -> Callable[[], ActionResult]:
        story = self._get_story(action.story)
        outdated = action.iat is not None and action.iat <= story["attributed"]
        if not outdated:
            if action.iat is not None:
                story["attributed"] = action.iat
                self._rows.changed_stories.add(action.story)
            changed = {name for name, value in action.columns.items() if story.get(name) != value}
            story |= cast(StoryRow, action.columns)
            if changed or action.announce:
                self._changes.story_changed(action.story)
        return lambda: self._rows.story(action.story)

    # Rules that several actions share --------------------------------------------------------------

    def _get_story(self, story: int) -> StoryRow:
        if story not in self._rows.stories:
            raise NotFoundError
        return self._rows.stories[story]

    def _require_open(self, story: int) -> None:
        if self._get_story(story)["closed"]:
            raise StoryClosedError

    def _get_comment(self, story: int, comment: str, *, damaged: bool = False) -> CommentRow:
        """Return the row. A damaged row is found only with `damaged`, which is for its removal."""
        row = self._rows.comments.get(comment)
        if row is None or row["story"] != story or row["state"] == CommentState.REMOVED:
            raise NotFoundError
        if comment in self._rows.damaged and not damaged:
            raise NotFoundError
        return row

    def _get_published_comment(self, story: int, comment: str) -> CommentRow:
        """Return the row. Raises `NotFoundError` unless the comment is published."""
        row = self._get_comment(story, comment)
        if row["state"] != CommentState.PUBLISHED:
            raise NotFoundError
        return row

    def _get_own_comment(
        self, story: int, comment: str, reader: str, earliest: int, *, kept: bool = False
    ) -> CommentRow:
        """Return the row. With `kept` also that of a tombstone whose words can still be restored."""
        found = self._rows.comments.get(comment)
        has_words = kept and comment in self._rows.decisions.kept
        if found is not None and found["story"] == story and has_words:
            row = found
        else:
            row = self._get_comment(story, comment)
        if row["reader"] != reader:
            raise NotFoundError
        if row["created_at"] < earliest:
            raise EditWindowOverError
        return row


# Not in each applier: its own methods in it would be a circle, which only the garbage collector frees, with all rows of
# the batch.
_RULES: dict[type[Action], Callable[[ActionApplier, Any], Callable[[], ActionResult]]] = {
    React: ActionApplier._react,
    Post: ActionApplier._post,
    Edit: ActionApplier._edit,
    Delete: ActionApplier._delete,
    Report: ActionApplier._report,
    Appeal: lambda applier, action: applier._decisions.appeal(action),
    SendHint: lambda applier, action: applier._decisions.send_hint(action),
    Forget: ActionApplier._forget,
    Decide: lambda applier, action: applier._decisions.decide(action),
    Undo: lambda applier, action: applier._decisions.undo(action),
    Erase: ActionApplier._erase,
    UpdateStory: ActionApplier._update_story,
}
