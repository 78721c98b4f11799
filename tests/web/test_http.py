"""Every HTTP endpoint, as pages, caches and strangers request it."""

import asyncio
import base64
import gzip
import itertools
import json
import re
import secrets
import time
import uuid
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.loopback import NO_TLS
from tests.store.store_harness import open_store
from tests.waiting import wait_until
from tests.web.shared_server import PAGE, SharedServer, rejection
from widget_server.protocol.openapi import openapi_document
from widget_server.protocol.owner_operations import OWNER_PREFIX
from widget_server.store.queries.embed_files import store_embed_files

# What is tested here lies before the database: `make slow-tests` runs it on PostgreSQL, too.
pytestmark = pytest.mark.slow("postgresql")

UNKNOWN_CODE = "000000000000"


def code_of(answer: httpx.Response) -> str:
    return rejection(answer)[1]


# The snapshot -------------------------------------------------------------------------------------


def test_a_story_is_not_found_until_a_token_registers_it(shared_server: SharedServer) -> None:
    story = shared_server.publisher.story(title="Known")
    assert rejection(shared_server.http.get(f"/v1/stories/{story.code}")) == (404, "not_found")
    shared_server.register(story)
    assert shared_server.snapshot(story)["story"]["title"] == "Known"


def test_a_snapshot_is_the_same_for_all_readers_and_cacheable(shared_server: SharedServer) -> None:
    story = shared_server.story()
    reader = shared_server.post(story)["reader"]
    first = shared_server.http.get(f"/v1/stories/{story.code}")
    other = shared_server.http.get(f"/v1/stories/{story.code}", headers={"Authorization": reader})
    assert first.content == other.content
    assert first.headers["cache-control"] == "public, max-age=2"
    for word in ("reader", "mine", "can", "email"):
        assert word not in {key for key in first.json() if key != "settings"}


@pytest.mark.parametrize("spelling", ["{}", "W/{}", '"other", {}', '"other",W/{} , "more"', "*"])
def test_an_unchanged_snapshot_is_not_sent_again(
    shared_server: SharedServer, spelling: str
) -> None:
    story = shared_server.story()
    tag = shared_server.http.get(f"/v1/stories/{story.code}").headers["etag"]
    assert re.fullmatch(r'W/"[0-9a-f]{24}"', tag), "the plain and the gzip form have one tag"
    header = {"If-None-Match": spelling.format(tag.removeprefix("W/"))}
    again = shared_server.http.get(f"/v1/stories/{story.code}", headers=header)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == tag
    assert again.headers["access-control-allow-origin"] == "*"
    assert again.headers["vary"] == "Accept-Encoding"
    shared_server.post(story)
    if spelling != "*":
        fresh = shared_server.http.get(f"/v1/stories/{story.code}", headers=header)
        assert fresh.status_code == 200
        assert fresh.headers["etag"] != tag


def test_since_returns_only_the_changes(shared_server: SharedServer) -> None:
    story = shared_server.story()
    shared_server.post(story, "first")
    seen = shared_server.snapshot(story)["position"]
    second = shared_server.post(story, "second")["comment"]["id"]
    since = {"since": f"{seen['epoch']}:{seen['seq']}"}
    answer = shared_server.http.get(f"/v1/stories/{story.code}", params=since).json()
    assert answer["resumed"] is True
    assert [comment["id"] for comment in answer["changes"]] == [second]
    assert answer["position"]["seq"] == seen["seq"] + 1


def test_since_another_epoch_or_a_future_seq_returns_everything(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story()
    shared_server.post(story)
    epoch = shared_server.snapshot(story)["position"]["epoch"]
    for since in ("other:0", f"{epoch}:999"):
        answer = shared_server.http.get(f"/v1/stories/{story.code}", params={"since": since}).json()
        assert answer["resumed"] is False
        assert len(answer["comments"]["threads"]) == 1


@pytest.mark.parametrize(
    "since",
    ["", ":", "e", "e:", ":1", "e:-1", "e:1.0", "e:one", "e:" + "9" * 30, "e" * 65 + ":1", "e:١"],
)
def test_an_invalid_position_is_malformed(shared_server: SharedServer, since: str) -> None:
    story = shared_server.story()
    answer = shared_server.http.get(f"/v1/stories/{story.code}", params={"since": since})
    assert rejection(answer) == (400, "malformed")


def test_range_requests_get_the_whole_response(shared_server: SharedServer) -> None:
    story = _one_story(shared_server)
    for path in (f"/v1/stories/{story.code}", "/embed.js", f"/s/{story.code}"):
        whole = shared_server.http.get(path)
        headers = {"Range": "bytes=0-9", "If-Range": whole.headers.get("etag", "x")}
        answer = shared_server.http.get(path, headers=headers)
        assert (answer.status_code, answer.content) == (200, whole.content)
        assert "content-range" not in answer.headers


# Pages of comments --------------------------------------------------------------------------------


def test_paging_returns_all_threads_in_every_order(shared_server: SharedServer) -> None:
    story = shared_server.story()
    ids = [shared_server.post(story, f"number {n}")["comment"]["id"] for n in range(5)]
    for order, wanted in (("newest", ids[::-1]), ("oldest", ids), ("top", ids[::-1])):
        seen: list[str] = []
        before = None
        while before is not None or not seen:
            query = {"order": order, "limit": "2"} | ({} if before is None else {"before": before})
            page = shared_server.http.get(f"/v1/stories/{story.code}/comments", params=query).json()
            seen += [thread["id"] for thread in page["threads"]]
            before = page["next"]
        assert seen == wanted


@pytest.mark.parametrize(
    "query",
    [{"limit": limit} for limit in ("0", "101", "-1", "1.5", "x", "", "9" * 30, "٣", "1e1", " 5")]
    + [{"order": order} for order in ("", "best", "NEWEST")]
    + [{"before": before} for before in ("x", "%00", "W10", "é", "WyJvbGRlc3QiLDFd")],
)
def test_invalid_paging_parameters_are_malformed(
    shared_server: SharedServer, query: dict[str, str]
) -> None:
    story = shared_server.story()
    answer = shared_server.http.get(f"/v1/stories/{story.code}/comments", params=query)
    assert rejection(answer) == (400, "malformed")


def test_the_permalink_of_a_reply_returns_its_thread(shared_server: SharedServer) -> None:
    story = shared_server.story()
    top = shared_server.post(story)["comment"]["id"]
    reply = shared_server.post(story, parent=top)["comment"]["id"]
    for comment in (top, reply):
        thread = shared_server.http.get(f"/v1/stories/{story.code}/comments/{comment}").json()
        assert (thread["id"], [one["id"] for one in thread["replies"]]) == (top, [reply])


def test_a_page_and_a_thread_say_where_the_story_was_when_they_were_read(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story()
    address = f"/v1/stories/{story.code}"
    for number in range(1, 3):
        comment = shared_server.post(story)["comment"]["id"]
        position = shared_server.http.get(address).json()["position"]
        assert position["seq"] == number
        for path in ("/comments", f"/comments/{comment}"):
            assert shared_server.http.get(address + path).json()["position"] == position


@pytest.mark.parametrize("comment", ["no-one", "x" * 17, "%00", "a%20b", "%2e%2e", "é"])
def test_an_unknown_comment_is_not_found(shared_server: SharedServer, comment: str) -> None:
    story = shared_server.story()
    answer = shared_server.http.get(f"/v1/stories/{story.code}/comments/{comment}")
    assert rejection(answer) == (404, "not_found")


# Counts -------------------------------------------------------------------------------------------


def test_counts_of_1000_stories_are_returned_at_once(shared_server: SharedServer) -> None:
    story = shared_server.story()
    shared_server.post(story)
    shared_server.action(story, "react", reaction="happy")
    codes = [f"{number:012d}" for number in range(999)] + [story.code]
    answer = shared_server.http.get("/v1/counts", params={"story": codes})
    assert answer.status_code == 200
    (count,) = answer.json()["stories"].items()
    assert count[0] == story.code
    assert count[1]["comments"] == 1
    assert count[1]["tally"]["counts"]["happy"] == 1


def test_counts_of_no_story_or_of_too_many_are_malformed(shared_server: SharedServer) -> None:
    assert rejection(shared_server.http.get("/v1/counts")) == (400, "malformed")
    many = {"story": [f"{number:012d}" for number in range(1001)]}
    assert rejection(shared_server.http.get("/v1/counts", params=many)) == (400, "malformed")


def test_invalid_codes_are_omitted_from_counts(shared_server: SharedServer) -> None:
    codes = ["", "x", "\0" * 12, "é" * 12, UNKNOWN_CODE, "'; DROP TAB"]
    answer = shared_server.http.get("/v1/counts", params={"story": codes}).json()
    assert answer == {"stories": {}, "more": 0}


# Actions --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("media", ["text/plain", "text/plain;charset=UTF-8", "application/json"])
def test_every_action_is_accepted_in_both_media_types(
    shared_server: SharedServer, media: str
) -> None:
    story = shared_server.story()

    def do(kind: str, **fields: Any) -> dict[str, Any]:
        answer = shared_server.action(story, kind, media=media, ref=7, reader=reader, **fields)
        assert answer.status_code == 200, answer.text
        content: dict[str, Any] = answer.json()
        assert (content["type"], content["ref"]) == ("ok", 7)
        assert answer.headers["cache-control"] == "no-store"
        return content

    reader = None
    first = do("react", reaction="happy")
    reader = first["reader"]
    assert first["tally"]["counts"]["happy"] == 1
    comment = do("comment", key=str(uuid.uuid4()), body="*hello*")["comment"]
    assert comment["text"] == [["p", None, ["em", None, "hello"]]]
    assert do("react", reaction="sad", comment=comment["id"])["comment"] == comment["id"]
    assert do("edit", comment=comment["id"], body="bye")["comment"]["body"] == "bye"
    do("report", comment=comment["id"], reason="why not")
    assert do("delete", comment=comment["id"])["comment"]["state"] == "removed"
    assert "reader" not in do("react", reaction=None)
    do("forget")


@pytest.mark.parametrize(
    ("media", "status"),
    [
        ([], 200),
        (["TEXT/plain ; charset=utf-8"], 200),
        (["application/json"], 200),
        (["application/x-www-form-urlencoded"], 415),
        (["multipart/form-data; boundary=x"], 415),
        (["text/html"], 415),
        (["application/json-patch+json"], 415),
        (["text/plain, application/json"], 415),
        (["text/plain", "text/plain"], 415),
        ([""], 415),
    ],
    ids=str,
)
def test_an_action_must_be_text_or_json(
    shared_server: SharedServer, media: list[str], status: int
) -> None:
    story = _one_story(shared_server)
    sent = {"type": "react", "story": story.code, "token": story.token, "reaction": "happy"}
    headers = [("Origin", PAGE), *(("Content-Type", one) for one in media)]
    answer = shared_server.http.post("/v1/actions", content=json.dumps(sent), headers=headers)
    assert answer.status_code == status
    if status == 415:
        assert rejection(answer) == (415, "malformed")
        assert "text/plain" in answer.json()["detail"]


def test_a_comment_resent_with_its_key_is_stored_once(shared_server: SharedServer) -> None:
    story = shared_server.story()
    key = str(uuid.uuid4())
    first = shared_server.post(story, key=key)
    again = shared_server.post(story, key=key, reader=first["reader"])
    assert again["comment"]["id"] == first["comment"]["id"]
    assert shared_server.snapshot(story)["count"] == 1


def test_actions_with_the_same_first_belong_to_one_reader(shared_server: SharedServer) -> None:
    story, other, first = shared_server.story(), shared_server.story(), str(uuid.uuid4())
    reactions = [
        shared_server.action(story, "react", reaction=reaction, first=spelling).json()
        for reaction, spelling in (("sad", first), ("sad", first.upper()), ("happy", first))
    ]
    assert (
        reactions[-1]["tally"]["counts"] | {"happy": 1, "sad": 0}
        == reactions[-1]["tally"]["counts"]
    )
    posted = [
        shared_server.post(story, "hello", first=first, key=str(uuid.uuid4())) for _ in range(2)
    ]
    elsewhere = shared_server.action(other, "react", reaction="sad", first=first).json()
    assert len({answer["reader"] for answer in (*reactions, *posted, elsewhere)}) == 1
    # The reader of the same `first` may delete what was posted before, by any action.
    mine = posted[0]["comment"]["id"]
    assert shared_server.action(story, "delete", comment=mine, first=first).status_code == 200
    assert shared_server.action(story, "forget", first=first).status_code == 200
    assert shared_server.snapshot(story)["count"] == 0
    assert sum(shared_server.snapshot(other)["tally"]["counts"].values()) == 0


def test_without_first_each_action_creates_a_new_reader(shared_server: SharedServer) -> None:
    story = shared_server.story()
    key = str(uuid.uuid4())
    reactions = [
        shared_server.action(story, "react", reaction="sad", key=key).json() for _ in range(2)
    ]
    assert reactions[0]["reader"] != reactions[1]["reader"]
    assert shared_server.snapshot(story)["tally"]["counts"]["sad"] == 2


@pytest.mark.parametrize("other_reader", [False, True])
def test_a_resent_comment_is_stored_once_even_after_the_reader_changed(
    shared_server: SharedServer, other_reader: bool
) -> None:
    story, key, first = shared_server.story(), str(uuid.uuid4()), str(uuid.uuid4())
    once = shared_server.post(story, "hello", key=key, first=first)
    again = shared_server.post(story, "hello, changed", key=key, first=first)
    assert again == once
    # The response was lost, and meanwhile the client received another reader token.
    other = shared_server.action(story, "react", reaction="sad").json()["reader"]
    late = shared_server.post(
        story, key=key, first=first, reader=other if other_reader else once["reader"]
    )
    assert late["comment"]["id"] == once["comment"]["id"]
    assert shared_server.snapshot(story)["count"] == 1
    bare = str(uuid.uuid4())
    assert shared_server.post(story, key=bare) == shared_server.post(story, key=bare)
    assert shared_server.snapshot(story)["count"] == 2


@pytest.mark.parametrize("first", ["", "1", 7, "00000000-0000-1000-8000-000000000000", "x" * 36])
def test_a_first_that_is_no_random_uuid_is_rejected(
    shared_server: SharedServer, first: Any
) -> None:
    answer = shared_server.action(shared_server.story(), "react", reaction="sad", first=first)
    assert rejection(answer) == (400, "malformed")
    assert "“first”" in answer.json()["detail"]


def test_a_key_that_is_no_random_uuid_does_not_identify_a_reader(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story()
    for key in ("12345678", "00000000-0000-1000-8000-000000000000", uuid.uuid4().hex):
        answers = [shared_server.post(story, key=key) for _ in range(2)]
        assert len({answer["reader"] for answer in answers}) == 2
        assert len({answer["comment"]["id"] for answer in answers}) == 2


@pytest.mark.parametrize("page", ["https://copy.example/" + "a" * 2_000, 7, {}, None])
def test_an_invalid_page_url_does_not_prevent_the_comment(
    shared_server: SharedServer, page: Any
) -> None:
    assert shared_server.post(shared_server.story(), page=page)["comment"]["state"] == "published"


def test_pages_may_read_the_age_and_date_headers(shared_server: SharedServer) -> None:
    answer = shared_server.http.get(f"/v1/stories/{shared_server.story().code}")
    exposed = answer.headers["access-control-expose-headers"].lower().split(", ")
    assert {"age", "date"} <= set(exposed)
    assert "date" in answer.headers


def test_messages_for_the_socket_only_are_malformed_over_http(shared_server: SharedServer) -> None:
    story = shared_server.story()
    for kind in ("subscribe", "unsubscribe", "visible", "snapshot", "ok", ""):
        assert rejection(shared_server.action(story, kind, value=True)) == (400, "malformed")


def test_the_error_of_an_action_has_its_ref(shared_server: SharedServer) -> None:
    story = shared_server.story()
    unknown = shared_server.action(story, "react", reaction="unheard of", ref=5)
    assert (rejection(unknown), unknown.json()["ref"]) == ((422, "unknown_reaction"), 5)
    malformed = shared_server.action(story, "react", reaction=7, ref=6)
    assert (rejection(malformed), malformed.json()["ref"]) == ((400, "malformed"), 6)


# Authorization ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origins", "origin", "status"),
    [
        (["https://copy.example"], "https://copy.example", 200),
        (["https://copy.example"], "https://COPY.example:443", 200),
        (["https://copy.example"], "http://copy.example", 403),
        (["https://copy.example"], "https://copy.example:8443", 403),
        (["https://copy.example"], "https://copy.example.evil.example", 403),
        (["https://copy.example"], None, 403),
        (["https://copy.example"], "null", 403),
        (["https://copy.example"], "", 403),
        (["https://*.example"], "https://a.b.example", 200),
        (["https://*.example"], "https://example", 403),
        (["https://*.example"], "null", 403),
        (["https://*.example"], None, 403),
        (["*"], "https://anywhere.test", 200),
        (["*"], "null", 200),
        (["*"], None, 200),
        (["*"], "https://" + "a" * 400 + ".test", 200),
        (["*"], "<script>", 200),
        (["http://localhost:3000"], "http://localhost:3000", 200),
        (["http://localhost:3000"], "http://localhost", 403),
    ],
)
def test_an_action_is_accepted_only_from_origins_of_the_token(
    shared_server: SharedServer, origins: list[str], origin: str | None, status: int
) -> None:
    story = shared_server.publisher.story(origins=origins)
    body = {"key": str(uuid.uuid4()), "body": "hello"}
    for answer in (
        shared_server.action(story, "react", origin=origin, reaction="happy"),
        shared_server.action(story, "comment", origin=origin, **body),
        shared_server.action(story, "forget", origin=origin),
    ):
        assert answer.status_code == status, answer.text
        if status != 200:
            assert code_of(answer) == "origin_not_allowed"


def test_delete_and_forget_need_an_origin(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story()
    done = shared_server.post(story)
    fields = {"comment": done["comment"]["id"], "reader": done["reader"]}
    for kind in ("delete", "forget"):
        answer = shared_server.action(story, kind, origin=None, **fields)
        assert rejection(answer) == (403, "origin_not_allowed")
    assert shared_server.action(story, "delete", **fields).status_code == 200


def test_two_origin_headers_are_rejected(shared_server: SharedServer) -> None:
    story = shared_server.story()
    body = json.dumps(
        {"type": "react", "story": story.code, "token": story.token, "reaction": None}
    )
    headers = [("Origin", PAGE), ("Origin", "https://evil.example")]
    answer = shared_server.http.post("/v1/actions", content=body, headers=headers)
    assert rejection(answer) == (403, "origin_not_allowed")


def test_a_copy_has_the_origin_of_its_page(shared_server: SharedServer) -> None:
    story = shared_server.publisher.story(origins=["*"], label="The Copy")
    seen = {
        origin: shared_server.post(story, origin=origin)["comment"]["copy"]
        for origin in ("https://Site.example:443", "null", None, "<b>", "https://" + "a" * 400)
    }
    labelled = [None if copy is None else copy["origin"] for copy in seen.values()]
    assert labelled == ["https://site.example", "null", None, "null", "null"]


def test_an_expired_token_permits_deletion_but_no_new_content(
    shared_server: SharedServer,
) -> None:
    now = int(time.time())
    story = shared_server.publisher.story(iat=now - 100, exp=now + 3600)
    done = shared_server.post(story)
    over = type(story)(
        story.key, story.code, shared_server.publisher.token(story.key, iat=now - 90, exp=now - 1)
    )
    fields = {"reader": done["reader"]}
    assert rejection(shared_server.action(over, "react", reaction="happy")) == (
        401,
        "token_expired",
    )
    answer = shared_server.action(over, "edit", comment=done["comment"]["id"], body="x", **fields)
    assert rejection(answer) == (401, "token_expired")
    answer = shared_server.action(over, "delete", comment=done["comment"]["id"], **fields)
    assert answer.status_code == 200


def test_a_revoked_token_permits_no_new_content(shared_server: SharedServer) -> None:
    story = shared_server.publisher.story(jti="to-be-revoked-" + uuid.uuid4().hex[:8])
    shared_server.register(story)
    claims = json.loads(_payload(story.token))
    shared_server.cli("site", "revoke", "press", claims["jti"])

    def revoked() -> bool:
        return code_of(shared_server.action(story, "react", reaction="nothing")) == "token_revoked"

    wait_until(revoked, "the token is revoked")
    assert rejection(shared_server.action(story, "react", reaction="sad")) == (403, "token_revoked")


def _payload(token: str) -> bytes:
    part = token.split(".")[3]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


@pytest.mark.parametrize(("can", "status"), [(["read"], 403), (["read", "react"], 200)])
def test_a_token_grants_only_its_permissions(
    shared_server: SharedServer, can: list[str], status: int
) -> None:
    story = shared_server.publisher.story(can=can)
    assert shared_server.action(story, "react", reaction="happy").status_code == status
    answer = shared_server.action(story, "comment", key=str(uuid.uuid4()), body="hello")
    assert rejection(answer) == (403, "not_permitted")


def test_a_token_of_another_story_is_not_permitted(shared_server: SharedServer) -> None:
    story, other = shared_server.story(), shared_server.story()
    answer = shared_server.action(story, "react", reaction="happy", token=other.token)
    assert rejection(answer) == (403, "not_permitted")


def test_a_bare_code_permits_actions_under_open_republishing_only(
    shared_server: SharedServer,
) -> None:
    free, closed = shared_server.story(), shared_server.story(license="proprietary")
    shared_server.post(free, token=None, origin="https://anyone.example")
    assert rejection(
        shared_server.action(free, "react", token=None, origin=None, reaction="sad")
    ) == (
        403,
        "origin_not_allowed",
    )
    assert rejection(shared_server.action(closed, "react", token=None, reaction="sad")) == (
        403,
        "not_permitted",
    )
    unknown = shared_server.publisher.story()
    assert rejection(shared_server.action(unknown, "react", token=None, reaction="sad")) == (
        404,
        "not_found",
    )


def test_a_site_may_require_a_token_for_reading(shared_server: SharedServer) -> None:
    slug = f"closed-{uuid.uuid4().hex[:6]}"
    publisher = shared_server.site(slug, "open_reading=off", "open_republishing=off")
    story = publisher.story(jti="withdrawn")
    shared_server.post(story)
    for path in ("", "/comments", "/comments/abc"):
        answer = shared_server.http.get(f"/v1/stories/{story.code}{path}")
        assert rejection(answer) == (403, "not_permitted")
    assert rejection(shared_server.http.get(f"/s/{story.code}")) == (403, "not_permitted")
    answer = shared_server.action(story, "react", token=None, reaction="sad")
    assert rejection(answer) == (403, "not_permitted")
    assert rejection(shared_server.http.get(f"/e/{story.code}")) == (403, "not_permitted")
    assert shared_server.http.get(f"/e/{story.token}").status_code == 200
    shared_server.cli("site", "revoke", slug, "withdrawn")
    iframe = f"/e/{story.token}"
    wait_until(
        lambda: shared_server.http.get(iframe).status_code == 403, "the iframe page is rejected too"
    )
    assert rejection(shared_server.http.get(iframe)) == (403, "token_revoked")


# All responses ------------------------------------------------------------------------------------

PATHS = (
    "/v1/stories/{code}",
    "/v1/stories/{code}/comments",
    "/v1/counts?story={code}",
    "/embed.js",
    "/s/{code}",
    "/s/{code}/write",
    "/e/{code}",
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/asyncapi.json",
    "/v1/stories/000000000000",
    "/v1/stories/short",
    "/v1/counts",
    "/v1/actions",
    "/nowhere",
    "/",
    "/healthz/",
    "/v1/live",
    "/embed/nothing.js",
    "/embed/..%2f..%2fconfig.py",
)


@pytest.mark.parametrize("path", PATHS)
def test_every_response_is_readable_from_any_page_and_sets_no_cookie(
    shared_server: SharedServer, path: str
) -> None:
    story = _one_story(shared_server)
    methods = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "TRACE")
    sent: tuple[dict[str, str], ...] = ({}, {"Origin": PAGE, "Cookie": "a=b"})
    for method, headers in itertools.product(methods, sent):
        answer = shared_server.http.request(method, path.format(code=story.code), headers=headers)
        assert answer.status_code < 500, answer.text
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers
        assert "set-cookie" not in answer.headers
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "location" not in answer.headers
        assert "server" not in answer.headers
        assert "Origin" not in answer.headers.get("vary", "")
        policy = answer.headers["content-security-policy"]
        if answer.headers.get("content-type", "").startswith("text/html"):
            assert "default-src 'none'" in policy
        else:
            assert policy == "default-src 'none'; frame-ancestors 'none'; sandbox"
        if answer.status_code >= 400 and method != "HEAD":
            rejection(answer)


@pytest.mark.parametrize("path", PATHS)
def test_no_response_contains_the_requested_host(shared_server: SharedServer, path: str) -> None:
    """Any host is accepted: probes use the address, servers have several names, proxies send others."""
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil"}
    path = path.format(code=_one_story(shared_server).code)
    answer = shared_server.http.get(path, headers=headers)
    assert answer.status_code == shared_server.http.get(path).status_code
    assert "evil" not in answer.text + str(answer.headers)


_STORIES: dict[str, Any] = {}


def _one_story(shared_server: SharedServer) -> Any:
    """Return one story for tests that change nothing."""
    if shared_server.url not in _STORIES:
        _STORIES[shared_server.url] = shared_server.story()
        shared_server.post(_STORIES[shared_server.url])
    return _STORIES[shared_server.url]


@pytest.mark.parametrize("path", [path for path in PATHS if path[1:4] not in ("", "v1/")][:8])
def test_head_equals_get_without_the_body(shared_server: SharedServer, path: str) -> None:
    path = path.format(code=_one_story(shared_server).code)
    get, head = shared_server.http.get(path), shared_server.http.head(path)
    assert (head.status_code, head.content) == (get.status_code, b"")
    if path != "/metrics":
        assert head.headers.get("etag") == get.headers.get("etag")
        assert head.headers["content-type"] == get.headers["content-type"]


@pytest.mark.parametrize("path", ["/v1/actions", "/v1/stories/000000000000", "/anything"])
def test_a_preflight_is_answered_for_every_path(shared_server: SharedServer, path: str) -> None:
    headers = {
        "Origin": "null",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    answer = shared_server.http.options(path, headers=headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    allowed = answer.headers["access-control-allow-headers"].split(", ")
    assert {"Authorization", "Content-Type"} <= set(allowed)
    assert "POST" in answer.headers["access-control-allow-methods"]


def test_a_wrong_method_gets_the_allowed_methods(
    shared_server: SharedServer,
) -> None:
    answer = shared_server.http.get("/v1/actions")
    assert rejection(answer) == (405, "malformed")
    assert answer.headers["allow"] == "POST"
    assert shared_server.http.post("/v1/counts").status_code == 405


def test_responses_are_compressed_if_the_client_accepts_gzip(shared_server: SharedServer) -> None:
    story = _one_story(shared_server)
    plain = shared_server.http.get(
        f"/v1/stories/{story.code}", headers={"Accept-Encoding": "identity"}
    )
    small = shared_server.http.get(f"/v1/stories/{story.code}", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert small.headers["content-encoding"] == "gzip"
    assert small.content == plain.content
    for answer in (plain, small):
        assert "Accept-Encoding" in answer.headers["vary"]


# The embed's files --------------------------------------------------------------------------------


def test_embed_js_is_cached_briefly_and_hashed_files_for_ever(
    shared_server: SharedServer,
) -> None:
    evergreen = shared_server.http.get("/embed.js")
    assert evergreen.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" not in evergreen.headers["cache-control"]
    assert int(re.findall(r"max-age=(\d+)", evergreen.headers["cache-control"])[0]) <= 3600
    manifest = shared_server.http.get("/embed/manifest.json")
    assert "immutable" not in manifest.headers["cache-control"]
    names = set(re.findall(r"\d+\.\d+\.\d+-[0-9a-z]+\.js", manifest.text))
    assert names
    for name in names:
        pinned = shared_server.http.get(f"/embed/{name}")
        assert pinned.status_code == 200
        assert pinned.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert pinned.headers["cross-origin-resource-policy"] == "cross-origin"


def test_every_part_and_language_file_is_immutable(shared_server: SharedServer) -> None:
    manifest = shared_server.http.get("/embed/manifest.json").json()
    entries = [*manifest["parts"].values(), *manifest["words"]]
    assert len(entries) > 20
    for name in (one["file"] for one in entries):
        for address in (name, f"{name}?3"):
            answer = shared_server.http.get(f"/embed/{address}")
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


def store(shared_server: SharedServer, files: dict[str, str]) -> None:
    """Store files in the database, as a process of another build does."""

    async def run() -> None:
        async with open_store(shared_server.server.env["DATABASE_URL"]) as opened:
            await opened.writer.run_in_transaction(store_embed_files(files))

    asyncio.run(run())


def test_embed_files_of_other_builds_are_served(shared_server: SharedServer) -> None:
    first, words = f"0.1.0-{secrets.token_hex(6)}.js", f"0.1.0-{secrets.token_hex(4)}-de-1.json"
    files = {first: "// first", words: "{}"}
    for name in files:
        assert rejection(shared_server.http.get(f"/embed/{name}")) == (404, "not_found")
    store(shared_server, files)
    wait_until(lambda: shared_server.http.get(f"/embed/{words}").status_code == 200, "it is found")
    for name, content in files.items():
        answer = shared_server.http.get(f"/embed/{name}")
        assert (answer.status_code, answer.text) == (200, content)
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        kind = "text/javascript; charset=utf-8" if name == first else "application/json"
        assert answer.headers["content-type"] == kind


def test_invented_file_names_do_not_cost_a_query_each(shared_server: SharedServer) -> None:
    def reads() -> float:
        text = shared_server.http.get("/metrics").text
        return float(
            re.findall(
                r"^widget_database_read_transactions_total ([0-9.e+]+)$", text, re.MULTILINE
            )[0]
        )

    began, before = time.monotonic(), reads()
    for _ in range(200):
        assert (
            shared_server.http.get(f"/embed/0.1.0-{secrets.token_hex(4)}-live.js").status_code
            == 404
        )
    # One query each second, and the queries of the background tasks.
    assert reads() - before < 20 + 10 * (time.monotonic() - began)


@pytest.mark.parametrize(
    ("accepts", "coding"),
    [
        ("gzip", "gzip"),
        ("gzip, deflate", "gzip"),
        ("identity", None),
        ("deflate", None),
        ("", None),
    ],
)
def test_the_embed_is_served_in_the_accepted_encoding(
    shared_server: SharedServer, accepts: str, coding: str | None
) -> None:
    with shared_server.http.stream(
        "GET", "/embed.js", headers={"Accept-Encoding": accepts}
    ) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers.get("content-encoding") == coding
    assert "Accept-Encoding" in answer.headers["vary"]
    plain = shared_server.http.get("/embed.js", headers={"Accept-Encoding": "identity"}).content
    assert (gzip.decompress(raw) if coding == "gzip" else raw) == plain


@pytest.mark.parametrize(
    "file", ["%2e%2e/embed.js", "..%2fembed.js", "x.js", "", ".", "%00", "%e9.js"]
)
def test_only_files_of_the_embed_are_served(shared_server: SharedServer, file: str) -> None:
    target = httpx.URL(shared_server.url).copy_with(raw_path=f"/embed/{file}".encode())
    assert rejection(shared_server.http.get(target)) == (404, "not_found")


# The story's page ---------------------------------------------------------------------------------

HOSTILE = "<script>alert(1)</script> <img src=x onerror=alert(1)> [x](javascript:alert(1)) {{7*7}}"


def test_the_story_page_escapes_hostile_text(shared_server: SharedServer) -> None:
    story = shared_server.publisher.story(
        title="</title><script>alert(2)</script>",
        author='"><b>author',
        publisher="{{ publisher }}",
        label="<i>label",
        url='https://copy.example/?a=1&b="2'.replace('"', "%22"),
    )
    shared_server.post(story, HOSTILE, name="<b>Ana</b>")
    page = shared_server.http.get(f"/s/{story.code}")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    embed = f"{shared_server.url}/embed"
    assert f"script-src {embed}.js {embed}/;" in policy
    # The first one is data: its type is no script's.
    assert re.findall(r"<script[^>]*>", page.text) == [
        '<script type="application/ld+json">',
        f'<script async src="{embed}.js">',
    ]
    tags = set(re.findall(r"<\s*/?\s*([a-zA-Z!]+)", page.text))
    assert not tags & {"img", "i", "iframe", "style"}
    assert not re.search(r"<b>(Ana|author)", page.text)
    assert " style=" not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "{{7*7}}" in page.text
    assert 'href="javascript' not in page.text


def test_the_story_page_has_permalinks_and_omits_deleted_comments(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story(title="Many")
    first = shared_server.post(story, "the [first](https://x.example) one")["comment"]["id"]
    reply = shared_server.post(story, "a reply", parent=first)["comment"]["id"]
    gone = shared_server.post(story, "to be removed")
    shared_server.action(story, "delete", comment=gone["comment"]["id"], reader=gone["reader"])
    page = shared_server.http.get(f"/s/{story.code}").text
    for comment in (first, reply):
        assert f'id="c-{comment}"' in page
    assert f'id="c-{gone["comment"]["id"]}"' not in page
    assert "to be removed" not in page
    assert 'rel="nofollow ugc noopener noreferrer"' in page


def test_the_stylesheets_of_the_story_page_are_served(shared_server: SharedServer) -> None:
    page = shared_server.http.get(f"/s/{_one_story(shared_server).code}").text
    for address in re.findall(r'<link rel="stylesheet" href="([^"]+)"', page):
        assert shared_server.http.get(address).headers["content-type"] == "text/css; charset=utf-8"


DAMAGED_TREE: list[Any] = [
    ["a", {"href": "javascript:alert(1)"}, "script"],
    ["a", {"href": "data:text/html,x"}, "data"],
    ["a", {"href": "https://ok.example/?a=1&b=2"}, "kept"],
    ["script", None, "alert(2)"],
    ["p", {"onclick": "x"}, ["em", None, "<b>"]],
]


def test_the_story_page_renders_a_tampered_row_without_unsafe_links(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story()
    comment = shared_server.post(story)["comment"]["id"]
    statement = text("UPDATE comments SET text = :tree WHERE id = :id")
    values = {"tree": json.dumps(DAMAGED_TREE), "id": comment}
    asyncio.run(_execute(shared_server.server.env["DATABASE_URL"], statement, values))
    page = shared_server.http.get(f"/s/{story.code}")
    assert page.status_code == 200
    (rendered,) = re.findall(r'<div class="comment-text" dir="auto">(.*)</div>', page.text)
    assert re.findall(r'href="([^"]*)"', rendered) == ["https://ok.example/?a=1&amp;b=2"]
    assert set(re.findall(r"</?([a-z]+)", rendered)) == {"a", "em", "p", "span"}
    for word in ("script", "data", "alert(2)", "&lt;b&gt;"):
        assert word in rendered


async def _execute(url: str, statement: Any, values: dict[str, Any]) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(statement, values)
    await engine.dispose()


BROWSER_ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize("path", ["/s/000000000000", "/s/x", "/s/%00", "/s/", "/e/000000000000"])
def test_an_unknown_story_is_a_page_for_browsers_and_a_problem_for_programs(
    shared_server: SharedServer, path: str
) -> None:
    for accepts in (BROWSER_ACCEPT, "text/html", "application/json;q=0.9, text/html"):
        page = shared_server.http.get(path, headers={"Accept": accepts})
        assert (page.status_code, page.headers["cache-control"]) == (404, "no-store")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert "Accept" in page.headers["vary"]
        assert "<h1>There is no discussion here yet</h1>" in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
    for accepts in ("*/*", "", "application/json", "application/json, text/html;q=0.9"):
        answer = shared_server.http.get(path, headers={"Accept": accepts})
        assert rejection(answer) == (404, "not_found")
        assert "Accept" in answer.headers["vary"]


def test_the_page_of_an_unregistered_story_says_how_it_begins(
    shared_server: SharedServer,
) -> None:
    story = shared_server.publisher.story()
    page = shared_server.http.get(f"/s/{story.code}", headers={"Accept": BROWSER_ACCEPT})
    assert page.status_code == 404
    assert "A discussion begins when someone first opens a page that carries it." in page.text


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/nowhere", 404, "There is no such page here"),
        ("GET", "/embed/nothing.js", 404, "There is no such page here"),
        ("POST", "/s/000000000000", 405, "This address cannot be used like that"),
        ("GET", "/s/{code}?before=nonsense", 400, "This address is not right"),
        ("GET", "/e/w1.press.1.e30.AAAA", 401, "This discussion cannot be shown here"),
    ],
)
def test_errors_are_html_pages_for_browsers(
    shared_server: SharedServer, method: str, path: str, status: int, words: str
) -> None:
    target = path.format(code=_one_story(shared_server).code)
    page = shared_server.http.request(method, target, headers={"Accept": BROWSER_ACCEPT})
    assert page.status_code == status
    assert f"<h1>{words}</h1>" in page.text
    assert page.headers["access-control-allow-origin"] == "*"
    if status == 405:
        assert page.headers["allow"]


def test_the_api_returns_problem_json_to_browsers_too(shared_server: SharedServer) -> None:
    for path in ("/v1/stories/000000000000", "/v1/counts", "/v1/nothing"):
        answer = shared_server.http.get(path, headers={"Accept": BROWSER_ACCEPT})
        assert rejection(answer)[0] in {400, 404}


def test_every_error_has_a_media_type_of_the_openapi_document(shared_server: SharedServer) -> None:
    for path, item in openapi_document()["paths"].items():
        if path.startswith(OWNER_PREFIX):
            continue  # test_reference_holds
        documented = {
            media
            for operation in item.values()
            for status, answer in operation["responses"].items()
            # 410 is no error page: it is the Tombstone of a removed comment.
            if int(status) >= 400 and status != "410"
            for media in answer["content"]
        }
        target = path.replace("{code}", "0" * 12).replace("{format}", "atom")
        target = re.sub(r"{\w+}", "x", target)
        found = set()
        for accepts in (BROWSER_ACCEPT, "*/*"):
            answer = shared_server.http.get(target, headers={"Accept": accepts})
            if answer.status_code == 200:
                answer = shared_server.http.put(target, headers={"Accept": accepts})
            assert answer.status_code in {400, 404, 401, 405}
            found.add(answer.headers["content-type"].partition(";")[0])
        assert path == "/v1/actions" or found == documented, path


@pytest.mark.parametrize(
    "since", ["", ":1", "a:", "a:x", "a b:1", "a\n:1", "a" * 65 + ":1", "a:" + "1" * 16]
)
def test_a_position_of_the_wrong_shape_is_malformed(
    shared_server: SharedServer, since: str
) -> None:
    path = f"/v1/stories/{_one_story(shared_server).code}"
    assert rejection(shared_server.http.get(path, params={"since": since})) == (400, "malformed")


@pytest.mark.parametrize("kind", ["s", "e"])
def test_a_trailing_slash_redirects_to_the_page(shared_server: SharedServer, kind: str) -> None:
    story = _one_story(shared_server)
    for path in (f"/{kind}/{story.code}/", f"/{kind}/{story.code}//?before=&x=%22"):
        answer = shared_server.http.get(path)
        assert answer.status_code == 308
        _, _, query = path.partition("?")
        wanted = f"/{kind}/{story.code}" + ("?" + query if query else "")
        assert answer.headers["location"] == wanted
        assert shared_server.http.get(path, follow_redirects=True).status_code == 200
    assert shared_server.http.get("/s//elsewhere.example/").status_code == 404
    assert shared_server.http.post(f"/{kind}/{story.code}/").status_code == 404


def test_the_home_page_describes_the_server_and_names_no_story(
    shared_server: SharedServer,
) -> None:
    story = _one_story(shared_server)
    page = shared_server.http.get("/", headers={"Accept": BROWSER_ACCEPT})
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    api = shared_server.http.get("/")
    assert api.headers["content-type"] == "application/json"
    for answer in (page, api):
        assert "Accept" in answer.headers["vary"]
        assert story.code not in answer.text
    for name, address in api.json().items():
        assert (
            name == "name" or httpx.get(address, trust_env=False, verify=NO_TLS).status_code == 200
        )


# For operators ------------------------------------------------------------------------------------


def test_health_readiness_and_metrics_respond(shared_server: SharedServer) -> None:
    assert shared_server.http.get("/healthz").text == "ok\n"
    ready = shared_server.http.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    shared_server.story()
    metrics = shared_server.http.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    counted = dict(re.findall(r"^(widget_\w+) ([0-9.e+]+)$", metrics.text, re.MULTILINE))
    assert float(counted["widget_writer_batch_size_sum"]) > 0
    assert float(counted["widget_bus_up"]) == float(counted["widget_database_writable"]) == 1


def test_the_api_reference_is_served(shared_server: SharedServer) -> None:
    for path, version in (("/openapi.json", "openapi"), ("/asyncapi.json", "asyncapi")):
        answer = shared_server.http.get(path)
        assert answer.headers["cache-control"] == "public, max-age=3600"
        assert version in answer.json()
