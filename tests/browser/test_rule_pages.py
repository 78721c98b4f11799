"""The pages of rules and of the learned filter in Chromium: accessible, narrow, with and without script."""

import json
import re
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, FilePayload, Locator, expect

from tests.browser.conftest import SCREENSHOTS
from tests.browser.desk import findings
from tests.browser.moderated_site import ModeratedSite, fill, moderated_site
from widget_server.content.learner import tokens

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
JUDGED = "You people never had a wet floor in your life."
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
        self.story, self.ids = fill(site)
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
            numbers = (json.dumps(curve), 400, 1_200)
            database.execute(
                "UPDATE learners SET curve = ?, bad = ?, good = ?, version = 1", numbers
            )
            (seed,) = database.execute("SELECT seed FROM learners").fetchone()
            words = [
                ("harbour", token, 2 if n % 3 else 40, 90 if n % 3 else 1, "[]", 3)
                for n, token in enumerate(tokens(JUDGED, seed))
            ]
            database.executemany("INSERT OR REPLACE INTO words VALUES (?, ?, ?, ?, ?, ?)", words)
            hit = ("harbour", "learner", self.ids["rude"], int(time.time() * 1000), 0)
            database.execute("INSERT OR REPLACE INTO rule_hits VALUES (?, ?, ?, ?, ?)", hit)


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def ruled(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> AsyncIterator[Ruled]:
    """Run a server with a site that has rules."""
    async with moderated_site(tmp_path_factory.mktemp("ruled"), browser) as site:
        yield Ruled(site)


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


async def test_a_newcomer_makes_a_rule_sees_what_it_would_have_held_and_turns_it_on_in_five_clicks(
    ruled: Ruled, browser: Browser
) -> None:
    context, page = await ruled.site.owner(browser)
    await page.goto(ruled.site.path("home"))
    clicks = 0

    async def click(locator: Locator) -> None:
        nonlocal clicks
        await locator.click()
        clicks += 1

    navigation = page.get_by_role("navigation", name="Main", exact=True)
    await click(navigation.get_by_role("link", name="Rules"))
    await click(page.get_by_role("link", name="New rule"))
    # The words have the focus: type at once.
    await expect(page.get_by_label("Words and phrases")).to_be_focused()
    await page.keyboard.type("boat")
    await expect(page.locator("#trial .big-read")).to_contain_text("Would have held 1 of the last")
    await expect(page.locator("#trial mark")).to_have_text("boat")
    await click(page.get_by_role("button", name="Add the rule"))
    await expect(page.get_by_role("heading", name="On the past")).to_be_visible()
    await click(page.get_by_role("button", name="Turn on now"))
    await expect(page.get_by_text("On. It holds what it finds.")).to_be_visible()
    await expect(page.locator(".rules-list [aria-current]")).to_contain_text("boat")
    assert clicks <= 5
    held = ruled.site.write(ruled.story, "What a boat!", "Cem")
    assert held["comment"]["state"] == "pending"
    ruled.site.cli("comment", "approve", held["comment"]["id"])
    await page.get_by_text("Remove this rule …").click()
    await page.get_by_role("button", name="Remove this rule").click()
    await context.close()


async def test_a_file_is_tried_when_it_is_chosen_and_a_false_alarm_excepted_with_one_click(
    ruled: Ruled, browser: Browser
) -> None:
    context, page = await ruled.site.owner(browser)
    await page.goto(ruled.site.path("rules/new"))
    trial = page.locator("#trial")
    await page.get_by_text("Add a list from a file").click()
    wrong = FilePayload(name="list.txt", mimeType="text/plain", buffer=b"roof\n...\n")
    await page.get_by_label("File", exact=True).set_input_files(wrong)
    await expect(trial.locator(".err")).to_contain_text("Line 2: “...” has no letter")
    right = FilePayload(name="list.txt", mimeType="text/plain", buffer=b"roof\n")
    await page.get_by_label("File", exact=True).set_input_files(right)
    await expect(trial.locator(".big-read")).to_contain_text("Would have held 2 of the last")
    await trial.get_by_role("button", name="Except this wording").last.click()
    typed = page.get_by_label("But not in")
    await expect(typed).not_to_have_value("")
    await expect(page.get_by_text("The wording is added here.")).to_be_visible()
    await expect(trial.locator(".big-read")).to_contain_text("Would have held 1 of the last")
    # The file's words are in the form now.
    await expect(page.get_by_label("Words and phrases")).to_have_value("roof")
    await context.close()


async def test_the_slider_says_what_a_rate_does_before_it_is_saved(
    ruled: Ruled, browser: Browser
) -> None:
    context, page = await ruled.site.owner(browser)
    ruled.measured()
    await page.goto(ruled.site.path("rules/learned"))
    says = page.locator("#setting .big-read")
    await expect(says).to_contain_text("about 1 in 1,000 good comments and catches about 46 in 100")
    await page.get_by_label("Good comments held, in 1,000").press("ArrowRight")
    await page.get_by_label("Good comments held, in 1,000").press("ArrowRight")
    await expect(says).to_contain_text("about 3 in 1,000 good comments and catches about 64 in 100")
    await expect(page.get_by_text("Not saved yet. Now it is 1 in 1,000.")).to_be_visible()
    await expect(page.locator(".chart .said")).to_have_text("64 %")
    await expect(page.get_by_label("Good comments held, in 1,000")).to_be_focused()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Not saved yet.")).to_have_count(0)
    await expect(says).to_contain_text("about 3 in 1,000")
    # Why in words, and one tap that says that it was wrong.
    why = page.locator("article").filter(has_text=JUDGED)
    await expect(why.locator("mark").first).to_be_visible()
    assert 1 <= await why.locator("mark").count() <= 5
    assert 1 <= await why.locator("bdi").count() <= 5
    await why.get_by_role("button", name="This was wrong").click()
    await expect(page.locator(".told, .toast").first).to_be_visible()
    await expect(page).to_have_url(re.compile("/rules/learned"))
    await expect(why.get_by_role("button", name="This was wrong")).to_have_count(0)
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
