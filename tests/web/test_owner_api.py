"""The owner API over HTTP: keys, repetition, conditions, and what each operation does."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.loopback import NO_TLS
from tests.web.owner_program import Program, program
from tests.web.shared_server import PAGE, SharedServer, rejection
from widget_server.model.decisions import QUEUES


def owner_rejection(answer: object) -> tuple[int, str]:
    """Return status and code of a problem of the owner API, without its further members."""
    content = answer.json()  # type: ignore[attr-defined]
    assert set(content) <= {
        "type", "title", "status", "code", "detail", "retry_after", "field", "later", "version",
    }, content  # fmt: skip
    assert content["detail"].endswith("."), content
    return content["status"], content["code"]


def new_key() -> str:
    return str(uuid.uuid4())


# Keys ---------------------------------------------------------------------------------------------


def test_no_key_a_wrong_one_and_an_ended_one_get_one_answer(shared_server: SharedServer) -> None:
    ended = program(shared_server, "read", "read_people", "key")
    own = ended.read("/keys")["keys"]
    for one in own:
        if one["scopes"] == ["key", "read", "read_people"]:
            assert ended.send("DELETE", f"/keys/{one['id']}").status_code in {200, 401}
    answers = [
        shared_server.http.get("/v1/sites/press", headers=headers)
        for headers in (
            {},
            {"Authorization": f"Bearer {ended.key}"},
            {"Authorization": f"Bearer {ended.key[:-1]}x"},
            {"Authorization": f"Basic {ended.key}"},
            {"Cookie": f"__Host-session={ended.key}; local-session={ended.key}"},
        )
    ]
    assert {answer.text for answer in answers} == {answers[0].text}
    for answer in answers:
        assert rejection(answer) == (401, "token_invalid")
        assert answer.headers["www-authenticate"].startswith("Bearer ")


def test_a_key_sees_neither_another_site_nor_whether_it_exists(shared_server: SharedServer) -> None:
    shared_server.site(other := f"o{uuid.uuid4().hex[:8]}")
    mine = program(shared_server)
    answers = [Program(shared_server.http, site, mine.key).get("") for site in (other, "nowhere")]
    assert [rejection(answer) for answer in answers] == [(404, "not_found")] * 2
    assert answers[0].text == answers[1].text


def test_no_key_is_in_the_log(shared_server: SharedServer) -> None:
    mine = program(shared_server)
    mine.read("")
    mine.do("/keys", {"label": "child", "scopes": ["read"]})
    Program(shared_server.http, "press", mine.key[:-3] + "abc").get("")
    assert "wsk_" not in shared_server.server.log()


def test_every_page_may_ask_but_no_answer_depends_on_a_cookie(shared_server: SharedServer) -> None:
    preflight = shared_server.http.options(
        "/v1/sites/press",
        headers={
            "Origin": "https://evil.example",
            "Access-Control-Request-Method": "PATCH",
            "Access-Control-Request-Headers": "authorization, idempotency-key, if-match",
        },
    )
    allowed = preflight.headers["access-control-allow-headers"].lower().split(", ")
    assert {"authorization", "idempotency-key", "if-match"} <= set(allowed)
    assert {"PATCH", "DELETE"} <= set(preflight.headers["access-control-allow-methods"].split(", "))
    answer = program(shared_server).get("", Origin="https://evil.example")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"


# Bad input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/decisions", {"verb": "burn", "targets": ["a"]}, "verb"),
        ("/decisions", {"verb": "remove", "targets": []}, "targets"),
        ("/decisions", {"verb": "remove"}, "targets"),
        ("/tokens", {"story": "a\nb", "origins": ["*"]}, "story"),
        ("/tokens", {"story": "a", "origins": ["*"], "can": ["fly"]}, "can.0"),
        ("/invitations", {"role": "king"}, "role"),
        ("/keys", {"label": "x", "scopes": ["read"], "days": 0}, "days"),
    ],
)
def test_a_wrong_body_is_refused_with_the_name_of_the_field(
    shared_server: SharedServer, path: str, body: object, field: str
) -> None:
    answer = program(shared_server).post(path, body)
    assert owner_rejection(answer) == (400, "malformed"), answer.text
    assert answer.json()["field"].startswith(field)
    assert answer.json()["detail"].startswith(field)


def test_what_is_no_json_too_long_or_of_another_type_is_refused(
    shared_server: SharedServer,
) -> None:
    mine = program(shared_server)
    auth = {"Authorization": f"Bearer {mine.key}"}
    url = "/v1/sites/press/decisions"
    sent: list[tuple[bytes, str, int]] = [
        (b"{", "application/json", 400),
        (b"[1]", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"{}", "text/plain", 415),
        (b" " * 62_000, "application/json", 413),
    ]
    for body, media, status in sent:
        answer = shared_server.http.post(url, content=body, headers=auth | {"Content-Type": media})
        assert owner_rejection(answer)[0] == status, answer.text


def test_unknown_fields_are_passed_over(shared_server: SharedServer) -> None:
    minted = program(shared_server).do(
        "/tokens", {"story": f"s-{new_key()}", "origins": ["*"], "colour": "red"}
    )
    assert minted["token"].startswith("w1.press.")


@pytest.mark.parametrize("list_of", ["stories", "comments", "log", "copies", "tokens", "cases"])
def test_a_wrong_cursor_is_refused(shared_server: SharedServer, list_of: str) -> None:
    answer = program(shared_server).get(f"/{list_of}?after=WyJuZXdlc3QiLDQxXQ")
    assert owner_rejection(answer) == (400, "malformed"), answer.text


# Repetition ---------------------------------------------------------------------------------------


def test_a_request_that_is_sent_again_is_done_once_and_shows_no_secret_again(
    shared_server: SharedServer,
) -> None:
    mine, key = program(shared_server), new_key()
    body = {"story": f"s-{new_key()}", "origins": ["https://copy.example"]}
    first = mine.post("/tokens", body, Idempotency_Key=key)
    again = mine.post("/tokens", body, Idempotency_Key=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert first.json()["token"]
    assert again.json()["token"] is None
    assert again.json()["snippets"] is None
    assert first.json()["jti"] == again.json()["jti"]
    assert mine.read(f"/tokens?q={first.json()['jti'][:40]}")["total"] == 1
    for path, made in (
        ("/invitations", {"role": "auditor"}),
        ("/keys", {"label": "child", "scopes": ["read"]}),
    ):
        key = new_key()
        once, twice = (mine.do(path, made, Idempotency_Key=key) for _ in range(2))
        assert once["id"] == twice["id"]
        secret = "url" if path == "/invitations" else "key"
        assert once[secret]
        assert twice[secret] is None


def test_an_idempotency_key_is_for_one_request_of_one_api_key(shared_server: SharedServer) -> None:
    mine, key = program(shared_server), new_key()
    body = {"story": "conflict", "origins": ["*"]}
    mine.do("/tokens", body, Idempotency_Key=key)
    other = mine.post("/tokens", body | {"label": "x"}, Idempotency_Key=key)
    assert owner_rejection(other) == (409, "stale")
    elsewhere = mine.post("/keys", {"label": "x", "scopes": ["read"]}, Idempotency_Key=key)
    assert owner_rejection(elsewhere) == (409, "stale")
    assert owner_rejection(mine.post("/tokens", body, Idempotency_Key="short")) == (
        400,
        "malformed",
    )
    neighbour = program(shared_server).do("/tokens", body, Idempotency_Key=key)
    assert neighbour["token"]


def test_a_request_that_is_sent_twice_at_once_is_done_once(shared_server: SharedServer) -> None:
    mine, key, label = program(shared_server), new_key(), f"label {uuid.uuid4().hex}"
    body = {"story": "at-once", "origins": ["*"], "label": label, "jti": uuid.uuid4().hex}

    def send(_: int) -> httpx.Response:
        # Connections of their own: one client's requests could follow each other on one.
        with httpx.Client(
            base_url=shared_server.url, trust_env=False, verify=NO_TLS, timeout=20
        ) as http:
            return Program(http, "press", mine.key).post("/tokens", body, Idempotency_Key=key)

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(send, range(8)))
    first = [one for one in answers if one.status_code == 201 and one.json()["token"]]
    assert len(first) == 1
    for answer in answers:
        if answer.status_code != 201:
            assert owner_rejection(answer) == (409, "stale")
            assert answer.headers["retry-after"] == "1"
    minted = [
        one
        for one in mine.read("/log?verb=token&limit=100")["decisions"]
        if one["targets"] == [body["jti"]]
    ]
    assert len(minted) == 1


def test_a_refused_request_may_be_sent_again_with_its_key(shared_server: SharedServer) -> None:
    mine, key = program(shared_server), new_key()
    wrong = {"story": "again", "origins": ["ftp://x"]}
    for _ in range(2):
        assert owner_rejection(mine.post("/tokens", wrong, Idempotency_Key=key)) == (
            422,
            "text_refused",
        )
    assert mine.do("/tokens", {"story": "again", "origins": ["*"]}, Idempotency_Key=key)["token"]


# Settings -----------------------------------------------------------------------------------------


def test_settings_are_changed_only_from_the_state_that_was_read(
    shared_server: SharedServer,
) -> None:
    site = f"s{uuid.uuid4().hex[:8]}"
    shared_server.site(site)
    mine = program(shared_server, site=site)
    before = mine.get("")
    tag = before.headers["etag"]
    change = {"settings": {"prompt": "What do you say?"}}
    assert owner_rejection(mine.send("PATCH", "", change)) == (428, "malformed")
    planned = mine.send("PATCH", "", change | {"dry_run": True})
    assert [one["key"] for one in planned.json()["changes"]] == ["prompt"]
    assert mine.get("").headers["etag"] == tag
    changed = mine.send("PATCH", "", change, If_Match=tag)
    assert changed.status_code == 200, changed.text
    assert changed.json()["settings"]["prompt"] == "What do you say?"
    assert mine.get("").headers["etag"] == changed.headers["etag"] != tag
    for condition in (tag, "W/" + changed.headers["etag"], '"nothing"'):
        refused = mine.send("PATCH", "", change, If_Match=condition)
        assert owner_rejection(refused) == (412, "stale")
    wrong = mine.send("PATCH", "", {"settings": {"max_votes": 1}}, If_Match="*")
    assert owner_rejection(wrong) == (400, "malformed")
    entry = mine.read("/log?verb=settings")["decisions"][0]
    assert entry["actor_kind"] == "key"
    assert entry["via"] == "api"
    undone = mine.do(f"/decisions/{entry['id']}:undo")
    assert undone["done"][0]["decision"]
    assert mine.get("").headers["etag"] == tag


def test_opening_hours_are_sent_as_an_object_and_read_back(
    shared_server: SharedServer,
) -> None:
    site = f"s{uuid.uuid4().hex[:8]}"
    shared_server.site(site)
    mine = program(shared_server, site=site)
    hours = {
        "zone": "Europe/Lisbon",
        "rows": [{"days": ["mon", "tue"], "from": "06:00", "to": "23:00", "mode": "open"}],
        "dates": [{"from": "2026-12-24", "to": "2026-12-26", "mode": "closed"}],
        "otherwise": "approval",
    }
    capacity = {
        "approval": {"cases": 100, "minutes": 30},
        "closed": {"cases": 200, "minutes": 0},
    }
    change = {"settings": {"hours": hours, "capacity": capacity}}
    assert mine.send("PATCH", "", change).status_code == 428
    version = mine.get("").headers["ETag"]
    assert mine.send("PATCH", "", change, If_Match=version).status_code == 200
    assert mine.send("PATCH", "", change, If_Match=version).status_code == 412
    stored = mine.read("")["settings"]
    assert (stored["hours"], stored["capacity"]) == (hours, capacity)
    wrong = mine.send("PATCH", "", {"settings": {"hours": {"zone": "Nowhere"}}}, If_Match="*")
    assert owner_rejection(wrong) == (400, "malformed")
    assert "no such time zone" in wrong.json()["detail"]
    assert mine.send("PATCH", "", {"settings": {"hours": None}}, If_Match="*").status_code == 200
    assert mine.read("")["settings"]["hours"] is None


def test_a_story_overrides_settings_and_gets_a_notice_and_a_date(
    shared_server: SharedServer,
) -> None:
    mine, story = program(shared_server), shared_server.story()
    path = f"/stories/{story.code}"
    tag = mine.get(path).headers["etag"]
    body = {
        "notice": "Be kind.",
        "closes_at": "2031-01-01T00:00:00Z",
        "settings": {"name": "required"},
    }
    assert owner_rejection(mine.send("PATCH", path, body)) == (428, "malformed")
    changed = mine.send("PATCH", path, body, If_Match=tag)
    assert changed.status_code == 200, changed.text
    shown = mine.read(path)
    assert shown["notice"] == "Be kind."
    assert shown["closes_at"] == "2031-01-01T00:00:00.000Z"
    assert shown["settings"] == {"name": "required"}
    assert shared_server.snapshot(story)["story"]["notice"] == "Be kind."
    back = mine.send(
        "PATCH", path, {"notice": None, "closes_at": None, "settings": None}, If_Match="*"
    )
    assert back.json()["story"]["settings"] == {}
    assert back.json()["story"]["notice"] is None
    assert mine.do(f"{path}:close")["closed"] is True
    assert shared_server.snapshot(story)["story"]["closed"] is True
    assert mine.do(f"{path}:open", {"reason": "other"})["closed"] is False


def test_a_change_of_a_story_without_all_scopes_changes_nothing(
    shared_server: SharedServer,
) -> None:
    mine, story = program(shared_server, "read", "close"), shared_server.story()
    path = f"/stories/{story.code}"
    body = {"closes_at": "2031-01-01T00:00:00Z", "notice": "no"}
    assert owner_rejection(mine.send("PATCH", path, body)) == (403, "not_permitted")
    assert mine.read(path)["closes_at"] is None


# Comments and decisions ---------------------------------------------------------------------------


def test_a_decision_is_made_logged_undone_and_seen_by_readers(
    shared_server: SharedServer,
) -> None:
    mine, story = program(shared_server), shared_server.story()
    ids = [shared_server.post(story, f"comment {n}")["comment"]["id"] for n in range(3)]
    before = shared_server.snapshot(story)["comments"]["threads"]
    planned = mine.do("/decisions", {"verb": "remove", "targets": ids, "dry_run": True})
    assert [one["comment"] for one in planned["done"]] == ids
    assert shared_server.snapshot(story)["comments"]["threads"] == before
    made = mine.do(
        "/decisions",
        {"verb": "remove", "targets": [{"id": one, "revision": 1} for one in ids], "reason": "spam",
         "note": "three at once"},
    )  # fmt: skip
    assert {one["comment"] for one in made["done"]} == set(ids)
    shown = mine.read(f"/comments/{ids[0]}")
    assert (shown["state"], shown["body"], shown["name"]) == ("removed", "", None)
    assert shown["restorable_until"]
    logged = mine.read(f"/log?batch={made['batch']}")["decisions"]
    assert len(logged) == 3
    assert {(one["verb"], one["reason"], one["note"]) for one in logged} == {
        ("remove", "spam", None)
    }
    undone = mine.do(f"/decisions/{made['batch']}:undo")
    assert len(undone["done"]) == 3
    after = shared_server.snapshot(story)["comments"]["threads"]
    assert [one["text"] for one in after] == [one["text"] for one in before]


def test_a_decision_on_words_that_changed_is_stale_and_shows_them_once(
    shared_server: SharedServer,
) -> None:
    mine, story = program(shared_server), shared_server.story()
    posted = shared_server.post(story, "before")
    comment = posted["comment"]["id"]
    edited = shared_server.action(
        story, "edit", comment=comment, body="after", reader=posted["reader"]
    )
    assert edited.status_code == 200, edited.text
    body = {"verb": "remove", "targets": [comment], "revision": 1}
    key = new_key()
    first, again = (mine.do("/decisions", body, Idempotency_Key=key) for _ in range(2))
    assert first["done"] == []
    assert [(one["id"], one["body"]) for one in first["stale"]] == [(comment, "after")]
    assert [(one["id"], one["body"]) for one in again["stale"]] == [(comment, "")]
    dry = mine.do("/decisions", body | {"dry_run": True})
    assert [one["id"] for one in dry["stale"]] == [comment]


def test_comments_and_decisions_of_another_site_are_not_found(shared_server: SharedServer) -> None:
    site = f"t{uuid.uuid4().hex[:8]}"
    shared_server.site(site)
    theirs, story = program(shared_server, site=site), shared_server.story()
    comment = shared_server.post(story)["comment"]["id"]
    made = program(shared_server).do("/decisions", {"verb": "pin", "targets": [comment]})
    assert owner_rejection(theirs.get(f"/comments/{comment}")) == (404, "not_found")
    assert owner_rejection(theirs.get(f"/stories/{story.code}")) == (404, "not_found")
    assert owner_rejection(theirs.post(f"/stories/{story.code}:close")) == (404, "not_found")
    for name in (made["batch"], made["done"][0]["decision"]):
        assert owner_rejection(theirs.post(f"/decisions/{name}:undo")) == (404, "not_found")
    refused = theirs.do("/decisions", {"verb": "remove", "targets": [comment]})["refused"]
    assert [(one["target"], one["code"]) for one in refused] == [(comment, "not_found")]
    assert shared_server.snapshot(story)["comments"]["threads"][0]["state"] == "published"


def test_lists_are_paged_by_their_cursor_without_loss(shared_server: SharedServer) -> None:
    site = f"p{uuid.uuid4().hex[:8]}"
    publisher = shared_server.site(site)
    mine = program(shared_server, site=site)
    stories = [publisher.story() for _ in range(3)]
    for story in stories:
        shared_server.register(story)
        for number in range(2):
            shared_server.post(story, f"comment {number}")
        mine.do(f"/stories/{story.code}:close")
    for name, list_of, number in (
        ("stories", "/stories?", 3),
        ("comments", "/comments?", 6),
        ("decisions", "/log?verb=close&", 3),
        ("copies", "/copies?order=first_seen&", 3),
    ):
        found, after = [], ""
        for _ in range(10):
            page = mine.read(f"{list_of}limit=2{after}")
            found += page[name]
            if page["next"] is None:
                break
            after = f"&after={page['next']}"
        key = "code" if name == "stories" else "id"
        assert len({one[key] for one in found}) == len(found) == number, name


def test_what_waits_and_what_was_reported_is_listed(shared_server: SharedServer) -> None:
    site = f"w{uuid.uuid4().hex[:8]}"
    publisher = shared_server.site(site, "moderation=pre", "email=optional")
    mine, story = program(shared_server, site=site), publisher.story()
    comment = shared_server.post(story, "please", name="Ana", email="a@paper.example")["comment"][
        "id"
    ]
    case = mine.read("/cases?queue=pending")["cases"][0]
    assert (case["comment"]["id"], case["comment"]["body"]) == (comment, "please")
    assert "paper.example" not in json.dumps(case)
    mine.do("/decisions", {"verb": "approve", "targets": [comment], "revision": case["revision"]})
    reported = shared_server.action(story, "report", comment=comment, reason="rude")
    assert reported.status_code == 200
    assert mine.read("/cases?queue=reported")["cases"][0]["comment"]["id"] == comment
    assert mine.read("")["waiting"] == dict.fromkeys((*QUEUES, "corrections"), 0) | {"reported": 1}
    assert [one["reason"] for one in mine.read(f"/comments/{comment}")["reports"]] == ["rude"]
    assert owner_rejection(
        program(shared_server, "read", site=site).get("/cases?queue=reported")
    ) == (
        403,
        "not_permitted",
    )


# Log, copies, tokens, people, numbers -------------------------------------------------------------


def test_the_log_is_exported_whole_and_verified(shared_server: SharedServer) -> None:
    site = f"l{uuid.uuid4().hex[:8]}"
    shared_server.site(site)
    mine = program(shared_server, site=site)
    for number in range(3):
        mine.do("/shut_out", {"origin": f"https://n{number}.example"})
    lines = mine.get("/log?format=ndjson")
    assert lines.headers["content-type"].startswith("application/x-ndjson")
    entries = [json.loads(line) for line in lines.text.splitlines()]
    assert [one["verb"] for one in entries[:3]] == ["shut_out"] * 3
    csv = mine.get("/log?format=csv&verb=shut_out")
    assert csv.headers["content-type"].startswith("text/csv")
    assert len(csv.text.splitlines()) == 4
    checked = mine.read("/log:verify")
    assert checked["damages"] == []
    assert checked["entries"] == len(entries)
    assert checked["logs"] == 1
    limited = program(shared_server, "read_log", site=site)
    assert limited.read("/log")["decisions"]
    for form in ("ndjson", "csv"):
        assert owner_rejection(limited.get(f"/log?format={form}")) == (403, "not_permitted")


def test_a_copy_is_taken_back_and_accepted_again(shared_server: SharedServer) -> None:
    mine, story = program(shared_server), shared_server.story(jti=f"j-{uuid.uuid4().hex[:8]}")
    shared_server.post(story)
    copy = mine.read(f"/copies?story={story.code}")["copies"][0]
    path = f"/copies/{copy['id']}"
    planned = mine.do(f"{path}:revoke", {"shut_out": "story", "dry_run": True})
    assert (planned["token"], planned["origin"], planned["dry_run"]) == (True, PAGE, True)
    assert mine.read(f"/copies?story={story.code}")["copies"][0]["status"] == "live"
    mine.do(f"{path}:revoke", {"shut_out": "story", "reason": "credit"})
    assert mine.read(f"/copies?story={story.code}&status=revoked")["total"] == 1
    withdrawn = mine.read(f"/copies?story={story.code}")["copies"][0]["withdrawn"]
    assert withdrawn["reason"] == "credit"
    assert owner_rejection(mine.post(f"{path}:revoke", {"reason": "because"})) == (400, "malformed")
    assert {"origin": PAGE, "story": story.key} in mine.read("/shut_out")["shut_out"]
    assert mine.do(f"{path}:readmit") == {"changed": True}
    again = mine.read(f"/copies?story={story.code}")["copies"][0]
    assert (again["status"], again["withdrawn"]) == ("live", None)
    # No reader has sent this copy's page.
    for unknown in (path, "/copies/999999999"):
        assert owner_rejection(mine.post(f"{unknown}:look")) == (404, "not_found")
    # A revoked token comes back by the undo of its entry as well.
    mine.do(f"{path}:revoke")
    entry = mine.read("/log?verb=revoke")["decisions"][0]
    undone = mine.do(f"/decisions/{entry['id']}:undo")
    assert undone["done"][0]["decision"]
    assert owner_rejection(mine.post(f"/decisions/{entry['id']}:undo")) == (409, "stale")
    assert mine.read(f"/copies?story={story.code}")["copies"][0]["status"] == "live"
    assert owner_rejection(mine.post("/copies/999999999:revoke")) == (404, "not_found")
    csv = mine.get("/copies?format=csv")
    assert csv.headers["content-type"].startswith("text/csv")
    assert csv.text.startswith("page,origin,label")


@pytest.mark.parametrize("origin", ["null", "*", "https://*.example", "not an origin"])
def test_only_an_exact_origin_is_shut_out(shared_server: SharedServer, origin: str) -> None:
    answer = program(shared_server).post("/shut_out", {"origin": origin})
    assert owner_rejection(answer) == (422, "text_refused")


def test_a_minted_token_opens_its_story_until_it_is_taken_back(shared_server: SharedServer) -> None:
    mine = program(shared_server)
    minted = mine.do(
        "/tokens",
        {"story": f"k-{new_key()}", "origins": [PAGE], "title": "Tides", "forms": ["html", "link"]},
    )
    assert set(minted["snippets"]) == {"html", "link"}
    assert minted["token"] in minted["snippets"]["html"]
    assert (
        shared_server.http.get(f"/v1/stories/{minted['code']}").json()["story"]["title"] == "Tides"
    )
    row = mine.read(f"/tokens?q={minted['jti'][:40]}")["tokens"][0]
    assert (row["status"], row["by"].split(":")[0]) == ("unseen", "key")
    gone = mine.send("DELETE", f"/tokens/{minted['jti']}")
    assert gone.json()["before"] is False
    assert mine.read(f"/tokens?q={minted['jti'][:40]}")["tokens"][0]["status"] == "revoked"
    late = mine.post(
        "/tokens", {"story": "x", "origins": ["*"], "expires_at": "2001-01-01T00:00:00Z"}
    )
    assert owner_rejection(late) == (422, "text_refused")


def test_signing_keys_are_rotated_and_retired_after_a_look_at_what_stops(
    shared_server: SharedServer,
) -> None:
    site = f"k{uuid.uuid4().hex[:8]}"
    publisher = shared_server.site(site)
    mine, story = program(shared_server, site=site), publisher.story()
    shared_server.post(story)
    assert [one["number"] for one in mine.do("/tokens/keys:rotate")["generations"]] == [2, 1]
    planned = mine.do("/tokens/keys:retire", {"dry_run": True})
    assert [one["origin"] for one in planned["stops"]["copies"]] == [PAGE]
    assert mine.read("/tokens/keys")["generations"][1]["accepted"] is True
    mine.do("/tokens/keys:retire")
    assert mine.read("/tokens/keys")["generations"][0]["number"] == 2
    assert shared_server.action(story, "forget").status_code == 401


def test_a_key_invites_but_never_makes_an_owner_nor_a_key_that_can_do_more(
    shared_server: SharedServer,
) -> None:
    site = f"i{uuid.uuid4().hex[:8]}"
    shared_server.site(site)
    mine = program(shared_server, "invite", "role", "key", "read", "read_people", site=site, days=2)
    link = mine.do("/invitations", {"role": "moderator", "email": "jo@paper.example"})
    assert "/admin/link/" in link["url"]
    listed = mine.read("/invitations")["invitations"]
    assert [(one["id"], one["role"], one["url"]) for one in listed] == [
        (link["id"], "moderator", None)
    ]
    assert "paper.example" not in json.dumps(listed)
    assert mine.send("DELETE", f"/invitations/{link['id']}").json() == {"changed": True}
    assert owner_rejection(mine.send("DELETE", f"/invitations/{link['id']}")) == (404, "not_found")
    assert owner_rejection(mine.post("/invitations", {"role": "owner"})) == (403, "not_permitted")
    for scope in ("invite", "role", "key", "settings"):
        wider = mine.post("/keys", {"label": "child", "scopes": [scope]})
        assert owner_rejection(wider) == (422, "text_refused"), scope
    parent = mine.read("/keys")["keys"][0]
    child = mine.do("/keys", {"label": "child", "scopes": ["read"], "days": None})
    assert child["until"] == parent["until"]
    Program(shared_server.http, site, child["key"]).read("")
    assert mine.send("DELETE", f"/keys/{child['id']}").status_code == 200
    assert Program(shared_server.http, site, child["key"]).get("").status_code == 401


def test_numbers_come_by_day_hour_copy_language_weekday_and_story(
    shared_server: SharedServer,
) -> None:
    site = f"n{uuid.uuid4().hex[:8]}"
    publisher = shared_server.site(site)
    mine, story = program(shared_server, site=site), publisher.story()
    shared_server.post(story, "hello", lang="en")
    shared_server.action(story, "react", reaction="happy")
    days = mine.read("/stats")["periods"]
    assert sum(one["comments"] for one in days) == 1
    assert (
        sum(one["reactions"].get("happy", 0) for one in mine.read("/stats?by=hour")["periods"]) == 1
    )
    assert [one["comments"] for one in mine.read("/stats?by=copy")["shares"]] == [1]
    assert sum(one["comments"] for one in mine.read("/stats?by=lang")["shares"]) == 1
    assert sum(map(sum, mine.read("/stats?by=weekday")["hours"])) == 1
    assert mine.read("/stats?by=story")["cells"][0]["story"] == story.code
    assert mine.get("/stats?format=csv").text.startswith("start,")
    assert isinstance(mine.read("/stats?by=queue")["waits"], list)
    assert mine.get("/stats?by=queue&format=csv").text.startswith("start,queue,decided,")
    assert owner_rejection(mine.get("/stats?zone=Nowhere/Land")) == (400, "malformed")
    assert owner_rejection(mine.get("/stats?by=copy&format=csv")) == (400, "malformed")
