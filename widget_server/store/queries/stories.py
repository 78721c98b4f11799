"""Writes of stories and of their copies."""

from typing import Any

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.claims import Attribution
from widget_server.model.clock import now_ms
from widget_server.model.records import Copy
from widget_server.store.mapping import dump
from widget_server.store.queries.older_copies import forget_if_moved
from widget_server.store.queries.page_facts import schedule_look
from widget_server.store.schema import copies, rules, stories
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.bulk import insert_ignore

MAX_COPIES = 2_000
"""Copies recorded for one story. Without a limit, a token for any page could fill the disk."""


def insert_story(
    code: str, site: str, key: str, iat: int, attribution: Attribution, counts: dict[str, int]
) -> TransactionFn[int]:
    """Add a story, with its first token's attribution. Result: its id.

    If the story exists already, nothing changes. Several processes may run this at once.
    """

    async def run(connection: AsyncConnection) -> int:
        at = now_ms()
        row = {
            "code": code,
            "site": site,
            "key": key,
            "title": attribution.title,
            "author": attribution.author,
            "publisher": attribution.publisher,
            "url": attribution.url,
            "license": attribution.license,
            "attributed": iat,
            "closed": False,
            "notice": None,
            "seq": 0,
            "tallies": 0,
            "version": 0,
            "counts": dump(counts),
            "published": 0,
            "created_at": at,
            "changed_at": at,
            "closes_at": None,
            "settings": None,
            "translations": None,
            "corrections": None,
        }
        await connection.execute(insert_ignore(stories, connection.dialect).values(row))
        found = await connection.execute(select(stories.c.id).where(stories.c.code == code))
        return int(found.scalar_one())

    return run


def record_copy(
    story: int,
    jti: str,
    origin: str,
    label: str | None,
    lang: str | None,
    page: str | None,
    *,
    used: bool = False,
    listed: bool = False,
    look: bool = False,
    generation: int | None = None,
    handle: str | None = None,
    evict: bool = True,
    look_again: bool = False,
) -> TransactionFn[Copy | None]:
    """Record that a copy was seen, or that an action was sent from it (`used`). Result: the copy.

    With `look`, also schedule a look at its page, unless that was done before; with `look_again` also if the page may have
    another version of the story's text by now. `generation` is the
    generation of the key that signed its token, `handle` the end of that token.

    If the story has `MAX_COPIES` copies, the new one replaces the unused copy that was seen longest
    ago. Result: None if every recorded copy was used, or without `evict`.
    """

    async def run(connection: AsyncConnection) -> Copy | None:
        at = now_ms()
        own = (copies.c.story == story) & (copies.c.jti == jti) & (copies.c.origin == origin)
        changed: dict[str, Any] = {"label": label, "lang": lang, "listed": listed, "last_seen": at}
        if page is not None:
            changed["page"] = page
            await forget_if_moved(connection, own, page)
        if generation is not None:
            changed["generation"] = generation
        if handle is not None:
            changed["handle"] = handle
        if used:
            changed["used"] = True
        updated = await connection.execute(
            update(copies).where(own).values(changed).returning(copies.c.id)
        )
        copy_id = updated.scalar_one_or_none()
        if copy_id is None:
            if not await _make_room(connection, story, evict=evict):
                return None
            key = {"story": story, "jti": jti, "origin": origin, "first_seen": at}
            row = {**key, "used": False, **changed}
            await connection.execute(insert_ignore(copies, connection.dialect).values(row))
            copy_id = (await connection.execute(select(copies.c.id).where(own))).scalar_one()
        if look and page is not None:
            await schedule_look(connection, int(copy_id), page, at, again=look_again)
        return Copy(int(copy_id), label, origin)

    return run


async def _make_room(connection: AsyncConnection, story: int, *, evict: bool) -> bool:
    """Return whether the story can have another copy. With `evict`, delete its oldest unused copy if need be."""
    total = await connection.execute(
        select(func.count()).select_from(copies).where(copies.c.story == story)
    )
    if total.scalar_one() < MAX_COPIES:
        return True
    if not evict:
        return False
    has_rule = exists().where(rules.c.copy == copies.c.id)
    unused = select(copies.c.id).where(copies.c.story == story, ~copies.c.used, ~has_rule)
    oldest = unused.order_by(copies.c.last_seen, copies.c.id).limit(1).scalar_subquery()
    deleted = await connection.execute(delete(copies).where(copies.c.id == oldest))
    return deleted.rowcount == 1
