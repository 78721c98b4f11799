"""The rules of hints, applied to the rows of one batch: send, follow, decline, open again, forget."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from widget_server.model.corrections import MAX_STORED, Correction
from widget_server.model.decisions import Decided
from widget_server.model.errors import (
    ErasedError,
    MalformedError,
    NotFoundError,
    RateLimitedError,
    StaleError,
    TextRejectedError,
)
from widget_server.model.hints import MAX_OPEN, Hint
from widget_server.store.mapping import dump, stored_corrections
from widget_server.store.rows import HintRow, StoryRow
from widget_server.store.writing.actions import Decide, SendHint, Undo
from widget_server.store.writing.readers import ReaderRules

OPEN_AGAIN = {
    "state": "open",
    "decision": None,
    "decided_at": None,
    "answer": None,
    "until": None,
}


class HintRules(ReaderRules):
    """Rules about corrections of a story, and about what readers tell its editors."""

    def send_hint(self, action: SendHint) -> Callable[[], Hint]:
        """Store a hint, unless the reader has sent the same words before."""
        story = self._rows.stories.get(action.story)
        if story is None:
            raise NotFoundError
        hints = self._rows.hints
        own = hints.of_reader(action.reader, action.story)
        same = [
            row for row in own if (row["text"], row["passage"]) == (action.text, action.passage)
        ]
        if same:
            known = hints.record(same[0]["id"])
            return lambda: known
        if sum(row["state"] == "open" for row in own) >= MAX_OPEN:
            raise RateLimitedError(
                f"{MAX_OPEN} of your reports about this story still wait. Send the next one when the"
                " editors have answered one of them."
            )
        hints.add(
            {
                "id": action.id,
                "site": story["site"],
                "story": action.story,
                "reader": action.reader,
                "at": action.at,
                "text": action.text,
                "passage": action.passage,
                "credit": action.credit,
                "state": "open",
                "decision": None,
                "decided_at": None,
                "answer": None,
                "credited": False,
                "until": None,
            }
        )
        # As it is now: the reader may erase it by a later action of this batch.
        stored = hints.record(action.id)
        return lambda: stored

    def forget_hints(self, reader: str, until: int | None) -> list[int]:
        """Delete a reader's hints up to `until`, and the reader's name in the corrections that thank for them.

        The name goes from the log too, also beside corrections that were withdrawn. Return the times of the hints.
        """
        times = []
        for row in self._rows.hints.of_reader(reader):
            if until is not None and row["at"] > until:
                continue
            for correction in self._rows.hints.thanks(row["id"]):
                self._drop_credit(self._rows.stories[row["story"]], correction)
            self._rows.hints.forget(row)
            times.append(row["at"])
        return times

    def _drop_credit(self, story: StoryRow, correction: str) -> None:
        self._rows.hints.erase_words(correction)
        made = stored_corrections(story)
        if any(one.id == correction and one.credit for one in made):
            self._set_corrections(
                story, [replace(one, credit=None) if one.id == correction else one for one in made]
            )

    # Corrections -------------------------------------------------------------------------------

    def _correct(self, action: Decide, story: StoryRow) -> Callable[[], Decided]:
        """Add a correction, which may follow a hint."""
        new = action.correction
        if new is None:
            raise MalformedError
        row = None if action.hint is None else self._open_hint(action.hint, story)
        made = stored_corrections(story)
        if len(made) >= MAX_STORED:
            raise TextRejectedError(f"A story has at most {MAX_STORED} corrections.")
        after: dict[str, Any] = {"correction": new.id, "kind": new.kind}
        if row is not None:
            credited = action.thanks and row["credit"] is not None
            if credited:
                new = replace(new, credit=row["credit"])
                self._rows.hints.thank(row["id"], new.id)
            self._answer(row, action, "accepted", credited=credited)
            after["hint"] = row["id"]
        self._set_corrections(story, (*made, new))
        return self._append(action, story, {}, after, {"correction": new.to_json()})

    def _withdraw(self, action: Undo, story: StoryRow) -> Callable[[], Decided]:
        """Mark a correction as withdrawn. The hint that it followed waits again, if its words are left."""
        made = stored_corrections(story)
        self._set_corrections(
            story,
            [one.withdrawn(action.at) if one.id == action.decision else one for one in made],
        )
        before = {"correction": action.decision}
        row = self._rows.hints.answered_by(action.decision)
        if row is not None and row["text"] is not None:
            before["hint"] = row["id"]
            self._rows.hints.change(row, OPEN_AGAIN)
        return self._append(action, story, before, {"withdrawn": action.decision}, {})

    def _set_corrections(self, story: StoryRow, made: Sequence[Correction]) -> None:
        story["corrections"] = dump([one.to_json() for one in made])
        self._changes.story_changed(story["id"])

    # Declined hints ----------------------------------------------------------------------------

    def _decline(self, action: Decide, story: StoryRow) -> Callable[[], Decided]:
        """Answer a hint without a correction."""
        if action.hint is None:
            raise MalformedError
        row = self._open_hint(action.hint, story)
        self._answer(row, action, "declined")
        # Readers see no change, but the page of this one asks for its own items after it.
        self._changes.story_changed(story["id"])
        return self._append(
            action,
            story,
            {"hint": row["id"], "state": "open"},
            {"hint": row["id"], "state": "declined"},
            {},
        )

    def _undo_of_decline(self, action: Undo, story: StoryRow, hint: str) -> Callable[[], Decided]:
        """Let a declined hint wait again."""
        row = self._rows.hints.answered_by(action.decision)
        if row is None or row["text"] is None:
            raise ErasedError
        self._rows.hints.change(row, OPEN_AGAIN)
        self._changes.story_changed(story["id"])
        return self._append(
            action,
            story,
            {"hint": hint, "state": "declined"},
            {"hint": hint, "state": "open"},
            {},
        )

    def _open_hint(self, hint: str, story: StoryRow) -> HintRow:
        row = self._rows.hints.rows.get(hint)
        if row is None or row["story"] != story["id"]:
            raise NotFoundError("There is no such report. Its reader may have erased it.")
        if row["state"] != "open":
            did = "a correction followed it" if row["state"] == "accepted" else "it was declined"
            raise StaleError(f"This report was answered meanwhile: {did}.")
        return row

    def _answer(self, row: HintRow, action: Decide, state: str, *, credited: bool = False) -> None:
        self._rows.hints.change(
            row,
            {
                "state": state,
                "decision": action.id,
                "decided_at": action.at,
                "answer": action.answer,
                "credited": credited or row["credited"],
                "until": action.at + action.keep,
            },
        )
