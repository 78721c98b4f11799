"""`/s/CODE/republish`: terms, places, snippets, tokens made by strangers, and the text of the story."""

import re
import uuid
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from tests.e2e.publisher import Publisher, Story
from tests.loopback import NO_TLS
from tests.web.owner_program import program
from tests.web.shared_server import SECRET, SharedServer, rejection
from widget_server.protocol.snippet import LICENCES
from widget_server.web.pages.places import PLACES
from widget_server.web.pages.translate import LOCALES

# What is tested here lies before the database: `make slow-tests` runs it on PostgreSQL, too.
pytestmark = pytest.mark.slow("postgresql")

BROWSER = {"Accept": "text/html"}
HOSTILE = "</textarea></title><script>alert(1)</script>“&\"'"


class Page(HTMLParser):
    """Elements of a page: fields by id, links, and faults of the markup."""

    VOID = frozenset({"meta", "link", "input", "br", "img"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.links: list[str] = []
        self.ids: list[str] = []
        self.refers: list[str] = []
        self.tags: list[str] = []
        self._open: list[str] = []
        self._field: str | None = None
        self.faults: list[str] = []
        self.feed(html)
        self.close()
        self.faults += [f"{tag} is not closed" for tag in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = dict(attrs)
        self.tags.append(tag)
        if len(about) != len(attrs):
            self.faults.append(f"{tag} has an attribute twice")
        if "style" in about or any(name.startswith("on") for name in about):
            self.faults.append(f"{tag} has a style or a handler")
        if tag not in self.VOID:
            self._open.append(tag)
        if about.get("id"):
            self.ids.append(about["id"] or "")
        for name in ("for", "aria-labelledby", "aria-describedby", "data-copy"):
            self.refers += (about.get(name) or "").split()
        if tag == "a":
            self.links.append(about.get("href") or "")
        if tag == "textarea":
            self._field = about["id"] or ""
            self.fields[self._field] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._field is not None:
            self.fields[self._field] = self.fields[self._field].removeprefix("\n")
            self._field = None
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"{tag} ends what it did not begin")

    def handle_data(self, data: str) -> None:
        if self._field is not None:
            self.fields[self._field] += data

    def check(self) -> None:
        """Fail for markup that no validator accepts."""
        assert self.faults == []
        assert len(self.ids) == len(set(self.ids)), self.ids
        assert set(self.refers) <= set(self.ids)


def get(server: SharedServer, code: str, query: str = "", **headers: str) -> httpx.Response:
    return server.http.get(f"/s/{code}/republish{query}", headers=BROWSER | headers)


def send(server: SharedServer, code: str, query: str = "", **fields: str) -> httpx.Response:
    parts = {name: (None, value) for name, value in fields.items()}
    headers = BROWSER | {"Origin": server.url, "Sec-Fetch-Site": "same-origin"}
    return server.http.post(f"/s/{code}/republish{query}", files=parts, headers=headers)


def made_token(page: Page) -> str:
    found = re.search(r'data-widget-token="([^"]+)"', page.fields["snippet"])
    assert found is not None
    return found[1]


def story_of(server: SharedServer, slug: str, *rules: str, **claims: Any) -> Story:
    publisher = server.site(slug, *rules)
    story = publisher.story(**claims)
    server.register(story)
    return story


def subscribe(server: SharedServer, story: Story, token: str, origin: str) -> httpx.Response:
    fields = {"key": str(uuid.uuid4()), "body": "From their copy"}
    return server.action(Story(story.key, story.code, token), "comment", origin=origin, **fields)


# Terms --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("licence", LICENCES)
def test_the_terms_of_every_licence_stand_in_plain_words(
    shared_server: SharedServer, licence: str
) -> None:
    story = shared_server.story(title="Rain", license=licence, url="https://press.example/rain")
    text = get(shared_server, story.code).text
    kinds = licence.split("-")
    assert ("non-commercial use" in text) is ("NC" in kinds)
    assert ("no cuts and no translation" in text) is ("ND" in kinds)
    assert ("shorten, translate and change" in text) is ("ND" not in kinds and "BY" in kinds)
    assert ("under the same licence" in text) is ("SA" in kinds)
    assert ("gave up all rights" in text) is licence.startswith("CC0")
    assert LICENCES[licence][1] in text
    assert "The licence does not ask you to keep it" in text


def test_a_story_without_an_open_licence_may_not_be_republished_by_default(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story(title="Closed", license="LicenseRef-Own", publisher="Press")
    answer = get(shared_server, story.code)
    assert "may not be republished without permission" in answer.text
    assert "Ask \u2068Press\u2069 first" in answer.text
    page = Page(answer.text)
    assert page.fields == {}
    assert "form" not in page.tags
    refused = send(shared_server, story.code, address="their.example")
    assert refused.status_code == 403
    for path in (f"/s/{story.code}", f"/s/{story.code}/write", f"/e/{story.token}"):
        assert "/republish" not in shared_server.http.get(path, headers=BROWSER).text
    assert "w1." not in refused.text


def test_a_site_that_gives_out_all_tokens_shows_credit_and_link(
    shared_server: SharedServer,
) -> None:
    story = story_of(shared_server, "rep-token", "open_republishing=off", title="T")
    page = Page(get(shared_server, story.code).text)
    assert "<script" not in page.fields["snippet"]
    assert f"/s/{story.code}" in page.fields["snippet"]
    assert page.tags.count("form") == 1, "only the page checker asks for an address"
    for where in PLACES:
        shown = Page(get(shared_server, story.code, f"?where={where}").text).fields["snippet"]
        assert "embed.js" not in shown
        assert "<iframe" not in shown
    assert send(shared_server, story.code, address="their.example").status_code == 403


def test_a_closed_site_has_no_such_page(shared_server: SharedServer) -> None:
    story = story_of(shared_server, "rep-closed", "open_reading=off")
    for code in (story.code, "unknownCode1", "x"):
        found = shared_server.http.get(f"/s/{code}/republish")
        assert rejection(found) == (404, "not_found")
        assert send(shared_server, code, address="their.example").status_code == 404


# Places -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LOCALES)
def test_every_place_has_its_snippet_and_steps_in_every_language(
    shared_server: SharedServer, lang: str
) -> None:
    story = shared_server.story(title=HOSTILE, author=HOSTILE, url="https://press.example/a")
    for where in PLACES:
        answer = get(shared_server, story.code, f"?where={where}&lang={lang}")
        assert answer.headers["content-language"] == lang
        assert answer.headers["cache-control"] == "public, max-age=60"
        page = Page(answer.text)
        page.check()
        assert page.tags.count("script") == 1
        assert (
            f"/s/{story.code}" in page.fields["snippet"]
            or f"/e/{story.code}" in page.fields["snippet"]
        )
        assert "w1." not in page.fields["snippet"]
        for one in PLACES:
            assert any(f"where={one}" in link and f"lang={lang}" in link for link in page.links)
        missing = re.findall(
            r"\{\w+\}", re.sub(r"<textarea.*?</textarea>", "", answer.text, flags=re.S)
        )
        assert missing == []


def test_the_snippet_without_a_token_comes_first_and_the_difference_is_said(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story(title="Order")
    text = get(shared_server, story.code).text
    first, second = text.index("It works on every site"), text.index("It works on your pages only")
    assert text.index('id="snippet"') < second
    assert first < second


def test_the_page_may_load_one_script_of_this_server_and_be_framed_by_no_page(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story()
    answer = get(shared_server, story.code)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert f"script-src {shared_server.url}/static/copy.js;" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    source = re.search(r'<script defer src="([^"]+)"', answer.text)
    assert source is not None
    script = httpx.get(source[1], trust_env=False, verify=NO_TLS)
    assert script.status_code == 200
    assert "javascript" in script.headers["content-type"]


def test_the_pages_of_a_story_lead_to_it(shared_server: SharedServer) -> None:
    story = shared_server.story()
    for path in (f"/s/{story.code}", f"/s/{story.code}/write"):
        page = shared_server.http.get(f"{path}?lang=de", headers=BROWSER).text
        assert f'<a href="/s/{story.code}/republish?lang=de">Diesen Artikel übernehmen</a>' in page
    for reference in (story.code, story.token):
        frame = shared_server.http.get(f"/e/{reference}", headers=BROWSER).text
        assert f'/s/{story.code}/republish" target="_blank"' in frame


# Tokens -------------------------------------------------------------------------------------------


def test_a_stranger_makes_a_token_for_their_site_and_its_readers_write(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story(title="Ours")
    answer = send(
        shared_server, story.code, address="their.example/blog", label="Their Paper", language="de",
        www="on", listed="on", where="wordpress",
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    page = Page(answer.text)
    page.check()
    assert "\u2068https://their.example, https://www.their.example\u2069" in answer.text
    assert "reagieren und mitreden" in page.fields["snippet"]
    token = made_token(page)
    assert {f"snippet-{form}" for form in ("link", "iframe", "jsx")} <= set(page.fields)
    assert all(token in page.fields[f"snippet-{form}"] for form in ("link", "iframe", "jsx"))
    for origin in ("https://their.example", "https://www.their.example"):
        written = subscribe(shared_server, story, token, origin)
        assert written.status_code == 200, written.text
        assert written.json()["comment"]["copy"] == {"label": None, "origin": origin}
    assert subscribe(shared_server, story, token, "https://else.example").status_code == 403
    assert "Their Paper" not in shared_server.http.get(f"/s/{story.code}").text


def test_where_a_token_would_be_lost_the_snippet_has_none_and_says_so(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story(title="Lost")
    answer = send(shared_server, story.code, address="their.example", where="markdown")
    page = Page(answer.text)
    assert "the token of your site would be lost" in answer.text
    assert "w1." not in page.fields["snippet"]
    assert "w1." in page.fields["snippet-html"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"address": ""}, "address"),
        ({"address": "*"}, "address"),
        ({"address": "http://plain.example"}, "address"),
        ({"address": HOSTILE}, "address"),
        ({"address": "their.example", "label": "x" * 61}, "label"),
        ({"address": "their.example", "language": "??"}, "language"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(
    shared_server: SharedServer, fields: dict[str, str], field: str
) -> None:
    story = shared_server.story()
    answer = send(shared_server, story.code, "?lang=fr", **fields)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    page = Page(answer.text)
    page.check()
    assert "w1." not in answer.text
    assert 'lang="fr"' in answer.text
    assert "<script>alert" not in answer.text


def test_a_form_of_another_page_makes_no_token(shared_server: SharedServer) -> None:
    story = shared_server.story()
    parts = {"address": (None, "their.example")}
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": shared_server.url, "Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"},
        {},
    ):
        answer = shared_server.http.post(
            f"/s/{story.code}/republish", files=parts, headers=BROWSER | headers
        )
        assert answer.status_code == 403
        assert "w1." not in answer.text


def test_a_shut_out_site_is_told_so(shared_server: SharedServer) -> None:
    story = story_of(shared_server, "rep-shut")
    shared_server.cli("site", "shut-out", "rep-shut", "https://bad.example")
    for address, www in (("bad.example", {}), ("www.bad.example", {"www": "on"})):
        answer = send(shared_server, story.code, address=address, **www)
        assert answer.status_code == 403
        assert "has shut this site out of its discussions" in answer.text


def test_the_owner_agrees_by_the_api_and_the_command_line(shared_server: SharedServer) -> None:
    story = story_of(shared_server, "rep-agree", title="Agreed", url="https://press.example/a")
    mine = program(shared_server, site="rep-agree")
    shared_server.post(story)
    answer = send(
        shared_server, story.code, address="their.example", label="Their <b>Paper", listed="on"
    )
    token = made_token(Page(answer.text))
    assert subscribe(shared_server, story, token, "https://their.example").status_code == 200
    (copy,) = [one for one in mine.read("/copies")["copies"] if one["self_made"]]
    assert (copy["label"], copy["wanted_label"], copy["agreed"]) == (None, "Their <b>Paper", False)
    assert copy["wants_listing"] is True
    assert mine.do(f"/copies/{copy['id']}:agree") == {"changed": True}
    assert mine.do(f"/copies/{copy['id']}:agree") == {"changed": False}
    page = shared_server.http.get(f"/s/{story.code}").text
    assert "Their &lt;b&gt;Paper" in page
    (shown,) = [one for one in mine.read("/copies")["copies"] if one["self_made"]]
    assert (shown["label"], shown["agreed"], shown["listed"]) == ("Their <b>Paper", True, True)
    said = shared_server.cli("copy", "agree", "rep-agree", str(copy["id"]), "--take-back")
    assert said == "Readers see the host."
    assert "Their &lt;b&gt;Paper" not in shared_server.http.get(f"/s/{story.code}").text
    given = next(one for one in mine.read("/copies")["copies"] if not one["self_made"])
    assert mine.post(f"/copies/{given['id']}:agree").status_code == 422


def test_the_address_that_a_republisher_keeps_shows_figures_and_unlists(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story(title="Kept")
    page = Page(send(shared_server, story.code, address="kept.example", listed="on").text)
    kept = httpx.URL(page.fields["kept"])
    assert kept.path.startswith(f"/s/{story.code}/copy/")
    shown = shared_server.http.get(kept.path, headers=BROWSER)
    assert "No page has shown it yet" in shown.text
    assert shown.headers["cache-control"] == "no-store"
    Page(shown.text).check()
    subscribe(shared_server, story, made_token(page), "https://kept.example")
    shown = shared_server.http.get(kept.path, headers=BROWSER)
    assert "https://kept.example" in shown.text
    assert "comments: 1" in shown.text
    assert "It may stand on the story’s page" in shown.text
    foreign = shared_server.http.post(kept.path, files={"do": (None, "unlist")}, headers=BROWSER)
    assert foreign.status_code == 403
    headers = BROWSER | {"Origin": shared_server.url}
    done = shared_server.http.post(kept.path, files={"do": (None, "unlist")}, headers=headers)
    assert done.status_code == 303
    shown = shared_server.http.get(done.headers["location"], headers=BROWSER)
    assert "It does not stand on the story’s page" in shown.text
    wrong = kept.path[:-1] + ("A" if kept.path[-1] != "A" else "B")
    for path in (wrong, f"/s/{story.code}/copy/x", f"/s/unknownCode1/copy/{kept.path[-32:]}"):
        assert rejection(shared_server.http.get(path)) == (404, "not_found")
    assert kept.path[-32:] not in shared_server.server.log()


# Text ---------------------------------------------------------------------------------------------

ARTICLE = (
    "<h1>Headline</h1><p onclick='x()'>First <b>bold</b> <a href='javascript:x'>bad</a> "
    "<a href='https://press.example/x?a=1&amp;b=2'>good</a></p><script>alert(1)</script>"
    "<ul><li>one<li>two</ul><img src='https://press.example/a.jpg' alt='A boat'><style>p{}</style>loose"
)


def test_the_publishers_text_and_images_are_offered_with_their_credits(
    shared_server: SharedServer,
) -> None:
    story = story_of(shared_server, "rep-text", title="T", url="https://press.example/t")
    assert "Copy it from the original" in get(shared_server, story.code).text
    mine = program(shared_server, site="rep-text")
    path = f"/stories/{story.code}/text"
    assert mine.get(path).status_code == 404
    images = [
        {
            "url": "https://press.example/a.jpg",
            "alt": "A boat",
            "credit": "Ann <b>",
            "licence": "CC0",
        },
        {"url": "https://press.example/b.jpg", "credit": "Agency", "included": False},
    ]
    sent = {"text": ARTICLE, "format": "html", "title": "The <i>boat", "images": images}
    stored = mine.send("PUT", path, sent).json()
    assert (stored["version"], stored["title"]) == (1, "The <i>boat")
    assert mine.send("PUT", path, sent).json()["version"] == 1
    assert mine.send("PUT", path, sent | {"title": "Another"}).json()["version"] == 2
    answer = get(shared_server, story.code)
    page = Page(answer.text)
    page.check()
    html = page.fields["text-html"]
    assert html.startswith("<h2>Another</h2>\n<h2>Headline</h2>")
    document = ET.fromstring(f"<x>{html}</x>")
    assert {one.tag for one in document.iter()} == {"x", "h2", "p", "strong", "a", "ul", "li"}
    assert [one.get("href") for one in document.iter("a")] == [
        "https://press.example/x?a=1&b=2",
        "https://press.example/a.jpg",
    ]
    assert "alert" not in html
    assert "Credit: \u2068Ann &lt;b&gt;\u2069" in answer.text
    assert "Not part of the licence" in answer.text
    assert "Version 2 of" in answer.text
    assert mine.read(path)["html"] in html
    assert mine.send("DELETE", path).json() == {"changed": True}
    assert mine.send("DELETE", path).json() == {"changed": False}
    assert "text-html" not in Page(get(shared_server, story.code).text).fields


def test_a_text_in_markdown_is_offered_in_both_forms(
    shared_server: SharedServer, tmp_path: Any
) -> None:
    story = story_of(shared_server, "rep-md")
    file = tmp_path / "story.md"
    file.write_text("# Head\n\nSome *words* and `<b>`.", "utf-8")
    image = '{"url": "https://press.example/a.jpg", "credit": "Ann"}'
    said = shared_server.cli(
        "story", "text", story.code, "--file", str(file), "--format", "markdown", "--image", image
    )
    assert said == "Stored as version 1."
    fields = Page(get(shared_server, story.code).text).fields
    assert fields["text-markdown"].startswith("# Head\n\nSome *words*")
    assert "<em>words</em> and <code>&lt;b&gt;</code>" in fields["text-html"]
    assert "<h2>Head</h2>" in shared_server.cli("story", "text", story.code)
    # What could run where a stranger pastes it is offered as clean HTML only.
    for unsafe in ("Some *words* and <b>raw</b>.", "*words* and [raw](javascript:x)"):
        file.write_text(unsafe, "utf-8")
        shared_server.cli("story", "text", story.code, "--file", str(file), "--format", "markdown")
        fields = Page(get(shared_server, story.code).text).fields
        assert "text-markdown" not in fields
        assert "<em>words</em> and " in fields["text-html"]
    assert shared_server.cli("story", "text", story.code, "--remove") == "Taken back."


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"text": ""}, 400),
        ({"text": "<script>x</script>"}, 422),
        ({"text": "<a href='" * 300}, 422),
        ({"text": "a\x00b"}, 422),
        ({"text": "a", "format": "rtf"}, 400),
        ({"text": "a", "title": "x" * 301}, 400),
        ({"text": "a", "images": [{"url": "javascript:x"}]}, 422),
        ({"text": "a", "images": [{"url": "https://x.example/a"}] * 51}, 400),
    ],
)
def test_a_wrong_text_is_refused_with_a_sentence(
    shared_server: SharedServer, body: dict[str, Any], status: int
) -> None:
    story = shared_server.story()
    answer = program(shared_server).send("PUT", f"/stories/{story.code}/text", body)
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"].endswith(".")


def test_the_text_of_another_sites_story_cannot_be_changed(shared_server: SharedServer) -> None:
    story = story_of(shared_server, "rep-other")
    mine = program(shared_server)
    for method in ("GET", "PUT", "DELETE"):
        body = {"text": "mine"} if method == "PUT" else None
        assert mine.send(method, f"/stories/{story.code}/text", body).status_code == 404


def test_the_token_of_a_republisher_is_refused_where_it_was_changed(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story()
    token = made_token(Page(send(shared_server, story.code, address="their.example").text))
    other = Publisher("press", SECRET).story()
    kind, site, generation, payload, signature = token.split(".")
    forged = ".".join((kind, site, generation, payload[:-4] + "AAAA", signature))
    assert subscribe(shared_server, story, forged, "https://their.example").status_code == 401
    wrong = subscribe(shared_server, other, token, "https://their.example")
    assert wrong.status_code == 403
