"""Error reports over HTTP: a reader without sockets, and programs of the publisher."""

import uuid

from tests.web.owner_program import program
from tests.web.shared_server import SharedServer, rejection


def test_a_program_lists_follows_and_declines_what_readers_report(
    shared_server: SharedServer,
) -> None:
    mine, story = program(shared_server), shared_server.story(title="The boat")
    fields = {"text": "It was 1961.", "passage": "in 1971", "credit": "Ann"}
    first = shared_server.action(story, "hint", **fields)
    assert first.status_code == 200, first.text
    reader, name = first.json()["reader"], first.json()["hint"]["id"]
    second = shared_server.action(story, "hint", text="Is it so?", reader=reader).json()["hint"]
    listed = mine.read(f"/hints?story={story.code}")["hints"]
    assert [one["id"] for one in listed] == [name, second["id"]]
    assert (listed[0]["queue"], listed[0]["comment"], listed[0]["title"]) == (
        "corrections",
        None,
        "The boat",
    )
    assert [(one["given"], one["followed"]) for one in listed] == [(0, 0), (1, 0)]
    page = mine.read(f"/hints?story={story.code}&limit=1")
    rest = mine.read(f"/hints?story={story.code}&limit=1&after={page['next']}")
    assert [page["hints"][0]["id"], rest["hints"][0]["id"]] == [name, second["id"]]
    before = mine.read("")["waiting"]["corrections"]
    made = mine.do(f"/hints/{name}:accept", {"text": "Built in 1961.", "answer": "Thank you."})
    assert (made["passage"], made["credit"]) == ("in 1971", "Ann")
    declined = mine.do(f"/hints/{second['id']}:decline")
    assert mine.read("")["waiting"]["corrections"] == before - 2
    newest, oldest = shared_server.action(story, "mine", reader=reader).json()["mine"]["hints"]
    assert (oldest["state"], oldest["correction"], oldest["answer"]) == (
        "accepted",
        made["id"],
        "Thank you.",
    )
    assert (newest["state"], "answer" in newest) == ("declined", False)
    assert [one["id"] for one in shared_server.snapshot(story)["story"]["corrections"]] == [
        made["id"]
    ]
    stale = mine.post(f"/hints/{name}:decline")
    assert (stale.status_code, stale.json()["code"]) == (409, "stale")
    entries = mine.read(f"/log?story={story.code}")["decisions"]
    assert [(one["verb"], one["targets"]) for one in entries] == [
        ("reject", [f"hint:{second['id']}"]),
        ("correct", []),
    ]
    assert entries[1]["after"]["hint"] == name
    for decision in (made["id"], declined["decision"]):
        mine.do(f"/decisions/{decision}:undo")
    listed = mine.read(f"/hints?story={story.code}")["hints"]
    assert [one["id"] for one in listed] == [name, second["id"]]


def test_a_key_without_the_scope_and_wrong_requests_are_refused(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story()
    name = shared_server.action(story, "hint", text="It was 1961.").json()["hint"]["id"]
    reads = program(shared_server, "read", "approve", "undo")
    assert reads.get("/hints").status_code == 403
    assert reads.post(f"/hints/{name}:decline").status_code == 403
    mine = program(shared_server)
    assert mine.post("/hints/missing:accept", {"text": "Words."}).status_code == 404
    assert mine.post(f"/hints/{name}:accept", {}).status_code == 400
    wrong = mine.post(f"/hints/{name}:accept", {"text": "Words.", "texts": {"x y": "z"}})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "texts")
    declined = mine.do(f"/hints/{name}:decline")
    refused = reads.post(f"/decisions/{declined['decision']}:undo")
    assert refused.status_code == 403


def test_a_repeated_action_is_one_hint_and_reading_makes_no_reader(
    shared_server: SharedServer,
) -> None:
    story, first = shared_server.story(), str(uuid.uuid4())
    one, again = [
        shared_server.action(story, "hint", text="It was 1961.", first=first).json()
        for _ in range(2)
    ]
    assert one["hint"] == again["hint"]
    assert again["mine"]["hints"] == [one["hint"]]
    for number in range(2):
        sent = {"text": f"no. {number}", "reader": one["reader"]}
        assert shared_server.action(story, "hint", **sent).status_code == 200
    refused = shared_server.action(story, "hint", text="Another one.", reader=one["reader"])
    assert rejection(refused) == (429, "rate_limited")
    assert "hints" not in shared_server.action(story, "mine").json()["mine"]
