"""Error reports on two servers: only their reader and the editors see them; all pages stay in step."""

import asyncio
import json
from typing import Any

from tests.e2e.client import Client
from tests.e2e.publisher import Publisher
from tests.e2e.test_readers import code_of, mine, run
from tests.e2e.test_rights import wait_for_permissions
from tests.e2e.two_servers import Pair, all_in_sync
from tests.waiting import eventually

WITHIN_S = 1.0


async def story_message(client: Client, since: int) -> dict[str, Any]:
    """Wait for a `story` message that came after `since` messages."""

    def find() -> dict[str, Any] | None:
        later = client.messages[since:]
        return next((message for message in later if message["type"] == "story"), None)

    message: dict[str, Any] = await eventually(find, "a story message", WITHIN_S)
    return message


async def test_a_hint_becomes_a_correction_on_all_copies_and_its_reader_is_thanked(
    pair: Pair, publisher: Publisher
) -> None:
    story, site = publisher.story(), publisher.site
    code = story.code
    async with pair.readers(story, 3) as pages:
        here, *others = pages
        sent = await here.action(
            "hint", code, text="It was secretly 1961.", passage="in 1971", credit="Ann"
        )
        assert sent["mine"]["hints"] == [sent["hint"]]
        name = sent["hint"]["id"]
        (listed,) = await run(pair, "story", "hints", site, "--story", code)
        assert (listed["id"], listed["text"]) == (name, "It was secretly 1961.")
        since = [len(page.messages) for page in pages]
        words = ("It was built in 1961.", "--answer", "Many thanks for this.")
        made = await run(pair, "story", "accept-hint", site, name, *words)
        for page, before in zip(pages, since, strict=True):
            message = await story_message(page, before)
            (shown,) = message["corrections"]
            assert (shown["id"], shown["credit"], shown["passage"]) == (
                made["id"],
                "Ann",
                "in 1971",
            )
        (told,) = (await mine(here, code))["hints"]
        assert (told["state"], told["correction"], told["answer"]) == (
            "accepted",
            made["id"],
            "Many thanks for this.",
        )
        await all_in_sync(code, *pages)
        # The withdrawal opens it again, and the page of its reader is told to ask.
        since = [len(page.messages) for page in pages]
        await asyncio.to_thread(pair.cli, "undo", made["id"])
        for page, before in zip(pages, since, strict=True):
            (withdrawn,) = (await story_message(page, before))["corrections"]
            assert withdrawn["withdrawn_at"]
        assert (await mine(here, code))["hints"] == [sent["hint"]]
        await all_in_sync(code, *pages)
        wire = json.dumps([page.messages for page in others])
        assert "secretly" not in wire
        assert "Many thanks" not in wire


async def test_a_declined_hint_is_answered_at_once_to_its_reader_alone(
    pair: Pair, publisher: Publisher
) -> None:
    story, site = publisher.story(), publisher.site
    code = story.code
    async with pair.readers(story) as (here, there):
        sent = await here.action("hint", code, text="Was it not 1961?")
        before = here.state(code).story
        since = len(here.messages), len(there.messages)
        done = await run(
            pair, "story", "decline-hint", site, sent["hint"]["id"], "--answer", "It was 1971."
        )
        for client, number in zip((here, there), since, strict=True):
            await story_message(client, number)
        assert here.state(code).story == before
        (told,) = (await mine(here, code))["hints"]
        assert (told["state"], told["answer"]) == ("declined", "It was 1971.")
        assert "hints" not in await mine(there, code)
        since = len(here.messages), len(there.messages)
        await asyncio.to_thread(pair.cli, "undo", done["decision"])
        for client, number in zip((here, there), since, strict=True):
            await story_message(client, number)
        assert (await mine(here, code))["hints"] == [sent["hint"]]
        assert "1971" not in json.dumps(there.messages)
        await all_in_sync(code, here, there)


async def test_who_forgets_takes_their_name_out_of_the_correction_on_all_copies(
    pair: Pair, publisher: Publisher
) -> None:
    story, site = publisher.story(), publisher.site
    code = story.code
    async with pair.readers(story) as (here, there):
        sent = await here.action("hint", code, text="It was 1961.", credit="Ann")
        await run(pair, "story", "accept-hint", site, sent["hint"]["id"], "It was 1961.")
        await there.wait_for("story", timeout=WITHIN_S)
        since = len(there.messages)
        await here.action("forget", code)
        (shown,) = (await story_message(there, since))["corrections"]
        assert shown["text"] == "It was 1961."
        assert "credit" not in shown
        await all_in_sync(code, here, there)
        async with pair.readers(story, 1) as (late,):
            assert "credit" not in late.state(code).story["corrections"][0]


async def test_the_banned_and_a_fourth_hint_are_refused_and_a_closed_story_takes_one(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    code = story.code
    async with pair.readers(story) as (here, there):
        bad = await here.comment(code, "A bad word.")
        await asyncio.to_thread(pair.cli, "story", "close", code)
        await there.wait_for("story", timeout=WITHIN_S)
        for number in range(3):
            await there.action("hint", code, text=f"Error no. {number}")
        assert await code_of(there.action("hint", code, text="One more.")) == "rate_limited"
        again = await there.action("hint", code, text="Error no. 2")
        assert len(again["mine"]["hints"]) == 3
        since = len(here.messages)
        await asyncio.to_thread(pair.cli, "reader", "ban", bad["id"], "--hours", "1")
        await wait_for_permissions(here, code, "banned", since)
        assert await code_of(here.action("hint", code, text="Hello?")) == "banned"
        await all_in_sync(code, here, there)
