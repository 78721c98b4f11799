"""Write sessions of people who signed in: transaction functions."""

from sqlalchemy import delete, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.people import Session
from widget_server.store.schema_people import (
    accounts,
    invitations,
    sessions,
)
from widget_server.store.transactions import TransactionFn


def insert_session(session: Session) -> TransactionFn[None]:
    """Add a session, note when the account was last here, and delete sessions that ended long ago."""

    async def run(connection: AsyncConnection) -> None:
        await connection.execute(delete(sessions).where(sessions.c.until < session.made_at))
        row = {name: getattr(session, name) for name in session.__slots__}
        await connection.execute(insert(sessions).values(**row))
        await connection.execute(
            update(accounts).where(accounts.c.id == session.account).values(last_at=session.made_at)
        )

    return run


def touch_session(session: Session, now: int, *, strong: bool = False) -> TransactionFn[None]:
    """Note that a session was used; with `strong`, that the person proved again who they are."""

    async def run(connection: AsyncConnection) -> None:
        values = {"seen_at": now} | ({"strong_at": now} if strong else {})
        await connection.execute(
            update(sessions).where(sessions.c.hash == session.hash).values(**values)
        )
        await connection.execute(
            update(accounts).where(accounts.c.id == session.account).values(last_at=now)
        )

    return run


def end_session(account: str, hash_of_secret: str) -> TransactionFn[bool]:
    """End one session of an account. Result: False if there is none."""

    async def run(connection: AsyncConnection) -> bool:
        own = (sessions.c.account == account) & (sessions.c.hash == hash_of_secret)
        return (await connection.execute(delete(sessions).where(own))).rowcount > 0

    return run


def end_sessions(account: str, *, but: str = "") -> TransactionFn[int]:
    """End the sessions of an account but the one with the hash `but`. Result: their number."""

    async def run(connection: AsyncConnection) -> int:
        others = (sessions.c.account == account) & (sessions.c.hash != but)
        return (await connection.execute(delete(sessions).where(others))).rowcount

    return run


def delete_ended(now: int) -> TransactionFn[int]:
    """Delete sessions and one-time links whose time is over at `now` (milliseconds). Result: their number."""

    async def run(connection: AsyncConnection) -> int:
        number = 0
        for table in (sessions, invitations):
            deleted = await connection.execute(delete(table).where(table.c.until < now))
            number += deleted.rowcount
        return number

    return run
