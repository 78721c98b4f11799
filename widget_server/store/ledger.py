"""One batch of deeds on the stories they touch: load, apply in order, write, tell what changed.

The stories' rows are locked first, in the order of their ids, so that two batches never wait for
each other in a circle and `seq` is handed out in commit order without a gap. Everything a batch
needs is read by a handful of queries and written by a handful of statements, whatever the number
of deeds.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import Table, Update, bindparam, delete, insert, select, tuple_, union, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.errors import EditWindowOver, NotFound, Refused, StoryClosed
from widget_server.model.events import CommentChanged, Event, StoryChanged, TallyChanged
from widget_server.model.records import Comment, CommentState, Copy, Story, Tally
from widget_server.store.deeds import (
    Answer,
    Change,
    Deed,
    Delete,
    Edit,
    Forget,
    Moderate,
    Post,
    React,
    Report,
)
from widget_server.store.rows import counts_of, dump, tree_of
from widget_server.store.schema import comments, copies, reactions, reports, stories

Row = dict[str, Any]
Target = tuple[int, str]
"""A story's id and a comment's id, or empty text for the story itself."""

#: Parameters of one statement stay far below the 32,766 of SQLite and 32,767 of PostgreSQL.
CHUNK = 2_000

_COMMENT_MUTABLE = (
    "born", "seq", "state", "source", "text", "waiting_source", "waiting_text", "name", "email",
    "website", "edited_at", "pinned", "version", "counts", "score",
)  # fmt: skip
_STORY_MUTABLE = (
    "title", "author", "publisher", "url", "license", "attributed", "closed", "notice", "seq",
    "version", "tallies", "counts", "published",
)  # fmt: skip
_COMMENT_SAME = (
    "id", "parent", "thread", "born", "seq", "source", "name", "email", "website", "role",
    "reader", "lang", "created_at", "edited_at", "pinned",
)  # fmt: skip
_STORY_SAME = (
    "id", "code", "site", "key", "title", "author", "publisher", "url", "license", "attributed",
    "closed", "notice", "seq", "tallies", "created_at",
)  # fmt: skip


def _update(table: Table, columns: Sequence[str]) -> Update:
    values: Row = {name: bindparam(f"new_{name}") for name in columns}
    return update(table).where(table.c.id == bindparam("row_id")).values(values)


_UPDATE_COMMENT = _update(comments, _COMMENT_MUTABLE)
_UPDATE_STORY = _update(stories, _STORY_MUTABLE)


class Ledger:
    """The working set of one transaction. Use once: `load`, `apply` each deed, `flush`."""

    def __init__(self, connection: AsyncConnection, deeds: Sequence[Deed]) -> None:
        self._connection = connection
        self._deeds = deeds
        self._stories: dict[int, Row] = {}
        self._comments: dict[str, Row] = {}
        self._by_key: dict[tuple[int, str, str], str] = {}
        self._reactions: dict[tuple[int, str, str], str] = {}
        self._copies: dict[int, Copy] = {}
        self._of_reader: dict[str, list[tuple[int, str, str]]] = {}
        self._new: list[str] = []
        self._dirty: set[str] = set()
        self._dirty_stories: set[int] = set()
        self._set: dict[tuple[int, str, str], Row | None] = {}
        self._reports: dict[tuple[str, str], Row] = {}
        self._forgotten: set[str] = set()
        self._tallied: dict[Target, None] = {}
        self._facts: list[Callable[[], Event]] = []

    # What happened -----------------------------------------------------------------------------

    def events(self) -> list[Event]:
        """What changed, in the order of each story's `seq`; one tally for each thing counted."""
        tallies: list[Event] = [
            TallyChanged(self._stories[story]["code"], target or None, self._tally(story, target))
            for story, target in self._tallied
        ]
        return [fact() for fact in self._facts] + tallies

    # Loading -----------------------------------------------------------------------------------

    async def load(self) -> None:
        """Lock the stories and read every row that the deeds speak of."""
        forgetting = [deed.reader for deed in self._deeds if isinstance(deed, Forget)]
        ids = {deed.story for deed in self._deeds if not isinstance(deed, Forget)}
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
                .with_for_update()
            )
            self._stories |= {row.id: dict(row._mapping) for row in locked}
        await self._load_comments(forgetting)
        await self._load_reactions(forgetting)
        await self._load_copies()

    async def _load_comments(self, forgetting: list[str]) -> None:
        named = {
            deed.comment for deed in self._deeds if not isinstance(deed, Post | Forget | Change)
        }
        posts = [deed for deed in self._deeds if isinstance(deed, Post)]
        named |= {deed.parent for deed in posts}
        for chunk in _chunks(sorted(name for name in named if name)):
            self._keep(
                await self._connection.execute(select(comments).where(comments.c.id.in_(chunk)))
            )
        for keys in _chunks([(deed.story, deed.reader, deed.key) for deed in posts]):
            key = tuple_(comments.c.story, comments.c.reader, comments.c.client_key)
            self._keep(await self._connection.execute(select(comments).where(key.in_(keys))))
        if forgetting:
            own = comments.c.reader.in_(forgetting)
            self._keep(await self._connection.execute(select(comments).where(own)))

    def _keep(self, rows: Iterable[Any]) -> None:
        for row in rows:
            self._comments.setdefault(row.id, dict(row._mapping))
            self._by_key[row.story, row.reader, row.client_key] = row.id

    async def _load_reactions(self, forgetting: list[str]) -> None:
        key = tuple_(reactions.c.story, reactions.c.target, reactions.c.reader)
        wanted = [
            (deed.story, deed.comment or "", deed.reader)
            for deed in self._deeds
            if isinstance(deed, React)
        ]
        queries = [select(reactions).where(key.in_(chunk)) for chunk in _chunks(wanted)]
        if forgetting:
            queries.append(select(reactions).where(reactions.c.reader.in_(forgetting)))
        for query in queries:
            for row in await self._connection.execute(query):
                self._reactions[row.story, row.target, row.reader] = row.reaction
        targets = {target for _, target, _ in self._reactions if target} - set(self._comments)
        for chunk in _chunks(sorted(targets)):
            self._keep(
                await self._connection.execute(select(comments).where(comments.c.id.in_(chunk)))
            )

    async def _load_copies(self) -> None:
        wanted = {row["copy"] for row in self._comments.values()}
        wanted |= {deed.copy for deed in self._deeds if isinstance(deed, Post)}
        for chunk in _chunks(sorted(copy for copy in wanted if copy is not None)):
            found = await self._connection.execute(select(copies).where(copies.c.id.in_(chunk)))
            self._copies |= {row.id: Copy(row.id, row.label, row.origin) for row in found}

    # Applying ----------------------------------------------------------------------------------

    def apply(self, deed: Deed) -> Callable[[], Answer] | Refused:
        """Change the working set; the answer is drawn after the whole batch is applied."""
        try:
            match deed:
                case React():
                    return self._react(deed)
                case Post():
                    return self._post(deed)
                case Edit():
                    return self._edit(deed)
                case Delete():
                    return self._delete(deed)
                case Report():
                    return self._report(deed)
                case Forget():
                    return self._forget(deed)
                case Moderate():
                    return self._moderate(deed)
                case Change():
                    return self._change(deed)
        except Refused as refusal:
            return refusal

    def _react(self, deed: React) -> Callable[[], Answer]:
        self._open_story(deed.story)
        target = deed.comment or ""
        if target:
            self._published(deed.story, target)
        before = self._reactions.get((deed.story, target, deed.reader))
        if before != deed.reaction:
            self._count(deed.story, target, before, deed.reaction)
            row: Row | None = None
            if deed.reaction is None:
                del self._reactions[deed.story, target, deed.reader]
            else:
                self._reactions[deed.story, target, deed.reader] = deed.reaction
                row = {
                    "story": deed.story,
                    "target": target,
                    "reader": deed.reader,
                    "reaction": deed.reaction,
                    "copy": deed.copy,
                    "at": deed.at,
                }
            self._set[deed.story, target, deed.reader] = row
        return lambda: self._tally(deed.story, target)

    def _post(self, deed: Post) -> Callable[[], Answer]:
        known = self._by_key.get((deed.story, deed.reader, deed.key))
        if known is not None:
            return lambda: self._comment(known)
        self._open_story(deed.story)
        thread = deed.id
        if deed.parent is not None:
            thread = self._published(deed.story, deed.parent)["thread"]
        self._comments[deed.id] = {
            "id": deed.id,
            "story": deed.story,
            "parent": deed.parent,
            "thread": thread,
            "born": 0,
            "seq": 0,
            "state": CommentState.PENDING.value,
            "source": deed.source,
            "text": dump(deed.text),
            "waiting_source": None,
            "waiting_text": None,
            "name": deed.name,
            "email": deed.email,
            "website": deed.website,
            "role": deed.role,
            "reader": deed.reader,
            "copy": deed.copy,
            "lang": deed.lang,
            "created_at": deed.at,
            "edited_at": None,
            "pinned": False,
            "client_key": deed.key,
            "version": 0,
            "counts": dump(dict.fromkeys(deed.reactions, 0)),
            "score": 0,
        }
        self._by_key[deed.story, deed.reader, deed.key] = deed.id
        self._new.append(deed.id)
        if not deed.pending:
            self._publish(deed.id)
        return lambda: self._comment(deed.id)

    def _edit(self, deed: Edit) -> Callable[[], Answer]:
        row = self._own(deed.story, deed.comment, deed.reader, deed.at - deed.window)
        self._open_story(deed.story)
        if row["state"] == CommentState.PUBLISHED and deed.moderated:
            row |= {"waiting_source": deed.source, "waiting_text": dump(deed.text)}
            self._dirty.add(deed.comment)
        else:
            row |= {"source": deed.source, "text": dump(deed.text), "edited_at": deed.at}
            self._changed(deed.comment)
        return lambda: self._comment(deed.comment)

    def _delete(self, deed: Delete) -> Callable[[], Answer]:
        self._own(deed.story, deed.comment, deed.reader, deed.at - deed.window)
        self._remove(deed.comment)
        return lambda: self._comment(deed.comment)

    def _report(self, deed: Report) -> Callable[[], Answer]:
        self._published(deed.story, deed.comment)
        self._reports[deed.comment, deed.reader] = {
            "comment": deed.comment,
            "reader": deed.reader,
            "reason": deed.reason,
            "at": deed.at,
        }
        return lambda: None

    def _forget(self, deed: Forget) -> Callable[[], Answer]:
        things = 0
        for story, target, reader in [key for key in self._reactions if key[2] == deed.reader]:
            self._count(story, target, self._reactions.pop((story, target, reader)), None)
            self._set[story, target, reader] = None
            things += 1
        for row in list(self._comments.values()):
            if row["reader"] == deed.reader and row["state"] != CommentState.REMOVED:
                self._remove(row["id"])
                things += 1
        self._forgotten.add(deed.reader)
        return lambda: things

    def _moderate(self, deed: Moderate) -> Callable[[], Answer]:
        row = self._there(deed.story, deed.comment)
        match deed.verb:
            case "approve" if row["state"] == CommentState.PENDING:
                self._publish(deed.comment)
            case "approve" if row["waiting_source"] is not None:
                row |= {"source": row["waiting_source"], "text": row["waiting_text"]}
                row |= {"waiting_source": None, "waiting_text": None, "edited_at": deed.at}
                self._changed(deed.comment)
            case "remove":
                self._remove(deed.comment)
            case "pin" | "unpin" if row["pinned"] != (deed.verb == "pin"):
                row["pinned"] = deed.verb == "pin"
                self._changed(deed.comment)
        return lambda: self._comment(deed.comment)

    def _change(self, deed: Change) -> Callable[[], Answer]:
        story = self._story(deed.story)
        late = deed.iat is not None and deed.iat <= story["attributed"]
        if not late and any(story[column] != value for column, value in deed.columns.items()):
            if deed.iat is not None:
                story["attributed"] = deed.iat
            story |= deed.columns
            seq = self._next(story)
            self._facts.append(lambda: StoryChanged(story["code"], seq, self._to_story(story)))
        return lambda: self._to_story(story)

    # Rules that several deeds share --------------------------------------------------------------

    def _story(self, story: int) -> Row:
        if story not in self._stories:
            raise NotFound
        return self._stories[story]

    def _open_story(self, story: int) -> None:
        if self._story(story)["closed"]:
            raise StoryClosed

    def _there(self, story: int, comment: str) -> Row:
        row = self._comments.get(comment)
        if row is None or row["story"] != story or row["state"] == CommentState.REMOVED:
            raise NotFound
        return row

    def _published(self, story: int, comment: str) -> Row:
        row = self._there(story, comment)
        if row["state"] != CommentState.PUBLISHED:
            raise NotFound
        return row

    def _own(self, story: int, comment: str, reader: str, earliest: int) -> Row:
        row = self._there(story, comment)
        if row["reader"] != reader:
            raise NotFound
        if row["created_at"] < earliest:
            raise EditWindowOver
        return row

    def _next(self, story: Row) -> int:
        story["seq"] += 1
        self._dirty_stories.add(story["id"])
        return int(story["seq"])

    def _publish(self, comment: str) -> None:
        row = self._comments[comment]
        story = self._stories[row["story"]]
        row |= {"state": CommentState.PUBLISHED.value, "born": story["seq"] + 1}
        story["published"] += 1
        self._changed(comment)

    def _remove(self, comment: str) -> None:
        row = self._comments[comment]
        if row["state"] == CommentState.PUBLISHED:
            self._stories[row["story"]]["published"] -= 1
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
        }
        self._changed(comment)

    def _changed(self, comment: str) -> None:
        """Give a public change its number. What was never public changes without one."""
        row = self._comments[comment]
        self._dirty.add(comment)
        if row["born"] == 0:
            return
        story = self._stories[row["story"]]
        seq = row["seq"] = self._next(story)
        # The comment and count as they are now: a later deed of this batch must not show early.
        now, count = self._comment(comment), story["published"]
        self._facts.append(lambda: CommentChanged(story["code"], seq, now, count))

    def _count(self, story: int, target: str, before: str | None, after: str | None) -> None:
        row = self._comments[target] if target else self._stories[story]
        counts = counts_of(row["counts"])
        if before is not None:
            counts[before] = max(0, counts.get(before, 0) - 1)
        if after is not None:
            counts[after] = counts.get(after, 0) + 1
        row["counts"] = dump(counts)
        if (story, target) not in self._tallied:
            self._tallied[story, target] = None
            self._stories[story]["tallies"] += 1
            row["version"] = self._stories[story]["tallies"]
        self._dirty_stories.add(story)
        if target:
            row["score"] = sum(counts.values())
            self._dirty.add(target)

    # Records -----------------------------------------------------------------------------------

    def _tally(self, story: int, target: str) -> Tally:
        row = self._comments[target] if target else self._stories[story]
        return Tally(row["version"], counts_of(row["counts"]))

    def _comment(self, comment: str) -> Comment:
        row = self._comments[comment]
        fields = {name: row[name] for name in _COMMENT_SAME}
        return Comment(
            **fields,
            state=CommentState(row["state"]),
            text=tree_of(row["text"]),
            copy=self._copies.get(row["copy"]),
            tally=Tally(row["version"], counts_of(row["counts"])),
            waiting=row["waiting_source"] is not None,
        )

    def _to_story(self, story: Row) -> Story:
        fields = {name: story[name] for name in _STORY_SAME}
        tally = Tally(story["version"], counts_of(story["counts"]))
        return Story(**fields, count=story["published"], tally=tally)

    # Writing -----------------------------------------------------------------------------------

    async def flush(self) -> None:
        """Write what changed. The caller commits."""
        run = self._connection.execute
        if self._new:
            await run(insert(comments), [self._comments[new] for new in self._new])
        old = self._dirty - set(self._new)
        if old:
            await run(
                _UPDATE_COMMENT,
                [self._bound(self._comments[old_id], _COMMENT_MUTABLE) for old_id in sorted(old)],
            )
        puts = [row for row in self._set.values() if row is not None]
        gone = [key for key, row in self._set.items() if row is None]
        for chunk in _chunks(puts):
            await run(self._upsert(), chunk)
        for keys in _chunks(gone):
            key = tuple_(reactions.c.story, reactions.c.target, reactions.c.reader)
            await run(delete(reactions).where(key.in_(keys)))
        if self._dirty_stories:
            rows = [self._stories[story] for story in sorted(self._dirty_stories)]
            await run(_UPDATE_STORY, [self._bound(row, _STORY_MUTABLE) for row in rows])
        if self._reports:
            await run(self._insert(reports).on_conflict_do_nothing(), list(self._reports.values()))
        if self._forgotten:
            await run(delete(reports).where(reports.c.reader.in_(self._forgotten)))

    def _insert(self, table: Any) -> Any:
        dialect = sqlite if self._connection.dialect.name == "sqlite" else postgresql
        return dialect.insert(table)

    def _upsert(self) -> Any:
        statement = self._insert(reactions)
        new = statement.excluded
        return statement.on_conflict_do_update(
            index_elements=["story", "target", "reader"],
            set_={"reaction": new.reaction, "copy": new.copy, "at": new.at},
        )

    @staticmethod
    def _bound(row: Row, columns: Sequence[str]) -> Row:
        return {"row_id": row["id"]} | {f"new_{name}": row[name] for name in columns}


def _chunks(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))
