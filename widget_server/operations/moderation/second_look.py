"""The blind second look: one in N decisions goes to another person, who is not told the first one.

It changes nothing about the comment. It says how often two people of the site decide alike.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from widget_server.auth.permissions import require
from widget_server.model.actors import Actor
from widget_server.model.decisions import CommentVerb, Decided, Queue
from widget_server.model.errors import CaseClosedError
from widget_server.model.queue import Context
from widget_server.model.records import Comment, CommentState
from widget_server.operations.moderation.cases import visible_context, with_kept_words
from widget_server.operations.services import Services
from widget_server.store.queries.second_looks import (
    answer_second_look,
    delete_old_looks,
    drop_second_looks,
    put_second_look,
)

LOOKED_AT: tuple[CommentVerb, ...] = ("approve", "reject", "remove", "spam")
"""Decisions that say whether a comment is to stay. `hold` leaves it open."""
SHOWN_MS = 30 * 86_400_000
KEPT_MS = 90 * 86_400_000


@dataclass(frozen=True, slots=True)
class SecondLook:
    """A comment to decide about again, as if it were the first time."""

    decision: str
    """Id of the first decision, which names the look."""
    story: str
    comment: Comment
    context: Context
    """Without earlier decisions."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often the second person decided as the first one, in the last 30 days."""

    agreed: int
    looked: int


async def put_aside(
    services: Services, by: Actor, verb: CommentVerb, decided: Decided, queue: Queue | None
) -> None:
    """Let one in N decisions of people wait for a second look, by the site's setting."""
    entry, comment = decided.decision, decided.comment
    if entry is None or comment is None or verb not in LOOKED_AT or by.kind != "account":
        return
    known = await services.cache.site(decided.story.site)
    each = 0 if known is None else known.site.settings.second_look
    if queue in ("edits", "appeals") or not each or not _is_drawn(entry.id, each):
        return
    await services.writer.run_in_transaction(
        put_second_look(
            decision=entry.id,
            site=decided.story.site,
            comment=comment.id,
            by=_name(by),
            stays=verb == "approve",
            at=entry.at,
        )
    )


async def drop_undone(services: Services, undone: Sequence[str]) -> None:
    """Let no one look at decisions that were undone."""
    if undone:
        await services.writer.run_in_transaction(drop_second_looks(undone))


async def next_look(services: Services, by: Actor, site: str) -> SecondLook | None:
    """Return what this person is to look at next, or None. Raises `NotPermittedError`."""
    require(by, "second_look", site)
    require(by, "read_kept_text", site)
    found = await services.second_looks.waiting(site, _name(by), 1)
    if not found:
        return None
    (one,) = found
    comment = one.comment
    if comment.state == CommentState.REMOVED and one.sealed is not None:
        comment = with_kept_words(services, comment, one.sealed)
    # As it was before the first decision, whatever that was.
    comment = replace(comment, state=CommentState.PUBLISHED)
    contexts = await services.queue.contexts([comment])
    context = visible_context(by, site, contexts[comment.id], removed=False)
    return SecondLook(one.decision, one.story, comment, replace(context, decisions=[], writer={}))


async def answer_look(
    services: Services, by: Actor, site: str, decision: str, *, stays: bool
) -> None:
    """Store what the second person would have decided.

    Raises `NotPermittedError`, `CaseClosedError` if it was answered meanwhile, or is the actor's own decision.
    """
    require(by, "second_look", site)
    done = await services.writer.run_in_transaction(
        answer_second_look(site, decision, _name(by), stays, services.now_ms())
    )
    if not done:
        raise CaseClosedError


async def agreement(services: Services, by: Actor, site: str) -> Agreement:
    """Return how often two people decided alike. Raises `NotPermittedError`."""
    require(by, "read_numbers", site)
    agreed, looked = await services.second_looks.agreement(site, services.now_ms() - SHOWN_MS)
    return Agreement(agreed, looked)


async def forget_old_looks(services: Services) -> int:
    """Delete second looks at decisions of more than 90 days ago. Return their number."""
    number: int = await services.writer.run_in_transaction(
        delete_old_looks(services.now_ms() - KEPT_MS)
    )
    return number


def _is_drawn(decision: str, each: int) -> bool:
    """Return whether a decision is one of those that are looked at again: one in `each`, by its random id."""
    return int(hashlib.sha256(decision.encode()).hexdigest()[:12], 16) % each == 0


def _name(by: Actor) -> str:
    return f"{by.kind}:{by.id}"[:120]
