"""Reads and writes of raids and of used proofs of work."""

from collections.abc import Sequence

from sqlalchemy import case, delete, desc, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.decisions import Decision
from widget_server.model.raids import Raid
from widget_server.model.records import CommentState
from widget_server.store.engine import Database, read_transaction
from widget_server.store.schema import comments, reactions, sites, stories
from widget_server.store.schema_raids import flood_levels, raids, used_proofs
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.bulk import insert_ignore
from widget_server.store.writing.floods import raid_row, to_raid
from widget_server.store.writing.site_log import append_site_decision

PROOFS_KEPT_MS = 86_400_000
"""For so long a used proof is remembered. It is valid for minutes; its reader is not asked again for an hour."""
RAIDS_KEPT_MS = 90 * 86_400_000
"""For so long a raid that is over is remembered, for the numbers."""


class Raids:
    """Reads of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def past(
        self, connection: AsyncConnection, site: str, since: int, limit: int
    ) -> list[Raid]:
        """Return the raids that were on after a time, also those that are on, the newest first."""
        rows = await connection.execute(
            select(raids, stories.c.code)
            .outerjoin(stories, stories.c.id == raids.c.story)
            .where(raids.c.site == site, raids.c.until > since)
            .order_by(desc(raids.c.began_at), raids.c.id)
            .limit(limit)
        )
        return [to_raid(row) for row in rows]

    @read_transaction
    async def reactions_in(
        self, connection: AsyncConnection, found: Sequence[Raid], now: int
    ) -> list[tuple[int, int]]:
        """Return for each raid the reactions to its stories while it was on, and how many are of known readers.

        A reader is known who reacted or commented on the site before the raid began.
        """
        counted = []
        for raid in found:
            end = min(now, raid.until if raid.ended_at is None else raid.ended_at)
            earlier, wrote = reactions.alias("earlier"), comments.alias("wrote")
            known = or_(
                exists().where(
                    earlier.c.reader == reactions.c.reader, earlier.c.at < raid.began_at
                ),
                exists().where(
                    wrote.c.reader == reactions.c.reader, wrote.c.created_at < raid.began_at
                ),
            )
            where = [stories.c.site == raid.site, reactions.c.at.between(raid.began_at, end)]
            if raid.story is not None:
                where.append(stories.c.code == raid.story)
            rows = await connection.execute(
                select(func.count(), func.coalesce(func.sum(case((known, 1), else_=0)), 0))
                .select_from(reactions.join(stories, stories.c.id == reactions.c.story))
                .where(*where)
            )
            number, of_known = rows.one()
            counted.append((int(number), int(of_known)))
        return counted

    @read_transaction
    async def find(self, connection: AsyncConnection, site: str, raid: str) -> Raid | None:
        """Return a raid of the site by its id, or None."""
        rows = await connection.execute(
            select(raids, stories.c.code)
            .outerjoin(stories, stories.c.id == raids.c.story)
            .where(raids.c.site == site, raids.c.id == raid)
        )
        row = rows.one_or_none()
        return None if row is None else to_raid(row)

    @read_transaction
    async def wrote_before(self, connection: AsyncConnection, reader: str, before: int) -> bool:
        """Return whether a comment that the reader wrote before a time (milliseconds) is published."""
        found = await connection.execute(
            select(comments.c.id)
            .where(
                comments.c.reader == reader,
                comments.c.state == CommentState.PUBLISHED.value,
                comments.c.created_at < before,
            )
            .limit(1)
        )
        return found.first() is not None

    @read_transaction
    async def passed(self, connection: AsyncConnection, readers: Sequence[str], since: int) -> bool:
        """Return whether a proof of a reader was accepted since a time. `readers` are hashes of the reader."""
        found = await connection.execute(
            select(used_proofs.c.at)
            .where(used_proofs.c.reader.in_(readers), used_proofs.c.at >= since)
            .limit(1)
        )
        return found.first() is not None


def use_proof(challenge: str, site: str, reader: str, draft: str, at: int) -> TransactionFn[bool]:
    """Mark a proof as used. Result: False if another comment used it before.

    `reader` and `draft` are hashes. The same comment of the same reader may use it again.
    """

    async def run(connection: AsyncConnection) -> bool:
        row = {"challenge": challenge, "site": site, "reader": reader, "draft": draft, "at": at}
        await connection.execute(insert_ignore(used_proofs, connection.dialect), row)
        found = await connection.execute(
            select(used_proofs.c.reader, used_proofs.c.draft).where(
                used_proofs.c.challenge == challenge
            )
        )
        by, of = found.one()
        return bool((by, of) == (reader, draft))

    return run


def go_on(site: str, raid: str, until: int) -> TransactionFn[None]:
    """Keep a raid on until a time, because comments that are not stored show that it goes on."""

    async def run(connection: AsyncConnection) -> None:
        await _bump(connection, site)
        own = (raids.c.id == raid) & (raids.c.until < until) & raids.c.ended_at.is_(None)
        await connection.execute(update(raids).where(own).values(until=until))

    return run


def put_raid(raid: Raid, story: int | None, decision: Decision) -> TransactionFn[bool]:
    """Store a raid that a person switched on. Result: False if it is stored already."""

    async def run(connection: AsyncConnection) -> bool:
        await _bump(connection, raid.site)
        row = insert_ignore(raids, connection.dialect).values(raid_row(raid, story))
        added = (await connection.execute(row.returning(raids.c.id))).first() is not None
        if added:
            await append_site_decision(connection, raid.site, decision)
        return added

    return run


def end_raid(site: str, raid: str, at: int, decision: Decision) -> TransactionFn[bool]:
    """End a raid that is on. Result: False if it is over."""

    async def run(connection: AsyncConnection) -> bool:
        await _bump(connection, site)
        own = (raids.c.site == site) & (raids.c.id == raid)
        is_on = raids.c.ended_at.is_(None) & (raids.c.until > at)
        ended = await connection.execute(update(raids).where(own & is_on).values(ended_at=at))
        if ended.rowcount > 0:
            await append_site_decision(connection, site, decision)
        return ended.rowcount > 0

    return run


def reopen_raid(site: str, raid: str, now: int, decision: Decision) -> TransactionFn[bool]:
    """Undo `end_raid`. Result: False if it was not ended, or would be over by now."""

    async def run(connection: AsyncConnection) -> bool:
        await _bump(connection, site)
        own = (raids.c.site == site) & (raids.c.id == raid) & raids.c.ended_at.is_not(None)
        goes_on = own & (raids.c.until > now)
        changed = await connection.execute(update(raids).where(goes_on).values(ended_at=None))
        if changed.rowcount > 0:
            await append_site_decision(connection, site, decision)
        return changed.rowcount > 0

    return run


def delete_old_raids(now: int) -> TransactionFn[None]:
    """Delete used proofs after a day, levels that hold nothing any more, and raids after 90 days."""

    async def run(connection: AsyncConnection) -> None:
        run = connection.execute
        await run(delete(used_proofs).where(used_proofs.c.at < now - PROOFS_KEPT_MS))
        await run(delete(flood_levels).where(flood_levels.c.full_at < now - PROOFS_KEPT_MS))
        await run(delete(raids).where(raids.c.until < now - RAIDS_KEPT_MS))

    return run


async def _bump(connection: AsyncConnection, site: str) -> None:
    """Increment `rights`, so that every process reads the site's raids again."""
    own = update(sites).where(sites.c.slug == site)
    await connection.execute(own.values(rights=sites.c.rights + 1))
