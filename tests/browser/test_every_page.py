"""Every page of the dashboard in Chromium: accessible, narrow, light to load, and in words instead of ids.

The pages come from the dashboard's own routes, so that a new page cannot be forgotten. With PICTURES=1 in
the environment, a picture of each one is in the folder of screenshots afterwards.
"""

import os
import re
from collections.abc import AsyncIterator
from itertools import cycle
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page

from tests.browser.conftest import SCREENSHOTS
from tests.browser.desk import findings
from tests.browser.moderated_site import SECRET
from tests.browser.whole_site import WholeSite
from tests.e2e.harness import ServerProcess
from tests.html_validator import expect_valid
from widget_server.web.dashboard.application import dashboard_routes
from widget_server.web.pages.translate import LOCALES

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
MAX_FIRST_LOAD = 60 * 1024
SITE = "/admin/sites/{site}"
PAGES: dict[str, tuple[str, ...]] = {
    "/admin/sign-in": ("",),
    "/admin/recover": ("",),
    "/admin/link/{secret}": ("/admin/link/{link}", "/admin/link/none"),
    "/admin/welcome": ("",),
    "/admin/new-site": ("",),
    "/admin/sites": ("",),
    "/admin/account": ("",),
    f"{SITE}/home": ("", "/admin/sites/empty/home"),
    f"{SITE}/queue": (
        "",
        "?queue=pending",
        "?queue=edits",
        "?queue=held",
        "?queue=appeals",
        "?queue=corrections",
        "?queue=corrections&hint={hint}&step=correct",
        "?queue=corrections&hint={hint}&step=decline",
        "?queue=corrections&view=list",
        "?queue=new",
        "?queue=new&view=list",
        "?view=list",
    ),
    f"{SITE}/queue/watch": ("",),
    f"{SITE}/queue/tagged": ("", "?tag=nothing", "/admin/sites/empty/queue/tagged"),
    f"{SITE}/queue/second-look": ("",),
    f"{SITE}/queue/batch": ("", "?verb=remove&phrase=comment", "?writer={comment}"),
    f"{SITE}/queue/batches/{{batch}}": ("",),
    f"{SITE}/stories": (
        "",
        "?q=library&state=open&sort=comments&more=1",
        "?q=nothing",
        "/admin/sites/empty/stories",
    ),
    f"{SITE}/stories/{{code}}": ("", "?show=waiting", "?show=removed"),
    f"{SITE}/stories/{{code}}/copies": ("",),
    f"{SITE}/stories/{{code}}/threads/{{comment}}": ("",),
    f"{SITE}/stories/{{code}}/corrections": ("",),
    f"{SITE}/stories/{{code}}/text": ("",),
    f"{SITE}/stories/{{code}}/translations": ("",),
    f"{SITE}/stories/{{code}}/settings": ("",),
    f"{SITE}/stories/{{code}}/hours": ("",),
    f"{SITE}/comments/{{comment}}": (
        "",
        "/admin/sites/{site}/comments/{rude}?step=remove",
        "/admin/sites/{site}/comments/{rude}?step=hold",
        "/admin/sites/{site}/comments/{reply}?step=answer",
        "/admin/sites/{site}/comments/{reply}?step=hide",
        "/admin/sites/{site}/comments/{rude}?step=ban",
        "/admin/sites/{site}/comments/{rude}?step=hand_over&case=1",
        "/admin/sites/{site}/comments/{rude}?step=mute",
        "/admin/sites/{site}/comments/{rude}?step=tag",
        "/admin/sites/{site}/comments/{gone}",
        "/admin/sites/{site}/comments/{objected}",
        "/admin/sites/{site}/comments/{banned}",
        "/admin/sites/{site}/comments/{gone}?step=erase",
    ),
    f"{SITE}/bans": ("", "/admin/sites/empty/bans"),
    f"{SITE}/raids": ("", "/admin/sites/empty/raids"),
    f"{SITE}/log": ("", "?verb=remove&since=2026-01-01", "?who=nothing", "?story={code}"),
    f"{SITE}/snippet": ("",),
    f"{SITE}/copies": ("", "?revoke={copy}", "?q=nothing", "/admin/sites/empty/copies"),
    f"{SITE}/tokens": ("", "?revoke={jti}", "?status=revoked", "/admin/sites/empty/tokens"),
    f"{SITE}/tokens/keys": ("", "?retire=1"),
    f"{SITE}/rules": ("", "/admin/sites/empty/rules"),
    f"{SITE}/rules/new": ("", "?kind=links"),
    f"{SITE}/rules/learned": ("", "/admin/sites/empty/rules/learned"),
    f"{SITE}/rules/hours": ("", "/admin/sites/empty/rules/hours"),
    f"{SITE}/rules/{{rule}}": ("",),
    f"{SITE}/settings": ("",),
    f"{SITE}/settings/history": ("", "/admin/sites/empty/settings/history"),
    f"{SITE}/settings/{{section}}": tuple(
        f"/admin/sites/{{site}}/settings/{section}"
        for section in (
            "writing?lang=ar",
            "moderation",
            "look",
            "after",
            "licence",
            "republishing",
        )
    ),
    f"{SITE}/numbers": (
        "",
        "?view=copies",
        "?view=languages",
        "?view=talk",
        "?copy={copy}&story={code}",
        "/admin/sites/empty/numbers",
    ),
    f"{SITE}/people": ("", "?end={key}"),
    f"{SITE}/people/invite": ("",),
    f"{SITE}/people/{{account}}/role": ("",),
    f"{SITE}/keys/new": ("",),
    f"{SITE}/nothing": ("",),
}
"""Pages by route: what follows the route's path, or another path of the same route."""
NOT_PAGES = {
    "/": "leads to another page",
    "/admin": "leads to another page",
    SITE: "leads to another page",
    "/admin/static/{hash}/{file}": "style sheet and scripts",
    "/admin/account/passkeys": "JSON for the browser",
    f"{SITE}/stories/counts": "a part of a page",
    f"{SITE}/queue/words/{{comment}}": "a part of a page",
    f"{SITE}/stories/{{code}}/count": "a part of a page",
    f"{SITE}/stories/{{code}}/discussion.{{format}}": "a file",
    f"{SITE}/log/export": "a file",
    f"{SITE}/log/export-dsa": "a file",
    f"{SITE}/copies.csv": "a file",
    f"{SITE}/numbers.csv": "a file",
}
SIGNED_OUT = ("/admin/sign-in", "/admin/recover", "/admin/link/", "/admin/welcome")
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 900}},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "arabic": {"viewport": {"width": 390, "height": 844}, "locale": "ar"},
    "narrow": {"viewport": {"width": 320, "height": 700}, "color_scheme": "dark"},
}
LOOKS_OF_LANGUAGES = {
    f"narrow {lang}": {"viewport": {"width": 320, "height": 700}, "locale": lang}
    for lang in LOCALES
}
NARROW = (
    *(f"{SITE}/queue?queue={queue}" for queue in ("pending", "reported", "edits", "appeals")),
    *(f"{SITE}/queue?view=list", f"{SITE}/home", f"{SITE}/stories", f"{SITE}/stories/{{code}}"),
    *(f"{SITE}/comments/{{rude}}{step}" for step in ("", "?step=remove", "?step=mute")),
    f"{SITE}/comments/{{objected}}",
)
"""Pages that a moderator uses on a phone."""
PLACES = [
    (more if more.startswith("/") else route + more)
    for route, rest in PAGES.items()
    for more in rest
]


class Walk:
    """A browser for each look, with the owner signed in and without anyone."""

    def __init__(self, site: WholeSite, browser: Browser) -> None:
        self.site, self._browser = site, browser
        self.ids = site.ids()
        self._contexts: dict[tuple[str, bool], BrowserContext] = {}
        self._pages: dict[BrowserContext, Page] = {}

    async def open(self, place: str, look: str) -> Page:
        """Open a page, in the tab of the look's earlier ones: a tab has a process of its own, which is slow to start."""
        if look == "light":
            # A browser that has loaded nothing before.
            await self.close(look)
        context = await self._context(place, look)
        if context not in self._pages:
            self._pages[context] = await context.new_page()
        page = self._pages[context]
        if place == "/admin/welcome":
            # It follows the button of a link, which works once.
            await page.goto(self.site.invitation())
            await page.get_by_role("main").get_by_role("button").click()
            await page.wait_for_url("**/welcome")
        else:
            await page.goto(self.site.path(place))
        return page

    async def html(self, place: str, lang: str) -> str:
        """Return what the server sends for a page, before any script of it has run."""
        if place == "/admin/welcome":
            page = await self.open(place, "narrow")
            address, context = page.url, page.context
        else:
            address, context = self.site.path(place), await self._context(place, "narrow")
        headers = {"Accept": "text/html", "Accept-Language": lang}
        answer = await context.request.get(address, headers=headers)
        return await answer.text()

    async def _context(self, place: str, look: str) -> BrowserContext:
        signed_in = not place.startswith(SIGNED_OUT)
        if (look, signed_in) not in self._contexts:
            options = {**(LOOKS | LOOKS_OF_LANGUAGES)[look], "bypass_csp": True}
            if signed_in:
                options["storage_state"] = self.site.site.state
            self._contexts[look, signed_in] = await self._browser.new_context(**options)
        return self._contexts[look, signed_in]

    async def close(self, *looks: str) -> None:
        """Close the browsers of these looks."""
        for key in [key for key in self._contexts if key[0] in looks]:
            context = self._contexts.pop(key)
            self._pages.pop(context, None)
            await context.close()


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def walk(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> AsyncIterator[Walk]:
    """Run a server whose dashboard has something on every page."""
    server = ServerProcess(tmp_path_factory.mktemp("whole") / "data", {"SECRET_KEYS": SECRET})
    server.url = f"http://localhost:{server.port}"
    server.env["PUBLIC_URL"] = server.url
    await server.start()
    site = WholeSite(server)
    await site.begin(browser)
    walk = Walk(site, browser)
    yield walk
    await walk.close(*LOOKS, *LOOKS_OF_LANGUAGES)
    await server.kill()


async def test_every_page_of_the_dashboard_is_in_this_walk() -> None:
    routes = {route.path for route in dashboard_routes() if "GET" in (route.methods or ())}
    assert routes == {*PAGES, *NOT_PAGES} - {f"{SITE}/nothing"}


async def test_every_page_is_valid_html_each_in_one_of_the_languages(walk: Walk) -> None:
    pages = {
        f"{place} ({lang})": await walk.html(place, lang)
        for place, lang in zip(PLACES, cycle(LOCALES), strict=False)
    }
    assert all("<!doctype html>" in html for html in pages.values())
    expect_valid(pages)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("place", PLACES)
async def test_a_page_passes_axe_fits_its_window_loads_fast_and_shows_no_id(
    walk: Walk, place: str, look: str
) -> None:
    page = await walk.open(place, look)
    if os.environ.get("PICTURES"):
        SCREENSHOTS.mkdir(exist_ok=True)
        name = re.sub(r"[^a-z0-9]+", "-", place.removeprefix("/admin/").replace("{site}", "site"))
        await page.screenshot(path=SCREENSHOTS / f"walk-{name}-{look}.png", full_page=True)
    if look == "light":
        assert 0 < await page.evaluate(_LOADED) <= MAX_FIRST_LOAD
    assert await findings(page) == []
    assert await page.evaluate(_WIDER) == 0
    assert await page.locator("h1").count() == 1
    text = await page.evaluate(_VISIBLE)
    assert [one for one in walk.ids if one in text] == []
    assert (
        re.findall(r"\b[a-z]+_[a-z_]+\b|\b[0-9a-f]{8}-[0-9a-f]{4}-|\b[0-9a-f]{24,}\b", text) == []
    )
    assert await page.evaluate(_SMALL_TARGETS) == []
    assert await page.locator("html").get_attribute("dir") == ("rtl" if look == "arabic" else "ltr")


@pytest.mark.parametrize("lang", ["ar", "de", "es", "fr"])
async def test_on_a_phone_no_word_is_broken_inside_no_button_is_cut_and_nothing_scrolls_sideways(
    walk: Walk, lang: str
) -> None:
    found: dict[tuple[str, int], Any] = {}
    for place in NARROW:
        page = await walk.open(place, f"narrow {lang}")
        for width in (320, 390):
            await page.set_viewport_size({"width": width, "height": 700})
            wrong = [await page.evaluate(one) for one in (_BROKEN_WORDS, _CUT, _WIDER)]
            if wrong != [[], [], 0]:
                found[place, width] = wrong
    assert found == {}


_LOADED = """() => performance.getEntries()
  .filter(({ name }) => !name.includes("/e/"))  // the widget in the preview
  .reduce((sum, { transferSize }) => sum + (transferSize || 0), 0)"""
_WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
_VISIBLE = """() => {
  for (const one of document.querySelectorAll("code, textarea, option, iframe")) one.remove();
  return document.title + "\\n" + document.body.innerText;
}"""
_SMALL_TARGETS = """() => [...document.querySelectorAll(".btn, .chip, .bar-nav a, .bar-nav button, .tabs a")]
  .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 24)
  .map((one) => one.outerHTML)"""
_BROKEN_WORDS = r"""() => {
  const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const { data, parentElement: element } = walker.currentNode;
    if (!element.checkVisibility() || element.closest(".hide, .mono, .skip, svg, option, textarea")) continue;
    for (const { 0: word, index } of data.matchAll(/[\p{L}\p{M}]{2,}/gu)) {
      const range = document.createRange();
      range.setStart(walker.currentNode, index);
      range.setEnd(walker.currentNode, index + word.length);
      const lines = [...range.getClientRects()].filter(({ width }) => width > 1).map(({ top }) => Math.round(top));
      if (new Set(lines).size > 1) found.push(word);
    }
  }
  return found;
}"""
_CUT = """() => [...document.querySelectorAll(".btn, .badge, .tabs a")]
  .filter((one) => one.checkVisibility() && one.scrollWidth > one.clientWidth + 1)
  .map((one) => one.innerText)"""
