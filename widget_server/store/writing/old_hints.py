"""Delete the words of answered hints after the site's time, and old hints as a whole."""

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.store.schema_hints import hints
from widget_server.store.transactions import TransactionFn

CHUNK = 500
"""Hints in one transaction."""


def erase_words_of_hints(now: int) -> TransactionFn[int]:
    """Delete the words of answered hints whose time is over at `now` (milliseconds). Result: their number.

    Their readers keep seeing how they were answered. Repeat until the result is 0.
    """

    async def run(connection: AsyncConnection) -> int:
        due = await connection.execute(
            select(hints.c.id)
            .where(hints.c.until < now)
            .order_by(hints.c.id)
            .limit(CHUNK)
            # One that another process is opening again now is no longer due.
            .with_for_update(skip_locked=True)
        )
        names = list(due.scalars())
        if names:
            empty = {"text": None, "passage": None, "credit": None, "answer": None, "until": None}
            await connection.execute(update(hints).where(hints.c.id.in_(names)).values(empty))
        return len(names)

    return run


def delete_old_hints(before: int) -> TransactionFn[int]:
    """Delete hints that were answered before a time (milliseconds). Result: their number.

    Those whose reader a correction names stay, without words: by them the name is found when the reader erases everything.
    """

    async def run(connection: AsyncConnection) -> int:
        is_old = (hints.c.decided_at < before) & ~hints.c.credited
        old = select(hints.c.id).where(is_old).limit(CHUNK)
        deleted = await connection.execute(delete(hints).where(hints.c.id.in_(old)))
        return max(0, int(deleted.rowcount))

    return run
