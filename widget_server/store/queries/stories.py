"""Add stories and record their copies."""

from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.claims import Attribution
from widget_server.model.clock import now_ms
from widget_server.model.records import Copy
from widget_server.store.mapping import dump
from widget_server.store.schema import copies, stories
from widget_server.store.transactions import TransactionFn, insert_into

#: Copies remembered for one story; a token for any page could otherwise fill the disk.
MAX_COPIES = 2_000


def insert_story(
    code: str, site: str, key: str, iat: int, attribution: Attribution, counts: dict[str, int]
) -> TransactionFn[int]:
    """Make a story known by its first valid token; answers its id. Safe to run by several."""

    async def run(connection: AsyncConnection) -> int:
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
            "created_at": now_ms(),
        }
        await connection.execute(
            insert_into(connection, stories).values(row).on_conflict_do_nothing()
        )
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
) -> TransactionFn[Copy | None]:
    """Note that a copy is being read, or acted on (`used`), and answer it.

    Of a story's copies that are all remembered one gives its place up that was never acted on, the
    one that was seen longest ago; None when there is no such one.
    """

    async def run(connection: AsyncConnection) -> Copy | None:
        at = now_ms()
        own = (copies.c.story == story) & (copies.c.jti == jti) & (copies.c.origin == origin)
        changed: dict[str, Any] = {"label": label, "lang": lang, "listed": listed, "last_seen": at}
        if page is not None:
            changed["page"] = page
        if used:
            changed["used"] = True
        seen = await connection.execute(
            update(copies).where(own).values(changed).returning(copies.c.id)
        )
        known = seen.scalar_one_or_none()
        if known is None:
            if not await _has_place(connection, story):
                return None
            about = {"story": story, "jti": jti, "origin": origin, "first_seen": at}
            row = {**about, "used": False, **changed}
            await connection.execute(
                insert_into(connection, copies).values(row).on_conflict_do_nothing()
            )
            known = (await connection.execute(select(copies.c.id).where(own))).scalar_one()
        return Copy(int(known), label, origin)

    return run


async def _has_place(connection: AsyncConnection, story: int) -> bool:
    """Whether the story may have another copy, for which one that no one acted on may have to go."""
    total = await connection.execute(
        select(func.count()).select_from(copies).where(copies.c.story == story)
    )
    if total.scalar_one() < MAX_COPIES:
        return True
    unused = select(copies.c.id).where(copies.c.story == story, ~copies.c.used)
    oldest = unused.order_by(copies.c.last_seen, copies.c.id).limit(1).scalar_subquery()
    gone = await connection.execute(delete(copies).where(copies.c.id == oldest))
    return gone.rowcount == 1
