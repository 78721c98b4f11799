"""The queues of cases: read them, take cases so that no other person gets them, decide, give them back."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from widget_server.auth.permissions import allowed, require
from widget_server.model.actors import Actor, name_of
from widget_server.model.decisions import QUEUES, Case, CommentVerb, Decided
from widget_server.model.errors import (
    CaseClosedError,
    MalformedError,
    NotFoundError,
    NotPermittedError,
)
from widget_server.model.queue import (
    Card,
    CaseFilter,
    Context,
    QueueFacts,
    Watcher,
    is_harsh,
    mixed,
)
from widget_server.model.records import CommentState
from widget_server.operations.moderation import bans, evidence, hints
from widget_server.operations.moderation.cases import (
    completed,
    cursor_of,
    filter_of,
    hidden_queues,
    open_cases,
    readable_case,
    unseen_queues,
    visible_context,
)
from widget_server.operations.moderation.decide import decide
from widget_server.operations.moderation.new_comments import (
    cards_of_new,
    list_new,
    take_new,
    window_of,
)
from widget_server.operations.moderation.suspects import suspects_of
from widget_server.operations.services import Services
from widget_server.store.queries.case_leases import give_back, take_cases
from widget_server.store.queries.queue import CaseCursor

__all__ = [
    "CaseCursor",
    "CaseFilter",
    "QueuePage",
    "cursor_of",
    "filter_of",
    "show_queue",
]

DAY_MS = 86_400_000
SHOWN = 6
"""The case to decide about and the next ones."""
LOOKED_AT = (12, 50)
"""Cases from which those of other people are left out: at first, and if too few of them are free."""
MAX_TAKEN = 50
LEASE_S = 60
MAX_LEASE_S = 600
DECIDES: tuple[CommentVerb, ...] = ("approve", "remove", "reject", "hold", "spam", "uphold")
"""A person who may use one of these verbs can take cases."""


@dataclass(frozen=True, slots=True)
class QueuePage:
    """The first cases of a queue, and what waits elsewhere."""

    chosen: CaseFilter
    facts: QueueFacts
    card: Card | None
    next: list[Case] = field(default_factory=list)
    """The next cases, as they would come."""

    @property
    def counts(self) -> dict[str, tuple[int, int]]:
        """Number of open cases and time of the oldest, by queue; without empty queues."""
        return self.facts.counts

    @property
    def total(self) -> int:
        """Open cases of the queue, whatever the other filters; in `new`, comments up to `MAX_NEW_COUNTED`."""
        if self.chosen.queue == "new":
            return self.facts.new
        if self.chosen.queue == "mine":
            return self.facts.mine
        if self.chosen.queue == "corrections":
            return self.facts.hints
        if self.chosen.queue == "all":
            return sum(number for number, _ in self.counts.values())
        return self.counts.get(self.chosen.queue, (0, 0))[0]


def may_take(by: Actor, site: str) -> bool:
    """Return whether the actor may take cases on the site: whether they may decide anything there."""
    return any(allowed(by, verb, site) for verb in DECIDES)


async def show_queue(
    services: Services,
    by: Actor,
    site: str,
    chosen: CaseFilter | None = None,
    *,
    after: CaseCursor | None = None,
) -> QueuePage:
    """Return the first free case of a queue after `after`, as a card, and take it for the actor.

    Without `chosen` it is what was handed over to the actor, or the first queue in which something waits.
    The cases of others are left out. An actor who may only read sees all cases and takes none. Raises `NotPermittedError`.
    """
    require(by, "read", site)
    known: QueueFacts | None = None
    if chosen is None:
        known = await queue_facts(services, by, site)
        order = ["mine"] if known.mine else []
        order += [queue for queue in ("reported", *QUEUES) if queue in known.counts]
        visible = "reported" if allowed(by, "read_reports", site) else "pending"
        chosen = filter_of(order[0] if order else visible)
    if chosen.queue == "new":
        facts = known or await queue_facts(services, by, site)
        return await _show_new(services, by, site, chosen, facts, after)
    chosen = await completed(services, by, site, chosen)
    taken = await _first_lease(services, by, site, chosen, after)
    view = await _view(services, by, site, chosen, after, taken, known)
    first = _first_of(view.free, taken)
    if first is None:
        return QueuePage(chosen, view.facts, None)
    if not taken and may_take(by, site):
        taken = await _lease(services, by, site, chosen, 1, LEASE_S, only=[first.id])
    (card,) = await cards_of(services, by, site, [first], view.contexts)
    if taken:
        card = replace(card, leased_until=services.now_ms() + LEASE_S * 1000)
    following = [case for case in view.free if case.id != first.id]
    return QueuePage(chosen, view.facts, card, following[: SHOWN - 1])


@dataclass(frozen=True, slots=True)
class _View:
    """What waits, the first cases that are free for the actor, and what is known of some of them."""

    facts: QueueFacts
    free: list[Case]
    contexts: dict[str, Context]


async def _view(
    services: Services,
    by: Actor,
    site: str,
    chosen: CaseFilter,
    after: CaseCursor | None,
    taken: Collection[int],
    known: QueueFacts | None,
) -> _View:
    """Read the first cases of a queue, with the facts unless they are known: usually one transaction."""
    now = services.now_ms()
    free_of = partial(_free_for, by, site, now)
    facts, found, contexts = await services.queue.opened(
        site,
        chosen,
        now,
        after,
        LOOKED_AT[0],
        lambda cases: _first_of(free_of(cases), taken),
        None if known is not None else _watcher(by, now),
        hidden_queues(by, site, chosen),
        by.copies,
    )
    shown = free_of([readable_case(services, by, site, case) for case in found])
    if len(shown) < SHOWN and len(found) == LOOKED_AT[0]:
        found = await open_cases(services, by, site, chosen, after=after, limit=LOOKED_AT[1])
        shown = free_of(found)
    return _View(known or _visible_facts(by, site, facts or QueueFacts()), shown, contexts)


def _first_of(free: list[Case], taken: Collection[int]) -> Case | None:
    """Return the case to show: the first that was taken, else the first that is free."""
    return next((case for case in free if case.id in taken), next(iter(free), None))


async def _first_lease(
    services: Services, by: Actor, site: str, chosen: CaseFilter, after: CaseCursor | None
) -> list[int]:
    """Take the first free case of a queue, unless the actor looks further or may only read."""
    if after is not None or not may_take(by, site):
        return []
    return await _lease(services, by, site, chosen, 1, LEASE_S)


def _free_for(by: Actor, site: str, now: int, found: list[Case]) -> list[Case]:
    """Return the cases without those that another person has taken, or that were handed over to another.

    A person who takes no cases sees all.
    """
    if not may_take(by, site):
        return found
    own = name_of(by)
    return [
        case
        for case in found
        if (case.lease_until <= now or case.lease_by == own)
        and (case.handed is None or case.handed.until <= now or case.handed.to == own)
    ]


async def _show_new(
    services: Services,
    by: Actor,
    site: str,
    chosen: CaseFilter,
    facts: QueueFacts,
    after: CaseCursor | None,
) -> QueuePage:
    limit = SHOWN if after is None else SHOWN + LOOKED_AT[-1]
    found = await list_new(services, by, site, chosen, limit=limit)
    if after is not None:
        # The page of a form names the time only: of one millisecond it shows the first again.
        found = [case for case in found if case.comment.created_at > after[1]]
    first = await cards_of_new(services, by, site, found[:1])
    return QueuePage(chosen, facts, first[0] if first else None, found[1:SHOWN])


async def queue_facts(services: Services, by: Actor, site: str) -> QueueFacts:
    """Return what waits, who is at work, what cases can be filtered by, and the site's watch-lists.

    The numbers come from counters. Raises `NotPermittedError`.
    """
    require(by, "read", site)
    now = services.now_ms()
    facts = await services.queue.facts(site, now, by.copies, _watcher(by, now))
    return _visible_facts(by, site, facts)


def _watcher(by: Actor, now: int) -> Watcher:
    return Watcher(by.kind, by.id, now - now % DAY_MS, window_of(by, now))


def _visible_facts(by: Actor, site: str, facts: QueueFacts) -> QueueFacts:
    """Take from the facts those that the actor may not know, and return them."""
    unseen = unseen_queues(by, site)
    for queue in unseen:
        facts.counts.pop(queue, None)
    facts.at_work = [one for one in facts.at_work if one.queue not in unseen]
    if not allowed(by, "correct", site):
        facts.hints = 0
    return facts


async def count_open(services: Services, by: Actor, site: str) -> dict[str, int]:
    """Return how much waits by queue that the actor may see: one SQL statement.

    Hints are `corrections`; `mine` are those of the cases that were handed over to the actor. Empty queues may
    be left out. Raises `NotPermittedError`.
    """
    require(by, "read", site)
    person = (name_of(by), services.now_ms()) if allowed(by, "hand_over", site) else None
    found = await services.owner_comments.queue_counts(site, by.copies, person)
    unseen: list[str] = [*unseen_queues(by, site)]
    unseen += [] if allowed(by, "correct", site) else ["corrections"]
    return {queue: number for queue, number in found.items() if queue not in unseen}


async def count_hints(services: Services, by: Actor, site: str) -> int:
    """Return how many hints wait for the actor: 0 for those who may not correct stories."""
    return await hints.count(services, site) if allowed(by, "correct", site) else 0


async def queue_counts(services: Services, by: Actor, site: str) -> dict[str, tuple[int, int]]:
    """Return the number of open cases and the time of the oldest, by queue that the actor may see.

    The numbers come from counters. Raises `NotPermittedError`.
    """
    require(by, "read", site)
    counts = await services.queue.counts(site, by.copies)
    for queue in unseen_queues(by, site):
        counts.pop(queue, None)
    return counts


async def take(
    services: Services,
    by: Actor,
    site: str,
    chosen: CaseFilter,
    *,
    limit: int = 10,
    seconds: int = LEASE_S,
    skip: Sequence[int] = (),
    only: Sequence[int] | None = None,
    harsh_before: int = 0,
    looked: Sequence[str] = (),
) -> list[Card]:
    """Take the first free cases of a queue for the actor, and return them as cards.

    No other person gets them before `seconds` are over or they are given back. `skip` are cases that the
    actor has already; `only` names the cases to take, also to keep them longer. After three harsh cases
    comes a mild one if one waits; `harsh_before` is the number of harsh ones that the actor saw last. In the
    queue `new`, which has no cases, `looked` are comments to leave out. Raises `NotPermittedError`,
    `MalformedError`.
    """
    _require_may_take(by, site)
    if not 1 <= limit <= MAX_TAKEN or not 1 <= seconds <= MAX_LEASE_S:
        raise MalformedError(f"Take 1 to {MAX_TAKEN} cases, for 1 to {MAX_LEASE_S} seconds.")
    if chosen.queue == "new":
        return await take_new(services, by, site, chosen, skip=looked, limit=limit)
    now = services.now_ms()
    most = MAX_TAKEN if only is not None else limit
    ids = await _lease(services, by, site, chosen, most, seconds, skip=skip, only=only)
    found = await services.queue.named(site, ids, by.copies)
    if only is None and len(ids) == limit and found and all(map(is_harsh, found)):
        more, known = max(1, limit // 4), [*skip, *ids]
        milder = await _lease(services, by, site, chosen, more, seconds, skip=known, only_mild=True)
        found += await services.queue.named(site, milder, by.copies)
    found.sort(key=cursor_of)
    shown = [readable_case(services, by, site, case) for case in found]
    cards = await cards_of(services, by, site, shown)
    return mixed([replace(card, leased_until=now + seconds * 1000) for card in cards], harsh_before)


async def keep(
    services: Services, by: Actor, site: str, cases: Sequence[int], *, seconds: int = LEASE_S
) -> list[int]:
    """Keep cases longer, and return those that are still open and the actor's.

    Raises `NotPermittedError`, `MalformedError`.
    """
    _require_may_take(by, site)
    if not 1 <= seconds <= MAX_LEASE_S or len(cases) > MAX_TAKEN:
        raise MalformedError(f"Keep up to {MAX_TAKEN} cases, for 1 to {MAX_LEASE_S} seconds.")
    return await _lease(services, by, site, filter_of(), MAX_TAKEN, seconds, only=cases)


async def _lease(
    services: Services,
    by: Actor,
    site: str,
    chosen: CaseFilter,
    limit: int,
    seconds: int,
    *,
    skip: Sequence[int] = (),
    only: Sequence[int] | None = None,
    only_mild: bool = False,
) -> list[int]:
    now = services.now_ms()
    chosen = await completed(services, by, site, chosen)
    ids: list[int] = await services.writer.run_in_transaction(
        take_cases(
            site,
            name_of(by),
            chosen,
            now,
            now + seconds * 1000,
            limit,
            without=hidden_queues(by, site, chosen),
            copies=by.copies,
            skip=skip,
            only=only,
            only_mild=only_mild,
        )
    )
    return ids


async def give_cases_back(
    services: Services, by: Actor, site: str, cases: Sequence[int] | None = None
) -> int:
    """Give the actor's cases back to the others (None: all of the site). Return their number.

    Raises `NotPermittedError`.
    """
    _require_may_take(by, site)
    number: int = await services.writer.run_in_transaction(give_back(site, name_of(by), cases))
    return number


async def cards_of(
    services: Services,
    by: Actor,
    site: str,
    found: Sequence[Case],
    read: Mapping[str, Context] | None = None,
) -> list[Card]:
    """Return the cases with everything that a decision needs: one SQL statement, and more for objections.

    `read` are contexts that were read already: if all are there, that statement is left out. Reports and
    notes are only for those who may read them. A local moderator is told nothing of other copies: neither
    the writer's record nor the comments above. Raises `NotPermittedError`.
    """
    require(by, "read", site)
    contexts = read or {}
    if any(case.comment.id not in contexts for case in found):
        contexts = await services.queue.contexts([case.comment for case in found])
    suspects = await suspects_of(services, site, list(found))
    cards = []
    for case, suspected in zip(found, suspects, strict=True):
        id_ = case.comment.id
        removed = case.comment.state is CommentState.REMOVED
        known = visible_context(by, site, contexts[id_], removed=removed)
        before = evidence.reported_texts(services, case.comment, known)
        card = Card(case, known, reported=before, suspects=suspected)
        if case.queue == "appeals":
            objections = await bans.appeals_of(services, by, site, id_)
            card = replace(card, appeals=tuple(objections))
        cards.append(card)
    return cards


async def find_card(services: Services, by: Actor, site: str, case: int) -> Card:
    """Return an open case of the site as a card. Raises `NotFoundError`, `NotPermittedError`."""
    require(by, "read", site)
    found = await services.queue.named(site, [case], by.copies)
    if not found or found[0].queue in hidden_queues(by, site, filter_of()):
        raise NotFoundError("There is no open case with this number.")
    shown = readable_case(services, by, site, found[0])
    (card,) = await cards_of(services, by, site, [shown])
    is_own = shown.lease_by == name_of(by) and shown.lease_until > services.now_ms()
    return replace(card, leased_until=shown.lease_until if is_own else None)


async def decide_case(
    services: Services,
    by: Actor,
    site: str,
    case: int,
    verb: CommentVerb,
    *,
    reason: str | None = None,
    note: str | None = None,
    revision: int | None = None,
    tag: str | None = None,
) -> Decided:
    """Decide about a case, unless another decision has closed it.

    Raises `CaseClosedError`, which says who decided what, and the errors of `decide`.
    """
    place = await services.decisions.place_of_case(case)
    if place is None or place[0] != site:
        raise NotFoundError("There is no case with this number.")
    _, comment, queue = place
    named = next(one for one in QUEUES if one == queue)
    try:
        return await decide(
            services,
            by,
            verb,
            comment,
            reason=reason,
            note=note,
            revision=revision,
            queue=named,
            case=case,
            tag=tag,
        )
    except CaseClosedError as closed:
        closed.decided = await services.decisions.ended_by(case)
        closed.comment = await services.decisions.comment(comment)
        raise


def _require_may_take(by: Actor, site: str) -> None:
    require(by, "read", site)
    if not may_take(by, site):
        raise NotPermittedError("Your role on this site does not permit this.")
