"""A site's tokens and keys: what was given out, by whom, where it is used, and what retiring stops."""

from dataclasses import replace

import pytest

from tests.operations.operations_harness import Server, now
from tests.operations.owner_harness import OWNER, Statements, carry, person, read
from widget_server.model.actors import shell
from widget_server.model.claims import WidgetClaims
from widget_server.model.errors import (
    NotPermittedError,
    OperatorError,
    TokenInvalidError,
)
from widget_server.operations.owners import copies, sites, tokens
from widget_server.operations.owners.tokens import TokenFilter, TokenRecord, TokenStatus
from widget_server.operations.readers import authorize
from widget_server.store.schema import tokens as table

ONE, TWO, THREE = (f"https://{name}.example" for name in ("one", "two", "three"))


def claims(story: str = "ferry", **fields: object) -> WidgetClaims:
    base = WidgetClaims("paper", story, ("https://*.example",), now(), "")
    return replace(base, **fields)  # type: ignore[arg-type]


async def all_tokens(server: Server, wanted: TokenFilter | None = None) -> list[TokenRecord]:
    return (await tokens.list_tokens(server.services, OWNER, "paper", wanted)).tokens


async def test_a_minted_token_is_recorded_without_its_text(server: Server) -> None:
    wanted = claims(label="Northside", lang="en", can=("read", "react"), exp=now() + 60)
    minted = await tokens.mint(server.services, OWNER, wanted)
    (record,) = await all_tokens(server)
    assert (record.jti, record.story, record.label) == (minted.jti, "ferry", "Northside")
    assert (record.origins, record.rights) == (("https://*.example",), ("read", "react"))
    assert (record.lang, record.iat, record.exp) == ("en", wanted.iat, wanted.exp)
    assert (record.generation, record.by, record.status) == (1, "account:ana", "unseen")
    assert (record.copies, record.last_used_at) == (0, None)
    (row,) = await server.components.database.read(_rows)
    signature = minted.token.rpartition(".")[2]
    assert signature not in repr(row)
    grant = await authorize.authorize(server.services, token=minted.token, code=None, origin=ONE)
    assert grant.claims is not None
    assert grant.claims.jti == minted.jti


async def _rows(connection: object) -> list[tuple[object, ...]]:
    return [tuple(row) for row in await connection.execute(table.select())]  # type: ignore[attr-defined]


async def test_a_token_made_elsewhere_appears_when_a_page_shows_it(server: Server) -> None:
    story = server.publisher.story(jti="offline", label="La Passade", lang="fr", can=["read"])
    assert await all_tokens(server) == []
    await carry(server, story, ONE)
    (record,) = await all_tokens(server)
    assert (record.jti, record.by, record.label, record.lang) == (
        "offline",
        None,
        "La Passade",
        "fr",
    )
    assert (record.rights, record.generation, record.status) == (("read",), 1, "live")
    assert record.copies == 1
    assert record.last_used_at is not None
    assert await all_tokens(server, TokenFilter(elsewhere=True)) == [record]
    assert await all_tokens(server, TokenFilter(elsewhere=False)) == []


async def test_a_page_does_not_change_what_was_recorded_when_minting(server: Server) -> None:
    await tokens.mint(server.services, OWNER, claims(jti="mine", label="As minted"))
    forged = server.publisher.token("ferry", jti="mine", label="Another")
    story = replace(server.publisher.story(), key="ferry", token=forged)
    await carry(server, story, ONE)
    (record,) = await all_tokens(server)
    assert (record.label, record.by, record.status) == ("As minted", "account:ana", "live")


async def test_one_handle_for_several_stories_is_one_row_for_each(server: Server) -> None:
    for story in ("ferry", "rain"):
        await tokens.mint(server.services, OWNER, claims(story, jti="partner"))
    assert {record.story for record in await all_tokens(server)} == {"ferry", "rain"}
    await sites.revoke(server.services, shell("test"), "paper", "partner")
    assert {record.status for record in await all_tokens(server)} == {"revoked"}


async def test_each_status_lists_its_tokens(server: Server) -> None:
    expired = claims(jti="expired", iat=now() - 100, exp=now() - 1)
    for one in (claims(jti="unseen"), expired, claims(jti="revoked")):
        await tokens.mint(server.services, OWNER, one)
    minted = await tokens.mint(server.services, OWNER, claims(jti="live"))
    grant_story = replace(server.publisher.story(), token=minted.token)
    await carry(server, grant_story, ONE)
    await sites.revoke(server.services, shell("test"), "paper", "revoked")
    expected: dict[TokenStatus, set[str]] = {
        status: {status} for status in ("live", "unseen", "expired", "revoked")
    }
    expected["retired"] = set()
    for status, wanted in expected.items():
        found = await all_tokens(server, TokenFilter(status=status))
        assert {record.jti for record in found} == wanted, status
        assert {record.status for record in found} <= {status}
    await tokens.rotate(server.services, OWNER, "paper")
    await tokens.retire(server.services, OWNER, "paper")
    found = await all_tokens(server, TokenFilter(status="retired"))
    assert {record.jti for record in found} == {"live", "unseen", "expired"}


async def test_tokens_are_paged_and_found_in_two_statements(server: Server) -> None:
    for number in range(5):
        await tokens.mint(server.services, OWNER, claims(jti=f"t{number}", label=f"Copy {number}"))
    found: list[str] = []
    after = None
    for _ in range(3):
        with Statements(server) as statements:
            page = await tokens.list_tokens(server.services, OWNER, "paper", limit=2, after=after)
        assert len(statements.texts) == 2
        assert page.total == 5
        found += [record.jti for record in page.tokens]
        after = page.next
    assert (sorted(found), after) == ([f"t{number}" for number in range(5)], None)
    (one,) = await all_tokens(server, TokenFilter("COPY 3"))
    assert one.jti == "t3"
    assert await all_tokens(server, TokenFilter(story="other")) == []


async def test_retiring_names_the_live_copies_that_stop_and_only_those(server: Server) -> None:
    old = server.publisher.story(jti="old", label="La Passade")
    gone = server.publisher.story(jti="gone")
    _, stopping = await carry(server, old, ONE)
    await carry(server, gone, TWO)
    await carry(server, old, THREE, code=True)
    for network in "abc":
        await read(server, old.code, stopping, network)
    await sites.revoke(server.services, shell("test"), "paper", "gone")
    assert (await tokens.what_would_stop(server.services, OWNER, "paper")).total == 0
    await tokens.rotate(server.services, OWNER, "paper")
    await server.services.cache.site("paper", max_age=0)
    newer = replace(server.publisher, generation=2)
    _, staying = await carry(server, newer.story(jti="new"), TWO)
    stop = await tokens.what_would_stop(server.services, OWNER, "paper")
    assert (stop.generation, stop.total, stop.unknown) == (2, 1, 0)
    (named,) = stop.copies
    assert (named.record.id, named.record.label, named.readers.number) == (
        stopping,
        "La Passade",
        3,
    )
    keys = await tokens.list_keys(server.services, OWNER, "paper")
    assert [(key.number, key.signs, key.accepted, key.tokens, key.copies) for key in keys] == [
        (2, True, True, 1, 1),
        (1, False, True, 2, 1),
    ]
    await tokens.retire(server.services, OWNER, "paper")
    await server.services.cache.site("paper", max_age=0)
    with pytest.raises(TokenInvalidError):
        await authorize.authorize(server.services, token=old.token, code=None, origin=ONE)
    found = await copies.list_copies(server.services, OWNER, "paper")
    assert staying in {row.record.id for row in found.copies}


async def test_a_wrong_claim_is_refused_and_not_recorded(server: Server) -> None:
    with pytest.raises(OperatorError):
        await tokens.mint(server.services, OWNER, claims(origins=("no origin",)))
    assert await all_tokens(server) == []


async def test_only_owners_rotate_and_only_editors_mint(server: Server) -> None:
    await tokens.mint(server.services, person("editor"), claims())
    for role in ("moderator", "auditor", "local"):
        by = person(role)
        with pytest.raises(NotPermittedError):
            await tokens.mint(server.services, by, claims())
        with pytest.raises(NotPermittedError):
            await tokens.list_tokens(server.services, by, "paper")
    for verb in (tokens.rotate, tokens.retire):
        with pytest.raises(NotPermittedError):
            await verb(server.services, person("editor"), "paper")
