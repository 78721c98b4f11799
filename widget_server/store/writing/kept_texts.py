"""Erase kept texts and reported texts whose time is over."""

from sqlalchemy import ColumnElement, delete, exists, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.store.schema import (
    IS_OPEN,
    cases,
    comments,
    decision_words,
    erasures,
    kept_texts,
)
from widget_server.store.schema_readers import appeals, reported_texts
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.bulk import insert_ignore

CHUNK = 500
"""Texts erased in one transaction."""


def erase_expired(now: int) -> TransactionFn[int]:
    """Erase kept texts whose `until` is over at `now` (milliseconds). Result: their number.

    A text with an open case is kept until a person has decided. Repeat until the result is 0.
    """

    async def run(connection: AsyncConnection) -> int:
        waits = exists().where((cases.c.comment == kept_texts.c.comment) & IS_OPEN)
        due: ColumnElement[bool] = (kept_texts.c.until < now) & ~waits
        rows = await connection.execute(
            select(kept_texts.c.comment, kept_texts.c.why)
            .where(due)
            .order_by(kept_texts.c.comment)
            .limit(CHUNK)
            # A text that another process is bringing back now is no longer due.
            .with_for_update(skip_locked=True)
        )
        found = rows.all()
        if not found:
            return 0
        names = [row.comment for row in found]
        await connection.execute(delete(kept_texts).where(kept_texts.c.comment.in_(names)))
        # An objection may quote the comment.
        await connection.execute(
            update(appeals).where(appeals.c.comment.in_(names)).values(sealed=None)
        )
        gone = [row.comment for row in found if row.why != "replaced"]
        if gone:
            await connection.execute(
                delete(decision_words).where(decision_words.c.comment.in_(gone))
            )
            # A backup may still have the words: restoring it must erase them again.
            is_tagged = comments.c.id.in_(gone) & comments.c.tags.is_not(None)
            await connection.execute(update(comments).where(is_tagged).values(tags=None))
            erased = [{"kind": "comment", "subject": comment, "at": now} for comment in gone]
            await connection.execute(insert_ignore(erasures, connection.dialect), erased)
        return len(names)

    return run


def erase_reported(now: int) -> TransactionFn[int]:
    """Erase reported texts whose `until` is over at `now` (milliseconds). Result: their number.

    A text with an open case is kept until a person has decided.
    """

    async def run(connection: AsyncConnection) -> int:
        waits = exists().where((cases.c.comment == reported_texts.c.comment) & IS_OPEN)
        erased = await connection.execute(
            delete(reported_texts).where((reported_texts.c.until < now) & ~waits)
        )
        return max(0, int(erased.rowcount))

    return run
