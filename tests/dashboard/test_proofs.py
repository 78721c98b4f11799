"""What gives or takes access asks again for password or passkey. Generated from the table and the routes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from tests.dashboard.desk import PASSWORD, Desk, open_desk, texts
from widget_server.auth.permissions import PERMISSIONS, STRONG_VERBS
from widget_server.operations.owners import keys, people, sign_in
from widget_server.web.dashboard.application import create_dashboard

MUST_ASK = {
    "erase": "erasure",
    "export_full": "exports with personal data",
    "invite": "inviting people",
    "role": "changing roles",
    "key": "making and ending API keys",
    "rotate": "making signing keys",
    "retire": "retiring signing keys",
}
"""What the owners' issue asks to prove again, by verb."""
ACCOUNT_ASKS = {
    "/admin/account/password",
    "/admin/account/passkeys",
    "/admin/account/passkeys/remove",
    "/admin/account/codes",
    "/admin/account/sessions/end",
    "/admin/account/sessions/end-others",
}


@pytest.fixture
async def desk(tmp_path: Path, migrated_url: str) -> AsyncIterator[Desk]:
    """Return a server with a signed-in owner, on each engine."""
    async with open_desk(tmp_path, migrated_url) as opened:
        yield opened


def posts(desk: Desk) -> list[Route]:
    """Return the dashboard's routes that change something."""
    app = create_dashboard(desk.services)._app
    assert isinstance(app, Starlette)
    return [one for one in app.routes if isinstance(one, Route) and "POST" in (one.methods or ())]


def path_of(route: Route) -> str:
    """Return a path of the route with made-up names."""
    names = dict.fromkeys(route.param_convertors, "0" * 12) | {"site": "paper", "copy": "1"}
    return route.path.format(**names)


def test_the_table_asks_for_all_that_the_issue_names() -> None:
    assert set(MUST_ASK) == STRONG_VERBS
    assert set(PERMISSIONS) > STRONG_VERBS


async def test_every_form_of_these_verbs_asks_after_ten_minutes_and_no_other_does(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    routes = posts(desk)
    used = {verb for one in routes if (verb := getattr(one.endpoint, "verb", None)) is not None}
    assert used >= STRONG_VERBS
    monkeypatch.setattr(sign_in, "STRONG_MS", -1)
    for route in routes:
        if route.path in {"/admin/sign-in", "/admin/recover", "/admin/sign-out"}:
            continue
        answer = await desk.owner.post(path_of(route))
        asks = "again_password" in answer.text and answer.status_code == 403
        verb = getattr(route.endpoint, "verb", None)
        assert asks == (verb in STRONG_VERBS or route.path in ACCOUNT_ASKS), (route.path, verb)
    assert {one.path for one in routes} > ACCOUNT_ASKS


async def test_the_same_form_goes_on_with_the_password(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.person("moderator", "Jonas")
    jonas = await people.find_account(desk.services, "Jonas")
    path = f"people/{jonas.id}/role"
    with monkeypatch.context() as patched:
        patched.setattr(sign_in, "STRONG_MS", -1)
        answer = await desk.owner.post(path, role="editor")
        assert answer.status_code == 403
        assert 'name="role" value="editor"' in answer.text
        wrong = await desk.owner.post(path, role="editor", again_password="six boats")
        assert "This is not your password." in wrong.text
        assert (await role_of(desk, jonas.id)) == "moderator"
        answer = await desk.owner.post(path, role="editor", again_password=PASSWORD)
    assert answer.status_code == 303
    assert (await role_of(desk, jonas.id)) == "editor"


async def role_of(desk: Desk, account: str) -> str | None:
    member = await people.find_member(desk.services, "paper", account)
    return None if member is None else member.role


async def test_undoing_a_role_asks_and_undoing_a_revocation_does_not(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.person("moderator", "Jonas")
    jonas = await people.find_account(desk.services, "Jonas")
    await desk.owner.post(f"people/{jonas.id}/role", role="editor")
    await desk.owner.post("tokens/revoke", jti="handle")
    log = await desk.owner.get("log")
    undo = {
        row.css("b")[0].text(): row.css("[name=decision]")[0].attributes["value"] or ""
        for row in log.css("tr[id]")
        if row.css("[name=decision]")
    }
    assert set(undo) == {"Role changed", "Revoked"}
    monkeypatch.setattr(sign_in, "STRONG_MS", -1)
    asked = await desk.owner.post("log/take-back", decision=undo["Role changed"])
    assert "again_password" in asked.text
    assert (await role_of(desk, jonas.id)) == "editor"
    done = await desk.owner.post("log/take-back", decision=undo["Revoked"])
    assert done.status_code == 303
    done = await desk.owner.post(
        "log/take-back", decision=undo["Role changed"], again_password=PASSWORD
    )
    assert (await role_of(desk, jonas.id)) == "moderator"
    page = await desk.owner.get(done.headers["location"])
    assert texts(page, "[role=status]")[0] == (
        "The role is as before. API keys that ended with it stay ended."
    )


async def test_the_page_says_before_that_an_ended_key_cannot_come_back(desk: Desk) -> None:
    by = await people.find_actor(desk.services, "Ana Ferreira", "paper")
    await keys.create_key(desk.services, by, "paper", "Letter", frozenset({"read"}))
    page = await desk.owner.get("people")
    (link,) = page.css("#keys a[href*='end=']")
    page = await desk.owner.get((link.attributes["href"] or "").partition("#")[0])
    (step,) = page.css("form.revoke")
    assert "It cannot be brought back." in step.text()
    (button,) = step.css("button")
    await desk.owner.press(button)
    page = await desk.owner.get("log?verb=key")
    assert page.css("[action$='log/take-back']") == []
