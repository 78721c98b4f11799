"""The conditions for comments with a tag."""

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_

from widget_server.store.mapping import dump
from widget_server.store.schema import IS_TAGGED, comments, stories


def has_tag(tag: str) -> ColumnElement[bool]:
    """Return the condition that a row of `comments` has the tag, for the index of tagged comments."""
    return and_(IS_TAGGED, _is_in(comments.c.tags, tag))


def is_of_site(site: str) -> ColumnElement[bool]:
    """Return the condition that a tagged comment's row of `stories` is of the site.

    It keeps SQLite from reading all comments of the site's stories: few comments have a tag, in the index in their order.
    """
    return and_(stories.c.site.concat("") == site, comments.c.created_at >= 0)


def is_tagged(comment: ColumnElement[Any], tag: str) -> ColumnElement[bool]:
    """Return the condition that the comment with this id has the tag."""
    # Another name: queries of cases join `comments` already.
    tagged = comments.alias("tagged")
    return exists().where(tagged.c.id == comment, _is_in(tagged.c.tags, tag))


def _is_in(column: ColumnElement[Any], tag: str) -> ColumnElement[bool]:
    """Return the condition that the JSON list has the tag. No tag has a comma, so each place is the whole tag.

    Without LIKE, which finds capitals and small letters alike in one of the databases.
    """
    places = (f"[{dump(tag)}", f",{dump(tag)}")
    return or_(*(func.replace(column, place, "") != column for place in places))
