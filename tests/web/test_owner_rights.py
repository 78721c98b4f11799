"""Which key may do what over the owner API: every verb of the table, with and without its scope."""

from typing import Any

import httpx
import pytest

from tests.loopback import NO_TLS
from tests.web.owner_program import ALL_SCOPES, Program, program
from tests.web.shared_server import SharedServer
from widget_server.auth.permissions import PERMISSIONS, permits
from widget_server.model.decisions import COMMENT_VERBS
from widget_server.protocol.owner_operations import OWNER_OPERATIONS

CODE, COMMENT, ID, LINK = "0" * 12, "unknown", "0" * 16, "0" * 64
STORY = {"code": CODE}
Request = tuple[str, str, Any, tuple[str, ...]]
"""Method, path, body, and the scopes that it needs besides its verb."""

REQUESTS: dict[str, Request] = {
    "read": ("GET", "/stories", None, ()),
    "read_reports": ("GET", "/cases?queue=reported", None, ("read",)),
    "read_log": ("GET", "/log", None, ()),
    "read_numbers": ("GET", "/stats", None, ()),
    "read_copies": ("GET", "/copies", None, ()),
    "read_rules": ("GET", "/rules", None, ()),
    "read_tokens": ("GET", "/tokens", None, ()),
    "read_people": ("GET", "/members", None, ()),
    "export_public": ("GET", "/copies?format=csv", None, ("read_copies",)),
    "undo": ("POST", "/decisions/unknown:undo", {}, ()),
    "ban": ("POST", "/bans", {"comment": COMMENT}, ()),
    "mute": ("POST", "/report_mutes/unknown:lift", {}, ()),
    "unban": ("POST", "/bans/unknown:lift", {}, ()),
    "close": ("POST", f"/stories/{CODE}:close", {}, ("read",)),
    "open": ("POST", f"/stories/{CODE}:open", {}, ("read",)),
    "notice": ("PATCH", f"/stories/{CODE}", {"notice": "x"}, ("read",)),
    "correct": ("POST", f"/stories/{CODE}/corrections", {"text": "x"}, ()),
    "story_settings": ("PATCH", f"/stories/{CODE}", {"settings": {}}, ("read",)),
    "settings": ("PATCH", "", {"settings": {}, "dry_run": True}, ()),
    "rules": ("POST", "/rules:try", {"name": "x", "kind": "links"}, ()),
    # A raid that were switched on would hold the comments of other tests.
    "raid": ("POST", f"/raids/{CODE}:end", None, ()),
    "watch": ("DELETE", "/watch_lists/unknown", None, ()),
    "hand_over": ("POST", "/cases/999:take_back", None, ()),
    "text": ("DELETE", f"/stories/{CODE}/text", None, ()),
    "translate": ("DELETE", f"/stories/{CODE}/translations/de", None, ()),
    "agree": ("POST", "/copies/1:agree", {}, ()),
    "hide": ("POST", "/copies/1:hide", {"comment": COMMENT}, ()),
    "show": ("POST", "/copies/1:show", {"comment": COMMENT}, ()),
    "approval": ("POST", "/copies/1:wait", {}, ()),
    "token": ("POST", "/tokens", {"story": "x", "origins": ["*"]}, ()),
    "revoke": ("DELETE", "/tokens/unseen", None, ()),
    "shut_out": ("POST", "/shut_out", {"origin": "https://x.example"}, ()),
    "rotate": ("POST", "/tokens/keys:rotate", {}, ("read_tokens",)),
    "retire": ("POST", "/tokens/keys:retire", {"dry_run": True}, ("read_tokens",)),
    "invite": ("DELETE", f"/invitations/{LINK}", None, ()),
    "role": ("DELETE", f"/members/{ID}", None, ("read_people",)),
    "key": ("DELETE", f"/keys/{ID}", None, ()),
} | {
    verb: ("POST", "/decisions", {"verb": verb, "targets": [COMMENT]}, ()) for verb in COMMENT_VERBS
}
"""One request for each verb. The verb alone decides whether it is permitted."""
BY_ITS_CONTENT = {"read_settings"}
"""Verbs that decide what an answer contains, not whether there is one."""
OF_PEOPLE = {
    "read_kept_text",
    "read_contact",
    "read_notes",
    "export_full",
    "answer",
    "erase",
    "second_look",
}
"""Verbs that no key has: words that were taken away, personal data, and a person's own name."""


@pytest.fixture(scope="module")
def keys(server_on_engine: SharedServer) -> dict[str, Program]:
    """Return programs by name: `all`, `only VERB` and `without VERB`."""
    found = {"all": program(server_on_engine)}
    for verb in ALL_SCOPES:
        others = REQUESTS[verb][3] if verb in REQUESTS else ()
        for name, scopes in (
            (f"only {verb}", [verb, *others]),
            (f"without {verb}", [scope for scope in ALL_SCOPES if scope != verb]),
        ):
            found[name] = _key(found["all"], server_on_engine, scopes)
    return found


def _key(maker: Program, server: SharedServer, scopes: list[str]) -> Program:
    """Return a program with a key with these scopes; by the API where a key may make it."""
    if {"invite", "role", "key"} & set(scopes):
        return program(server, *scopes)
    made = maker.do("/keys", {"label": "matrix", "scopes": scopes})
    return Program(server.http, "press", made["key"])


def test_every_verb_of_the_table_has_its_request_or_a_reason_why_not() -> None:
    assert {*REQUESTS, *BY_ITS_CONTENT, *OF_PEOPLE} == set(PERMISSIONS)
    assert {verb for verb in PERMISSIONS if not permits("machine", verb)} == OF_PEOPLE
    used = {verb for one in OWNER_OPERATIONS for verb in one.verbs}
    assert used <= {*REQUESTS}


@pytest.mark.parametrize("verb", sorted(REQUESTS))
def test_a_key_may_use_a_verb_with_its_scope_on_its_own_site_only(
    shared_server: SharedServer, keys: dict[str, Program], verb: str
) -> None:
    method, path, body, _ = REQUESTS[verb]
    if not permits("machine", verb):
        refused = keys["all"].send(method, path, body)
        assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
        return
    allowed = keys[f"only {verb}"].send(method, path, body)
    assert allowed.status_code not in {401, 403} and allowed.status_code < 500, allowed.text  # noqa: PT018
    refused = keys[f"without {verb}"].send(method, path, body)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted"), refused.text
    other = Program(shared_server.http, "elsewhere", keys[f"only {verb}"].key)
    assert other.send(method, path, body).status_code == 404


def test_settings_are_in_an_answer_only_with_their_scope(
    shared_server: SharedServer, keys: dict[str, Program]
) -> None:
    assert keys["all"].read("")["settings"]
    without = keys["without read_settings"].get("")
    assert without.json()["settings"] is None
    assert "etag" not in without.headers


@pytest.mark.parametrize("verb", sorted(OF_PEOPLE))
def test_no_key_gets_what_is_for_people(
    shared_server: SharedServer, keys: dict[str, Program], verb: str
) -> None:
    refused = keys["all"].post("/keys", {"label": "x", "scopes": [verb]})
    assert (refused.status_code, refused.json()["field"]) == (422, "scopes")


def neighbour(server: SharedServer, address: str) -> httpx.Client:
    """Return a client with another address: wrong keys of one network do not count for another."""
    transport = httpx.HTTPTransport(local_address=address, verify=NO_TLS)
    return httpx.Client(base_url=server.url, transport=transport, timeout=20)


def test_without_a_key_every_operation_is_refused(shared_server: SharedServer) -> None:
    parts = {"code": CODE, "comment": COMMENT, "copy": 1, "decision": "x", "jti": "x"}
    parts |= {"account": ID, "invitation": LINK, "key": ID, "rule": CODE, "case": 1, "batch": "x"}
    parts |= {"raid": CODE, "hint": CODE}
    parts |= {"watch": "x", "lang": "de"}
    for start in range(0, len(OWNER_OPERATIONS), 20):
        with neighbour(shared_server, f"127.0.1.{start + 1}") as http:
            for operation in OWNER_OPERATIONS[start : start + 20]:
                path = f"/v1/sites/press{operation.path.format(**parts)}"
                answer = http.request(operation.method, path)
                assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid"), path
                assert answer.headers["www-authenticate"].startswith("Bearer "), path


def test_wrong_keys_are_paced_and_a_good_key_beside_them_is_not(
    shared_server: SharedServer,
) -> None:
    good = program(shared_server, "read").key
    wrong = good[:-3] + ("aaa" if good[-3:] != "aaa" else "bbb")
    with neighbour(shared_server, "127.0.2.1") as http:
        answers = [Program(http, "press", wrong).get("") for _ in range(31)]
        assert [one.status_code for one in answers] == [401] * 30 + [429]
        assert int(answers[-1].headers["retry-after"]) > 0
        assert Program(http, "press", good).get("").status_code == 200
