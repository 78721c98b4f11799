"""Bans, objections and outcomes on two servers: only the readers whom they concern see them."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.e2e.client import Client, RejectedError
from tests.e2e.publisher import Publisher, Story
from tests.e2e.test_rights import wait_for_permissions
from tests.e2e.two_servers import Pair, all_in_sync
from tests.loopback import http_client
from tests.waiting import eventually
from widget_server.cli.main import app


async def run(pair: Pair, *words: str) -> Any:
    """Run a command next to the servers, and return its JSON."""
    return json.loads(await asyncio.to_thread(pair.cli, *words, "--json"))


async def mine(client: Client, code: str) -> dict[str, Any]:
    """Return what the reader may know about decisions."""
    answer = await client.action("mine", code, reader=client.reader)
    return {"ban": answer.get("ban"), **answer["mine"]}


async def code_of(action: Any) -> str:
    """Await an action that the server rejects, and return the error code."""
    with pytest.raises(RejectedError) as rejected:
        await action
    return rejected.value.code


async def test_a_ban_holds_on_open_pages_of_both_servers_within_five_seconds_and_ends(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    code = story.code
    async with pair.readers(story) as (here, there), Client(pair.other.url) as tab:
        bad = await here.comment(code, "A bad word.")
        other = await there.comment(code, "A good word.")
        tab.reader = here.reader
        await tab.subscribe(story.token)
        await all_in_sync(code, here, there, tab)
        before = len(here.messages), len(tab.messages)
        done = await run(pair, "reader", "ban", bad["id"], "--hours", "24", "--reason", "attack")
        for client, since in zip((here, tab), before, strict=True):
            snapshot = await wait_for_permissions(client, code, "banned", since)
            assert snapshot["can"] == ["read"]
            ban = snapshot["ban"]
            assert (ban["mode"], ban["reason"], ban["by"]) == ("read", "attack", "person")
            assert ban["may_appeal"] is True
            assert ban["until"]
        assert await code_of(here.react(code, "sad")) == "banned"
        assert await code_of(here.action("edit", code, comment=bad["id"], body="x")) == "banned"
        assert await code_of(here.action("report", code, comment=other["id"])) == "banned"
        assert await code_of(tab.comment(code, "And again.")) == "banned"
        async with http_client(headers={"Origin": "https://copy-0.example"}) as http:
            action = {"type": "react", "story": code, "token": story.token, "reaction": "sad"}
            action["reader"] = here.reader or ""
            answer = await http.post(f"{pair.other.url}/v1/actions", json=action)
            assert (answer.status_code, answer.json()["code"]) == (403, "banned")
        await there.react(code, "happy")
        assert not [one for one in there.messages[1:] if one["type"] == "snapshot"]
        await all_in_sync(code, here, there, tab)
        since = len(tab.messages)
        await run(pair, "undo", done["decision"])
        snapshot = await wait_for_permissions(tab, code, None, since)
        assert snapshot["ban"] is None
        await tab.comment(code, "Back.")
        await all_in_sync(code, here, there, tab)


async def test_the_banned_forget_and_stay_banned(pair: Pair, publisher: Publisher) -> None:
    story = publisher.story()
    async with pair.readers(story) as (here, there):
        bad = await here.comment(story.code, "A bad word.")
        await run(pair, "reader", "ban", bad["id"])
        await wait_for_permissions(here, story.code, "banned")
        answer = await here.action("forget", story.code)
        assert answer["reader"], "the page keeps a reader token"
        assert await code_of(here.react(story.code, "sad")) == "banned"
        async with Client(pair.other.url) as page:
            page.reader = answer["reader"]
            snapshot = await page.subscribe(story.token)
            assert snapshot["read_only"] == "banned"
            assert snapshot["mine"]["comments"] == []
        await all_in_sync(story.code, here, there)


async def test_with_approval_the_comments_of_a_reader_wait(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    async with pair.readers(story) as (here, there):
        first = await here.comment(story.code, "Fine so far.")
        await run(pair, "reader", "ban", first["id"], "--mode", "approval")
        await eventually(
            lambda: any(one.get("ban") for one in here.messages), "the ban is told", 5.0
        )
        assert (await here.comment(story.code, "Wait.", key="k" * 12))["state"] == "pending"
        edited = await here.action("edit", story.code, comment=first["id"], body="Changed.")
        assert edited["comment"]["waiting"] is True
        await here.react(story.code, "sad")
        await all_in_sync(story.code, here, there)


async def test_an_objection_brings_the_comment_back_and_only_its_author_is_told(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    code = story.code
    async with pair.readers(story) as (here, there):
        comment = await here.comment(code, "Not so bad.", name="Ana")
        await there.action("report", code, comment=comment["id"], category="hate", reason="hm")
        assert [one["outcome"] for one in (await mine(there, code))["reports"]] == ["waiting"]
        remove = ("comment", "remove", comment["id"], "--reason", "hate", "--json")
        status, said = await asyncio.to_thread(run_as, pair, "mona", *remove)
        assert status == 0, said
        decision = json.loads(said)["decision"]
        await eventually(
            lambda: here.state(code).comments[comment["id"]]["state"] == "removed", "the removal"
        )
        (own,) = (await mine(here, code))["comments"]
        assert own["decision"]["state"] == "removed"
        assert (own["decision"]["reason"], own["decision"]["by"]) == ("hate", "person")
        assert own["decision"]["may_appeal"] is True
        assert [one["outcome"] for one in (await mine(there, code))["reports"]] == ["removed"]
        assert (await mine(there, code))["comments"] == []
        answer = await here.action("appeal", code, comment=comment["id"], text="Read it again.")
        assert answer["mine"]["comments"][0]["decision"]["appeal"] == "waiting"
        again = await here.action("appeal", code, comment=comment["id"], text="And again.")
        assert again["mine"] == answer["mine"]
        status, said = await asyncio.to_thread(run_as, pair, "mona", "undo", decision)
        assert status != 0
        assert "Another person" in said
        status, said = await asyncio.to_thread(run_as, pair, "nick", "undo", decision)
        assert status == 0, said
        await eventually(
            lambda: here.state(code).comments[comment["id"]]["state"] == "published", "it is back"
        )
        (own,) = (await mine(here, code))["comments"]
        assert own["decision"] | {"at": ""} == {
            "state": "restored",
            "reason": "hate",
            "by": "person",
            "at": "",
            "may_appeal": False,
            "appeal": "overturned",
        }
        await all_in_sync(code, here, there)
        wire = json.dumps(there.messages)
        assert "decision" not in wire
        assert "Read it again" not in wire
        assert "Read it again" not in json.dumps(here.messages)


def run_as(pair: Pair, user: str, *words: str) -> tuple[int, str]:
    """Run a command as a user of the operating system. Return its exit status and what it says."""
    env = pair.one.env | {"LOGNAME": user}
    with ThreadPoolExecutor(1) as thread:
        done = thread.submit(CliRunner().invoke, app, words, env=env).result()
    return done.exit_code, f"{done.output}{done.exception or ''}"


async def test_a_pages_readers_without_a_token_read_nothing_of_their_own(
    pair: Pair, publisher: Publisher
) -> None:
    story: Story = publisher.story()
    async with Client(pair.one.url) as page:
        await page.subscribe(story.token)
        answer = await page.action("mine", story.code)
        assert answer["mine"]["comments"] == []
        assert "reader" not in answer, "reading makes no reader"


async def test_the_storys_page_says_what_was_removed_only_if_the_site_wants_it(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    async with pair.readers(story) as (here, there), http_client() as http:
        bad = await here.comment(story.code, "Buy this.")
        await there.comment(story.code, "A good word.")
        await run(pair, "comment", "spam", bad["id"], "--reason", "spam")
        await all_in_sync(story.code, here, there)
        page = f"{pair.other.url}/s/{story.code}"
        assert "comments removed" not in (await http.get(page)).text
        await asyncio.to_thread(pair.cli, "site", "set", publisher.site, "show_decisions=on")

        async def says() -> bool:
            return "1 of 2 comments removed: 1 advertising." in (await http.get(page)).text

        await eventually(says, "the page says it", 5.0)
        german = await http.get(page, headers={"Accept-Language": "de"})
        assert "1 von 2 Kommentaren entfernt: 1 × Werbung." in german.text
