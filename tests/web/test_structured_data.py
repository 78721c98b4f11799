"""What other software reads of a story's page: JSON-LD, licence, preview card, addresses of feeds."""

import json
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from pyld import jsonld

from tests.e2e.publisher import Story
from tests.node import node
from tests.web.shared_server import SharedServer

SCHEMA = "https://schema.org/"
HOSTILE = "</script><script>alert(1)</script><!-- & “x”"
CC_BY = "https://creativecommons.org/licenses/by/4.0/"
MODULES = Path(__file__).parents[2] / "js/node_modules"


class Head(HTMLParser):
    """The JSON-LD of a page, and the attributes of its links and metadata."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.scripts: list[dict[str, str | None]] = []
        self.links: list[dict[str, str | None]] = []
        self.meta: list[dict[str, str | None]] = []
        self.json_ld = ""
        self._inside = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "script":
            self.scripts.append(found)
            self._inside = found.get("type") == "application/ld+json"
        elif tag in ("link", "meta"):
            (self.links if tag == "link" else self.meta).append(found)

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.json_ld += data


def schema_org(url: str, _options: Any) -> dict[str, Any]:
    """Return what schema.org's context says of the terms in use here, without a network."""
    assert url == "https://schema.org"
    addresses = ("url", "license", "discussionUrl", "mainEntityOfPage")
    terms = {name: {"@id": SCHEMA + name, "@type": "@id"} for name in addresses}
    document = {"@context": {"@vocab": SCHEMA, **terms}}
    return {"contextUrl": None, "documentUrl": url, "document": document, "contentType": None}


def head(server: SharedServer, story: Story) -> Head:
    page = server.http.get(f"/s/{story.code}")
    assert page.status_code == 200
    return Head(page.text)


def posting(server: SharedServer, story: Story) -> dict[str, Any]:
    """Return the posting as a JSON-LD processor reads it."""
    text = head(server, story).json_ld
    compacted: dict[str, Any] = jsonld.compact(
        json.loads(text), {"@vocab": SCHEMA}, {"documentLoader": schema_org}
    )
    return compacted


def test_a_json_ld_processor_reads_the_discussion(shared_server: SharedServer) -> None:
    story = shared_server.story(
        title="Sea level", author="Ann", publisher="Press", url="https://press.example/sea"
    )
    top = shared_server.post(story, "**One**\n\n- a\n- b", name="Bo")
    shared_server.post(story, "A reply", parent=top["comment"]["id"])
    shared_server.action(
        story, "react", reaction="happy", first="0" * 8 + "-0000-4000-8000-" + "0" * 12
    )
    found = posting(shared_server, story)
    assert found["@type"] == "DiscussionForumPosting"
    assert found["headline"] == "Sea level"
    assert found["commentCount"] == 2
    assert found["author"] == {"@type": "Person", "name": "Ann"}
    assert found["datePublished"].endswith("Z")
    counter = found["interactionStatistic"]
    assert (counter["interactionType"], counter["userInteractionCount"]) == (
        {"@type": "LikeAction"},
        1,
    )
    article = found["sharedContent"]
    assert (article["@id"], article["license"]) == ("https://press.example/sea", {"@id": CC_BY})
    assert article["creditText"] == "Ann, Press"
    comment = found["comment"]
    assert (comment["@type"], comment["text"]) == ("Comment", "One\na\nb")
    assert comment["author"]["name"] == "Bo"
    assert comment["comment"]["text"] == "A reply"
    assert comment["@id"].endswith(f"#c-{top['comment']['id']}")


def discussed(server: SharedServer) -> list[dict[str, Any]]:
    """Return what is said of a discussion with all of it, and of one whose publisher said nothing."""
    claims = {
        "title": "Sea",
        "author": "Ann",
        "publisher": "Press",
        "url": "https://press.example/sea",
    }
    found = []
    for story in (server.story(**claims), server.story(license="LicenseRef-Own")):
        found.append(json.loads(head(server, story).json_ld))
        top = server.post(story, "**One**", name="Bo", website="https://bo.example/")
        server.post(story, "Without a name", parent=top["comment"]["id"])
        fields = {"comment": top["comment"]["id"], "reader": top["reader"], "body": "Two"}
        assert server.action(story, "edit", **fields).status_code == 200
        found.append(json.loads(head(server, story).json_ld))
    return found


def test_every_term_and_value_is_one_of_the_vocabulary(
    shared_server: SharedServer, tmp_path: Path
) -> None:
    """The types of schema-dts are made from schema.org's own vocabulary."""
    lines = [
        f'import type {{ DiscussionForumPosting, WithContext }} from "{MODULES}/schema-dts/dist/schema.js";',
        *(
            f"export const a{number}: WithContext<DiscussionForumPosting> = {json.dumps(one)};"
            for number, one in enumerate(discussed(shared_server))
        ),
    ]
    program = tmp_path / "found.ts"
    program.write_text("\n".join(lines), "utf-8")
    compiler = (node(), str(MODULES / "typescript/bin/tsc"), "--noEmit", "--strict")
    run = subprocess.run(
        [*compiler, "--skipLibCheck", "--module", "nodenext", str(program)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout


def test_the_posting_and_every_comment_have_what_search_engines_require(
    shared_server: SharedServer,
) -> None:
    for posting in discussed(shared_server):
        waiting = [posting]
        while waiting:
            one = waiting.pop()
            assert one["author"]["@type"] in {"Person", "Organization"}
            assert all((one["author"]["name"], one["text"], one["url"]))
            assert one["datePublished"].endswith("Z")
            waiting += one.get("comment", [])


def test_no_text_ends_the_element(shared_server: SharedServer) -> None:
    story = shared_server.story(title=HOSTILE, author=HOSTILE)
    shared_server.post(story, HOSTILE + "\u2028", name="</script>")
    found = head(shared_server, story)
    assert [script.get("type") or script["src"] for script in found.scripts] == [
        "application/ld+json",
        f"{shared_server.server.env['PUBLIC_URL']}/embed.js",
    ]
    fields = json.loads(found.json_ld)
    assert fields["headline"] == HOSTILE
    assert fields["comment"][0]["author"]["name"] == "</script>"


def test_a_removed_comment_is_described_nowhere(shared_server: SharedServer) -> None:
    story = shared_server.story()
    gone = shared_server.post(story, "secret words", name="Gone Person")
    comment = gone["comment"]["id"]
    shared_server.post(story, "a reply", parent=comment)
    shared_server.action(story, "delete", comment=comment, reader=gone["reader"])
    page = shared_server.http.get(f"/s/{story.code}").text
    assert "secret words" not in page
    assert "Gone Person" not in page
    assert posting(shared_server, story)["comment"]["text"] == "a reply"


def test_the_licence_and_the_credit_are_said_of_the_story_at_its_address(
    shared_server: SharedServer,
) -> None:
    url = "https://press.example/sea"
    story = shared_server.story(title="Sea", author="Ann", publisher="Press", url=url)
    found = head(shared_server, story)
    licences = [link for link in found.links if link.get("rel") == "license"]
    assert licences == [{"about": url, "rel": "license", "href": CC_BY}]
    said = {meta["property"]: meta["content"] for meta in found.meta if meta.get("about") == url}
    assert said == {
        "http://purl.org/dc/terms/title": "Sea",
        "http://creativecommons.org/ns#attributionName": "Ann, Press",
    }


def test_the_preview_card_and_the_feeds_are_named(shared_server: SharedServer) -> None:
    story = shared_server.story(title="Sea & “level”")
    shared_server.post(story, "one")
    found = head(shared_server, story)
    card = {meta["property"]: meta["content"] for meta in found.meta if "property" in meta}
    page = f"{shared_server.server.env['PUBLIC_URL']}/s/{story.code}"
    assert card["og:url"] == page
    assert "Sea & “level”" in (card["og:title"] or "")
    assert "1" in (card["og:description"] or "")
    named = {(link["rel"], link.get("type")): link["href"] for link in found.links}
    for kind, address in (("feed+json", f"{page}/feed.json"),):
        assert named["alternate", f"application/{kind}"] == address
    for link in found.links:
        if link.get("type"):
            path = (link["href"] or "").removeprefix(shared_server.server.env["PUBLIC_URL"])
            assert shared_server.http.get(path).status_code == 200, link
