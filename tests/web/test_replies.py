"""The collection of a discussion (ActivityStreams 2.0), read by Fedify and by a JSON-LD processor."""

import json
import subprocess
from pathlib import Path
from typing import Any

from pyld import jsonld

from tests.e2e.publisher import Publisher, Story
from tests.node import node
from tests.web.shared_server import SECRET, SharedServer, rejection

AS = "https://www.w3.org/ns/activitystreams#"
FEDIFY = Path(__file__).parents[2] / "js/node_modules/@fedify/vocab/dist/mod.js"
#: What the context of ActivityStreams says of the terms in use here (www.w3.org/ns/activitystreams).
LINKS = ("inReplyTo", "context", "url", "first", "next", "partOf", "replies", "href")
TIMES = ("published", "updated", "deleted")
CONTEXT = {
    "@vocab": AS,
    "id": "@id",
    "type": "@type",
    "orderedItems": {"@id": AS + "items", "@type": "@id", "@container": "@list"},
    "contentMap": {"@id": AS + "content", "@container": "@language"},
    "nameMap": {"@id": AS + "name", "@container": "@language"},
    **{name: {"@id": AS + name, "@type": "@id"} for name in LINKS},
    **{
        name: {"@id": AS + name, "@type": "http://www.w3.org/2001/XMLSchema#dateTime"}
        for name in TIMES
    },
}


def offline(url: str, _options: Any) -> dict[str, Any]:
    assert url == "https://www.w3.org/ns/activitystreams"
    document = {"@context": CONTEXT}
    return {"contextUrl": None, "documentUrl": url, "document": document, "contentType": None}


def get(server: SharedServer, address: str) -> dict[str, Any]:
    response = server.http.get(address)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/activity+json"
    content: dict[str, Any] = response.json()
    # Every property is one of the vocabulary: the processor drops what it cannot expand.
    (expanded,) = jsonld.expand(content, {"documentLoader": offline})
    assert expanded["@id"] == content["id"]
    return content


def pages(server: SharedServer, story: Story) -> list[dict[str, Any]]:
    collection = get(server, f"/s/{story.code}/replies")
    assert collection["type"] == "OrderedCollection"
    found, address = [], collection["first"]
    while address:
        page = get(server, address)
        assert (page["type"], page["partOf"]) == ("OrderedCollectionPage", collection["id"])
        found.append(page)
        address = page.get("next")
    items = [item for page in found for item in page["orderedItems"]]
    assert collection["totalItems"] == sum(item["type"] != "Tombstone" for item in items)
    return found


def test_the_collection_has_the_story_and_every_comment_in_order(
    shared_server: SharedServer,
) -> None:
    shared_server.site("as2-long", "rate_limit_comment=1000/60")
    story = Publisher("as2-long", SECRET).story(title="Sea", author="Ann", url="https://a.example/")
    parent = shared_server.post(story, "number 0")["comment"]["id"]
    for number in range(1, 120):
        shared_server.post(story, f"number {number}", parent=parent if number % 2 else None)
    found = pages(shared_server, story)
    assert [len(page["orderedItems"]) for page in found] == [51, 50, 20]
    page, *notes = [item for page in found for item in page["orderedItems"]]
    assert (page["type"], page["name"], page["url"]) == ("Page", "Sea", "https://a.example/")
    assert [note["content"] for note in notes] == [f"<p>number {n}</p>" for n in range(120)]
    collection = get(shared_server, f"/s/{story.code}/replies")["id"]
    assert {item["context"] for item in (page, *notes)} == {collection}
    assert notes[0]["inReplyTo"] == page["id"]
    assert notes[1]["inReplyTo"] == notes[0]["id"]


def test_a_removed_comment_is_a_tombstone_also_at_its_own_address(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story()
    gone = shared_server.post(story, "secret words", name="Gone Person")
    comment = gone["comment"]["id"]
    shared_server.post(story, "a reply", parent=comment, name="Ann", lang="en")
    before = get(shared_server, f"/s/{story.code}/replies/{comment}")
    assert (before["type"], before["attributedTo"]["name"]) == ("Note", "Gone Person")
    shared_server.action(story, "delete", comment=comment, reader=gone["reader"])
    _, tombstone, reply = pages(shared_server, story)[0]["orderedItems"]
    assert (tombstone["type"], tombstone["formerType"]) == ("Tombstone", "Note")
    assert tombstone["id"] == before["id"] == reply["inReplyTo"]
    assert tombstone["deleted"] >= tombstone["published"]
    assert not {"content", "attributedTo", "name"} & set(tombstone)
    response = shared_server.http.get(f"/s/{story.code}/replies/{comment}")
    assert response.status_code == 410
    assert "secret" not in response.text
    assert response.json()["type"] == "Tombstone"


def test_markup_in_a_comment_stays_text(shared_server: SharedServer) -> None:
    story = shared_server.story()
    shared_server.post(story, "<script>alert(1)</script> & **b**")
    note = pages(shared_server, story)[0]["orderedItems"][1]
    assert "<script" not in note["content"]
    assert "<strong>b</strong>" in note["content"]


def test_what_is_not_there_has_no_collection(shared_server: SharedServer) -> None:
    story = shared_server.story()
    for path in ("/s/unknownCode1/replies", f"/s/{story.code}/replies/0000000000000000"):
        assert rejection(shared_server.http.get(path)) == (404, "not_found")
    for after in ("x", "-1", "9" * 30):
        wrong = shared_server.http.get(f"/s/{story.code}/replies", params={"after": after})
        assert rejection(wrong) == (400, "malformed")


def test_an_unchanged_collection_is_not_sent_again(shared_server: SharedServer) -> None:
    story = shared_server.story()
    path = f"/s/{story.code}/replies?after=0"
    etag = shared_server.http.get(path).headers["etag"]
    assert shared_server.http.get(path, headers={"If-None-Match": etag}).status_code == 304
    shared_server.post(story, "new")
    assert shared_server.http.get(path, headers={"If-None-Match": etag}).status_code == 200


def test_fedify_reads_the_whole_discussion(shared_server: SharedServer) -> None:
    story = shared_server.story(title="Read by Fedify")
    first = shared_server.post(story, "One", name="Ann")
    shared_server.post(story, "Two", parent=first["comment"]["id"], lang="de")
    third = shared_server.post(story, "Three")
    shared_server.action(story, "delete", comment=third["comment"]["id"], reader=third["reader"])
    address = f"{shared_server.server.env['PUBLIC_URL']}/s/{story.code}/replies"
    program = str(Path(__file__).with_name("fedify_consumer.mjs"))
    run = subprocess.run(
        [node(), program, str(FEDIFY), address],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    read = json.loads(run.stdout)
    assert read["total"] == 3
    assert [item["type"] for item in read["items"]] == ["Page", "Note", "Note", "Tombstone"]
    assert [item.get("content") for item in read["items"][1:3]] == ["<p>One</p>", "<p>Two</p>"]
    assert read["items"][1]["author"] == "Ann"
    assert read["items"][2]["parent"] == read["items"][1]["id"]
    assert {item["context"] for item in read["items"][:3]} == {address}
    assert read["items"][3]["deleted"]
