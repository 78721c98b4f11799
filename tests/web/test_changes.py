"""`/s/CODE/changes?from=N`: what changed in a story since a version that copies have, and for whom."""

from typing import Any

import httpx
import pytest

from tests.e2e.publisher import Publisher, Story
from tests.waiting import wait_until
from tests.web.owner_program import program
from tests.web.shared_server import SECRET, SharedServer
from tests.web.test_republish import Page
from widget_server.web.pages.translate import LOCALES

FIRST = """## The boats

Forty-one boats left the harbour.

The mayor said nothing.

Nets are mended by hand."""
SECOND = """## The boats

Thirty-eight boats left the harbour.

Nets are mended by hand.

They come back at <noon> & later."""
UNKNOWN = ("", "0", "4", "-1", "1.0", "one", "01", "9" * 10, "9" * 30, "٣", "1;", "1 OR 1")


def give(server: SharedServer, story: Story, *texts: str, **more: Any) -> None:
    """Give the story these texts, one after the other."""
    for text in texts:
        body = {"text": text, "format": "markdown", **more}
        answer = program(server).send("PUT", f"/stories/{story.code}/text", body)
        assert answer.status_code == 200, answer.text


def read(server: SharedServer, story: Story, query: str) -> httpx.Response:
    return server.http.get(f"/s/{story.code}/changes{query}", headers={"Accept": "text/html"})


@pytest.fixture
def changed(shared_server: SharedServer) -> Story:
    """Return a story with three versions of its text."""
    story = shared_server.story(title="The boats", url="https://press.example/boats")
    give(shared_server, story, FIRST, SECOND, SECOND + "\n\nOne more passage.")
    return story


def test_new_and_gone_passages_stand_in_the_order_of_the_newest_text(
    shared_server: SharedServer, changed: Story
) -> None:
    answer = read(shared_server, changed, "?from=1")
    assert answer.status_code == 200
    Page(answer.text).check()
    shown = answer.text
    places = [
        shown.index(words)
        for words in (
            '<del><p dir="auto">Forty-one boats left the harbour.</p>',
            "The mayor said nothing.",
            '<ins><p dir="auto">Thirty-eight boats left the harbour.</p>',
            '<ins><p dir="auto">They come back at &lt;noon&gt; &amp; later.</p>',
            "One more passage.",
        )
    ]
    assert places == sorted(places)
    assert "Nets are mended" not in shown
    assert "<script" not in shown
    since = read(shared_server, changed, "?from=2").text
    assert "One more passage." in since
    assert "Forty-one" not in since


def test_the_newest_version_has_no_changes_and_one_with_other_pictures_says_so(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story(title="The boats")
    shared_server.register(story)
    image = {"url": "https://press.example/a.jpg", "alt": "A boat"}
    give(shared_server, story, FIRST)
    give(shared_server, story, FIRST, images=[image])
    assert "Nothing has changed since." in read(shared_server, story, "?from=2").text
    only = read(shared_server, story, "?from=1").text
    assert "The words are the same." in only
    assert "<ins>" not in only


def test_a_version_that_is_not_stored_is_not_found(
    shared_server: SharedServer, changed: Story
) -> None:
    for version in UNKNOWN:
        answer = shared_server.http.get(f"/s/{changed.code}/changes", params={"from": version})
        assert answer.status_code == 404, version
    assert read(shared_server, changed, "").status_code == 404
    without = shared_server.story()
    assert read(shared_server, without, "?from=1").status_code == 404


def test_a_licence_that_does_not_let_everyone_republish_and_a_closed_site_show_no_text(
    shared_server: SharedServer,
) -> None:
    reserved = shared_server.story(license="LicenseRef-Own")
    give(shared_server, reserved, FIRST, SECOND)
    assert read(shared_server, reserved, "?from=1").status_code == 404
    slug = "changes-closed"
    shared_server.site(slug)
    story = Publisher(slug, SECRET).story()
    shared_server.register(story)
    for text in (FIRST, SECOND):
        body = {"text": text, "format": "markdown"}
        path = f"/stories/{story.code}/text"
        assert program(shared_server, site=slug).send("PUT", path, body).status_code == 200
    assert read(shared_server, story, "?from=1").status_code == 200
    shared_server.cli("site", "set", slug, "open_reading=off")
    # A process has read the site at most two seconds ago.
    wait_until(lambda: read(shared_server, story, "?from=1").status_code == 404, "it is closed")


def test_the_page_speaks_the_readers_language_and_keeps_the_version_in_its_links(
    shared_server: SharedServer, changed: Story
) -> None:
    for lang in LOCALES:
        answer = read(shared_server, changed, f"?from=1&lang={lang}")
        assert answer.headers["Content-Language"] == lang
        assert LOCALES[lang]["chg_yours"] in answer.text
        page = Page(answer.text)
        page.check()
        for other in LOCALES:
            assert f"/changes?lang={other}&amp;from=1" in answer.text


def test_no_search_engine_lists_the_page_and_it_runs_nothing(
    shared_server: SharedServer, changed: Story
) -> None:
    answer = read(shared_server, changed, "?from=1")
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert '<meta name="robots" content="noindex">' in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "script-src" not in policy
    assert answer.headers["Cache-Control"] == "public, max-age=60"
