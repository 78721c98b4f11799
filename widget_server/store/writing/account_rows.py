"""Write accounts, passkeys and recovery codes: transaction functions."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.people import Passkey
from widget_server.store.schema_people import (
    accounts,
    api_keys,
    invitations,
    passkeys,
    recovery_codes,
    sessions,
)
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.bulk import insert_ignore

BURNED_MS = 3_600_000
"""How long the challenge of a passkey stays stored as used."""


def insert_account(**values: Any) -> TransactionFn[bool]:
    """Add an account. Result: False if its address belongs to another account."""

    async def run(connection: AsyncConnection) -> bool:
        row = insert_ignore(accounts, connection.dialect).values(**values)
        found = await connection.execute(row.returning(accounts.c.id))
        return found.scalar_one_or_none() is not None

    return run


def update_account(account: str, **values: Any) -> TransactionFn[bool]:
    """Change columns of an account. Result: False if there is none, or its new address is another's."""

    async def run(connection: AsyncConnection) -> bool:
        if values.get("email_hash") is not None:
            taken = await connection.execute(
                select(accounts.c.id).where(
                    (accounts.c.email_hash == values["email_hash"]) & (accounts.c.id != account)
                )
            )
            if taken.first() is not None:
                return False
        changed = await connection.execute(
            update(accounts).where(accounts.c.id == account).values(**values)
        )
        return changed.rowcount > 0

    return run


def disable_account(account: str, now: int) -> TransactionFn[None]:
    """Disable an account, end its sessions and its API keys, and void its links."""

    async def run(connection: AsyncConnection) -> None:
        await connection.execute(
            update(accounts).where(accounts.c.id == account).values(disabled_at=now)
        )
        await connection.execute(delete(sessions).where(sessions.c.account == account))
        await connection.execute(
            update(api_keys)
            .where((api_keys.c.by == account) & api_keys.c.ended_at.is_(None))
            .values(ended_at=now)
        )
        await connection.execute(
            delete(invitations).where(
                (invitations.c.account == account) | (invitations.c.by == account)
            )
        )

    return run


def insert_passkey(passkey: Passkey) -> TransactionFn[bool]:
    """Add a passkey. Result: False if it is known already."""

    async def run(connection: AsyncConnection) -> bool:
        row = {name: getattr(passkey, name) for name in passkey.__slots__}
        added = insert_ignore(passkeys, connection.dialect).values(**row)
        found = await connection.execute(added.returning(passkeys.c.id))
        return found.scalar_one_or_none() is not None

    return run


def use_passkey(
    passkey: str, before: int, sign_count: int, challenge: str, now: int
) -> TransactionFn[bool]:
    """Store a passkey's new counter, and burn the challenge.

    Result: False if the challenge was used before, or another sign-in changed the counter since.
    """

    async def run(connection: AsyncConnection) -> bool:
        # Kept longer than a challenge can be answered: `delete_ended` must not revive it.
        until = now + BURNED_MS
        burned = {"hash": challenge, "kind": "ticket", "created_at": now, "until": until}
        added = insert_ignore(invitations, connection.dialect).values(**burned, used_at=now)
        fresh = await connection.execute(added.returning(invitations.c.hash))
        if fresh.scalar_one_or_none() is None:
            return False
        own = (passkeys.c.id == passkey) & (passkeys.c.sign_count == before)
        changed = await connection.execute(
            update(passkeys).where(own).values(sign_count=sign_count, last_at=now)
        )
        return changed.rowcount > 0

    return run


def delete_passkey(account: str, passkey: str) -> TransactionFn[bool]:
    """Remove a passkey of an account. Result: False if there is none."""

    async def run(connection: AsyncConnection) -> bool:
        own = (passkeys.c.account == account) & (passkeys.c.id == passkey)
        return (await connection.execute(delete(passkeys).where(own))).rowcount > 0

    return run


def replace_codes(account: str, hashes: Sequence[str]) -> TransactionFn[None]:
    """Replace the recovery codes of an account."""

    async def run(connection: AsyncConnection) -> None:
        await connection.execute(delete(recovery_codes).where(recovery_codes.c.account == account))
        await connection.execute(
            insert(recovery_codes), [{"account": account, "hash": one} for one in hashes]
        )

    return run


def use_code(account: str, hash_of_code: str, now: int) -> TransactionFn[bool]:
    """Use up a recovery code. Result: False if there is no unused one with this hash."""

    async def run(connection: AsyncConnection) -> bool:
        own = (
            (recovery_codes.c.account == account)
            & (recovery_codes.c.hash == hash_of_code)
            & recovery_codes.c.used_at.is_(None)
        )
        changed = await connection.execute(update(recovery_codes).where(own).values(used_at=now))
        return changed.rowcount > 0

    return run
