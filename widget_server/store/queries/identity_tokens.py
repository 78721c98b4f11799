"""Identity tokens that were used: each is accepted once."""

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.store.schema import identities
from widget_server.store.transactions import TransactionFn, insert_into


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
