"""Rows of local moderators in a unit of work: what waits for one of them, and replies to hidden comments."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from sqlalchemy import BigInteger, bindparam, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.store.rows import CommentRow
from widget_server.store.schema_local import LOCAL_QUEUES, hidden_comments, local_waits
from widget_server.store.writing.actions import Action, Decide, Edit, Undo
from widget_server.store.writing.bulk import insert_ignore, read_by_keys
from widget_server.store.writing.copy_changes import record_changed_copies

_own = hidden_comments.c
_INHERIT = insert(hidden_comments).from_select(
    ["copy", "comment", "root", "at", "by_site"],
    select(
        _own.copy,
        bindparam("reply", type_=_own.comment.type),
        _own.root,
        bindparam("now", type_=BigInteger()),
        _own.by_site,
    ).where(_own.comment == bindparam("above", type_=_own.comment.type)),
)


CHUNK = 1_000
"""Comments in one statement: a reader who is forgotten may have written more."""


def batched(comments: Sequence[str]) -> Iterator[Sequence[str]]:
    """Return the comments in parts of at most `CHUNK`."""
    return (comments[start : start + CHUNK] for start in range(0, len(comments), CHUNK))


class LocalRows:
    """Which comments of one batch wait only for a local moderator. Most actions load nothing."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._stored: set[str] = set()
        self._waits: dict[str, bool] = {}
        """Changed comments, and whether they wait now."""
        self.published: set[str] = set()
        """Comments that this batch publishes."""

    async def load(
        self, actions: Sequence[Action], open_queues: Callable[[str], Iterable[str]]
    ) -> None:
        """Read what decisions and edits need. `open_queues` are those in which a comment waits now."""
        # A comment without such a case may have a row of an older server: an edit opens a case and settles it.
        named = {action.comment for action in actions if isinstance(action, Edit)} | {
            action.comment
            for action in actions
            if isinstance(action, Decide | Undo)
            and any(queue in LOCAL_QUEUES for queue in open_queues(action.comment))
        }
        keys = [{"comment": one} for one in sorted(named)]
        found = await read_by_keys(self._connection, local_waits, keys)
        self._stored |= {row["comment"] for row in found}

    def waits(self, comment: str) -> bool:
        """Return whether the comment, or its edit, waits for nothing but its copy's moderator."""
        return self._waits.get(comment, comment in self._stored)

    def set(self, comment: str, *, only_local: bool) -> None:
        """Remember whether a comment that waits does so for nothing but its copy's moderator."""
        if self.waits(comment) != only_local:
            self._waits[comment] = only_local

    def erase(self, comment: str) -> None:
        """Forget whatever is stored about a comment that is erased."""
        self._waits[comment] = False

    async def flush(
        self,
        new: Iterable[CommentRow],
        comments: Mapping[str, CommentRow],
        sites_of: Mapping[int, str],
    ) -> None:
        """Write what changed, and hide replies to hidden replies on the same copies.

        `new` are new ones among `comments`. Copies name what they hide once it is published.
        A copy hides a whole thread by its first comment, so that direct replies to that need no row.
        """
        run, dialect = self._connection.execute, self._connection.dialect
        waiting = [{"comment": one} for one, waits in self._waits.items() if waits]
        if waiting:
            await run(insert_ignore(local_waits, dialect), waiting)
        for settled in batched(sorted(one for one, waits in self._waits.items() if not waits)):
            await run(delete(local_waits).where(local_waits.c.comment.in_(settled)))
        for row in new:
            if row["parent"] is None or row["parent"] == row["thread"]:
                # No copy hides it yet.
                self.published.discard(row["id"])
                continue
            values = {"reply": row["id"], "above": row["parent"], "now": row["created_at"]}
            if (await run(_INHERIT, values)).rowcount == 0:
                self.published.discard(row["id"])
        if self.published:
            hidden = select(_own.comment).where(_own.comment.in_(sorted(self.published)))
            by_site: dict[str, set[str]] = {}
            for one in (await run(hidden)).scalars():
                by_site.setdefault(sites_of[comments[one]["story"]], set()).add(one)
            for site, shown in sorted(by_site.items()):
                hiding = select(_own.copy.label("id")).where(_own.comment.in_(sorted(shown)))
                await record_changed_copies(self._connection, site, hiding.distinct())
