"""The atlas of copies: its numbers, filters and export, and taking one copy back."""

import csv
from typing import Any

import pytest

from tests.operations.operations_harness import Server
from tests.operations.owner_harness import (
    OWNER,
    Statements,
    carry,
    feel,
    person,
    read,
    write,
)
from widget_server.model.actors import shell
from widget_server.model.errors import (
    MalformedError,
    NotFoundError,
    NotPermittedError,
    OperatorError,
    OriginNotAllowedError,
    TokenRevokedError,
)
from widget_server.operations.moderation import decide
from widget_server.operations.owners import copies, sites
from widget_server.operations.owners.copies import CopyFilter, CopyOrder
from widget_server.operations.readers import authorize

ONE, TWO, THREE = (f"https://{name}.example" for name in ("one", "two", "three"))


async def origins_of(
    server: Server, wanted: CopyFilter | None = None, order: CopyOrder = "first_seen"
) -> list[str]:
    found = await copies.list_copies(server.services, OWNER, "paper", wanted, order=order)
    return [row.record.origin for row in found.copies]


async def test_the_numbers_of_a_copy_are_those_of_its_rows_and_sockets(server: Server) -> None:
    story = server.publisher.story(title="Ferry", label="One", lang="en", jti="t1")
    one, first = await carry(server, story, ONE)
    two, second = await carry(server, story, TWO)
    for _ in range(3):
        await feel(server, one)
    await feel(server, two)
    comment = await write(server, one)
    await write(server, one)
    await decide.decide(server.services, shell("test"), "remove", comment.id)
    await read(server, story.code, second, "a")
    await read(server, story.code, second, "b")
    page = await copies.list_copies(server.services, OWNER, "paper")
    assert [row.record.id for row in page.copies] == [second, first]
    row = page.copies[1].record
    assert (row.page, row.origin, row.label, row.lang) == (f"{ONE}/article", ONE, "One", "en")
    assert (row.reactions, row.comments, row.share, row.status) == (3, 1, 0.75, "live")
    assert (row.story, row.story_title, row.jti, row.generation) == (story.code, "Ferry", "t1", 1)
    assert [one.readers.number for one in page.copies] == [2, 0]
    editor = await copies.list_copies(server.services, person("editor"), "paper")
    assert [one.readers.text for one in editor.copies] == ["a few", "0"]


async def test_copies_are_found_by_words_story_language_and_status(server: Server) -> None:
    story = server.publisher.story(label="Élan", lang="fr", jti="a")
    other = server.publisher.story(jti="b")
    await carry(server, story, ONE)
    await carry(server, other, TWO)
    await sites.shut_out(server.services, shell("test"), "paper", TWO, None)
    await sites.revoke(server.services, shell("test"), "paper", "a")
    assert await origins_of(server, CopyFilter("élan")) == [ONE]
    assert await origins_of(server, CopyFilter("TWO.example/art")) == [TWO]
    assert await origins_of(server, CopyFilter(story=story.code)) == [ONE]
    assert await origins_of(server, CopyFilter(lang="fr")) == [ONE]
    assert await origins_of(server, CopyFilter(status="revoked")) == [ONE]
    assert await origins_of(server, CopyFilter(status="shut_out")) == [TWO]
    assert await origins_of(server, CopyFilter(status="live")) == []
    statuses = await copies.list_copies(server.services, OWNER, "paper", order="first_seen")
    assert {row.record.origin: row.record.status for row in statuses.copies} == {
        ONE: "revoked",
        TWO: "shut_out",
    }


async def test_each_order_pages_through_all_copies_once(server: Server) -> None:
    story = server.publisher.story()
    ids: dict[str, int] = {}
    for number, origin in enumerate((ONE, TWO, THREE)):
        grant, ids[origin] = await carry(server, story, origin)
        for _ in range((2, 0, 1)[number]):
            await feel(server, grant)
        for _ in range((0, 1, 2)[number]):
            await write(server, grant)
        for reader in range((1, 2, 0)[number]):
            await read(server, story.code, ids[origin], f"{origin} {reader}")
    expected: dict[CopyOrder, list[str]] = {
        "first_seen": [THREE, TWO, ONE],
        "reactions": [ONE, THREE, TWO],
        "comments": [THREE, TWO, ONE],
        "readers": [TWO, ONE, THREE],
    }
    for order, wanted in expected.items():
        found: list[str] = []
        after = None
        for _ in range(3):
            page = await copies.list_copies(
                server.services, OWNER, "paper", order=order, limit=1, after=after
            )
            assert page.total == 3
            found.append(page.copies[0].record.origin)
            after = page.next
        assert (found, after) == (wanted, None), order
    with pytest.raises(MalformedError):
        await copies.list_copies(server.services, OWNER, "paper", after="WyJ4IiwxLDFd")


async def test_a_list_reads_two_statements_whatever_its_order(server: Server) -> None:
    for origin in (ONE, TWO, THREE):
        await carry(server, server.publisher.story(), origin)
    for order in copies.COPY_ORDERS:
        with Statements(server) as statements:
            await copies.list_copies(
                server.services, OWNER, "paper", CopyFilter("e", status="live"), order=order
            )
        assert len(statements.texts) == 2, order


async def test_new_copies_are_those_first_seen_since_a_time(server: Server) -> None:
    story = server.publisher.story()
    await carry(server, story, ONE)
    (old,) = (await copies.list_copies(server.services, OWNER, "paper")).copies
    since = old.record.first_seen + 1
    assert (await copies.new_copies(server.services, OWNER, "paper", since)).total == 0
    while server.services.now_ms() < since:
        pass
    await carry(server, story, TWO)
    found = await copies.new_copies(server.services, OWNER, "paper", since)
    assert [row.record.origin for row in found.copies] == [TWO]


@pytest.mark.parametrize("label", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\ufeff=1"])
async def test_the_export_holds_all_copies_and_no_formula(server: Server, label: str) -> None:
    story = server.publisher.story(title=f'{label}"quoted"', label=label)
    for number in range(103):
        await carry(server, story, f"https://c{number}.example")
    lines = [line async for line in copies.export_copies(server.services, OWNER, "paper")]
    rows = list(csv.reader(lines))
    assert tuple(rows[0]) == copies.CSV_COLUMNS
    assert {row[1] for row in rows[1:]} == {f"https://c{number}.example" for number in range(103)}
    assert {row[2] for row in rows[1:]} == {f"'{label}"}
    assert not [
        cell for row in rows for cell in row if cell.lstrip(" \ufeff")[:1] in "=+-@" and cell
    ]
    with pytest.raises(NotPermittedError):
        await anext(copies.export_copies(server.services, person("local"), "paper"))


async def refuses(server: Server, story: Any, origin: str, error: type[Exception]) -> bool:
    """Return whether a page of this origin may not react for this reason."""
    await server.services.cache.site("paper", max_age=0)
    try:
        grant = await authorize.authorize(
            server.services, token=story.token, code=None, origin=origin
        )
    except error:
        return True
    return isinstance(grant.denial, error)


async def test_a_revoked_copy_stops_and_the_others_go_on(server: Server) -> None:
    story = server.publisher.story(jti="mine")
    other = server.publisher.token(story.key, jti="theirs")
    _, mine = await carry(server, story, ONE)
    await carry(server, story, TWO)
    await carry(server, story, THREE, token=other)
    done = await copies.revoke_copy(server.services, OWNER, "paper", mine)
    assert (done.copy.record.id, done.token, done.before, done.shut_out) == (
        mine,
        True,
        False,
        None,
    )
    assert [row.record.origin for row in done.also] == [TWO]
    assert await refuses(server, story, ONE, TokenRevokedError)
    grant = await authorize.authorize(server.services, token=other, code=None, origin=THREE)
    assert (grant.denial, grant.permissions) == (None, ("read", "react", "comment"))
    again = await copies.preview_revocation(server.services, OWNER, "paper", mine)
    assert again.before


@pytest.mark.parametrize("scope", copies.SCOPES)
async def test_an_origin_is_shut_out_of_the_story_or_of_the_site(
    server: Server, scope: copies.Scope
) -> None:
    story, other = server.publisher.story(), server.publisher.story()
    _, copy = await carry(server, story, ONE)
    await carry(server, other, ONE)
    await copies.revoke_copy(server.services, OWNER, "paper", copy, shut_out=scope)
    assert await refuses(server, story, ONE, OriginNotAllowedError)
    assert await refuses(server, other, ONE, OriginNotAllowedError) == (scope == "site")
    assert not await refuses(server, other, TWO, OriginNotAllowedError)
    assert await copies.give_back_copy(server.services, OWNER, "paper", copy)
    assert not await refuses(server, story, ONE, OriginNotAllowedError)
    assert not await copies.give_back_copy(server.services, OWNER, "paper", copy)


async def test_a_copy_with_only_the_code_is_shut_out_but_not_revoked(server: Server) -> None:
    story = server.publisher.story()
    await carry(server, story, ONE)
    _, copy = await carry(server, story, TWO, code=True)
    _, neighbour = await carry(server, story, THREE, code=True)
    with pytest.raises(OperatorError, match="only the story's code"):
        await copies.revoke_copy(server.services, OWNER, "paper", copy)
    done = await copies.revoke_copy(server.services, OWNER, "paper", copy, shut_out="story")
    assert (done.token, done.also, done.origin) == (False, [], TWO)
    assert await server.components.sites.revoked("paper") == frozenset()
    found = await copies.list_copies(server.services, OWNER, "paper")
    assert {row.record.id: row.record.status for row in found.copies}[neighbour] == "live"


async def test_an_opaque_origin_is_never_shut_out(server: Server) -> None:
    story = server.publisher.story(origins=["*"], jti="any")
    grant = await authorize.authorize(server.services, token=story.token, code=None, origin="null")
    assert grant.denial is None
    _, copy = await carry(server, story, "null")
    with pytest.raises(OperatorError, match="no exact origin"):
        await copies.revoke_copy(server.services, OWNER, "paper", copy, shut_out="site")
    assert await server.components.sites.revoked("paper") == frozenset()
    done = await copies.revoke_copy(server.services, OWNER, "paper", copy)
    assert (done.token, done.origin) == (True, None)


async def test_only_editors_and_owners_of_the_site_take_a_copy_back(server: Server) -> None:
    story = server.publisher.story()
    _, copy = await carry(server, story, ONE)
    await sites.create_site(server.services, shell("test"), "other", "Another paper")
    for role in ("moderator", "auditor", "local"):
        with pytest.raises(NotPermittedError):
            await copies.revoke_copy(server.services, person(role), "paper", copy)
    with pytest.raises(NotPermittedError):
        await copies.revoke_copy(server.services, OWNER, "other", copy)
    with pytest.raises(NotFoundError):
        await copies.revoke_copy(server.services, shell("root"), "other", copy)
    await copies.revoke_copy(server.services, person("editor"), "paper", copy)


async def test_the_list_says_when_by_whom_and_why_a_copy_may_not_write(server: Server) -> None:
    services = server.services
    story, other = server.publisher.story(), server.publisher.story()
    _, one = await carry(server, story, "https://one.example")
    await carry(server, other, "https://two.example")
    _, two = await carry(server, other, "https://three.example", code=True)
    listed = (await copies.list_copies(services, OWNER, "paper")).copies
    assert [row.record.withdrawn for row in listed] == [None, None, None]
    with pytest.raises(OperatorError, match="one of these reasons"):
        await copies.revoke_copy(services, OWNER, "paper", one, reason="because")
    await copies.revoke_copy(services, shell("ana"), "paper", one, reason="credit")
    await copies.revoke_copy(services, shell("ben"), "paper", two, shut_out="site")
    listed = (await copies.list_copies(services, OWNER, "paper")).copies
    found = {row.record.id: row.record.withdrawn for row in listed}
    first, second = found[one], found[two]
    assert first is not None
    assert second is not None
    assert (first.by, first.reason) == ("ana", "credit")
    assert (second.by, second.reason) == ("ben", None)
    assert abs(first.at - services.now_ms()) < 60_000
    # Given back and revoked again: the last decision counts.
    await copies.give_back_copy(services, OWNER, "paper", one)
    await copies.revoke_copy(services, shell("cy"), "paper", one, shut_out="story", reason="asked")
    listed = (await copies.list_copies(services, OWNER, "paper")).copies
    again = next(row.record for row in listed if row.record.id == one)
    assert again.status == "revoked"
    assert again.withdrawn is not None
    assert (again.withdrawn.by, again.withdrawn.reason) == ("cy", "asked")
