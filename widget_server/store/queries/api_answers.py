"""Reads and writes of the owner API's answers by idempotency key: transaction functions."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.store.schema_people import api_answers
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.bulk import insert_ignore


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """A stored answer: its status and its JSON, without what is shown once."""

    status: int
    body: str


Begun = StoredAnswer | Literal["begun", "running", "other"]


def begin(
    api_key: str, name: str, fingerprint: str, now: int, dead_since: int, expired_since: int
) -> TransactionFn[Begun]:
    """Note that a request is being done, or return what is known of it.

    Result: the stored answer; `begun` if it is to be done now, for the first time or because the process
    that did it died; `running` if another request is doing it; `other` if the name came with another
    request. Times are milliseconds since 1970.
    """

    async def run(connection: AsyncConnection) -> Begun:
        own = (api_answers.c.api_key == api_key) & (api_answers.c.name == name)
        await connection.execute(
            delete(api_answers).where(own & (api_answers.c.created_at < expired_since))
        )
        row = {"api_key": api_key, "name": name, "fingerprint": fingerprint, "created_at": now}
        inserted = await connection.execute(
            insert_ignore(api_answers, connection.dialect)
            .values(**row)
            .returning(api_answers.c.name)
        )
        if inserted.scalar_one_or_none() is not None:
            return "begun"
        found = (await connection.execute(select(api_answers).where(own))).one()
        if found.fingerprint != fingerprint:
            return "other"
        if found.status is not None:
            return StoredAnswer(found.status, found.body)
        if found.created_at > dead_since:
            return "running"
        await connection.execute(update(api_answers).where(own).values(created_at=now))
        return "begun"

    return run


def finish(api_key: str, name: str, answer: StoredAnswer | None) -> TransactionFn[None]:
    """Store the answer of a request that `begin` noted; None: forget the request."""

    async def run(connection: AsyncConnection) -> None:
        own = (api_answers.c.api_key == api_key) & (api_answers.c.name == name)
        if answer is None:
            await connection.execute(delete(api_answers).where(own))
            return
        await connection.execute(
            update(api_answers).where(own).values(status=answer.status, body=answer.body)
        )

    return run


def delete_old(before: int) -> TransactionFn[int]:
    """Delete what was noted before a time in milliseconds. Result: the number of deleted rows."""

    async def run(connection: AsyncConnection) -> int:
        old = delete(api_answers).where(api_answers.c.created_at < before)
        return (await connection.execute(old)).rowcount

    return run
