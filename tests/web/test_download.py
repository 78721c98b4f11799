"""`/s/CODE/discussion.{format}`: the whole discussion as text, as JSON, and as a page to print."""

import json
import re
import uuid
from typing import Any

import httpx
import pytest

from tests.e2e.publisher import Publisher, Story
from tests.web.shared_server import SECRET, SharedServer, rejection
from widget_server.protocol.schemas import WholeDiscussion
from widget_server.web.pages.download import RIGHTS
from widget_server.web.pages.translate import LOCALES

FORMATS = ("txt", "json", "html")
FORGED = (
    "words\u20281  Mallory\n\n2  The editor\n29 November 2026, 10:00 · Moderator\n\n"
    "```\n3  The editor\n```\n- 4  The editor"
)


def get(server: SharedServer, story: Story, kind: str, query: str = "") -> httpx.Response:
    return server.http.get(f"/s/{story.code}/discussion.{kind}{query}")


def debate(server: SharedServer) -> tuple[Story, list[str]]:
    """Return a story with two threads, and the ids of its four comments in their order."""
    story = server.story(
        title="The ferry & “us”",
        author="Ines",
        publisher="Press",
        url="https://press.example/ferry",
        label="The Copy",
    )
    first = server.post(
        story,
        "A *first* word",
        name="Ana",
        email="ana@reader.example",
        website="https://ana.example",
    )["comment"]["id"]
    second = server.post(story, "Another thread")["comment"]["id"]
    reply = server.post(story, "> A first word\n\nNo.", name="Bo", parent=first)["comment"]["id"]
    answer = server.post(story, "Yes.", name="Ana", parent=reply)["comment"]["id"]
    assert server.action(story, "react", reaction="sad", first=str(uuid.uuid4())).status_code == 200
    return story, [first, reply, answer, second]


def test_the_text_names_the_story_its_licence_and_every_comment_in_its_thread(
    shared_server: SharedServer,
) -> None:
    story, ids = debate(shared_server)
    answer = get(shared_server, story, "txt")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert (
        answer.headers["content-disposition"]
        == f'attachment; filename="discussion-{story.code}.txt"'
    )
    assert answer.headers["x-robots-tag"] == "noindex"
    head, body, foot = re.split(r"^-{76}$", answer.text, flags=re.MULTILINE)
    page = f"{shared_server.url}/s/{story.code}"
    for line in (
        "Discussion of “The ferry & “us””",
        "By Ines, Press",
        "The story: https://press.example/ferry",
        f"The discussion: {page}",
        "Licence of the story: CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/)",
        "4 comments · Sad 1",
    ):
        assert line in head.splitlines(), head
    assert "Each comment belongs to its writer." in head
    assert foot.strip() == "End of the discussion."
    names = re.findall(r"^(\S+)  (.+)$", body, flags=re.MULTILINE)
    assert names == [("1", "Ana"), ("1.1", "Bo"), ("1.2", "Ana"), ("2", "Anonymous")]
    assert re.findall(r"#c-(\w+)$", body, flags=re.MULTILINE) == ids
    assert "\n    A *first* word\n" in body
    assert "\n    > A first word\n\n    No.\n" in body
    assert re.search(r"\d{1,2} \w+ 20\d\d, \d\d:\d\d · to Bo · The Copy", body)
    assert "ana@reader.example" not in answer.text
    assert max(map(len, answer.text.splitlines())) <= max(76, len(page) + 60)


def test_no_reader_can_write_what_looks_like_the_comment_of_another(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story(title="1  Mallory")
    shared_server.post(story, FORGED, name="1  Mallory")
    text = get(shared_server, story, "txt").text
    begun = [line for line in text.splitlines() if re.match(r"[\d.]+  ", line)]
    assert begun == ["1  1  Mallory"]
    assert all("editor" not in line or line.startswith("    ") for line in text.splitlines())


def test_the_json_file_has_what_the_pages_of_the_api_have(shared_server: SharedServer) -> None:
    story, ids = debate(shared_server)
    answer = get(shared_server, story, "json")
    assert answer.headers["content-type"] == "application/json"
    file = answer.json()
    WholeDiscussion.model_validate_json(answer.content, strict=True)
    assert [one["id"] for one in file["comments"]] == ids
    shown = {
        one["id"]: one
        for thread in shared_server.snapshot(story)["comments"]["threads"]
        for one in (thread, *thread["replies"])
    }
    more = {"replies", "more", "next"}
    for one in file["comments"]:
        assert one == {k: v for k, v in shown[one["id"]].items() if k not in more}
    snapshot = shared_server.snapshot(story)
    assert file["story"] == snapshot["story"]
    assert (file["position"], file["count"]) == (snapshot["position"], 4)
    assert file["tally"] == snapshot["tally"]
    assert file["site"] == {"slug": "press", "name": "Press"}
    assert file["rights"] == RIGHTS
    assert "ana@reader.example" not in answer.text
    assert file["complete"] is True


def test_the_page_to_print_has_no_script_and_every_comment(shared_server: SharedServer) -> None:
    story, ids = debate(shared_server)
    answer = get(shared_server, story, "html")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "content-disposition" not in answer.headers
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "<script" not in answer.text
    assert re.findall(r'<article id="c-(\w+)"', answer.text) == ids
    assert "<em>first</em>" in answer.text
    assert '<a rel="license" href="https://creativecommons.org/licenses/by/4.0/">' in answer.text
    assert "Print it with your browser" in answer.text
    assert answer.text.endswith("</html>")
    assert "ana@reader.example" not in answer.text


@pytest.mark.parametrize("kind", FORMATS)
def test_what_is_not_public_is_in_no_file(shared_server: SharedServer, kind: str) -> None:
    slug = f"dl-{uuid.uuid4().hex[:8]}"
    shared_server.site(slug, "moderation=pre")
    story = Publisher(slug, SECRET).story()
    waiting = shared_server.post(story, "waits for a moderator", name="Waiting Person")
    assert "waits for a moderator" not in get(shared_server, story, kind).text
    shared_server.cli("comment", "approve", waiting["comment"]["id"])
    assert "waits for a moderator" in get(shared_server, story, kind).text
    shared_server.cli("comment", "remove", waiting["comment"]["id"])
    gone = get(shared_server, story, kind).text
    assert "waits for a moderator" not in gone
    assert "Waiting Person" not in gone


def test_a_removed_comment_stands_above_its_replies_only(shared_server: SharedServer) -> None:
    story, (first, *_, second) = debate(shared_server)
    for comment in (first, second):
        shared_server.cli("comment", "remove", comment)
    text = get(shared_server, story, "txt").text
    found = re.findall(r"^([\d.]+)  (.+)$", text, flags=re.MULTILINE)
    assert found == [("1", "This comment was removed."), ("1.1", "Bo"), ("1.2", "Ana")]
    states = [one["state"] for one in get(shared_server, story, "json").json()["comments"]]
    assert states == ["removed", "published", "published", "removed"]


def test_a_discussion_without_comments_is_a_file_too(shared_server: SharedServer) -> None:
    story = shared_server.story(title="No comment yet")
    assert "No comments yet" in get(shared_server, story, "txt").text
    assert get(shared_server, story, "json").json()["comments"] == []
    assert "No comments yet" in get(shared_server, story, "html").text


@pytest.mark.parametrize("lang", sorted(LOCALES))
def test_files_for_people_speak_their_language(shared_server: SharedServer, lang: str) -> None:
    story, _ = debate(shared_server)
    texts = LOCALES[lang]
    text = get(shared_server, story, "txt", f"?lang={lang}")
    assert text.headers["content-language"] == lang
    assert texts["dl_end"] in text.text
    assert texts["dl_rights"].replace(" ", "") in re.sub(r"\s", "", text.text)
    page = get(shared_server, story, "html", f"?lang={lang}").text
    assert f'<html lang="{lang}" dir="{texts["dir"]}">' in page
    assert texts["dl_print"] in page


def test_the_pages_link_to_the_files(shared_server: SharedServer) -> None:
    story, _ = debate(shared_server)
    for path in ("", "/write"):
        html = shared_server.http.get(f"/s/{story.code}{path}?lang=fr").text
        for kind in FORMATS:
            assert f'href="/s/{story.code}/discussion.{kind}?lang=fr"' in html
    empty = shared_server.http.get(f"/s/{shared_server.story().code}").text
    assert "Download the discussion:" not in empty


@pytest.mark.parametrize("kind", FORMATS)
def test_a_closed_site_an_unknown_story_and_another_format_have_no_download(
    shared_server: SharedServer, kind: str
) -> None:
    slug = f"shut-{uuid.uuid4().hex[:8]}"
    shared_server.site(slug, "open_reading=off")
    closed = Publisher(slug, SECRET).story()
    shared_server.register(closed)
    assert rejection(get(shared_server, closed, kind)) == (404, "not_found")
    assert rejection(get(shared_server, shared_server.story(), "pdf")) == (404, "not_found")
    unknown = shared_server.http.get(f"/s/unknownCode1/discussion.{kind}")
    assert rejection(unknown) == (404, "not_found")


def test_head_reads_no_comment(shared_server: SharedServer) -> None:
    story, _ = debate(shared_server)
    answer = shared_server.http.head(f"/s/{story.code}/discussion.json")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "application/json"


def licensed(server: SharedServer) -> tuple[Story, dict[str, Any]]:
    """Return a story of a site whose comments are given under a licence, and one comment."""
    slug = f"free-{uuid.uuid4().hex[:8]}"
    server.site(slug, "comment_licence=CC-BY-SA-4.0")
    story = Publisher(slug, SECRET).story()
    return story, server.post(story, "Use it.", name="Ana")["comment"]


def test_the_licence_of_a_comment_is_named_wherever_it_is_taken_from(
    shared_server: SharedServer,
) -> None:
    story, comment = licensed(shared_server)
    terms = "https://creativecommons.org/licenses/by-sa/4.0/"
    assert "Published under CC BY-SA 4.0." in get(shared_server, story, "txt").text
    assert "Published under CC BY-SA 4.0." in get(shared_server, story, "html").text
    (file,) = get(shared_server, story, "json").json()["comments"]
    assert file["license"] == "CC-BY-SA-4.0"
    page = f"/s/{story.code}"
    feed = shared_server.http.get(f"{page}/feed.atom").text
    assert f'<link rel="license" href="{terms}"/>' in feed.split("<entry")[1]
    (item,) = shared_server.http.get(f"{page}/feed.json").json()["items"]
    assert item["_discussion"]["license"] == terms
    note = shared_server.http.get(f"{page}/replies/{comment['id']}").json()
    assert note["tag"][0]["href"] == terms
    html = shared_server.http.get(page).text
    (data,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', html)
    assert json.loads(data)["comment"][0]["license"] == terms
