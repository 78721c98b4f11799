"""Reader and moderator actions: reactions, comments, edits, deletions, reports, moderation."""

from typing import Any

import pytest
from sqlalchemy import select

from tests.operations.operations_harness import NETWORK, PAGE, Server, new_comment
from widget_server.model.actors import shell
from widget_server.model.errors import (
    EditWindowOverError,
    NotFoundError,
    NotPermittedError,
    RateLimitedError,
    StoryClosedError,
    TextRejectedError,
    UnknownReactionError,
)
from widget_server.model.records import Comment, CommentState, Story
from widget_server.operations.moderation import cases, decide
from widget_server.operations.readers import comment as comments, copies, react
from widget_server.operations.services import Services
from widget_server.store.schema import reports


async def decided(server: Server, comment: str, verb: Any) -> Comment:
    """Return a comment after a decision by the shell."""
    done = await decide.decide(server.services, shell("test"), verb, comment)
    assert done.comment is not None
    return done.comment


async def decide_story(server: Server, verb: Any, code: str, notice: str | None = None) -> Story:
    """Return a story after a decision by the shell."""
    return await decide.decide_story(server.services, shell("test"), verb, code, notice=notice)


async def waiting(server: Server) -> list[tuple[str, Comment]]:
    """Return what waits for a moderator: comments and edits, with their stories' codes."""
    found = []
    for queue in ("pending", "edits"):
        found += await cases.open_cases(server.services, shell("test"), "paper", queue)
    return [(case.story, cases.waiting_version(case)) for case in found]


async def test_a_reader_has_one_reaction_which_can_be_changed_and_removed(server: Server) -> None:
    grant = await server.grant()
    actor = server.actor(grant)
    for reaction, happy, sad in (("happy", 1, 0), ("sad", 0, 1), (None, 0, 0)):
        tally = await react.react(server.services, grant, actor, reaction, None)
        assert (tally.counts["happy"], tally.counts["sad"]) == (happy, sad)


async def test_a_reaction_that_the_site_does_not_offer_is_rejected(server: Server) -> None:
    grant = await server.grant()
    with pytest.raises(UnknownReactionError):
        await react.react(server.services, grant, server.actor(grant), "unknown", None)


async def test_a_comment_can_be_reacted_to(server: Server) -> None:
    grant = await server.grant()
    actor = server.actor(grant)
    comment = await server.post(grant, actor)
    tally = await react.react(server.services, grant, actor, "happy", comment.id)
    assert tally.counts["happy"] == 1
    with pytest.raises(NotFoundError):
        await react.react(server.services, grant, actor, "happy", "unknown")


async def test_reactions_are_limited_by_the_rate_of_the_site(server: Server) -> None:
    await server.set(("rate_limit_react", "2/60"))
    grant = await server.grant()
    actor = server.actor(grant)
    for reaction in ("happy", "sad"):
        await react.react(server.services, grant, actor, reaction, None)
    with pytest.raises(RateLimitedError):
        await react.react(server.services, grant, actor, "happy", None)


async def test_a_token_without_the_permission_to_comment_is_rejected(server: Server) -> None:
    grant = await server.grant(can=["read", "react"])
    actor = server.actor(grant)
    with pytest.raises(NotPermittedError):
        await server.post(grant, actor)
    await react.react(server.services, grant, actor, "happy", None)


async def test_a_comment_is_published_with_its_copy_and_its_name(server: Server) -> None:
    grant = await server.grant(label="Copy")
    comment = await server.post(grant, server.actor(grant), name="Ada")
    assert (comment.state, comment.name, comment.born) == (CommentState.PUBLISHED, "Ada", 1)
    assert comment.copy is not None
    assert (comment.copy.label, comment.copy.origin) == ("Copy", PAGE)


async def test_a_repeated_idempotency_key_returns_the_first_comment(server: Server) -> None:
    grant = await server.grant()
    actor = server.actor(grant)
    first = await server.post(grant, actor, "first", key="key-1")
    again = await server.post(grant, actor, "second", key="key-1")
    assert (again.id, again.source) == (first.id, "first")


@pytest.mark.parametrize(
    ("setting", "fields"),
    [
        (("name", "required"), {}),
        (("website", "off"), {"website": "https://ada.example"}),
        (("email", "optional"), {"email": "no address"}),
    ],
)
async def test_contact_fields_follow_the_settings_of_the_site(
    server: Server, setting: tuple[str, str], fields: dict[str, str]
) -> None:
    await server.set(setting)
    grant = await server.grant()
    with pytest.raises(TextRejectedError):
        await server.post(grant, server.actor(grant), **fields)


async def test_with_pre_moderation_a_comment_is_published_once_it_is_approved(
    server: Server,
) -> None:
    await server.set(("moderation", "pre"))
    grant = await server.grant()
    comment = await server.post(grant, server.actor(grant))
    assert comment.state == CommentState.PENDING
    ((code, pending),) = await waiting(server)
    assert (code, pending.id) == (grant.story.code, comment.id)
    approved = await decided(server, comment.id, "approve")
    assert approved.state == CommentState.PUBLISHED
    assert await waiting(server) == []


async def test_with_pre_moderation_an_edit_keeps_the_published_text_until_it_is_approved(
    server: Server,
) -> None:
    story = server.publisher.story()
    grant = await server.grant(story)
    actor = server.actor(grant)
    comment = await server.post(grant, actor, "old")
    await server.set(("moderation", "pre"))
    grant = await server.grant(story)
    edited = await comments.edit(server.services, grant, actor, comment.id, "new")
    assert (edited.source, edited.waiting) == ("old", True)
    ((_, pending),) = await waiting(server)
    assert pending.source == "new"
    approved = await decided(server, comment.id, "approve")
    assert (approved.source, approved.waiting) == ("new", False)


async def test_only_the_author_can_edit_and_only_within_the_window(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = await server.grant()
    actor, other = server.actor(grant), server.actor(grant)
    comment = await server.post(grant, actor, "old")
    edited = await comments.edit(server.services, grant, actor, comment.id, "new")
    assert edited.source == "new"
    assert edited.edited_at is not None
    with pytest.raises(NotFoundError):
        await comments.edit(server.services, grant, other, comment.id, "not the author")
    later = comment.created_at + grant.site.settings.edit_window * 1000 + 1
    monkeypatch.setattr(Services, "now_ms", lambda _services: later)
    with pytest.raises(EditWindowOverError):
        await comments.edit(server.services, grant, actor, comment.id, "late")
    with pytest.raises(EditWindowOverError):
        await comments.delete(server.services, grant, actor, comment.id)


async def test_a_deleted_comment_is_a_tombstone(server: Server) -> None:
    grant = await server.grant()
    actor = server.actor(grant)
    comment = await server.post(grant, actor)
    deleted = await comments.delete(server.services, grant, actor, comment.id)
    assert (deleted.state, deleted.source, deleted.text) == (CommentState.REMOVED, "", [])


async def test_a_second_report_by_the_same_reader_changes_nothing(server: Server) -> None:
    grant = await server.grant()
    actor = server.actor(grant)
    comment = await server.post(grant, actor)
    for reason in ("first", "second"):
        await comments.report(server.services, grant, actor, comment.id, reason)
    found = await server.components.database.read(
        lambda connection: connection.execute(select(reports.c.reason))
    )
    assert list(found.scalars()) == ["first"]


async def test_a_closed_story_rejects_new_actions_and_allows_deletions(server: Server) -> None:
    grant = await server.grant()
    actor = server.actor(grant)
    comment = await server.post(grant, actor)
    assert (await decide_story(server, "close", grant.story.code)).closed
    with pytest.raises(StoryClosedError):
        await server.post(grant, actor)
    with pytest.raises(StoryClosedError):
        await react.react(server.services, grant, actor, "happy", None)
    deleted = await comments.delete(server.services, grant, actor, comment.id)
    assert deleted.state == CommentState.REMOVED


async def test_a_moderator_pins_and_removes_comments_and_sets_a_notice(server: Server) -> None:
    grant = await server.grant()
    comment = await server.post(grant, server.actor(grant))
    assert (await decided(server, comment.id, "pin")).pinned
    removed = await decided(server, comment.id, "remove")
    assert (removed.state, removed.pinned) == (CommentState.REMOVED, False)
    story = await decide_story(server, "notice", grant.story.code, "Be kind.")
    assert story.notice == "Be kind."
    with pytest.raises(NotFoundError):
        await decided(server, "unknown", "pin")
    with pytest.raises(NotFoundError):
        await decide_story(server, "notice", "unknown00000")


async def test_a_network_may_add_only_so_many_copies_and_act_without_one(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = await server.grant()
    first = await copies.record_seen(server.services, grant, NETWORK)
    assert first is not None
    assert await copies.record_seen(server.services, grant, NETWORK) == first

    def limited(kind: str, network: str) -> None:
        if kind == "copy":
            raise RateLimitedError(retry_after=1)

    monkeypatch.setattr(server.services.rate_limiters, "hit_network", limited)
    other = await server.grant(origin="https://another.example")
    assert await copies.record_seen(server.services, other, NETWORK) is None
    comment = await comments.post(server.services, other, server.actor(other), new_comment("hello"))
    assert comment.copy is None
