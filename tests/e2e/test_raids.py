"""A flood on two server processes with one database: three comments are shown, with and without the bus."""

import asyncio
import base64
import hashlib
import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.client import Client, RejectedError
from tests.e2e.publisher import Publisher, Story
from tests.e2e.two_servers import Pair
from tests.engines import Valkey
from tests.waiting import eventually

LIMITS = ",".join(
    f"{kind}=1000000/60"
    for kind in ("comment", "new_reader", "action", "copy", "read", "handshake", "handshake_total")
)


@pytest.fixture
async def pair(tmp_path: Path, database_url: str, valkey: Valkey) -> AsyncIterator[Pair]:
    """Return two servers that limit nothing but floods."""
    pair = Pair(tmp_path, database_url, valkey.url, RATE_LIMITS=LIMITS)
    try:
        yield await pair.start()
    finally:
        await pair.kill()


def solve(challenge: dict[str, Any]) -> str:
    for number in range(challenge["maxnumber"] + 1):
        tried = hashlib.sha256(f"{challenge['salt']}{number}".encode()).hexdigest()
        if tried == challenge["challenge"]:
            return base64.b64encode(json.dumps({**challenge, "number": number}).encode()).decode()
    raise AssertionError("The challenge has no solution.")


async def say(pair: Pair, story: Story, n: int) -> str:
    """Post a comment as a new reader at one of the servers; return its state or the error's code."""
    url = pair.servers[n % 2].url
    async with Client(url, f"https://copy-{n % 5}.example") as reader:
        await reader.subscribe(token=story.token)
        try:
            answer = await reader.comment(story.code, f"number {n} {uuid.uuid4().hex}")
        except RejectedError as rejected:
            return rejected.code
        return str(answer["state"])


async def flood(pair: Pair, story: Story, number: int = 60) -> list[str]:
    """Post comments of so many new readers at the same moment; return what became of them."""
    return await asyncio.gather(*(say(pair, story, n) for n in range(number)))


def site_with_floods(pair: Pair) -> Publisher:
    """Create a site that takes three comments at once, and counts no networks: all readers are of one."""
    return pair.site("rate_limit_comment=1000/60", "flood_burst=3/5", "flood_network=100000/60")


async def test_a_flood_on_two_processes_shows_three_comments_with_and_without_the_bus(
    pair: Pair, valkey: Valkey
) -> None:
    paper = site_with_floods(pair)
    first, second, calm = paper.story(), paper.story(), paper.story()
    became = await flood(pair, first)
    assert became.count("published") <= 3
    assert became.count("pending") == 60 - became.count("published")
    valkey.stop()
    became = await flood(pair, second)
    assert became.count("published") <= 3
    assert became.count("pending") == 60 - became.count("published")
    # The next stories of the same site notice nothing, at either server.
    assert [await say(pair, calm, n) for n in range(2)] == ["published", "published"]


async def test_a_proof_is_asked_for_by_both_servers_and_accepted_once(pair: Pair) -> None:
    paper = pair.site("rate_limit_comment=1000/60", "floods=off")
    story, other = paper.story(), paper.story()
    for known in (story, other):
        assert await say(pair, known, 0) == "published"
    pair.cli("raid", "on", paper.site)

    async def is_asked(n: int) -> bool:
        return await say(pair, story, n) == "proof_needed"

    for n in (0, 1):
        await eventually(lambda n=n: is_asked(n), "the question for a proof")
    async with (
        Client(pair.one.url) as reader,
        Client(pair.other.url) as thief,
        Client(pair.other.url) as slow,
    ):
        for page in (reader, thief, slow):
            await page.subscribe(token=story.token)
        key = str(uuid.uuid4())
        with pytest.raises(RejectedError) as asked:
            await reader.comment(story.code, "my words", key=key)
        proof = solve(asked.value.answer["challenge"])
        sent = await reader.comment(story.code, "my words", key=key, proof=proof)
        assert sent["state"] == "published"
        again = await reader.comment(story.code, "my words", key=key, proof=proof)
        assert again["id"] == sent["id"]
        # Not asked again, and the proof is worth nothing to another reader.
        more = await reader.comment(story.code, "more words")
        assert more["state"] == "published"
        with pytest.raises(RejectedError) as refused:
            await thief.comment(story.code, "stolen", proof=proof)
        assert refused.value.code == "proof_needed"
        await slow.subscribe(token=other.token)
        stolen = solve(refused.value.answer["challenge"])
        with pytest.raises(RejectedError) as elsewhere:
            await slow.comment(other.code, "of another story", proof=stolen)
        assert elsewhere.value.code == "proof_needed"
    (raid,) = json.loads(pair.cli("raid", "list", paper.site, "--json"))
    pair.cli("raid", "off", paper.site, raid["id"])

    async def is_over(n: int) -> bool:
        return await say(pair, story, n) == "published"

    for n in (0, 1):
        await eventually(lambda n=n: is_over(n), "the end of the raid")
