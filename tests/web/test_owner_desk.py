"""What is new, watch-lists and the cases of one, over HTTP with a key; and that no note reaches readers."""

import json
import uuid

import pytest

from tests.e2e.publisher import Publisher, Story
from tests.waiting import wait_until
from tests.web.owner_program import program
from tests.web.shared_server import SharedServer, rejection


def fresh(server: SharedServer) -> Publisher:
    """Make a site of its own, so that other tests write nothing into it."""
    return server.site(f"d{uuid.uuid4().hex[:8]}")


def story_of(server: SharedServer, publisher: Publisher) -> Story:
    """Return a story of this publisher that a page carries."""
    story = publisher.story()
    server.register(story)
    return story


def test_a_key_lists_what_came_in_marks_what_it_saw_and_takes_it_back(
    shared_server: SharedServer,
) -> None:
    publisher = fresh(shared_server)
    mine = program(shared_server, site=publisher.site)
    story = story_of(shared_server, publisher)
    ids = [shared_server.post(story, f"new {n}")["comment"]["id"] for n in range(5)]

    def new(query: str = "") -> list[str]:
        return [one["id"] for one in mine.read(f"/new{query}")["comments"]]

    wait_until(lambda: new() == ids, "comments are new after five seconds", 20)
    first = mine.read("/new?limit=2")
    second = mine.read(f"/new?limit=2&after={first['next']}")
    assert [one["body"] for one in (*first["comments"], *second["comments"])] == [
        f"new {n}" for n in range(4)
    ]
    assert mine.do("/new:seen", {"comment": ids[2]}) == {"comment": ids[2], "seen": True}
    assert new() == ids[3:]
    assert mine.do("/new:seen", {"comment": ids[1], "seen": False})["seen"] is False
    assert new() == ids[1:]
    other = program(shared_server, "read", site=mine.site)
    assert len(other.read("/new")["comments"]) == 5, "each key has its own mark"
    assert rejection(other.post("/new:seen", {"comment": ids[0]}))[0] == 403
    elsewhere = program(shared_server, site=fresh(shared_server).site)
    assert rejection(elsewhere.post("/new:seen", {"comment": ids[0]}))[0] == 404
    assert rejection(mine.get("/new?after=x"))[0] == 400
    mine.do("/decisions", {"verb": "remove", "targets": [ids[4]]})
    assert new() == ids[1:4]


def test_a_watch_list_narrows_cases_and_what_is_taken(shared_server: SharedServer) -> None:
    publisher = fresh(shared_server)
    mine = program(shared_server, site=publisher.site)
    here, there = (story_of(shared_server, publisher) for _ in range(2))
    for story, words in ((here, "here"), (there, "there")):
        comment = shared_server.post(story, words)["comment"]["id"]
        done = shared_server.action(story, "report", comment=comment, category="hate")
        assert done.status_code == 200, done.text
    made = mine.do("/watch_lists", {"name": "Here", "stories": [here.code]})
    assert mine.read("/watch_lists")["watch_lists"] == [made]
    assert (made["name"], made["stories"], made["top"]) == ("Here", [here.code], None)
    query = f"/cases?queue=reported&watch={made['id']}"
    assert [one["comment"]["body"] for one in mine.read(query)["cases"]] == ["here"]
    taken = mine.do("/cases:take", {"queue": "reported", "watch": made["id"]})["cases"]
    assert [one["comment"]["body"] for one in taken] == ["here"]
    assert (taken[0]["harm"], taken[0]["trust"]) == ("high", "middle")
    assert mine.send("DELETE", f"/watch_lists/{made['id']}").json() == {"changed": True}
    assert mine.read("/watch_lists")["watch_lists"] == []
    assert rejection(mine.get(query))[0] == 404
    assert rejection(mine.send("DELETE", f"/watch_lists/{made['id']}"))[0] == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "x"}, 400),
        ({"name": "", "top": 1}, 422),
        ({"name": "x", "top": 0}, 400),
        ({"name": "x", "newer_than": 10_000}, 400),
        ({"name": "x", "stories": ["000000000000"]}, 404),
        ({"name": "x", "origin": "javascript:alert(1)"}, 400),
        ({"name": "x", "lang": "<b>"}, 400),
    ],
)
def test_a_wrong_watch_list_is_refused(
    shared_server: SharedServer, body: dict[str, object], status: int
) -> None:
    answer = program(shared_server).post("/watch_lists", body)
    assert answer.status_code == status, answer.text


def test_case_by_case_a_program_takes_decides_and_gives_back(shared_server: SharedServer) -> None:
    publisher = fresh(shared_server)
    mine = program(shared_server, site=publisher.site)
    other = program(shared_server, site=mine.site)
    story = story_of(shared_server, publisher)
    for number in range(3):
        comment = shared_server.post(story, f"case {number}")["comment"]["id"]
        shared_server.action(story, "report", comment=comment, category="spam")
    (card,) = mine.do("/cases:take", {"queue": "reported", "limit": 1})["cases"]
    assert card["taken_until"] is not None
    theirs = other.do("/cases:take", {"queue": "reported"})["cases"]
    assert card["id"] not in [one["id"] for one in theirs]
    assert len(theirs) == 2
    shown = mine.read(f"/cases/{card['id']}")
    assert (shown["comment"]["body"], shown["reports"][0]["category"]) == ("case 0", "spam")
    done = mine.do(f"/cases/{card['id']}:decide", {"verb": "remove", "reason": "spam"})
    assert (done["state"], done["comment"]) == ("removed", card["comment"]["id"])
    again = other.post(f"/cases/{card['id']}:decide", {"verb": "approve"})
    assert rejection(again) == (409, "stale")
    assert other.do("/cases:give_back")["given_back"] == 2
    assert len(mine.do("/cases:take", {"queue": "reported"})["cases"]) == 2


def test_a_note_is_in_no_answer_page_feed_or_frame_that_readers_get(
    shared_server: SharedServer,
) -> None:
    note = f"a note {uuid.uuid4().hex}"
    mine, story = program(shared_server), shared_server.story()
    ids = [shared_server.post(story, f"noted {n}")["comment"]["id"] for n in range(2)]
    with shared_server.http.stream(
        "GET", f"/v1/stories/{story.code}/events", headers={"Accept": "text/event-stream"}
    ) as frames:
        lines = frames.iter_lines()
        next(lines)
        mine.do(
            "/decisions", {"verb": "remove", "targets": [ids[0]], "note": note, "reason": "hate"}
        )
        mine.do("/decisions", {"verb": "pin", "targets": [ids[1]], "note": note})
        seen = ""
        for line in lines:
            seen += line
            if '"pinned":true' in line.replace(" ", ""):
                break
    assert note not in seen
    assert ids[0] in seen
    for path in (
        f"/v1/stories/{story.code}",
        f"/v1/stories/{story.code}/comments",
        f"/v1/stories/{story.code}/comments/{ids[1]}",
        f"/s/{story.code}",
        f"/s/{story.code}/feed.atom",
        f"/s/{story.code}/feed.json",
        f"/e/{story.code}",
    ):
        answer = shared_server.http.get(path)
        assert answer.status_code < 500, path
        assert note not in answer.text, path
    logged = mine.read(f"/log?comment={ids[0]}")
    assert note not in json.dumps(logged), "no key reads notes"
    assert note not in shared_server.server.log()
