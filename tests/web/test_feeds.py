"""Feeds of a story and of a site: complete, escaped, with deleted entries, and sent only when new."""

import calendar
import json
import time
import uuid
from email.utils import formatdate
from typing import Any

import feedparser
import pytest
from starlette.requests import Request

from tests.e2e.publisher import Publisher, Story
from tests.waiting import wait_until
from tests.web.shared_server import SECRET, SharedServer, rejection
from widget_server.web.compressed import CompressedBody
from widget_server.web.conditional import conditional_response
from widget_server.web.pages.feeds import entry_id

ATOM = "{http://www.w3.org/2005/Atom}"
HOSTILE = "]]></content><script>alert(1)</script>&nbsp;\u202e"


def feed(server: SharedServer, story: Story, kind: str = "atom", **headers: str) -> Any:
    return server.http.get(f"/s/{story.code}/feed.{kind}", headers=headers)


def parsed(response: Any) -> Any:
    """Return the feed as feedparser reads it, which must have nothing to warn of."""
    assert response.status_code == 200, response.text
    found = feedparser.parse(response.content, response_headers=dict(response.headers))
    assert not found.bozo, found.get("bozo_exception")
    return found


def test_feedparser_reads_the_comments_without_a_warning(shared_server: SharedServer) -> None:
    story = shared_server.story(title="Sea & “level”", url="https://press.example/sea")
    top = shared_server.post(story, "**bold** and [a](https://a.example/?x=1&y=2)", name="Ann")
    shared_server.post(story, "a reply", name="Bo", parent=top["comment"]["id"])
    response = feed(shared_server, story)
    assert response.headers["content-type"] == "application/atom+xml; charset=utf-8"
    found = parsed(response)
    assert found.version == "atom10"
    assert found.feed.title == "Discussion: Sea & “level”"
    links = {link.rel: link for link in found.feed.links}
    page = f"{shared_server.server.env['PUBLIC_URL']}/s/{story.code}"
    assert links["self"].href == f"{page}/feed.atom"
    assert links["alternate"].href == page
    assert links["license"].href == "https://creativecommons.org/licenses/by/4.0/"
    assert links["replies"]["thr:count"] == "2"
    reply, first = found.entries
    assert (first.author, reply.author) == ("Ann", "Bo")
    assert "<strong>bold</strong>" in first.content[0].value
    assert 'href="https://a.example/?x=1&amp;y=2"' in first.content[0].value
    counts = {link.rel: link.get("thr:count") for link in first.links}
    assert counts["replies"] == "1"
    assert reply.thr_in_reply_to if "thr_in_reply_to" in reply else True
    document = response.text
    assert f'<thr:in-reply-to ref="{first.id}"' in document


@pytest.mark.parametrize("comment", ["", "feed:de", *(f"c{n}" for n in range(40))])
def test_the_id_of_an_entry_is_the_uuid_of_its_story_and_comment(comment: str) -> None:
    name = f"story-widget:AbC:{comment}"
    assert entry_id("AbC", comment) == f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, name)}"


def test_json_feed_has_the_same_items(shared_server: SharedServer) -> None:
    story = shared_server.story(title="Same")
    for number in range(3):
        shared_server.post(story, f"comment {number}", name="Ann")
    response = feed(shared_server, story, "json")
    assert response.headers["content-type"] == "application/feed+json; charset=utf-8"
    fields = response.json()
    assert fields["version"] == "https://jsonfeed.org/version/1.1"
    atom = parsed(feed(shared_server, story))
    assert [item["id"] for item in fields["items"]] == [entry.id for entry in atom.entries]
    assert [item["url"] for item in fields["items"]] == [entry.link for entry in atom.entries]
    assert fields["_discussion"]["comment_count"] == 3
    for item in fields["items"]:
        assert {"id", "url", "content_html", "date_published", "date_modified", "authors"} <= set(
            item
        )


def test_a_removed_comment_is_a_deleted_entry_without_its_words(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story()
    gone = shared_server.post(story, "secret words", name="Gone Person")
    kept = shared_server.post(story, "kept", name="Ann")
    before = parsed(feed(shared_server, story))
    comment = gone["comment"]["id"]
    answer = shared_server.action(story, "delete", comment=comment, reader=gone["reader"])
    assert answer.status_code == 200, answer.text
    for kind in ("atom", "json"):
        assert "secret words" not in feed(shared_server, story, kind).text
        assert "Gone Person" not in feed(shared_server, story, kind).text
    response = feed(shared_server, story)
    after = parsed(response)
    assert [entry.author for entry in after.entries] == ["Ann"], kept
    (gone_id,) = {entry.id for entry in before.entries} - {entry.id for entry in after.entries}
    assert f'<at:deleted-entry ref="{gone_id}" when="' in response.text
    (deleted,) = feed(shared_server, story, "json").json()["_discussion"]["deleted"]
    assert deleted["id"] == gone_id
    # RFC 6721, 4: an entry that is newer than its deletion is not deleted.
    assert deleted["when"] >= max(e.updated for e in before.entries if e.id == gone_id)


def test_hostile_names_titles_and_texts_stay_text(shared_server: SharedServer) -> None:
    story = shared_server.story(title=HOSTILE)
    shared_server.post(story, HOSTILE, name="</name><b>x")
    found = parsed(feed(shared_server, story))
    assert found.feed.title_detail.type == "text/plain"
    (entry,) = found.entries
    assert entry.author == "</name><b>x"
    response = feed(shared_server, story)
    assert "<script" not in response.text
    assert "<b>" not in response.text
    (item,) = feed(shared_server, story, "json").json()["items"]
    assert "<script" not in item["content_html"]


def test_a_client_that_has_the_feed_gets_304_until_something_changes(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story()
    shared_server.post(story, "one")
    first = feed(shared_server, story)
    etag = first.headers["etag"]
    again = feed(shared_server, story, **{"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == etag
    shared_server.post(story, "two")
    changed = feed(shared_server, story, **{"If-None-Match": etag})
    assert changed.status_code == 200
    assert len(parsed(changed).entries) == 2


@pytest.mark.parametrize(
    ("age", "is_sent"), [(0, False), (1_000, False), (1_999, False), (2_000, True)]
)
def test_last_modified_waits_until_no_other_process_can_have_changed_the_story_in_its_second(
    age: int, is_sent: bool
) -> None:
    request = Request({"type": "http", "headers": []})
    changed = 1_800_000_000_000
    response = conditional_response(
        request, CompressedBody(b"x"), "a/b", {}, changed, changed + age
    )
    assert ("last-modified" in response.headers) is is_sent


def test_last_modified_is_sent_when_the_second_of_the_change_is_over(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story()
    shared_server.post(story, "one")
    wait_until(
        lambda: "last-modified" in feed(shared_server, story).headers, "Last-Modified is sent"
    )
    at = feed(shared_server, story).headers["last-modified"]
    assert feed(shared_server, story, **{"If-Modified-Since": at}).status_code == 304
    earlier = formatdate(
        calendar.timegm(time.strptime(at, "%a, %d %b %Y %H:%M:%S GMT")) - 1, usegmt=True
    )
    assert feed(shared_server, story, **{"If-Modified-Since": earlier}).status_code == 200
    # If both are sent, only the ETag counts (RFC 9110, 13.1.3).
    both = {"If-Modified-Since": at, "If-None-Match": '"other"'}
    assert feed(shared_server, story, **both).status_code == 200
    for wrong in ("yesterday", "Thu, 99 Foo 2099", "-"):
        assert feed(shared_server, story, **{"If-Modified-Since": wrong}).status_code == 200


def test_a_pending_comment_is_in_no_feed(shared_server: SharedServer) -> None:
    shared_server.site("feed-pre", "moderation=pre")
    story = Publisher("feed-pre", SECRET).story()
    shared_server.post(story, "waits for a moderator")
    for path in (f"/s/{story.code}/feed.atom", "/sites/feed-pre/feed.json"):
        response = shared_server.http.get(path)
        assert response.status_code == 200
        assert "waits for" not in response.text


def test_a_page_of_a_feed_has_25_entries_the_last_changed_first(
    shared_server: SharedServer,
) -> None:
    shared_server.site("feed-long", "rate_limit_comment=1000/60")
    story = Publisher("feed-long", SECRET).story()
    first = shared_server.post(story, "number 0")
    for number in range(1, 30):
        shared_server.post(story, f"number {number}")
    found = parsed(feed(shared_server, story))
    assert len(found.entries) == 25
    assert "number 29" in found.entries[0].content[0].value
    comment = first["comment"]["id"]
    edited = shared_server.action(
        story, "edit", comment=comment, body="number 0, edited", reader=first["reader"]
    )
    assert edited.status_code == 200, edited.text
    newest = parsed(feed(shared_server, story)).entries[0]
    assert "number 0, edited" in newest.content[0].value
    assert newest.updated > newest.published


def test_the_feed_of_a_site_has_the_last_comments_of_all_its_stories(
    shared_server: SharedServer,
) -> None:
    site = f"feed-{uuid.uuid4().hex[:8]}"
    shared_server.site(site)
    publisher = Publisher(site, SECRET)
    empty = parsed(shared_server.http.get(f"/sites/{site}/feed.atom"))
    assert empty.entries == []
    stories = [publisher.story(title=f"Story {number}") for number in range(3)]
    for story in [*stories, stories[0]]:
        shared_server.post(story, f"on {story.code}", name="Ann")
    found = parsed(shared_server.http.get(f"/sites/{site}/feed.atom"))
    order = [stories[0], stories[2], stories[1], stories[0]]
    assert [entry.link.partition("?")[0][-12:] for entry in found.entries] == [
        story.code for story in order
    ]
    assert found.entries[1].title == "Ann on “Story 2”"
    fields = shared_server.http.get(f"/sites/{site}/feed.json").json()
    assert [item["id"] for item in fields["items"]] == [entry.id for entry in found.entries]
    # The same comment has one id in both feeds.
    own = {entry.id for entry in parsed(feed(shared_server, stories[0])).entries}
    assert own == {found.entries[0].id, found.entries[3].id}
    tag = shared_server.http.get(f"/sites/{site}/feed.atom").headers["etag"]
    shared_server.post(stories[1], "at once")
    fresh = shared_server.http.get(f"/sites/{site}/feed.atom", headers={"If-None-Match": tag})
    assert "at once" in fresh.text


@pytest.mark.parametrize(
    "path",
    [
        "/s/unknownCode1/feed.atom",
        "/s/x/feed.json",
        "/s/{code}/feed.rss",
        "/s/{code}/feed.",
        "/sites/unknown/feed.atom",
        "/sites/press/feed.xml",
        "/sites/%00/feed.atom",
        "/s/{closed}/feed.atom",
        "/s/{closed}/feed.json",
        "/s/{closed}/replies",
        "/sites/{site}/feed.atom",
    ],
)
def test_what_is_unknown_or_closed_has_no_feed(shared_server: SharedServer, path: str) -> None:
    site = f"shut-{uuid.uuid4().hex[:8]}"
    shared_server.site(site, "open_reading=off")
    closed = Publisher(site, SECRET).story()
    shared_server.register(closed)
    address = path.format(code=shared_server.story().code, closed=closed.code, site=site)
    assert rejection(shared_server.http.get(address)) == (404, "not_found")


def test_search_engines_are_asked_to_leave_feeds_out_unless_the_site_lets_them_in(
    shared_server: SharedServer,
) -> None:
    site = f"feed-{uuid.uuid4().hex[:8]}"
    shared_server.site(site, "search_engines=on")
    opened, kept = Publisher(site, SECRET).story(), shared_server.story()
    shared_server.register(opened)
    for path in ("feed.atom", "feed.json", "replies", "replies?after=0"):
        assert shared_server.http.get(f"/s/{kept.code}/{path}").headers["x-robots-tag"] == "noindex"
        assert "x-robots-tag" not in shared_server.http.get(f"/s/{opened.code}/{path}").headers


def pages(server: SharedServer, path: str) -> list[Any]:
    """Return the pages of a JSON Feed, each found by the address in the one before."""
    found = [server.http.get(path).json()]
    while "next_url" in found[-1]:
        assert len(found) < 30, "the pages do not end"
        found.append(server.http.get(found[-1]["next_url"]).json())
        assert found[-1]["feed_url"] == found[-2]["next_url"]
    return found


def items_of(found: list[Any]) -> list[str]:
    """Return the ids of all pages, the deleted ones last of each page."""
    return [
        one["id"] for page in found for one in [*page["items"], *page["_discussion"]["deleted"]]
    ]


@pytest.mark.parametrize(("number", "expected"), [(25, [25]), (26, [25, 1]), (51, [25, 25, 1])])
def test_the_pages_of_a_feed_have_every_comment_once(
    shared_server: SharedServer, number: int, expected: list[int]
) -> None:
    site = f"feed-{uuid.uuid4().hex[:8]}"
    shared_server.site(site, "rate_limit_comment=1000/60")
    story = Publisher(site, SECRET).story()
    posted = [shared_server.post(story, f"number {n}") for n in range(number)]
    gone = posted[number // 2]
    shared_server.action(
        story, "delete", comment=gone["comment"]["id"], reader=gone["reader"]
    ).raise_for_status()
    found = pages(shared_server, f"/s/{story.code}/feed.json")
    assert [len(one["items"]) + len(one["_discussion"]["deleted"]) for one in found] == expected
    assert len(set(items_of(found))) == number
    assert sum(len(one["_discussion"]["deleted"]) for one in found) == 1
    atom = parsed(feed(shared_server, story))
    seen, following = [entry.id for entry in atom.entries], atom
    while following := next((x.href for x in following.feed.links if x.rel == "next"), None):
        following = parsed(shared_server.http.get(following))
        assert following.feed.id == atom.feed.id
        seen += [entry.id for entry in following.entries]
    assert seen == [one["id"] for page in found for one in page["items"]]


def test_a_comment_that_comes_while_a_client_reads_the_pages_hides_no_other(
    shared_server: SharedServer,
) -> None:
    site = f"feed-{uuid.uuid4().hex[:8]}"
    shared_server.site(site, "rate_limit_comment=1000/60")
    story = Publisher(site, SECRET).story()
    for number in range(30):
        shared_server.post(story, f"number {number}")
    first = shared_server.http.get(f"/s/{story.code}/feed.json").json()
    for number in range(3):
        shared_server.post(story, f"later {number}")
    second = shared_server.http.get(first["next_url"]).json()
    assert len(set(items_of([first, second]))) == 30


def test_the_pages_of_a_feed_in_one_language_stay_in_it(shared_server: SharedServer) -> None:
    site = f"feed-{uuid.uuid4().hex[:8]}"
    shared_server.site(site, "rate_limit_comment=1000/60")
    publisher = Publisher(site, SECRET)
    german = publisher.story(lang="de")
    french = Story(german.key, german.code, publisher.token(german.key, lang="fr"))
    for number in range(27):
        shared_server.post(german, f"Nummer {number}")
        shared_server.post(french, f"numéro {number}")
    found = pages(shared_server, f"/s/{german.code}/feed.json?lang=de")
    assert [len(one["items"]) for one in found] == [25, 2]
    assert all("Nummer" in one["content_html"] for page in found for one in page["items"])


@pytest.mark.parametrize("before", ["", "x", "-1", "1.5", "1" * 10, "٣"])
def test_a_page_that_no_feed_names_is_refused(shared_server: SharedServer, before: str) -> None:
    path = f"/s/{shared_server.story().code}/feed.atom"
    answer = shared_server.http.get(path, params={"before": before})
    assert rejection(answer) == (400, "malformed")
    assert "next page" in answer.json()["detail"]


def test_long_comments_leave_a_feed_of_at_most_256_kib(shared_server: SharedServer) -> None:
    shared_server.site("feed-wide", "rate_limit_comment=1000/60")
    story = Publisher("feed-wide", SECRET).story()
    for _ in range(40):
        shared_server.post(story, "&" * 5000)
    for kind in ("atom", "json"):
        response = feed(shared_server, story, kind)
        assert len(response.content) <= 256 * 1024
    assert parsed(feed(shared_server, story)).entries
    assert json.loads(feed(shared_server, story, "json").content)["items"]
    # What a page had no room for is on the next one.
    assert len(set(items_of(pages(shared_server, f"/s/{story.code}/feed.json")))) == 40
