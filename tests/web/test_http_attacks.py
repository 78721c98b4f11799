"""Bad input gets a clear error on both engines: no 500, no traceback, no lost data."""

import asyncio
import base64
import json
import random
import re
import string
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Origin, Subprotocol

from tests.contract.make_tokens import b64, sign, site_key
from tests.e2e.publisher import Publisher, Story
from tests.loopback import http_client
from tests.web.attacks import ATTACKS, Fill
from tests.web.shared_server import PAGE, SECRET, SharedServer, rejection

# What is tested here lies before the database: `make slow-tests` runs it on PostgreSQL, too.
pytestmark = pytest.mark.slow("postgresql")

NAUGHTY = [
    base64.b64decode(text).decode("utf-8", "surrogateescape")
    for text in json.loads(
        (Path(__file__).parents[1] / "data/naughty-strings/blns.base64.json").read_text()
    )
]
ENCODABLE = [text for text in NAUGHTY if not any("\ud800" <= letter <= "\udfff" for letter in text)]
"""The strings that UTF-8 can encode. A client can send the others only as escapes in JSON."""
REFUSALS = {"malformed": 400, "text_refused": 422, "too_large": 413, "not_found": 404}


def send(shared_server: SharedServer, body: bytes, media: str = "text/plain") -> httpx.Response:
    headers = {"Origin": PAGE, "Content-Type": media}
    return shared_server.http.post("/v1/actions", content=body, headers=headers)


# The table ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("attack", "code"), [a[1:] for a in ATTACKS], ids=[a[0] for a in ATTACKS])
def test_every_attack_over_http_gets_its_error_code(
    shared_server: SharedServer, attack: Callable[[Fill], bytes], code: str | None
) -> None:
    story = shared_server.story()
    body = attack({"story": story.code, "token": story.token})
    answer = send(shared_server, body)
    if code is None:
        assert answer.status_code == 200, answer.text
    else:
        assert rejection(answer)[1] == code
        assert shared_server.snapshot(story)["count"] == 0
        # The response does not repeat what was sent.
        assert "alert" not in answer.text
        assert "no-one" not in answer.text


async def request(socket: Any, body: bytes) -> dict[str, Any]:
    """Send a message and return its `ok`, `error` or `snapshot`."""
    await socket.send(body.decode())
    while True:
        frame: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), 20))
        if frame["type"] in ("ok", "error", "snapshot"):
            return frame


def live(shared_server: SharedServer) -> Any:
    return connect(
        shared_server.url.replace("http", "ws", 1) + "/v1/live",
        origin=Origin(PAGE),
        subprotocols=[Subprotocol("widget.v1")],
        proxy=None,
    )


@pytest.mark.parametrize(("attack", "code"), [a[1:] for a in ATTACKS], ids=[a[0] for a in ATTACKS])
async def test_every_attack_over_the_socket_gets_its_error_code(
    shared_server: SharedServer, attack: Callable[[Fill], bytes], code: str | None
) -> None:
    story = shared_server.publisher.story()
    async with live(shared_server) as socket:
        subscribe = {"type": "subscribe", "token": story.token}
        assert (await request(socket, json.dumps(subscribe).encode()))["type"] == "snapshot"
        frame = await request(socket, attack({"story": story.code}))
        assert frame.get("code") == code, frame
        # The socket stays open.
        answer = await request(socket, json.dumps({"type": "visible", "value": True}).encode())
        assert answer["type"] == "ok"


async def test_a_binary_frame_closes_the_socket_and_changes_nothing(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story()
    async with live(shared_server) as socket:
        subscribe = {"type": "subscribe", "token": story.token}
        assert (await request(socket, json.dumps(subscribe).encode()))["type"] == "snapshot"
        react = {"type": "react", "story": story.code, "reaction": "happy"}
        await socket.send(json.dumps(react).encode())
        await asyncio.wait_for(socket.wait_closed(), 20)
    assert socket.close_code == 1003
    assert shared_server.snapshot(story)["tally"]["counts"]["happy"] == 0


INVALID_DETAILS: list[tuple[str, dict[str, Any]]] = [
    ("a since that is a text", {"since": "e:1"}),
    ("a since of 30 digits", {"since": {"epoch": "e", "seq": 10**30}}),
    ("a since below zero", {"since": {"epoch": "e", "seq": -1}}),
    ("a since that is a float", {"since": {"epoch": "e", "seq": 1.0}}),
    ("a since that is a boolean", {"since": {"epoch": "e", "seq": True}}),
    ("an epoch too long", {"since": {"epoch": "e" * 65, "seq": 1}}),
    ("no epoch", {"since": {"seq": 1}}),
    ("a language that is none", {"lang": "<b>"}),
    ("a language with a line break", {"lang": "en\n"}),
    ("a language too long", {"lang": "a" * 9}),
    ("a page too long", {"page": "https://copy.example/" + "p" * 2000}),
]


@pytest.mark.parametrize(
    "fields", [s[1] for s in INVALID_DETAILS], ids=[s[0] for s in INVALID_DETAILS]
)
async def test_an_invalid_descriptive_field_does_not_prevent_the_subscription(
    shared_server: SharedServer, fields: dict[str, Any]
) -> None:
    story = shared_server.publisher.story()
    async with live(shared_server) as socket:
        message = {"type": "subscribe", "token": story.token} | fields
        frame = await request(socket, json.dumps(message).encode())
        assert (frame["type"], frame["resumed"]) == ("snapshot", False), frame


SUBSCRIPTIONS: list[tuple[str, dict[str, Any], str]] = [
    ("nothing to subscribe to", {}, "malformed"),
    ("a token too long", {"token": "w1." + "x" * 5000}, "malformed"),
    ("a story that is unknown", {"token": None, "story": "0" * 12}, "not_found"),
]


@pytest.mark.parametrize(
    ("fields", "code"), [s[1:] for s in SUBSCRIPTIONS], ids=[s[0] for s in SUBSCRIPTIONS]
)
async def test_an_invalid_subscription_gets_its_error_code(
    shared_server: SharedServer, fields: dict[str, Any], code: str
) -> None:
    story = shared_server.publisher.story()
    message = {"type": "subscribe"} | ({"token": story.token} | fields if fields else {})
    async with live(shared_server) as socket:
        frame = await request(socket, json.dumps(message).encode())
        assert (frame["type"], frame.get("code")) == ("error", code), frame


@pytest.mark.parametrize(
    "body",
    [
        b'{"type":"react","reaction":"\xff"}',
        b'{"type":"react","reaction":"\xed\xa0\x80"}',
        b'{"type":"react","reaction":"\xc0\xaf"}',
        b'{"type":"react","reaction":"\xf4\x90\x80\x80"}',
        b"\xff\xfe{\x00}\x00",
        b"\x00" * 100,
    ],
)
def test_bytes_that_are_not_utf_8_are_malformed(shared_server: SharedServer, body: bytes) -> None:
    assert rejection(send(shared_server, body)) == (400, "malformed")


@pytest.mark.parametrize("size", [32 * 1024 + 1, 60_000])
def test_a_message_beyond_32_kib_is_too_large(shared_server: SharedServer, size: int) -> None:
    body = b'{"type":"react","pad":"' + b"x" * size + b'"}'
    assert rejection(send(shared_server, body)) == (413, "too_large")


def test_2000_unknown_fields_are_ignored(shared_server: SharedServer) -> None:
    story = shared_server.story()
    fields: dict[str, Any] = {f"f{number}": 0 for number in range(2000)}
    assert shared_server.action(story, "react", reaction="happy", **fields).status_code == 200


# Tokens -------------------------------------------------------------------------------------------


def invalid_tokens(publisher: Publisher, story: Story) -> dict[str, str]:
    """Return invalid variants of a token, by what is wrong with them."""
    good = story.token
    kind, site, generation, payload, signature = good.split(".")
    key = site_key(SECRET, 1, site)
    claims = {"story": story.key, "origins": ["https://*.example"], "iat": int(time.time())}

    def signed(content: dict[str, Any], salt: str = "widget-token", kind: str = "w1") -> str:
        return sign(key, salt, f"{kind}.{site}.1.{b64(json.dumps(content).encode())}")

    flipped = string.ascii_letters + string.digits + "-_"
    last = flipped[(flipped.index(signature[-1]) + 1) % 64]
    return {
        "empty": "",
        "a word": "token",
        "only dots": "....",
        "without signature": good.rpartition(".")[0],
        "with an empty signature": good.rpartition(".")[0] + ".",
        "with a signature of another": f"{kind}.{site}.{generation}.{payload}.{'A' * 43}",
        "with spare bits in its signature": good[:-1] + last,
        "with a space before": " " + good,
        "with a line break after": good + "\n",
        "in padding": good + "=",
        "in capitals": good.upper(),
        "of another site": good.replace(f".{site}.", ".other."),
        "of an unknown generation": good.replace(".1.", ".2.", 1),
        "of generation zero": good.replace(".1.", ".0.", 1),
        "of a generation with a zero before": good.replace(".1.", ".01.", 1),
        "of another purpose": "i1" + good[2:],
        "of a reader": "r1" + good[2:],
        "of an unknown type": "w2" + good[2:],
        "signed for another purpose": signed(claims, "identity"),
        "signed with no salt": signed(claims, ""),
        "with another key": sign("0" * 64, "widget-token", f"w1.{site}.1.{payload}"),
        "without a story": signed({k: v for k, v in claims.items() if k != "story"}),
        "with a story that is a URL's space": signed(claims | {"story": "a b"}),
        "with an empty story": signed(claims | {"story": ""}),
        "with a story of 201 characters": signed(claims | {"story": "s" * 201}),
        "with a story that is a number": signed(claims | {"story": 7}),
        "without origins": signed({k: v for k, v in claims.items() if k != "origins"}),
        "with no origin": signed(claims | {"origins": []}),
        "with an origin that has a path": signed(claims | {"origins": ["https://a.example/x"]}),
        "with origins as a text": signed(claims | {"origins": "*"}),
        "without a date": signed({k: v for k, v in claims.items() if k != "iat"}),
        "from the future": signed(claims | {"iat": int(time.time()) + 86_400}),
        "with a date that is a boolean": signed(claims | {"iat": True}),
        "with a date of 30 digits": signed(claims | {"iat": 10**30}),
        "with an end of 30 digits": signed(claims | {"exp": 10**30}),
        "with an unknown right": signed(claims | {"can": ["moderate"]}),
        "with a NUL in its title": signed(claims | {"title": "a\0b"}),
        "with half a character in its title": signed(claims | {"title": "\ud800"}),
        "with a script for its address": signed(claims | {"url": "javascript:alert(1)"}),
        "with a very long title": signed(claims | {"title": "t" * 301}),
        "whose payload is no JSON": sign(key, "widget-token", f"w1.{site}.1.{b64(b'no')}"),
        "whose payload is a list": sign(key, "widget-token", f"w1.{site}.1.{b64(b'[]')}"),
        "whose payload is deep": sign(key, "widget-token", f"w1.{site}.1.{b64(b'[' * 2000)}"),
        "with letters of another alphabet": good.replace("e", "е"),
    }


def test_every_invalid_token_is_rejected_and_registers_no_story(
    shared_server: SharedServer,
) -> None:
    story = shared_server.publisher.story()
    for how, token in invalid_tokens(shared_server.publisher, story).items():
        answer = shared_server.action(story, "react", token=token, reaction="happy")
        assert rejection(answer) == (401, "token_invalid"), how
    assert shared_server.http.get(f"/v1/stories/{story.code}").status_code == 404
    assert shared_server.action(story, "react", reaction="happy").status_code == 200


def test_a_token_with_one_changed_character_is_rejected(shared_server: SharedServer) -> None:
    story = shared_server.publisher.story()
    chance = random.Random(7)
    places = [*range(len(story.token))]
    for place in chance.sample(places, 40):
        other = chance.choice([c for c in string.ascii_lowercase if c != story.token[place]])
        token = story.token[:place] + other + story.token[place + 1 :]
        answer = shared_server.action(story, "react", token=token, reaction="happy")
        assert rejection(answer) == (401, "token_invalid")


def test_a_reader_token_of_another_site_or_type_is_ignored(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story()
    done = shared_server.post(story)
    elsewhere = shared_server.site(f"else-{uuid.uuid4().hex[:6]}").story()
    foreign = shared_server.post(elsewhere)["reader"]
    changed = done["reader"][:-1] + ("A" if done["reader"][-1] != "A" else "B")
    for reader in (foreign, changed, story.token, "r1.press.0.e30." + "A" * 43, "", "\0"):
        answer = shared_server.action(story, "delete", comment=done["comment"]["id"], reader=reader)
        assert rejection(answer) == (404, "not_found")
        assert (
            "reader" in shared_server.action(story, "react", reaction="happy", reader=reader).json()
        )


# Comments of other readers -------------------------------------------------------------------------


def test_comments_of_other_readers_are_not_found(shared_server: SharedServer) -> None:
    story, other = shared_server.story(), shared_server.story()
    theirs = shared_server.post(story)["comment"]["id"]
    mine = shared_server.post(other)
    removed = shared_server.post(story)
    fields = {"comment": removed["comment"]["id"], "reader": removed["reader"]}
    shared_server.action(story, "delete", **fields)
    stranger = shared_server.action(story, "react", reaction="sad").json()["reader"]
    for where, comment, reader in (
        (story, theirs, stranger),
        (story, "no-one", stranger),
        (story, mine["comment"]["id"], mine["reader"]),
        (other, theirs, stranger),
        (story, removed["comment"]["id"], stranger),
    ):
        answers = [
            shared_server.action(where, "edit", comment=comment, reader=reader, body="mine now"),
            shared_server.action(where, "delete", comment=comment, reader=reader),
        ]
        assert {(rejection(a), a.json()["detail"]) for a in answers} == {
            ((404, "not_found"), "There is no such thing here, or it is not yours.")
        }
    # The reader of a deleted comment may delete it again, but not edit it.
    edited = shared_server.action(story, "edit", body="mine again", **fields)
    assert rejection(edited) == (404, "not_found")
    assert shared_server.action(story, "delete", **fields).status_code == 200


def test_a_closed_story_rejects_new_content_but_not_deletion(shared_server: SharedServer) -> None:
    story = shared_server.story()
    done = shared_server.post(story)
    shared_server.cli("story", "close", story.code)
    fields = {"reader": done["reader"]}
    for kind, more in (
        ("react", {"reaction": "happy"}),
        ("comment", {"key": str(uuid.uuid4()), "body": "late"}),
        ("edit", {"comment": done["comment"]["id"], "body": "late"}),
    ):
        assert rejection(shared_server.action(story, kind, **more, **fields)) == (
            409,
            "story_closed",
        )
    assert "This discussion is closed." in shared_server.http.get(f"/s/{story.code}").text
    assert (
        shared_server.action(story, "delete", comment=done["comment"]["id"], **fields).status_code
        == 200
    )


# Naughty strings ----------------------------------------------------------------------------------


def test_the_list_of_naughty_strings_is_complete() -> None:
    assert len(NAUGHTY) > 500


def texts_of(tree: list[Any]) -> str:
    """Return all characters of a tree of nodes."""
    return "".join(
        node if isinstance(node, str) else ("\n" if node[0] == "br" else texts_of(node[2:]))
        for node in tree
    )


def send_all(shared_server: SharedServer, messages: list[dict[str, Any]]) -> list[httpx.Response]:
    """Send actions of many readers, sixteen at a time; return the responses in the same order."""

    async def run() -> list[httpx.Response]:
        answers: dict[int, httpx.Response] = {}
        waiting = iter(enumerate(messages))
        headers = {"Origin": PAGE, "Content-Type": "text/plain"}
        # Close idle connections before the server does.
        limits = httpx.Limits(keepalive_expiry=1)
        async with http_client(
            base_url=shared_server.url, limits=limits, headers=headers, timeout=60
        ) as http:

            async def send_some() -> None:
                # Not all at once: httpx scans all pending requests at each response.
                for number, message in waiting:
                    answers[number] = await http.post("/v1/actions", content=json.dumps(message))

            await asyncio.gather(*(send_some() for _ in range(16)))
        return [answers[number] for number in range(len(messages))]

    return asyncio.run(run())


@pytest.mark.parametrize("field", ["body", "name", "email", "website"])
def test_naughty_strings_are_shown_as_written_or_rejected(
    shared_server: SharedServer, field: str
) -> None:
    story = shared_server.story()
    about = {"type": "comment", "story": story.code, "token": story.token, "body": "hello"}
    sent = [about | {"key": str(uuid.uuid4()), field: text} for text in NAUGHTY]
    taken: dict[str, str] = {}
    for text, answer in zip(NAUGHTY, send_all(shared_server, sent), strict=True):
        if answer.status_code != 200:
            status, code = rejection(answer)
            assert REFUSALS[code] == status, (text, code)
            continue
        comment = answer.json()["comment"]
        taken[comment["id"]] = text
        if field == "body":
            assert comment["body"] == text
            if is_plain(text):
                assert comment["text"] == [["p", None, text]]
        else:
            assert comment["author"].get(field, text or None) == (text or None)
        assert "email" not in json.dumps(comment["author"])
    if field in ("body", "name"):
        assert len(taken) > len(NAUGHTY) / 2
    assert_shown_to_all(shared_server, story, field, taken)


def is_plain(text: str) -> bool:
    """Return whether the text has no Markdown syntax."""
    marks = set("*_`<>[]()#\\!&-+=~|:@/." + string.digits + "\n\r\t")
    return bool(text) and not set(text) & marks and text == text.strip()


def assert_shown_to_all(
    shared_server: SharedServer, story: Story, field: str, taken: dict[str, str]
) -> None:
    """Assert that all accepted texts are on the pages of comments, as written."""
    seen: dict[str, dict[str, Any]] = {}
    before = ""
    while before is not None:
        query = {"limit": "100"} | ({"before": before} if before else {})
        page = shared_server.http.get(f"/v1/stories/{story.code}/comments", params=query).json()
        seen |= {thread["id"]: thread for thread in page["threads"]}
        before = page["next"]
    assert set(seen) == set(taken)
    if field in ("name", "website"):
        assert {i: one["author"][field] or "" for i, one in seen.items()} == taken
    if field == "email":
        assert not [text for text in taken.values() if text and text in json.dumps(seen)]
    html = shared_server.http.get(f"/s/{story.code}")
    assert html.status_code == 200
    # The page's only scripts are the JSON-LD, which a browser does not execute, and the embed.
    described, embed = re.findall(r"<script[^>]*>", html.text)
    assert described == '<script type="application/ld+json">'
    assert embed.endswith('/embed.js">')
    _, _, after = html.text.partition(described)
    data, _, _ = after.partition("<")
    assert after.startswith(data + "</script>")
    comments = json.loads(data)["comment"]
    assert comments
    for comment in comments:
        number = comment["url"].rpartition("#c-")[2]
        one = seen[number]
        assert comment["author"]["name"] == (one["author"]["name"] or "Anonymous")
        if field != "body" or is_plain(taken[number]):
            assert comment["text"] == (taken[number] if field == "body" else "hello")
        assert set(comment["author"]) <= {"@type", "name", "url"}
        assert comment["author"].get("url") in (None, one["author"]["website"])


@pytest.mark.parametrize("field", ["reason", "page"])
def test_naughty_strings_in_other_fields_are_accepted_or_rejected(
    shared_server: SharedServer, field: str
) -> None:
    story = shared_server.story()
    about = {
        "story": story.code,
        "token": story.token,
        "comment": shared_server.post(story)["comment"]["id"],
    }
    about |= {"type": "report"} if field == "reason" else {"type": "comment", "body": "hello"}
    sent = [about | {"key": str(uuid.uuid4()), field: text} for text in NAUGHTY]
    for text, answer in zip(NAUGHTY, send_all(shared_server, sent), strict=True):
        if answer.status_code != 200:
            status, code = rejection(answer)
            assert REFUSALS[code] == status, (text, code)


@pytest.mark.parametrize("field", ["text", "passage", "credit"])
def test_naughty_strings_in_a_hint_reach_its_reader_as_written_or_are_rejected(
    shared_server: SharedServer, field: str
) -> None:
    story = shared_server.story()
    about = {"type": "hint", "story": story.code, "token": story.token, "text": "It was 1961."}
    sent = [about | {"first": str(uuid.uuid4()), field: text} for text in NAUGHTY]
    shown = 0
    for text, answer in zip(NAUGHTY, send_all(shared_server, sent), strict=True):
        if answer.status_code != 200:
            status, code = rejection(answer)
            assert REFUSALS[code] == status, (text, code)
            continue
        written = text.strip() if field == "text" else " ".join(text.split())
        assert answer.json()["hint"].get(field, "") == written
        shown += 1
    assert shown > len(NAUGHTY) // 2


@pytest.mark.parametrize("claim", ["title", "author", "publisher", "label", "changes", "license"])
def test_naughty_strings_in_a_token_are_shown_as_written_or_rejected(
    shared_server: SharedServer, claim: str
) -> None:
    texts = ENCODABLE if claim == "title" else ENCODABLE[::7]
    stories = [shared_server.publisher.story(**{claim: text}) for text in texts]
    about = {"type": "comment", "body": "hello", "key": str(uuid.uuid4())}
    sent = [about | {"story": story.code, "token": story.token} for story in stories]
    shown = 0
    for text, story, answer in zip(texts, stories, send_all(shared_server, sent), strict=True):
        if answer.status_code != 200:
            assert rejection(answer) == (401, "token_invalid"), text
            continue
        shown += 1
        if claim == "label":
            assert answer.json()["comment"]["copy"]["label"] == (text or None)
        elif claim != "changes" and shown % 5 == 1:
            shown_claim = shared_server.snapshot(story)["story"][claim]
            assert shown_claim == (text or {"license": "CC-BY-4.0"}.get(claim))
            assert shared_server.http.get(f"/s/{story.code}").status_code == 200
    assert shown > len(texts) / 2


def test_naughty_strings_in_a_query_get_a_valid_response(shared_server: SharedServer) -> None:
    story = shared_server.story()
    for text in [text for text in ENCODABLE[::3] if len(text) < 2000]:
        for answer in (
            shared_server.http.get(f"/v1/stories/{story.code}", params={"since": text}),
            shared_server.http.get(
                f"/v1/stories/{story.code}/comments", params={"before": text or "x"}
            ),
            shared_server.http.get("/v1/counts", params={"story": text}),
        ):
            assert answer.status_code in (200, 400)
