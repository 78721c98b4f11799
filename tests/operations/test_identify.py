"""Readers: new ones, retried actions, reader tokens, identity tokens and erasure."""

from dataclasses import replace

import pytest

from tests.operations.operations_harness import NETWORK, Server, new_comment
from widget_server.model.actors import shell
from widget_server.model.errors import TokenExpiredError, TokenInvalidError
from widget_server.operations.owners import sites
from widget_server.operations.readers import comment as comments, identify


async def test_a_new_reader_gets_a_token_that_names_the_same_reader(server: Server) -> None:
    grant = await server.grant()
    actor = server.actor(grant)
    claims = identify.reader_from_token(server.services, grant.site, actor.new_token)
    assert claims is not None
    again = identify.act(server.services, grant, claims, NETWORK)
    assert again.reader_id == actor.reader_id
    assert again.new_token is None


async def test_a_missing_or_foreign_reader_token_is_no_reader(server: Server) -> None:
    grant = await server.grant()
    assert identify.reader_from_token(server.services, grant.site, None) is None
    assert identify.reader_from_token(server.services, grant.site, "r1.paper.0.x.y") is None


async def test_the_same_first_action_is_the_same_reader_on_every_attempt(server: Server) -> None:
    grant = await server.grant()
    ids = {server.actor(grant, first="a secret of the client").reader_id for _ in range(2)}
    assert len(ids) == 1
    assert server.actor(grant).reader_id not in ids


async def test_a_retried_comment_is_stored_once_and_belongs_to_the_later_token(
    server: Server,
) -> None:
    grant = await server.grant()
    comment = new_comment()
    lost = await comments.post(server.services, grant, server.actor(grant, first="secret"), comment)
    known = server.actor(grant)
    retry = identify.act(server.services, grant, known.claims, NETWORK, first="secret")
    stored = await comments.post(server.services, grant, retry, comment)
    assert stored.id == lost.id
    assert stored.reader == known.reader_id


async def test_an_identity_token_is_accepted_once(server: Server) -> None:
    grant = await server.grant()
    token = server.publisher.identity("user-1", "Ada")
    claims = await identify.exchange_identity_token(server.services, grant.site, token)
    assert (claims.sub, claims.name) == ("user-1", "Ada")
    with pytest.raises(TokenInvalidError):
        await identify.exchange_identity_token(server.services, grant.site, token)


async def test_a_sign_in_ends_with_its_key_or_its_time_and_leaves_one_anonymous_reader(
    server: Server,
) -> None:
    grant = await server.grant()
    claims = await identify.exchange_identity_token(
        server.services, grant.site, server.publisher.identity("user-1", "Ada")
    )
    assert identify.current_reader(server.services, grant.site, claims) is claims
    expired = identify.current_reader(server.services, grant.site, replace(claims, exp=1))
    assert (expired.sub, expired.sign_in_error) == (None, TokenExpiredError.code)
    await sites.rotate_key(server.services, shell("test"), "paper")
    site = await sites.retire_keys(server.services, shell("test"), "paper")
    ended = identify.current_reader(server.services, site, claims)
    assert ended.sign_in_error == TokenInvalidError.code
    assert identify.reader_id(ended) == identify.reader_id(expired)


async def test_a_reader_whose_sign_in_has_ended_gets_a_new_token(server: Server) -> None:
    grant = await server.grant()
    claims = await identify.exchange_identity_token(
        server.services, grant.site, server.publisher.identity("user-1", "Ada")
    )
    ended = identify.current_reader(server.services, grant.site, replace(claims, exp=1))
    actor = identify.act(server.services, grant, ended, NETWORK)
    assert actor.new_token is not None
    assert actor.claims.sign_in_error is None


async def test_erasing_a_reader_removes_comments_and_leaves_tombstones(server: Server) -> None:
    grant = await server.grant()
    actor = server.actor(grant)
    comment = await server.post(grant, actor)
    await identify.erase(server.services, grant, actor)
    snapshot = await server.services.discussions.snapshot(grant.story.code)
    (thread,) = snapshot.page.threads
    assert (thread.top.id, thread.top.source, thread.top.reader) == (comment.id, "", "")
