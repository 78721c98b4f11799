"""Checking pages in the dashboard: who may, what is shown, and that nothing of a stranger's page comes back."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.operations.checked_server import Checked, open_checked
from tests.operations.owner_harness import carry
from tests.web.dashboard.desk import OWN, ROLES, Desk, text_of
from widget_server.auth.permissions import permits
from widget_server.model.actors import Role
from widget_server.web.dashboard.application import create_dashboard
from widget_server.web.pages.translate import LOCALES

ENGLISH = LOCALES["en"]


@pytest.fixture
async def checked(desk: Desk, tmp_path: Path) -> AsyncIterator[Checked]:
    """Let the dashboard read the pages of a web server on the loopback."""
    async with open_checked(desk.server, tmp_path) as opened:
        # The browsers of the people keep their transport: it calls the dashboard of these services.
        for browser in desk.people.values():
            browser._transport = httpx.ASGITransport(create_dashboard(opened.services))
        yield opened


@pytest.mark.parametrize("role", ROLES)
async def test_only_roles_that_may_read_copies_check_pages(
    desk: Desk, checked: Checked, role: Role
) -> None:
    address = checked.put(checked.parts().html())
    answer = await desk.people[role].post(
        f"/admin/sites/paper/stories/{checked.story.code}/check",
        data={"page": address},
        headers=OWN,
    )
    assert answer.status_code == (200 if permits(role, "read_copies") else 403)
    assert checked.pages.connections == (1 if permits(role, "read_copies") else 0)


async def test_the_findings_about_a_typed_address_are_shown_with_their_lines(
    desk: Desk, checked: Checked
) -> None:
    page = checked.parts(credit="mark1x", script="none").html()
    answer = await desk.post(
        f"stories/{checked.story.code}/check", page=checked.put(page, "default-src mark2x")
    )
    assert answer.status_code == 200
    shown = text_of(answer.text)
    for code in ("credit_missing", "script_missing", "policy_script", "text_same"):
        assert ENGLISH[f"chk_{code}"] in shown
    assert "Your policy has no script-src." in shown
    assert "mark1x" not in answer.text
    assert "mark2x" not in answer.text
    assert f"{checked.services.server_origin}/embed.js" in answer.text


async def test_the_page_of_a_copy_is_checked_from_the_list_of_copies(
    desk: Desk, checked: Checked
) -> None:
    token = checked.token(jti="a-copy")
    story = type(checked.story)(checked.story.key, checked.story.code, token)
    _, copy = await carry(desk.server, story, checked.origin)
    assert f"copies/{copy}/check" in await desk.get("copies")
    known = await checked.services.pages.to_look_at(copy)
    assert known is not None
    path = known.page.removeprefix(checked.origin)
    checked.put(checked.parts().html(), path=path)
    answer = await desk.post(f"copies/{copy}/check")
    assert answer.status_code == 200
    assert ENGLISH["chk_none"] in text_of(answer.text)
    assert (await desk.post("copies/999999/check")).status_code == 404
    elsewhere = f"/admin/sites/other/copies/{copy}/check"
    answer = await desk.owner.post(elsewhere, data={"page": ""}, headers=OWN)
    assert answer.status_code in (403, 404)


async def test_a_page_that_is_not_read_has_one_answer_at_the_field(
    desk: Desk, checked: Checked
) -> None:
    for address in ("http://10.0.0.1/", "nowhere", "", f"{checked.origin}/missing"):
        answer = await desk.post(f"stories/{checked.story.code}/check", page=address)
        assert answer.status_code == 422
        assert ENGLISH["chk_refused"] in text_of(answer.text)
    answer = await desk.post("stories/000000000000/check", page=checked.origin)
    assert answer.status_code == 404
