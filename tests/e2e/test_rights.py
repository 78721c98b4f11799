"""Rights that end, end everywhere and soon: on open sockets, over HTTP, on every server.

What ends them is done on a server's machine, in a process of its own.
"""

import base64
import json
import time
from typing import Any

import pytest

from tests.contract.make_tokens import b64, sign
from tests.e2e.client import Client, RefusedError
from tests.e2e.publisher import Publisher
from tests.e2e.two_servers import Pair, agree
from tests.loopback import http_client
from tests.waiting import eventually

SOON_S = 5.0
"""PROTOCOL, section 3, rule 8."""


async def told(client: Client, code: str, reason: str | None, since: int = 0) -> dict[str, Any]:
    """Wait until an open page is told, by a fresh snapshot, that it only reads, and why."""

    def found() -> dict[str, Any] | None:
        for frame in client.frames[since:]:
            whole = frame["type"] == "snapshot" and not frame["resumed"]
            if whole and frame["story"]["code"] == code and frame["read_only"] == reason:
                return frame
        return None

    snapshot: dict[str, Any] = await eventually(found, f"it is told {reason}", SOON_S)
    return snapshot


async def refusal_of(action: Any) -> str:
    """The code by which it is refused."""
    with pytest.raises(RefusedError) as refused:
        await action
    return refused.value.code


async def soon_refused(url: str, origin: str, reason: str, **by: Any) -> None:
    """Wait until a server lets a new page of this origin in no more, for this reason."""

    async def refused() -> bool:
        async with Client(url, origin) as late:
            try:
                await late.subscribe(**by)
            except RefusedError as rejection:
                return rejection.code == reason
        return False

    await eventually(refused, f"it refuses with {reason}", SOON_S)


async def test_an_open_page_whose_token_is_withdrawn_is_told_within_five_seconds(
    pair: Pair,
) -> None:
    publisher = pair.site()
    story = publisher.story(jti="bad-copy")
    good = publisher.token(story.key, jti="good-copy")
    async with pair.readers(story) as (here, there), Client(pair.one.url) as other:
        await other.subscribe(good)
        comment = await here.comment(story.code, "While I may.")
        await agree(story.code, here, there)
        pair.cli("site", "revoke", publisher.site, "bad-copy")
        for client in (here, there):
            snapshot = await told(client, story.code, "token_revoked")
            assert snapshot["can"] == ["read"]
        assert await refusal_of(there.react(story.code, "sad")) == "token_revoked"
        # It reads on, and its reader may take back what is theirs.
        await other.comment(story.code, "Others go on.")
        await here.action("delete", story.code, comment=comment["id"])
        await agree(story.code, here, there, other)
        snapshots = [one for one in other.frames if one["type"] == "snapshot"]
        assert len(snapshots) == 1, "whose rights are as they were is sent nothing anew"


async def test_where_reading_needs_a_token_a_withdrawn_one_ends_its_socket(pair: Pair) -> None:
    publisher = pair.site("open_reading=off")
    story = publisher.story(jti="bad-copy")
    good = publisher.token(story.key, jti="good-copy")
    async with pair.readers(story) as (here, there), Client(pair.one.url) as other:
        await other.subscribe(good)
        pair.cli("site", "revoke", publisher.site, "bad-copy")
        assert await here.closed(SOON_S) == 4501
        assert await there.closed(SOON_S) == 4501
        await other.comment(story.code, "Not for them.")
        await agree_alone(other, story.code)
    assert "Not for them." not in str(here.frames + there.frames)


async def agree_alone(client: Client, code: str) -> None:
    """Its own comment came back to it, where HTTP tells nothing."""
    await eventually(lambda: client.state(code).comments, "the comment came")


async def test_a_socket_that_carries_other_stories_loses_only_the_one_that_ended(
    pair: Pair, publisher: Publisher
) -> None:
    closed, public = pair.site("open_reading=off"), publisher.story()
    secret = closed.story(jti="bad-copy")
    async with pair.readers(public) as (_, there), Client(pair.one.url) as page:
        await page.subscribe(secret.token)
        await page.subscribe(public.token)
        pair.cli("site", "revoke", closed.site, "bad-copy")
        await page.saw("error", SOON_S, story=secret.code, code="token_revoked")
        await there.comment(public.code, "Still here?")
        await agree(public.code, page, there)


async def test_tokens_of_a_retired_key_end_on_open_pages_and_the_bare_code_goes_on(
    pair: Pair,
) -> None:
    publisher = pair.site()
    story = publisher.story()
    async with pair.readers(story) as (here, there), Client(pair.one.url) as bare:
        await bare.subscribe(code=story.code)
        pair.cli("site", "rotate-key", publisher.site)
        pair.cli("site", "retire-keys", publisher.site)
        for client in (here, there):
            snapshot = await told(client, story.code, "token_invalid")
            assert snapshot["can"] == ["read"]
        assert await refusal_of(here.react(story.code, "sad")) == "token_invalid"
        await bare.react(story.code, "happy")
        await agree(story.code, here, there, bare)
        # As the embed does it: by the code, on the same socket.
        await here.subscribe(code=story.code)
        await here.react(story.code, "sad")
        await agree(story.code, here, there, bare)


async def test_a_site_that_closes_reading_is_closed_at_every_door(pair: Pair) -> None:
    publisher = pair.site()
    story = publisher.story()
    async with pair.readers(story) as (here, _), Client(pair.other.url) as bare:
        await bare.subscribe(code=story.code)
        await bare.comment(story.code, "In the open.")
        pair.cli("site", "set", publisher.site, "open_reading=off")
        assert await bare.closed(SOON_S) == 4501
        await here.react(story.code, "happy")
        for server in pair.servers:
            await soon_refused(server.url, "https://copy.example", "not_permitted", code=story.code)
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

                await eventually(uncounted, "it is counted for no one", SOON_S)


async def test_bare_codes_become_read_only_where_republishing_closes_and_act_when_it_opens(
    pair: Pair,
) -> None:
    publisher = pair.site()
    story = publisher.story()
    async with pair.readers(story) as (here, _), Client(pair.other.url) as bare:
        await bare.subscribe(code=story.code)
        pair.cli("site", "set", publisher.site, "open_republishing=off")
        assert (await told(bare, story.code, "not_permitted"))["can"] == ["read"]
        seen = len(bare.frames)
        pair.cli("site", "set", publisher.site, "open_republishing=on")
        snapshot = await told(bare, story.code, None, seen)
        assert snapshot["can"] == ["read", "react", "comment"]
        await bare.react(story.code, "happy")
        await agree(story.code, here, bare)


async def test_a_token_that_expires_is_told_to_its_open_pages(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story(exp=int(time.time()) + 2)
    async with Client(pair.one.url) as page:
        await page.subscribe(story.token)
        assert (await told(page, story.code, "token_expired"))["can"] == ["read"]


# Shutting out -------------------------------------------------------------------------------------


async def test_an_origin_that_is_shut_out_is_refused_with_every_token_and_the_code(
    pair: Pair,
) -> None:
    publisher = pair.site()
    story, another = publisher.story(), publisher.story()
    bad, stolen = "https://bad.example", publisher.token(story.key, jti="stolen")
    async with pair.readers(story) as (here, _), Client(pair.other.url, bad) as page:
        await page.subscribe(stolen, page=f"{bad}/stolen")
        told_so = pair.cli("site", "revoke", publisher.site, stolen, "--shut-out")
        assert f"{bad}/stolen" in told_so
        assert f"Shut out: {bad}, story {story.key}." in told_so
        assert (await told(page, story.code, "origin_not_allowed"))["can"] == ["read"]
        assert await refusal_of(page.react(story.code, "sad")) == "origin_not_allowed"
        fresh = publisher.token(story.key, origins=["*"])
        action = {"type": "react", "story": story.code, "reaction": "sad"}
        for server in pair.servers:
            await soon_refused(server.url, bad, "origin_not_allowed", token=story.token)
            async with Client(server.url, bad) as late:
                for by in ({"token": fresh}, {"code": story.code}):
                    assert await refusal_of(late.subscribe(**by)) == "origin_not_allowed"
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
        # Its frame: the policy names the pages that are left, or it is refused.
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

        async def let_in() -> bool:
            async with Client(pair.other.url, bad) as again:
                try:
                    await again.subscribe(fresh)
                except RefusedError:
                    return False
                return True

        await eventually(let_in, "it is let in again", SOON_S)
        await agree(story.code, here, page)


async def test_an_origin_that_the_whole_site_shuts_out_is_refused_for_each_story(
    pair: Pair,
) -> None:
    publisher = pair.site()
    first, second = publisher.story(), publisher.story()
    bad = "http://plain.example:8080"
    async with pair.readers(first), Client(pair.one.url, bad) as page:
        await page.subscribe(code=first.code)
        pair.cli("site", "shut-out", publisher.site, "HTTP://Plain.Example:8080/")
        await told(page, first.code, "origin_not_allowed")
        async with pair.readers(second):
            await soon_refused(pair.other.url, bad, "origin_not_allowed", code=second.code)


# Readers ------------------------------------------------------------------------------------------


async def test_a_retired_key_takes_the_sign_in_of_those_it_vouched_for(pair: Pair) -> None:
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
        await eventually(lambda: taken(here, fresh, leaked), "the new key is known", SOON_S)
        seen = len(here.frames)
        pair.cli("site", "retire-keys", publisher.site)
        # Its page is told why, and is given an anonymous reader's token instead.
        snapshot = await told(here, code, None, seen)
        assert snapshot["identity"] == "token_invalid"
        assert snapshot["reader"] not in {None, leaked}
        assert snapshot["mine"]["comments"] == []
        unsigned = await here.comment(code, "Who am I now?", name="Ines Falk")
        assert (unsigned["author"]["role"], unsigned["author"]["vouched"]) == (None, False)
        # Everywhere else too, and as one reader however often it is sent.
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


async def taken(page: Client, token: str, reader: str) -> bool:
    """Whether the page is let in by this token."""
    try:
        await page.subscribe(token, reader=reader)
    except RefusedError:
        return False
    return True


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
        assert "exp" not in claims_of(await anonymous(pair, story)), "no one vouched for it"
        for gone in (
            {**payload, "exp": now - 1},
            {name: payload[name] for name in payload if name not in {"generation", "exp"}},
        ):
            old = reader_token(publisher, gone)
            snapshot = await page.subscribe(story.token, reader=old)
            assert snapshot["identity"] == "token_expired"
            assert set(claims_of(snapshot["reader"])) == {"rid"}


async def anonymous(pair: Pair, story: Any) -> str:
    async with Client(pair.one.url) as page:
        await page.subscribe(story.token)
        token: str = (await page.react(story.code, "happy"))["reader"]
        return token


def claims_of(token: str) -> dict[str, Any]:
    body = token.split(".")[3]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims


def reader_token(publisher: Publisher, payload: dict[str, Any]) -> str:
    """As the server would sign it."""
    body = b64(json.dumps(payload, separators=(",", ":")).encode())
    return sign(publisher.secret, "reader", f"r1.{publisher.site}.0.{body}")


@pytest.mark.parametrize("wrong", ["used", "expired", "garbage", "retired", "number", "endless"])
async def test_an_identity_that_is_not_taken_costs_the_sign_in_and_never_the_discussion(
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
            await agree(story.code, here, there, page)


async def test_all_stories_of_a_page_may_show_the_same_identity(
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
async def test_a_reader_token_that_is_none_costs_nothing(
    pair: Pair, publisher: Publisher, reader: Any
) -> None:
    story = publisher.story()
    async with Client(pair.one.url) as page:
        await page.subscribe(story.token, reader=reader)
        token = reader if reader == "r1.nonsense" else None
        assert (await page.action("react", story.code, reaction="happy", reader=token))["reader"]


async def test_a_name_that_the_site_signed_is_told_from_one_that_was_typed(
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
            with pytest.raises(RefusedError, match="text_refused"):
                await there.comment(story.code, "Me, really.", name=name)
        await agree(story.code, here, there)
        fresh = await here.fresh(story.code)
        told = {one["id"]: one["author"]["vouched"] for one in fresh.comments.values()}
        assert told == {signed["id"]: True, typed["id"]: False}


async def test_no_token_may_take_the_handle_of_copies_without_one(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    async with Client(pair.one.url) as page:
        token = publisher.token(story.key, jti="open")
        assert await refusal_of(page.subscribe(token)) == "token_invalid"
