"""Tokens that republishers make for themselves on `/s/CODE/republish`: what they grant, and what they never do."""

from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.e2e.publisher import Story
from tests.operations.operations_harness import NETWORK, Server, open_server
from tests.operations.owner_harness import OWNER, carry, feel, person, republish, write
from tests.store.backup_harness import ignore_progress
from widget_server.auth import tokens
from widget_server.model.actors import shell
from widget_server.model.errors import (
    NotFoundError,
    NotPermittedError,
    OperatorError,
    OriginNotAllowedError,
    RateLimitedError,
    TextRejectedError,
)
from widget_server.operations.moderation import log
from widget_server.operations.owners import copies as owner_copies, sites, tokens as owner_tokens
from widget_server.operations.publishing import own_copy
from widget_server.operations.publishing.republish import Asked, make_token, read_terms, terms_of
from widget_server.operations.readers import authorize, copies
from widget_server.store import backup, restore
from widget_server.store.queries import republishers, stories as story_rows
from widget_server.store.queries.decisions import LogFilter
from widget_server.store.schema import republisher_tokens

HOST = "their.example"


async def known(server: Server, **claims: object) -> Story:
    """Return a story that the server knows."""
    story = server.publisher.story(**claims)
    await server.grant(story)
    return story


async def agree(server: Server, copy: int, *, agreed: bool = True) -> bool:
    return await owner_copies.agree_with_name(server.services, OWNER, "paper", copy, agreed=agreed)


async def label_of(server: Server, copy: int) -> tuple[str | None, bool]:
    found = await server.services.owner_copies.find("paper", copy)
    assert found is not None
    return found[0].label, found[0].listed


async def grant_of(server: Server, token: str, origin: str = f"https://{HOST}") -> authorize.Grant:
    return await authorize.authorize(
        server.services, token=token, code=None, origin=origin, page=f"{origin}/a"
    )


async def test_the_token_names_one_origin_and_says_nothing_about_the_story(server: Server) -> None:
    story = await known(server, title="Tides", license="CC-BY-SA-4.0")
    asked = Asked("HTTPS://Their.Example/blog/?x=1#y", "Their paper", "de", listed=True)
    made = await make_token(server.services, story.code, asked, NETWORK)
    payload = tokens.parse_unverified(made.token)
    claims = server.services.keyring.verify_widget(payload, 1, 1, server.services.clock())
    assert claims.origins == (f"https://{HOST}",)
    assert (claims.lang, claims.listed, claims.republisher) == ("de", True, True)
    assert claims.label is None
    assert claims.attribution.title is claims.attribution.url is claims.attribution.author is None
    await grant_of(server, made.token)
    after = await server.services.cache.story(story.code, fresh=True)
    assert after is not None
    # Its `license` is absent, and the default would have replaced the story's.
    assert (after.title, after.license) == ("Tides", "CC-BY-SA-4.0")


async def test_with_a_tick_the_token_also_names_the_address_with_or_without_www(
    server: Server,
) -> None:
    story = await known(server)
    for typed, other in ((HOST, f"www.{HOST}"), (f"www.{HOST}", HOST)):
        made = await make_token(server.services, story.code, Asked(typed, www=True), NETWORK)
        assert made.origins == (f"https://{typed}", f"https://{other}")


@pytest.mark.parametrize(
    "address",
    ["", " ", "*", "null", "https://*.example", "ftp://x.example", "http://x.example", "localhost",
     "https://", "x y.example", "https://user@x.example", "javascript:alert(1)", "https://x.example:0x1",
     "a" * 400 + ".example"],
)  # fmt: skip
async def test_only_an_exact_address_is_taken(server: Server, address: str) -> None:
    story = await known(server)
    with pytest.raises(TextRejectedError) as error:
        await make_token(server.services, story.code, Asked(address), NETWORK)
    assert error.value.field == "address"


async def test_the_servers_own_address_is_refused_and_a_local_one_is_taken(server: Server) -> None:
    story = await known(server)
    with pytest.raises(TextRejectedError):
        await make_token(server.services, story.code, Asked(server.services.server_origin), NETWORK)
    made = await make_token(server.services, story.code, Asked("http://localhost:8099/a"), NETWORK)
    assert made.origins == ("http://localhost:8099",)


@pytest.mark.parametrize("label", ["x" * 61, "line\nbreak\x00", "\u202eabc", "Paper ✓"])
async def test_a_name_that_could_deceive_is_refused(server: Server, label: str) -> None:
    story = await known(server)
    with pytest.raises(TextRejectedError) as error:
        await make_token(server.services, story.code, Asked(HOST, label), NETWORK)
    assert error.value.field == "label"


async def test_readers_see_the_host_until_the_owner_agrees(server: Server) -> None:
    story = await known(server)
    grant, copy = await republish(server, story.code, HOST, label="The Real Paper", listed=True)
    assert await label_of(server, copy) == (None, False)
    comment = await write(server, grant)
    assert comment.copy is not None
    assert (comment.copy.label, comment.copy.origin) == (None, f"https://{HOST}")
    assert await copies.listed(server.services, grant.story) == []
    assert await agree(server, copy) is True
    assert await agree(server, copy) is False
    assert await label_of(server, copy) == ("The Real Paper", True)
    (listed,) = await copies.listed(server.services, grant.story)
    assert (listed.page, listed.label) == (f"https://{HOST}/article", "The Real Paper")
    # Seen again, it keeps the name.
    server.services.cache._copies.clear()
    seen = await copies.record_seen(server.services, grant, NETWORK)
    assert seen is not None
    assert seen.label == "The Real Paper"
    assert (await write(server, grant)).copy == seen
    assert await agree(server, copy, agreed=False) is True
    assert await label_of(server, copy) == (None, False)
    assert await copies.listed(server.services, grant.story) == []


async def test_only_copies_on_the_site_that_the_token_names_are_listed(server: Server) -> None:
    story = await known(server)
    asked = Asked(HOST, "Ours", listed=True)
    made = await make_token(server.services, story.code, asked, NETWORK)
    own = server.services.server_origin
    frame = await authorize.authorize(
        server.services, token=made.token, code=None, origin=own, page=f"{own}/e/{made.token}"
    )
    framed = await copies.record_seen(server.services, frame, NETWORK)
    copy = await copies.record_seen(server.services, await grant_of(server, made.token), NETWORK)
    assert framed is not None
    assert copy is not None
    assert await agree(server, copy.id) is True
    assert await label_of(server, copy.id) == ("Ours", True)
    assert await label_of(server, framed.id) == ("Ours", False)
    (listed,) = await copies.listed(server.services, frame.story)
    assert listed.page == f"https://{HOST}/a"


async def test_only_owner_and_editor_agree_and_only_with_a_copy_of_a_republisher(
    server: Server,
) -> None:
    story = await known(server)
    _, copy = await republish(server, story.code, HOST, label="A")
    for role in ("moderator", "auditor"):
        with pytest.raises(NotPermittedError):
            await owner_copies.agree_with_name(server.services, person(role), "paper", copy)
    _, given = await carry(server, story, "https://given.example")
    with pytest.raises(OperatorError):
        await agree(server, given)
    with pytest.raises(NotFoundError):
        await agree(server, 999_999)


async def test_agreeing_is_in_the_sites_log_without_the_name(server: Server) -> None:
    story = await known(server)
    _, copy = await republish(server, story.code, HOST, label="Secret name")
    await agree(server, copy)
    entries = await log.read_log(server.services, OWNER, "paper", LogFilter())
    (entry,) = [one for one in entries if one.verb == "agree"]
    assert entry.after == {"story": story.code, "agreed": True}
    assert "Secret name" not in str(entry)


async def test_a_shut_out_site_gets_no_token_and_its_token_ends(server: Server) -> None:
    story = await known(server)
    made = await make_token(server.services, story.code, Asked(HOST), NETWORK)
    for scope in (story.key, None):
        await sites.shut_out(server.services, OWNER, "paper", f"https://{HOST}", scope)
        await server.services.cache.site("paper", max_age=0)
        for asked in (Asked(HOST), Asked(f"www.{HOST}", www=True)):
            with pytest.raises(OriginNotAllowedError):
                await make_token(server.services, story.code, asked, NETWORK)
        with pytest.raises(OriginNotAllowedError):
            await grant_of(server, made.token)
        await sites.readmit(server.services, OWNER, "paper", f"https://{HOST}", scope)
        await server.services.cache.site("paper", max_age=0)
    assert (await grant_of(server, made.token)).denial is None


async def test_a_revoked_token_only_reads_and_a_new_one_can_be_made(server: Server) -> None:
    story = await known(server)
    grant, copy = await republish(server, story.code, HOST)
    await owner_copies.revoke_copy(server.services, OWNER, "paper", copy)
    await server.services.cache.site("paper", max_age=0)
    assert (await authorize.refresh(server.services, grant)).permissions == ("read",)
    # Revoking a copy offers to shut its origin out: without that, the page may come back.
    await make_token(server.services, story.code, Asked(HOST), NETWORK)


async def test_a_site_that_closes_reading_or_republishing_ends_these_tokens(server: Server) -> None:
    story = await known(server)
    grant, _ = await republish(server, story.code, HOST)
    await server.set(("open_republishing", "off"))
    assert (await read_terms(server.services, story.code)).by_code is False
    with pytest.raises(NotPermittedError):
        await make_token(server.services, story.code, Asked(HOST), NETWORK)
    assert (await authorize.refresh(server.services, grant)).permissions == ("read",)
    assert grant.claims is not None
    await server.set(("open_republishing", "licence"))
    assert (await authorize.refresh(server.services, grant)).permissions == grant.permissions
    await server.set(("open_reading", "off"))
    with pytest.raises(NotFoundError):
        await read_terms(server.services, story.code)
    with pytest.raises(NotFoundError):
        await make_token(server.services, story.code, Asked(HOST), NETWORK)
    with pytest.raises(NotPermittedError):
        await authorize.refresh(server.services, grant)


async def test_a_story_without_an_open_licence_is_not_republished_by_default(
    server: Server,
) -> None:
    story = await known(server, license="LicenseRef-All-rights-reserved")
    shown = await read_terms(server.services, story.code)
    assert (shown.terms.republish, shown.by_code) == (False, False)
    with pytest.raises(NotPermittedError):
        await make_token(server.services, story.code, Asked(HOST), NETWORK)


async def test_an_unused_token_takes_no_place_and_never_replaces_a_copy(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(story_rows, "MAX_COPIES", 2)
    story = await known(server)
    given = [await carry(server, story, f"https://{n}.example") for n in ("a", "b")]
    asked = Asked(HOST, "Full")
    made = await make_token(server.services, story.code, asked, NETWORK)
    grant = await grant_of(server, made.token)
    assert await copies.record_seen(server.services, grant, NETWORK) is None
    assert [await label_of(server, copy) for _, copy in given] == [(None, False)] * 2
    # Its readers read, react and write meanwhile; with the first action it takes a place.
    await feel(server, grant)
    used = await copies.record_used(server.services, grant, NETWORK)
    assert used is not None


async def test_tokens_that_no_page_has_shown_are_forgotten_beyond_a_number(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(republishers, "MAX_UNUSED", 3)
    story = await known(server)
    _, used = await republish(server, story.code, "used.example", label="Used")
    made = [
        await make_token(server.services, story.code, Asked(f"n{n}.example", f"N{n}"), NETWORK)
        for n in range(6)
    ]

    async def count(connection: AsyncConnection) -> int:
        query = select(func.count()).select_from(republisher_tokens)
        return int((await connection.execute(query)).scalar_one())

    assert await server.components.database.read(count) == 4
    listed = await owner_tokens.list_tokens(server.services, OWNER, "paper")
    assert {one.jti for one in listed.tokens} >= {one.jti for one in made[-3:]}
    assert made[0].jti not in {one.jti for one in listed.tokens}
    assert await agree(server, used) is True
    # A forgotten one still works: readers see the host, and there is no name to agree to.
    grant = await grant_of(server, made[0].token, "https://n0.example")
    assert grant.denial is None
    copy = await copies.record_seen(server.services, grant, NETWORK)
    assert copy is not None
    with pytest.raises(OperatorError):
        await agree(server, copy.id)


async def test_the_republisher_sees_the_figures_and_takes_the_copy_off_the_list(
    server: Server,
) -> None:
    story = await known(server)
    asked = Asked(HOST, "Ours", listed=True)
    made = await make_token(server.services, story.code, asked, NETWORK)
    assert (await own_copy.read(server.services, story.code, made.secret)).pages == []
    grant = await grant_of(server, made.token)
    await copies.record_seen(server.services, grant, NETWORK)
    await write(server, grant)
    await feel(server, grant)
    own = await own_copy.read(server.services, story.code, made.secret)
    (page,) = own.pages
    assert (page.comments, page.reactions, page.origin) == (1, 1, f"https://{HOST}")
    await agree(server, page.id)
    assert len(await copies.listed(server.services, grant.story)) == 1
    await own_copy.unlist(server.services, story.code, made.secret)
    assert await copies.listed(server.services, grant.story) == []
    server.services.cache._copies.clear()
    await copies.record_seen(server.services, grant, NETWORK)
    assert await copies.listed(server.services, grant.story) == []
    other = await known(server)
    for code, secret in ((story.code, "x" * 32), (story.code, ""), (other.code, made.secret)):
        with pytest.raises(NotFoundError):
            await own_copy.read(server.services, code, secret)


async def test_the_pages_of_these_tokens_are_not_looked_at_before_the_owner_agrees(
    server: Server,
) -> None:
    await server.set(("look_at_copies", "on"))
    story = await known(server)
    grant, copy = await republish(server, story.code, HOST, label="A")
    kinds = {(one.kind, one.subject) for one in await server.services.schedule.all(100)}
    assert ("look_at_page", str(copy)) not in kinds
    await agree(server, copy)
    server.services.cache._copies.clear()
    await copies.record_seen(server.services, grant, NETWORK)
    kinds = {(one.kind, one.subject) for one in await server.services.schedule.all(100)}
    assert ("look_at_page", str(copy)) in kinds


async def test_making_tokens_is_limited_for_a_network_and_for_a_story(
    tmp_path: Path, migrated_url: str
) -> None:
    limits = "republish=2/3600,republish_story=3/3600"
    async with open_server(tmp_path, migrated_url, rate_limits=limits) as opened:
        await sites.create_site(opened.services, shell("test"), "paper", "A paper")
        story, other = await known(opened), await known(opened)
        services = opened.services
        for _ in range(2):
            await make_token(services, story.code, Asked(HOST), "a")
        for code in (story.code, other.code):
            with pytest.raises(RateLimitedError):
                await make_token(services, code, Asked(HOST), "a")
        await make_token(services, story.code, Asked(HOST), "b")
        with pytest.raises(RateLimitedError):
            await make_token(services, story.code, Asked(HOST), "b")
        await make_token(services, other.code, Asked(HOST), "c")


async def test_a_restored_backup_keeps_what_was_agreed_and_unlisted_since(
    tmp_path: Path, migrated_url: str
) -> None:
    file = tmp_path / "backup.sqlite3"
    async with open_server(tmp_path, migrated_url) as server:
        await sites.create_site(server.services, shell("test"), "paper", "A paper")
        story = await known(server)
        _, copy = await republish(server, story.code, HOST, label="Old", listed=True)
        await agree(server, copy)
        await backup.back_up(migrated_url, file, ignore_progress)
        await agree(server, copy, agreed=False)
        later = await make_token(server.services, story.code, Asked("b.example", "B"), NETWORK)
        await restore.restore(migrated_url, file, ignore_progress)
        found = await server.services.republishers.find("paper", later.jti)
        assert found is not None
        assert found.label == "B"
        grant = await grant_of(server, later.token, "https://b.example")
        assert grant.denial is None
        listed = await owner_copies.list_copies(server.services, OWNER, "paper")
        (row,) = [one.record for one in listed.copies if one.record.id == copy]
        assert row.agreed is False


@pytest.mark.parametrize(
    ("licence", "parts", "republish"),
    [
        ("CC-BY-4.0", ("by",), True),
        ("CC-BY-SA-4.0", ("by", "sa"), True),
        ("CC-BY-ND-4.0", ("by", "nd"), True),
        ("CC-BY-NC-4.0", ("by", "nc"), True),
        ("CC-BY-NC-SA-4.0", ("by", "nc", "sa"), True),
        ("CC-BY-NC-ND-4.0", ("by", "nc", "nd"), True),
        ("CC-BY-SA-3.0-DE", ("by", "sa"), True),
        ("CC0-1.0", ("zero",), True),
        ("CC-something", (), False),
        ("MIT", (), False),
        ("LicenseRef-All-rights-reserved", (), False),
    ],
)
def test_every_licence_says_what_it_asks_for(
    licence: str, parts: tuple[str, ...], republish: bool
) -> None:
    terms = terms_of(licence)
    assert (terms.parts, terms.republish) == (parts, republish)
