"""Rows to records and back: the only place that knows how a record lies in its columns."""

from typing import Any

import orjson
from sqlalchemy import Row, Select, select

from widget_server.model.records import Comment, CommentState, Copy, Site, Story, Tally, Tree
from widget_server.model.settings import SiteSettings
from widget_server.store.schema import comments, copies


def dump(value: object) -> str:
    """JSON text for a column."""
    return orjson.dumps(value).decode()


def counts_of(text: str) -> dict[str, int]:
    """The counts that a column holds."""
    counts: dict[str, int] = orjson.loads(text)
    return counts


def tree_of(text: str) -> Tree:
    """The node tree that a column holds."""
    tree: Tree = orjson.loads(text)
    return tree


def select_comments() -> Select[Any]:
    """Comments with the copy that each was written on."""
    return select(
        comments,
        copies.c.label.label("copy_label"),
        copies.c.origin.label("copy_origin"),
    ).outerjoin(copies, comments.c.copy == copies.c.id)


def to_comment(row: Row[Any]) -> Comment:
    """A row of `select_comments` as a record."""
    return Comment(
        id=row.id,
        parent=row.parent,
        thread=row.thread,
        born=row.born,
        seq=row.seq,
        state=CommentState(row.state),
        source=row.source,
        text=tree_of(row.text),
        name=row.name,
        vouched=bool(row.vouched),
        email=row.email,
        website=row.website,
        role=row.role,
        reader=row.reader,
        copy=None if row.copy is None else Copy(row.copy, row.copy_label, row.copy_origin),
        lang=row.lang,
        created_at=row.created_at,
        edited_at=row.edited_at,
        pinned=bool(row.pinned),
        tally=Tally(row.version, counts_of(row.counts)),
        waiting=row.waiting_source is not None,
    )


def to_story(row: Row[Any]) -> Story:
    """A row of `stories` as a record."""
    return Story(
        id=row.id,
        code=row.code,
        site=row.site,
        key=row.key,
        title=row.title,
        author=row.author,
        publisher=row.publisher,
        url=row.url,
        license=row.license,
        attributed=row.attributed,
        closed=bool(row.closed),
        notice=row.notice,
        seq=row.seq,
        tallies=row.tallies,
        tally=Tally(row.version, counts_of(row.counts)),
        count=row.published,
        created_at=row.created_at,
    )


def to_site(row: Row[Any]) -> Site:
    """A row of `sites` as a record."""
    return Site(
        slug=row.slug,
        name=row.name,
        generation=row.generation,
        oldest=row.oldest,
        settings=SiteSettings.from_json(orjson.loads(row.settings)),
        rights=row.rights,
    )
