"""Cases that are handed over to a colleague: who gets them, for how long, who may, and what is told."""

from dataclasses import replace

import pytest

from tests.operations.operations_harness import Server
from tests.operations.owner_harness import Statements, person, write
from tests.operations.test_queue import _site, later, report
from widget_server.jobs.schedule import JOBS
from widget_server.model.actors import Actor, Role, shell
from widget_server.model.errors import (
    CaseClosedError,
    MalformedError,
    NotFoundError,
    NotPermittedError,
    TextRejectedError,
    TooLargeError,
)
from widget_server.model.queue import CaseFilter
from widget_server.model.records import Comment
from widget_server.operations.moderation import bans, cases, decide, hand_over, queue
from widget_server.operations.owners import links, people
from widget_server.operations.owners.home import show_home
from widget_server.operations.readers import appeal, comment as comments
from widget_server.operations.services import Services
from widget_server.store.queries.handed_cases import delete_ended_hand_overs

ALL, MINE = CaseFilter(), CaseFilter("mine")
DAY_S = 86_400
PASSWORD = "six boats on a ferry"


async def join(server: Server, name: str, role: Role) -> Actor:
    """Return a new person with this role on the site."""
    services = server.services
    link = await links.invite(services, shell("test"), "paper", role)
    ticket = await links.press_link(services, link.url.rpartition("/")[2], agent="")
    assert isinstance(ticket, str)
    email = f"{name.lower()}@paper.example"
    await links.create_account(services, ticket, name, email, PASSWORD, agent="")
    return await people.find_actor(services, name, "paper")


@pytest.fixture
async def people_of(server: Server) -> dict[str, Actor]:
    """Return three people who decide, and an auditor, by name."""
    roles: dict[str, Role] = {
        "Ana": "editor",
        "Ben": "moderator",
        "Cem": "moderator",
        "Dana": "auditor",
    }
    return {name: await join(server, name, role) for name, role in roles.items()}


@pytest.fixture
async def waiting(server: Server) -> list[Comment]:
    """Return four comments that wait for approval."""
    await server.set(("moderation", "pre"))
    grant = await server.grant()
    return [await write(server, grant, f"number {number}") for number in range(4)]


async def taken(services: Services, by: Actor, chosen: CaseFilter = ALL) -> list[str]:
    """Return the comments that a person gets from a queue, and give them back."""
    cards = await queue.take(services, by, "paper", chosen, limit=50)
    await queue.give_cases_back(services, by, "paper")
    return [card.case.comment.id for card in cards]


async def number_of(services: Services, comment: Comment) -> int:
    """Return the number of a comment's open case."""
    found = await cases.open_cases(services, shell("test"), "paper", ALL)
    return next(one.id for one in found if one.comment.id == comment.id)


async def test_a_handed_case_comes_to_that_person_only_for_a_day_and_then_to_all(
    server: Server, people_of: dict[str, Actor], waiting: list[Comment]
) -> None:
    services, (ana, ben, cem) = server.services, list(people_of.values())[:3]
    case = await number_of(services, waiting[2])
    handed = await hand_over.hand_over(services, ana, "paper", case, ben.id, "  Is it libel? ")
    others = [waiting[0].id, waiting[1].id, waiting[3].id]
    everything = [one.id for one in waiting]
    assert (handed.to_name, handed.note) == ("Ben", "Is it libel?")
    assert await taken(services, cem) == await taken(services, ana) == others
    assert await taken(services, ben) == everything
    assert await taken(services, ben, MINE) == [waiting[2].id]
    assert await taken(services, cem, MINE) == []
    for by, number in ((ana, 0), (ben, 1), (cem, 0)):
        assert (await queue.queue_facts(services, by, "paper")).mine == number
        assert (await queue.count_open(services, by, "paper"))["mine"] == number
        assert (await show_home(services, by, "paper")).today.mine == number
    # The page of the queue begins with it, and does not show it to others.
    page = await queue.show_queue(services, ben, "paper")
    assert page.card is not None
    assert page.chosen.queue == "mine"
    assert page.total == 1
    given = page.card.case.handed
    assert given is not None
    assert (given.by_name, given.to_name, given.note) == ("Ana", "Ben", "Is it libel?")
    await queue.give_cases_back(services, ben, "paper")
    page = await queue.show_queue(services, cem, "paper", CaseFilter("pending"))
    assert page.card is not None
    shown = [page.card.case, *page.next]
    assert [one.comment.id for one in shown] == others
    await queue.give_cases_back(services, cem, "paper")
    over = later(services, DAY_S + 1)
    assert await taken(over, cem) == everything
    assert await taken(over, ben, MINE) == []


async def test_the_one_who_hands_over_gives_the_case_up_and_it_can_be_taken_back(
    server: Server, people_of: dict[str, Actor], waiting: list[Comment]
) -> None:
    services, (ana, ben, cem) = server.services, list(people_of.values())[:3]
    (card,) = await queue.take(services, ana, "paper", ALL, limit=1)
    await hand_over.hand_over(services, ana, "paper", card.case.id, ben.id)
    assert await queue.keep(services, ana, "paper", [card.case.id]) == []
    assert len(await taken(services, ben)) == len(waiting)
    # To another person instead.
    await hand_over.hand_over(services, ben, "paper", card.case.id, cem.id)
    assert await taken(services, ben, MINE) == []
    assert await taken(services, cem, MINE) == [card.case.comment.id]
    assert await hand_over.take_back_case(services, ana, "paper", card.case.id)
    assert not await hand_over.take_back_case(services, ana, "paper", card.case.id)
    assert len(await taken(services, ana)) == len(waiting)


async def test_every_person_with_the_right_can_decide_a_handed_case_and_its_undo_hands_it_over_again(
    server: Server, people_of: dict[str, Actor], waiting: list[Comment]
) -> None:
    services, (ana, ben, cem) = server.services, list(people_of.values())[:3]
    case = await number_of(services, waiting[0])
    await hand_over.hand_over(services, ana, "paper", case, ben.id)
    decided = await queue.decide_case(services, cem, "paper", case, "approve")
    assert decided.decision is not None
    assert (await queue.queue_facts(services, ben, "paper")).mine == 0
    with pytest.raises(CaseClosedError) as closed:
        await hand_over.hand_over(services, ana, "paper", case, ben.id)
    assert closed.value.decided[:2] == ("approve", "Cem")
    await decide.undo(services, cem, decided.decision.id)
    assert await taken(services, ben, MINE) == [waiting[0].id]


async def test_rows_of_closed_and_ended_cases_are_deleted_with_their_notes(
    server: Server, people_of: dict[str, Actor], waiting: list[Comment]
) -> None:
    services, (ana, ben, _) = server.services, list(people_of.values())[:3]
    dana = people_of["Dana"]
    first, second = [await number_of(services, one) for one in waiting[:2]]
    for case in (first, second):
        await hand_over.hand_over(services, ana, "paper", case, ben.id, "words")
    # Like every note, it is not for auditors.
    for by, told in ((ana, "words"), (ben, "words"), (dana, None)):
        handed = (await queue.find_card(services, by, "paper", first)).case.handed
        assert handed is not None
        assert handed.note == told
    with pytest.raises(NotFoundError):
        await hand_over.hand_over(services, ana, "paper", first, ben.id, comment=waiting[1].id)
    shown = await hand_over.case_of(services, ana, "paper", waiting[0].id)
    assert shown is not None
    assert shown.id == first
    assert await hand_over.case_of(services, dana, "paper", waiting[0].id) is None
    await queue.decide_case(services, ana, "paper", first, "approve")
    assert await hand_over.case_of(services, ana, "paper", waiting[0].id) is None
    now = services.now_ms()
    run = services.writer.run_in_transaction
    assert await run(delete_ended_hand_overs(now)) == 1
    assert await taken(services, ben, MINE) == [waiting[1].id]
    assert await run(delete_ended_hand_overs(now + hand_over.HANDED_MS + 1)) == 1
    assert "delete_ended_leases" in {one.kind for one in JOBS}


async def test_only_a_person_who_may_decide_here_is_handed_a_case(
    server: Server, people_of: dict[str, Actor], waiting: list[Comment]
) -> None:
    services, (ana, ben, _, dana) = server.services, list(people_of.values())
    case = await number_of(services, waiting[0])
    offered = await hand_over.receivers(services, ana, "paper")
    assert [(name, role) for _, name, role in offered] == [
        ("Ben", "moderator"),
        ("Cem", "moderator"),
    ]
    account = await people.find_account(services, "Cem")
    await people.disable_account(services, shell("test"), account)
    for wrong in (ana.id, dana.id, account.id, "0" * 16, ""):
        with pytest.raises(MalformedError):
            await hand_over.hand_over(services, ana, "paper", case, wrong)
    for by in (dana, person("local", copies=frozenset({1})), replace(ana, site="other")):
        with pytest.raises(NotPermittedError):
            await hand_over.hand_over(services, by, "paper", case, ben.id)
        with pytest.raises(NotPermittedError):
            await hand_over.take_back_case(services, by, "paper", case)
    with pytest.raises(NotFoundError):
        await hand_over.hand_over(services, ana, "paper", 99_999, ben.id)
    with pytest.raises(TooLargeError):
        await hand_over.hand_over(services, ana, "paper", case, ben.id, "x" * 2_001)
    with pytest.raises(TextRejectedError):
        await hand_over.hand_over(services, ana, "paper", case, ben.id, "\x00")


async def test_an_objection_is_not_handed_to_the_person_who_made_the_decision(
    server: Server, people_of: dict[str, Actor]
) -> None:
    services, grant = server.services, await server.grant()
    ana, ben, cem = list(people_of.values())[:3]
    writer = server.actor(grant)
    comment = await server.post(grant, writer, "words of a quotation")
    await decide.decide(services, ana, "remove", comment.id, reason="hate")
    await appeal.appeal(services, grant, writer, comment.id, "It is a quotation.")
    (case,) = await cases.open_cases(services, ben, "paper", "appeals")
    with pytest.raises(MalformedError, match="made the decision"):
        await hand_over.hand_over(services, ben, "paper", case.id, ana.id)
    await hand_over.hand_over(services, ben, "paper", case.id, cem.id)
    (card,) = await queue.take(services, cem, "paper", MINE)
    (told,) = card.appeals
    assert told.waiting
    assert await bans.appeals_of(services, cem, "paper", comment.id) == [told]


async def test_the_names_of_a_handed_case_cost_no_statement_of_their_own(
    server: Server, people_of: dict[str, Actor], waiting: list[Comment]
) -> None:
    services, (ana, ben, _) = server.services, list(people_of.values())[:3]
    with Statements(server) as before:
        await queue.show_queue(services, ben, "paper", ALL)
    await queue.give_cases_back(services, ben, "paper")
    case = await number_of(services, waiting[0])
    await hand_over.hand_over(services, ana, "paper", case, ben.id)
    with Statements(server) as after:
        await queue.show_queue(services, ben, "paper", ALL)
    assert len(after.texts) == len(before.texts)


async def test_a_person_who_can_no_longer_decide_here_keeps_no_case_from_the_others(
    server: Server, people_of: dict[str, Actor], waiting: list[Comment]
) -> None:
    services, (ana, ben, cem) = server.services, list(people_of.values())[:3]
    owner = shell("test")
    cases_of = {one.id: await number_of(services, one) for one in waiting}

    async def left_out() -> list[str]:
        return [one for one in cases_of if one not in await taken(services, ana)]

    first, second, third, _ = cases_of
    await hand_over.hand_over(services, ana, "paper", cases_of[first], ben.id)
    await hand_over.hand_over(services, ana, "paper", cases_of[second], ben.id)
    await hand_over.hand_over(services, ana, "paper", cases_of[third], cem.id)
    assert await left_out() == [first, second, third]
    await people.change_role(services, owner, "paper", ben.id, "editor")
    assert await left_out() == [first, second, third]
    await people.change_role(services, owner, "paper", ben.id, "auditor")
    assert await left_out() == [third]
    await people.remove_member(services, owner, "paper", cem.id)
    assert await left_out() == []
    await people.change_role(services, owner, "paper", ben.id, "moderator")
    await hand_over.hand_over(services, ana, "paper", cases_of[first], ben.id)
    await people.disable_account(services, owner, await people.find_account(services, "Ben"))
    assert await left_out() == []


async def test_of_several_cases_of_a_comment_the_named_one_is_handed_over(
    server: Server, people_of: dict[str, Actor]
) -> None:
    services, grant = server.services, await server.grant()
    ana, ben = list(people_of.values())[:2]
    writer = server.actor(grant)
    other = await server.post(grant, writer, "before")
    await report(server, grant, other, "spam")
    await server.set(("moderation", "pre"))
    held = replace(grant, site=await _site(server))
    await comments.edit(services, held, writer, other.id, "after")
    found = await cases.open_cases(services, ana, "paper", ALL)
    own = {one.queue: one.id for one in found if one.comment.id == other.id}
    assert set(own) == {"reported", "edits"}
    for queue_name in ("edits", "reported"):
        shown = await hand_over.case_of(services, ana, "paper", other.id, own[queue_name])
        assert shown is not None
        assert shown.queue == queue_name
    await hand_over.hand_over(services, ana, "paper", own["edits"], ben.id)
    handed = await hand_over.case_of(services, ana, "paper", other.id)
    assert handed is not None
    assert handed.queue == "edits"
