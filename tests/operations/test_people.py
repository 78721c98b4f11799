"""Accounts, sessions, roles, invitations and API keys, on each engine."""

import asyncio
import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.operations.operations_harness import Server, open_server
from widget_server.auth.permissions import PERMISSIONS, allowed, permits
from widget_server.model.actors import ROLES, Actor, Role, shell
from widget_server.model.errors import (
    NotFoundError,
    NotPermittedError,
    OperatorError,
    ProblemError,
    RateLimitedError,
    TextRejectedError,
    TokenInvalidError,
)
from widget_server.model.people import SignedIn
from widget_server.operations.owners import (
    credentials,
    first_site,
    keys,
    links,
    people,
    sign_in,
    sites,
)
from widget_server.store.schema import site_decisions
from widget_server.store.schema_people import api_keys, invitations, recovery_codes, sessions
from widget_server.store.writing import account_rows, session_rows

PASSWORD = "six boats on a ferry"
ME = shell("test")


def actor(role: Role, site: str | None = "paper", **fields: Any) -> Actor:
    """Return an actor with this role."""
    return Actor("key" if role == "machine" else "account", "someone", "api", site, role, **fields)


async def account_of(
    server: Server, role: Role | None = None, name: str = "Ana", site: str = "paper"
) -> SignedIn:
    """Make an account by link, with a role on the site or as owner of the server, and sign it in."""
    services = server.services
    if role is None:
        link = await links.invite_owner(services, ME)
    else:
        copies = frozenset({1}) if role == "local" else None
        link = await links.invite(services, ME, site, role, copies=copies)
    ticket = await links.press_link(services, link.url.rpartition("/")[2], agent="")
    assert isinstance(ticket, str)
    address = f"{name.lower()}@paper.example"
    new = await links.create_account(services, ticket, name, address, PASSWORD, agent="Firefox")
    found = await sign_in.find_session(services, new.secret)
    assert found is not None
    return found


@pytest.mark.parametrize("verb", PERMISSIONS)
@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_on_its_own_site_what_the_table_says_and_nothing_elsewhere(
    role: Role, verb: str
) -> None:
    listed = role in PERMISSIONS[verb]
    assert allowed(actor(role), verb, "paper") is listed
    assert allowed(actor(role), verb, "other") is False
    assert allowed(actor(role, None), verb, "other") is listed
    assert allowed(actor(role, scopes=frozenset({verb})), verb, "paper") is listed
    assert allowed(actor(role, scopes=frozenset()), verb, "paper") is False


async def test_every_operation_about_people_obeys_the_table_on_its_own_and_on_another_site(
    server: Server,
) -> None:
    services = server.services
    member = (await account_of(server, "moderator", "Jonas")).account.id
    owner = (await account_of(server, "owner", "Olga")).account.id
    await sites.create_site(services, ME, "other", "Another paper")
    calls: dict[str, Any] = {
        "read_people": lambda by, site: people.list_people(services, by, site),
        "invite": lambda by, site: links.invite(services, by, site, "auditor"),
        "role": lambda by, site: people.change_role(services, by, site, member, "moderator"),
        "key": lambda by, site: keys.create_key(services, by, site, "test", frozenset({"read"})),
        "token": lambda by, site: first_site.make_snippet(
            services, by, site, url="https://paper.example/a", title="A", author=""
        ),
    }
    for verb, call in calls.items():
        for role in ROLES:
            for site in ("paper", "other"):
                by = actor(role)
                if role == "owner" and site == "paper":
                    by = replace(by, id=owner)
                expected = permits(role, verb) and site == "paper"
                assert await _passes(call(by, site)) is expected, (verb, role, site)


async def _passes(call: Any) -> bool:
    try:
        await call
    except NotPermittedError:
        return False
    except ProblemError:
        return True
    except Exception as error:
        # The made-up account has no row: the database refuses to note it as a key's maker.
        assert "IntegrityError" in type(error).__name__, error  # noqa: PT017
        return True
    return True


async def test_an_unknown_name_gets_the_same_answer_in_the_same_time(server: Server) -> None:
    await account_of(server)
    times: dict[str, list[float]] = {"ana@paper.example": [], "nobody@paper.example": []}
    words = set()
    for turn in range(8):
        for name, spent in times.items():
            started = time.perf_counter()
            with pytest.raises(NotPermittedError) as refused:
                await sign_in.sign_in(
                    server.services, name, "a wrong password", network=f"n{turn}", agent=""
                )
            spent.append(time.perf_counter() - started)
            words.add(refused.value.detail)
    assert words == {sign_in.WRONG}
    known, unknown = times.values()
    spread = max(statistics.stdev(known), statistics.stdev(unknown))
    assert abs(statistics.median(known) - statistics.median(unknown)) < spread


async def test_after_five_failures_a_name_waits_even_with_the_right_password(
    server: Server,
) -> None:
    await account_of(server)

    def attempt(password: str, network: str = "one") -> Any:
        return sign_in.sign_in(
            server.services, "ANA@paper.example ", password, network=network, agent=""
        )

    for _ in range(5):
        with pytest.raises(NotPermittedError):
            await attempt("a wrong password")
    with pytest.raises(RateLimitedError) as waits:
        await attempt(PASSWORD)
    assert 0 < (waits.value.retry_after or 0) <= 900
    assert (await attempt(PASSWORD, "another network")).session.method == "password"


async def test_passwords_tried_at_the_same_time_are_limited_as_those_in_turn(
    server: Server,
) -> None:
    await account_of(server)

    async def attempt(password: str) -> str:
        try:
            await sign_in.sign_in(
                server.services, "ana@paper.example", password, network="one", agent=""
            )
        except ProblemError as error:
            return error.code
        return "signed in"

    codes = await asyncio.gather(*(attempt(f"wrong words {number}") for number in range(12)))
    assert sorted(codes).count("not_permitted") == 5
    assert await attempt(PASSWORD) == "rate_limited"


async def test_sign_ins_that_succeed_are_not_limited(server: Server) -> None:
    await account_of(server)
    for _ in range(7):
        await sign_in.sign_in(
            server.services, "ana@paper.example", PASSWORD, network="one", agent=""
        )


async def test_wrong_passkeys_from_many_networks_lock_nobody_else_out(server: Server) -> None:
    async def attempt(network: str) -> str:
        try:
            await sign_in.sign_in_with_passkey(
                server.services, '{"id":"x"}', network=network, agent=""
            )
        except ProblemError as error:
            return error.code
        return "signed in"

    for network in range(20):
        assert await attempt(str(network)) == "malformed"
        assert await attempt(str(network)) == "malformed"
    for _ in range(3):
        assert await attempt("0") == "malformed"
    assert await attempt("0") == "rate_limited"
    assert await attempt("somebody's own") == "malformed"


async def test_a_link_works_once_and_looking_at_it_uses_nothing_up(server: Server) -> None:
    link = await links.invite_owner(server.services, ME)
    secret = link.url.rpartition("/")[2]
    for _ in range(3):
        assert (await links.find_link(server.services, secret)).kind == "owner"
    pressed = await asyncio.gather(
        *(links.press_link(server.services, secret, agent="") for _ in range(5)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, str) for one in pressed) == 1
    assert sum(isinstance(one, NotFoundError) for one in pressed) == 4


async def rows(server: Server, table: Table) -> list[Any]:
    """Return all rows of a table."""

    async def read(connection: AsyncConnection) -> list[Any]:
        return list((await connection.execute(table.select())).all())

    return await server.components.database.read(read)


async def test_no_secret_is_stored(server: Server) -> None:
    owner = await account_of(server)
    by = people.actor_of_session(owner, "paper")
    new = await keys.create_key(server.services, by, "paper", "Letter", frozenset({"read"}))
    codes = await credentials.new_recovery_codes(server.services, owner.account)
    tables = (sessions, invitations, api_keys, recovery_codes)
    stored = "".join([str(await rows(server, table)) for table in tables])
    assert new.secret not in stored
    assert not any(code in stored for code in codes)
    assert owner.account.email is not None
    assert "ana@" not in owner.account.email


async def test_an_api_key_does_what_its_scopes_say_until_it_or_its_maker_ends(
    server: Server,
) -> None:
    services = server.services
    owner = await account_of(server, "owner")
    by = people.actor_of_session(owner, "paper")
    new = await keys.create_key(services, by, "paper", "Letter", frozenset({"read"}), 1)
    key = await people.actor_of_key(services, new.secret)
    assert (key.role, key.site, allowed(key, "read", "paper")) == ("machine", "paper", True)
    assert not allowed(key, "remove", "paper")
    assert not allowed(key, "read", "other")
    with pytest.raises(TextRejectedError):
        await keys.create_key(services, by, "paper", "Wider", frozenset({"erase"}))
    wide = await keys.create_key(services, by, "paper", "Wide", frozenset({"key", "read", "role"}))
    maker = await people.actor_of_key(services, wide.secret)
    with pytest.raises(TextRejectedError):
        await keys.create_key(services, maker, "paper", "Wider", frozenset({"key"}))
    child = await keys.create_key(services, maker, "paper", "Child", frozenset({"read"}), None)
    assert (child.key.by, child.key.until) == (owner.account.id, wide.key.until)
    with pytest.raises(NotPermittedError):
        await people.change_role(services, maker, "paper", owner.account.id, "auditor")
    with pytest.raises(TokenInvalidError):
        await people.actor_of_key(services, new.secret + "x")
    await people.change_role(services, ME, "paper", owner.account.id, "editor")
    for secret in (new.secret, child.secret):
        with pytest.raises(TokenInvalidError):
            await people.actor_of_key(services, secret)


async def test_a_disabled_account_is_out_at_once(server: Server) -> None:
    services = server.services
    await account_of(server)
    editor = await account_of(server, "editor", "Ines")
    new = await sign_in.start_session(services, editor.account, "password", "")
    await people.disable_account(services, ME, editor.account)
    assert await sign_in.find_session(services, new.secret) is None
    with pytest.raises(NotPermittedError):
        await sign_in.sign_in(services, "ines@paper.example", PASSWORD, network="n", agent="")
    with pytest.raises(OperatorError):
        await people.find_actor(services, "Ines", "paper")


async def test_an_account_in_a_command_has_its_own_role(server: Server) -> None:
    await account_of(server, "moderator", "Jonas")
    found = await people.find_actor(server.services, "jonas@paper.example", "paper", "root")
    assert (found.kind, found.via, found.role, found.shell_user) == (
        "account",
        "cli",
        "moderator",
        "root",
    )
    with pytest.raises(OperatorError):
        await people.find_actor(server.services, "Jonas", "other")


async def test_a_recovery_code_signs_in_once(server: Server) -> None:
    owner = await account_of(server)
    codes = await credentials.new_recovery_codes(server.services, owner.account)
    code = codes[3].upper().replace("-", " ")
    arguments: Any = {"network": "n", "agent": ""}
    name = "ana@paper.example"
    new = await sign_in.sign_in_with_code(server.services, name, code, **arguments)
    assert new.session.method == "code"
    with pytest.raises(NotPermittedError):
        await sign_in.sign_in_with_code(server.services, name, code, **arguments)
    assert await server.services.people.accounts.unused_codes(owner.account.id) == 9


async def test_a_new_password_ends_the_other_sessions(server: Server) -> None:
    owner = await account_of(server)
    other = await sign_in.start_session(server.services, owner.account, "password", "")
    await credentials.set_password(server.services, owner, "four other plain words")
    assert await sign_in.find_session(server.services, other.secret) is None
    assert len(await sign_in.sessions_of(server.services, owner.account.id)) == 1


async def test_giving_and_taking_roles_and_keys_is_logged_without_secrets(server: Server) -> None:
    services = server.services
    owner = await account_of(server)
    await account_of(server, "moderator", "Jonas")
    jonas = await people.find_account(services, "Jonas")
    by = people.actor_of_session(owner, "paper")
    await people.change_role(services, by, "paper", jonas.id, "editor")
    await people.remove_member(services, by, "paper", jonas.id)
    new = await keys.create_key(services, by, "paper", "Letter", frozenset({"read"}))
    await keys.end_key(services, by, "paper", new.key.id)
    logged = await rows(server, site_decisions)
    verbs = [row.verb for row in logged if row.verb in {"invite", "role", "key"}]
    assert verbs == ["invite", "role", "role", "role", "key", "key"]
    assert new.secret not in str(logged)
    assert "jonas@" not in str(logged)


async def test_two_owners_who_remove_each_other_at_once_do_not_leave_the_site_without_one(
    server: Server,
) -> None:
    services = server.services
    ana = await account_of(server, "owner", "Ana")
    ben = await account_of(server, "owner", "Ben")
    results = await asyncio.gather(
        people.remove_member(
            services, people.actor_of_session(ana, "paper"), "paper", ben.account.id
        ),
        people.change_role(
            services, people.actor_of_session(ben, "paper"), "paper", ana.account.id, "auditor"
        ),
        return_exceptions=True,
    )
    assert [type(one) for one in results].count(NotPermittedError) == 1
    found = await people.list_people(services, ME, "paper")
    assert [one.role for one in found.members].count("owner") == 1


async def test_an_invitation_is_accepted_once_even_if_two_processes_get_it_at_once(
    server: Server, migrated_url: str, tmp_path: Path
) -> None:
    ana = await account_of(server, "auditor", "Ana")
    ben = await account_of(server, "auditor", "Ben")
    async with open_server(tmp_path / "second", migrated_url) as second:
        for _ in range(20):
            link = await links.invite(server.services, ME, "paper", "editor")
            ticket = await links.press_link(server.services, link.url.rpartition("/")[2], agent="")
            assert isinstance(ticket, str)
            results = await asyncio.gather(
                links.join(server.services, ticket, ana.account),
                links.join(second.services, ticket, ben.account),
                return_exceptions=True,
            )
            assert [type(one) for one in results].count(NotFoundError) == 1, results


async def test_a_ticket_is_not_used_up_by_an_address_that_is_taken(server: Server) -> None:
    await account_of(server)
    link = await links.invite(server.services, ME, "paper", "editor")
    ticket = await links.press_link(server.services, link.url.rpartition("/")[2], agent="")
    assert isinstance(ticket, str)
    with pytest.raises(TextRejectedError):
        await links.create_account(
            server.services, ticket, "Ana", "ana@paper.example", PASSWORD, agent=""
        )
    await links.create_account(server.services, ticket, "B", "b@paper.example", PASSWORD, agent="")


@pytest.mark.parametrize("name", ["", "x" * 101, "a\u202eb", "a\x00b"])
async def test_a_name_in_the_profile_obeys_the_rules_of_new_accounts(
    server: Server, name: str
) -> None:
    owner = await account_of(server)
    with pytest.raises(TextRejectedError) as refused:
        await people.change_profile(server.services, owner.account, email="", name=name)
    assert refused.value.field == "name"


async def test_a_used_challenge_of_a_passkey_stays_used_after_old_links_are_deleted(
    server: Server,
) -> None:
    write = server.services.writer.run_in_transaction
    now = server.services.now_ms()
    await write(account_rows.use_passkey("none", 0, 0, "c" * 64, now))
    await write(session_rows.delete_ended(now + 1))
    assert [row.hash for row in await rows(server, invitations)] == ["c" * 64]
    await write(session_rows.delete_ended(now + 2 * account_rows.BURNED_MS))
    assert await rows(server, invitations) == []


@pytest.mark.parametrize("role", ["owner", None])
async def test_an_owner_who_opens_a_lesser_invitation_stays_owner_and_leaves_it_to_others(
    server: Server, role: Role | None
) -> None:
    services = server.services
    owner = await account_of(server, role, "Ana")
    link = await links.invite(services, ME, "paper", "moderator")
    ticket = await links.press_link(services, link.url.rpartition("/")[2], agent="")
    assert isinstance(ticket, str)
    with pytest.raises(TextRejectedError, match="You own this site"):
        await links.join(services, ticket, owner.account)
    other = await account_of(server, "auditor", "Ben")
    await links.join(services, ticket, other.account)
    found = await people.list_people(services, ME, "paper")
    roles = {one.account.name: one.role for one in found.members}
    assert roles == {"Ben": "moderator"} | ({"Ana": "owner"} if role else {})


@pytest.mark.parametrize("change", ["removed", "demoted"])
async def test_an_owner_who_lost_the_role_cannot_come_back_with_an_invitation_of_their_own(
    server: Server, change: str
) -> None:
    services = server.services
    owner = await account_of(server, None, "Ana")
    rogue = await account_of(server, "owner", "Ben")
    theirs = people.actor_of_session(rogue, "paper")
    unopened = (await links.invite(services, theirs, "paper", "owner")).url.rpartition("/")[2]
    opened = (await links.invite(services, theirs, "paper", "owner")).url.rpartition("/")[2]
    ticket = await links.press_link(services, opened, agent="")
    assert isinstance(ticket, str)
    by = people.actor_of_session(owner, "paper")
    if change == "removed":
        await people.remove_member(services, by, "paper", rogue.account.id)
    else:
        await people.change_role(services, by, "paper", rogue.account.id, "auditor")
    with pytest.raises(NotFoundError):
        await links.press_link(services, unopened, agent="")
    with pytest.raises(NotFoundError):
        await links.join(services, ticket, rogue.account)
