"""Bans, objections and statements of reasons over the owner API."""

import csv
import io
from datetime import UTC, datetime, timedelta

from tests.web.owner_program import program
from tests.web.shared_server import SharedServer


def test_a_program_bans_lists_lifts_and_the_reader_is_told(shared_server: SharedServer) -> None:
    mine, story = program(shared_server), shared_server.story()
    posted = shared_server.post(story, "a bad word")
    comment, reader = posted["comment"]["id"], posted["reader"]
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
    until = tomorrow.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    body = {"comment": comment, "until": until, "reason": "attack"}
    made = mine.do("/bans", body)
    refused = shared_server.action(story, "react", reaction="sad", reader=reader)
    assert (refused.status_code, refused.json()["code"]) == (403, "banned")
    own = shared_server.action(story, "mine", reader=reader).json()
    assert (own["ban"]["until"], own["ban"]["reason"], own["ban"]["by"]) == (
        until,
        "attack",
        "rule",
    )
    (listed,) = [one for one in mine.read("/bans?limit=100")["bans"] if one["comment"] == comment]
    assert (listed["id"], listed["story"], listed["kind"]) == (
        made["decision"],
        story.code,
        "reader",
    )
    assert mine.do("/bans", body)["decision"] is None
    lifted = mine.do(f"/bans/{comment}:lift", {"note": "a mistake"})
    assert lifted["decision"]
    assert shared_server.action(story, "react", reaction="sad", reader=reader).status_code == 200
    assert mine.post(f"/bans/{made['decision']}:lift").status_code == 404
    entries = mine.read(f"/log?comment={comment}")["decisions"]
    assert [one["verb"] for one in entries] == ["unban", "ban"]
    assert reader not in str(entries)


def test_an_objection_waits_with_its_words_and_a_key_of_the_same_maker_cannot_answer_it(
    shared_server: SharedServer,
) -> None:
    mine, story = program(shared_server), shared_server.story()
    posted = shared_server.post(story, "not so bad")
    comment, reader = posted["comment"]["id"], posted["reader"]
    made = mine.do("/decisions", {"verb": "remove", "targets": [comment], "reason": "hate"})
    told = shared_server.action(
        story, "appeal", comment=comment, text="It is a quotation.", reader=reader
    )
    assert told.status_code == 200, told.text
    cases = mine.read("/cases?queue=appeals&limit=100")["cases"]
    (case,) = [one for one in cases if one["comment"]["id"] == comment]
    (appeal,) = case["appeals"]
    assert (appeal["decision"], appeal["text"]) == (
        made["done"][0]["decision"],
        "It is a quotation.",
    )
    (refused,) = mine.do("/decisions", {"verb": "uphold", "targets": [comment]})["refused"]
    assert refused["code"] == "not_permitted"


def test_statements_are_a_whole_file_without_names_and_words(shared_server: SharedServer) -> None:
    mine, story = program(shared_server), shared_server.story()
    posted = shared_server.post(story, "secret words", name="Rita Secret")
    comment = posted["comment"]["id"]
    made = mine.do("/decisions", {"verb": "remove", "targets": [comment], "reason": "copyright"})
    answer = mine.get("/log?format=dsa")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    rows = {one["puid"]: one for one in csv.DictReader(io.StringIO(answer.text))}
    row = rows[made["done"][0]["decision"]]
    assert row["category"] == "STATEMENT_CATEGORY_INTELLECTUAL_PROPERTY_INFRINGEMENTS"
    assert row["decision_ground"] == "DECISION_GROUND_ILLEGAL_CONTENT"
    assert row["automated_decision"] == "AUTOMATED_DECISION_PARTIALLY"
    assert "secret" not in answer.text.lower()
    assert program(shared_server, "read_log").get("/log?format=dsa").status_code == 403
