"""Rules: exceptions, undo, repetition across processes, names, and what writers do who are asked to think again."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.operations.operations_harness import Server, new_comment, open_server
from tests.operations.test_rules import OWNER, WORDS, rule_of, write
from widget_server.model.errors import (
    MalformedError,
    NotFoundError,
    NotPermittedError,
    ReconsiderError,
    StaleError,
)
from widget_server.model.records import CommentState
from widget_server.model.rules import RuleSpec, StoredRule
from widget_server.operations.moderation import decide, expire, learner, log, rules
from widget_server.operations.owners import take_back
from widget_server.operations.readers import comment as comments
from widget_server.operations.readers.authorize import Grant
from widget_server.store.queries.decisions import LogFilter

ADVERT = "vote for the ferry on sunday and bring all of your friends"


async def stored(server: Server) -> list[StoredRule]:
    return [one.rule for one in await rules.list_rules(server.services, OWNER, "paper")]


async def last_change(server: Server) -> str:
    """Return the id of the last entry about rules."""
    entries = await log.read_log(server.services, OWNER, "paper", LogFilter(verb="rules"))
    return entries[0].id


async def test_an_exception_from_a_false_alarm_lets_the_wording_pass_and_leaves_the_rule_on(
    server: Server,
) -> None:
    grant = await server.grant()
    rule = await rule_of(server)
    held = await write(server, grant, "The old Casino theatre opens again")
    assert held.state is CommentState.PENDING
    spec = await rules.excepted(server.services, OWNER, "paper", rule.spec, held.id)
    assert spec.exceptions == ("The old Casino theatre opens",)
    assert (await stored(server))[0].spec.exceptions == ()
    after = await rules.change_rule(server.services, OWNER, "paper", rule.id, spec)
    assert after.mode == "on"
    assert (
        await write(server, grant, "See: the old CASINO theatre opens soon")
    ).state is CommentState.PUBLISHED
    assert (await write(server, grant, "The casino opens")).state is CommentState.PENDING
    # Without the exception it holds more, so it is tried again.
    fewer = replace(spec, exceptions=())
    changed = await rules.change_rule(server.services, OWNER, "paper", rule.id, fewer)
    assert changed.mode == "shadow"
    calm = await write(server, grant, "A calm text")
    with pytest.raises(MalformedError):
        await rules.excepted(server.services, OWNER, "paper", spec, calm.id)
    with pytest.raises(NotFoundError):
        await rules.excepted(server.services, OWNER, "paper", spec, "nowhere")
    links = RuleSpec("Links", "links")
    with pytest.raises(MalformedError):
        await rules.excepted(server.services, OWNER, "paper", links, held.id)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [(("…",), "exceptions"), (("x" * 101,), "exceptions"), (tuple(map(str, range(1_001))), "exceptions")],
)  # fmt: skip
async def test_wrong_exceptions_are_refused_with_their_field(
    server: Server, wrong: tuple[str, ...], field: str
) -> None:
    with pytest.raises(MalformedError) as refused:
        await rules.add_rule(server.services, OWNER, "paper", replace(WORDS, exceptions=wrong))
    assert refused.value.field == field


async def test_names_and_websites_are_screened_but_not_signed_names_nor_edits(
    server: Server,
) -> None:
    await server.set(("website", "optional"), ("rate_limit_comment", "9999/60"))
    grant = await server.grant()
    await rule_of(server)
    assert (
        await write(server, grant, "Good evening", name="Casino Joe")
    ).state is CommentState.PENDING
    site = await write(server, grant, "Good evening", website="https://casino.example/")
    assert site.state is CommentState.PENDING
    await decide.decide(server.services, OWNER, "approve", site.id)
    ana = server.actor(grant)
    signed = replace(ana, claims=replace(ana.claims, name="Casino Museum"))
    kept = await server.post(grant, signed, "Good evening")
    assert kept.state is CommentState.PUBLISHED
    # A trial says the same of the name that stands, the one that was removed, and the signed one.
    spam = await write(server, grant, "Hello", name="The C.a.s.i.n.o")
    await decide.decide(server.services, OWNER, "spam", spam.id)
    tried = await rules.try_spec(server.services, OWNER, "paper", WORDS)
    trial = tried.trial
    assert (trial.tried, trial.caught, trial.approved, trial.removed) == (4, 3, 1, 1)
    assert {sample.hit.beside for sample in trial.samples} == {
        ("Casino Joe",), ("https://casino.example/",), ("The C.a.s.i.n.o",),
    }  # fmt: skip


async def test_a_repeated_text_is_held_whichever_process_stored_it_first(
    server: Server, tmp_path: Path, migrated_url: str
) -> None:
    story = server.publisher.story()
    here = await server.grant(story)
    async with open_server(tmp_path / "second", migrated_url) as second:
        await rule_of(server, RuleSpec("repeat", "repeat"))
        there = await second.grant(story)
        await second.services.cache.site("paper", max_age=0)
        ana, ben = server.actor(here), second.actor(there)
        draft = new_comment(ADVERT)
        first = await comments.post(server.services, here, ana, draft)
        assert first.state is CommentState.PUBLISHED
        assert (await second.post(there, ben, ADVERT + "!")).state is CommentState.PENDING
        # The same comment sent again, to the other process, repeats nothing.
        again = await comments.post(second.services, there, ana, draft)
        assert (again.id, again.state) == (first.id, CommentState.PUBLISHED)
        # What was removed since is found too, and an edit counts with its new text.
        await decide.decide(server.services, OWNER, "remove", first.id)
        assert (await second.post(there, ben, ADVERT)).state is CommentState.PENDING
        other = "the council will decide on thursday whether the old harbour is to be sold"
        plain = await server.post(here, ana, "plain words about nothing at all")
        await comments.edit(server.services, here, ana, plain.id, other)
        assert (await second.post(there, ben, other)).state is CommentState.PENDING
        assert (await second.post(there, ben, "a text of its own, and calm")).state.value == "published"  # fmt: skip
        # After ten minutes, and after a restart, only what is written in the window counts.
        later = replace(server.services, clock=lambda: server.services.clock() + 601)
        fresh = await comments.post(later, here, ana, new_comment(ADVERT))
        assert fresh.state is CommentState.PUBLISHED
        await expire.erase_expired_texts(later)
        marks = await server.services.rules.marks.since("paper", 0, 99)
        assert [mark.comment for mark in marks] == [fresh.id]


async def test_the_fingerprint_of_an_erased_comment_is_erased(server: Server) -> None:
    grant = await server.grant()
    await rule_of(server, RuleSpec("repeat", "repeat"))
    first = await write(server, grant, ADVERT)
    assert len(await server.services.rules.marks.since("paper", 0, 99)) == 1
    await decide.decide(server.services, OWNER, "erase", first.id)
    assert await server.services.rules.marks.since("paper", 0, 99) == []


async def send(server: Server, grant: Grant, actor: object, body: str, key: str, **more: bool) -> str:  # fmt: skip
    """Return the state of a comment, or `asked`."""
    draft = replace(new_comment(body), key=key, **more)  # type: ignore[arg-type]
    try:
        return (await comments.post(server.services, grant, actor, draft)).state.value  # type: ignore[arg-type]
    except ReconsiderError:
        return "asked"


async def test_what_writers_do_who_are_asked_is_counted_whichever_process_they_meet(
    server: Server, tmp_path: Path, migrated_url: str
) -> None:
    await server.set(("rate_limit_comment", "9999/60"))
    story = server.publisher.story()
    here = await server.grant(story)
    rule = await rule_of(server, replace(WORDS, ask=True, guideline="Be kind."))
    async with open_server(tmp_path / "second", migrated_url) as second:
        there = await second.grant(story)
        await second.services.cache.site("paper", max_age=0)
        ana, ben, cem, dan = (server.actor(here) for _ in range(4))
        # Ana thinks again: her second text is asked about once more, her third passes.
        assert await send(server, here, ana, "casino", "a1", reconsider=True) == "asked"
        assert await send(second, there, ana, "Casino!", "a2", reconsider=True) == "asked"
        assert await send(second, there, ana, "a theatre", "a3", reconsider=True) == "published"
        # Ben sends the same again, as the embed does; Cem to a process that asks no second time.
        assert await send(server, here, ben, "casino", "b1", reconsider=True) == "asked"
        assert await send(server, here, ben, "casino", "b1") == "pending"
        assert await send(server, here, cem, "casino", "c1", reconsider=True) == "asked"
        assert await send(second, there, cem, "casino", "c1", reconsider=True) == "pending"
        # Dan goes away, and comes back when the hour is over.
        assert await send(server, here, dan, "casino", "d1", reconsider=True) == "asked"
        later = replace(server.services, clock=lambda: server.services.clock() + 3_601)
        await expire.erase_expired_texts(later)
        assert await send(server, here, dan, "a new day", "d2", reconsider=True) == "published"
    (one,) = await stored(server)
    assert (one.id, one.asked, one.edited, one.insisted) == (rule.id, 4, 1, 2)


async def test_a_change_of_a_rule_is_undone_from_the_log_with_its_list_and_mode(
    server: Server,
) -> None:
    grant = await server.grant()
    rule = await rule_of(server)
    before = (await stored(server))[0]
    longer = replace(WORDS, name="More", words=("ferry",), exceptions=("the ferry port",))
    await rules.change_rule(server.services, OWNER, "paper", rule.id, longer)
    change = await last_change(server)
    undo = await take_back.take_back(server.services, OWNER, "paper", change)
    (now,) = await stored(server)
    assert (now.spec, now.mode) == (before.spec, "on")
    assert (await write(server, grant, "casino")).state is CommentState.PENDING
    entry = await take_back.find_change(server.services, OWNER, "paper", undo or "")
    assert (entry.verb, entry.undoes) == ("undo", change)
    assert "ferry" not in str(entry)
    with pytest.raises(StaleError):
        await take_back.take_back(server.services, OWNER, "paper", change)
    with pytest.raises(NotPermittedError):
        await take_back.take_back(server.services, OWNER, "paper", undo or "")
    moderator = replace(OWNER, role="moderator")
    with pytest.raises(NotPermittedError):
        await take_back.take_back(server.services, moderator, "paper", change)
    found = await log.verify_site_log(server.services, OWNER, "paper")
    assert not found.verdict.damages


async def test_a_removed_rule_is_there_again_with_its_hits_and_an_added_one_is_gone(
    server: Server,
) -> None:
    grant = await server.grant()
    rule = await rule_of(server)
    added = (await log.read_log(server.services, OWNER, "paper", LogFilter(verb="rules")))[-1]
    held = await write(server, grant, "casino")
    await rules.remove_rule(server.services, OWNER, "paper", rule.id)
    assert (await write(server, grant, "casino")).state is CommentState.PUBLISHED
    await take_back.take_back(server.services, OWNER, "paper", await last_change(server))
    (now,) = await stored(server)
    assert replace(now, mode_at=rule.mode_at) == rule
    hits = await rules.last_hits(server.services, OWNER, "paper", rule.id)
    assert [hit.comment for hit in hits] == [held.id]
    assert (await write(server, grant, "casino")).state is CommentState.PENDING
    with pytest.raises(StaleError):
        await take_back.take_back(server.services, OWNER, "paper", added.id)
    other = await rules.add_rule(server.services, OWNER, "paper", RuleSpec("Links", "links"))
    await take_back.take_back(server.services, OWNER, "paper", await last_change(server))
    assert [one.id for one in await stored(server)] == [rule.id] != [other.id]


async def test_turning_on_is_undone_and_so_is_a_change_of_the_learned_filter(
    server: Server,
) -> None:
    rule = await rule_of(server)
    await take_back.take_back(server.services, OWNER, "paper", await last_change(server))
    (now,) = await stored(server)
    assert (now.id, now.mode, now.spec) == (rule.id, "shadow", rule.spec)
    await learner.set_filter(server.services, OWNER, "paper", "shadow")
    await learner.set_filter(server.services, OWNER, "paper", rate=50)
    change = await last_change(server)
    await take_back.take_back(server.services, OWNER, "paper", change)
    state, _ = await learner.show_learner(server.services, OWNER, "paper")
    assert (state.mode, state.rate) == ("shadow", 10)
    with pytest.raises(StaleError):
        await take_back.take_back(server.services, OWNER, "paper", change)
