"""Changes of a site are taken back from its log: roles, revoked tokens, shut-out origins. On each engine."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from tests.operations.operations_harness import Server
from tests.operations.owner_harness import carry
from tests.operations.test_people import ME, account_of
from widget_server.model.actors import Actor, Request
from widget_server.model.errors import (
    NotFoundError,
    NotPermittedError,
    OriginNotAllowedError,
    StaleError,
    TokenRevokedError,
)
from widget_server.operations.moderation.log_pages import LogFilter, show_log
from widget_server.operations.owners import copies, keys, people, settings, sites, tokens
from widget_server.operations.owners.take_back import FINAL, take_back
from widget_server.operations.readers import authorize


async def last(server: Server, verb: str) -> str:
    """Return the id of the newest entry with this verb."""
    found = await show_log(server.services, ME, "paper", LogFilter(verb=verb), limit=1)
    return found.entries[0].decision.id


async def owner_of(server: Server) -> Actor:
    """Return the actor of an owner of the site, who does not own the server."""
    return people.actor_of_session(await account_of(server, "owner", "Olga"), "paper")


async def member(server: Server, name: str) -> Any:
    account = await people.find_account(server.services, name)
    return await people.find_member(server.services, "paper", account.id)


async def test_a_role_comes_back_after_a_change_and_after_it_was_taken_away(server: Server) -> None:
    services, by = server.services, await owner_of(server)
    await account_of(server, "moderator", "Jonas")
    jonas = (await people.find_account(services, "Jonas")).id
    await people.change_role(services, by, "paper", jonas, "local", frozenset({3, 14}))
    changed = await last(server, "role")
    await take_back(services, by, "paper", changed)
    assert ((await member(server, "Jonas")).role) == "moderator"
    await people.remove_member(services, by, "paper", jonas)
    assert await member(server, "Jonas") is None
    await take_back(services, by, "paper", await last(server, "role"))
    back = await member(server, "Jonas")
    assert (back.role, back.copies) == ("moderator", None)
    entry = (await show_log(services, ME, "paper", LogFilter(verb="undo"), limit=2)).entries[1]
    assert entry.decision.undoes == changed
    assert entry.decision.after == {"role": "moderator", "copies": None}
    found = await show_log(services, ME, "paper", LogFilter(verb="role"))
    assert {one.decision.id: one.undone for one in found.entries}[changed] is True


async def test_only_the_last_change_of_a_role_is_taken_back_and_only_once(server: Server) -> None:
    services, by = server.services, await owner_of(server)
    await account_of(server, "moderator", "Jonas")
    jonas = (await people.find_account(services, "Jonas")).id
    await people.change_role(services, by, "paper", jonas, "editor")
    first = await last(server, "role")
    await people.change_role(services, by, "paper", jonas, "auditor")
    with pytest.raises(StaleError):
        await take_back(services, by, "paper", first)
    await take_back(services, by, "paper", await last(server, "role"))
    assert (await member(server, "Jonas")).role == "editor"
    undo = await last(server, "undo")
    with pytest.raises(NotPermittedError):
        await take_back(services, by, "paper", undo)


async def test_a_role_changed_while_an_earlier_change_is_taken_back_keeps_the_later_change(
    server: Server,
) -> None:
    services, by = server.services, await owner_of(server)
    await account_of(server, "moderator", "Jonas")
    jonas = (await people.find_account(services, "Jonas")).id
    for _ in range(10):
        await people.change_role(services, by, "paper", jonas, "editor")
        earlier = await last(server, "role")
        await asyncio.gather(
            take_back(services, by, "paper", earlier),
            people.change_role(services, by, "paper", jonas, "auditor"),
            return_exceptions=True,
        )
        found = await show_log(services, ME, "paper", LogFilter(), limit=1)
        assert found.entries[0].decision.after["role"] == (await member(server, "Jonas")).role
        assert found.entries[0].decision.verb == "role"


async def test_a_role_that_came_by_an_invitation_and_ones_own_are_not_taken_back(
    server: Server,
) -> None:
    services, by = server.services, await owner_of(server)
    with pytest.raises(NotPermittedError, match="invitation"):
        await take_back(services, by, "paper", await last(server, "role"))
    other = people.actor_of_session(await account_of(server, "owner", "Ben"), "paper")
    await people.change_role(services, by, "paper", other.id, "editor")
    with pytest.raises(NotPermittedError):
        await take_back(
            services,
            Actor("account", other.id, "dashboard", "paper", "owner"),
            "paper",
            await last(server, "role"),
        )


async def test_a_key_never_gives_an_owner_back_and_a_disabled_account_nothing(
    server: Server,
) -> None:
    services, by = server.services, await owner_of(server)
    ben = people.actor_of_session(await account_of(server, "owner", "Ben"), "paper")
    await people.remove_member(services, by, "paper", ben.id)
    removal = await last(server, "role")
    key = Actor("key", "k", "api", "paper", "machine", scopes=frozenset({"undo", "role"}))
    with pytest.raises(NotPermittedError, match="owner"):
        await take_back(services, key, "paper", removal)
    await people.disable_account(services, ME, await people.find_account(services, "Ben"))
    with pytest.raises(NotPermittedError, match="disabled"):
        await take_back(services, by, "paper", removal)


async def test_a_revoked_token_and_a_shut_out_origin_come_back_and_readers_can_write_again(
    server: Server,
) -> None:
    services = server.services
    story = server.publisher.story()
    grant, copy = await carry(server, story, "https://one.example")
    await copies.revoke_copy(services, ME, "paper", copy, shut_out="site")
    await services.cache.site("paper", max_age=0)
    with pytest.raises((OriginNotAllowedError, TokenRevokedError)):
        (await authorize.refresh(services, grant)).require("comment")
    for verb in ("revoke", "shut_out"):
        entry = await last(server, verb)
        assert await take_back(services, ME, "paper", entry) == await last(server, "undo")
        with pytest.raises(StaleError):
            await take_back(services, ME, "paper", entry)
    await services.cache.site("paper", max_age=0)
    (await authorize.refresh(services, grant)).require("comment")


async def test_a_token_that_was_revoked_once_more_stays_revoked_if_the_first_time_is_taken_back(
    server: Server,
) -> None:
    services, by = server.services, await owner_of(server)
    await sites.revoke(services, by, "paper", "handle-1")
    first = await last(server, "revoke")
    await take_back(services, by, "paper", first)
    await sites.revoke(services, by, "paper", "handle-1")
    with pytest.raises(StaleError):
        await take_back(services, by, "paper", first)
    await take_back(services, by, "paper", await last(server, "revoke"))


async def test_a_request_to_take_back_that_is_sent_again_finds_what_it_did(server: Server) -> None:
    services = server.services
    await account_of(server, "moderator", "Jonas")
    jonas = (await people.find_account(services, "Jonas")).id
    await people.change_role(services, ME, "paper", jonas, "editor")
    await sites.revoke(services, ME, "paper", "handle-1")
    await sites.shut_out(services, ME, "paper", "https://one.example", None)
    for verb in ("role", "revoke", "shut_out"):
        entry = await last(server, verb)
        by = replace(ME, request=Request(f"request-{verb}", again=False))
        made = await take_back(services, by, "paper", entry)
        again = replace(ME, request=Request(f"request-{verb}", again=True))
        assert await take_back(services, again, "paper", entry) == made


async def test_what_is_final_says_why_and_what_to_do(server: Server) -> None:
    services, by = server.services, await owner_of(server)
    new = await keys.create_key(services, by, "paper", "Letter", frozenset({"read"}))
    await keys.end_key(services, by, "paper", new.key.id)
    await tokens.rotate(services, ME, "paper")
    await tokens.retire(services, ME, "paper")
    for verb in ("key", "rotate", "retire"):
        with pytest.raises(NotPermittedError) as refused:
            await take_back(services, by, "paper", await last(server, verb))
        assert refused.value.detail == FINAL[verb]
    found = await people.list_people(services, by, "paper")
    assert found.keys == []


async def test_settings_are_taken_back_by_the_same_way(server: Server) -> None:
    services = server.services
    await settings.change_settings(services, ME, "paper", {"moderation": "pre"})
    await take_back(services, ME, "paper", await last(server, "settings"))
    cached = await services.cache.site("paper", max_age=0)
    assert cached is not None
    assert cached.site.settings.moderation == "post"


async def test_another_sites_log_is_not_there(server: Server) -> None:
    services, by = server.services, await owner_of(server)
    await sites.create_site(services, ME, "other", "Another paper")
    await settings.change_settings(services, ME, "other", {"moderation": "pre"})
    found = await show_log(services, ME, "other", LogFilter(verb="settings"))
    with pytest.raises(NotFoundError):
        await take_back(services, by, "paper", found.entries[0].decision.id)
