"""Ten times more is reported than people can decide: the bad comments come first all the same."""

import random

import pytest

from tests.operations.operations_harness import Server
from tests.operations.owner_harness import OWNER, person
from widget_server.model.decisions import CommentVerb
from widget_server.model.queue import CaseFilter
from widget_server.operations.moderation import decide, queue
from widget_server.operations.moderation.cases import open_cases
from widget_server.store.writing.actions import Post, Report

SEED = 1912
CASES, BAD = 400, 0.1
REPORTERS = 40
PAST = 8
"""Comments that each reporter reported before, and a person decided."""
HARSH = ("attack", "hate", "threat", "sexual", "privacy")
MILD = ("off_topic", "other", "false", "spam")


@pytest.mark.slow("postgresql")
async def test_with_ten_times_overload_most_bad_comments_are_decided_first(server: Server) -> None:
    services, dice = server.services, random.Random(SEED)
    story = (await server.grant()).story
    number = 0

    async def post() -> str:
        nonlocal number
        number += 1
        name = f"o{number:05}"
        await services.writer.submit(
            Post(story.id, name, name, f"w{number}", "words", ["words"], False, (), at=number)
        )
        return name

    async def report(comment: str, reporter: str, reason: str) -> None:
        at = services.now_ms()
        await services.writer.submit(Report(story.id, comment, reporter, reason, at, reason))

    # A quarter of the reporters report what they dislike. What they reported before was decided.
    careful = {f"q{one}": one % 4 != 0 for one in range(REPORTERS)}
    for reporter, is_careful in careful.items():
        for _ in range(PAST):
            comment = await post()
            await report(comment, reporter, dice.choice(HARSH + MILD))
            is_right = dice.random() < (0.8 if is_careful else 0.15)
            verb: CommentVerb = "remove" if is_right else "approve"
            await decide.decide(services, OWNER, verb, comment, queue="reported")
    bad = set()
    for _ in range(CASES):
        comment = await post()
        is_bad = dice.random() < BAD
        if is_bad:
            bad.add(comment)
        # Careful readers see a bad comment; the others report anything, with any reason.
        kind = [one for one, is_careful in careful.items() if is_careful is is_bad]
        some = dice.sample(kind, dice.randint(1, 4) if is_bad else 1)
        some += dice.sample(sorted(careful), 1) if dice.random() < 0.3 else []
        for reporter in dict.fromkeys(some):
            likely = HARSH if is_bad == (dice.random() < 0.8) else MILD
            await report(comment, reporter, dice.choice(likely))
    found = await open_cases(services, person("moderator"), "paper", CaseFilter("reported"))
    order = [case.comment.id for case in found]
    while len(found) == 100:
        after = (found[-1].priority, found[-1].opened_at, found[-1].id)
        found = await open_cases(
            services, person("moderator"), "paper", CaseFilter("reported"), after=after
        )
        order += [case.comment.id for case in found]
    assert len(order) == CASES
    decided = set(order[: CASES // 5])
    assert len(decided & bad) >= 0.8 * len(bad), (len(decided & bad), len(bad))
    by_age = set(sorted(order)[: CASES // 5])
    assert len(by_age & bad) < 0.4 * len(bad), "by age alone most of them would wait"
    # What a person takes comes in this order.
    cards = await queue.take(services, person("moderator"), "paper", CaseFilter(), limit=1)
    assert cards[0].case.comment.id == order[0]
