"""Rows of hints in a unit of work, and the number of open ones."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, cast

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.hints import Hint
from widget_server.store.damaged_rows import json_of
from widget_server.store.mapping import to_hint
from widget_server.store.rows import HintRow
from widget_server.store.schema import decision_words, decisions
from widget_server.store.schema_hints import hint_counts, hints
from widget_server.store.writing.actions import Action, Decide, Forget, SendHint, Undo
from widget_server.store.writing.bulk import insert_ignore

_CHANGED = (
    "text",
    "passage",
    "credit",
    "state",
    "decision",
    "decided_at",
    "answer",
    "credited",
    "until",
)
_UPDATE = (
    update(hints)
    .where(hints.c.id == bindparam("row_id"))
    .values({name: bindparam(f"new_{name}") for name in _CHANGED})
)


class HintRows:
    """Hints that the actions of one batch are about. Most actions load nothing."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.rows: dict[str, HintRow] = {}
        self._new: list[str] = []
        self._changed: set[str] = set()
        self._deleted: set[str] = set()
        self._without_words: set[str] = set()
        self._thanks: dict[str, set[str]] = {}
        """Corrections that named the reader of a hint, withdrawn ones too, by the hint."""
        self._counted: dict[str, int] = {}
        """By how much the number of open hints changes, by site."""

    async def load(self, actions: Sequence[Action], locked: Collection[int]) -> None:
        """Read and lock the hints that the actions are about. Their stories are `locked`."""
        sent = {(one.story, one.reader) for one in actions if isinstance(one, SendHint)}
        readers = {one.reader for one in actions if isinstance(one, Forget)}
        named = {one.hint for one in actions if isinstance(one, Decide) and one.hint}
        undone = {one.decision for one in actions if isinstance(one, Undo) and not one.comment}
        where: list[Any] = [
            (hints.c.story == story) & (hints.c.reader == reader) for story, reader in sorted(sent)
        ]
        for column, values in ((hints.c.id, named), (hints.c.decision, undone)):
            where += [column.in_(sorted(values))] if values else []
        if readers:
            # Only in locked stories: a hint that is sent in another story meanwhile is stored after this batch.
            where.append(hints.c.reader.in_(sorted(readers)) & hints.c.story.in_(locked))
        # Each condition by itself: together they would be looked up in no index.
        for condition in where:
            found = await self._connection.execute(
                select(hints).where(condition).order_by(hints.c.id).with_for_update()
            )
            for row in found:
                self.rows.setdefault(row.id, cast(HintRow, dict(row._mapping)))
        if readers:
            await self._load_thanks(readers)

    async def _load_thanks(self, readers: Collection[str]) -> None:
        """Find the corrections that named one of these readers. Only the log knows the withdrawn ones."""
        named = [row for row in self.rows.values() if row["credited"] and row["reader"] in readers]
        if not named:
            return
        ids = {row["id"] for row in named}
        found = await self._connection.execute(
            select(decisions.c.id, decisions.c.after, decision_words.c.words)
            .join(decision_words, decision_words.c.decision == decisions.c.id)
            .where(
                decisions.c.story.in_(sorted({row["story"] for row in named})),
                decisions.c.comment == "",
                decisions.c.verb == "correct",
            )
        )
        for decision in found:
            # A damaged entry of the log must not keep a reader from erasing everything.
            with suppress(ValueError, AttributeError, KeyError):
                hint = json_of(decision.after).get("hint")
                if hint in ids and json_of(decision.words)["correction"].get("credit"):
                    self.thank(hint, decision.id)

    def of_reader(self, reader: str, story: int | None = None) -> list[HintRow]:
        """Return a reader's hints, of one story or of all, the oldest first."""
        own = [row for row in self.rows.values() if row["reader"] == reader]
        own = [row for row in own if story is None or row["story"] == story]
        return sorted(own, key=lambda row: (row["at"], row["id"]))

    def answered_by(self, decision: str) -> HintRow | None:
        """Return the hint that a decision answered, or None."""
        return next((row for row in self.rows.values() if row["decision"] == decision), None)

    def record(self, hint: str) -> Hint:
        """Return a hint as it is now, for its reader."""
        return to_hint(self.rows[hint])

    def add(self, row: HintRow) -> None:
        """Store a new hint, which waits."""
        self.rows[row["id"]] = row
        self._new.append(row["id"])
        self._count(row, 1)

    def change(self, row: HintRow, values: Mapping[str, Any]) -> None:
        """Set columns of a hint."""
        was_open = row["state"] == "open"
        row |= cast(HintRow, values)
        self._count(row, (row["state"] == "open") - was_open)
        self._changed.add(row["id"])

    def thank(self, hint: str, correction: str) -> None:
        """Remember that a correction names the reader of a hint."""
        self._thanks.setdefault(hint, set()).add(correction)

    def thanks(self, hint: str) -> list[str]:
        """Return the corrections that name, or named, the reader of a hint that is forgotten."""
        return sorted(self._thanks.get(hint, ()))

    def forget(self, row: HintRow) -> None:
        """Delete a hint whole."""
        self._count(row, -(row["state"] == "open"))
        del self.rows[row["id"]]
        self._deleted.add(row["id"])

    def erase_words(self, decision: str) -> None:
        """Erase the words beside a decision, which name the reader. Its hash in the log stays."""
        self._without_words.add(decision)

    def _count(self, row: HintRow, by: int) -> None:
        self._counted[row["site"]] = self._counted.get(row["site"], 0) + by

    async def flush(self) -> None:
        """Write the changed rows and counters."""
        run = self._connection.execute
        if self._deleted:
            await run(delete(hints).where(hints.c.id.in_(sorted(self._deleted))))
        new = [self.rows[one] for one in self._new if one in self.rows]
        if new:
            await run(insert(hints), cast(Any, new))
        old = sorted(self._changed - set(self._new) - self._deleted)
        if old:
            values = [
                {"row_id": one} | {f"new_{name}": self.rows[one][name] for name in _CHANGED}  # type: ignore[literal-required]
                for one in old
            ]
            await run(_UPDATE, values)
        if self._without_words:
            erased = decision_words.c.decision.in_(sorted(self._without_words))
            await run(delete(decision_words).where(erased))
        await add_to_hint_counts(self._connection, self._counted)


async def add_to_hint_counts(connection: AsyncConnection, changes: Mapping[str, int]) -> None:
    """Add the changes, by site, to the numbers of open hints. The stories are locked before."""
    for site, by in sorted(changes.items()):
        if not by:
            continue
        own = hint_counts.c.site == site
        add = update(hint_counts).where(own).values(number=hint_counts.c.number + by)
        if not (await connection.execute(add)).rowcount:
            row = {"site": site, "number": 0}
            await connection.execute(insert_ignore(hint_counts, connection.dialect), row)
            await connection.execute(add)
