"""Copies that show less than others: what is hidden there, and whether their readers' comments wait."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, delete, func, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.decisions import Decision
from widget_server.model.errors import NotFoundError, NotPermittedError, TooLargeError
from widget_server.model.records import CommentState, NarrowedCopy
from widget_server.store.engine import Database, read_transaction
from widget_server.store.schema import comments, copies, stories
from widget_server.store.schema_local import copy_approvals, hidden_comments
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.bulk import insert_ignore
from widget_server.store.writing.copy_changes import record_changed_copies
from widget_server.store.writing.site_log import append_site_decision

MAX_HIDDEN = 500
"""Comments that one copy may hide, without their replies."""
MAX_SENT = 680
"""Hidden comments of a copy that its pages are told, with replies to hidden replies: `MAX_HIDDEN_BYTES`."""


@dataclass(frozen=True, slots=True)
class HiddenComment:
    """A comment that a copy hides, without the replies that go with it."""

    copy: int
    origin: str
    label: str | None
    story: str
    """The story's code."""
    comment: str
    at: int
    by_site: bool
    """Whether one of the site's own people hid it."""


class LocalCopies:
    """Reads of the copies of one database that show less than others."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def hidden(
        self,
        connection: AsyncConnection,
        site: str,
        only: frozenset[int] | None,
        story: str | None,
        after: tuple[int, str] | None,
        limit: int | None,
        among: Sequence[str] | None = None,
    ) -> list[HiddenComment]:
        """Return hidden comments of a site, in order of copy and comment.

        `only`: those of these copies. `among`: only these comments.
        """
        own = hidden_comments.c
        wanted = (
            select(own.copy, own.comment, own.at, own.by_site, copies.c.origin, copies.c.label)
            .add_columns(stories.c.code)
            .join(copies, copies.c.id == own.copy)
            .join(stories, stories.c.id == copies.c.story)
            .where(stories.c.site == site, own.root == own.comment)
            .order_by(own.copy, own.comment)
            .limit(limit)
        )
        if only is not None:
            wanted = wanted.where(own.copy.in_(sorted(only)))
        if story is not None:
            wanted = wanted.where(stories.c.code == story)
        if among is not None:
            wanted = wanted.where(own.comment.in_(among))
        if after is not None:
            wanted = wanted.where(tuple_(own.copy, own.comment) > after)
        return [
            HiddenComment(
                row.copy, row.origin, row.label, row.code, row.comment, row.at, row.by_site
            )
            for row in await connection.execute(wanted)
        ]


def _place() -> Any:
    columns = copies.c.id, copies.c.origin, copies.c.label, copies.c.handle, stories.c.code
    return select(*columns).join(stories, stories.c.id == copies.c.story)


def _narrowed(row: Any, hidden: tuple[str, ...], by_site: bool | None) -> NarrowedCopy:
    return NarrowedCopy(
        row.id,
        row.code,
        row.handle,
        row.origin,
        row.label,
        hidden,
        by_site is not None,
        bool(by_site),
    )


async def read_narrowed(connection: AsyncConnection, site: str) -> dict[int, NarrowedCopy]:
    """Return the copies of a site that hide comments or let their readers' comments wait, by id."""
    approvals = {
        row.copy: row.by_site
        for row in await connection.execute(
            select(copy_approvals.c.copy, copy_approvals.c.by_site)
            .join(copies, copies.c.id == copy_approvals.c.copy)
            .join(stories, stories.c.id == copies.c.story)
            .where(stories.c.site == site)
        )
    }
    own = hidden_comments.c
    hidden: dict[int, list[str]] = {}
    is_root = func.max(case((own.root == own.comment, 1), else_=0))
    for row in await connection.execute(
        select(own.copy, own.comment)
        .join(copies, copies.c.id == own.copy)
        .join(stories, stories.c.id == copies.c.story)
        .join(comments, comments.c.id == own.comment)
        # The id of a reply that waits is not told: its publication increments `copy_changes`.
        .where(stories.c.site == site, comments.c.state != CommentState.PENDING.value)
        .group_by(own.copy, own.comment)
        .order_by(own.copy, is_root.desc(), own.comment)
    ):
        shown = hidden.setdefault(row.copy, [])
        if len(shown) < MAX_SENT:
            shown.append(row.comment)
    ids = sorted({*approvals, *hidden})
    if not ids:
        return {}
    rows = await connection.execute(_place().where(copies.c.id.in_(ids)))
    return {
        row.id: _narrowed(row, tuple(sorted(hidden.get(row.id, ()))), approvals.get(row.id))
        for row in rows
    }


def hide_comment(
    site: str, copy: int, comment: str, decision: Decision, *, by_site: bool
) -> TransactionFn[bool]:
    """Hide a comment with all its replies on one copy, and log the decision. Result: False if it was hidden.

    What a local moderator hid becomes the site's with `by_site`: that is logged, and the result is True. The copy then keeps its place among the story's copies. Raises `NotFoundError` if the comment is not in
    the copy's story or is not published, and `TooLargeError` from `MAX_HIDDEN` on.
    """

    async def run(connection: AsyncConnection) -> bool:
        await _changed(connection, site, copy)
        found = await connection.execute(
            select(comments.c.thread, comments.c.state)
            .join(copies, copies.c.story == comments.c.story)
            .where(comments.c.id == comment, copies.c.id == copy)
        )
        row = found.one_or_none()
        if row is None or row.state == CommentState.PENDING.value:
            raise NotFoundError("There is no published comment with this id in the copy's story.")
        own = hidden_comments.c
        root = (own.copy == copy) & (own.root == comment)
        # `_changed` has locked the site's row, so no other process hides it meanwhile.
        known = await connection.execute(select(own.by_site).where(root, own.comment == comment))
        hidden_by_site = known.scalar_one_or_none()
        if hidden_by_site is not None:
            if hidden_by_site or not by_site:
                return False
            # The site's decision replaces the local moderator's, who could else lift it.
            await connection.execute(update(hidden_comments).where(root).values(by_site=True))
            await append_site_decision(connection, site, decision)
            return True
        roots = await connection.execute(
            select(func.count()).where(own.copy == copy, own.root == own.comment)
        )
        if roots.scalar_one() >= MAX_HIDDEN:
            raise TooLargeError(
                f"A copy hides at most {MAX_HIDDEN} comments. Show some again first."
            )
        values = {"copy": copy, "root": comment, "at": decision.at, "by_site": by_site}
        await connection.execute(insert(hidden_comments).values({**values, "comment": comment}))
        replies = await _replies(connection, row.thread, comment)
        if replies:
            await connection.execute(
                insert_ignore(hidden_comments, connection.dialect),
                [{**values, "comment": reply} for reply in replies],
            )
        await connection.execute(update(copies).where(copies.c.id == copy).values(used=True))
        await append_site_decision(connection, site, decision)
        return True

    return run


async def _replies(connection: AsyncConnection, thread: str, comment: str) -> list[str]:
    """Return the replies below a reply. A whole thread needs none: it is hidden by its first comment."""
    if thread == comment:
        return []
    rows = await connection.execute(
        select(comments.c.id, comments.c.parent)
        .where(comments.c.thread == thread)
        .order_by(comments.c.created_at, comments.c.id)
    )
    return sorted(_below(comment, [(row.id, row.parent) for row in rows]))


def _below(comment: str, answers: Sequence[tuple[str, str | None]]) -> set[str]:
    """Return the comments below one, from comments in order of time with what each of them answers."""
    below, before = {comment}, 0
    # Normally two passes, and the last one finds nothing: two comments of one millisecond may be in any order.
    while len(below) > before:
        before = len(below)
        for one, parent in answers:
            if parent in below:
                below.add(one)
    return below - {comment}


def show_comment_again(
    site: str, copy: int, comment: str, decision: Decision, *, by_site: bool
) -> TransactionFn[bool]:
    """Undo `hide_comment`. Result: False if the copy did not hide it; then nothing is logged.

    Without `by_site` it raises `NotPermittedError` for a comment that the site's own people hid.
    """

    async def run(connection: AsyncConnection) -> bool:
        await _changed(connection, site, copy)
        own = hidden_comments.c
        if not by_site:
            await _require_local(
                connection, select(own.by_site).where(own.copy == copy, own.comment == comment)
            )
        deleted = await connection.execute(
            delete(hidden_comments).where(own.copy == copy, own.root == comment)
        )
        if deleted.rowcount > 0:
            await append_site_decision(connection, site, decision)
        return deleted.rowcount > 0

    return run


def set_approval(
    site: str, copy: int, decision: Decision, *, on: bool, by_site: bool
) -> TransactionFn[bool]:
    """Let new comments from a copy wait for a moderator, or no more. Result: False if nothing changed.

    What a local moderator set becomes the site's with `by_site`: that is a change. Without `by_site` it raises `NotPermittedError` to end what the site's own people set.
    """

    async def run(connection: AsyncConnection) -> bool:
        await _changed(connection, site, copy)
        own = copy_approvals.c
        if on:
            known = await connection.execute(select(own.by_site).where(own.copy == copy))
            set_by_site = known.scalar_one_or_none()
            changed = set_by_site is None or (by_site and not set_by_site)
            if set_by_site is None:
                row = {"copy": copy, "at": decision.at, "by_site": by_site}
                await connection.execute(insert(copy_approvals).values(row))
            elif changed:
                site_sets = update(copy_approvals).where(own.copy == copy).values(by_site=True)
                await connection.execute(site_sets)
            await connection.execute(update(copies).where(copies.c.id == copy).values(used=True))
        else:
            if not by_site:
                await _require_local(connection, select(own.by_site).where(own.copy == copy))
            deleted = await connection.execute(delete(copy_approvals).where(own.copy == copy))
            changed = deleted.rowcount > 0
        if changed:
            await append_site_decision(connection, site, decision)
        return changed

    return run


async def _require_local(connection: AsyncConnection, by_site: Any) -> None:
    if any((await connection.execute(by_site)).scalars()):
        raise NotPermittedError("The publisher's own people decided this. Ask them to change it.")


async def _changed(connection: AsyncConnection, site: str, copy: int) -> None:
    """Let every process read the site's copies again and tell the open sockets of this one."""
    await record_changed_copies(connection, site, select(copies.c.id).where(copies.c.id == copy))
