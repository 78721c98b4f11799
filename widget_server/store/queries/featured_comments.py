"""The featured comments of a story and of a site, the last featured first."""

from sqlalchemy import bindparam, desc, select
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.records import CommentState, Story
from widget_server.store.mapping import to_story
from widget_server.store.queries.latest_comments import (
    LatestComments,
    read_latest_of_site,
    read_named,
    read_removed,
    select_named,
)
from widget_server.store.schema import IS_FEATURED, comments, stories

_FEATURED = select_named(
    select(comments.c.id)
    .where(
        (comments.c.story == bindparam("story")) & IS_FEATURED & (comments.c.state == "published")
    )
    .order_by(desc(comments.c.featured_at))
    .limit(bindparam("most"))
)


async def read_featured(connection: AsyncConnection, story: Story, limit: int) -> LatestComments:
    """Read the comments of a story that were featured last, and the removed ones of its last changes."""
    found = await read_named(connection, _FEATURED, {story.id: story}, limit, story=story.id)
    return _with_removed(found, await read_removed(connection, story, limit))


async def read_featured_of_site(
    connection: AsyncConnection, site: str, limit: int
) -> LatestComments:
    """Read the comments of a site's stories that were featured last, and the removed ones."""
    rows = await connection.execute(
        select(comments.c.id.label("comment"), *stories.c)
        .join(stories, comments.c.story == stories.c.id)
        .where((stories.c.site == site) & IS_FEATURED & (comments.c.state == "published"))
        .order_by(desc(comments.c.featured_at))
        .limit(limit)
    )
    named = list(rows)
    of_stories = {row.id: to_story(row) for row in named}
    query = select_named([row.comment for row in named])
    found = await read_named(connection, query, of_stories, limit)
    return _with_removed(found, await read_latest_of_site(connection, site, limit))


def _with_removed(featured: LatestComments, latest: LatestComments) -> LatestComments:
    """Return the featured comments, then the removed ones: a client of the feed may still show them."""
    ordered = sorted(featured.comments, key=lambda one: -(one[1].featured_at or 0))
    shown = [one for one in ordered if one[1].state is CommentState.PUBLISHED]
    gone = [one for one in latest.comments if one[1].state is not CommentState.PUBLISHED]
    return LatestComments(
        [*shown, *gone],
        latest.stories | featured.stories,
        featured.replies,
    )
