"""Pages of the dashboard about copies, tokens, settings and numbers, in Chromium."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import Page

from tests.browser.conftest import Demo, Hosts
from tests.browser.desk import Desk, findings, overflow

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PAGES = ("copies", "tokens", "tokens/keys", "numbers", "numbers?view=copies", "numbers?view=talk")
LOOKS: dict[str, dict[str, Any]] = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "arabic": {"locale": "ar"},
    "phone": {"viewport": {"width": 320, "height": 700}, "java_script_enabled": False},
}


@pytest.fixture
def desk(demo: Demo, hosts: Hosts) -> Desk:
    return Desk(demo, hosts).sign_in()


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("path", PAGES)
async def test_a_page_is_accessible_and_fits(
    desk: Desk, photograph: Callable[[Page, str], Any], path: str, look: str
) -> None:
    options = LOOKS[look]
    page = await desk.open(path, **options)
    await photograph(page, f"desk-{path.replace('/', '-').replace('?view=', '-')}-{look}")
    assert await overflow(page) == 0
    if options.get("java_script_enabled", True):
        assert await findings(page) == []
