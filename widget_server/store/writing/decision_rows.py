"""Rows of decisions in a unit of work: kept texts, cases, log entries and the words beside them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, TypeVar, cast

from sqlalchemy import bindparam, delete, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.decisions import REASONS, Queue
from widget_server.model.priority import PRIORITIES, Reported, priority_of_reported
from widget_server.model.rules import FLOOD
from widget_server.store.damaged_rows import json_of
from widget_server.store.log_keys import LogKeys
from widget_server.store.mapping import dump
from widget_server.store.queries.capacity import read_waiting
from widget_server.store.rows import CaseRow, CommentRow, KeptRow, StoryRow
from widget_server.store.schema import (
    IS_OPEN,
    cases,
    decision_words,
    decisions,
    kept_texts,
    learned,
    reports,
    text_marks,
)
from widget_server.store.schema_local import LOCAL_QUEUES
from widget_server.store.writing.actions import (
    Action,
    Appeal,
    Decide,
    Delete,
    Edit,
    Erase,
    Forget,
    Post,
    Report,
    Undo,
)
from widget_server.store.writing.bulk import (
    delete_by_keys,
    insert_many,
    read_by_keys,
    run_many,
    upsert,
)
from widget_server.store.writing.case_counts import add_to_counts
from widget_server.store.writing.reader_rows import ReaderRows
from widget_server.store.writing.reporters import ReporterRows

T = TypeVar("T")

_UPDATE_CASE = (
    update(cases)
    .where(cases.c.id == bindparam("row_id"))
    .values(
        {
            name: bindparam(f"new_{name}")
            for name in ("reasons", "priority", "revision", "closed_at", "decision")
        }
    )
)


class DecisionRows:
    """Rows of one batch that only decisions and cases need. Actions of readers load few or none."""

    def __init__(self, connection: AsyncConnection, keys: LogKeys | None) -> None:
        self._connection = connection
        self._keys = keys
        self.readers = ReaderRows(connection)
        self.reporters = ReporterRows(connection)
        self.kept: dict[str, KeptRow] = {}
        """Kept texts by comment."""
        self.reported: set[tuple[str, str]] = set()
        """Comments and readers of the reports that exist already."""
        self.words: dict[str, str] = {}
        """Words (JSON) of the decisions to undo."""
        self.new_entries: list[dict[str, Any]] = []
        self.new_words: list[dict[str, Any]] = []
        self._entries: dict[tuple[int, str], list[dict[str, Any]]] = {}
        """Log entries by story and comment, in order, with those of this batch."""
        self._cases: dict[str, list[CaseRow]] = {}
        self._new_cases: list[CaseRow] = []
        self._changed_cases: dict[int, CaseRow] = {}
        self._counted: dict[tuple[str, str], int] = {}
        """By how much the number of open cases changes, by site and queue."""
        self._waiting: dict[str, int] = {}
        """Open cases by site before this batch, where an action depends on their number."""
        self._changed_kept: dict[str, KeptRow | None] = {}
        self._erased_words: set[str] = set()
        self._forgotten: set[str] = set()

    @property
    def keys(self) -> LogKeys:
        """Keys of logs and kept texts. Raises RuntimeError in a unit of work without keys."""
        if self._keys is None:
            raise RuntimeError("This unit of work cannot log decisions.")
        return self._keys

    # Reading -----------------------------------------------------------------------------------

    async def load(
        self,
        actions: Sequence[Action],
        loaded: Iterable[CommentRow],
        sites_of: Mapping[int, str],
    ) -> None:
        """Read what the actions need. A batch of reactions and new comments needs nothing.

        `sites_of` are the sites of stories.
        """
        with_text = {
            action.comment
            for action in actions
            if isinstance(action, Delete | Decide | Undo | Erase | Appeal) and action.comment
        }
        forgotten = {action.reader for action in actions if isinstance(action, Forget)}
        if forgotten:
            with_text |= {row["id"] for row in loaded if row["reader"] in forgotten}
        # A reader who is banned may have objected again, about a comment that was forgotten before.
        objected = await self.readers.objected_to(forgotten)
        with_cases = (with_text | objected) | {
            action.comment for action in actions if isinstance(action, Edit | Report)
        }
        undos = [action for action in actions if isinstance(action, Undo)]
        connection = self._connection
        # Wait for a process that erases texts whose time is over: they cannot be restored.
        for row in await read_by_keys(connection, kept_texts, _keys(with_text), lock=True):
            self.kept[row["comment"]] = cast(KeptRow, row)
        self._add_cases(await read_by_keys(connection, cases, _keys(with_cases), where=IS_OPEN))
        ended = sorted({(one.comment, one.decision) for one in undos})
        pairs = [{"comment": comment, "decision": by} for comment, by in ended]
        self._add_cases(await read_by_keys(connection, cases, pairs))
        contested = {action.comment for action in actions if isinstance(action, Appeal)} | {
            action.comment
            for action in actions
            if isinstance(action, Undo)
            or (
                isinstance(action, Decide | Delete)
                and "appeals" in self.open_queues(action.comment)
            )
        }
        hiding = {one.comment for one in actions if isinstance(one, Report) and one.hide_from}
        restored = {
            one.comment for one in actions if isinstance(one, Decide) and one.verb == "restore"
        }
        if undos or contested or hiding or restored:
            await self._load_history(actions, undos, contested | hiding | restored)
        limited = {
            sites_of[action.story]
            for action in actions
            if isinstance(action, Post | Edit)
            and action.most_waiting is not None
            and action.story in sites_of
        }
        if limited:
            self._waiting = await read_waiting(self._connection, sorted(limited))
        known = [entry for about in self._entries.values() for entry in about]
        await self.readers.load(actions, contested | objected, known, sites_of)
        await self.reporters.load([one for one in actions if isinstance(one, Report)])
        reported = [
            {"comment": action.comment, "reader": action.reader}
            for action in actions
            if isinstance(action, Report)
        ]
        for row in await read_by_keys(connection, reports, reported):
            self.reported.add((row["comment"], row["reader"]))

    def _add_cases(self, found: Iterable[dict[str, Any]]) -> None:
        for row in found:
            self._cases.setdefault(row["comment"], []).append(cast(CaseRow, row))

    async def _load_history(
        self, actions: Sequence[Action], undos: Sequence[Undo], contested: set[str]
    ) -> None:
        wanted = [
            action
            for action in actions
            if isinstance(action, Undo)
            or (
                isinstance(action, Decide | Appeal | Report | Delete)
                and action.comment in contested
            )
        ]
        about = sorted({(action.story, action.comment) for action in wanted})
        keys = [{"story": story, "comment": comment} for story, comment in about]
        for entry in await read_by_keys(self._connection, decisions, keys):
            self._entries.setdefault((entry["story"], entry["comment"]), []).append(entry)
        for entries in self._entries.values():
            entries.sort(key=itemgetter("number"))
        # Of a comment, the words beside a decision are its note: nothing to bring back.
        undone = [{"decision": one} for one in sorted({u.decision for u in undos if not u.comment})]
        for row in await read_by_keys(self._connection, decision_words, undone):
            self.words[row["decision"]] = row["words"]

    def history(self, story: int, comment: str) -> list[dict[str, Any]]:
        """Return the log entries about a comment, or about the story (""), in order."""
        return list(self._entries.get((story, comment), ()))

    def log(self, entry: dict[str, Any]) -> None:
        """Store a new log entry."""
        self.new_entries.append(entry)
        self._entries.setdefault((entry["story"], entry["comment"]), []).append(entry)

    # Cases -------------------------------------------------------------------------------------

    def waiting(self, site: str, is_local: Callable[[str], bool]) -> int:
        """Return how many cases wait for the site's own people, with those of this batch.

        `is_local` says whether a comment waits only for a local moderator. Only of a site for which an
        action names `most_waiting`.
        """
        own = sum(by for (of, _), by in self._counted.items() if of == site)
        local = sum(
            row["site"] == site and row["queue"] in LOCAL_QUEUES and row["closed_at"] is None
            for row in self._new_cases
            if is_local(row["comment"])
        )
        return self._waiting[site] + own - local

    def open_queues(self, comment: str) -> list[str]:
        """Return the queues in which the comment waits."""
        found = self._open(comment)
        return sorted(row["queue"] for row in found) if found else []

    def is_open(self, comment: str, case: int) -> bool:
        """Return whether the case with this id is one of the comment's open cases."""
        return any(cast(dict[str, Any], row).get("id") == case for row in self._open(comment))

    def open_case(
        self, story: StoryRow, comment: CommentRow, queue: Queue, at: int, reason: str | None = None
    ) -> None:
        """Open a case unless there is one; add `reason` and the comment's revision to the open one."""
        row = next((row for row in self._open(comment["id"]) if row["queue"] == queue), None)
        if row is None:
            row = {
                "site": story["site"],
                "story": story["id"],
                "comment": comment["id"],
                "queue": queue,
                "reasons": "[]",
                "priority": PRIORITIES[queue],
                "opened_at": at,
                "revision": comment["revision"],
                "closed_at": None,
                "decision": None,
                "copy": comment["copy"],
                "lang": comment["lang"],
            }
            self._count(row, 1)
            self._cases.setdefault(comment["id"], []).append(row)
            self._new_cases.append(row)
        row["revision"] = comment["revision"]
        if reason is not None:
            # Only keys: the reader's own words stay in `reports` and can be erased there.
            key = reason_key(reason)
            row["reasons"] = dump(list(dict.fromkeys([*json_of(row["reasons"]), key])))
            if queue == "reported":
                known = Reported(json_of(row["reasons"]), *self.reporters.known(comment["id"]))
                row["priority"] = priority_of_reported(known)
        self._changed(row)

    def refresh_cases(self, comment: CommentRow) -> None:
        """Record the comment's new revision in its open cases."""
        for row in self._open(comment["id"]):
            row["revision"] = comment["revision"]
            self._changed(row)

    def close_cases(
        self, comment: str, at: int, decision: str | None, queues: Iterable[str] | None = None
    ) -> None:
        """Close the comment's cases in these queues (None: in all)."""
        wanted = None if queues is None else set(queues)
        for row in self._open(comment):
            if wanted is None or row["queue"] in wanted:
                row |= {"closed_at": at, "decision": decision}
                self._count(row, -1)
                self._changed(row)

    def reopen_cases(self, comment: CommentRow, decision: str) -> None:
        """Open the cases again that a decision closed, with the comment's current revision."""
        for row in self._cases.get(comment["id"], []):
            if row["decision"] == decision and row["queue"] not in self.open_queues(comment["id"]):
                row |= {"closed_at": None, "decision": None, "revision": comment["revision"]}
                self._count(row, 1)
                self._changed(row)

    def _open(self, comment: str) -> list[CaseRow]:
        found = self._cases.get(comment)
        # Of most comments there is none, and each decision asks five times.
        return [row for row in found if row["closed_at"] is None] if found else []

    def _count(self, row: CaseRow, by: int) -> None:
        queue = row["site"], row["queue"]
        self._counted[queue] = self._counted.get(queue, 0) + by

    def _changed(self, row: CaseRow) -> None:
        stored: Any = row
        if "id" in stored:
            self._changed_cases[stored["id"]] = row

    # Kept texts --------------------------------------------------------------------------------

    def keep(self, row: KeptRow) -> None:
        """Store a kept text in place of an earlier one of the same comment."""
        self.kept[row["comment"]] = self._changed_kept[row["comment"]] = row

    def keep_reported(self, comment: CommentRow, at: int, until: int) -> None:
        """Store a comment as it is reported: its author may change it before a person looks."""
        sealed = self.keys.seal({"source": comment["source"]})
        self.readers.keep_reported(comment["id"], comment["revision"], at, until, sealed)

    def drop_kept(self, comment: str) -> None:
        """Delete a kept text, because it is public again or must be erased."""
        if self.kept.pop(comment, None) is not None:
            self._changed_kept[comment] = None

    def forget_learned(self, comment: str) -> None:
        """Let the learned filter subtract a comment whose words are erased."""
        self._forgotten.add(comment)

    def erase_words(self, comment: str) -> None:
        """Erase the notes of all decisions about a comment, which may quote it."""
        self._erased_words.add(comment)
        self.readers.erase_words(comment)
        # Also those of earlier actions of this batch, which are not stored yet.
        self.new_words = [words for words in self.new_words if words["comment"] != comment]

    # Writing -----------------------------------------------------------------------------------

    async def flush(self) -> None:
        """Write the changed rows: at most one statement for each kind."""
        run = self._connection.execute
        if self._changed_cases:
            names = ("reasons", "priority", "revision", "closed_at", "decision")
            # Closed ones first: a case may be reopened whose queue has another open one.
            rows: list[Any] = sorted(
                self._changed_cases.values(), key=lambda row: row["closed_at"] is None
            )
            values = [
                {"row_id": row["id"]} | {f"new_{name}": row[name] for name in names} for row in rows
            ]
            await run_many(self._connection, _UPDATE_CASE, values)
        if self._new_cases:
            # After the updates: the same batch may have closed the stored case of this queue.
            await insert_many(self._connection, cases, self._new_cases)
        await add_to_counts(self._connection, self._counted)
        stored = [row for row in self._changed_kept.values() if row is not None]
        dropped = [comment for comment, row in self._changed_kept.items() if row is None]
        await upsert(self._connection, kept_texts, ("comment",), stored)
        await delete_by_keys(self._connection, kept_texts, "comment", dropped)
        if self._erased_words:
            # Before the new words: the note of an `erase` stays.
            await run(
                delete(decision_words).where(decision_words.c.comment.in_(self._erased_words))
            )
            await run(delete(text_marks).where(text_marks.c.comment.in_(self._erased_words)))
        for some in _chunks(sorted(self._forgotten)):
            known = update(learned).where(learned.c.comment.in_(some))
            await run(known.values(forget=True))
        if self.new_entries:
            await insert_many(self._connection, decisions, self.new_entries)
        if self.new_words:
            await insert_many(self._connection, decision_words, self.new_words)
        await self.readers.flush()


def reason_key(reason: str) -> str:
    """Return the key of a reason for a case: what a reader wrote in own words is `other`."""
    return reason if reason in REASONS or reason == FLOOD else "other"


def _keys(of_comments: Iterable[str]) -> list[dict[str, str]]:
    return [{"comment": one} for one in sorted(of_comments)]


def _chunks(items: Sequence[T], size: int = 2_000) -> Iterable[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))
