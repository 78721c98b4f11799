"""Permissions that end, end within five seconds on open sockets, over HTTP and on every server.

Operator commands end them; each command runs beside the server processes.
"""

import base64
import json
import time
from typing import Any

import pytest

from tests.contract.make_tokens import b64, sign
from tests.e2e.client import Client, RejectedError, eventually_accepted, eventually_rejected
from tests.e2e.publisher import Publisher
from tests.e2e.two_servers import Pair, all_in_sync
from tests.loopback import http_client
from tests.waiting import eventually

PERMISSIONS_END_S = 5.0
"""Seconds within which ended permissions take effect: docs/developers/protocol.md, guarantee 8."""


async def wait_for_permissions(
    client: Client, code: str, reason: str | None, since: int = 0, later: float = 0
) -> dict[str, Any]:
    """Wait for a full snapshot with `read_only` equal to `reason`, and return it.

    `since` is an index into `client.messages`: earlier messages do not count. It is due `later` seconds from now.
    """

    def found() -> dict[str, Any] | None:
        for message in client.messages[since:]:
            is_full = message["type"] == "snapshot" and not message["resumed"]
            if is_full and message["story"]["code"] == code and message["read_only"] == reason:
                return message
        return None

    snapshot: dict[str, Any] = await eventually(
        found, f"a snapshot with {reason}", later + PERMISSIONS_END_S
    )
    return snapshot


async def rejection_code(action: Any) -> str:
    """Await an action that the server rejects, and return the error code."""
    with pytest.raises(RejectedError) as rejected:
        await action
    return rejected.value.code


async def subscribe_once(url: str, origin: str, **fields: Any) -> None:
    """Open a new page of this origin, subscribe, and close the page."""
    async with Client(url, origin) as page:
        await page.subscribe(**fields)


async def soon_rejected(url: str, origin: str, reason: str, **fields: Any) -> None:
    """Wait until a server rejects subscriptions of new pages of this origin with `reason`."""
    await eventually_rejected(
        lambda: subscribe_once(url, origin, **fields), reason, PERMISSIONS_END_S
    )


async def test_an_open_page_gets_the_revocation_of_its_token_within_five_seconds(
    pair: Pair,
) -> None:
    publisher = pair.site()
    story = publisher.story(jti="bad-copy")
    good = publisher.token(story.key, jti="good-copy")
    async with pair.readers(story) as (here, there), Client(pair.one.url) as other:
        await other.subscribe(good)
        comment = await here.comment(story.code, "While I may.")
        await all_in_sync(story.code, here, there)
        pair.cli("site", "revoke", publisher.site, "bad-copy")
        for client in (here, there):
            snapshot = await wait_for_permissions(client, story.code, "token_revoked")
            assert snapshot["can"] == ["read"]
        assert await rejection_code(there.react(story.code, "sad")) == "token_revoked"
        # The page can still read, and its reader can still delete own comments.
        await other.comment(story.code, "Others go on.")
        await here.action("delete", story.code, comment=comment["id"])
        await all_in_sync(story.code, here, there, other)
        snapshots = [one for one in other.messages if one["type"] == "snapshot"]
        assert len(snapshots) == 1, "a page with unchanged permissions gets no new snapshot"


async def test_if_reading_needs_a_token_a_revoked_token_ends_its_socket(pair: Pair) -> None:
    publisher = pair.site("open_reading=off")
    story = publisher.story(jti="bad-copy")
    good = publisher.token(story.key, jti="good-copy")
    async with pair.readers(story) as (here, there), Client(pair.one.url) as other:
        await other.subscribe(good)
        pair.cli("site", "revoke", publisher.site, "bad-copy")
        assert await here.wait_closed(PERMISSIONS_END_S) == 4501
        assert await there.wait_closed(PERMISSIONS_END_S) == 4501
        await other.comment(story.code, "Not for them.")
        await wait_for_own_comment(other, story.code)
    assert "Not for them." not in str(here.messages + there.messages)


async def wait_for_own_comment(client: Client, code: str) -> None:
    """Wait for the client's own comment. Without a token, HTTP returns no snapshot to compare."""
    await eventually(lambda: client.state(code).comments, "the comment has arrived")


async def test_a_socket_with_several_stories_loses_only_the_story_of_the_revoked_token(
    pair: Pair, publisher: Publisher
) -> None:
    closed, public = pair.site("open_reading=off"), publisher.story()
    secret = closed.story(jti="bad-copy")
    async with pair.readers(public) as (_, there), Client(pair.one.url) as page:
        await page.subscribe(secret.token)
        await page.subscribe(public.token)
        pair.cli("site", "revoke", closed.site, "bad-copy")
        await page.wait_for("error", PERMISSIONS_END_S, story=secret.code, code="token_revoked")
        await there.comment(public.code, "Still here?")
        await all_in_sync(public.code, page, there)


async def test_tokens_of_a_retired_key_end_on_open_pages_but_the_story_code_continues(
    pair: Pair,
) -> None:
    publisher = pair.site()
    story = publisher.story()
    async with pair.readers(story) as (here, there), Client(pair.one.url) as bare:
        await bare.subscribe(code=story.code)
        pair.cli("site", "rotate-key", publisher.site)
        pair.cli("site", "retire-keys", publisher.site)
        for client in (here, there):
            snapshot = await wait_for_permissions(client, story.code, "token_invalid")
            assert snapshot["can"] == ["read"]
        assert await rejection_code(here.react(story.code, "sad")) == "token_invalid"
        await bare.react(story.code, "happy")
        await all_in_sync(story.code, here, there, bare)
        # The embed does the same: it subscribes again by the code, on the same socket.
        await here.subscribe(code=story.code)
        await here.react(story.code, "sad")
        await all_in_sync(story.code, here, there, bare)


async def test_closing_reading_closes_every_endpoint(pair: Pair) -> None:
    publisher = pair.site()
    story = publisher.story()
    async with pair.readers(story) as (here, _), Client(pair.other.url) as bare:
        await bare.subscribe(code=story.code)
        await bare.comment(story.code, "In the open.")
        pair.cli("site", "set", publisher.site, "open_reading=off")
        assert await bare.wait_closed(PERMISSIONS_END_S) == 4501
        await here.react(story.code, "happy")
        for server in pair.servers:
            await soon_rejected(
                server.url, "https://copy.example", "not_permitted", code=story.code
            )
            async with http_client() as http:
                action = {"type": "react", "story": story.code, "reaction": "sad"}
                page = {"Origin": "https://copy.example"}
                answer = await http.post(f"{server.url}/v1/actions", json=action, headers=page)
                assert answer.json()["code"] == "not_permitted"
                for path in (
                    f"/v1/stories/{story.code}",
                    f"/v1/stories/{story.code}/comments",
                    f"/s/{story.code}",
                    f"/e/{story.code}",
                ):
                    assert (await http.get(server.url + path)).status_code == 403, path

                async def uncounted(http: Any = http, url: str = server.url) -> bool:
                    counts = await http.get(f"{url}/v1/counts?story={story.code}")
                    return bool(counts.json()["stories"] == {})

                await eventually(uncounted, "the counts leave the story out", PERMISSIONS_END_S)


async def test_pages_without_a_token_follow_the_open_republishing_setting(
    pair: Pair,
) -> None:
    publisher = pair.site()
    story = publisher.story()
    async with pair.readers(story) as (here, _), Client(pair.other.url) as bare:
        await bare.subscribe(code=story.code)
        pair.cli("site", "set", publisher.site, "open_republishing=off")
        assert (await wait_for_permissions(bare, story.code, "not_permitted"))["can"] == ["read"]
        seen = len(bare.messages)
        pair.cli("site", "set", publisher.site, "open_republishing=on")
        snapshot = await wait_for_permissions(bare, story.code, None, seen)
        assert snapshot["can"] == ["read", "react", "comment"]
        await bare.react(story.code, "happy")
        await all_in_sync(story.code, here, bare)


async def test_open_pages_get_the_expiry_of_their_token(pair: Pair, publisher: Publisher) -> None:
    story = publisher.story(exp=int(time.time()) + 2)
    async with Client(pair.one.url) as page:
        await page.subscribe(story.token)
        assert (await wait_for_permissions(page, story.code, "token_expired"))["can"] == ["read"]


# Shutting out -------------------------------------------------------------------------------------


async def test_a_shut_out_origin_is_rejected_with_every_token_and_with_the_code(
    pair: Pair,
) -> None:
    publisher = pair.site()
    story, another = publisher.story(), publisher.story()
    bad, stolen = "https://bad.example", publisher.token(story.key, jti="stolen")
    async with pair.readers(story) as (here, _), Client(pair.other.url, bad) as page:
        await page.subscribe(stolen, page=f"{bad}/stolen")
        output = pair.cli("site", "revoke", publisher.site, stolen, "--shut-out")
        assert f"{bad}/stolen" in output
        assert f"Shut out: {bad}, story {story.key}." in output
        assert (await wait_for_permissions(page, story.code, "origin_not_allowed"))["can"] == [
            "read"
        ]
        assert await rejection_code(page.react(story.code, "sad")) == "origin_not_allowed"
        fresh = publisher.token(story.key, origins=["*"])
        action = {"type": "react", "story": story.code, "reaction": "sad"}
        for server in pair.servers:
            await soon_rejected(server.url, bad, "origin_not_allowed", token=story.token)
            async with Client(server.url, bad) as late:
                for fields in ({"token": fresh}, {"code": story.code}):
                    assert await rejection_code(late.subscribe(**fields)) == "origin_not_allowed"
                await late.subscribe(another.token)
            async with http_client() as http:
                for more in ({"token": fresh}, {}):
                    answer = await http.post(
                        f"{server.url}/v1/actions", json=action | more, headers={"Origin": bad}
                    )
                    assert (answer.status_code, answer.json()["code"]) == (
                        403,
                        "origin_not_allowed",
                    )
        # The iframe page: its policy names the remaining origins. If none remains, it is rejected.
        async with http_client() as http:
            only = publisher.token(story.key, origins=[bad])
            assert (await http.get(f"{pair.one.url}/e/{only}")).status_code == 403
            both = publisher.token(story.key, origins=[bad, "https://good.example"])
            framed = await http.get(f"{pair.one.url}/e/{both}")
            policy = framed.headers["content-security-policy"]
            assert "frame-ancestors https://good.example;" in policy
        assert f"{bad}\t{story.key}" in pair.cli("site", "shut-outs", publisher.site)
        pair.cli("site", "readmit", publisher.site, bad, "--story", story.key)
        assert pair.cli("site", "shut-outs", publisher.site) == ""

        await eventually_accepted(
            lambda: subscribe_once(pair.other.url, bad, token=fresh),
            "the server accepts the origin again",
            PERMISSIONS_END_S,
        )
        await all_in_sync(story.code, here, page)


async def test_an_origin_that_is_shut_out_of_the_site_is_rejected_for_each_story(
    pair: Pair,
) -> None:
    publisher = pair.site()
    first, second = publisher.story(), publisher.story()
    bad = "http://plain.example:8080"
    async with pair.readers(first), Client(pair.one.url, bad) as page:
        await page.subscribe(code=first.code)
        pair.cli("site", "shut-out", publisher.site, "HTTP://Plain.Example:8080/")
        await wait_for_permissions(page, first.code, "origin_not_allowed")
        async with pair.readers(second):
            await soon_rejected(pair.other.url, bad, "origin_not_allowed", code=second.code)


# Readers ------------------------------------------------------------------------------------------


async def test_a_retired_key_ends_the_sign_ins_that_it_vouched_for(pair: Pair) -> None:
    publisher = pair.site()
    story = publisher.story()
    code = story.code
    async with pair.readers(story) as (here, _):
        identity = publisher.identity("user-7", "Ines Falk", author=True)
        leaked = (await here.subscribe(story.token, identity=identity))["reader"]
        signed = await here.comment(code, "By me.")
        assert signed["author"] == {
            "name": "Ines Falk",
            "website": None,
            "role": "author",
            "vouched": True,
        }
        pair.cli("site", "rotate-key", publisher.site)
        renewed = Publisher(publisher.site, publisher.secret, generation=2)
        fresh = renewed.token(story.key)
        await eventually_accepted(
            lambda: here.subscribe(fresh, reader=leaked),
            "the server accepts the new key",
            PERMISSIONS_END_S,
        )
        seen = len(here.messages)
        pair.cli("site", "retire-keys", publisher.site)
        # The page gets the reason, and an anonymous reader token instead.
        snapshot = await wait_for_permissions(here, code, None, seen)
        assert snapshot["identity"] == "token_invalid"
        assert snapshot["reader"] not in {None, leaked}
        assert snapshot["mine"]["comments"] == []
        unsigned = await here.comment(code, "Who am I now?", name="Ines Falk")
        assert (unsigned["author"]["role"], unsigned["author"]["vouched"]) == (None, False)
        # All other requests with the old token get the same anonymous reader.
        action = {
            "type": "react",
            "story": code,
            "reaction": "sad",
            "token": fresh,
            "reader": leaked,
        }
        async with http_client(headers={"Origin": "https://copy.example"}) as http:
            for server in pair.servers:
                answer = (await http.post(f"{server.url}/v1/actions", json=action)).json()
                assert (answer["type"], answer["identity"]) == ("ok", "token_invalid")
                assert answer["reader"] == snapshot["reader"]
                assert answer["tally"]["counts"]["sad"] == 1
        async with Client(pair.other.url) as late:
            snapshot = await late.subscribe(fresh, reader=leaked)
            assert snapshot["identity"] == "token_invalid"
            again = await late.subscribe(fresh, identity=renewed.identity("user-7", "Ines Falk"))
            assert "identity" not in again
            assert [one["id"] for one in again["mine"]["comments"]] == [signed["id"]]


async def test_a_sign_in_ends_after_thirty_days_and_the_next_identity_renews_it(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    now = int(time.time())
    async with Client(pair.one.url) as page:
        issued = (await page.subscribe(story.token, identity=publisher.identity("u", "Zoë")))[
            "reader"
        ]
        payload = claims_of(issued)
        assert payload["generation"] == 1
        assert now + 30 * 86_400 - 5 <= payload["exp"] <= time.time() + 30 * 86_400
        assert "exp" not in claims_of(await anonymous(pair, story)), (
            "an anonymous reader token does not expire"
        )
        for claims in (
            {**payload, "exp": now - 1},
            {name: payload[name] for name in payload if name not in {"generation", "exp"}},
        ):
            old = reader_token(publisher, claims)
            snapshot = await page.subscribe(story.token, reader=old)
            assert snapshot["identity"] == "token_expired"
            assert set(claims_of(snapshot["reader"])) == {"rid"}


async def anonymous(pair: Pair, story: Any) -> str:
    """Return the reader token of a new anonymous reader."""
    async with Client(pair.one.url) as page:
        await page.subscribe(story.token)
        token: str = (await page.react(story.code, "happy"))["reader"]
        return token


def claims_of(token: str) -> dict[str, Any]:
    """Return the payload of a token, without checking the signature."""
    body = token.split(".")[3]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims


def reader_token(publisher: Publisher, payload: dict[str, Any]) -> str:
    """Return a reader token, signed as the server signs it."""
    body = b64(json.dumps(payload, separators=(",", ":")).encode())
    return sign(publisher.secret, "reader", f"r1.{publisher.site}.0.{body}")


@pytest.mark.parametrize("wrong", ["used", "expired", "garbage", "retired", "number", "endless"])
async def test_an_invalid_identity_fails_the_sign_in_but_not_the_subscription(
    pair: Pair, publisher: Publisher, wrong: str
) -> None:
    story = publisher.story()
    now = int(time.time())
    async with pair.readers(story) as (here, there):
        remembered = (await here.react(story.code, "happy"))["reader"]
        good = publisher.identity("user-9", "Vera Holm")
        if wrong == "used":
            async with Client(pair.one.url) as first:
                await first.subscribe(story.token, identity=good)
        identity: Any = {
            "used": good,
            "expired": publisher.identity("user-9", "Vera Holm", iat=now - 400, exp=now - 300),
            "garbage": "i1.nonsense",
            "retired": Publisher(publisher.site, publisher.secret, 7).identity(
                "user-9", "Vera Holm"
            ),
            "number": 7,
            "endless": "i1." + "x" * 5_000,
        }[wrong]
        expected = "token_expired" if wrong == "expired" else "token_invalid"
        async with Client(pair.other.url) as page:
            snapshot = await page.subscribe(story.token, identity=identity)
            assert (snapshot["identity"], snapshot["read_only"]) == (expected, None)
            assert "mine" not in snapshot or snapshot["mine"]["reaction"] is None
            snapshot = await page.subscribe(story.token, identity=identity, reader=remembered)
            assert snapshot["identity"] == expected
            assert snapshot["mine"]["reaction"] == "happy", "the remembered reader"
            await page.comment(story.code, "It goes on.")
            await all_in_sync(story.code, here, there, page)


async def test_all_stories_of_a_page_can_use_the_same_identity_token(
    pair: Pair, publisher: Publisher
) -> None:
    first, second = publisher.story(), publisher.story()
    identity = publisher.identity("user-12", "Vera Holm")
    async with Client(pair.one.url) as page:
        for story in (first, second):
            snapshot = await page.subscribe(story.token, identity=identity)
            assert snapshot["reader"]
            assert "identity" not in snapshot
        comment = await page.comment(second.code, "Signed.")
        assert comment["author"]["vouched"] is True


@pytest.mark.parametrize("reader", ["r1.nonsense", "", 7, "x" * 5_000])
async def test_an_invalid_reader_token_is_ignored(
    pair: Pair, publisher: Publisher, reader: Any
) -> None:
    story = publisher.story()
    async with Client(pair.one.url) as page:
        await page.subscribe(story.token, reader=reader)
        token = reader if reader == "r1.nonsense" else None
        assert (await page.action("react", story.code, reaction="happy", reader=token))["reader"]


async def test_a_name_that_the_site_signed_is_distinguished_from_a_typed_name(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    async with pair.readers(story) as (here, there):
        await here.subscribe(story.token, identity=publisher.identity("user-3", "Vera Holm"))
        signed = await here.comment(story.code, "It is me.")
        typed = await there.comment(story.code, "No, me.", name="Vera Holm")
        assert signed["author"]["vouched"] is True
        assert typed["author"] == {**signed["author"], "vouched": False}
        for name in ("Vera Holm ✓", "✔Vera Holm", "Vera ☑️ Holm", "✅", "Vera Holm 🗸"):
            with pytest.raises(RejectedError, match="text_refused"):
                await there.comment(story.code, "Me, really.", name=name)
        await all_in_sync(story.code, here, there)
        fresh = await here.fresh(story.code)
        vouched = {one["id"]: one["author"]["vouched"] for one in fresh.comments.values()}
        assert vouched == {signed["id"]: True, typed["id"]: False}


async def test_no_token_can_use_the_reserved_id_of_copies_without_a_token(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    async with Client(pair.one.url) as page:
        token = publisher.token(story.key, jti="open")
        assert await rejection_code(page.subscribe(token)) == "token_invalid"
