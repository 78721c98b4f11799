"""Tags and notes over HTTP with a key and by commands; and that none of them reaches readers."""

import json
import uuid

import httpx

from tests.loopback import NO_TLS
from tests.web.owner_program import program
from tests.web.shared_server import SharedServer, rejection


def test_a_key_tags_lists_and_takes_tags_off(shared_server: SharedServer) -> None:
    publisher = shared_server.site(f"t{uuid.uuid4().hex[:8]}", "tags=urgent, good quote")
    mine = program(shared_server, site=publisher.site)
    assert mine.read("")["settings"]["tags"] == ["urgent", "good quote"]
    story = publisher.story()
    shared_server.register(story)
    ids = [shared_server.post(story, f"tagged {n}")["comment"]["id"] for n in range(3)]
    done = mine.do("/decisions", {"verb": "tag", "tag": "URGENT", "targets": ids})
    assert [one["comment"] for one in done["done"]] == ids
    again = mine.do("/decisions", {"verb": "tag", "tag": "urgent", "targets": ids[:1]})
    assert again["done"][0]["decision"] is None
    first = mine.read("/comments?tag=urgent&limit=2")
    second = mine.read(f"/comments?tag=urgent&limit=2&after={first['next']}")
    assert [one["id"] for one in (*first["comments"], *second["comments"])] == ids[::-1]
    assert first["comments"][0]["tags"] == ["urgent"]
    assert mine.read(f"/comments/{ids[0]}")["tags"] == ["urgent"]
    refused = mine.post("/decisions", {"verb": "tag", "tag": "other", "targets": ids[:1]})
    assert (refused.status_code, refused.json()["field"]) == (400, "tag")
    assert "one of these tags: urgent, good quote" in refused.json()["detail"]
    mine.do("/decisions", {"verb": "untag", "tag": "urgent", "targets": ids[1:]})
    assert [one["id"] for one in mine.read("/comments?tag=urgent")["comments"]] == ids[:1]
    undone = mine.do(f"/decisions/{done['batch']}:undo")
    assert [one["comment"] for one in undone["done"]] == ids[:1]
    reader = program(shared_server, "read", "pin", site=publisher.site)
    answer = reader.post("/decisions", {"verb": "tag", "tag": "urgent", "targets": ids})
    assert rejection(answer)[0] == 403


def test_cases_and_watch_lists_are_narrowed_to_a_tag(shared_server: SharedServer) -> None:
    publisher = shared_server.site(f"t{uuid.uuid4().hex[:8]}", "tags=urgent", "moderation=pre")
    mine = program(shared_server, site=publisher.site)
    story = publisher.story()
    shared_server.register(story)
    ids = [shared_server.post(story, f"tagged {n}")["comment"]["id"] for n in range(2)]
    (case,) = [one for one in mine.read("/cases")["cases"] if one["comment"]["id"] == ids[0]]
    decided = mine.do(f"/cases/{case['id']}:decide", {"verb": "tag", "tag": "urgent"})
    assert (decided["comment"], decided["state"]) == (ids[0], "pending")
    made = mine.do("/watch_lists", {"name": "Urgent", "tag": "urgent"})
    assert made["tag"] == "urgent"
    for query in ("tag=urgent", f"watch={made['id']}"):
        assert [one["id"] for one in mine.read(f"/cases?{query}")["cases"]] == [case["id"]]
    taken = mine.do("/cases:take", {"tag": "urgent"})["cases"]
    assert [one["comment"]["tags"] for one in taken] == [["urgent"]]
    site = publisher.site
    listed = json.loads(shared_server.cli("queue", "list", site, "--tag", "urgent", "--json"))
    assert [one["comment"] for one in listed] == ids[:1]
    shared_server.cli("comment", "untag", *ids, "--tag", "urgent")
    assert json.loads(shared_server.cli("queue", "list", site, "--tag", "urgent", "--json")) == []
    shared_server.cli("comment", "tag", *ids, "--tag", "urgent")
    found = json.loads(shared_server.cli("comment", "list", site, "--tag", "urgent", "--json"))
    assert [(one["id"], one["tags"]) for one in found] == [(id_, ["urgent"]) for id_ in ids[::-1]]
    assert "Tags: urgent" in shared_server.cli("comment", "show", ids[0])


def person_of(shared_server: SharedServer, site: str) -> str:
    """Return the account of a new moderator, made by an invitation."""
    invite = ("people", "invite", "--role", "moderator", "--site", site)
    link = shared_server.cli(*invite).split()[0]
    own = {"Sec-Fetch-Site": "same-origin"}
    with httpx.Client(
        base_url=shared_server.url, trust_env=False, verify=NO_TLS, headers=own
    ) as http:
        http.post(f"/admin/link/{link.rpartition('/')[2]}", data={"press": "1"})
        name = f"Lea {site}"
        fields = {"name": name, "email": f"{site}@post.example", "password": "six boats on a ferry"}
        assert http.post("/admin/welcome", data=fields).status_code == 303
    people = json.loads(shared_server.cli("people", "list", "--site", site, "--json"))
    return str(next(one["id"] for one in people if one["name"] == name))


def test_tags_and_notes_are_in_no_answer_page_feed_file_or_frame_that_readers_get(
    shared_server: SharedServer,
) -> None:
    tag, note = f"tag-{uuid.uuid4().hex[:12]}", f"note-{uuid.uuid4().hex[:12]}"
    publisher = shared_server.site(
        f"t{uuid.uuid4().hex[:8]}", f"tags={tag}, other", "website=optional"
    )
    mine, story = program(shared_server, site=publisher.site), publisher.story(title="Sea")
    shared_server.register(story)
    account = person_of(shared_server, publisher.site)
    ids = [shared_server.post(story, f"tagged {n}", name="Ana")["comment"]["id"] for n in range(3)]
    with shared_server.http.stream(
        "GET", f"/v1/stories/{story.code}/events", headers={"Accept": "text/event-stream"}
    ) as frames:
        lines = frames.iter_lines()
        next(lines)
        mine.do("/decisions", {"verb": "tag", "tag": tag, "targets": ids})
        mine.do(
            "/decisions", {"verb": "remove", "targets": ids[:1], "reason": "hate", "note": note}
        )
        shared_server.action(story, "report", comment=ids[1], reason="spam")
        (case,) = mine.read("/cases?queue=reported")["cases"]
        handed = mine.do(f"/cases/{case['id']}:hand_over", {"to": account, "note": note})
        assert handed["handed_to"] == account
        assert mine.read(f"/cases/{case['id']}")["handed_to"] == account
        mine.do("/decisions", {"verb": "feature", "targets": ids[1:]})
        mine.do("/decisions", {"verb": "pin", "targets": ids[2:]})
        seen = ""
        for line in lines:
            seen += line
            if '"pinned":true' in line.replace(" ", ""):
                break
    assert tag not in seen
    assert note not in seen
    assert ids[0] in seen
    for path in (
        f"/v1/stories/{story.code}",
        f"/v1/stories/{story.code}/comments",
        f"/v1/stories/{story.code}/comments/{ids[1]}",
        f"/v1/counts?stories={story.code}",
        f"/s/{story.code}",
        f"/s/{story.code}/write",
        f"/s/{story.code}/feed.atom",
        f"/s/{story.code}/feed.json",
        f"/s/{story.code}/featured.atom",
        f"/s/{story.code}/featured.json",
        f"/s/{story.code}/discussion.txt",
        f"/s/{story.code}/discussion.json",
        f"/s/{story.code}/discussion.html",
        f"/s/{story.code}/replies",
        f"/sites/{publisher.site}/featured.atom",
        f"/sites/{publisher.site}/feed.atom",
        f"/e/{story.code}",
    ):
        answer = shared_server.http.get(path)
        assert answer.status_code < 500, path
        assert tag not in answer.text, path
        assert note not in answer.text, path
    own = shared_server.action(story, "report", comment=ids[1], reason="spam")
    assert tag not in own.text
    assert tag in json.dumps(mine.read(f"/log?comment={ids[1]}")), "the site's log names it"
    name = f"Lea {publisher.site}"
    listed = shared_server.cli(
        "queue", "list", publisher.site, "--queue", "mine", "--as", name, "--json"
    )
    assert [one["handed_to"] for one in json.loads(listed)] == [name]
    assert tag not in shared_server.server.log()
    assert note not in shared_server.server.log()
