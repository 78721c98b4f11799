"""Operations of a site's owner: settings, keys, tokens, withdrawals and shut-out origins."""

import pytest

from tests.operations.operations_harness import NETWORK, OPERATOR, PAGE, Server, now
from widget_server.auth import tokens
from widget_server.model.actors import shell
from widget_server.model.claims import CODE_ONLY_JTI, WidgetClaims
from widget_server.model.errors import (
    MalformedError,
    NotFoundError,
    NotPermittedError,
    OperatorError,
    TokenInvalidError,
)
from widget_server.operations.owners import settings, sites
from widget_server.operations.readers import authorize, copies


async def test_a_slug_can_be_used_once(server: Server) -> None:
    with pytest.raises(NotPermittedError):
        await sites.create_site(server.services, shell("test"), "paper", "Another paper")
    assert [site.slug for site in await sites.all_sites(server.services)] == ["paper"]


async def test_settings_are_all_changed_or_none(server: Server) -> None:
    with pytest.raises(MalformedError, match="no setting"):
        await settings.change_settings(
            server.services, OPERATOR, "paper", {"prompt": "New?", "unknown": "x"}
        )
    (site,) = await sites.all_sites(server.services)
    assert site.settings.prompt != "New?"
    with pytest.raises(NotFoundError):
        await settings.change_settings(server.services, OPERATOR, "missing", {"prompt": "New?"})


async def test_new_settings_move_the_position_of_the_stories(server: Server) -> None:
    grant = await server.grant()
    await server.set(("prompt", "New?"))
    story = await server.services.discussions.story(grant.story.code)
    assert story is not None
    assert story.seq == grant.story.seq + 1


async def test_a_minted_token_is_valid_until_its_key_is_retired(server: Server) -> None:
    claims = WidgetClaims("paper", "story", ("https://*.example",), now(), "handle")
    token = await sites.mint(server.services, shell("test"), claims)
    site = await sites.rotate_key(server.services, shell("test"), "paper")
    assert (site.oldest, site.generation) == (1, 2)
    await server.services.cache.site("paper", max_age=0)
    await authorize.authorize(server.services, token=token, code=None, origin=PAGE)
    await sites.retire_keys(server.services, shell("test"), "paper")
    await server.services.cache.site("paper", max_age=0)
    with pytest.raises(TokenInvalidError):
        await authorize.authorize(server.services, token=token, code=None, origin=PAGE)
    generation, key = await sites.signing_key(server.services, shell("test"), "paper")
    assert (generation, key) == (2, server.services.keyring.site_key("paper", 2))


async def test_a_withdrawn_token_lists_the_copies_on_which_it_was_seen(server: Server) -> None:
    story = server.publisher.story(jti="handle")
    grant = await server.grant(story)
    await copies.record_seen(server.services, grant, NETWORK)
    withdrawn = await sites.revoke(server.services, shell("test"), "paper", story.token)
    assert (withdrawn.jti, withdrawn.exact, withdrawn.before) == ("handle", [PAGE], False)
    assert [(copy.story, copy.origin) for copy in withdrawn.seen] == [(story.key, PAGE)]
    assert (await sites.revoke(server.services, shell("test"), "paper", "handle")).before


@pytest.mark.parametrize(
    ("token_or_jti", "sentence"),
    [("two words", "visible ASCII"), (CODE_ONLY_JTI, "only the code"), ("", "visible ASCII")],
)
async def test_only_a_token_or_its_handle_can_be_withdrawn(
    server: Server, token_or_jti: str, sentence: str
) -> None:
    with pytest.raises(OperatorError, match=sentence):
        await sites.revoke(server.services, shell("test"), "paper", token_or_jti)


async def test_a_token_of_another_site_cannot_be_withdrawn(server: Server) -> None:
    await sites.create_site(server.services, shell("test"), "other", "Another paper")
    with pytest.raises(OperatorError, match="another site"):
        await sites.revoke(server.services, shell("test"), "other", server.publisher.story().token)


async def test_withdrawing_with_shut_out_needs_one_exact_origin(server: Server) -> None:
    story = server.publisher.story(jti="handle")
    with pytest.raises(OperatorError, match="no exact origin"):
        await sites.revoke(server.services, shell("test"), "paper", "handle", shut=True)
    assert await server.components.sites.revoked("paper") == frozenset()
    await copies.record_seen(server.services, await server.grant(story), NETWORK)
    await sites.revoke(server.services, shell("test"), "paper", "handle", shut=True)
    assert await sites.all_shut_out(server.services, "paper") == [(PAGE, story.key)]


async def test_a_shut_out_origin_is_listed_with_its_story_until_it_is_readmitted(
    server: Server,
) -> None:
    assert (
        await sites.shut_out(server.services, shell("test"), "paper", f"{PAGE}:443/", None) == PAGE
    )
    await sites.shut_out(server.services, shell("test"), "paper", PAGE, "unknown")
    code = tokens.story_code("paper", "unknown")
    assert await sites.all_shut_out(server.services, "paper") == [(PAGE, None), (PAGE, code)]
    assert await sites.readmit(server.services, shell("test"), "paper", PAGE, None)
    assert not await sites.readmit(server.services, shell("test"), "paper", PAGE, None)
    assert await sites.all_shut_out(server.services, "paper") == [(PAGE, code)]


@pytest.mark.parametrize("origin", ["null", "*", "https://*.example", "not an origin"])
async def test_only_an_exact_origin_can_be_shut_out(server: Server, origin: str) -> None:
    with pytest.raises(OperatorError, match="exact origin"):
        await sites.shut_out(server.services, shell("test"), "paper", origin, None)


async def test_the_server_itself_cannot_be_shut_out(server: Server) -> None:
    with pytest.raises(OperatorError, match="own origin"):
        await sites.shut_out(
            server.services, shell("test"), "paper", server.services.server_origin, None
        )
