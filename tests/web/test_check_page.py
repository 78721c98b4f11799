"""`/s/CODE/check`: the form, the findings in words, and one answer for every page that is not read."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from tests.operations.checked_pages import BODY
from tests.operations.checked_server import Checked, open_checked
from tests.operations.operations_harness import open_server
from tests.operations.page_server import html, redirect
from tests.web.test_republish import Page
from widget_server.auth.rate_limit import Rate
from widget_server.model.actors import shell
from widget_server.operations.owners import sites
from widget_server.operations.services import RateLimiters
from widget_server.web.pages.translate import LOCALES
from widget_server.web.routes import create_asgi_app


@dataclass(slots=True)
class Browser:
    """The server's pages over ASGI, and the pages that they check."""

    checked: Checked
    http: httpx.AsyncClient

    async def get(self, query: str = "") -> httpx.Response:
        return await self.http.get(f"/s/{self.checked.story.code}/check{query}")

    async def send(self, address: str, query: str = "", **headers: str) -> httpx.Response:
        own = {"Origin": self.checked.services.server_origin, "Sec-Fetch-Site": "same-origin"}
        return await self.http.post(
            f"/s/{self.checked.story.code}/check{query}",
            files={"page": (None, address)},
            headers=own | headers,
        )


def browser_of(checked: Checked) -> Browser:
    components = checked.server.components
    app = create_asgi_app(checked.services, components.health(), 0)
    origin = checked.services.server_origin
    transport = httpx.ASGITransport(app)
    accept = {"Accept": "text/html"}
    return Browser(checked, httpx.AsyncClient(transport=transport, base_url=origin, headers=accept))


@pytest.fixture
async def browser(tmp_path: Path, migrated_url: str) -> AsyncIterator[Browser]:
    """Return a browser on each engine."""
    async with open_server(tmp_path, migrated_url) as server:
        await sites.create_site(server.services, shell("test"), "paper", "A paper")
        async with open_checked(server, tmp_path) as checked:
            yield browser_of(checked)


@pytest.mark.parametrize("lang", LOCALES)
async def test_every_finding_is_said_in_every_language(browser: Browser, lang: str) -> None:
    page = browser.checked.parts(credit="x", text=BODY.replace("Thirty-eight", "Forty-one")).html()
    address = browser.checked.put(page, "default-src 'self'")
    answer = await browser.send(address, f"?lang={lang}")
    assert answer.status_code == 200
    assert answer.headers["content-language"] == lang
    assert answer.headers["cache-control"] == "no-store"
    shown = Page(answer.text)
    shown.check()
    texts = LOCALES[lang]
    for key in ("credit_missing", "policy_script", "licence_good"):
        assert texts[f"chk_{key}"] in answer.text
    assert "Thirty-eight boats left the harbour" in answer.text
    assert any("press.example/boats" in value for value in shown.fields.values())
    visible = re.sub(r"<textarea.*?</textarea>", "", answer.text, flags=re.S)
    assert re.findall(r"\{\w+\}", visible) == []


async def test_an_older_text_links_to_what_changed_since_that_version(browser: Browser) -> None:
    older = browser.checked.parts(text=BODY.replace("Thirty-eight", "Forty-one")).html()
    answer = await browser.send(browser.checked.put(older), "?lang=es")
    link = f"/s/{browser.checked.story.code}/changes?from=1&amp;lang=es"
    assert f'<a href="{link}">Ver los cambios</a>' in answer.text
    shown = await browser.http.get(link.replace("&amp;", "&"))
    assert "Forty-one" in shown.text
    current = await browser.send(browser.checked.put(browser.checked.parts().html()))
    assert "/changes" not in current.text


async def test_every_code_that_the_checker_says_has_a_sentence() -> None:
    folder = Path(__file__).parents[2] / "widget_server/operations/publishing"
    source = (folder / "page_findings.py").read_text()
    codes = set(re.findall(r'Finding\("(\w+)"', source))
    codes |= {
        f"{name}_{end}" for name in ("credit", "licence") for end in ("good", "missing", "unknown")
    }
    codes |= {f"policy_{kind}" for kind in ("script", "connect", "frame", "socket")}
    codes |= {f"text_{state}" for state in ("same", "older", "changed", "none", "unknown")}
    assert len(codes) > 35
    for lang, texts in LOCALES.items():
        assert {code for code in codes if f"chk_{code}" not in texts} == set(), lang


async def test_nothing_of_the_page_that_was_read_comes_back(browser: Browser) -> None:
    """The answer is made of the server's sentences and the story's own words."""
    marks = {f"mark{number}x" for number in range(9)}
    page = f"""<html lang="mark0x"><head><title>mark1x</title><link rel="canonical" href="https://mark2x.example/">
<meta http-equiv="content-security-policy" content="default-src mark3x.example"></head><body>
<p>mark4x</p><img src="/mark5x.jpg" alt="mark5x"><a href="https://mark6x.example/" title="mark6x">mark6x</a>
<a class="story-widget" href="{browser.checked.services.server_origin}/s/{browser.checked.story.code}"
 data-widget-token="mark7x">mark8x</a></body></html>"""
    answer = await browser.send(browser.checked.put(page))
    assert answer.status_code == 200
    assert [mark for mark in marks if mark in answer.text] == []


async def test_every_page_that_is_not_read_has_the_same_answer(browser: Browser) -> None:
    checked = browser.checked
    checked.pages.answers["/inside"] = redirect("http://169.254.169.254/latest/meta-data/")
    checked.pages.answers["/error"] = html("stack trace", "500 Internal Server Error")
    said = set()
    for address in (
        "http://127.0.0.1/", "http://10.0.0.1/", "https://unknown.example/", "http://[::1]/", "x y",
        f"{checked.origin}/inside", f"{checked.origin}/error", f"{checked.origin}/missing",
        "https://page.example:22/", "http://2130706433/",
    ):  # fmt: skip
        answer = await browser.send(address)
        assert answer.status_code == 422, address
        said.add(re.sub(r'value="[^"]*"', "", answer.text))
    assert len(said) == 1
    (page,) = said
    assert LOCALES["en"]["chk_refused"] in page


async def test_a_link_to_the_form_asks_for_nothing(browser: Browser) -> None:
    address = browser.checked.put(browser.checked.parts().html())
    answer = await browser.get(f"?page={address}&url={address}")
    assert answer.status_code == 200
    Page(answer.text).check()
    assert browser.checked.pages.connections == 0
    assert "noindex" in answer.headers["x-robots-tag"]


async def test_only_the_servers_own_pages_may_send_the_form(browser: Browser) -> None:
    address = browser.checked.put(browser.checked.parts().html())
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        answer = await browser.send(address, **headers)
        assert answer.status_code == 403
    assert browser.checked.pages.connections == 0


async def test_too_many_checks_are_refused_with_a_sentence(browser: Browser) -> None:
    rates = {"check": Rate(1, 3_600), "check_host": Rate(9, 60), "read": Rate(99, 60)}
    rates["refused"] = Rate(99, 60)
    services = replace(browser.checked.services, rate_limiters=RateLimiters(rates, enabled=True))
    limited = browser_of(replace(browser.checked, services=services))
    address = browser.checked.put(browser.checked.parts().html())
    assert (await limited.send(address)).status_code == 200
    answer = await limited.send(address)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert LOCALES["en"]["chk_often"] in answer.text
    assert browser.checked.pages.connections == 1


async def test_the_page_for_republishers_has_the_form(browser: Browser) -> None:
    code = browser.checked.story.code
    answer = await browser.http.get(f"/s/{code}/republish?lang=fr")
    assert f'action="/s/{code}/check?lang=fr"' in answer.text
    Page(answer.text).check()
