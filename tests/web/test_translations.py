"""A story in several languages: pages, frames, oEmbed, feeds and snippets, and the comments of one language."""

import json
import re
import uuid
from html.parser import HTMLParser
from typing import Any

import feedparser
import pytest

from tests.e2e.publisher import Story
from tests.web.owner_program import Program, program
from tests.web.shared_server import SharedServer, rejection
from widget_server.protocol.snippet_texts import SNIPPET_TEXTS

ORIGINAL = "https://press.example/tides"
GERMAN = "https://press.example/de/gezeiten"
PORTUGUESE = "https://press.example/pt/mares"


class Elements(HTMLParser):
    """The elements of a page with their attributes, and the text of each heading."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def all(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        return [
            own
            for name, own in self.found
            if name == tag and all(own.get(key) == value for key, value in wanted.items())
        ]


@pytest.fixture
def mine(shared_server: SharedServer) -> Program:
    """Return a program of the site with every scope."""
    return program(shared_server)


@pytest.fixture
def story(shared_server: SharedServer, mine: Program) -> Story:
    """Return an English story with a German and a Brazilian translation."""
    story = shared_server.story(title="Tides", url=ORIGINAL, author="Ana", publisher="Press")
    for lang, title, url in (
        ("en", "Tides", ORIGINAL),
        ("de", "Gezeiten & „Ebbe“", GERMAN),
        ("pt-BR", "Marés", PORTUGUESE),
    ):
        body = {"title": title, "url": url}
        answer = mine.send("PUT", f"/stories/{story.code}/translations/{lang}", body)
        assert answer.status_code == 200, answer.text
    return story


def page_of(server: SharedServer, story: Story, lang: str = "") -> str:
    query = f"?lang={lang}" if lang else ""
    return f"{server.server.env['PUBLIC_URL']}/s/{story.code}{query}"


def post_in(server: SharedServer, story: Story, lang: str | None, body: str) -> str:
    """Post a comment on a copy in a language; return its id."""
    claims: dict[str, Any] = {} if lang is None else {"lang": lang}
    token = server.publisher.token(story.key, **claims)
    posted = server.post(Story(story.key, story.code, token), body)
    return str(posted["comment"]["id"])


# The owner API ------------------------------------------------------------------------------------


def test_the_api_links_lists_and_unlinks(mine: Program, story: Story) -> None:
    path = f"/stories/{story.code}/translations"
    listed = mine.read(path)["translations"]
    assert [(one["lang"], one["original"]) for one in listed] == [
        ("de", False), ("en", True), ("pt-BR", False),
    ]  # fmt: skip
    assert mine.read(f"/stories/{story.code}")["translations"] == listed
    removed = [mine.send("DELETE", f"{path}/pt-br").json() for _ in range(2)]
    assert removed == [{"changed": True}, {"changed": False}]
    assert [one["lang"] for one in mine.read(path)["translations"]] == ["de", "en"]


@pytest.mark.parametrize(
    ("lang", "body", "field"),
    [
        ("aa" + 5 * "-aaaaaaaa", {"title": "T", "url": GERMAN}, "language"),
        ("de", {"title": " ", "url": GERMAN}, "title"),
        ("de", {"title": "T", "url": "javascript:alert(1)"}, "url"),
    ],
)
def test_a_wrong_link_is_refused_with_its_field(
    shared_server: SharedServer, mine: Program, lang: str, body: Any, field: str
) -> None:
    code = shared_server.story().code
    answer = mine.send("PUT", f"/stories/{code}/translations/{lang}", body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_another_sites_story_cannot_be_linked(shared_server: SharedServer, story: Story) -> None:
    slug = f"o{uuid.uuid4().hex[:8]}"
    shared_server.site(slug)
    other = program(shared_server, site=slug)
    body = {"title": "T", "url": GERMAN}
    for method in ("PUT", "DELETE"):
        sent = body if method == "PUT" else None
        answer = other.send(method, f"/stories/{story.code}/translations/de", sent)
        assert rejection(answer) == (404, "not_found")


# What readers and programs get --------------------------------------------------------------------


def test_every_snapshot_has_the_translations(shared_server: SharedServer, story: Story) -> None:
    assert shared_server.snapshot(story)["story"]["translations"] == {
        "de": {"title": "Gezeiten & „Ebbe“", "url": GERMAN},
        "en": {"title": "Tides", "url": ORIGINAL},
        "pt-BR": {"title": "Marés", "url": PORTUGUESE},
    }
    assert shared_server.snapshot(shared_server.story())["story"]["translations"] == {}


@pytest.mark.parametrize(
    ("lang", "title", "url", "title_lang"),
    [
        ("", "Tides", ORIGINAL, "en"),
        ("de", "Gezeiten &amp; „Ebbe“", GERMAN, "de"),
        ("de-CH", "Gezeiten &amp; „Ebbe“", GERMAN, "de"),
        ("pt", "Marés", PORTUGUESE, "pt-BR"),
        ("fr", "Tides", ORIGINAL, "en"),
    ],
)
def test_the_page_has_title_and_address_of_its_language(
    shared_server: SharedServer, story: Story, lang: str, title: str, url: str, title_lang: str
) -> None:
    page = shared_server.http.get(f"/s/{story.code}", params={"lang": lang} if lang else {})
    assert f'<h1><bdi lang="{title_lang}">{title}</bdi></h1>' in page.text
    elements = Elements(page.text)
    assert [one["href"] for one in elements.all("link", rel="canonical")] == [url]
    named = {
        one["hreflang"]: one["href"]
        for one in elements.all("link", rel="alternate")
        if "hreflang" in one
    }
    assert named == {tag: page_of(shared_server, story, tag) for tag in ("de", "en", "pt-BR")} | {
        "x-default": page_of(shared_server, story)
    }
    places = [
        one["href"]
        for one in elements.all("a")
        if one.get("href") in {ORIGINAL, GERMAN, PORTUGUESE}
    ]
    assert {ORIGINAL, GERMAN, PORTUGUESE} <= set(places)


def test_a_story_without_translations_names_no_other_languages(shared_server: SharedServer) -> None:
    page = shared_server.http.get(f"/s/{shared_server.story(title='Alone').code}")
    links = Elements(page.text).all("link", rel="alternate")
    assert [one for one in links if "hreflang" in one] == []


def test_the_language_of_an_address_without_texts_stays_in_the_pages_links(
    shared_server: SharedServer, story: Story
) -> None:
    for number in range(3):
        shared_server.post(story, f"Comment {number}")
    page = shared_server.http.get(f"/s/{story.code}?lang=pt", headers={"Accept-Language": "fr"})
    assert '<html lang="fr"' in page.text
    assert f'href="/s/{story.code}/write?lang=pt"' in page.text
    assert f'href="/s/{story.code}?order=top&amp;lang=pt"' in page.text


def test_the_structured_data_names_the_original_and_its_translations(
    shared_server: SharedServer, story: Story
) -> None:
    def article(query: str) -> Any:
        text = shared_server.http.get(f"/s/{story.code}{query}").text
        found = re.search(r'<script type="application/ld\+json">(.*?)</script>', text)
        assert found is not None
        return json.loads(found[1])["sharedContent"]

    original = article("")
    assert (original["headline"], original["inLanguage"]) == ("Tides", "en")
    assert [(one["@id"], one["inLanguage"]) for one in original["workTranslation"]] == [
        (GERMAN, "de"), (PORTUGUESE, "pt-BR"),
    ]  # fmt: skip
    german = article("?lang=de")
    assert (german["@id"], german["inLanguage"]) == (GERMAN, "de")
    assert german["translationOfWork"] == {"@type": "Article", "@id": ORIGINAL}
    assert "workTranslation" not in german


@pytest.mark.parametrize("by_token", [True, False])
def test_the_frame_is_in_the_copys_language(
    shared_server: SharedServer, story: Story, by_token: bool
) -> None:
    if by_token:
        path = f"/e/{shared_server.publisher.token(story.key, lang='de', changes='gekürzt')}"
    else:
        path = f"/e/{story.code}?lang=de"
    text = shared_server.http.get(path, headers={"Accept-Language": "fr"}).text
    elements = Elements(text)
    assert [one.get("lang") for one in elements.all("html")] == ["de"]
    link = f'<a href="{GERMAN}" target="_blank" rel="noopener">Gezeiten &amp; „Ebbe“</a>'
    assert f"{link}“ von Ana, Press." in text.replace("”", "“")
    assert "reagieren und mitreden" in text
    assert ("Änderungen: gekürzt." in text) is by_token
    assert f"/s/{story.code}/republish?lang=de" in text


def test_a_token_names_the_frames_language_before_the_address(
    shared_server: SharedServer, story: Story
) -> None:
    token = shared_server.publisher.token(story.key, lang="de")
    text = shared_server.http.get(f"/e/{token}?lang=fr").text
    assert '<html lang="de">' in text


def test_a_frame_without_a_language_speaks_that_of_the_browser(
    shared_server: SharedServer, story: Story
) -> None:
    answer = shared_server.http.get(f"/e/{story.code}", headers={"Accept-Language": "de-AT,en"})
    assert '<html lang="">' in answer.text, "the embed takes the browser's language"
    assert "reagieren und mitreden" in answer.text
    assert "Accept-Language" in answer.headers["vary"]
    for wrong in ("x" * 50, "<b>", "d"):
        text = shared_server.http.get(f"/e/{story.code}", params={"lang": wrong}).text
        assert '<html lang="">' in text
        assert "<b>" not in text


def test_oembed_answers_in_the_language_of_the_address(
    shared_server: SharedServer, story: Story
) -> None:
    german = page_of(shared_server, story, "de")
    fields = shared_server.http.get("/oembed", params={"url": german}).json()
    assert (fields["title"], fields["canonical"], fields["url"]) == (
        "Gezeiten & „Ebbe“", GERMAN, german,
    )  # fmt: skip
    elements = Elements(fields["html"])
    (frame,) = elements.all("iframe")
    assert str(frame["src"]).endswith(f"/e/{story.code}?lang=de")
    assert frame["title"] == "Diskussion über „Gezeiten & „Ebbe““"
    assert "von Ana, Press" in fields["html"]
    page = Elements(shared_server.http.get(f"/s/{story.code}?lang=de").text)
    (discovered,) = page.all("link", type="application/json+oembed")
    assert "%3Flang%3Dde" in str(discovered["href"])
    plain = shared_server.http.get("/oembed", params={"url": page_of(shared_server, story)}).json()
    assert plain["title"] == "Tides"
    assert "?lang" not in plain["html"]


def test_a_feed_of_one_language_has_only_its_comments(
    shared_server: SharedServer, story: Story
) -> None:
    german = post_in(shared_server, story, "de", "Auf Deutsch")
    swiss = post_in(shared_server, story, "de-CH", "Aus der Schweiz")
    post_in(shared_server, story, "en", "In English")
    post_in(shared_server, story, None, "Somewhere")
    path = f"/s/{story.code}/feed"
    found = feedparser.parse(shared_server.http.get(f"{path}.atom?lang=de").content)
    assert not found.bozo
    assert found.feed.title == "Diskussion: Gezeiten & „Ebbe“"
    assert found.feed.language == "de"
    assert [entry.link.rpartition("-")[2] for entry in found.entries] == [swiss, german]
    whole = feedparser.parse(shared_server.http.get(f"{path}.atom").content)
    assert len(whole.entries) == 4
    assert whole.feed.id != found.feed.id
    answer = shared_server.http.get(f"{path}.json?lang=de-AT").json()
    assert (answer["language"], len(answer["items"])) == ("de", 2)


# Republishing -------------------------------------------------------------------------------------


def test_the_page_for_republishers_offers_every_language_of_the_story(
    shared_server: SharedServer, story: Story
) -> None:
    text = shared_server.http.get(
        f"/s/{story.code}/republish", headers={"Accept": "text/html"}
    ).text
    elements = Elements(text)
    offered = [one["value"] for one in elements.all("option")]
    assert {"", "de", "en", "pt-BR"} <= set(offered)
    assert GERMAN in text
    assert f"/s/{story.code}/republish?lang=de&amp;where=html" in text
    german = shared_server.http.get(f"/s/{story.code}/republish?lang=de&where=html").text
    assert "Gezeiten" in german
    snippet = german[german.index('<textarea id="snippet"') :]
    assert f"&lt;blockquote cite=&#34;{GERMAN}&#34;&gt;" in snippet
    assert "data-lang=&#34;de&#34;" in snippet
    frame = shared_server.http.get(f"/s/{story.code}/republish?lang=pt-BR&where=wix").text
    assert f"/e/{story.code}?lang=pt-BR&#34;" in frame


def test_a_strangers_copy_keeps_its_language_everywhere(
    shared_server: SharedServer, story: Story
) -> None:
    fields = {"address": "their.example", "language": "pt-BR", "where": "html"}
    parts = {name: (None, value) for name, value in fields.items()}
    headers = {"Origin": shared_server.url, "Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
    made = shared_server.http.post(f"/s/{story.code}/republish", files=parts, headers=headers)
    assert made.status_code == 200, made.text
    found = re.search(r"data-widget-token=&#34;([^&]+)&#34; data-lang=&#34;pt-BR&#34;", made.text)
    assert found is not None
    assert PORTUGUESE in made.text
    copy = Story(story.key, story.code, found[1])
    posted = shared_server.post(copy, "Do Brasil", origin="https://their.example")
    assert posted["comment"]["lang"] == "pt-BR"
    assert '<html lang="pt-BR">' in shared_server.http.get(f"/e/{found[1]}").text


def test_an_owners_snippet_is_in_the_copys_language_and_credits_its_translation(
    shared_server: SharedServer, mine: Program, story: Story
) -> None:
    forms = ["html", "link", "iframe", "jsx", "text", "address", "markdown", "email", "atom"]
    body = {"story": story.key, "origins": ["*"], "lang": "de", "title": "Tides", "forms": forms}
    minted = mine.do("/tokens", body)
    snippets = minted["snippets"]
    german = SNIPPET_TEXTS["de"]
    for form in ("html", "link", "jsx", "text", "markdown", "email", "atom"):
        assert "reagieren und mitreden" in snippets[form], form
        assert "gezeiten" in snippets[form], form
    assert 'data-lang="de"' in snippets["html"]
    assert german.changes.split(":")[0] in snippets["html"]
    assert snippets["address"] == page_of(shared_server, story, "de")
    frame = snippets["iframe"].partition("<iframe")[2]
    assert "?lang" not in frame, "the token says it"
    plain = mine.do("/tokens", body | {"lang": None})["snippets"]
    assert "React to and discuss “Tides”" in plain["html"]
    assert "data-lang" not in plain["html"]
    assert shared_server.snapshot(story)["story"]["title"] == "Tides"


# One discussion, or one for each language ---------------------------------------------------------


def ids(answer: Any) -> list[str]:
    return [thread["id"] for thread in answer.json()["threads"]]


def test_threads_of_one_language_and_of_none_are_read_by_language(
    shared_server: SharedServer, story: Story
) -> None:
    german = post_in(shared_server, story, "de-AT", "Aus Österreich")
    post_in(shared_server, story, "en", "In English")
    unknown = post_in(shared_server, story, None, "Somewhere")
    path = f"/v1/stories/{story.code}/comments"
    for order, expected in (
        ("newest", [unknown, german]), ("oldest", [german, unknown]), ("top", [unknown, german]),
    ):  # fmt: skip
        assert ids(shared_server.http.get(f"{path}?lang=DE&order={order}")) == expected
    first = shared_server.http.get(f"{path}?lang=de&limit=1")
    assert ids(first) == [unknown]
    following = shared_server.http.get(f"{path}?lang=de&before={first.json()['next']}")
    assert ids(following) == [german]
    assert following.json()["next"] is None
    assert rejection(shared_server.http.get(f"{path}?lang=d")) == (400, "malformed")


def shown(server: SharedServer, story: Story, query: str) -> set[str]:
    """Return the bodies of comments that a page shows."""
    text = server.http.get(f"/s/{story.code}{query}").text
    return {word for word in ("Deutsch", "English", "Somewhere") if f"<p>{word}</p>" in text}


def test_the_page_shows_one_discussion_or_one_for_each_language(
    shared_server: SharedServer, mine: Program, story: Story
) -> None:
    post_in(shared_server, story, "de", "Deutsch")
    post_in(shared_server, story, "en", "English")
    post_in(shared_server, story, None, "Somewhere")
    every = {"Deutsch", "English", "Somewhere"}
    assert shown(shared_server, story, "?lang=de") == every
    assert shown(shared_server, story, "?only=de") == {"Deutsch", "Somewhere"}
    text = shared_server.http.get(f"/s/{story.code}?lang=de").text
    assert f'href="/s/{story.code}?only=en&amp;lang=de"' in text
    state = mine.get(f"/stories/{story.code}")
    changed = mine.send(
        "PATCH",
        f"/stories/{story.code}",
        {"settings": {"discussion_languages": "apart"}},
        If_Match=state.headers["etag"],
    )
    assert changed.status_code == 200, changed.text
    settings = shared_server.snapshot(story)["settings"]
    assert settings["discussion_languages"] == "apart"
    assert shown(shared_server, story, "?lang=de") == {"Deutsch", "Somewhere"}
    assert shown(shared_server, story, "?lang=en") == {"English", "Somewhere"}
    assert shown(shared_server, story, "?lang=de&only=all") == every
    # The counts are those of all languages.
    german = shared_server.http.get(f"/s/{story.code}?lang=de").text
    assert "3 Kommentare" in german
    assert f'href="/s/{story.code}?only=all&amp;lang=de"' in german


def test_the_form_without_javascript_keeps_the_chosen_language(
    shared_server: SharedServer, story: Story
) -> None:
    post_in(shared_server, story, "de", "Deutsch")
    post_in(shared_server, story, "en", "English")
    text = shared_server.http.get(f"/s/{story.code}/write?only=de").text
    assert "<p>Deutsch</p>" in text
    assert "<p>English</p>" not in text
    assert 'name="at" value="only=de"' in text
    assert 'value="go:only=all"' in text
