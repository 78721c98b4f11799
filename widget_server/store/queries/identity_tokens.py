"""Used identity tokens. Each token is accepted once."""

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.store.schema import identities
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.bulk import insert_ignore


def consume_identity_token(site: str, jti: str, exp: int) -> TransactionFn[bool]:
    """Mark an identity token as used. Result: False if it was used before. `exp` is in seconds."""

    async def run(connection: AsyncConnection) -> bool:
        inserted = await connection.execute(
            insert_ignore(identities, connection.dialect)
            .values(site=site, jti=jti, exp=exp)
            .returning(identities.c.jti)
        )
        return inserted.scalar_one_or_none() is not None

    return run


def delete_expired_identities(now: int) -> TransactionFn[None]:
    """Delete what is known of tokens that expired an hour before `now` (seconds) or earlier."""

    async def run(connection: AsyncConnection) -> None:
        await connection.execute(delete(identities).where(identities.c.exp < now - 3600))

    return run
