"""After `kill -9` of one or both servers, every acknowledged action is stored exactly once."""

import asyncio
import json
import uuid

import pytest

from tests.e2e.harness import ServerProcess
from tests.e2e.publisher import Story
from tests.e2e.replay import Json
from tests.faults.fault_environment import StartEnvironment, now
from tests.faults.ledger import Posted
from tests.loopback import http_client
from tests.waiting import eventually

ORIGIN = {"Origin": "https://first.example"}


def first_comment(story: Story) -> Json:
    """Return a comment action without a reader token."""
    action = {"type": "comment", "story": story.code, "token": story.token, "body": "My first."}
    return {**action, "key": str(uuid.uuid4())}


async def post_action(server: ServerProcess, action: Json) -> Json:
    """Send an action over HTTP and return the response."""
    async with http_client(timeout=20) as http:
        answer = await http.post(f"{server.url}/v1/actions", json=action, headers=ORIGIN)
    assert answer.status_code == 200, answer.text
    response: Json = answer.json()
    return response


async def post_without_reading(server: ServerProcess, action: Json) -> None:
    """Send an action, wait until it is stored, and close without reading the response."""
    body = json.dumps(action).encode()
    head = f"POST /v1/actions HTTP/1.1\r\nHost: x\r\nOrigin: {ORIGIN['Origin']}\r\n"
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    await eventually(lambda: _stored(server, action), "the comment is stored")
    writer.transport.abort()


async def _stored(server: ServerProcess, action: Json) -> bool:
    async with http_client() as http:
        answer = await http.get(f"{server.url}/v1/stories/{action['story']}")
    return answer.status_code == 200 and answer.json()["count"] == 1


@pytest.mark.slow("postgresql")
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_nothing_acknowledged_is_lost_if_one_of_two_servers_is_killed(
    start_environment: StartEnvironment, engine: str
) -> None:
    environment = await start_environment(engine)
    action = first_comment(environment.publisher.story())
    async with environment.load() as load:
        await load.wait_for_actions(60)
        await post_without_reading(environment.pair.other, action)
        fault_at = now()
        await environment.pair.other.kill()
        load.servers = load.endpoints = [environment.pair.one]
        await load.wait_for_actions(20)
        await load.wait_connected()
        recovered = await load.recovery_time(fault_at)
        assert max(subscriber.longest_gap_s for subscriber in load.subscribers) < 10
        await environment.pair.other.start()
        load.servers = load.endpoints = list(environment.servers)
        await load.wait_for_actions(40)
        # The client got no response and sends the action again: it is the same reader and comment.
        again, once_more = [await post_action(server, action) for server in environment.servers]
        assert again == once_more
        assert await _stored(environment.pair.other, action), "still one comment"
        edit = {**action, "type": "edit", "comment": again["comment"]["id"], "body": "Mine."}
        await post_action(environment.pair.one, {**edit, "reader": again["reader"]})
        load.ledger.comments[action["key"]] = Posted(edit["comment"], action["story"], edit["body"])
    await environment.record(load, "kill -9 of one server", recovered)


@pytest.mark.slow("postgresql")
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_nothing_acknowledged_is_lost_if_both_servers_are_killed_at_once(
    start_environment: StartEnvironment, engine: str
) -> None:
    environment = await start_environment(engine)
    async with environment.load() as load:
        await load.wait_for_actions(60)
        await environment.pair.kill()
        await asyncio.gather(*(server.start() for server in environment.servers))
        fault_ended_at = now()
        await load.wait_connected()
        recovered = await load.recovery_time(fault_ended_at)
        await load.wait_for_actions(40)
    await environment.record(load, "kill -9 of both servers", recovered)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_nothing_acknowledged_is_lost_if_servers_are_killed_in_turn(
    start_environment: StartEnvironment, engine: str
) -> None:
    environment = await start_environment(engine)
    async with environment.load() as load:
        for round_ in range(10):
            await load.wait_for_actions(30)
            victim = environment.servers[round_ % 2]
            await victim.kill()
            await load.wait_for_actions(10)
            await victim.start()
        fault_ended_at = now()
        await load.wait_connected()
        recovered = await load.recovery_time(fault_ended_at)
    await environment.record(load, "kill -9 of each server in turn, 10 times", recovered)
