"""The atlas of copies beside running servers: readers now, and one copy that is taken back."""

import json
from typing import Any

from tests.e2e.client import Client
from tests.e2e.test_rights import PERMISSIONS_END_S, rejection_code, wait_for_permissions
from tests.e2e.two_servers import Pair, all_in_sync
from tests.waiting import eventually

ONE, TWO, THREE = (f"https://{name}.example" for name in ("one", "two", "three"))


async def test_a_copy_is_taken_back_within_five_seconds_and_the_others_notice_nothing(
    pair: Pair,
) -> None:
    publisher = pair.site()
    story = publisher.story(jti="one")
    tokens = [story.token, *(publisher.token(story.key, jti=jti) for jti in ("two", "three"))]

    def copies() -> dict[str, dict[str, Any]]:
        """Return the copies by origin, as a process without any reader lists them."""
        listed = json.loads(pair.cli("copy", "list", publisher.site, "--json"))
        return {copy["origin"]: copy for copy in listed["copies"]}

    async with (
        Client(pair.one.url, ONE) as one,
        Client(pair.other.url, TWO) as two,
        Client(pair.other.url, THREE) as three,
    ):
        for client, token in zip((one, two, three), tokens, strict=True):
            await client.subscribe(token)
        await one.comment(story.code, "While I may.")
        await two.react(story.code, "happy")
        await all_in_sync(story.code, one, two, three)
        await eventually(
            lambda: [copies()[origin]["readers"] for origin in (ONE, TWO, THREE)] == [1, 1, 1],
            "every open socket is counted on its copy",
        )
        listed = copies()
        assert [listed[origin]["comments"] for origin in (ONE, TWO, THREE)] == [1, 0, 0]
        assert [listed[origin]["reactions"] for origin in (ONE, TWO, THREE)] == [0, 1, 0]
        before = [len(client.messages) for client in (two, three)]
        done = json.loads(
            pair.cli("copy", "revoke", publisher.site, str(listed[ONE]["id"]), "--json")
        )
        assert (done["token_revoked"], done["also"]) == (True, [])
        snapshot = await wait_for_permissions(one, story.code, "token_revoked")
        assert snapshot["can"] == ["read"]
        assert await rejection_code(one.react(story.code, "sad")) == "token_revoked"
        for client, since in zip((two, three), before, strict=True):
            received = [message["type"] for message in client.messages[since:]]
            assert [kind for kind in received if kind != "presence"] == []
        assert copies()[ONE]["status"] == "revoked"
        await three.comment(story.code, "Others go on.")
        await all_in_sync(story.code, one, two, three)


async def test_a_copy_by_code_alone_is_shut_out_of_its_story(pair: Pair) -> None:
    publisher = pair.site()
    story = publisher.story(jti="one")
    async with Client(pair.one.url, ONE) as one, Client(pair.other.url, TWO) as bare:
        await one.subscribe(story.token)
        await bare.subscribe(code=story.code)
        listed = json.loads(pair.cli("copy", "list", publisher.site, "--json"))
        copy = next(copy for copy in listed["copies"] if copy["jti"] == "open")
        pair.cli("copy", "revoke", publisher.site, str(copy["id"]), "--shut-out", "story")
        await eventually(
            lambda: bare.messages[-1].get("read_only") == "origin_not_allowed",
            "the page by code becomes read-only",
            PERMISSIONS_END_S,
        )
        await one.comment(story.code, "Others go on.")
