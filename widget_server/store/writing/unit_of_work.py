"""The rows that one batch of actions works on: read under the stories' locks, written back at its end.

Everything a batch needs is read by a handful of queries and written by a handful of statements,
whatever the number of actions. What may happen to the rows in between is the ledger's to say.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Table,
    Update,
    bindparam,
    delete,
    insert,
    or_,
    select,
    union,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.records import Comment, CommentState, Copy, Story, Tally
from widget_server.store.damaged_rows import RowDamagedError, record_damaged_row, time_or_zero
from widget_server.store.mapping import check_head, counts_or_none, tree_or_none
from widget_server.store.schema import comments, copies, erasures, reactions, reports, stories
from widget_server.store.writing.actions import Action, Forget, Post, React, UpdateStory
from widget_server.store.writing.bulk import json_rows, select_by_keys, upsert

Row = dict[str, Any]
ReactionKey = tuple[int, str, str]
"""A story's id, a comment's id (or empty text for the story itself), and a reader."""

#: Parameters of one statement stay far below the 32,766 of SQLite and 32,767 of PostgreSQL.
CHUNK = 2_000

_COMMENT_MUTABLE = (
    "born", "seq", "state", "source", "text", "waiting_source", "waiting_text", "name", "email",
    "website", "reader", "client_key", "copy", "lang", "edited_at", "pinned", "version", "counts",
    "score", "created_at", "role",
)  # fmt: skip
_STORY_MUTABLE = (
    "title", "author", "publisher", "url", "license", "attributed", "closed", "notice", "seq",
    "version", "tallies", "counts", "published",
)  # fmt: skip
_COMMENT_COLUMNS = (
    "id", "parent", "thread", "born", "seq", "source", "name", "vouched", "email", "website", "role",
    "reader", "lang", "created_at", "edited_at", "pinned",
)  # fmt: skip
_STORY_COLUMNS = (
    "id", "code", "site", "key", "title", "author", "publisher", "url", "license", "attributed",
    "closed", "notice", "seq", "tallies", "created_at",
)  # fmt: skip


def _update(table: Table, columns: Sequence[str]) -> Update:
    values: Row = {name: bindparam(f"new_{name}") for name in columns}
    return update(table).where(table.c.id == bindparam("row_id")).values(values)


_REACTION_KEY = ("story", "target", "reader")
_COMMENT_KEY = ("story", "reader", "client_key")
_UPDATE_COMMENT = _update(comments, _COMMENT_MUTABLE)
_UPDATE_STORY = _update(stories, _STORY_MUTABLE)
_DELETE_REACTION = delete(reactions).where(
    (reactions.c.story == bindparam("a"))
    & (reactions.c.target == bindparam("b"))
    & (reactions.c.reader == bindparam("c"))
)


class UnitOfWork:
    """Rows of one transaction by their keys, and which of them must be written."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.stories: dict[int, Row] = {}
        self.comments: dict[str, Row] = {}
        self.comment_by_idempotency_key: dict[tuple[int, str, str], str] = {}
        """Comment ids by story, reader and the client's key."""
        self.reactions: dict[ReactionKey, str] = {}
        self.damaged: set[str] = set()
        """Comments whose rows cannot be shown, and only be removed."""
        self.copies: dict[int, Copy] = {}
        self.new_comments: list[str] = []
        self.changed_comments: set[str] = set()
        self.changed_stories: set[int] = set()
        self.set_reactions: dict[ReactionKey, Row | None] = {}
        self.new_reports: dict[tuple[str, str], Row] = {}
        self.erased_readers: dict[str, tuple[int, int | None]] = {}
        """Readers to forget: when, and `until` where what came later stays (milliseconds)."""
        self._tallies: dict[tuple[int, str], tuple[str, Tally]] = {}

    # Reading -----------------------------------------------------------------------------------

    async def load(self, actions: Sequence[Action]) -> None:
        """Lock the stories, in the order of their ids, and read every row the actions speak of."""
        forgetting = [action.reader for action in actions if isinstance(action, Forget)]
        ids = {action.story for action in actions if not isinstance(action, Forget)}
        if forgetting:
            left = union(
                select(comments.c.story).where(comments.c.reader.in_(forgetting)),
                select(reactions.c.story).where(reactions.c.reader.in_(forgetting)),
            )
            ids |= set((await self._connection.execute(left)).scalars())
        for chunk in _chunks(sorted(ids)):
            locked = await self._connection.execute(
                select(stories)
                .where(stories.c.id.in_(chunk))
                .order_by(stories.c.id)
                # Not the key's lock, which would wait for everyone who notes a copy of the story.
                .with_for_update(key_share=True)
            )
            self.stories |= {row.id: dict(row._mapping) for row in locked}
        await self._load_comments(actions, forgetting)
        await self._load_reactions(actions)
        await self._load_copies(actions)

    async def _load_comments(self, actions: Sequence[Action], forgetting: list[str]) -> None:
        named = {
            action.comment
            for action in actions
            if not isinstance(action, Post | Forget | UpdateStory)
        }
        posts = [action for action in actions if isinstance(action, Post)]
        named |= {action.parent for action in posts}
        await self._load_by_id(name for name in named if name)
        for some in _chunks(posts):
            keys = [
                {"story": action.story, "reader": reader, "client_key": action.key}
                for action in some
                for reader in (action.reader, action.previous_reader)
                if reader is not None
            ]
            query = select_by_keys(comments, _COMMENT_KEY, self._connection.dialect)
            self._add_comments(await self._connection.execute(query, json_rows(keys)))
        if forgetting:
            # Only of locked stories: what is being posted elsewhere at this moment comes after.
            own = comments.c.reader.in_(forgetting) & comments.c.story.in_(self.stories)
            self._add_comments(await self._connection.execute(select(comments).where(own)))

    async def _load_by_id(self, ids: Iterable[str]) -> None:
        for chunk in _chunks(sorted(ids)):
            self._add_comments(
                await self._connection.execute(select(comments).where(comments.c.id.in_(chunk)))
            )

    def _add_comments(self, rows: Iterable[Any]) -> None:
        for row in rows:
            if row.id not in self.comments:
                self.comments[row.id] = self._checked(dict(row._mapping))
            self.comment_by_idempotency_key[row.story, row.reader, row.client_key] = row.id

    def _checked(self, row: Row) -> Row:
        try:
            check_head(row)
        except RowDamagedError as damage:
            record_damaged_row(damage)
            self.damaged.add(row["id"])
            # As it will be written once the comment is removed, which is all that can be done.
            row |= {"created_at": time_or_zero(row["created_at"]), "edited_at": None, "role": None}
        return row

    async def _load_reactions(self, actions: Sequence[Action]) -> None:
        wanted = [
            {"story": action.story, "target": action.comment or "", "reader": action.reader}
            for action in actions
            if isinstance(action, React)
        ]
        if wanted:
            query = select_by_keys(reactions, _REACTION_KEY, self._connection.dialect)
            self._add_reactions(await self._connection.execute(query, json_rows(wanted)))
        forgets = [action for action in actions if isinstance(action, Forget)]
        if forgets:
            left = or_(*(_left(reactions, action.reader, action.until) for action in forgets))
            own = left & reactions.c.story.in_(self.stories)
            self._add_reactions(await self._connection.execute(select(reactions).where(own)))
        await self._load_by_id({target for _, target, _ in self.reactions if target})

    def _add_reactions(self, rows: Iterable[Any]) -> None:
        for story, target, reader, reaction, *_ in rows:
            self.reactions[story, target, reader] = reaction

    async def _load_copies(self, actions: Sequence[Action]) -> None:
        wanted = {row["copy"] for row in self.comments.values()}
        wanted |= {action.copy for action in actions if isinstance(action, Post)}
        for chunk in _chunks(sorted(copy for copy in wanted if copy is not None)):
            found = await self._connection.execute(select(copies).where(copies.c.id.in_(chunk)))
            self.copies |= {row.id: Copy(row.id, row.label, row.origin) for row in found}

    # Records -----------------------------------------------------------------------------------

    def tally(self, story: int, target: str) -> Tally:
        """The counts of a story (no target) or a comment as they are now."""
        row = self.comments[target] if target else self.stories[story]
        prepared = self._tallies.get((story, target))
        if (
            prepared is None
            or prepared[0] is not row["counts"]
            or prepared[1].version != row["version"]
        ):
            # Hundreds of answers of a batch show the same one.
            table = "comments" if target else "stories"
            counts = counts_or_none(table, row["id"], row["counts"])
            prepared = row["counts"], Tally(row["version"], counts)
            self._tallies[story, target] = prepared
        return prepared[1]

    def comment(self, comment: str) -> Comment:
        """A comment as it is now."""
        row = self.comments[comment]
        fields = {name: row[name] for name in _COMMENT_COLUMNS}
        return Comment(
            **fields,
            state=CommentState(row["state"]),
            text=tree_or_none("comments", comment, row["text"]),
            copy=self.copies.get(row["copy"]),
            tally=Tally(row["version"], counts_or_none("comments", comment, row["counts"])),
            waiting=row["waiting_source"] is not None,
        )

    def story(self, story: int) -> Story:
        """A story as it is now."""
        row = self.stories[story]
        fields = {name: row[name] for name in _STORY_COLUMNS}
        return Story(**fields, count=row["published"], tally=self.tally(story, ""))

    # Writing -----------------------------------------------------------------------------------

    async def flush(self) -> None:
        """Write what changed. The caller commits."""
        run = self._connection.execute
        # First: a forgotten comment gives up the client's key that a new one may bring again.
        old = self.changed_comments - set(self.new_comments)
        if old:
            rows = [self.comments[comment] for comment in sorted(old)]
            await run(_UPDATE_COMMENT, [_bound(row, _COMMENT_MUTABLE) for row in rows])
        if self.new_comments:
            await run(insert(comments), [self.comments[new] for new in self.new_comments])
        puts = [row for row in self.set_reactions.values() if row is not None]
        gone = [key for key, row in self.set_reactions.items() if row is None]
        if puts:
            put_all = upsert(reactions, tuple(puts[0]), _REACTION_KEY, self._connection.dialect)
            await run(put_all, json_rows(puts))
        if gone:
            await run(_DELETE_REACTION, [dict(zip("abc", key, strict=True)) for key in gone])
        if self.changed_stories:
            rows = [self.stories[story] for story in sorted(self.changed_stories)]
            await run(_UPDATE_STORY, [_bound(row, _STORY_MUTABLE) for row in rows])
        if self.new_reports:
            new = self._insert(reports).on_conflict_do_nothing()
            await run(new, list(self.new_reports.values()))
        if self.erased_readers:
            await self._forget()

    async def _forget(self) -> None:
        """Erase what is no part of a discussion, and remember that it was asked for."""
        left = [_left(reports, reader, until) for reader, (_, until) in self.erased_readers.items()]
        await self._connection.execute(delete(reports).where(or_(*left)))
        rows = [
            {"kind": "reader", "subject": reader, "at": at}
            for reader, (at, _) in self.erased_readers.items()
        ]
        names, dialect = ("kind", "subject", "at"), self._connection.dialect
        await self._connection.execute(upsert(erasures, names, names[:2], dialect), json_rows(rows))

    def _insert(self, table: Any) -> Any:
        dialect = sqlite if self._connection.dialect.name == "sqlite" else postgresql
        return dialect.insert(table)


def _left(table: Table, reader: str, until: int | None) -> ColumnElement[bool]:
    """The rows of a table with `reader` and `at` that a reader left."""
    own: ColumnElement[bool] = table.c.reader == reader
    return own if until is None else own & (table.c.at <= until)


def _bound(row: Row, columns: Sequence[str]) -> Row:
    return {"row_id": row["id"]} | {f"new_{name}": row[name] for name in columns}


def _chunks(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))
