"""The pages of rules and of the learned filter in Chromium: accessible, narrow, with and without script."""

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser.conftest import SCREENSHOTS
from tests.browser.desk import findings
from tests.browser.moderated_site import SECRET, ModeratedSite, fill
from tests.e2e.harness import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
CURVE = [(10, 0.46), (20, 0.58), (30, 0.64), (40, 0.7), (50, 0.74), (60, 0.77), (70, 0.79), (80, 0.8), (90, 0.81), (100, 0.82)]  # fmt: skip
LOOKS: dict[str, dict[str, Any]] = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "arabic": {"locale": "ar", "viewport": {"width": 390, "height": 900}},
    "phone": {"viewport": {"width": 320, "height": 700}, "color_scheme": "dark"},
    "plain": {"viewport": {"width": 320, "height": 700}, "java_script_enabled": False},
}


class Ruled:
    """The site with two rules: one in shadow, and one that holds a comment."""

    def __init__(self, site: ModeratedSite) -> None:
        self.site = site
        self.story, _ = fill(site)
        site.cli("site", "set", "harbour", "moderation=post")
        name = ("--name", "Insults, English", "--guideline", "Stay with the subject.", "--ask")
        words = ("--word", "you people", "--word", "wet floor*")
        made = site.cli("rule", "add", "harbour", "--kind", "words", *words, *name, "--json")
        self.insults = json.loads(made)["id"]
        made = site.cli("rule", "add", "harbour", "--kind", "links", "--name", "Links", "--json")
        self.links = json.loads(made)["id"]
        site.cli("rule", "on", "harbour", self.links)
        site.cli("learner", "harbour", "--mode", "shadow")

    def measured(self) -> None:
        """Let the learned filter have been measured."""
        curve = [
            {"rate": rate, "threshold": 1.0, "caught": caught, "low": caught - 0.05, "high": 0.9}
            for rate, caught in CURVE
        ]
        file = self.site.server.data_dir / "database.sqlite3"
        with closing(sqlite3.connect(file, timeout=30)) as database, database:
            database.execute("UPDATE learners SET curve = ?", (json.dumps(curve),))


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def ruled(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> AsyncIterator[Ruled]:
    """Run a server with a site that has rules."""
    server = ServerProcess(tmp_path_factory.mktemp("ruled") / "data", {"SECRET_KEYS": SECRET})
    server.url = f"http://localhost:{server.port}"
    server.env["PUBLIC_URL"] = server.url
    await server.start()
    site = ModeratedSite(server)
    await site.begin(browser)
    yield Ruled(site)
    await server.kill()


@pytest.mark.parametrize("look", LOOKS)
async def test_the_pages_are_accessible_and_narrow(
    ruled: Ruled, browser: Browser, look: str
) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    options = {"viewport": {"width": 1280, "height": 900}, **LOOKS[look]}
    context, page = await ruled.site.owner(browser, **options)
    ruled.measured()
    for path in (
        "rules",
        "rules/new",
        "rules/new?kind=length",
        f"rules/{ruled.insults}",
        "rules/learned",
    ):
        await page.goto(ruled.site.path(path))
        if path == f"rules/{ruled.insults}" and look != "plain":
            await expect(page.locator("#trial .big-read")).to_contain_text("1")
        name = path.replace(ruled.insults, "one").replace("/", "-").partition("?")[0]
        await page.screenshot(path=SCREENSHOTS / f"{name}-{look}.png", full_page=True)
        widths = await page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert widths[0] <= widths[1], (path, look)
        if look != "plain":
            assert await findings(page) == [], (path, look)
    await context.close()


async def test_a_typed_rule_says_at_once_what_it_would_have_held(
    ruled: Ruled, browser: Browser
) -> None:
    context, page = await ruled.site.owner(browser)
    await page.goto(ruled.site.path("rules/new"))
    await page.get_by_label("Name").fill("Roofs")
    await page.get_by_label("Words and phrases").fill("roof")
    trial = page.locator("#trial")
    await expect(trial.locator(".big-read")).to_contain_text("Would have held 2 of the last")
    await expect(trial.locator("mark").first).to_have_text("roof")
    await page.get_by_label("Words and phrases").fill("…")
    await expect(trial.locator(".err")).to_contain_text("has no letter")
    await context.close()


async def test_a_rule_is_made_turned_on_and_removed_without_javascript(
    ruled: Ruled, browser: Browser
) -> None:
    context, page = await ruled.site.owner(browser, java_script_enabled=False)
    await page.goto(ruled.site.path("rules"))
    await page.get_by_role("link", name="New rule").click()
    await page.get_by_label("Name").fill("Casinos")
    await page.get_by_label("Words and phrases").fill("casino*")
    await page.get_by_role("button", name="Try on the past").click()
    await expect(page.locator("#trial .big-read")).to_contain_text("Would have held 0 of the last")
    await page.get_by_role("button", name="Add the rule").click()
    await expect(page.get_by_text("Added. It tries")).to_be_visible()
    await page.get_by_role("button", name="Turn on now").click()
    await expect(page.get_by_text("On. It holds what it finds.")).to_be_visible()
    ruled.site.write(ruled.story, "The CASINO is open", "Bo")
    await page.goto(ruled.site.path("queue?queue=held"))
    await expect(page.get_by_text("Held by the rule “Casinos”")).to_be_visible()
    await page.goto(ruled.site.path("rules"))
    await page.get_by_role("link", name="Casinos").click()
    await page.get_by_text("Remove this rule …").click()
    await page.get_by_role("button", name="Remove this rule").click()
    await expect(page.get_by_text("The rule is removed.")).to_be_visible()
    await expect(page.get_by_role("link", name="Casinos")).to_have_count(0)
    await context.close()
