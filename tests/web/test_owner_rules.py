"""Rules and the learned filter over the owner API."""

import json
import uuid
from typing import Any

import pytest

from tests.e2e.publisher import Story
from tests.waiting import eventually
from tests.web.owner_program import Program, program
from tests.web.shared_server import SharedServer

NEW: dict[str, Any] = {
    "name": "Casinos",
    "kind": "words",
    "words": ["casino*"],
    "guideline": "No advertising.",
}


def site_of(server: SharedServer) -> tuple[Program, Story]:
    """Return a program of a new site, and a story."""
    site = f"r{uuid.uuid4().hex[:8]}"
    publisher = server.site(site)
    return program(server, site=site), publisher.story()


def said(server: SharedServer, story: Story, body: str, **fields: Any) -> Any:
    """Send a comment and return the answer, whatever it is."""
    return server.action(story, "comment", body=body, key=str(uuid.uuid4()), **fields)


async def test_a_rule_is_added_tried_turned_on_changed_and_removed(
    shared_server: SharedServer,
) -> None:
    mine, story = site_of(shared_server)
    removed = said(shared_server, story, "the CASINO").json()["comment"]["id"]
    mine.do("/decisions", {"verb": "remove", "targets": [removed]})
    said(shared_server, story, "casinos are fine")
    tried = mine.do("/rules:try", NEW)
    assert (tried["tried"], tried["caught"], tried["removed"], tried["open"]) == (2, 2, 1, 1)
    assert [one["text"] for one in tried["samples"]] == ["casinos are fine"]
    assert tried["samples"][0]["spans"] == [{"start": 0, "end": 6}]
    added = mine.do("/rules", NEW)
    assert (added["mode"], added["words"]) == ("shadow", ["casino*"])
    path = f"/rules/{added['id']}"
    turned = mine.send("PATCH", path, {"mode": "on"})
    assert turned.json()["mode"] == "on", turned.text

    async def is_held() -> bool:
        answer = said(shared_server, story, f"casino {uuid.uuid4().hex}")
        return bool(answer.json()["comment"]["state"] == "pending")

    await eventually(is_held, "the rule holds", timeout=5, pause=0.3)
    [listed] = mine.read("/rules")["rules"]
    assert listed["hits"]["held"] >= 1
    hits = mine.read(f"{path}/hits")["hits"]
    assert hits[0]["held"] is True
    assert hits[0]["outcome"] == "open"
    changed = mine.send("PATCH", path, {"add_words": ["jackpot"], "guideline": None}).json()
    assert (changed["mode"], changed["words"]) == ("shadow", ["casino*", "jackpot"])
    assert changed["guideline"] is None
    logged = mine.read("/log?verb=rules")
    assert len(logged["decisions"]) == 3
    assert "jackpot" not in json.dumps(logged)
    assert mine.send("DELETE", path).status_code == 200
    assert mine.send("DELETE", path).status_code == 404


async def test_a_blocked_comment_gets_the_guideline_and_a_kind_question_only_who_can_show_it(
    shared_server: SharedServer,
) -> None:
    mine, story = site_of(shared_server)
    rule = mine.do("/rules", NEW | {"ask": True})["id"]
    mine.send("PATCH", f"/rules/{rule}", {"mode": "on"})

    async def is_asked() -> Any:
        answer = said(shared_server, story, f"casino {uuid.uuid4().hex}", reconsider=True)
        return answer if answer.status_code != 200 else None

    asked = await eventually(is_asked, "the rule asks", timeout=5, pause=0.3)
    assert asked.status_code == 422
    assert (asked.json()["code"], asked.json()["detail"]) == ("reconsider", "No advertising.")
    old = said(shared_server, story, "casino for an old client")
    assert old.json()["comment"]["state"] == "pending"
    key = str(uuid.uuid4())
    draft: dict[str, Any] = {"body": "casino draft", "key": key, "reconsider": True}
    assert shared_server.action(story, "comment", **draft).status_code == 422
    assert shared_server.action(story, "comment", **draft).json()["comment"]["state"] == "pending"
    mine.send("PATCH", f"/rules/{rule}", {"action": "block", "mode": "on"})

    async def is_blocked() -> Any:
        answer = said(shared_server, story, f"casino {uuid.uuid4().hex}")
        return answer if answer.status_code != 200 else None

    blocked = await eventually(is_blocked, "the rule blocks", timeout=5, pause=0.3)
    assert blocked.status_code == 422
    assert (blocked.json()["code"], blocked.json()["detail"]) == ("text_refused", "No advertising.")


async def test_a_list_of_10000_entries_is_imported_in_one_request_and_its_change_is_undone(
    shared_server: SharedServer,
) -> None:
    mine, _ = site_of(shared_server)
    lines = [f"entry {number};{'de' if number % 10 else 'fr'}" for number in range(10_000)]
    file = "\n".join(["word;language", *lines])
    added = mine.do(
        "/rules", {"name": "Long", "kind": "words", "languages": ["de"], "word_list": file}
    )
    assert (len(added["words"]), added["left_out"]) == (9_000, {"fr": 1_000})
    path = f"/rules/{added['id']}"
    fewer = mine.send("PATCH", path, {"words": ["casino"], "exceptions": ["the old casino"]}).json()
    assert (fewer["words"], fewer["exceptions"]) == (["casino"], ["the old casino"])
    wrong = mine.send("PATCH", path, {"word_list": "fine\n…\n" + "x" * 101})
    assert wrong.status_code == 400
    assert wrong.json()["field"] == "words"
    assert wrong.json()["detail"].startswith("Line 2: ")
    assert "Line 3: " in wrong.json()["detail"]
    change = mine.read("/log?verb=rules")["decisions"][0]["id"]
    mine.do(f"/decisions/{change}:undo", {})
    [rule] = mine.read("/rules")["rules"]
    assert (len(rule["words"]), rule["exceptions"]) == (9_000, [])


async def test_an_exception_is_made_of_a_comment_and_those_who_think_again_are_counted(
    shared_server: SharedServer,
) -> None:
    mine, story = site_of(shared_server)
    wrong = said(shared_server, story, "Meet at the casino museum today").json()["comment"]["id"]
    rule = mine.do("/rules", NEW | {"ask": True})
    path = f"/rules/{rule['id']}"
    milder = mine.send("PATCH", path, {"except_comment": wrong}).json()
    assert milder["exceptions"] == ["at the casino museum today"]
    assert mine.send("PATCH", path, {"except_comment": "000000000000"}).status_code == 404
    mine.send("PATCH", path, {"mode": "on"})

    async def is_asked() -> Any:
        key, first = str(uuid.uuid4()), str(uuid.uuid4())
        fields: dict[str, Any] = {"first": first, "reconsider": True}
        answer = shared_server.action(story, "comment", body="casino", key=key, **fields)
        return fields if answer.status_code == 422 else None

    asked = await eventually(is_asked, "the rule asks", timeout=5, pause=0.3)
    key = str(uuid.uuid4())
    shared_server.action(story, "comment", body="a theatre", key=key, **asked)
    [listed] = mine.read("/rules")["rules"]
    assert (listed["asked"], listed["edited"], listed["insisted"]) == (1, 1, 0)
    passed = said(shared_server, story, "We meet at the casino museum today").json()["comment"]
    assert passed["state"] == "published"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        (NEW | {"kind": "magic"}, "kind"),
        (NEW | {"words": []}, "words"),
        (NEW | {"words": ["x" * 101]}, "words"),
        (NEW | {"story": "no"}, "story"),
        (NEW | {"limit": -1}, "limit"),
    ],
)
def test_a_wrong_rule_is_refused_with_the_name_of_its_field(
    shared_server: SharedServer, body: dict[str, Any], field: str
) -> None:
    answer = program(shared_server).post("/rules", body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["field"].startswith(field)


def test_the_learned_filter_is_shown_and_started_and_does_not_hold_too_early(
    shared_server: SharedServer,
) -> None:
    mine, _ = site_of(shared_server)
    found = mine.read("/learner")
    assert (found["mode"], found["bad_needed"], found["good_needed"]) == ("off", 100, 1000)
    assert mine.send("PATCH", "/learner", {"mode": "shadow", "rate": 30}).json()["rate"] == 30
    refused = mine.send("PATCH", "/learner", {"mode": "on"})
    assert (refused.status_code, refused.json()["field"]) == (400, "mode")
    assert mine.send("PATCH", "/learner", {"rate": 11}).status_code == 400
    assert (
        program(shared_server, "read_rules", site=mine.site)
        .send("PATCH", "/learner", {"mode": "off"})
        .status_code
        == 403
    )
