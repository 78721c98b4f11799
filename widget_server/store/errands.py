"""Writes beside the discussion itself: stories and copies made known, sites, keys, revocations.

An errand is a coroutine that is given the writer's connection; it shares the batch's transaction
with the deeds and runs before them.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.claims import Attribution
from widget_server.model.errors import NotFoundError, UnavailableError
from widget_server.model.records import Copy, Site
from widget_server.store.damage import RowDamagedError, record_damaged_row
from widget_server.store.rows import dump, to_site
from widget_server.store.schema import copies, identities, revoked, shut_out, sites, stories

T = TypeVar("T")
TransactionFn = Callable[[AsyncConnection], Awaitable[T]]

#: Copies remembered for one story; a token for any page could otherwise fill the disk.
MAX_COPIES = 2_000


def now_ms() -> int:
    """Milliseconds since 1970 in UTC."""
    return time.time_ns() // 1_000_000


def insert_into(connection: AsyncConnection, table: Any) -> Any:
    """An `INSERT` of this dialect, which can pass over rows that are there already."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table)


async def acquire_writer_lock(connection: AsyncConnection) -> None:
    """Let one transaction with errands run at a time, in all processes on one database.

    Errands lock rows in the order in which readers came, which two processes do not share. SQLite
    has one writer anyway.
    """
    if connection.dialect.name != "sqlite":
        await connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7206319443)")


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
) -> TransactionFn[Copy | None]:
    """Note that a copy is being read, or acted on (`used`), and answer it.

    Of a story's copies that are all remembered one gives its place up that was never acted on, the
    one that was seen longest ago; None when there is no such one.
    """

    async def run(connection: AsyncConnection) -> Copy | None:
        at = now_ms()
        own = (copies.c.story == story) & (copies.c.jti == jti) & (copies.c.origin == origin)
        changed: dict[str, Any] = {"label": label, "lang": lang, "last_seen": at}
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
    """Whether the story may have another copy, for which one that nobody acted on may have to go."""
    total = await connection.execute(
        select(func.count()).select_from(copies).where(copies.c.story == story)
    )
    if total.scalar_one() < MAX_COPIES:
        return True
    unused = select(copies.c.id).where(copies.c.story == story, ~copies.c.used)
    oldest = unused.order_by(copies.c.last_seen, copies.c.id).limit(1).scalar_subquery()
    gone = await connection.execute(delete(copies).where(copies.c.id == oldest))
    return gone.rowcount == 1


def consume_identity_token(site: str, jti: str, exp: int, now: int) -> TransactionFn[bool]:
    """Take an identity token's `jti`, once; False when it was taken before. Times in seconds."""

    async def run(connection: AsyncConnection) -> bool:
        await connection.execute(delete(identities).where(identities.c.exp < now - 3600))
        taken = await connection.execute(
            insert_into(connection, identities)
            .values(site=site, jti=jti, exp=exp)
            .on_conflict_do_nothing()
            .returning(identities.c.jti)
        )
        return taken.scalar_one_or_none() is not None

    return run


def insert_site(site: Site) -> TransactionFn[bool]:
    """Add a site; False when the slug is taken."""

    async def run(connection: AsyncConnection) -> bool:
        row = _site_row(site) | {"created_at": now_ms()}
        new = insert_into(connection, sites).values(row).on_conflict_do_nothing()
        made = await connection.execute(new.returning(sites.c.slug))
        return made.scalar_one_or_none() is not None

    return run


def update_site(slug: str, change: Callable[[Site], Site]) -> TransactionFn[Site]:
    """Change a site under its lock; every story of it moves on by one `seq`, so that pages see it.

    `change` must not raise: it runs inside the transaction of others. Refuses with `NotFound`.
    """

    async def run(connection: AsyncConnection) -> Site:
        found = await connection.execute(
            select(sites).where(sites.c.slug == slug).with_for_update(key_share=True)
        )
        row = found.one_or_none()
        if row is None:
            raise NotFoundError(f"There is no site “{slug}”. `widget-server site list` shows them.")
        try:
            before = to_site(row)
        except RowDamagedError as damage:
            record_damaged_row(damage)
            raise UnavailableError("The site's row is damaged. Restore a backup.") from None
        site = change(before)
        values = _site_row(site) | {"rights": sites.c.rights + 1}
        await connection.execute(update(sites).where(sites.c.slug == slug).values(values))
        if site.settings != before.settings:
            of_site = update(stories).where(stories.c.site == slug)
            await connection.execute(of_site.values(seq=stories.c.seq + 1))
        return site

    return run


def revoke_token(site: str, jti: str) -> TransactionFn[None]:
    """Withdraw a widget token by its handle."""

    async def run(connection: AsyncConnection) -> None:
        await _bump_permissions_version(connection, site)
        row = {"site": site, "jti": jti, "at": now_ms()}
        await connection.execute(
            insert_into(connection, revoked).values(row).on_conflict_do_nothing()
        )

    return run


def shut_out_origin(site: str, origin: str, story: str) -> TransactionFn[None]:
    """Let the pages of an origin in no more: to one story (its code), or to all ("")."""

    async def run(connection: AsyncConnection) -> None:
        await _bump_permissions_version(connection, site)
        row = {"site": site, "origin": origin, "story": story, "at": now_ms()}
        await connection.execute(
            insert_into(connection, shut_out).values(row).on_conflict_do_nothing()
        )

    return run


def readmit_origin(site: str, origin: str, story: str) -> TransactionFn[bool]:
    """Take `shut_origin_out` back; False where there is nothing to take back."""

    async def run(connection: AsyncConnection) -> bool:
        await _bump_permissions_version(connection, site)
        own = (shut_out.c.site == site) & (shut_out.c.origin == origin)
        gone = await connection.execute(delete(shut_out).where(own & (shut_out.c.story == story)))
        return gone.rowcount > 0

    return run


async def _bump_permissions_version(connection: AsyncConnection, site: str) -> None:
    """Let every process look at its open sockets of this site again."""
    changed = update(sites).where(sites.c.slug == site)
    await connection.execute(changed.values(rights=sites.c.rights + 1))


def _site_row(site: Site) -> dict[str, Any]:
    return {
        "slug": site.slug,
        "name": site.name,
        "generation": site.generation,
        "oldest": site.oldest,
        "settings": dump(site.settings.to_json()),
    }
