"""Which stories are to be closed. Times are milliseconds since 1970."""

from sqlalchemy import and_, exists, select
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.records import CommentState
from widget_server.store.engine import Database, read_transaction
from widget_server.store.schema import WILL_CLOSE, comments, stories

CLOSE_STORY = "close_story"
"""Kind of the scheduled work that closes one story at its date. Its subject is the story's code."""


class Closings:
    """Reads for closing stories by date and after a number of days."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def due(self, connection: AsyncConnection, now: int, limit: int) -> list[str]:
        """Return the codes of open stories whose closing date has passed, at most `limit`."""
        found = await connection.execute(
            select(stories.c.code)
            .where(and_(WILL_CLOSE, stories.c.closes_at <= now))
            .order_by(stories.c.closes_at)
            .limit(limit)
        )
        return list(found.scalars())

    @read_transaction
    async def idle(
        self, connection: AsyncConnection, site: str, since: int, *, by_comment: bool, limit: int
    ) -> list[str]:
        """Return the codes of a site's open stories without a date that began before `since`.

        With `by_comment`, only those without a published comment after `since`. At most `limit`.
        """
        old = and_(
            stories.c.site == site,
            ~stories.c.closed,
            stories.c.closes_at.is_(None),
            stories.c.created_at <= since,
        )
        if by_comment:
            old &= ~exists().where(
                comments.c.story == stories.c.id,
                comments.c.state == CommentState.PUBLISHED.value,
                comments.c.created_at > since,
            )
        query = select(stories.c.code).where(old).order_by(stories.c.id).limit(limit)
        return list((await connection.execute(query)).scalars())
