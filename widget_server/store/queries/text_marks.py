"""Fingerprints of texts of the last minutes, and writers who were asked to think again."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.store.engine import Database, read_transaction
from widget_server.store.schema import asked_drafts, rules, text_marks
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.bulk import insert_ignore

WINDOW_MS = 600_000
"""Time for which a text is remembered, to find its repetition."""
ASKED_MS = 3_600_000
"""Time in which a writer who was asked sends the comment. Later the draft counts as given up."""


@dataclass(frozen=True, slots=True)
class TextMark:
    """The fingerprint of a stored text. `draft` is the client's key of the comment, or its id after an edit."""

    comment: str
    draft: str
    at: int
    mark: int


class TextMarks:
    """Reads of fingerprints and of asked drafts."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def since(
        self, connection: AsyncConnection, site: str, at: int, limit: int
    ) -> list[TextMark]:
        """Return the site's fingerprints from a time (milliseconds) on, at most the newest `limit`."""
        own = text_marks.c
        rows = await connection.execute(
            select(own.comment, own.draft, own.at, own.mark)
            .where(own.site == site, own.at >= at)
            .order_by(own.at.desc())
            .limit(limit)
        )
        return [TextMark(one.comment, one.draft, one.at, one.mark % 2**64) for one in rows][::-1]

    @read_transaction
    async def asked(self, connection: AsyncConnection, story: int, reader: str) -> str | None:
        """Return the hash of the draft about which a rule asked a writer, or None."""
        rows = await connection.execute(select(asked_drafts.c.draft).where(_own(story, reader)))
        draft: str | None = rows.scalar_one_or_none()
        return draft


def record_asked(story: int, reader: str, rule: str, draft: str, at: int) -> TransactionFn[None]:
    """Count that a rule asked a writer. Who is asked again before the comment is sent counts once."""

    async def run(connection: AsyncConnection) -> None:
        old = _own(story, reader) & (asked_drafts.c.at < at - ASKED_MS)
        await connection.execute(delete(asked_drafts).where(old))
        row = {"story": story, "reader": reader, "rule": rule, "draft": draft, "at": at}
        added: Any = await connection.execute(insert_ignore(asked_drafts, connection.dialect), row)
        if added.rowcount == 1:
            await _count(connection, rule, "asked")

    return run


def settle_asked(story: int, reader: str, draft: str, at: int) -> TransactionFn[None]:
    """Count whether a writer who was asked has sent another text or the same one."""

    async def run(connection: AsyncConnection) -> None:
        found = await connection.execute(select(asked_drafts).where(_own(story, reader)))
        row = found.one_or_none()
        if row is None:
            return
        deleted: Any = await connection.execute(
            delete(asked_drafts).where(_own(story, reader), asked_drafts.c.at == row.at)
        )
        if deleted.rowcount == 1 and row.at >= at - ASKED_MS:
            await _count(connection, row.rule, "insisted" if row.draft == draft else "edited")

    return run


def delete_old_marks(now: int) -> TransactionFn[None]:
    """Delete fingerprints after ten minutes, and drafts that were given up, at `now` (milliseconds)."""

    async def run(connection: AsyncConnection) -> None:
        await connection.execute(delete(text_marks).where(text_marks.c.at < now - WINDOW_MS))
        await connection.execute(delete(asked_drafts).where(asked_drafts.c.at < now - ASKED_MS))

    return run


def _own(story: int, reader: str) -> ColumnElement[bool]:
    return (asked_drafts.c.story == story) & (asked_drafts.c.reader == reader)


async def _count(connection: AsyncConnection, rule: str, name: str) -> None:
    values = {name: rules.c[name] + 1}
    await connection.execute(update(rules).where(rules.c.id == rule).values(values))
