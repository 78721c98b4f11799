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


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request that is to be done now. `again`: an earlier attempt ended without an answer."""

    request: str
    again: bool


Begun = StoredAnswer | Attempt | Literal["running", "other"]

_RELEASED = "-"
"""Begins the `body` of a request that ended without an answer. The id of the request follows.

While a request is being done its `body` is the id, and `status` is null. What it changes is logged under
ids that follow from the id (`model.decisions.decision_id`): so another attempt finds what is done.
"""


def begin(
    api_key: str,
    name: str,
    fingerprint: str,
    new: str,
    now: int,
    dead_since: int,
    expired_since: int,
) -> TransactionFn[Begun]:
    """Note that a request is being done, or return what is known of it. `new` is an unused id.

    Result: the stored answer; an `Attempt` if it is to be done now, for the first time or because the
    process that did it died or failed; `running` if another request is doing it; `other` if the name
    came with another request. Times are milliseconds since 1970.
    """

    async def run(connection: AsyncConnection) -> Begun:
        own = (api_answers.c.api_key == api_key) & (api_answers.c.name == name)
        await connection.execute(
            delete(api_answers).where(own & (api_answers.c.created_at < expired_since))
        )
        row = {"fingerprint": fingerprint, "created_at": now, "body": new}
        inserted = await connection.execute(
            insert_ignore(api_answers, connection.dialect)
            .values(api_key=api_key, name=name, **row)
            .returning(api_answers.c.name)
        )
        if inserted.scalar_one_or_none() is not None:
            return Attempt(new, again=False)
        found = (await connection.execute(select(api_answers).where(own))).one()
        is_same, body = found.fingerprint == fingerprint, found.body or ""
        is_released = found.status is None and body.startswith(_RELEASED)
        if not is_same and not is_released:
            return "other"
        if found.status is not None:
            return StoredAnswer(found.status, body)
        if not is_released and found.created_at > dead_since:
            return "running"
        # A row of the version before has no id: what it did cannot be found.
        known = body.removeprefix(_RELEASED) if is_same else ""
        row["body"] = known or new
        await connection.execute(update(api_answers).where(own).values(**row))
        return Attempt(known or new, again=bool(known))

    return run


def finish(api_key: str, name: str, answer: StoredAnswer) -> TransactionFn[None]:
    """Store the answer of a request that `begin` noted."""

    async def run(connection: AsyncConnection) -> None:
        own = (api_answers.c.api_key == api_key) & (api_answers.c.name == name)
        await connection.execute(
            update(api_answers).where(own).values(status=answer.status, body=answer.body)
        )

    return run


def release(api_key: str, name: str, request: str) -> TransactionFn[None]:
    """Note that a request ended without an answer. It may be sent again, or another one with its name."""

    async def run(connection: AsyncConnection) -> None:
        own = (api_answers.c.api_key == api_key) & (api_answers.c.name == name)
        # Another attempt may have got an answer meanwhile.
        unanswered = own & api_answers.c.status.is_(None)
        await connection.execute(
            update(api_answers).where(unanswered).values(body=_RELEASED + request)
        )

    return run


def delete_old(before: int) -> TransactionFn[int]:
    """Delete what was noted before a time in milliseconds. Result: the number of deleted rows."""

    async def run(connection: AsyncConnection) -> int:
        old = delete(api_answers).where(api_answers.c.created_at < before)
        return (await connection.execute(old)).rowcount

    return run
