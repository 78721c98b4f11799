"""Pages of the dashboard about copies, tokens, settings and numbers, in Chromium."""

import json
import secrets
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import Page

from tests.browser.conftest import Demo, Hosts, Story
from tests.browser.desk import Desk, findings, overflow

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PAGES = (
    "copies",
    "tokens",
    "tokens/keys",
    "numbers",
    "numbers?view=copies",
    "numbers?view=talk",
    "settings",
    "settings/writing",
    "settings/moderation",
    "settings/look",
    "settings/after",
    "settings/republishing",
    "settings/history",
)
LOOKS: dict[str, dict[str, Any]] = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "arabic": {"locale": "ar"},
    "phone": {"viewport": {"width": 320, "height": 700}, "java_script_enabled": False},
}


SITE = "desk-post"


def post(story: Story, origin: str, kind: str, **fields: Any) -> None:
    """Let a new reader of a page act."""
    action = {"type": kind, "ref": 1, "token": story.token, "story": story.code, **fields}
    request = urllib.request.Request(
        f"{story.server}/v1/actions",
        json.dumps(action).encode(),
        {"Content-Type": "text/plain", "Origin": origin},
    )
    urllib.request.urlopen(request, timeout=10).close()


@pytest.fixture(scope="module")
def busy(demo: Demo) -> Demo:
    """The demo, with a site whose stories are read on several pages."""
    demo.site(SITE)
    origins = [f"https://{name}.example" for name in ("northside", "diariodelpuerto", "lapassade")]
    titles = ("The library that sails at six", "من يملك المطر؟", "Who <b>owns</b> the rain?")
    for number, title in enumerate(titles):
        story = demo.story(SITE, known=False, title=title, label="La Passade, web desk", lang="fr")
        for origin in origins[: 3 - number]:
            for reaction in ("happy", "sad", "happy", "surprised")[number:]:
                post(story, origin, "react", reaction=reaction)
            post(story, origin, "comment", body="Hello", key=secrets.token_hex(8))
    demo.run("site", "set", SITE, "moderation=pre")
    return demo


@pytest.fixture
def desk(busy: Demo, hosts: Hosts) -> Desk:
    return Desk(busy, hosts, SITE).sign_in()


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
