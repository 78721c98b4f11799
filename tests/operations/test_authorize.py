"""Authorization: tokens, bare codes, origins, withdrawals and restores."""

import pytest

from tests.operations.operations_harness import PAGE, Server, now
from widget_server.model.actors import shell
from widget_server.model.errors import (
    MalformedError,
    NotFoundError,
    NotPermittedError,
    OriginNotAllowedError,
    TokenExpiredError,
    TokenInvalidError,
    TokenRevokedError,
)
from widget_server.operations.owners import sites
from widget_server.operations.readers import authorize


async def test_a_valid_token_registers_its_story_with_its_attribution(server: Server) -> None:
    story = server.publisher.story(title="A title", jti="handle")
    grant = await server.grant(story)
    assert (grant.story.code, grant.story.title) == (story.code, "A title")
    assert grant.permissions == ("read", "react", "comment")
    assert grant.denial is None


async def test_a_newer_token_changes_the_attribution_and_an_older_one_does_not(
    server: Server,
) -> None:
    story = server.publisher.story(title="First", iat=now() - 100)
    await server.grant(story)
    for title, age, shown in (("Newer", 10, "Newer"), ("Older", 50, "Newer")):
        token = server.publisher.token(story.key, title=title, iat=now() - age)
        grant = await authorize.authorize(server.services, token=token, code=None, origin=PAGE)
        assert grant.story.title == shown


async def test_a_page_of_another_origin_is_rejected(server: Server) -> None:
    with pytest.raises(OriginNotAllowedError):
        await server.grant(origin="https://elsewhere.test")


async def test_a_program_without_an_origin_may_only_read(server: Server) -> None:
    grant = await server.grant(origin=None)
    assert grant.permissions == ("read",)
    with pytest.raises(OriginNotAllowedError):
        grant.require("comment")
    with pytest.raises(OriginNotAllowedError):
        grant.require_origin()


async def test_a_forged_token_is_rejected_before_the_database_is_read(server: Server) -> None:
    story = server.publisher.story()
    before = server.components.database.metrics.read_transactions
    with pytest.raises(TokenInvalidError):
        await authorize.authorize(
            server.services, token=story.token[:-2] + "xx", code=None, origin=PAGE
        )
    assert server.components.database.metrics.read_transactions == before


async def test_a_token_of_another_story_than_the_named_one_is_rejected(server: Server) -> None:
    one, other = server.publisher.story(), server.publisher.story()
    with pytest.raises(NotPermittedError):
        await authorize.authorize(server.services, token=one.token, code=other.code, origin=PAGE)


async def test_the_bare_code_of_a_cc_story_may_do_everything_on_a_page(server: Server) -> None:
    story = server.publisher.story()
    await server.grant(story)
    grant = await authorize.authorize(server.services, token=None, code=story.code, origin=PAGE)
    assert grant.permissions == ("read", "react", "comment")
    assert grant.claims is None


async def test_the_bare_code_only_reads_if_republishing_needs_a_token(server: Server) -> None:
    story = server.publisher.story()
    await server.grant(story)
    await server.set(("open_republishing", "off"))
    grant = await authorize.authorize(server.services, token=None, code=story.code, origin=PAGE)
    assert grant.permissions == ("read",)
    with pytest.raises(NotPermittedError):
        grant.require("react")


@pytest.mark.parametrize(
    ("code", "error"), [(None, MalformedError), ("unknown00000", NotFoundError)]
)
async def test_without_a_token_a_known_code_is_needed(
    server: Server, code: str | None, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await authorize.authorize(server.services, token=None, code=code, origin=PAGE)


async def test_a_withdrawn_token_only_reads(server: Server) -> None:
    story = server.publisher.story(jti="handle")
    grant = await server.grant(story)
    await sites.revoke(server.services, shell("test"), "paper", "handle")
    await server.services.cache.site("paper", max_age=0)
    refreshed = await authorize.refresh(server.services, grant)
    assert refreshed.permissions == ("read",)
    assert isinstance(refreshed.denial, TokenRevokedError)


async def test_an_expired_token_only_reads(server: Server) -> None:
    grant = await server.grant(exp=now() - 1)
    assert isinstance(grant.denial, TokenExpiredError)
    assert grant.permissions == ("read",)


async def test_a_withdrawn_token_is_rejected_if_reading_needs_a_token(server: Server) -> None:
    story = server.publisher.story(jti="handle")
    grant = await server.grant(story)
    await server.set(("open_reading", "off"))
    await sites.revoke(server.services, shell("test"), "paper", "handle")
    await server.services.cache.site("paper", max_age=0)
    with pytest.raises(TokenRevokedError):
        await authorize.refresh(server.services, grant)
    with pytest.raises(TokenRevokedError):
        await authorize.authorize_iframe(server.services, story.token)


async def test_retired_keys_end_the_grants_of_their_tokens(server: Server) -> None:
    grant = await server.grant()
    await sites.rotate_key(server.services, shell("test"), "paper")
    await server.services.cache.site("paper", max_age=0)
    assert (await authorize.refresh(server.services, grant)).denial is None
    await sites.retire_keys(server.services, shell("test"), "paper")
    await server.services.cache.site("paper", max_age=0)
    refreshed = await authorize.refresh(server.services, grant)
    assert isinstance(refreshed.denial, TokenInvalidError)


async def test_a_shut_out_origin_keeps_only_reading_for_open_pages(server: Server) -> None:
    story = server.publisher.story()
    grant = await server.grant(story)
    await sites.shut_out(server.services, shell("test"), "paper", PAGE, story.key)
    await server.services.cache.site("paper", max_age=0)
    assert (await authorize.refresh(server.services, grant)).permissions == ("read",)
    with pytest.raises(OriginNotAllowedError):
        await server.grant(story)
    await server.grant()  # another story on the same origin
    assert await sites.readmit(server.services, shell("test"), "paper", PAGE, story.key)
    await server.services.cache.site("paper", max_age=0)
    assert (await server.grant(story)).permissions == ("read", "react", "comment")


async def test_the_iframe_page_names_the_origins_that_are_not_shut_out(server: Server) -> None:
    story = server.publisher.story(origins=[PAGE, "https://other.example"])
    await sites.shut_out(server.services, shell("test"), "paper", PAGE, None)
    await server.services.cache.site("paper", max_age=0)
    grant = await authorize.authorize_iframe(server.services, story.token)
    assert grant.ancestors == ("https://other.example",)
    with pytest.raises(OriginNotAllowedError):
        await authorize.authorize_iframe(
            server.services, server.publisher.story(origins=[PAGE]).token
        )


async def test_the_iframe_page_of_a_bare_code_may_stand_on_any_page(server: Server) -> None:
    story = server.publisher.story()
    await server.grant(story)
    assert (await authorize.authorize_iframe(server.services, story.code)).ancestors == ("*",)
    await server.set(("open_republishing", "off"))
    with pytest.raises(NotPermittedError):
        await authorize.authorize_iframe(server.services, story.code)


async def test_a_story_can_be_registered_before_any_page_shows_it(server: Server) -> None:
    story = server.publisher.story(title="Soon")
    registered = await authorize.register_story(server.services, story.token)
    assert (registered.code, registered.title) == (story.code, "Soon")
