"""`kill -9` of one server process and of both: what was acknowledged is there, nothing is twice."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable

import pytest

from tests.e2e.harness import ServerProcess
from tests.e2e.publisher import Story
from tests.e2e.replay import Json
from tests.faults.fault_environment import FaultEnvironment, now
from tests.faults.ledger import Posted
from tests.faults.slow_marker import slow
from tests.loopback import http_client
from tests.waiting import eventually

SetStage = Callable[..., Awaitable[FaultEnvironment]]

ORIGIN = {"Origin": "https://first.example"}


def first_comment(story: Story) -> Json:
    """What someone says whom no one knows yet."""
    action = {"type": "comment", "story": story.code, "token": story.token, "body": "My first."}
    return {**action, "key": str(uuid.uuid4())}


async def say(server: ServerProcess, action: Json) -> Json:
    """The answer to an action over HTTP."""
    async with http_client(timeout=20) as http:
        answer = await http.post(f"{server.url}/v1/actions", json=action, headers=ORIGIN)
    assert answer.status_code == 200, answer.text
    said: Json = answer.json()
    return said


async def say_unheard(server: ServerProcess, action: Json) -> None:
    """Send an action, wait until it is stored, and never read the answer."""
    body = json.dumps(action).encode()
    head = f"POST /v1/actions HTTP/1.1\r\nHost: x\r\nOrigin: {ORIGIN['Origin']}\r\n"
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    await eventually(lambda: _stored(server, action), "it is stored")
    writer.transport.abort()


async def _stored(server: ServerProcess, action: Json) -> bool:
    async with http_client() as http:
        answer = await http.get(f"{server.url}/v1/stories/{action['story']}")
    return answer.status_code == 200 and answer.json()["count"] == 1


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_one_of_two_servers_is_killed_and_comes_back(
    set_stage: SetStage, engine: str
) -> None:
    stage = await set_stage(engine)
    action = first_comment(stage.publisher.story())
    async with stage.load() as load:
        await load.more(60)
        await say_unheard(stage.pair.other, action)
        struck = now()
        await stage.pair.other.kill()
        load.servers = load.endpoints = [stage.pair.one]
        await load.more(20)
        await load.everyone_is_back()
        recovered = await load.recovery(struck)
        assert max(watcher.away for watcher in load.watchers) < 10
        await stage.pair.other.start()
        load.servers = load.endpoints = list(stage.servers)
        await load.more(40)
        # Who heard no answer says it again, and is the reader who said it the first time.
        again, once_more = [await say(server, action) for server in stage.servers]
        assert again == once_more
        assert await _stored(stage.pair.other, action), "still one comment"
        edit = {**action, "type": "edit", "comment": again["comment"]["id"], "body": "Mine."}
        await say(stage.pair.one, {**edit, "reader": again["reader"]})
        load.ledger.comments[action["key"]] = Posted(edit["comment"], action["story"], edit["body"])
    await stage.verdict(load, "kill -9 of one server", recovered)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_both_servers_are_killed_at_once_and_start_again(
    set_stage: SetStage, engine: str
) -> None:
    stage = await set_stage(engine)
    async with stage.load() as load:
        await load.more(60)
        await stage.pair.kill()
        await asyncio.gather(*(server.start() for server in stage.servers))
        restarted = now()
        await load.everyone_is_back()
        recovered = await load.recovery(restarted)
        await load.more(40)
    await stage.verdict(load, "kill -9 of both servers", recovered)


@slow
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_servers_are_killed_in_turn_again_and_again(set_stage: SetStage, engine: str) -> None:
    stage = await set_stage(engine)
    async with stage.load() as load:
        for round_ in range(10):
            await load.more(30)
            victim = stage.servers[round_ % 2]
            await victim.kill()
            await load.more(10)
            await victim.start()
        restarted = now()
        await load.everyone_is_back()
        recovered = await load.recovery(restarted)
    await stage.verdict(load, "kill -9 of the servers in turn, 10 times", recovered)
