"""Sign in to the dashboard of the demo, and check its pages in Chromium."""

import json
from typing import Any

import httpx
from playwright.async_api import BrowserContext, Page

from tests.browser.axe import AXE
from tests.browser.conftest import SITE, Demo, Hosts
from tests.loopback import NO_TLS

PASSWORD = "six boats on a ferry"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class Desk:
    """The dashboard of one site of the demo, opened by its owner."""

    def __init__(self, demo: Demo, hosts: Hosts, site: str = SITE) -> None:
        self.demo, self.hosts, self.site = demo, hosts, site
        self.cookie: dict[str, Any] = {}

    def sign_in(self) -> "Desk":
        """Make an account that owns the site, by an invitation, as a browser without script does."""
        link = json.loads(
            self.demo.run("people", "invite", "--role", "owner", "--site", self.site, "--json")
        )["url"]
        own = {"Sec-Fetch-Site": "same-origin", "Origin": self.demo.server}
        with httpx.Client(
            base_url=self.demo.server, trust_env=False, verify=NO_TLS, headers=own
        ) as http:
            path = "/admin/link/" + link.rpartition("/")[2]
            answer = http.post(path, data={"press": "1"})
            assert answer.status_code == 303, answer.text
            email = f"{link[-12:].lower()}@harbour.example"
            fields = {"name": "Ana Ferreira", "email": email, "password": PASSWORD}
            answer = http.post("/admin/welcome", data=fields)
            assert answer.status_code == 303, answer.text
            name, value = next((k, v) for k, v in http.cookies.items() if "session" in k)
        self.cookie = {"name": name, "value": value, "url": self.demo.server}
        return self

    async def context(self, **options: Any) -> BrowserContext:
        """Return a browser in which the owner is signed in."""
        context = await self.hosts.reader(**{"viewport": {"width": 1280, "height": 900}, **options})
        await context.add_cookies([self.cookie])  # type: ignore[list-item]
        return context

    def url(self, path: str) -> str:
        """Return the address of a page of the site."""
        return f"{self.demo.server}/admin/sites/{self.site}/{path}"

    async def open(self, path: str, **options: Any) -> Page:
        """Open a page of the site in a browser of its own."""
        page = await self.hosts.page(await self.context(**options))
        await page.goto(self.url(path))
        return page


async def findings(page: Page) -> list[Any]:
    """Return axe's findings on the whole page, without the widget's own frame."""
    await page.evaluate(AXE)
    found: list[Any] = await page.evaluate(
        "rules => axe.run({ exclude: [['iframe']] }, { runOnly: rules })"
        ".then(({ violations }) => violations.map("
        "({ id, nodes }) => [id, nodes.map(({ html, failureSummary }) => [html, failureSummary])]))",
        RULES,
    )
    return found


async def overflow(page: Page) -> int:
    """Return by how many pixels the page can be scrolled sideways."""
    wide: int = await page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return wide
