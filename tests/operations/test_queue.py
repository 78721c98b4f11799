"""The queue as operations: who gets which case, what a card tells, filters, pages, and refusals."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.operations.operations_harness import Server, open_server
from tests.operations.owner_harness import Statements, carry, person, write
from widget_server.model.actors import Actor
from widget_server.model.decisions import QUEUES, CommentVerb
from widget_server.model.errors import (
    CaseClosedError,
    MalformedError,
    NotFoundError,
    NotPermittedError,
    StaleError,
)
from widget_server.model.queue import CaseFilter, is_harsh
from widget_server.model.records import Comment, Site
from widget_server.operations.moderation import cases, decide, queue
from widget_server.operations.readers import appeal, comment as comments, identify
from widget_server.operations.readers.authorize import Grant
from widget_server.operations.readers.identify import Actor as Reader
from widget_server.operations.services import Services

ANA, BEN = person("moderator"), replace(person("moderator"), id="ben")
ALL = CaseFilter()


@pytest.fixture
async def waiting(server: Server) -> list[Comment]:
    """Return twelve comments that wait for approval."""
    await server.set(("moderation", "pre"))
    grant = await server.grant()
    return [await write(server, grant, f"number {number}") for number in range(12)]


@pytest.fixture
async def second(tmp_path: Path, migrated_url: str, server: Server) -> AsyncIterator[Server]:
    """Return another process on the same database."""
    async with open_server(tmp_path / "second", migrated_url) as opened:
        yield opened


def later(services: Services, seconds: float) -> Services:
    """Return the services as they are after some seconds."""
    return replace(services, clock=lambda: services.clock() + seconds)


async def report(
    server: Server, grant: Grant, comment: Comment, reason: str, reader: Reader | None = None
) -> None:
    """Report a comment as a reader; by default as a new one in a network of their own."""
    reader = reader or identify.act(server.services, grant, None, f"by {comment.id}", None)
    await comments.report(server.services, grant, reader, comment.id, reason)


async def test_a_case_belongs_to_one_person_until_it_is_given_back_or_the_time_is_over(
    server: Server, waiting: list[Comment]
) -> None:
    services = server.services
    mine = await queue.take(services, ANA, "paper", ALL, limit=5)
    theirs = await queue.take(services, BEN, "paper", ALL, limit=50)
    assert [card.case.comment.id for card in mine] == [one.id for one in waiting[:5]]
    assert [card.case.comment.id for card in theirs] == [one.id for one in waiting[5:]]
    kept = [card.case.id for card in mine]
    others = [card.case.id for card in theirs]
    assert await queue.take(services, BEN, "paper", ALL, skip=others) == []
    assert sorted(await queue.keep(services, ANA, "paper", kept)) == sorted(kept)
    assert await queue.keep(services, BEN, "paper", kept) == []
    assert await queue.give_cases_back(services, ANA, "paper", kept[:2]) == 2
    again = await queue.take(services, BEN, "paper", ALL, skip=others)
    assert [card.case.id for card in again] == kept[:2]
    assert await queue.give_cases_back(services, ANA, "paper") == 3
    over = later(services, queue.LEASE_S + 1)
    assert len(await queue.take(over, ANA, "paper", ALL, limit=50)) == len(waiting)
    assert await queue.keep(over, BEN, "paper", kept) == []


async def test_people_who_take_at_once_in_two_processes_never_get_the_same_case(
    server: Server, second: Server, waiting: list[Comment]
) -> None:
    people = [(server, ANA), (second, BEN)] * 3
    taken = await asyncio.gather(
        *(
            queue.take(one.services, replace(by, id=f"{by.id}{number}"), "paper", ALL, limit=2)
            for number, (one, by) in enumerate(people)
        )
    )
    ids = [card.case.id for cards in taken for card in cards]
    assert len(ids) == len(set(ids)) == len(waiting)


async def test_of_two_decisions_about_a_case_the_second_is_refused_and_told_the_first(
    server: Server, second: Server, waiting: list[Comment]
) -> None:
    found = await cases.open_cases(server.services, ANA, "paper", "pending")
    races: list[tuple[Server, Actor, CommentVerb]] = [
        (server, ANA, "approve"),
        (second, BEN, "reject"),
    ]
    answers = await asyncio.gather(
        *(
            queue.decide_case(one.services, by, "paper", case.id, verb)
            for case in found
            for one, by, verb in races
        ),
        return_exceptions=True,
    )
    refused = [one for one in answers if isinstance(one, CaseClosedError)]
    done = [one for one in answers if not isinstance(one, BaseException)]
    assert len(refused) == len(done) == len(waiting)
    for one in refused:
        verb, name, _ = one.decided
        assert (verb, name) in {("approve", ANA.id), ("reject", BEN.id)}
        assert one.comment is not None
    assert await cases.count_waiting(server.services, ANA, "paper") == dict.fromkeys(
        (*QUEUES, "corrections"), 0
    )


async def test_a_case_that_comes_back_names_the_current_revision(server: Server) -> None:
    services, grant = server.services, await server.grant()
    reader = server.actor(grant)
    one = await server.post(grant, reader, "words")
    await report(server, grant, one, "spam")
    kept = await decide.decide(services, ANA, "approve", one.id)
    assert kept.decision is not None
    edited = await comments.edit(services, grant, reader, one.id, "other words")
    await decide.undo(services, ANA, kept.decision.id)
    (card,) = await queue.take(services, ANA, "paper", ALL)
    assert card.case.revision == edited.revision == 2
    # With the revision that the case names, as a program decides.
    await queue.decide_case(
        services, ANA, "paper", card.case.id, "remove", revision=card.case.revision
    )


async def test_an_undone_decision_brings_the_case_back_under_its_number(
    server: Server, waiting: list[Comment]
) -> None:
    (card,) = await queue.take(server.services, ANA, "paper", ALL, limit=1)
    done = await queue.decide_case(server.services, ANA, "paper", card.case.id, "reject")
    assert done.decision is not None
    await decide.undo(server.services, ANA, done.decision.id)
    (again,) = await queue.take(server.services, ANA, "paper", ALL, limit=1)
    assert (again.case.id, again.case.comment.source) == (card.case.id, "number 0")


async def test_a_decision_about_an_older_text_is_refused_and_the_case_stays(
    server: Server, waiting: list[Comment]
) -> None:
    (card,) = await queue.take(server.services, ANA, "paper", ALL, limit=1)
    with pytest.raises(StaleError):
        await queue.decide_case(server.services, ANA, "paper", card.case.id, "approve", revision=7)
    assert (await queue.find_card(server.services, ANA, "paper", card.case.id)).leased_until


async def test_pages_of_a_queue_contain_each_case_once_and_the_counter_is_their_number(
    server: Server, waiting: list[Comment]
) -> None:
    seen, after = [], None
    while True:
        found = await cases.open_cases(server.services, ANA, "paper", ALL, after=after, limit=5)
        if not found:
            break
        seen += [case.comment.id for case in found]
        after = cases.cursor_of(found[-1])
    assert seen == [one.id for one in waiting]
    facts = await queue.queue_facts(server.services, ANA, "paper")
    assert facts.counts["pending"] == (len(waiting), waiting[0].created_at)


async def test_a_filter_finds_the_cases_of_a_story_copy_language_reason_and_age(
    server: Server,
) -> None:
    await server.set(("moderation", "pre"))
    first, copy = await carry(server, server.publisher.story(lang="fr"), "https://one.example")
    other, _ = await carry(server, server.publisher.story(), "https://two.example")
    french = await write(server, first)
    plain = await write(server, other)
    await server.set(("moderation", "post"))
    told = await write(server, replace(other, site=(await _site(server))))
    await report(server, other, told, "threat")

    async def found(**chosen: object) -> set[str]:
        chosen_filter = cases.filter_of(**chosen)  # type: ignore[arg-type]
        rows = await cases.open_cases(server.services, ANA, "paper", chosen_filter)
        return {case.comment.id for case in rows}

    everything = {french.id, plain.id, told.id}
    assert await found() == everything
    assert await found(queue="reported") == {told.id}
    assert await found(story=first.story.code) == {french.id}
    assert await found(copy=copy) == {french.id}
    assert await found(lang="fr") == {french.id}
    assert await found(reason="threat") == {told.id}
    assert await found(reason="spam") == set()
    assert await found(age="day") == everything
    assert await found(age="older") == set()
    assert await found(story=other.story.code, queue="pending") == {plain.id}
    for wrong in ({"queue": "x"}, {"reason": "x"}, {"age": "x"}):
        with pytest.raises(MalformedError):
            cases.filter_of(**wrong)  # type: ignore[arg-type]


async def _site(server: Server) -> Site:
    cached = await server.services.cache.site("paper", max_age=0)
    assert cached is not None
    return cached.site


async def test_a_card_tells_the_record_of_writer_and_reporters(server: Server) -> None:
    grant = await server.grant(title="The library")
    writer = server.actor(grant)
    top = await server.post(grant, writer, "a roof", name="Priya")
    reply = await server.post(grant, writer, "nonsense", name="Priya", parent=top.id)
    removed, kept = [await write(server, grant, word) for word in ("bad", "good")]
    reporter = server.actor(grant)
    for comment in (removed, kept, reply):
        await report(server, grant, comment, "attack", reporter)
    await decide.decide(server.services, ANA, "remove", removed.id)
    await decide.decide(server.services, ANA, "approve", kept.id, queue="reported")
    with Statements(server) as statements:
        cards = await queue.take(server.services, ANA, "paper", ALL, limit=25)
    assert len(statements.texts) <= 3
    (card,) = cards
    known = card.context
    assert known.title == "The library"
    assert [parent.id for parent in known.parents] == [top.id]
    assert known.reports_by_reason() == [("attack", 1)]
    assert (known.reporters.right, known.reporters.wrong) == (1, 1)
    assert known.writer == {"published": 2}
    assert known.writer_since == top.created_at


async def test_after_three_harsh_cards_comes_a_mild_one_from_further_down(server: Server) -> None:
    grant = await server.grant()
    harsh = [await write(server, grant, f"harsh {number}") for number in range(8)]
    for comment in harsh:
        await report(server, grant, comment, "threat")
    mild = await write(server, grant, "mild")
    await report(server, grant, mild, "off_topic")
    cards = await queue.take(server.services, ANA, "paper", ALL, limit=6)
    assert [is_harsh(card.case) for card in cards[:5]] == [True, True, True, False, True]
    shown_before = await queue.take(server.services, ANA, "paper", ALL, limit=6, harsh_before=3)
    assert not is_harsh(shown_before[0].case)


async def test_a_local_moderator_takes_cases_of_their_copies_only_and_an_auditor_none(
    server: Server,
) -> None:
    await server.set(("moderation", "pre"))
    story = server.publisher.story()
    here, copy = await carry(server, story, "https://here.example")
    there, _ = await carry(server, story, "https://there.example")
    own = await write(server, here)
    await write(server, there)
    local = person("local", copies=frozenset({copy}))
    cards = await queue.take(server.services, local, "paper", ALL, limit=50)
    assert [card.case.comment.id for card in cards] == [own.id]
    assert cards[0].context.writer == {}
    facts = await queue.queue_facts(server.services, local, "paper")
    assert facts.counts["pending"][0] == 1
    assert (facts.choices, facts.at_work) == ({}, [])
    auditor = person("auditor")
    for refused in (
        queue.take(server.services, auditor, "paper", ALL),
        queue.keep(server.services, auditor, "paper", [1]),
        queue.give_cases_back(server.services, auditor, "paper"),
        queue.take(server.services, replace(ANA, site="other"), "paper", ALL),
    ):
        with pytest.raises(NotPermittedError):
            await refused
    with pytest.raises(NotPermittedError):
        await cases.open_cases(server.services, auditor, "paper", CaseFilter(reason="attack"))
    with pytest.raises(NotFoundError):
        await queue.decide_case(server.services, ANA, "paper", 99_999, "approve")


async def test_an_objection_is_a_card_with_its_words_for_those_who_may_answer_it(
    server: Server,
) -> None:
    services, grant = server.services, await server.grant()
    writer = server.actor(grant)
    comment = await server.post(grant, writer, "words of a quotation")
    removed = await decide.decide(services, ANA, "remove", comment.id, reason="hate")
    assert removed.decision is not None
    await appeal.appeal(services, grant, writer, comment.id, "It is a quotation.")
    auditor = person("auditor")
    assert "appeals" not in await queue.queue_counts(services, auditor, "paper")
    assert await cases.open_cases(services, auditor, "paper", ALL) == []
    with pytest.raises(NotPermittedError):
        await cases.open_cases(services, auditor, "paper", "appeals")
    assert (await queue.queue_counts(services, BEN, "paper"))["appeals"][0] == 1
    (card,) = await queue.take(services, BEN, "paper", ALL)
    assert card.case.comment.source == "words of a quotation"
    (told,) = card.appeals
    assert (told.decision, told.verb, told.reason) == (removed.decision.id, "remove", "hate")
    assert (told.text, told.by, told.waiting, told.own) == (
        "It is a quotation.",
        ANA.id,
        True,
        False,
    )
    with pytest.raises(NotFoundError):
        await queue.find_card(services, auditor, "paper", card.case.id)
    (own,) = (await queue.find_card(services, ANA, "paper", card.case.id)).appeals
    assert own.own
    with pytest.raises(NotPermittedError):
        await queue.decide_case(services, ANA, "paper", card.case.id, "uphold")
    await queue.decide_case(services, BEN, "paper", card.case.id, "uphold")
    assert "appeals" not in await queue.queue_counts(services, BEN, "paper")
    with pytest.raises(CaseClosedError) as closed:
        await queue.decide_case(services, BEN, "paper", card.case.id, "uphold")
    assert closed.value.decided is not None
    assert closed.value.decided[:2] == ("uphold", BEN.id)


async def test_following_an_objection_closes_its_case_and_the_card_shows_categories_of_reports(
    server: Server,
) -> None:
    services, grant = server.services, await server.grant()
    writer, reporter = server.actor(grant), server.actor(grant)
    comment = await server.post(grant, writer, "reported first")
    await comments.report(services, grant, reporter, comment.id, "see line two", "privacy")
    (card,) = await queue.take(services, ANA, "paper", ALL)
    (told,) = card.context.reports
    assert (told.category, told.reason) == ("privacy", "see line two")
    assert card.context.reports_by_reason() == [("privacy", 1)]
    removed = await queue.decide_case(services, ANA, "paper", card.case.id, "remove")
    assert removed.decision is not None
    await appeal.appeal(services, grant, writer, comment.id, None)
    (waits,) = await queue.take(services, BEN, "paper", ALL)
    assert waits.case.queue == "appeals"
    await decide.undo(services, BEN, removed.decision.id)
    # The report waits again: it was settled by the removal.
    assert {name for name, _ in (await queue.queue_counts(services, BEN, "paper")).items()} == {
        "reported"
    }
