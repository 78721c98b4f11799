"""Rules in two server processes: they count everywhere at once, and a rule in shadow changes nothing for readers."""

import asyncio
import json
import random
import time
from typing import Any

from tests.e2e.client import Client
from tests.e2e.publisher import Story
from tests.e2e.two_servers import Pair, all_in_sync

COUNTS_WITHIN_S = 2.0
ADVERT = "vote for the ferry on sunday and bring all of your friends along"
Json = dict[str, Any]
KINDS = (
    ("--kind", "words", "--word", "casino", "--word", "buy now"),
    ("--kind", "links"),
    ("--kind", "length", "--limit", "60"),
    ("--kind", "repeat"),
)


def add(pair: Pair, site: str, *options: str) -> str:
    """Return the id of a new rule, which is in shadow."""
    added: dict[str, Any] = json.loads(pair.cli("rule", "add", site, *options, "--json"))
    return str(added["id"])


async def state_of(client: Client, story: Story, body: str) -> str:
    return str((await client.comment(story.code, body))["state"])


async def test_a_rule_that_is_turned_on_counts_in_every_process_within_two_seconds(
    pair: Pair,
) -> None:
    publisher = pair.site("rate_limit_comment=9999/60")
    story = publisher.story()
    async with pair.readers(story) as readers:
        rule = add(pair, publisher.site, "--kind", "words", "--word", "casino")
        for reader in readers:
            assert await state_of(reader, story, "casino before") == "published"

        async def last_that_passed(reader: Client) -> float:
            """Return when the last comment was sent that the rule did not hold."""
            passed = 0.0
            while True:
                sent = time.monotonic()
                if await state_of(reader, story, "casino") == "pending":
                    return passed
                passed = sent
                # A socket that sends more in a second is closed.
                await asyncio.sleep(0.1)

        polling = [asyncio.create_task(last_that_passed(reader)) for reader in readers]
        await asyncio.to_thread(pair.cli, "rule", "on", publisher.site, rule)
        turned_on = time.monotonic()
        for passed in await asyncio.gather(*polling):
            assert passed - turned_on <= COUNTS_WITHIN_S


async def test_a_text_that_one_process_stored_is_a_repetition_in_the_other(pair: Pair) -> None:
    publisher = pair.site("rate_limit_comment=9999/60")
    story = publisher.story()
    rule = add(pair, publisher.site, "--kind", "repeat", "--limit", "1")
    pair.cli("rule", "on", publisher.site, rule)
    async with pair.readers(story, 4) as (one, other, third, fourth):
        assert await state_of(one, story, ADVERT) == "published"
        assert await state_of(other, story, f"{ADVERT}!") == "published"
        assert await state_of(third, story, ADVERT.upper()) == "pending"
        assert await state_of(fourth, story, f"please {ADVERT}") == "pending"
        assert await state_of(fourth, story, "another text of enough words") == "published"


def seen(client: Client, code: str) -> list[Json]:
    """Return what a reader was told since the snapshot, without ids, times, positions and presence."""
    told = []
    for message in client.messages:
        if message.get("story") != code or message["type"] not in ("comment", "story"):
            continue
        comment = message.get("comment") or {}
        kept = ("text", "state", "author", "pinned", "edited_at", "decision")
        told.append({name: comment.get(name) for name in kept} | {"type": message["type"]})
    return told


async def test_readers_of_a_site_with_rules_in_shadow_get_what_those_of_a_site_without_get(
    pair: Pair,
) -> None:
    rng = random.Random(16)
    fragments = ["the casino opens", "Buy  NOW", "see https://a.example", "a calm text", ADVERT]
    bodies = [" ".join(rng.choices(fragments, k=rng.randint(1, 3))) for _ in range(20)]
    told: list[list[list[Json]]] = []
    acks: list[list[str]] = []
    sites = [pair.site("rate_limit_comment=9999/60") for _ in range(2)]
    rules = [add(pair, sites[0].site, *options) for options in KINDS]
    for publisher in sites:
        story = publisher.story()
        async with pair.readers(story) as readers:
            acks.append(
                [await state_of(readers[n % 2], story, body) for n, body in enumerate(bodies)]
            )
            await all_in_sync(story.code, *readers)
            told.append([seen(reader, story.code) for reader in readers])
    assert acks[0] == acks[1] == ["published"] * len(bodies)
    assert told[0] == told[1]
    assert len(told[0][0]) >= len(bodies)
    # The same comments, when the rules are on: each is held by the rules that hit it in shadow.
    shadow = [hits_of(pair, sites[0].site, rule) for rule in rules]
    for rule in rules:
        pair.cli("rule", "on", sites[0].site, rule)
    again = sites[0].story()
    async with pair.readers(again) as readers:
        states = [await state_of(readers[n % 2], again, f"{body}") for n, body in enumerate(bodies)]
    live = [hits_of(pair, sites[0].site, rule, held=True) for rule in rules]
    # Every text was written within ten minutes before, so all long enough texts repeat one.
    assert live[:3] == shadow[:3]
    assert set(live[3]) >= set(shadow[3])
    held = {text for texts in live for text in texts}
    assert [state == "pending" for state in states] == [body in held for body in bodies]


def hits_of(pair: Pair, site: str, rule: str, *, held: bool = False) -> list[str]:
    """Return the texts that a rule hit, in shadow or when it was on."""
    found = json.loads(pair.cli("rule", "hits", site, rule, "--json"))
    return sorted(one["text"] for one in found if one["held"] is held)
