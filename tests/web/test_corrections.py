"""Corrections as others read them: page, data, feeds and snippets; not on closed sites."""

import json
from typing import Any

import feedparser
import pytest

from tests.e2e.publisher import Story
from tests.waiting import wait_until
from tests.web.owner_program import program
from tests.web.shared_server import SharedServer
from tests.web.test_republish import Page

HOSTILE = "]]></content><script>alert(1)</script>&nbsp;“"


def correct(server: SharedServer, story: Story, **body: Any) -> dict[str, Any]:
    """Publish a correction over the API and return it."""
    path = f"/stories/{story.code}/corrections"
    answer = program(server).send("POST", path, {"text": "It was 1961.", **body})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def read(server: SharedServer, story: Story, ending: str) -> Any:
    return server.http.get(f"/s/{story.code}/corrections{ending}")


def published(server: SharedServer) -> Story:
    """Return a story that is known to the server."""
    story = server.story(title="The Marit", url="https://press.example/marit")
    server.register(story)
    return story


def test_a_correction_is_on_the_page_in_data_and_in_feeds(shared_server: SharedServer) -> None:
    story = published(shared_server)
    assert read(shared_server, story, ".json").json()["corrections"] == []
    made = correct(
        shared_server,
        story,
        texts={"de": "Es war 1961."},
        passage="built in 1971",
        credit="Ana",
        kind="correction",
    )
    listed = read(shared_server, story, ".json").json()
    (one,) = listed["corrections"]
    assert one == {name: made[name] for name in made if name != "withdrawn_at"}
    assert shared_server.snapshot(story)["story"]["corrections"] == [one]
    for page in ("", "/corrections"):
        german = shared_server.http.get(f"/s/{story.code}{page}?lang=de").text
        Page(german).check()
        assert "Es war 1961." in german
        assert "Korrigiert am" in german
        assert "Dank an" in german
    for path in ("corrections.atom", "corrections.feed.json", "feed.atom", "feed.json"):
        response = shared_server.http.get(f"/s/{story.code}/{path}")
        assert response.status_code == 200, path
        found = feedparser.parse(response.content, response_headers=dict(response.headers))
        if path.endswith("atom"):
            assert not found.bozo, found.get("bozo_exception")
            (entry,) = found.entries
            assert "It was 1961." in entry.content[0].value
            assert entry.link.endswith(f"/corrections#k-{made['id']}")
        else:
            (item,) = response.json()["items"]
            assert "It was 1961." in item["content_html"]


def test_a_withdrawn_correction_says_so_and_has_no_words_anywhere(
    shared_server: SharedServer,
) -> None:
    story = published(shared_server)
    made = correct(shared_server, story, text="Words that were wrong.", passage="the passage")
    key = program(shared_server)
    assert key.send("POST", f"/decisions/{made['id']}:undo", {}).status_code == 200
    for path in ("", "/corrections", "/corrections.json", "/corrections.atom", "/feed.json"):
        text = shared_server.http.get(f"/s/{story.code}{path}").text
        assert "Words that were wrong" not in text, path
        assert "the passage" not in text, path
    assert "Withdrawn" in read(shared_server, story, "").text
    (one,) = read(shared_server, story, ".json").json()["corrections"]
    assert one["text"] == ""
    assert one["withdrawn_at"]
    assert "<at:deleted-entry" in read(shared_server, story, ".atom").text
    (listed,) = key.read(f"/stories/{story.code}/corrections")["corrections"]
    assert listed["withdrawn_at"]


def test_a_snippet_made_afterwards_carries_the_line_in_its_language(
    shared_server: SharedServer,
) -> None:
    story = published(shared_server)
    correct(shared_server, story, texts={"de": "Es war 1961."})
    page = f"/s/{story.code}/republish"

    def offered(lang: str) -> str:
        return shared_server.http.get(f"{page}?lang={lang}&where=html").text

    # The page reads the story from the cache.
    wait_until(lambda: "It was 1961." in offered("en"), "the snippet has the line")
    assert "Corrected " in offered("en")
    assert "Korrigiert am " in offered("de")
    assert "Es war 1961." in offered("de")
    body = {"story": story.key, "origins": ["https://x.example"], "forms": ["html", "text", "jsx"]}
    made = program(shared_server).send("POST", "/tokens", body).json()["snippets"]
    assert all("It was 1961." in one for one in made.values()), made


def test_hostile_corrections_stay_text(shared_server: SharedServer) -> None:
    story = published(shared_server)
    correct(shared_server, story, text=HOSTILE, passage=HOSTILE, credit="<b>x")
    for path in ("", "/corrections", "/corrections.atom", "/feed.atom", "/republish"):
        assert "<script>alert" not in shared_server.http.get(f"/s/{story.code}{path}").text, path
    assert not feedparser.parse(read(shared_server, story, ".atom").content).bozo


@pytest.mark.parametrize("path", ["", ".json", ".atom", ".feed.json"])
def test_on_a_closed_site_corrections_are_not_offered(
    shared_server: SharedServer, path: str
) -> None:
    publisher = shared_server.site(
        f"closed-{path.strip('.').replace('.', '-') or 'page'}", "open_reading=off"
    )
    story = publisher.story()
    shared_server.register(story)
    shared_server.cli("story", "correct", story.code, "It was 1961.")
    assert read(shared_server, story, path).status_code == 404


def test_wrong_corrections_are_refused_with_their_field(shared_server: SharedServer) -> None:
    story = published(shared_server)
    key, path = program(shared_server), f"/stories/{story.code}/corrections"
    for body in (
        {"text": ""},
        {"text": "x" * 1_001},
        {"text": "x", "texts": {"not a language": "y"}},
        {"text": "x", "credit": "y" * 101},
        {"text": "x", "kind": "rumour"},
    ):
        answer = key.send("POST", path, body)
        assert answer.status_code in (400, 422), (body, answer.text)
        assert json.loads(answer.text)["detail"]
    assert read(shared_server, story, ".json").json()["corrections"] == []


def test_the_answer_is_sent_only_when_it_is_new(shared_server: SharedServer) -> None:
    story = published(shared_server)
    first = read(shared_server, story, ".json")
    tag = {"If-None-Match": first.headers["etag"]}
    path = f"/s/{story.code}/corrections.json"
    assert shared_server.http.get(path, headers=tag).status_code == 304
    correct(shared_server, story)
    assert shared_server.http.get(path, headers=tag).status_code == 200
