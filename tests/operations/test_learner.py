"""The learned filter: off, in shadow, on; it learns from decisions, unlearns, forgets, and says why."""

import random
import uuid
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.operations.operations_harness import Server
from widget_server.content.learner import Learner, Seen, tokens
from widget_server.model.actors import Actor
from widget_server.model.errors import MalformedError, NotPermittedError
from widget_server.model.learning import LEARNER, Example
from widget_server.model.records import Comment, CommentState
from widget_server.operations.moderation import decide, learn, learner, log, rules
from widget_server.operations.readers import identify
from widget_server.operations.readers.authorize import Grant
from widget_server.store.queries.decisions import LogFilter
from widget_server.store.schema import comments, learned, words
from widget_server.store.writing import learner as writing

OWNER = Actor("account", "1", "dashboard", "paper", "owner")
DAY_MS = 86_400_000
GOOD = [
    "ferry",
    "harbour",
    "council",
    "island",
    "winter",
    "school",
    "teacher",
    "morning",
    "walk",
    "bread",
    "letter",
    "photo",
]
BAD = [
    "casino",
    "bonus",
    "jackpot",
    "spins",
    "winner",
    "deposit",
    "click",
    "crypto",
    "profit",
    "double",
]
SHARED = ["the", "and", "you", "very", "this", "week", "again", "here", "now", "with"]


def text_of(dice: random.Random, *, bad: bool) -> str:
    own = BAD if bad else GOOD
    return " ".join(dice.choice(own if dice.random() < 0.6 else SHARED) for _ in range(14))


async def write(server: Server, grant: Grant, body: str) -> Comment:
    """Return a comment of a new reader from a network of their own."""
    network = uuid.uuid4().hex
    return await server.post(grant, identify.act(server.services, grant, None, network, None), body)


async def make_older(server: Server, ids: Iterable[str], days: int = 4) -> None:
    """Let comments have been written days ago, one after the other."""
    at = server.services.now_ms() - days * DAY_MS

    async def run(connection: Any) -> None:
        # With one time for all, their random ids would choose which of them are counted.
        for after, one in enumerate(ids):
            old = update(comments).where(comments.c.id == one)
            await connection.execute(old.values(created_at=at + after))

    await server.services.writer.run_in_transaction(run)


async def counts(server: Server) -> dict[int, tuple[int, int, int]]:
    """Return the stored counts of words."""

    async def run(connection: Any) -> dict[int, tuple[int, int, int]]:
        rows = await connection.execute(select(words))
        return {row.token: (row.good, row.bad, row.used_by) for row in rows}

    found: dict[int, tuple[int, int, int]] = await server.services.writer.run_in_transaction(run)
    return found


async def known(server: Server) -> dict[str, bool]:
    """Return the comments that the filter knows, and whether as bad."""

    async def run(connection: Any) -> dict[str, bool]:
        rows = await connection.execute(select(learned.c.comment, learned.c.bad))
        return {row.comment: row.bad for row in rows}

    found: dict[str, bool] = await server.services.writer.run_in_transaction(run)
    return found


async def counted(server: Server) -> list[bool]:
    """Return whether the words of each good comment that the filter knows are counted, the oldest first."""

    async def run(connection: Any) -> list[bool]:
        good = select(learned.c.counted).where(~learned.c.bad).order_by(learned.c.at)
        return list((await connection.execute(good)).scalars())

    found: list[bool] = await server.services.writer.run_in_transaction(run)
    return found


async def trained(
    server: Server, monkeypatch: pytest.MonkeyPatch, bad: int = 30, good: int = 170
) -> Grant:
    """Return the page of a site whose filter has learned from people's decisions."""
    monkeypatch.setattr("widget_server.content.learner.LEAST_BAD", bad)
    monkeypatch.setattr("widget_server.content.learner.LEAST_GOOD", good)
    dice, grant = random.Random(16), await server.grant()
    await learner.set_filter(server.services, OWNER, "paper", "shadow")
    stood = [await write(server, grant, text_of(dice, bad=False)) for _ in range(good)]
    await make_older(server, [one.id for one in stood])
    removed = [await write(server, grant, text_of(dice, bad=True)) for _ in range(bad)]
    targets = [(one.id, None) for one in removed]
    await decide.decide_batch(server.services, OWNER, "spam", targets, reason="spam")
    await learn.learn_from_decisions(server.services)
    return grant


async def test_a_filter_is_off_until_it_is_started_and_holds_nothing_before_it_has_seen_enough(
    server: Server,
) -> None:
    grant = await server.grant()
    comment = await write(server, grant, "casino")
    await decide.decide(server.services, OWNER, "remove", comment.id)
    await learn.learn_from_decisions(server.services)
    assert await known(server) == {}
    state, _ = await learner.show_learner(server.services, OWNER, "paper")
    assert (state.mode, state.good_seen, state.bad_seen) == ("off", 0, 0)
    await learner.set_filter(server.services, OWNER, "paper", "shadow")
    await learn.learn_from_decisions(server.services)
    state, _ = await learner.show_learner(server.services, OWNER, "paper")
    assert (state.mode, state.good_seen, state.bad_seen, state.curve) == ("shadow", 0, 1, ())
    with pytest.raises(MalformedError, match="100 removed and 1,000 good"):
        await learner.set_filter(server.services, OWNER, "paper", "on")
    with pytest.raises(MalformedError):
        await learner.set_filter(server.services, OWNER, "paper", rate=11)
    with pytest.raises(NotPermittedError):
        await learner.set_filter(server.services, replace(OWNER, role="moderator"), "paper", "off")
    logged = await log.read_log(server.services, OWNER, "paper", LogFilter(verb="rules"))
    assert [(one.targets, one.after["mode"]) for one in logged] == [((LEARNER,), "shadow")]


async def test_it_learns_holds_says_why_and_a_person_puts_it_right(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    await server.set(("rate_limit_comment", "9999/60"))
    grant = await trained(server, monkeypatch)
    state, _ = await learner.show_learner(server.services, OWNER, "paper")
    assert (state.bad_seen, state.good_seen) == (30, 170)
    assert (state.bad, state.good) == (30, 150)
    # Which ones are counted decides how a comment near the threshold is judged.
    assert await counted(server) == [True] * 150 + [False] * 20
    caught = [point["caught"] for point in state.curve]
    assert len(caught) == 10
    assert caught == sorted(caught)
    assert caught[-1] > 0.9
    spam = "casino bonus jackpot this week"
    in_shadow = await write(server, grant, spam)
    assert in_shadow.state is CommentState.PUBLISHED
    await learner.set_filter(server.services, OWNER, "paper", "on", rate=100)
    held = await write(server, grant, spam)
    assert held.state is CommentState.PENDING
    assert (await write(server, grant, "the ferry council")).state is CommentState.PUBLISHED
    state, hits = await learner.show_learner(server.services, OWNER, "paper")
    assert (hits.shadow, hits.acting) == (1, 1)
    reasons = await learner.why(server.services, OWNER, "paper")
    assert {one.hit.comment for one in reasons} == {in_shadow.id, held.id}
    assert {"casino", "bonus", "jackpot"} & set(reasons[0].words_for)
    assert all(len(one.words_for) <= 5 and len(one.words_against) <= 5 for one in reasons)
    [entry] = await log.read_log(server.services, OWNER, "paper", LogFilter(verb="hold"))
    assert (entry.actor_kind, entry.actor) == ("rule", LEARNER)
    # One tap “wrong” approves, and it learns from that.
    await decide.decide(server.services, OWNER, "approve", held.id)
    await learn.learn_from_decisions(server.services)
    assert (await known(server))[held.id] is False


async def test_a_change_of_the_sites_rights_does_not_read_the_words_again(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = await trained(server, monkeypatch)
    cache, epoch = server.services.learner, server.services.discussions.epoch
    first = await cache.of_site(grant.site, epoch)
    assert first.learner is not None
    changed = replace(grant.site, rights=grant.site.rights + 1)
    again = await cache.of_site(changed, epoch)
    assert again is not first
    assert again.learner is first.learner
    # Another database has other words.
    other = await cache.of_site(changed, f"{epoch}x")
    assert other.learner is not first.learner


async def test_undo_unlearns_and_an_erased_comment_is_subtracted(server: Server) -> None:
    await server.set(("rate_limit_comment", "9999/60"))
    grant = await server.grant()
    await learner.set_filter(server.services, OWNER, "paper", "shadow")
    actor = server.actor(grant)
    own = await server.post(grant, actor, "casino bonus winner")
    other = await write(server, grant, "casino letters")
    before = await counts(server)
    for one in (own, other):
        await decide.decide(server.services, OWNER, "remove", one.id)
    await learn.learn_from_decisions(server.services)
    both = await counts(server)
    assert await known(server) == {own.id: True, other.id: True}
    await learn.learn_from_decisions(server.services)
    assert await counts(server) == both
    entries = await log.read_log(server.services, OWNER, "paper", LogFilter(comment=other.id))
    await decide.undo(server.services, OWNER, entries[0].id)
    await learn.learn_from_decisions(server.services)
    assert await known(server) == {own.id: True, other.id: False}
    await identify.erase(server.services, grant, actor)
    await learn.learn_from_decisions(server.services)
    assert await known(server) == {other.id: False}
    assert not {token for token, (_, bad, _) in (await counts(server)).items() if bad}
    await decide.decide(server.services, OWNER, "erase", other.id)
    await learn.learn_from_decisions(server.services)
    assert await known(server) == {}
    assert await counts(server) == before == {}


async def test_many_decisions_of_one_moment_are_all_learned(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learn, "PER_RUN", 3)
    await server.set(("rate_limit_comment", "9999/60"))
    grant = await server.grant()
    await learner.set_filter(server.services, OWNER, "paper", "shadow")
    posted = [await write(server, grant, f"casino {number}") for number in range(10)]
    targets = [(one.id, None) for one in posted]
    await decide.decide_batch(server.services, OWNER, "spam", targets)
    await learn.learn_from_decisions(server.services)
    assert len(await known(server)) == 10


async def test_stored_counts_are_those_of_a_learner_in_memory_whatever_is_learned_and_unlearned(
    server: Server,
) -> None:
    dice = random.Random(3)
    await server.set(("rate_limit_comment", "9999/60"))
    grant = await server.grant()
    await learner.set_filter(server.services, OWNER, "paper", "shadow")
    posted = [await write(server, grant, text_of(dice, bad=one % 2 == 0)) for one in range(8)]
    model, inside = Learner(), dict[str, tuple[list[int], int, bool, bool]]()
    for _ in range(60):
        one = dice.choice(posted)
        wanted = dice.choice((True, False, None))
        reader, some = dice.randrange(5), list(tokens(one.source or str(one.text)))
        if one.id in inside and inside[one.id][2] != wanted:
            had, by, bad, counted = inside.pop(one.id)
            if counted:
                model.forget(had, by, bad=bad)
        if wanted is not None and one.id not in inside:
            counted = wanted or model.wants_good
            if counted:
                model.learn(some, reader, bad=wanted)
            inside[one.id] = (some, reader, wanted, counted)
        example = Example(one.id, wanted, reader, some)
        await server.services.writer.run_in_transaction(writing.learn("paper", [example]))
        found = await counts(server)
        assert {token: (word.good, word.bad) for token, word in model.words.items()} == {
            token: (good, bad) for token, (good, bad, _) in found.items()
        }
        assert {token: len(word.readers) for token, word in model.words.items()} == {
            token: used for token, (_, _, used) in found.items()
        }
        state = await server.services.learner.reads.state("paper")
        assert state is not None
        assert (state.good, state.bad) == (model.good, model.bad)
    assert model.curve([Seen([], False)], [Seen([], False)], (0.1,))[0].caught == 0


async def test_the_oldest_of_too_many_are_subtracted(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learn, "MAX_BAD", 2)
    grant = await server.grant()
    await learner.set_filter(server.services, OWNER, "paper", "shadow")
    posted = [await write(server, grant, f"casino {number}") for number in range(4)]
    for one in posted:
        await decide.decide(server.services, OWNER, "remove", one.id)
        await learn.learn_from_decisions(server.services)
    await learn.learn_from_decisions(server.services)
    assert len(await known(server)) == 2
    assert (await rules.list_rules(server.services, OWNER, "paper")) == []
