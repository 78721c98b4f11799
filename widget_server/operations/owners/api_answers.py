"""Answers of the owner API by idempotency key, so that a request that is sent again is done once."""

from dataclasses import dataclass
from typing import Literal

from widget_server.model.actors import Actor, Request
from widget_server.model.decisions import new_id
from widget_server.model.errors import MalformedError, StaleError
from widget_server.model.identifiers import IDEMPOTENCY_KEY
from widget_server.operations.services import Services
from widget_server.store.queries import api_answers
from widget_server.store.queries.api_answers import Attempt, StoredAnswer

__all__ = ["StoredAnswer"]

KEEP_MS = 24 * 3_600_000
"""How long an answer is kept."""
RUNNING_MS = 15_000
"""Time after which a request without an answer counts as dead with its process.

If it is not dead, only slow, no change is made twice: the log refuses the second one.
"""


@dataclass(frozen=True, slots=True)
class Begun:
    """A request that is to be done, or the answer that it got the first time."""

    request: Request
    answer: StoredAnswer | None


async def begin(services: Services, by: Actor, key: str, fingerprint: str) -> Begun:
    """Note that a request with this key is being done.

    `fingerprint` names path and body. Raises `MalformedError` for a key of a wrong shape, and `StaleError`
    if the key came with another request, or the same request is being done now.
    """
    if not IDEMPOTENCY_KEY.fullmatch(key):
        raise MalformedError(
            "Idempotency-Key has 8 to 64 letters, digits, - and _. A UUID will do."
        )
    now = services.now_ms()
    found: StoredAnswer | Attempt | Literal["running", "other"]
    found = await services.writer.run_in_transaction(
        api_answers.begin(by.id, key, fingerprint, new_id(), now, now - RUNNING_MS, now - KEEP_MS)
    )
    if found == "other":
        raise StaleError("This Idempotency-Key came with another request. Take a new one.")
    if found == "running":
        raise StaleError(
            "The same request is being done. Send it again in a moment.", retry_after=1
        )
    if isinstance(found, Attempt):
        return Begun(Request(found.request, found.again), None)
    return Begun(Request("", again=False), found)


async def finish(
    services: Services, by: Actor, key: str, request: Request, answer: StoredAnswer | None
) -> None:
    """Store the answer of a request; None: it was refused or failed, and may be sent again."""
    await services.writer.run_in_transaction(
        api_answers.release(by.id, key, request.id)
        if answer is None
        else api_answers.finish(by.id, key, answer)
    )


async def delete_old(services: Services) -> int:
    """Delete answers that are older than a day, and return their number. Run it every hour."""
    return await services.writer.run_in_transaction(
        api_answers.delete_old(services.now_ms() - KEEP_MS)
    )
