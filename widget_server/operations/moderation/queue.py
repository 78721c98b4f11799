"""The queues of cases, one case after the other."""

import itertools
from dataclasses import dataclass

from widget_server.auth.permissions import allowed, require
from widget_server.model.actors import Actor
from widget_server.model.decisions import QUEUES, Case, Queue
from widget_server.model.errors import MalformedError
from widget_server.operations.moderation.cases import cursor_of, open_cases
from widget_server.operations.moderation.discussion import Context, context_of
from widget_server.operations.services import Services
from widget_server.store.queries.decisions import CaseCursor

__all__ = ["CaseCursor", "QueuePage", "show_queue"]

SHOWN = 6
"""The case to decide about and the next ones."""


@dataclass(frozen=True, slots=True)
class QueuePage:
    """The first case of a queue after a place, and what comes next."""

    queue: Queue
    counts: dict[str, tuple[int, int]]
    """Number of open cases and time of the oldest, by queue; without empty queues."""
    case: Case | None
    context: Context | None
    next: list[tuple[CaseCursor, Case]]
    """The next cases, each with the cursor of the case before it."""

    @property
    def total(self) -> int:
        """Open cases of the queue."""
        return self.counts.get(self.queue, (0, 0))[0]


async def show_queue(
    services: Services,
    by: Actor,
    site: str,
    queue: str = "",
    *,
    after: CaseCursor | None = None,
) -> QueuePage:
    """Return the first case of a queue after `after`: three SQL statements.

    Without `queue` it is the first one in which something waits. Raises `NotPermittedError`, and
    `MalformedError` for an unknown queue.
    """
    require(by, "read", site)
    counts = await services.owner_comments.queue_counts(site, by.copies)
    if not allowed(by, "read_reports", site):
        counts.pop("reported", None)
    order: tuple[Queue, ...] = ("reported", "pending", "held", "edits")
    named = [name for name in QUEUES if name == queue]
    if queue and not named:
        raise MalformedError(f"Name one of these queues: {', '.join(QUEUES)}.")
    visible = order if allowed(by, "read_reports", site) else order[1:]
    chosen = [*named, *(name for name in visible if name in counts), visible[0]][0]
    found = await open_cases(services, by, site, chosen, after=after, limit=SHOWN)
    if not found:
        return QueuePage(chosen, counts, None, None, [])
    context = await context_of(services, by, site, found[0].comment)
    following = [(cursor_of(before), case) for before, case in itertools.pairwise(found)]
    return QueuePage(chosen, counts, found[0], context, following)
