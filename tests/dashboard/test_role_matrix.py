"""Role × verb × (own, other site) over every route of the dashboard, from the table of permissions."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.dashboard import routes
from tests.dashboard.desk import OWN, Desk, Person, open_desk
from tests.dashboard.places import UNKNOWN, Names, make_places, rows_of
from tests.dashboard.routes import OF_ACCOUNT, OF_SERVER, OF_SITE, WITHOUT_SESSION, Key, Use
from widget_server.auth.permissions import PERMISSIONS, SERVER_OWNER_VERBS, permits
from widget_server.model.actors import ROLES, Role, shell
from widget_server.operations.moderation import decide
from widget_server.operations.owners import people, settings, sites

PEOPLE: tuple[Role, ...] = tuple(role for role in ROLES if role != "machine")
BY_CONTENT = {"read_kept_text", "read_notes", "read_contact"}
"""Verbs that decide what a page shows, not whether there is one."""


@pytest.fixture
async def desk(tmp_path: Path, migrated_sqlite_url: str) -> AsyncIterator[Desk]:
    """Return a server with the sites `paper` and `other`. Rights do not depend on the database engine."""
    async with open_desk(tmp_path, migrated_sqlite_url) as opened:
        await sites.create_site(opened.services, shell("test"), "other", "Another paper")
        yield opened


async def send(
    person: Person, key: Key, use: Use, names: Names, site: str = "paper"
) -> httpx.Response:
    """Send a request as a page of the dashboard does; do not follow its redirect."""
    method, path = key
    where = routes.address(use, path, names, site)
    if method == "GET":
        return await person.http.get(where)
    return await person.post(where, **routes.form(use, names))


def uses() -> list[tuple[Key, Use]]:
    """Return every use of every route of a site."""
    return [(key, use) for key, found in OF_SITE.items() for use in found]


async def test_every_route_is_in_the_matrix_and_every_verb_of_the_table_has_a_route(
    desk: Desk,
) -> None:
    known = [*OF_SITE, *OF_ACCOUNT, *OF_SERVER, *WITHOUT_SESSION]
    assert sorted(routes.routes_of(desk.services)) == sorted(known)
    used = {verb for _, use in uses() for verb in use.verbs}
    assert used | BY_CONTENT == set(PERMISSIONS)
    assert {verb for use in OF_SERVER.values() for verb in use.verbs} == SERVER_OWNER_VERBS
    assert all(use.verbs for _, use in uses())


@pytest.mark.parametrize("role", [*PEOPLE, "server owner"])
async def test_a_role_gets_each_route_that_the_table_permits_and_403_for_every_other(
    desk: Desk, role: Any
) -> None:
    names = await make_places(desk)
    person = desk.owner
    if role != "server owner":
        copies = frozenset({names["copy"]}) if role == "local" else None
        person = await desk.person(role, copies=copies)
    else:
        role = "owner"
    wrong = {}
    for key, use in uses():
        permitted = all(permits(role, verb) for verb in use.verbs)
        status = (await send(person, key, use, names)).status_code
        if permitted != (status < 400 or status in {409, 422}) or not (permitted or status == 403):
            wrong[key, use.verbs] = status
    assert wrong == {}


async def test_only_the_servers_owner_may_make_a_site(desk: Desk) -> None:
    for role in PEOPLE:
        person = await desk.person(role, copies=frozenset({1}) if role == "local" else None)
        for key, use in OF_SERVER.items():
            assert (await send(person, key, use, {})).status_code == 403, (role, key)
    for key, use in OF_SERVER.items():
        assert (await send(desk.owner, key, use, {})).status_code in {200, 303}, key


@pytest.mark.parametrize("role", PEOPLE)
async def test_a_page_about_the_person_is_for_every_role(desk: Desk, role: Role) -> None:
    person = await desk.person(role, copies=frozenset({1}) if role == "local" else None)
    for key, use in OF_ACCOUNT.items():
        answer = await send(person, key, use, {"session": "none"})
        assert answer.status_code in {200, 303, 404, 422}, (key, answer.status_code)
        assert "/sign-in?then" not in answer.headers.get("location", "")


@pytest.mark.parametrize("role", PEOPLE)
async def test_another_site_answers_like_one_that_does_not_exist(desk: Desk, role: Role) -> None:
    names = await make_places(desk, "other")
    person = await desk.person(role, copies=frozenset({1}) if role == "local" else None)
    before = await rows_of(desk.server)
    for key, use in uses():
        theirs = await send(person, key, use, names, "other")
        nothing = await send(person, key, use, names, "nowhere")
        assert (theirs.status_code, theirs.text) == (404, nothing.text), (key, use.verbs)
        assert nothing.status_code == 404
    assert await rows_of(desk.server) == before


async def test_what_belongs_to_another_site_answers_like_what_does_not_exist(desk: Desk) -> None:
    await make_places(desk)
    theirs = await make_places(desk, "other")
    person = await desk.person("owner")
    before = await rows_of(desk.server)
    for key, use in uses():
        if routes.address(use, key[1], theirs) == routes.address(use, key[1], UNKNOWN) and (
            routes.form(use, theirs) == routes.form(use, UNKNOWN)
        ):
            continue
        answers = [await send(person, key, use, names) for names in (theirs, UNKNOWN)]
        found, nothing = (
            (one.status_code, _without(one.text, names))
            for one, names in zip(answers, (theirs, UNKNOWN), strict=True)
        )
        assert found == nothing, (key, use.verbs)
    assert await rows_of(desk.server) == before


def _without(text: str, names: Names) -> str:
    """Return a page without the names that the request had."""
    for name, value in names.items():
        if len(str(value)) > 5:
            text = text.replace(str(value), name)
    return text.replace(f"copies/{names['copy']}/", "copies/N/")


async def test_nobody_gets_anything_without_a_session(desk: Desk) -> None:
    names = await make_places(desk)
    http = httpx.AsyncClient(transport=desk.owner.http._transport, base_url=OWN)
    stranger = Person(http, desk.owner.account)
    before = await rows_of(desk.server)
    inside = [*uses(), *OF_ACCOUNT.items(), *OF_SERVER.items()]
    for key, use in inside:
        answer = await send(stranger, key, use, names | {"session": "none"})
        if key[0] == "POST":
            assert answer.status_code == 401, key
        else:
            assert answer.status_code == 303, key
            assert answer.headers["location"].startswith("/admin/sign-in"), key
    assert await rows_of(desk.server) == before


@pytest.mark.parametrize("role", PEOPLE)
async def test_words_notes_and_addresses_are_shown_to_the_roles_of_the_table_only(
    desk: Desk, role: Role
) -> None:
    owner = await people.find_actor(desk.services, desk.owner.account.name, "paper")
    await settings.change_settings(desk.services, owner, "paper", {"email": "optional"})
    names = await make_places(desk)
    grant = await desk.carried(desk.server.publisher.story(title="A story of paper"))
    held = await desk.write(grant, "words that were held", email="reader@private.example")
    await decide.decide(desk.services, owner, "hold", held.id, note="a note for moderators")
    copies = frozenset({held.copy.id}) if role == "local" and held.copy else None
    person = await desk.person(role, copies=copies)
    shown = []
    # The first pages only: what is in the forms that change something is not read.
    for key, use in uses():
        if key[0] == "GET":
            for comment in (names["comment"], held.id):
                answer = await send(person, key, use, names | {"comment": comment})
                shown.append(answer.text if answer.status_code == 200 else "")
    shown += [(await person.http.get("/admin/sites/paper/queue?queue=held")).text]
    text = "\n".join(shown)
    assert ("words that were held" in text) == permits(role, "read_kept_text")
    assert ("a note for moderators" in text) == permits(role, "read_notes")
    assert ("reader@private.example" in text) == permits(role, "read_contact")
    if not permits(role, "read_people"):
        assert "ana@paper.example" not in text
