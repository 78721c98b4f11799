"""Every path over HTTP, as a page, a cache and a stranger ask it."""

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

from tests.edge.paper import PAGE, Paper, refusal
from tests.store.opened import open_store
from tests.waiting import wait_until
from widget_server.store.embed_files import store_embed_files
from widget_server.wire.reference import openapi_document

NOWHERE = "000000000000"


def code_of(answer: httpx.Response) -> str:
    return refusal(answer)[1]


# The snapshot -------------------------------------------------------------------------------------


def test_a_story_is_not_found_until_a_token_has_made_it_known(paper: Paper) -> None:
    story = paper.publisher.story(title="Known")
    assert refusal(paper.http.get(f"/v1/stories/{story.code}")) == (404, "not_found")
    paper.forget_a_stranger(story)
    assert paper.snapshot(story)["story"]["title"] == "Known"


def test_a_snapshot_is_the_same_for_everyone_and_may_be_kept(paper: Paper) -> None:
    story = paper.story()
    reader = paper.post(story)["reader"]
    first = paper.http.get(f"/v1/stories/{story.code}")
    other = paper.http.get(f"/v1/stories/{story.code}", headers={"Authorization": reader})
    assert first.content == other.content
    assert first.headers["cache-control"] == "public, max-age=2"
    for word in ("reader", "mine", "can", "email"):
        assert word not in {key for key in first.json() if key != "settings"}


@pytest.mark.parametrize("spelling", ["{}", "W/{}", '"other", {}', '"other",W/{} , "more"', "*"])
def test_what_has_not_changed_is_not_sent_again(paper: Paper, spelling: str) -> None:
    story = paper.story()
    tag = paper.http.get(f"/v1/stories/{story.code}").headers["etag"]
    assert re.fullmatch(r'W/"[0-9a-f]{24}"', tag), "one tag for what is compressed and what is not"
    header = {"If-None-Match": spelling.format(tag.removeprefix("W/"))}
    again = paper.http.get(f"/v1/stories/{story.code}", headers=header)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == tag
    assert again.headers["access-control-allow-origin"] == "*"
    assert again.headers["vary"] == "Accept-Encoding"
    paper.post(story)
    if spelling != "*":
        fresh = paper.http.get(f"/v1/stories/{story.code}", headers=header)
        assert fresh.status_code == 200
        assert fresh.headers["etag"] != tag


def test_since_brings_only_what_changed(paper: Paper) -> None:
    story = paper.story()
    paper.post(story, "first")
    seen = paper.snapshot(story)["position"]
    second = paper.post(story, "second")["comment"]["id"]
    since = {"since": f"{seen['epoch']}:{seen['seq']}"}
    answer = paper.http.get(f"/v1/stories/{story.code}", params=since).json()
    assert answer["resumed"] is True
    assert [comment["id"] for comment in answer["changes"]] == [second]
    assert answer["position"]["seq"] == seen["seq"] + 1


def test_since_another_epoch_or_a_future_brings_everything(paper: Paper) -> None:
    story = paper.story()
    paper.post(story)
    epoch = paper.snapshot(story)["position"]["epoch"]
    for since in ("other:0", f"{epoch}:999"):
        answer = paper.http.get(f"/v1/stories/{story.code}", params={"since": since}).json()
        assert answer["resumed"] is False
        assert len(answer["comments"]["threads"]) == 1


@pytest.mark.parametrize(
    "since",
    ["", ":", "e", "e:", ":1", "e:-1", "e:1.0", "e:one", "e:" + "9" * 30, "e" * 65 + ":1", "e:١"],
)
def test_a_position_that_is_none_is_malformed(paper: Paper, since: str) -> None:
    story = paper.story()
    answer = paper.http.get(f"/v1/stories/{story.code}", params={"since": since})
    assert refusal(answer) == (400, "malformed")


def test_a_part_of_an_answer_is_not_to_be_had(paper: Paper) -> None:
    story = _one_story(paper)
    for path in (f"/v1/stories/{story.code}", "/embed.js", f"/s/{story.code}"):
        whole = paper.http.get(path)
        asked = {"Range": "bytes=0-9", "If-Range": whole.headers.get("etag", "x")}
        answer = paper.http.get(path, headers=asked)
        assert (answer.status_code, answer.content) == (200, whole.content)
        assert "content-range" not in answer.headers


# Further threads ----------------------------------------------------------------------------------


def test_pages_lead_through_all_threads(paper: Paper) -> None:
    story = paper.story()
    ids = [paper.post(story, f"number {n}")["comment"]["id"] for n in range(5)]
    for order, wanted in (("newest", ids[::-1]), ("oldest", ids), ("top", ids[::-1])):
        seen: list[str] = []
        before = None
        while before is not None or not seen:
            query = {"order": order, "limit": "2"} | ({} if before is None else {"before": before})
            page = paper.http.get(f"/v1/stories/{story.code}/comments", params=query).json()
            seen += [thread["id"] for thread in page["threads"]]
            before = page["next"]
        assert seen == wanted


@pytest.mark.parametrize(
    "query",
    [{"limit": limit} for limit in ("0", "101", "-1", "1.5", "x", "", "9" * 30, "٣", "1e1", " 5")]
    + [{"order": order} for order in ("", "best", "NEWEST")]
    + [{"before": before} for before in ("x", "%00", "W10", "é", "WyJvbGRlc3QiLDFd")],
)
def test_a_page_that_nobody_offered_is_malformed(paper: Paper, query: dict[str, str]) -> None:
    story = paper.story()
    answer = paper.http.get(f"/v1/stories/{story.code}/comments", params=query)
    assert refusal(answer) == (400, "malformed")


def test_the_thread_of_a_reply_is_the_whole_thread(paper: Paper) -> None:
    story = paper.story()
    top = paper.post(story)["comment"]["id"]
    reply = paper.post(story, parent=top)["comment"]["id"]
    for comment in (top, reply):
        thread = paper.http.get(f"/v1/stories/{story.code}/comments/{comment}").json()
        assert (thread["id"], [one["id"] for one in thread["replies"]]) == (top, [reply])


@pytest.mark.parametrize("comment", ["nobody", "x" * 17, "%00", "a%20b", "%2e%2e", "é"])
def test_a_comment_that_is_not_there_is_not_found(paper: Paper, comment: str) -> None:
    story = paper.story()
    answer = paper.http.get(f"/v1/stories/{story.code}/comments/{comment}")
    assert refusal(answer) == (404, "not_found")


# Counts -------------------------------------------------------------------------------------------


def test_counts_are_told_for_a_thousand_stories_at_once(paper: Paper) -> None:
    story = paper.story()
    paper.post(story)
    paper.deed(story, "react", reaction="happy")
    codes = [f"{number:012d}" for number in range(999)] + [story.code]
    answer = paper.http.get("/v1/counts", params={"story": codes})
    assert answer.status_code == 200
    (count,) = answer.json()["stories"].items()
    assert count[0] == story.code
    assert count[1]["comments"] == 1
    assert count[1]["tally"]["counts"]["happy"] == 1


def test_counts_of_no_story_and_of_too_many_are_malformed(paper: Paper) -> None:
    assert refusal(paper.http.get("/v1/counts")) == (400, "malformed")
    many = {"story": [f"{number:012d}" for number in range(1001)]}
    assert refusal(paper.http.get("/v1/counts", params=many)) == (400, "malformed")


def test_codes_that_are_none_are_left_out_of_counts(paper: Paper) -> None:
    codes = ["", "x", "\0" * 12, "é" * 12, NOWHERE, "'; DROP TAB"]
    answer = paper.http.get("/v1/counts", params={"story": codes}).json()
    assert answer == {"stories": {}, "more": 0}


# Deeds --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("media", ["text/plain", "text/plain;charset=UTF-8", "application/json"])
def test_every_deed_is_taken_in_both_media_types(paper: Paper, media: str) -> None:
    story = paper.story()

    def do(kind: str, **fields: Any) -> dict[str, Any]:
        answer = paper.deed(story, kind, media=media, ref=7, reader=reader, **fields)
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
def test_an_action_is_taken_as_text_or_json_and_as_nothing_else(
    paper: Paper, media: list[str], status: int
) -> None:
    story = _one_story(paper)
    sent = {"type": "react", "story": story.code, "token": story.token, "reaction": "happy"}
    headers = [("Origin", PAGE), *(("Content-Type", one) for one in media)]
    answer = paper.http.post("/v1/actions", content=json.dumps(sent), headers=headers)
    assert answer.status_code == status
    if status == 415:
        assert refusal(answer) == (415, "malformed")
        assert "text/plain" in answer.json()["detail"]


def test_a_deed_done_again_with_its_key_is_done_once(paper: Paper) -> None:
    story = paper.story()
    key = str(uuid.uuid4())
    first = paper.post(story, key=key)
    again = paper.post(story, key=key, reader=first["reader"])
    assert again["comment"]["id"] == first["comment"]["id"]
    assert paper.snapshot(story)["count"] == 1


def test_all_first_deeds_with_one_first_are_one_readers(paper: Paper) -> None:
    story, other, first = paper.story(), paper.story(), str(uuid.uuid4())
    taps = [
        paper.deed(story, "react", reaction=reaction, first=spelt).json()
        for reaction, spelt in (("sad", first), ("sad", first.upper()), ("happy", first))
    ]
    assert taps[-1]["tally"]["counts"] | {"happy": 1, "sad": 0} == taps[-1]["tally"]["counts"]
    said = [paper.post(story, "hello", first=first, key=str(uuid.uuid4())) for _ in range(2)]
    elsewhere = paper.deed(other, "react", reaction="sad", first=first).json()
    assert len({answer["reader"] for answer in (*taps, *said, elsewhere)}) == 1
    # What was said before is that reader's to take back, by a deed of any kind.
    mine = said[0]["comment"]["id"]
    assert paper.deed(story, "delete", comment=mine, first=first).status_code == 200
    assert paper.deed(story, "forget", first=first).status_code == 200
    assert paper.snapshot(story)["count"] == 0
    assert sum(paper.snapshot(other)["tally"]["counts"].values()) == 0


def test_without_first_each_first_deed_is_another_readers(paper: Paper) -> None:
    story = paper.story()
    key = str(uuid.uuid4())
    taps = [paper.deed(story, "react", reaction="sad", key=key).json() for _ in range(2)]
    assert taps[0]["reader"] != taps[1]["reader"]
    assert paper.snapshot(story)["tally"]["counts"]["sad"] == 2


@pytest.mark.parametrize("known", [False, True])
def test_a_comment_sent_again_with_its_key_is_posted_once_by_whomever(
    paper: Paper, known: bool
) -> None:
    story, key, first = paper.story(), str(uuid.uuid4()), str(uuid.uuid4())
    once = paper.post(story, "hello", key=key, first=first)
    again = paper.post(story, "hello, changed", key=key, first=first)
    assert again == once
    # The answer was lost, and meanwhile the reader has become somebody by another way.
    other = paper.deed(story, "react", reaction="sad").json()["reader"]
    late = paper.post(story, key=key, first=first, reader=other if known else once["reader"])
    assert late["comment"]["id"] == once["comment"]["id"]
    assert paper.snapshot(story)["count"] == 1
    bare = str(uuid.uuid4())
    assert paper.post(story, key=bare) == paper.post(story, key=bare)
    assert paper.snapshot(story)["count"] == 2


@pytest.mark.parametrize("first", ["", "1", 7, "00000000-0000-1000-8000-000000000000", "x" * 36])
def test_a_first_that_others_may_guess_is_refused(paper: Paper, first: Any) -> None:
    answer = paper.deed(paper.story(), "react", reaction="sad", first=first)
    assert refusal(answer) == (400, "malformed")
    assert "“first”" in answer.json()["detail"]


def test_a_key_that_others_may_guess_makes_nobody_the_same_reader(paper: Paper) -> None:
    story = paper.story()
    for key in ("12345678", "00000000-0000-1000-8000-000000000000", uuid.uuid4().hex):
        answers = [paper.post(story, key=key) for _ in range(2)]
        assert len({answer["reader"] for answer in answers}) == 2
        assert len({answer["comment"]["id"] for answer in answers}) == 2


@pytest.mark.parametrize("page", ["https://copy.example/" + "a" * 2_000, 7, {}, None])
def test_a_page_that_does_not_fit_costs_no_comment(paper: Paper, page: Any) -> None:
    assert paper.post(paper.story(), page=page)["comment"]["state"] == "published"


def test_pages_may_read_by_which_clock_an_answer_was_given(paper: Paper) -> None:
    answer = paper.http.get(f"/v1/stories/{paper.story().code}")
    exposed = answer.headers["access-control-expose-headers"].lower().split(", ")
    assert {"age", "date"} <= set(exposed)
    assert "date" in answer.headers


def test_messages_of_the_socket_alone_are_no_deeds(paper: Paper) -> None:
    story = paper.story()
    for kind in ("subscribe", "unsubscribe", "visible", "snapshot", "ok", ""):
        assert refusal(paper.deed(story, kind, value=True)) == (400, "malformed")


def test_a_refused_deed_carries_its_reference(paper: Paper) -> None:
    story = paper.story()
    known = paper.deed(story, "react", reaction="unheard of", ref=5)
    assert (refusal(known), known.json()["ref"]) == ((422, "unknown_reaction"), 5)
    malformed = paper.deed(story, "react", reaction=7, ref=6)
    assert (refusal(malformed), malformed.json()["ref"]) == ((400, "malformed"), 6)


# Who may ------------------------------------------------------------------------------------------


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
def test_a_deed_counts_only_from_a_page_that_the_token_names(
    paper: Paper, origins: list[str], origin: str | None, status: int
) -> None:
    story = paper.publisher.story(origins=origins)
    body = {"key": str(uuid.uuid4()), "body": "hello"}
    for answer in (
        paper.deed(story, "react", origin=origin, reaction="happy"),
        paper.deed(story, "comment", origin=origin, **body),
        paper.deed(story, "forget", origin=origin),
    ):
        assert answer.status_code == status, answer.text
        if status != 200:
            assert code_of(answer) == "origin_not_allowed"


def test_own_words_are_not_taken_back_by_a_caller_that_is_no_page(paper: Paper) -> None:
    story = paper.story()
    done = paper.post(story)
    fields = {"comment": done["comment"]["id"], "reader": done["reader"]}
    for kind in ("delete", "forget"):
        answer = paper.deed(story, kind, origin=None, **fields)
        assert refusal(answer) == (403, "origin_not_allowed")
    assert paper.deed(story, "delete", **fields).status_code == 200


def test_two_origins_are_none(paper: Paper) -> None:
    story = paper.story()
    body = json.dumps(
        {"type": "react", "story": story.code, "token": story.token, "reaction": None}
    )
    headers = [("Origin", PAGE), ("Origin", "https://evil.example")]
    answer = paper.http.post("/v1/actions", content=body, headers=headers)
    assert refusal(answer) == (403, "origin_not_allowed")


def test_a_copy_is_shown_with_the_origin_of_its_page(paper: Paper) -> None:
    story = paper.publisher.story(origins=["*"], label="The Copy")
    seen = {
        origin: paper.post(story, origin=origin)["comment"]["copy"]
        for origin in ("https://Site.example:443", "null", None, "<b>", "https://" + "a" * 400)
    }
    labelled = [None if copy is None else copy["origin"] for copy in seen.values()]
    assert labelled == ["https://site.example", "null", None, "null", "null"]


def test_a_token_that_is_over_reads_and_takes_back_but_adds_nothing(paper: Paper) -> None:
    now = int(time.time())
    story = paper.publisher.story(iat=now - 100, exp=now + 3600)
    done = paper.post(story)
    over = type(story)(
        story.key, story.code, paper.publisher.token(story.key, iat=now - 90, exp=now - 1)
    )
    fields = {"reader": done["reader"]}
    assert refusal(paper.deed(over, "react", reaction="happy")) == (401, "token_expired")
    answer = paper.deed(over, "edit", comment=done["comment"]["id"], body="x", **fields)
    assert refusal(answer) == (401, "token_expired")
    answer = paper.deed(over, "delete", comment=done["comment"]["id"], **fields)
    assert answer.status_code == 200


def test_a_revoked_token_adds_nothing(paper: Paper) -> None:
    story = paper.publisher.story(jti="to-be-revoked-" + uuid.uuid4().hex[:8])
    paper.forget_a_stranger(story)
    claims = json.loads(_payload(story.token))
    paper.cli("site", "revoke", "press", claims["jti"])

    def revoked() -> bool:
        return code_of(paper.deed(story, "react", reaction="nothing")) == "token_revoked"

    wait_until(revoked, "the token is withdrawn")
    assert refusal(paper.deed(story, "react", reaction="sad")) == (403, "token_revoked")


def _payload(token: str) -> bytes:
    part = token.split(".")[3]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


@pytest.mark.parametrize(("can", "status"), [(["read"], 403), (["read", "react"], 200)])
def test_a_token_grants_only_what_it_says(paper: Paper, can: list[str], status: int) -> None:
    story = paper.publisher.story(can=can)
    assert paper.deed(story, "react", reaction="happy").status_code == status
    answer = paper.deed(story, "comment", key=str(uuid.uuid4()), body="hello")
    assert refusal(answer) == (403, "not_permitted")


def test_a_token_of_another_story_is_not_permitted(paper: Paper) -> None:
    story, other = paper.story(), paper.story()
    answer = paper.deed(story, "react", reaction="happy", token=other.token)
    assert refusal(answer) == (403, "not_permitted")


def test_a_code_alone_acts_where_anyone_may_republish(paper: Paper) -> None:
    free, closed = paper.story(), paper.story(license="proprietary")
    paper.post(free, token=None, origin="https://anyone.example")
    assert refusal(paper.deed(free, "react", token=None, origin=None, reaction="sad")) == (
        403,
        "origin_not_allowed",
    )
    assert refusal(paper.deed(closed, "react", token=None, reaction="sad")) == (
        403,
        "not_permitted",
    )
    unknown = paper.publisher.story()
    assert refusal(paper.deed(unknown, "react", token=None, reaction="sad")) == (404, "not_found")


def test_a_site_may_close_its_stories_to_those_without_a_token(paper: Paper) -> None:
    slug = f"closed-{uuid.uuid4().hex[:6]}"
    publisher = paper.site(slug, "open_reading=off", "open_republishing=off")
    story = publisher.story()
    paper.post(story)
    for path in ("", "/comments", "/comments/abc"):
        answer = paper.http.get(f"/v1/stories/{story.code}{path}")
        assert refusal(answer) == (403, "not_permitted")
    assert refusal(paper.http.get(f"/s/{story.code}")) == (403, "not_permitted")
    answer = paper.deed(story, "react", token=None, reaction="sad")
    assert refusal(answer) == (403, "not_permitted")


# All answers --------------------------------------------------------------------------------------

PATHS = (
    "/v1/stories/{code}",
    "/v1/stories/{code}/comments",
    "/v1/counts?story={code}",
    "/embed.js",
    "/s/{code}",
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
def test_every_answer_is_readable_from_any_page_and_sets_no_cookie(paper: Paper, path: str) -> None:
    story = _one_story(paper)
    methods = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "TRACE")
    sent: tuple[dict[str, str], ...] = ({}, {"Origin": PAGE, "Cookie": "a=b"})
    for method, headers in itertools.product(methods, sent):
        answer = paper.http.request(method, path.format(code=story.code), headers=headers)
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
            refusal(answer)


@pytest.mark.parametrize("path", PATHS)
def test_the_host_that_was_asked_is_in_no_answer(paper: Paper, path: str) -> None:
    """So any is served: probes by address, several names, proxies that send another one."""
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil"}
    path = path.format(code=_one_story(paper).code)
    answer = paper.http.get(path, headers=headers)
    assert answer.status_code == paper.http.get(path).status_code
    assert "evil" not in answer.text + str(answer.headers)


_STORIES: dict[str, Any] = {}


def _one_story(paper: Paper) -> Any:
    """One story for tests that change nothing."""
    if paper.url not in _STORIES:
        _STORIES[paper.url] = paper.story()
        paper.post(_STORIES[paper.url])
    return _STORIES[paper.url]


@pytest.mark.parametrize("path", [path for path in PATHS if path[1:4] not in ("", "v1/")][:8])
def test_head_is_get_without_the_body(paper: Paper, path: str) -> None:
    path = path.format(code=_one_story(paper).code)
    got, asked = paper.http.get(path), paper.http.head(path)
    assert (asked.status_code, asked.content) == (got.status_code, b"")
    if path != "/metrics":
        assert asked.headers.get("etag") == got.headers.get("etag")
        assert asked.headers["content-type"] == got.headers["content-type"]


@pytest.mark.parametrize("path", ["/v1/actions", "/v1/stories/000000000000", "/anything"])
def test_a_preflight_is_answered_for_every_path(paper: Paper, path: str) -> None:
    asked = {
        "Origin": "null",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    answer = paper.http.options(path, headers=asked)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-headers"] == "Content-Type"
    assert "POST" in answer.headers["access-control-allow-methods"]


def test_a_method_that_a_path_does_not_take_is_said_with_those_it_takes(paper: Paper) -> None:
    answer = paper.http.get("/v1/actions")
    assert refusal(answer) == (405, "malformed")
    assert answer.headers["allow"] == "POST"
    assert paper.http.post("/v1/counts").status_code == 405


def test_answers_are_compressed_for_those_who_take_it(paper: Paper) -> None:
    story = _one_story(paper)
    plain = paper.http.get(f"/v1/stories/{story.code}", headers={"Accept-Encoding": "identity"})
    small = paper.http.get(f"/v1/stories/{story.code}", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert small.headers["content-encoding"] == "gzip"
    assert small.content == plain.content
    for answer in (plain, small):
        assert "Accept-Encoding" in answer.headers["vary"]


# The embed's files --------------------------------------------------------------------------------


def test_the_embed_has_an_address_that_changes_and_one_that_never_does(paper: Paper) -> None:
    evergreen = paper.http.get("/embed.js")
    assert evergreen.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" not in evergreen.headers["cache-control"]
    assert int(re.findall(r"max-age=(\d+)", evergreen.headers["cache-control"])[0]) <= 3600
    manifest = paper.http.get("/embed/manifest.json")
    assert "immutable" not in manifest.headers["cache-control"]
    names = set(re.findall(r"\d+\.\d+\.\d+-[0-9a-z]+\.js", manifest.text))
    assert names
    for name in names:
        pinned = paper.http.get(f"/embed/{name}")
        assert pinned.status_code == 200
        assert pinned.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert pinned.headers["cross-origin-resource-policy"] == "cross-origin"


def test_every_part_and_language_file_never_changes(paper: Paper) -> None:
    manifest = paper.http.get("/embed/manifest.json").json()
    facts = [*manifest["parts"].values(), *manifest["words"]]
    assert len(facts) > 20
    for name in (one["file"] for one in facts):
        for address in (name, f"{name}?3"):
            answer = paper.http.get(f"/embed/{address}")
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


def store(paper: Paper, files: dict[str, str]) -> None:
    """Leave files in the database, as a process of another build does."""

    async def run() -> None:
        async with open_store(paper.server.env["DATABASE_URL"]) as opened:
            await opened.writer.run_errand(store_embed_files(files))

    asyncio.run(run())


def test_the_files_of_other_builds_are_served_as_our_own(paper: Paper) -> None:
    first, words = f"0.1.0-{secrets.token_hex(6)}.js", f"0.1.0-{secrets.token_hex(4)}-de-1.json"
    files = {first: "// first", words: "{}"}
    for name in files:
        assert refusal(paper.http.get(f"/embed/{name}")) == (404, "not_found")
    store(paper, files)
    wait_until(lambda: paper.http.get(f"/embed/{words}").status_code == 200, "it is found")
    for name, content in files.items():
        answer = paper.http.get(f"/embed/{name}")
        assert (answer.status_code, answer.text) == (200, content)
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        kind = "text/javascript; charset=utf-8" if name == first else "application/json"
        assert answer.headers["content-type"] == kind


def test_names_that_are_invented_cost_no_question_each(paper: Paper) -> None:
    def reads() -> float:
        text = paper.http.get("/metrics").text
        return float(
            re.findall(r"^widget_database_reads_total ([0-9.e+]+)$", text, re.MULTILINE)[0]
        )

    began, before = time.monotonic(), reads()
    for _ in range(200):
        assert paper.http.get(f"/embed/0.1.0-{secrets.token_hex(4)}-live.js").status_code == 404
    # One each second, and what the server asks by itself.
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
def test_the_embed_comes_compressed_beforehand(
    paper: Paper, accepts: str, coding: str | None
) -> None:
    with paper.http.stream("GET", "/embed.js", headers={"Accept-Encoding": accepts}) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers.get("content-encoding") == coding
    assert "Accept-Encoding" in answer.headers["vary"]
    plain = paper.http.get("/embed.js", headers={"Accept-Encoding": "identity"}).content
    assert (gzip.decompress(raw) if coding == "gzip" else raw) == plain


@pytest.mark.parametrize(
    "file", ["%2e%2e/embed.js", "..%2fembed.js", "x.js", "", ".", "%00", "%e9.js"]
)
def test_only_the_embeds_own_files_are_served(paper: Paper, file: str) -> None:
    target = httpx.URL(paper.url).copy_with(raw_path=f"/embed/{file}".encode())
    assert refusal(paper.http.get(target)) == (404, "not_found")


# The story's page ---------------------------------------------------------------------------------

HOSTILE = "<script>alert(1)</script> <img src=x onerror=alert(1)> [x](javascript:alert(1)) {{7*7}}"


def test_the_page_shows_hostile_words_as_words(paper: Paper) -> None:
    story = paper.publisher.story(
        title="</title><script>alert(2)</script>",
        author='"><b>author',
        publisher="{{ publisher }}",
        label="<i>label",
        url='https://copy.example/?a=1&b="2'.replace('"', "%22"),
    )
    paper.post(story, HOSTILE, name="<b>Ana</b>")
    page = paper.http.get(f"/s/{story.code}")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src" not in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]
    tags = set(re.findall(r"<\s*/?\s*([a-zA-Z!]+)", page.text))
    assert not tags & {"script", "img", "b", "i", "iframe", "svg"}
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "{{7*7}}" in page.text
    assert 'href="javascript' not in page.text


def test_the_page_has_permalinks_and_leads_to_older_comments(paper: Paper) -> None:
    story = paper.story(title="Many")
    first = paper.post(story, "the [first](https://x.example) one")["comment"]["id"]
    reply = paper.post(story, "a reply", parent=first)["comment"]["id"]
    gone = paper.post(story, "to be removed")
    paper.deed(story, "delete", comment=gone["comment"]["id"], reader=gone["reader"])
    page = paper.http.get(f"/s/{story.code}").text
    for comment in (first, reply, gone["comment"]["id"]):
        assert f'id="c-{comment}"' in page
    assert "to be removed" not in page
    assert 'rel="nofollow ugc noopener noreferrer"' in page


def test_the_styles_of_the_page_are_there(paper: Paper) -> None:
    page = paper.http.get(f"/s/{_one_story(paper).code}").text
    for address in re.findall(r'<link rel="stylesheet" href="([^"]+)"', page):
        assert paper.http.get(address).headers["content-type"] == "text/css; charset=utf-8"


DAMAGED: list[Any] = [
    ["a", {"href": "javascript:alert(1)"}, "script"],
    ["a", {"href": "data:text/html,x"}, "data"],
    ["a", {"href": "https://ok.example/?a=1&b=2"}, "kept"],
    ["script", None, "alert(2)"],
    ["p", {"onclick": "x"}, ["em", None, "<b>"]],
]


def test_the_page_shows_a_row_that_was_tampered_with_and_leads_nowhere_bad(paper: Paper) -> None:
    story = paper.story()
    comment = paper.post(story)["comment"]["id"]
    statement = text("UPDATE comments SET text = :tree WHERE id = :id")
    values = {"tree": json.dumps(DAMAGED), "id": comment}
    asyncio.run(_execute(paper.server.env["DATABASE_URL"], statement, values))
    page = paper.http.get(f"/s/{story.code}")
    assert page.status_code == 200
    (drawn,) = re.findall(r'<div dir="auto">(.*)</div>', page.text)
    assert re.findall(r'href="([^"]*)"', drawn) == ["https://ok.example/?a=1&amp;b=2"]
    assert set(re.findall(r"</?([a-z]+)", drawn)) == {"a", "em", "p", "span"}
    for word in ("script", "data", "alert(2)", "&lt;b&gt;"):
        assert word in drawn


async def _execute(url: str, statement: Any, values: dict[str, Any]) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(statement, values)
    await engine.dispose()


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize("path", ["/s/000000000000", "/s/x", "/s/%00", "/s/", "/e/000000000000"])
def test_a_page_of_no_story_says_so_in_words_to_people_and_as_a_problem_to_programs(
    paper: Paper, path: str
) -> None:
    for accepts in (BROWSER, "text/html", "application/json;q=0.9, text/html"):
        page = paper.http.get(path, headers={"Accept": accepts})
        assert (page.status_code, page.headers["cache-control"]) == (404, "no-store")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert "Accept" in page.headers["vary"]
        assert "<h1>There is no discussion here yet</h1>" in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
    for accepts in ("*/*", "", "application/json", "application/json, text/html;q=0.9"):
        answer = paper.http.get(path, headers={"Accept": accepts})
        assert refusal(answer) == (404, "not_found")
        assert "Accept" in answer.headers["vary"]


def test_a_story_that_nobody_has_shown_is_told_as_one_that_may_begin(paper: Paper) -> None:
    story = paper.publisher.story()
    page = paper.http.get(f"/s/{story.code}", headers={"Accept": BROWSER})
    assert page.status_code == 404
    assert "A discussion begins when somebody first opens a page that carries it." in page.text


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
def test_whatever_a_person_opens_answers_in_words(
    paper: Paper, method: str, path: str, status: int, words: str
) -> None:
    target = path.format(code=_one_story(paper).code)
    page = paper.http.request(method, target, headers={"Accept": BROWSER})
    assert page.status_code == status
    assert f"<h1>{words}</h1>" in page.text
    assert page.headers["access-control-allow-origin"] == "*"
    if status == 405:
        assert page.headers["allow"]


def test_the_api_answers_problems_to_everyone(paper: Paper) -> None:
    for path in ("/v1/stories/000000000000", "/v1/counts", "/v1/nothing"):
        answer = paper.http.get(path, headers={"Accept": BROWSER})
        assert refusal(answer)[0] in {400, 404}


def test_every_refusal_has_a_form_that_the_reference_tells(paper: Paper) -> None:
    for path, item in openapi_document()["paths"].items():
        told = {
            media
            for operation in item.values()
            for media in operation["responses"]["default"]["content"]
        }
        target = path.format(code="0" * 12, comment="x", reference="x", file="x.js")
        found = set()
        for accepts in (BROWSER, "*/*"):
            answer = paper.http.get(target, headers={"Accept": accepts})
            if answer.status_code == 200:
                answer = paper.http.put(target, headers={"Accept": accepts})
            assert answer.status_code in {400, 404, 401, 405}
            found.add(answer.headers["content-type"].partition(";")[0])
        assert path == "/v1/actions" or found == told, path


@pytest.mark.parametrize(
    "since", ["", ":1", "a:", "a:x", "a b:1", "a\n:1", "a" * 65 + ":1", "a:" + "1" * 16]
)
def test_a_position_that_is_none_is_refused(paper: Paper, since: str) -> None:
    path = f"/v1/stories/{_one_story(paper).code}"
    assert refusal(paper.http.get(path, params={"since": since})) == (400, "malformed")


@pytest.mark.parametrize("kind", ["s", "e"])
def test_a_slash_too_many_leads_to_the_page(paper: Paper, kind: str) -> None:
    story = _one_story(paper)
    for path in (f"/{kind}/{story.code}/", f"/{kind}/{story.code}//?before=&x=%22"):
        answer = paper.http.get(path)
        assert answer.status_code == 308
        _, _, query = path.partition("?")
        wanted = f"/{kind}/{story.code}" + ("?" + query if query else "")
        assert answer.headers["location"] == wanted
        assert paper.http.get(path, follow_redirects=True).status_code == 200
    assert paper.http.get("/s//elsewhere.example/").status_code == 404
    assert paper.http.post(f"/{kind}/{story.code}/").status_code == 404


def test_the_address_of_the_server_says_what_it_is_and_names_no_story(paper: Paper) -> None:
    story = _one_story(paper)
    page = paper.http.get("/", headers={"Accept": BROWSER})
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    told = paper.http.get("/")
    assert told.headers["content-type"] == "application/json"
    for answer in (page, told):
        assert "Accept" in answer.headers["vary"]
        assert story.code not in answer.text
    for name, address in told.json().items():
        assert name == "name" or httpx.get(address, trust_env=False).status_code == 200


# For operators ------------------------------------------------------------------------------------


def test_health_readiness_and_metrics_answer(paper: Paper) -> None:
    assert paper.http.get("/healthz").text == "ok\n"
    ready = paper.http.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    paper.story()
    metrics = paper.http.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    counted = dict(re.findall(r"^(widget_\w+) ([0-9.e+]+)$", metrics.text, re.MULTILINE))
    assert float(counted["widget_writer_batch_deeds_sum"]) > 0
    assert float(counted["widget_bus_healthy"]) == float(counted["widget_writing_healthy"]) == 1


def test_the_reference_is_served_as_documents(paper: Paper) -> None:
    for path, version in (("/openapi.json", "openapi"), ("/asyncapi.json", "asyncapi")):
        answer = paper.http.get(path)
        assert answer.headers["cache-control"] == "public, max-age=3600"
        assert version in answer.json()
