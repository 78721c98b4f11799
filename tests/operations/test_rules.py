"""Rules of a site: they start in shadow, hold or block, never hold staff, and are tried on the past."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from tests.operations.operations_harness import Server, new_comment, open_server
from tests.waiting import eventually
from widget_server.model.actors import Actor, Role
from widget_server.model.errors import (
    MalformedError,
    NotFoundError,
    NotPermittedError,
    ReconsiderError,
    TextRejectedError,
)
from widget_server.model.records import Comment, CommentState
from widget_server.model.rules import RuleMode, RuleSpec, StoredRule
from widget_server.operations.moderation import cases, decide, discussion, log, rules, try_rule
from widget_server.operations.readers import comment as comments
from widget_server.operations.readers.authorize import Grant
from widget_server.store.queries.decisions import LogFilter

OWNER = Actor("account", "1", "dashboard", "paper", "owner")
WORDS = RuleSpec("Casino", "words", words=("casino", "buy now"))


async def rule_of(
    server: Server, spec: RuleSpec = WORDS, mode: RuleMode = "on", by: Actor = OWNER
) -> StoredRule:
    """Return a new rule in this mode."""
    rule = await rules.add_rule(server.services, by, "paper", spec)
    assert rule.mode == "shadow"
    after, _ = await rules.set_mode(server.services, by, "paper", rule.id, mode)
    return after


async def write(server: Server, grant: Grant, body: str, **fields: object) -> Comment:
    """Return a comment by a new reader."""
    return await server.post(grant, server.actor(grant), body, **fields)


async def queues(server: Server) -> dict[str, int]:
    counts = await server.services.queue.counts("paper", None)
    return {queue: number for queue, (number, _) in counts.items()}


async def test_a_rule_in_shadow_holds_nothing_and_counts_what_the_same_rule_holds_when_on(
    server: Server,
) -> None:
    grant = await server.grant()
    rule = await rules.add_rule(server.services, OWNER, "paper", WORDS)
    texts = ["hello there", "CASINO tonight", "c a s i n o", "the casinos", "Buy  now!"]
    seen = [await write(server, grant, text) for text in texts]
    assert all(one.state is CommentState.PUBLISHED for one in seen)
    assert await queues(server) == {}
    in_shadow = await rules.last_hits(server.services, OWNER, "paper", rule.id)
    await rules.set_mode(server.services, OWNER, "paper", rule.id, "on")
    held = [
        one for text in texts if (one := await write(server, grant, text)).state.value == "pending"
    ]
    assert len(held) == len(in_shadow) == 3
    assert await queues(server) == {"held": 3}
    listed = (await rules.list_rules(server.services, OWNER, "paper"))[0].hits
    assert (listed.shadow, listed.acting) == (3, 3)
    hits = await rules.last_hits(server.services, OWNER, "paper", rule.id)
    assert {hit.source for hit in hits if hit.acting} == {hit.source for hit in in_shadow}
    auditor = replace(OWNER, role="auditor")
    shown = await rules.last_hits(server.services, auditor, "paper", rule.id)
    assert all(bool(hit.source) is not hit.acting for hit in shown)


async def test_a_held_comment_is_not_public_names_its_rule_and_appears_when_approved(
    server: Server,
) -> None:
    grant = await server.grant()
    rule = await rule_of(server)
    subscribed = await server.subscribe(grant.story.code)
    held = await write(server, grant, "casino")
    assert held.state is CommentState.PENDING
    assert (await server.services.discussions.snapshot(grant.story.code)).story.count == 0
    [case] = await cases.open_cases(server.services, OWNER, "paper", "held")
    assert (case.comment.id, case.comment.source) == (held.id, "casino")
    context = await discussion.context_of(server.services, OWNER, "paper", case.comment)
    assert context.held_by == [(rule.id, "Casino")]
    [entry] = await log.read_log(server.services, OWNER, "paper", LogFilter(verb="hold"))
    assert (entry.actor_kind, entry.actor, entry.via) == ("rule", rule.id, "rule")
    assert entry.after["rules"] == [rule.id]
    with pytest.raises(NotPermittedError):
        await decide.undo(server.services, OWNER, entry.id)
    approved = await decide.decide(server.services, OWNER, "approve", held.id)
    assert await queues(server) == {}
    await eventually(lambda: subscribed.of_type("comment"), "the comment was delivered")
    # A rule's entry is not a later decision of a person: theirs can be undone.
    assert approved.decision is not None
    undone = await decide.undo(server.services, OWNER, approved.decision.id)
    assert undone.decided[0].comment is not None
    assert undone.decided[0].comment.state is CommentState.REMOVED
    assert await queues(server) == {"held": 1}
    check = await log.verify_site_log(server.services, OWNER, "paper")
    assert check.verdict.damages == []


async def test_an_edit_that_a_rule_holds_waits_while_the_approved_text_stays_up(
    server: Server,
) -> None:
    grant = await server.grant()
    await rule_of(server)
    actor = server.actor(grant)
    posted = await server.post(grant, actor, "a calm text")
    edited = await comments.edit(server.services, grant, actor, posted.id, "a casino text")
    assert (edited.state, edited.source) == (CommentState.PUBLISHED, "a calm text")
    assert await queues(server) == {"edits": 1}
    done = await decide.decide(server.services, OWNER, "reject", posted.id, queue="edits")
    assert done.comment is not None
    assert done.comment.source == "a calm text"
    again = await comments.edit(server.services, grant, actor, posted.id, "another calm text")
    assert again.source == "another calm text"


async def test_an_edit_of_a_pending_comment_moves_it_to_the_held_ones(server: Server) -> None:
    await server.set(("moderation", "pre"))
    grant = await server.grant()
    await rule_of(server)
    actor = server.actor(grant)
    posted = await server.post(grant, actor, "a calm text")
    assert await queues(server) == {"pending": 1}
    await comments.edit(server.services, grant, actor, posted.id, "casino")
    assert await queues(server) == {"held": 1}
    await decide.decide(server.services, OWNER, "reject", posted.id)
    assert await queues(server) == {}


async def test_a_rule_that_blocks_names_its_guideline_and_stores_nothing(server: Server) -> None:
    grant = await server.grant()
    spec = replace(WORDS, action="block", guideline="No advertising.")
    rule = await rule_of(server, spec)
    with pytest.raises(TextRejectedError, match="No advertising") as refused:
        await write(server, grant, "casino")
    assert refused.value.field == "body"
    assert (await server.services.discussions.snapshot(grant.story.code)).story.count == 0
    assert await queues(server) == {}
    found = await rules.find_rule(server.services, OWNER, "paper", rule.id)
    assert found.blocked == 1
    actor = server.actor(grant)
    posted = await server.post(grant, actor, "calm")
    with pytest.raises(TextRejectedError):
        await comments.edit(server.services, grant, actor, posted.id, "casino")
    assert (await server.services.decisions.comment(posted.id)).source == "calm"


async def test_a_comment_that_was_stored_before_is_answered_as_stored_whatever_rules_say_now(
    server: Server,
) -> None:
    grant = await server.grant()
    actor, new = server.actor(grant), new_comment("casino")
    posted = await comments.post(server.services, grant, actor, new)
    await rule_of(server, replace(WORDS, action="block"))
    again = await comments.post(server.services, grant, actor, new)
    assert (again.id, again.state) == (posted.id, CommentState.PUBLISHED)


async def test_staff_are_never_held(server: Server) -> None:
    grant = await server.grant()
    await rule_of(server, RuleSpec("all", "length", least=5_000))
    actor = server.actor(grant)
    author = replace(actor, claims=replace(actor.claims, author=True))
    assert (await server.post(grant, author, "casino")).state is CommentState.PUBLISHED
    assert (await server.post(grant, actor, "casino")).state is CommentState.PENDING


async def test_a_first_comment_is_held_until_one_of_the_writer_was_accepted(server: Server) -> None:
    grant = await server.grant()
    await rule_of(server, RuleSpec("first", "first"))
    actor = replace(server.actor(grant), new_token=None)
    first = await server.post(grant, actor, "my first")
    second = await server.post(grant, actor, "my second")
    assert first.state is second.state is CommentState.PENDING
    await decide.decide(server.services, OWNER, "approve", first.id)
    assert (await server.post(grant, actor, "my third")).state is CommentState.PUBLISHED


async def test_repetition_is_held_but_not_the_same_comment_sent_again_nor_its_edit(
    server: Server,
) -> None:
    grant = await server.grant()
    await rule_of(server, RuleSpec("again", "repeat"))
    actor = server.actor(grant)
    text = "vote for the ferry on sunday and bring all of your friends"
    new = new_comment(text)
    first = await comments.post(server.services, grant, actor, new)
    assert (await comments.post(server.services, grant, actor, new)).id == first.id
    edited = await comments.edit(server.services, grant, actor, first.id, text + "!")
    assert (edited.state, edited.source) == (CommentState.PUBLISHED, text + "!")
    assert (await write(server, grant, text.upper())).state is CommentState.PENDING
    assert (await write(server, grant, "something else")).state is CommentState.PUBLISHED


async def test_a_rule_of_a_story_and_of_a_copy_only_adds(server: Server) -> None:
    story, other = server.publisher.story(), server.publisher.story()
    grant, elsewhere = await server.grant(story), await server.grant(other)
    first = await write(server, grant, "hello")
    assert first.copy is not None
    copy = first.copy.id
    await rule_of(server, replace(WORDS, story=story.code))
    narrow = RuleSpec("copy", "words", story=story.code, copy=copy, words=("ferry",))
    await rule_of(server, narrow)
    on_other_copy = await server.grant(replace(story, token=server.publisher.token(story.key)))
    held = CommentState.PENDING
    assert (await write(server, elsewhere, "casino")).state is CommentState.PUBLISHED
    assert (await write(server, grant, "casino")).state is held
    assert (await write(server, grant, "ferry")).state is held
    assert (await write(server, on_other_copy, "casino")).state is held
    actor = server.actor(grant)
    posted = await server.post(grant, actor, "calm")
    # The copy on which it was written counts, not the one from which it is edited.
    await comments.edit(server.services, on_other_copy, actor, posted.id, "the ferry")
    assert (await queues(server))["edits"] == 1
    for wrong in (replace(narrow, story=other.code), replace(narrow, story="0" * 12)):
        with pytest.raises(NotFoundError):
            await rules.add_rule(server.services, OWNER, "paper", wrong)


async def test_a_rule_holds_only_in_its_languages(server: Server) -> None:
    await rule_of(server, replace(WORDS, languages=("pt",)))
    english = await server.grant(lang="en")
    brazil = await server.grant(lang="pt-BR")
    assert (await write(server, english, "casino")).state is CommentState.PUBLISHED
    assert (await write(server, brazil, "casino")).state is CommentState.PENDING


async def test_the_kind_question_comes_once_for_a_draft_and_only_to_clients_that_can_show_it(
    server: Server,
) -> None:
    grant = await server.grant()
    await rule_of(server, replace(WORDS, ask=True, guideline="Be kind."))
    actor = server.actor(grant)
    assert (await server.post(grant, actor, "casino")).state is CommentState.PENDING
    draft = new_comment("casino again", reconsider=True)
    with pytest.raises(ReconsiderError, match="Be kind"):
        await comments.post(server.services, grant, actor, draft)
    assert (await queues(server)) == {"held": 1}
    assert (await comments.post(server.services, grant, actor, draft)).state is CommentState.PENDING
    assert (await queues(server)) == {"held": 2}
    calm = new_comment("a calm text", reconsider=True)
    assert (
        await comments.post(server.services, grant, actor, calm)
    ).state is CommentState.PUBLISHED


async def test_a_trial_counts_what_is_counted_by_hand_and_shows_false_alarms_first(
    server: Server,
) -> None:
    await server.set(("rate_limit_comment", "9999/60"))
    grant = await server.grant()
    texts = ["casino", "calm", "buy now", "casino one", "casino two"]
    posted = [await write(server, grant, text) for text in texts]
    ids = [one.id for one in posted]
    await decide.decide(server.services, OWNER, "remove", ids[0])
    await decide.decide(server.services, OWNER, "spam", ids[2])
    # Held, then approved: a person said that it is good.
    await decide.decide(server.services, OWNER, "hold", ids[3])
    await decide.decide(server.services, OWNER, "approve", ids[3])
    gone = await write(server, grant, "casino gone")
    await decide.decide(server.services, OWNER, "erase", gone.id)
    tried = await try_rule.try_on_last_comments(server.services, OWNER, "paper", WORDS)
    trial = tried.trial
    assert (trial.tried, trial.caught, trial.removed, trial.approved) == (5, 4, 2, 1)
    outcomes = [sample.comment.outcome for sample in trial.samples]
    assert outcomes[0] == "approved"
    assert sorted(outcomes) == ["approved", "open", "removed", "removed"]
    assert {sample.comment.text for sample in trial.samples} == set(texts) - {"calm"}
    assert tried.since == posted[0].created_at
    machine = replace(OWNER, kind="key", role="machine")
    seen = await try_rule.try_on_last_comments(server.services, machine, "paper", WORDS)
    assert (seen.trial.caught, seen.trial.removed) == (4, 2)
    assert all(sample.comment.outcome != "removed" for sample in seen.trial.samples)
    assert (await server.services.discussions.snapshot(grant.story.code)).story.count == 3


async def test_first_comments_and_repetition_are_tried_with_what_came_before(
    server: Server,
) -> None:
    await server.set(("rate_limit_comment", "9999/60"))
    grant = await server.grant()
    ana, ben = server.actor(grant), server.actor(grant)
    text = "vote for the ferry on sunday and bring all of your friends"
    for actor, body in ((ana, text), (ana, "other words"), (ben, text), (ben, "more words")):
        await server.post(grant, actor, body)
    for spec, caught in ((RuleSpec("f", "first"), 2), (RuleSpec("r", "repeat"), 1)):
        tried = await try_rule.try_on_last_comments(server.services, OWNER, "paper", spec)
        assert (tried.trial.tried, tried.trial.caught) == (4, caught)
    # Ana's first comment is older than the last three, and counts.
    tried = await try_rule.try_on_last_comments(
        server.services, OWNER, "paper", RuleSpec("f", "first"), last=3
    )
    assert (tried.trial.tried, tried.trial.caught) == (3, 1)


async def test_turning_on_tries_first_and_a_changed_rule_is_in_shadow_again(server: Server) -> None:
    grant = await server.grant()
    await write(server, grant, "casino")
    rule = await rules.add_rule(server.services, OWNER, "paper", WORDS)
    _, tried = await rules.set_mode(server.services, OWNER, "paper", rule.id, "on")
    assert tried is not None
    assert tried.trial.caught == 1
    [entry, added] = await log.read_log(server.services, OWNER, "paper", LogFilter(verb="rules"))
    assert (entry.before, entry.after["mode"]) == ({"mode": "shadow"}, "on")
    assert (entry.after["tried"], entry.after["caught"]) == (1, 1)
    assert added.after["words"] == 2
    assert "casino" not in str(added.after)
    named = replace(WORDS, name="Other")
    after = await rules.change_rule(server.services, OWNER, "paper", rule.id, named)
    assert (after.mode, after.spec.name) == ("on", "Other")
    longer = replace(named, words=("casino", "ferry"))
    after = await rules.change_rule(server.services, OWNER, "paper", rule.id, longer)
    assert after.mode == "shadow"
    assert (await write(server, grant, "ferry")).state is CommentState.PUBLISHED
    after = await rules.change_rule(server.services, OWNER, "paper", rule.id, longer, "on")
    assert (await write(server, grant, "ferry")).state is CommentState.PENDING
    await rules.remove_rule(server.services, OWNER, "paper", rule.id)
    assert (await write(server, grant, "ferry")).state is CommentState.PUBLISHED
    assert await rules.list_rules(server.services, OWNER, "paper") == []
    with pytest.raises(NotFoundError):
        await rules.set_mode(server.services, OWNER, "paper", rule.id, "on")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"kind": "magic"}, "kind"),
        ({"action": "remove"}, "action"),
        ({"words": ()}, "words"),
        ({"words": ("…",)}, "words"),
        ({"words": tuple(map(str, range(20_001)))}, "words"),
        ({"languages": ("English",)}, "languages"),
        ({"copy": 3}, "copy"),
        ({"guideline": "x" * 301}, "guideline"),
        ({"kind": "length"}, "limit"),
        ({"kind": "links", "limit": -1}, "limit"),
        ({"words": ("a\0b",)}, "name"),
    ],
)
async def test_a_wrong_rule_is_refused_with_its_field(
    server: Server, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(MalformedError) as refused:
        await rules.add_rule(server.services, OWNER, "paper", replace(WORDS, **changes))  # type: ignore[arg-type]
    assert refused.value.field == field
    assert await rules.list_rules(server.services, OWNER, "paper") == []


async def test_a_site_has_at_most_100_rules_and_20000_words(server: Server) -> None:
    many = replace(WORDS, words=tuple(f"word{number}" for number in range(15_000)))
    await rules.add_rule(server.services, OWNER, "paper", many)
    with pytest.raises(MalformedError, match="20,000"):
        await rules.add_rule(server.services, OWNER, "paper", many)
    links = RuleSpec("links", "links")
    await asyncio.gather(
        *(rules.add_rule(server.services, OWNER, "paper", links) for _ in range(99))
    )
    with pytest.raises(MalformedError, match="100"):
        await rules.add_rule(server.services, OWNER, "paper", links)


@pytest.mark.parametrize("role", ["moderator", "auditor", "local"])
async def test_only_roles_with_the_verb_change_rules(server: Server, role: Role) -> None:
    rule = await rules.add_rule(server.services, OWNER, "paper", WORDS)
    by = replace(OWNER, role=role)
    for attempt in (
        rules.add_rule(server.services, by, "paper", WORDS),
        rules.change_rule(server.services, by, "paper", rule.id, WORDS),
        rules.set_mode(server.services, by, "paper", rule.id, "on"),
        rules.remove_rule(server.services, by, "paper", rule.id),
        try_rule.try_on_last_comments(server.services, by, "paper", WORDS),
    ):
        with pytest.raises(NotPermittedError):
            await attempt
    elsewhere = replace(OWNER, site="other")
    with pytest.raises(NotPermittedError):
        await rules.list_rules(server.services, elsewhere, "paper")


async def test_another_process_uses_a_changed_rule_within_5_seconds_without_a_bus(
    server: Server, tmp_path: Path, migrated_url: str
) -> None:
    story = server.publisher.story()
    await server.grant(story)
    async with open_server(tmp_path / "second", migrated_url) as second:

        async def is_held() -> bool:
            fresh = await second.grant(story)
            return (await write(second, fresh, "casino")).state is CommentState.PENDING

        await second.set(("rate_limit_comment", "9999/60"))
        assert not await is_held()
        rule = await rule_of(server)
        await eventually(is_held, "the other process holds", timeout=5, pause=0.2)
        await rules.set_mode(server.services, OWNER, "paper", rule.id, "off")

        async def is_published() -> bool:
            return not await is_held()

        await eventually(is_published, "the other process lets it pass", timeout=5, pause=0.2)
