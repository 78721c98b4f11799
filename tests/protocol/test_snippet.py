"""Snippets in every form: what a parser of that form reads is the right attribution, whatever the title is."""

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import feedparser
import pytest
from hypothesis import given, strategies as st
from markdown_it import MarkdownIt

from widget_server.model.claims import Attribution, WidgetClaims
from widget_server.model.corrections import CORRECTION_KINDS
from widget_server.protocol.snippet import FORMS, LICENCES, TOKENLESS, snippet
from widget_server.protocol.snippet_texts import ENGLISH, SNIPPET_TEXTS
from widget_server.web.pages.translate import LOCALES

SERVER, CODE, TOKEN = "https://widgets.example", "guxn4ZAkGzYD", "w1.press.1.e30.c2ln"
PAGE = f"{SERVER}/s/{CODE}"
URL = "https://press.example/a?b=1&c=(2)"
GUIDE = (Path(__file__).parents[2] / "docs/users/republishing.md").read_text("utf-8")
HOSTILE = [
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{alert(1)} ${x} {{ y }}",
    "*bold* _em_ [link](javascript:alert(1)) `code` ![i](x) <b> # | ~~s~~ \\",
    "]]> <!-- --> &amp; &#x3C;script&#x3E;",
    "عنوان “quoted” 日本語",
    "1. list\n2. of lines",
    "{title} {names} {changes}",
    "a  b",
]


def claims(title: str, **more: str | None) -> WidgetClaims:
    credit = Attribution(more.get("url", URL), title, title, "Press & <co>", "CC-BY-4.0")
    return WidgetClaims("press", "key", ("*",), 1, "", attribution=credit)


def made(form: str, title: str, **more: str | None) -> str:
    return snippet(SERVER, CODE, TOKEN, claims(title, **more), form)


def plain(title: str) -> str:
    return " ".join(title.split())


class Elements(HTMLParser):
    """Tags with their attributes, links with their words, and all words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: dict[str, str] = {}
        self.words = ""
        self._href: str | None = None
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        about = dict(attrs)
        assert not any(name.startswith("on") for name in about)
        if tag == "a":
            self._href = about["href"] or ""
            self.links[self._href] = ""

    def handle_data(self, data: str) -> None:
        self.words += data
        if self._href is not None:
            self.links[self._href] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._href = None


def expect_attribution(found: Elements, title: str) -> None:
    """Check title, author, publisher, source, licence, changes, and the link to the discussion."""
    assert found.links[URL] == plain(title)
    assert found.links[LICENCES["CC-BY-4.0"][1]] == "CC BY 4.0"
    assert plain(title) in found.links[PAGE]
    assert f" by {plain(title)}, Press & <co>." in plain(found.words)
    assert "Changes: none." in found.words
    assert set(found.links) == {URL, PAGE, LICENCES["CC-BY-4.0"][1]}


@pytest.mark.parametrize("title", HOSTILE)
@pytest.mark.parametrize("form", ["html", "link", "email"])
def test_html_holds_the_attribution_and_no_other_element(form: str, title: str) -> None:
    text = made(form, title)
    found = Elements(text)
    expect_attribution(found, title)
    assert set(found.tags) <= {"blockquote", "p", "a", "script"}
    assert (TOKEN in text) is (form != "email")


@pytest.mark.parametrize("title", HOSTILE)
def test_html_is_well_formed_xml(title: str) -> None:
    document = ET.fromstring(f"<x>{made('html', title)}</x>")
    assert [one.tag for one in document] == ["blockquote", "script"]


@pytest.mark.parametrize("title", HOSTILE)
def test_an_iframe_names_the_discussion_below_the_attribution_and_a_link(title: str) -> None:
    text = made("iframe", title)
    frame = ET.fromstring(f"<x>{text}</x>").find("iframe")
    assert frame is not None
    assert frame.get("src") == f"{SERVER}/e/{TOKEN}"
    assert frame.get("title") == f"Discussion of “{plain(title)}”"
    expect_attribution(Elements(text.partition("<iframe")[0]), title)


@pytest.mark.parametrize(
    ("heading", "form"), [("What you paste", "html"), ("The iframe", "iframe")]
)
def test_the_guide_shows_the_form_as_it_is(heading: str, form: str) -> None:
    guide = GUIDE.split(f"## {heading}\n")[1].split("```html\n")[1].split("```")[0]
    url = "https://publisher.example/story"
    credit = Attribution(url, "Title", "Author", "Publisher", "CC-BY-4.0")
    said = WidgetClaims("press", "key", ("*",), 1, "", attribution=credit)
    written = snippet(SERVER, "CODE", "TOKEN", said, form)
    # The guide breaks long lines.
    assert " ".join(guide.split()) == " ".join(written.split())


@pytest.mark.parametrize("title", HOSTILE)
def test_markdown_becomes_the_attribution(title: str) -> None:
    html = MarkdownIt("commonmark").render(made("markdown", title))
    found = Elements(html)
    escaped = {unescape(href) for href in found.links}
    assert escaped == {URL, PAGE, LICENCES["CC-BY-4.0"][1]}
    assert set(found.tags) == {"blockquote", "p", "a"}
    assert (
        found.links[PAGE]
        == f"React to and discuss “{plain(title)}”: one conversation on every site that runs it"
    )
    assert plain(f" by {title}, Press & <co>.") in plain(found.words)


@pytest.mark.parametrize("title", HOSTILE)
def test_jsx_has_every_text_in_a_string(title: str) -> None:
    text = made("jsx", title)
    strings = [json.loads(one) for one in re.findall(r'\{("(?:[^"\\]|\\.)*")\}', text)]
    assert plain(title) in strings
    assert any(f"by {plain(title)}, Press & <co>" in one for one in strings)
    outside = re.sub(r'\{"(?:[^"\\]|\\.)*"\}', "", text).replace("={true}", '="true"')
    assert "{" not in outside
    document = ET.fromstring(outside.replace("<>", "<x>").replace("</>", "</x>"))
    assert {one.tag for one in document.iter()} == {"x", "blockquote", "p", "a", "script"}


@pytest.mark.parametrize("title", [*HOSTILE, "control \x0b here"])
def test_atom_elements_make_a_feed_that_readers_read(title: str) -> None:
    feed = (
        '<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>f</title><id>urn:f</id>'
        "<updated>2026-01-01T00:00:00Z</updated><entry><title>t</title><id>urn:e</id>"
        f"<updated>2026-01-01T00:00:00Z</updated>{made('atom', title)}</entry></feed>"
    )
    parsed = feedparser.parse(feed)
    assert not parsed.bozo
    (entry,) = parsed.entries
    links = {(one.rel, one.href) for one in entry.links}
    assert ("via", URL) in links
    assert ("license", LICENCES["CC-BY-4.0"][1]) in links
    assert ("replies", PAGE) in links
    assert "CC BY 4.0" in entry.rights
    if "\x0b" not in title:
        assert plain(title) in entry.rights
        expect_attribution(Elements(entry.content[0].value), title)


@pytest.mark.parametrize("title", HOSTILE)
def test_plain_text_names_everything(title: str) -> None:
    text = made("text", title)
    assert f"“{plain(title)}” by {plain(title)}, Press & <co>." in text
    assert "CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/)" in text
    assert text.splitlines()[1] == URL
    assert text.splitlines()[-1] == PAGE == made("address", title)


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=60))
def test_any_title_survives_html_markdown_and_jsx(title: str) -> None:
    if not title.strip():
        title = "x"
    assert Elements(made("html", title)).links[URL] == plain(title)
    markdown = Elements(MarkdownIt("commonmark").render(made("markdown", title)))
    assert markdown.tags == ["blockquote", "p", "a", "p", "a", "a"]
    assert plain(markdown.links[PAGE]) == plain(
        f"React to and discuss “{plain(title)}”: one conversation on every site that runs it"
    )


def test_without_a_token_the_code_stands_for_itself() -> None:
    for form in FORMS:
        text = snippet(SERVER, CODE, None, claims("T"), form)
        assert "data-widget-token" not in text
        assert CODE in text
    for form in TOKENLESS:
        assert TOKEN not in made(form, "T")


def test_an_unsafe_address_is_left_out() -> None:
    for form in FORMS:
        assert "javascript:" not in made(form, "T", url="javascript:alert(1)")


def test_the_sentences_can_be_in_another_language() -> None:
    texts = replace(ENGLISH, join="Reden über {title}", by="von {names}", none="nichts", lang="de")
    texts = replace(texts, changes="Geändert: {changes}.")
    text = snippet(SERVER, CODE, None, claims("T"), "html", texts)
    assert '<p lang="de">' in text
    assert "Reden über T" in text
    assert " von T, Press" in text
    assert "Geändert: nichts." in text


@pytest.mark.parametrize("lang", sorted(SNIPPET_TEXTS))
def test_every_language_has_every_sentence_with_its_places(lang: str) -> None:
    own = SNIPPET_TEXTS[lang]
    assert own.lang == lang
    assert len(own.months) == 12
    for name in ("join", "by", "changes", "none", "frame", "day"):
        english, text = getattr(ENGLISH, name), getattr(own, name)
        assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", english)), name
        assert text.strip() == text != "", name
    # The page of a story's corrections says the same.
    pages = LOCALES[lang]
    assert own.corrected == {
        kind: pages["correction_line"].replace("{what}", pages[f"kind_{kind}"])
        for kind in CORRECTION_KINDS
    }
    assert (own.day, list(own.months)) == (pages["day"], pages["months"])


def test_a_copys_language_chooses_the_sentences_and_stands_in_every_form() -> None:
    own = replace(claims("T"), lang="de-AT")
    for form in FORMS:
        text = snippet(SERVER, CODE, TOKEN, own, form)
        assert ("data-lang" in text) is (form in {"html", "link", "jsx"}), form
        assert (f"{PAGE}?lang=de-AT" in text) is (form in {*TOKENLESS, "iframe"}), form
    assert f"/e/{CODE}?lang=de-AT" in snippet(SERVER, CODE, None, own, "iframe")
    frame = snippet(SERVER, CODE, TOKEN, own, "iframe").partition("<iframe")[2]
    assert "?lang" not in frame, "the token says it"
    assert '<p lang="de">' in snippet(SERVER, CODE, None, own)
    # A language without sentences of its own is named all the same.
    portuguese = snippet(SERVER, CODE, None, replace(own, lang="pt-BR"))
    assert "React to and discuss" in portuguese
    assert 'data-lang="pt-BR"' in portuguese
    damaged = snippet(SERVER, CODE, None, replace(own, lang='"><script>'))
    assert "<script>" not in damaged
