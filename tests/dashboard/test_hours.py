"""The page of opening hours: of the site and of a story, with capacity, without a script."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.dashboard.desk import Desk, open_desk
from tests.operations.operations_harness import OPERATOR
from widget_server.model.capacity import Capacity, Limit
from widget_server.model.hours_values import hours_text
from widget_server.operations.moderation import capacity
from widget_server.operations.owners.settings import read_settings

PAGE = "/admin/sites/paper/rules/hours"
TYPED: dict[str, Any] = {
    "use": "own",
    "zone": "Europe/Lisbon",
    "days.1": ["mon", "tue"],
    "from.1": "6:00",
    "to.1": "20:00",
    "mode.1": "open",
    "from.2": "",
    "to.2": "",
    "mode.2": "open",
    "first.1": "2026-12-24",
    "last.1": "",
    "date_mode.1": "approval",
    "otherwise": "closed",
    "approval.cases": "100",
    "approval.minutes": "30",
    "closed.cases": "",
    "closed.minutes": "",
}


@pytest.fixture
async def desk(tmp_path: Path, migrated_url: str) -> AsyncIterator[Desk]:
    """Return a server whose owner is signed in."""
    async with open_desk(tmp_path, migrated_url) as opened:
        yield opened


async def stored(desk: Desk, story: str | None = None) -> str:
    """Return the stored hours as text, or "" for none."""
    now = await read_settings(desk.services, OPERATOR, "paper", story)
    return "" if now.settings.hours is None else hours_text(now.settings.hours)


async def test_hours_and_capacity_are_typed_shown_again_and_taken_back(desk: Desk) -> None:
    first = await desk.owner.http.get(PAGE)
    assert first.status_code == 200
    saved = await desk.owner.post(PAGE, **TYPED)
    assert saved.status_code == 303, saved.text
    assert await stored(desk) == (
        "Europe/Lisbon; mon,tue 06:00-20:00 open; 2026-12-24 approval; otherwise closed"
    )
    now = (await read_settings(desk.services, OPERATOR, "paper")).settings
    assert now.capacity == Capacity(Limit(100, 30), Limit())
    shown = await desk.owner.http.get(saved.headers["location"])
    assert 'value="06:00"' in shown.text
    assert "Take" in shown.text or "Undo" in shown.text
    assert shown.text.count('class="o"') == 2 * 14
    decision = saved.headers["location"].partition("undo=")[2].partition("&")[0]
    back = await desk.owner.post("settings/take-back", decision=decision)
    assert back.status_code == 303
    assert await stored(desk) == ""


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"zone": "Nowhere"}, "There is no such time zone"),
        ({"from.1": "6"}, "Write a time as 06:00"),
        ({"to.1": "24:30"}, "A time is from 00:00 to 24:00"),
        ({"days.1": []}, "Choose at least one day"),
        ({"last.1": "2026-12-01"}, "The last day is before the first one"),
        ({"first.1": "2026-13-01"}, "hours"),
        ({"approval.cases": "many"}, "Use a whole number"),
        ({"closed.cases": "50"}, "Comments close at more cases"),
        ({"mode.1": "ajar"}, "mode is one of"),
    ],
)
async def test_what_is_wrong_is_said_and_what_was_typed_stays(
    desk: Desk, wrong: dict[str, object], sentence: str
) -> None:
    answer = await desk.owner.post(PAGE, **{**TYPED, **wrong})
    assert answer.status_code == 422
    assert sentence in answer.text
    assert 'value="20:00"' in answer.text or "24:30" in answer.text
    assert await stored(desk) == ""


async def test_a_story_has_hours_of_its_own_none_or_those_of_the_site(desk: Desk) -> None:
    await desk.server.set(("hours", "UTC; otherwise closed"))
    grant = await desk.carried()
    code = grant.story.code
    page = f"/admin/sites/paper/stories/{code}/hours"
    assert "As on the whole site" in (await desk.owner.http.get(page)).text
    for use, expected in (
        ("always", ""),
        ("own", "UTC; mon,tue 06:00-20:00 open; 2026-12-24 approval; otherwise closed"),
        ("site", "UTC; otherwise closed"),
    ):
        sent = {**TYPED, "use": use, "zone": "UTC"}
        saved = await desk.owner.post(page, **sent)
        assert saved.status_code == 303, saved.text
        assert await stored(desk, code) == expected
    assert code not in (await desk.owner.http.get(PAGE)).text


async def test_the_first_page_and_the_log_say_that_capacity_has_narrowed_comments(
    desk: Desk,
) -> None:
    await desk.server.set(("moderation", "pre"), ("capacity", "approval 1"))
    grant = await desk.carried()
    home = "/admin/sites/paper/home"
    assert "So much waits" not in (await desk.owner.http.get(home)).text
    await desk.server.post(grant, desk.server.actor(grant), "waits")
    assert await capacity.adjust_sites(desk.services) == 1
    await desk.services.cache.site("paper", max_age=0)
    assert "So much waits" in (await desk.owner.http.get(home)).text
    log = (await desk.owner.http.get("/admin/sites/paper/log?verb=capacity")).text
    assert "Comments changed by capacity" in log
    assert "After approval" in log
    assert "wait for approval because of it" in (await desk.owner.http.get(PAGE)).text
