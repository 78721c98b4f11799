"""Record the public changes of a batch: assign `seq` numbers and create the events to publish after commit."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

from widget_server.model.clock import now_ms
from widget_server.model.events import CommentChanged, Event, StoryChanged, TallyChanged
from widget_server.model.records import CommentState
from widget_server.store.mapping import counts_or_none, dump
from widget_server.store.rows import CommentRow, StoryRow
from widget_server.store.writing.unit_of_work import UnitOfWork

Target = tuple[int, str]
"""A story's id and a comment's id, or empty text for the story itself."""


CLEARED = (
    "source",
    "text",
    "waiting_source",
    "waiting_text",
    "name",
    "email",
    "website",
    "pinned",
    "featured_at",
)
"""Columns that the removal of a comment clears, besides its state."""


class ChangeRecorder:
    """Changes the rows of one batch and records its events. The stories' rows are locked."""

    def __init__(self, rows: UnitOfWork) -> None:
        self._rows = rows
        self._tallied: dict[Target, None] = {}
        self._event_factories: list[Callable[[], Event]] = []

    def events(self) -> list[Event]:
        """Return the events in the order of each story's `seq`, then one tally for each counted target."""
        rows = self._rows
        tallies: list[Event] = [
            TallyChanged(rows.stories[story]["code"], target or None, rows.tally(story, target))
            for story, target in self._tallied
        ]
        return [create() for create in self._event_factories] + tallies

    def story_changed(self, story: int) -> None:
        """Record a change of the story itself, with its row as it is now."""
        row = self._rows.stories[story]
        event = StoryChanged(row["code"], self._next(row), self._rows.story(story))
        self._event_factories.append(lambda: event)

    def publish(self, comment: str) -> None:
        """Publish a comment."""
        row = self._rows.comments[comment]
        story = self._rows.stories[row["story"]]
        row |= {"state": CommentState.PUBLISHED.value, "born": story["seq"] + 1}
        story["published"] += 1
        self._rows.local.published.add(comment)
        self.record_change(comment)

    def remove(self, comment: str) -> None:
        """Make a comment a tombstone, which keeps only place and time."""
        row = self._rows.comments[comment]
        if row["state"] == CommentState.PUBLISHED:
            self._rows.stories[row["story"]]["published"] -= 1
        row |= {
            "state": CommentState.REMOVED.value,
            "source": "",
            "text": "[]",
            "waiting_source": None,
            "waiting_text": None,
            "name": None,
            "email": None,
            "website": None,
            "pinned": False,
            "featured_at": None,
        }
        if row["counts"] != "{}" and not self._rows.tally(row["story"], comment).counts:
            row["counts"] = "{}"
        self.record_change(comment)

    def bring_back(self, comment: str, words: Mapping[str, Any]) -> None:
        """Undo `remove`: set the state and the columns that it cleared to `words`."""
        row = self._rows.comments[comment]
        # Words that the version before kept say nothing of a featured comment.
        known = {"featured_at": None} | dict(words)
        row |= cast(CommentRow, {name: known[name] for name in CLEARED})
        if words["state"] != CommentState.PUBLISHED:
            row["state"] = CommentState.PENDING.value
            self._rows.changed_comments.add(comment)
        elif row["born"] == 0:
            self.publish(comment)
        else:
            row["state"] = CommentState.PUBLISHED.value
            self._rows.stories[row["story"]]["published"] += 1
            self.record_change(comment)

    def record_change(self, comment: str) -> None:
        """Record a comment's change, with the next `seq` if the comment was ever published."""
        row = self._rows.comments[comment]
        self._rows.changed_comments.add(comment)
        if row["born"] == 0:
            return
        story = self._rows.stories[row["story"]]
        seq = row["seq"] = self._next(story)
        row["changed_at"] = story["changed_at"]
        # Copy comment and count now: the event must not contain a later action of this batch.
        # Read the tally after the batch: one version must not name two different tallies.
        rows = self._rows
        now, count = rows.comment(comment), story["published"]

        def create() -> Event:
            # With `rows`, not with this object, which has this function: only the garbage collector would free both.
            tally = rows.tally(story["id"], comment)
            shown = now if tally is now.tally else replace(now, tally=tally)
            return CommentChanged(story["code"], seq, shown, count, story["site"])

        self._event_factories.append(create)

    def count_reaction(
        self, story: int, target: str, before: str | None, after: str | None
    ) -> None:
        """Replace a reader's reaction `before` by `after` in the tally of a comment or the story ("")."""
        of_comment = self._rows.comments[target] if target else None
        row = of_comment or self._rows.stories[story]
        table = "comments" if target else "stories"
        counts = dict(counts_or_none(table, target or story, row["counts"]))
        if before is not None:
            counts[before] = max(0, counts.get(before, 0) - 1)
        if after is not None:
            counts[after] = counts.get(after, 0) + 1
        row["counts"] = dump(counts)
        if (story, target) not in self._tallied:
            self._tallied[story, target] = None
            self._rows.stories[story]["tallies"] += 1
            row["version"] = self._rows.stories[story]["tallies"]
        self._rows.changed_stories.add(story)
        if of_comment is not None:
            of_comment["score"] = sum(counts.values())
            self._rows.changed_comments.add(target)

    def _next(self, story: StoryRow) -> int:
        story["seq"] += 1
        # Never earlier than before, so that an aggregator sees changes in their order.
        story["changed_at"] = max(story["changed_at"], now_ms())
        self._rows.changed_stories.add(story["id"])
        return story["seq"]
