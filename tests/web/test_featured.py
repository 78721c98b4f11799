"""Featured comments: feeds of a story and of a site, and what readers see of them."""

import uuid
from typing import Any

import feedparser
import pytest

from tests.e2e.publisher import Publisher, Story
from tests.waiting import wait_until
from tests.web.shared_server import SECRET, SharedServer, rejection


def parsed(server: SharedServer, path: str) -> Any:
    """Return the feed as feedparser reads it, which must have nothing to warn of."""
    response = server.http.get(path)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/atom+xml; charset=utf-8"
    found = feedparser.parse(response.content, response_headers=dict(response.headers))
    assert not found.bozo, found.get("bozo_exception")
    return found


def words(feed: Any) -> list[str]:
    """Return the texts of a feed's entries."""
    return [entry.content[0].value for entry in feed.entries]


def feed_of(server: SharedServer, path: str, *texts: str) -> Any:
    """Return the feed once it has these texts: another process made the change."""

    def found() -> Any:
        feed = parsed(server, path)
        return feed if words(feed) == [f"<p>{text}</p>" for text in texts] else None

    return wait_until(found, f"the feed has {texts}")


def written(server: SharedServer, story: Story, *texts: str) -> list[str]:
    """Post comments and return their ids."""
    return [server.post(story, text, name="Ana")["comment"]["id"] for text in texts]


def test_a_featured_comment_stands_in_the_feed_until_it_is_not_featured(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story(title="Sea")
    path = f"/s/{story.code}/featured.atom"
    first, second, third = written(shared_server, story, "one", "two", "three")
    assert words(parsed(shared_server, path)) == []
    for comment in (third, first):
        shared_server.cli("comment", "feature", comment)
    feed = feed_of(shared_server, path, "one", "three")
    assert feed.feed.title == "Featured comments: Sea"
    assert [tag.term for tag in feed.entries[0].tags] == ["featured"]
    links = {link.rel: link for link in feed.feed.links}
    assert links["replies"]["thr:count"] == "3"
    assert links["self"].href == f"{shared_server.url}{path}"
    items = shared_server.http.get(f"/s/{story.code}/featured.json").json()["items"]
    assert [item["id"] for item in items] == [entry.id for entry in feed.entries]
    assert items[0]["tags"] == ["featured"]
    shared_server.cli("comment", "unfeature", third)
    assert feed_of(shared_server, path, "one")
    shown = {one["id"]: one.get("featured") for one in threads(shared_server, story)}
    assert shown == {first: True, second: None, third: None}


def threads(server: SharedServer, story: Story) -> list[dict[str, Any]]:
    """Return the top comments of a story."""
    found: list[dict[str, Any]] = server.snapshot(story)["comments"]["threads"]
    return found


def test_a_removed_comment_leaves_the_feed_as_a_deleted_entry_and_undo_brings_it_back(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story()
    path = f"/s/{story.code}/featured.atom"
    first, second = written(shared_server, story, "secret one", "two")
    for comment in (first, second):
        shared_server.cli("comment", "feature", comment)
    before = feed_of(shared_server, path, "two", "secret one")
    shared_server.cli("comment", "remove", first)
    feed_of(shared_server, path, "two")
    answer = shared_server.http.get(path).text
    assert "secret one" not in answer
    (gone,) = [one.id for one in before.entries if "secret one" in one.content[0].value]
    assert f'<at:deleted-entry ref="{gone}" when="' in answer
    shared_server.cli("comment", "restore", first)
    # At its old place: it was featured before the other one.
    assert feed_of(shared_server, path, "two", "secret one")


def test_the_feed_of_a_site_has_the_featured_comments_of_all_its_stories(
    shared_server: SharedServer,
) -> None:
    site = f"feat-{uuid.uuid4().hex[:8]}"
    shared_server.site(site)
    publisher = Publisher(site, SECRET)
    path = f"/sites/{site}/featured.atom"
    assert words(parsed(shared_server, path)) == []
    one, two = publisher.story(title="One"), publisher.story(title="Two")
    (first,), (second, _) = (
        written(shared_server, one, "of one"),
        written(shared_server, two, "of two", "not featured"),
    )
    for comment in (first, second):
        shared_server.cli("comment", "feature", comment)
    feed = parsed(shared_server, path)
    assert words(feed) == ["<p>of two</p>", "<p>of one</p>"]
    assert [entry.title for entry in feed.entries] == ["Ana on “Two”", "Ana on “One”"]
    own = parsed(shared_server, f"/s/{one.code}/featured.atom")
    assert own.entries[0].id == feed.entries[1].id
    elsewhere = shared_server.http.get("/sites/press/featured.json").json()["items"]
    assert not {entry.id for entry in feed.entries} & {item["id"] for item in elsewhere}


@pytest.mark.parametrize("kind", ["atom", "json"])
def test_a_client_that_has_the_feed_gets_304_until_a_comment_is_featured(
    shared_server: SharedServer, kind: str
) -> None:
    story = shared_server.story()
    (comment,) = written(shared_server, story, "one")
    path = f"/s/{story.code}/featured.{kind}"
    tag = shared_server.http.get(path).headers["etag"]

    def again() -> Any:
        return shared_server.http.get(path, headers={"If-None-Match": tag})

    assert (again().status_code, again().content) == (304, b"")
    shared_server.cli("comment", "feature", comment)
    wait_until(lambda: again().status_code == 200, "the feed is sent because it changed")
    assert "one" in again().text


def test_the_page_says_that_a_comment_is_featured_and_names_the_feed(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story()
    (comment,) = written(shared_server, story, "one")
    shared_server.cli("comment", "feature", comment)
    page = shared_server.http.get(f"/s/{story.code}?lang=de").text
    assert '<p class="state icon-star">Hervorgehoben</p>' in page
    assert f'href="{shared_server.url}/s/{story.code}/featured.atom"' in page


@pytest.mark.parametrize(
    "path",
    [
        "/s/unknownCode1/featured.atom",
        "/s/{code}/featured.rss",
        "/sites/unknown/featured.atom",
        "/s/{closed}/featured.json",
        "/sites/{site}/featured.atom",
    ],
)
def test_what_is_unknown_or_closed_has_no_feed(shared_server: SharedServer, path: str) -> None:
    site = f"shut-{uuid.uuid4().hex[:8]}"
    shared_server.site(site, "open_reading=off")
    closed = Publisher(site, SECRET).story()
    shared_server.register(closed)
    address = path.format(code=shared_server.story().code, closed=closed.code, site=site)
    assert rejection(shared_server.http.get(address)) == (404, "not_found")
