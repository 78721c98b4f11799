"""Unit of work: the rows of one batch of actions, read under the stories' locks and written at its end.

The number of queries and statements does not grow with the number of actions. `apply.ActionApplier`
changes the rows in between.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    Table,
    Update,
    bindparam,
    delete,
    or_,
    select,
    union,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.records import Comment, Copy, Story, Tally
from widget_server.store import schema
from widget_server.store.damaged_rows import RowDamagedError, record_damaged_row, time_or_zero
from widget_server.store.log_keys import LogKeys
from widget_server.store.mapping import (
    check_head,
    comment_record,
    counts_or_none,
    story_record,
    tree_or_none,
)
from widget_server.store.rows import CommentRow, ReactionRow, ReportRow, StoryRow
from widget_server.store.schema import comments, copies, erasures, reactions, reports, stories
from widget_server.store.schema_hints import hints
from widget_server.store.schema_readers import appeals
from widget_server.store.writing.actions import (
    Action,
    Forget,
    Post,
    React,
    SendHint,
    UpdateStory,
)
from widget_server.store.writing.bulk import (
    dicts_of,
    insert_ignore,
    insert_many,
    read_by_keys,
    run_many,
    upsert,
)
from widget_server.store.writing.decision_rows import DecisionRows
from widget_server.store.writing.floods import FloodRows
from widget_server.store.writing.hint_rows import HintRows
from widget_server.store.writing.local_rows import LocalRows
from widget_server.store.writing.reporters import keep_lost
from widget_server.store.writing.rule_rows import RuleRows

ReactionKey = tuple[int, str, str]
"""A story's id, a comment's id (or empty text for the story itself), and a reader id."""


@cache
def _names(table: Table) -> tuple[str, ...]:
    return tuple(str(column.name) for column in table.columns)


@cache
def _update(table: Table, columns: Sequence[str]) -> Update:
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in columns}
    return update(table).where(table.c.id == bindparam("row_id")).values(values)


_REACTION_KEY = ("story", "target", "reader")
_DELETE_REACTION = delete(reactions).where(
    (reactions.c.story == bindparam("old_story"))
    & (reactions.c.target == bindparam("old_target"))
    & (reactions.c.reader == bindparam("old_reader"))
)


class UnitOfWork:
    """Rows of one transaction by their keys, and which of them `flush` must write.

    Without `keys` no decision can be made.
    """

    def __init__(self, connection: AsyncConnection, keys: LogKeys | None = None) -> None:
        self._connection = connection
        self.decisions = DecisionRows(connection, keys)
        self.floods = FloodRows(connection)
        self.local = LocalRows(connection)
        self.hints = HintRows(connection)
        self.stories: dict[int, StoryRow] = {}
        self.comments: dict[str, CommentRow] = {}
        self._stored: dict[int | str, dict[str, Any]] = {}
        """Rows of stories and comments by id, as they are stored."""
        self.comment_by_idempotency_key: dict[tuple[int, str, str], str] = {}
        """Comment ids by story id, reader id and idempotency key."""
        self.reactions: dict[ReactionKey, str] = {}
        self.damaged: set[str] = set()
        """Comments whose rows are damaged: they can only be removed."""
        self.copies: dict[int, Copy] = {}
        self.new_comments: list[str] = []
        self.changed_comments: set[str] = set()
        self.changed_stories: set[int] = set()
        self.set_reactions: dict[ReactionKey, ReactionRow | None] = {}
        """Reactions to write; None deletes the row."""
        self.new_reports: dict[tuple[str, str], ReportRow] = {}
        self.rules = RuleRows()
        self.erased_readers: dict[str, tuple[int, int | None]] = {}
        """By reader id: the time to record, and `until` (milliseconds) if later things are kept."""
        self._tallies: dict[tuple[int, str], tuple[str, Tally]] = {}

    # Reading -----------------------------------------------------------------------------------

    async def load(self, actions: Sequence[Action]) -> None:
        """Lock the stories in the order of their ids, then read every row that the actions name."""
        erased = [action.reader for action in actions if isinstance(action, Forget)]
        ids = {action.story for action in actions if not isinstance(action, Forget)}
        if erased:
            with_items = union(
                select(comments.c.story).where(comments.c.reader.in_(erased)),
                select(reactions.c.story).where(reactions.c.reader.in_(erased)),
                select(comments.c.story)
                .join(appeals, appeals.c.comment == comments.c.id)
                .where(appeals.c.reader.in_(erased)),
                select(hints.c.story).where(hints.c.reader.in_(erased)),
            )
            ids |= set((await self._connection.execute(with_items)).scalars())
        named = [{"id": one} for one in sorted(ids)]
        # FOR NO KEY UPDATE: a full lock would wait for every transaction that records a copy.
        connection = self._connection
        for stored in await read_by_keys(connection, stories, named, lock=True, key_share=True):
            self._stored[stored["id"]] = stored
            self.stories[stored["id"]] = cast(StoryRow, dict(stored))
        await self._load_comments(actions, erased)
        await self._load_reactions(actions)
        await self._load_copies(actions)
        sites_of = {story: row["site"] for story, row in self.stories.items()}
        await self.decisions.load(actions, self.comments.values(), sites_of)
        await self.floods.load(actions, sites_of)
        await self.local.load(actions, self.decisions.open_queues)
        await self.hints.load(actions, self.stories)

    async def _load_comments(self, actions: Sequence[Action], erased: list[str]) -> None:
        named = {
            action.comment
            for action in actions
            if not isinstance(action, Post | SendHint | Forget | UpdateStory)
        }
        posts = [action for action in actions if isinstance(action, Post)]
        named |= {action.parent for action in posts}
        await self._load_by_id(name for name in named if name)
        keys = [
            {"story": action.story, "reader": reader, "client_key": action.key}
            for action in posts
            for reader in (action.reader, action.previous_reader)
            if reader is not None
        ]
        self._add_comments(await read_by_keys(self._connection, comments, keys))
        if erased:
            # Only in locked stories: a comment being posted in another story is stored after this batch.
            own = comments.c.reader.in_(erased) & comments.c.story.in_(self.stories)
            found = await self._connection.execute(select(comments).where(own))
            self._add_comments(dicts_of(found))

    async def _load_by_id(self, ids: Iterable[str]) -> None:
        keys = [{"id": one} for one in sorted(ids)]
        self._add_comments(await read_by_keys(self._connection, comments, keys))

    def _add_comments(self, found: Iterable[dict[str, Any]]) -> None:
        for stored in found:
            id_ = stored["id"]
            if id_ not in self.comments:
                self._stored[id_] = stored
                self.comments[id_] = self._checked(cast(CommentRow, dict(stored)))
            key = stored["story"], stored["reader"], stored["client_key"]
            self.comment_by_idempotency_key[key] = id_

    def _checked(self, row: CommentRow) -> CommentRow:
        try:
            check_head(row)
        except RowDamagedError as damage:
            record_damaged_row(damage)
            self.damaged.add(row["id"])
            # Only removal is allowed. These are the values that it writes.
            row |= {"created_at": time_or_zero(row["created_at"]), "edited_at": None, "role": None}
            row |= {"changed_at": 0, "tags": None}
        return row

    async def _load_reactions(self, actions: Sequence[Action]) -> None:
        wanted = [
            {"story": action.story, "target": action.comment or "", "reader": action.reader}
            for action in actions
            if isinstance(action, React)
        ]
        for row in await read_by_keys(self._connection, reactions, wanted):
            self.reactions[row["story"], row["target"], row["reader"]] = row["reaction"]
        forgets = [action for action in actions if isinstance(action, Forget)]
        if forgets:
            own = or_(*(_own(reactions, action.reader, action.until) for action in forgets))
            own &= reactions.c.story.in_(self.stories)
            for found in await self._connection.execute(select(reactions).where(own)):
                self.reactions[found.story, found.target, found.reader] = found.reaction
        await self._load_by_id({target for _, target, _ in self.reactions if target})

    async def _load_copies(self, actions: Sequence[Action]) -> None:
        wanted = {row["copy"] for row in self.comments.values()}
        wanted |= {action.copy for action in actions if isinstance(action, Post)}
        keys = [{"id": copy} for copy in sorted(one for one in wanted if one is not None)]
        for row in await read_by_keys(self._connection, copies, keys):
            self.copies[row["id"]] = Copy(row["id"], row["label"], row["origin"])

    # Records -----------------------------------------------------------------------------------

    def tally(self, story: int, target: str) -> Tally:
        """Return the current tally of a comment, or of the story if `target` is empty."""
        row = self.comments[target] if target else self.stories[story]
        prepared = self._tallies.get((story, target))
        if (
            prepared is None
            or prepared[0] is not row["counts"]
            or prepared[1].version != row["version"]
        ):
            # Hundreds of results of a batch contain the same tally.
            table = "comments" if target else "stories"
            counts = counts_or_none(table, row["id"], row["counts"])
            prepared = row["counts"], Tally(row["version"], counts)
            self._tallies[story, target] = prepared
        return prepared[1]

    def comment(self, comment: str) -> Comment:
        """Return the record of a comment's current row."""
        row = self.comments[comment]
        text = tree_or_none("comments", comment, row["text"])
        tally = self.tally(row["story"], comment)
        copy = None if row["copy"] is None else self.copies.get(row["copy"])
        return comment_record(row, text, tally, copy)

    def story(self, story: int) -> Story:
        """Return the record of a story's current row."""
        return story_record(self.stories[story], self.tally(story, ""))

    # Writing -----------------------------------------------------------------------------------

    async def flush(self) -> None:
        """Write the changed rows. The caller commits."""
        # Updates before inserts: an erased comment frees its idempotency key, which a new one may use.
        old = self.changed_comments - set(self.new_comments)
        if old:
            await self._update(comments, [self.comments[comment] for comment in sorted(old)])
        if self.new_comments:
            new = [self.comments[new] for new in self.new_comments]
            await insert_many(self._connection, comments, new)
        to_store = [row for row in self.set_reactions.values() if row is not None]
        to_delete = [key for key, row in self.set_reactions.items() if row is None]
        await upsert(self._connection, reactions, _REACTION_KEY, to_store)
        if to_delete:
            keys = [dict(zip(_REACTION_KEY, key, strict=True)) for key in to_delete]
            old_keys = [{f"old_{name}": key[name] for name in key} for key in keys]
            await run_many(self._connection, _DELETE_REACTION, old_keys)
        if self.changed_stories:
            await self._update(
                stories, [self.stories[story] for story in sorted(self.changed_stories)]
            )
        if self.new_reports:
            statement = insert_ignore(reports, self._connection.dialect)
            await self._connection.execute(statement, list(self.new_reports.values()))
        await self.rules.flush(self._connection)
        await self.decisions.flush()
        await self.floods.flush()
        await self.local.flush(
            (self.comments[new] for new in self.new_comments),
            self.comments,
            {story: row["site"] for story, row in self.stories.items()},
        )
        # After the decisions: the words beside one of them may be erased here.
        await self.hints.flush()
        if self.erased_readers:
            await self._erase()

    async def _update(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Set the columns that differ from the stored ones in any of the rows, by one statement.

        An index without one of these columns is not written.
        """
        changed = {
            name
            for row in rows
            for name, value in self._stored[row["id"]].items()
            if row[name] != value
        }
        if changed:
            names = tuple(name for name in _names(table) if name in changed)
            values = [{"row_id": row["id"]} | {f"new_{n}": row[n] for n in names} for row in rows]
            await run_many(self._connection, _update(table, names), values)

    async def _erase(self) -> None:
        """Delete the readers' reports, objections and unsent drafts, and record the erasures."""
        given = [_own(reports, name, until) for name, (_, until) in self.erased_readers.items()]
        await keep_lost(self._connection, or_(*given))
        for table in (reports, appeals, schema.asked_drafts):
            own = [_own(table, name, until) for name, (_, until) in self.erased_readers.items()]
            await self._connection.execute(delete(table).where(or_(*own)))
        rows = [
            {"kind": "reader", "subject": reader, "at": at}
            for reader, (at, _) in self.erased_readers.items()
        ]
        await upsert(self._connection, erasures, ("kind", "subject"), rows)


def _own(table: Table, reader: str, until: int | None) -> ColumnElement[bool]:
    """Return the condition for a reader's rows up to `until` in a table with `reader` and `at`."""
    own: ColumnElement[bool] = table.c.reader == reader
    return own if until is None else own & (table.c.at <= until)
