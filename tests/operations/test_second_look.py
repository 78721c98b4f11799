"""The second look: another person decides blind, and the figure says how often two agree."""

import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from tests.operations.operations_harness import Server
from tests.operations.owner_harness import person, write
from widget_server.model.actors import Actor, shell
from widget_server.model.errors import CaseClosedError, NotPermittedError
from widget_server.model.queue import CaseFilter
from widget_server.operations.moderation import decide, queue, second_look
from widget_server.operations.moderation.second_look import KEPT_MS, Agreement
from widget_server.operations.readers import identify

ANA, BEN = person("moderator"), replace(person("moderator"), id="ben")
DECISIONS, DISAGREE, SEED = 120, 0.2, 29
EACH = 2


@pytest.fixture
async def drawn(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Return a server whose site waits for approval and lets every decision be looked at again."""
    await server.set(("moderation", "pre"), ("second_look", str(EACH)))
    monkeypatch.setattr(second_look, "_is_drawn", lambda _decision, _each: True)
    return server


async def answers(server: Server, by: Actor, stays: bool) -> int:
    """Answer every second look that waits for a person the same way, and return their number."""
    number = 0
    while look := await second_look.next_look(server.services, by, "paper"):
        await second_look.answer_look(server.services, by, "paper", look.decision, stays=stays)
        number += 1
    return number


async def test_the_figure_is_the_seeded_disagreement_of_one_in_so_many_decisions(
    server: Server,
) -> None:
    await server.set(("moderation", "pre"), ("second_look", str(EACH)))
    services, grant, dice = server.services, await server.grant(), random.Random(SEED)
    first = {}
    for number in range(DECISIONS):
        reader = identify.act(services, grant, None, f"network {number}", None)
        comment = await server.post(grant, reader, f"number {number}")
        stays = dice.random() < 0.5
        verb = "approve" if stays else "reject"
        (card,) = await queue.take(services, ANA, "paper", CaseFilter(), limit=1)
        assert card.case.comment.id == comment.id
        await queue.decide_case(services, ANA, "paper", card.case.id, verb)  # type: ignore[arg-type]
        first[comment.id] = stays
    looked = agreed = 0
    while look := await second_look.next_look(services, BEN, "paper"):
        same = dice.random() >= DISAGREE
        was = first[look.comment.id]
        await second_look.answer_look(
            services, BEN, "paper", look.decision, stays=was if same else not was
        )
        looked, agreed = looked + 1, agreed + same
    assert await second_look.agreement(services, BEN, "paper") == Agreement(agreed, looked)
    # One in two, within four standard errors; and so is the disagreement.
    spread = 4 * (DECISIONS * 0.5 * 0.5) ** 0.5
    assert abs(looked - DECISIONS / EACH) <= spread
    assert abs(1 - agreed / looked - DISAGREE) <= 4 * (DISAGREE * (1 - DISAGREE) / looked) ** 0.5


async def test_the_second_person_sees_the_words_and_nothing_of_the_first_decision(
    drawn: Server,
) -> None:
    services, grant = drawn.services, await drawn.grant(title="The library")
    for verb, words in (("reject", "taken away"), ("approve", "let stand")):
        comment = await write(drawn, grant, words)
        await decide.decide(services, ANA, verb, comment.id, note="see line two")  # type: ignore[arg-type]
    looks = []
    for _ in range(2):
        look = await second_look.next_look(services, BEN, "paper")
        assert look is not None
        looks.append(look)
        await second_look.answer_look(services, BEN, "paper", look.decision, stays=True)
    assert [look.comment.source for look in looks] == ["taken away", "let stand"]
    assert {look.comment.state.value for look in looks} == {"published"}
    for look in looks:
        assert (look.context.title, look.context.decisions, look.context.writer) == (
            "The library",
            [],
            {},
        )
    assert await second_look.agreement(services, BEN, "paper") == Agreement(1, 2)
    assert (await services.decisions.comment(looks[0].comment.id)).state.value == "removed"


async def test_no_person_looks_at_their_own_decision_and_two_never_answer_the_same(
    drawn: Server,
) -> None:
    services, grant = drawn.services, await drawn.grant()
    comment = await write(drawn, grant)
    made = await decide.decide(services, ANA, "approve", comment.id)
    assert made.decision is not None
    assert await second_look.next_look(services, ANA, "paper") is None
    with pytest.raises(CaseClosedError):
        await second_look.answer_look(services, ANA, "paper", made.decision.id, stays=True)
    await second_look.answer_look(services, BEN, "paper", made.decision.id, stays=True)
    with pytest.raises(CaseClosedError):
        await second_look.answer_look(
            services, replace(BEN, id="eva"), "paper", made.decision.id, stays=False
        )


async def test_only_whole_decisions_of_people_are_looked_at_and_undone_or_erased_ones_are_not(
    drawn: Server,
) -> None:
    services, grant = drawn.services, await drawn.grant()
    undone, erased, held, by_shell = [await write(drawn, grant) for _ in range(4)]
    made = await decide.decide(services, ANA, "reject", undone.id)
    assert made.decision is not None
    await decide.undo(services, ANA, made.decision.id)
    await decide.decide(services, ANA, "reject", erased.id)
    await decide.decide(services, person("owner"), "erase", erased.id)
    await decide.decide(services, ANA, "hold", held.id)
    await decide.decide(services, shell("test"), "approve", by_shell.id)
    assert await second_look.next_look(services, BEN, "paper") is None
    for role in ("auditor", "local", "machine"):
        with pytest.raises(NotPermittedError):
            await second_look.next_look(services, person(role), "paper")


async def test_a_site_that_did_not_ask_for_it_keeps_no_second_looks(server: Server) -> None:
    await server.set(("moderation", "pre"))
    comment = await write(server, await server.grant())
    await decide.decide(server.services, ANA, "approve", comment.id)
    assert await second_look.next_look(server.services, BEN, "paper") is None


def _later(clock: Callable[[], float], ms: int) -> float:
    return clock() + ms / 1000


async def test_second_looks_are_deleted_after_ninety_days(drawn: Server) -> None:
    comment = await write(drawn, await drawn.grant())
    await decide.decide(drawn.services, ANA, "approve", comment.id)
    clock = drawn.services.clock
    for ms, deleted in ((KEPT_MS - 60_000, 0), (KEPT_MS + 60_000, 1)):
        moved = replace(drawn.services, clock=partial(_later, clock, ms))
        assert await second_look.forget_old_looks(moved) == deleted
