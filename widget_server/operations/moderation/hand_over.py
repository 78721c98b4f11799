"""Hand a case over to another person of the site, with a note, and take it back.

For a day no other person gets the case from a queue; it can still be opened and decided by everyone who may, so
that it never waits for one person who is away. After the day it belongs to all again. Nothing is decided by
it, so it is not in the log.
"""

from widget_server.auth.permissions import allowed, permits, require
from widget_server.model.actors import Actor, Role, name_of
from widget_server.model.decisions import Case, HandedOver
from widget_server.model.errors import (
    CaseClosedError,
    MalformedError,
    NotFoundError,
)
from widget_server.model.people import Member
from widget_server.operations.moderation.cases import filter_of, hidden_queues
from widget_server.operations.moderation.decide import check_words
from widget_server.operations.services import Services
from widget_server.store.queries.handed_cases import delete_handed_case, put_handed_case

HANDED_MS = 24 * 3_600_000
"""For so long a case belongs to the person to whom it was handed over."""
VERB = "hand_over"


async def receivers(services: Services, by: Actor, site: str) -> list[tuple[str, str, Role]]:
    """Return id, name and role of those to whom the actor can hand cases over, by name.

    Raises `NotPermittedError`.
    """
    require(by, VERB, site)
    members, _, _ = await services.people.accounts.people(site, services.now_ms())
    owners = await services.people.accounts.server_owners()
    # A server owner who has a role on the site has the rights of an owner there.
    found = {one.account.id: one for one in (*members, *owners) if _may_receive(one)}
    own = by.id if by.kind == "account" else ""
    people = [(id_, one.account.name, one.role) for id_, one in found.items() if id_ != own]
    return sorted(people, key=lambda one: (one[1].casefold(), one[0]))


def _may_receive(member: Member) -> bool:
    active = member.account.disabled_at is None
    return active and member.copies is None and permits(member.role, VERB)


async def case_of(
    services: Services, by: Actor, site: str, comment: str, case: int | None = None
) -> Case | None:
    """Return the case of a comment that can be handed over.

    It is the one named `case`, else the one that was handed over, else the most urgent one that is open.

    None for those who may not hand over. Raises `NotPermittedError`.
    """
    require(by, "read", site)
    if not allowed(by, VERB, site):
        return None
    unseen = hidden_queues(by, site, filter_of())
    found = [
        one for one in await services.queue.of_comment(site, comment) if one.queue not in unseen
    ]
    now = services.now_ms()
    named = [one for one in found if one.id == case]
    handed = [one for one in found if one.handed is not None and one.handed.until > now]
    return next(iter((*named, *handed, *found)), None)


async def hand_over(
    services: Services,
    by: Actor,
    site: str,
    case: int,
    to: str,
    note: str | None = None,
    *,
    comment: str | None = None,
) -> HandedOver:
    """Hand an open case over to the account `to`. It replaces an earlier hand-over of the case.

    With `comment` only if it is a case of this comment. Raises `NotPermittedError`, `NotFoundError`,
    `CaseClosedError` with what was decided, and `MalformedError` for a person who cannot decide here, or who
    made the decision that the case objects to.
    """
    require(by, VERB, site)
    note = (note or "").strip() or None
    check_words(None, note)
    if by.kind == "account" and by.id == to:
        raise MalformedError("Name another person: this case is yours already.")
    names = {id_: name for id_, name, _ in await receivers(services, by, site)}
    if to not in names:
        raise MalformedError("Name a person who may decide about comments on this site.")
    await _require_open(services, by, site, case, comment)
    now = services.now_ms()
    person = f"account:{to}"
    handed = HandedOver(person, names[to], by.kind, by.id, now, now + HANDED_MS, note)
    put = put_handed_case(site, case, name_of(by), handed)
    if not await services.writer.run_in_transaction(put):
        await _require_open(services, by, site, case, comment)
        raise MalformedError(
            "This person made the decision. Another person answers the objection to it."
        )
    return handed


async def take_back_case(services: Services, by: Actor, site: str, case: int) -> bool:
    """Let a case that was handed over belong to all again. Return whether it was.

    Raises `NotPermittedError`.
    """
    require(by, VERB, site)
    taken: bool = await services.writer.run_in_transaction(delete_handed_case(site, case))
    return taken


async def _require_open(
    services: Services, by: Actor, site: str, case: int, comment: str | None
) -> None:
    found = await services.queue.named(site, [case], by.copies)
    if found and comment not in {None, found[0].comment.id}:
        raise NotFoundError("There is no case with this number.")
    if found and found[0].queue not in hidden_queues(by, site, filter_of()):
        return
    place = await services.decisions.place_of_case(case)
    if found or place is None or place[0] != site:
        raise NotFoundError("There is no case with this number.")
    closed = CaseClosedError()
    closed.decided = await services.decisions.ended_by(case)
    closed.comment = await services.decisions.comment(place[1])
    raise closed
