"""What one network may use up: requests, questions to the database, places of copies."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.e2e.client import Client
from tests.e2e.publisher import Publisher, Story
from tests.transport.serving import serving
from widget_server.app import Components
from widget_server.config import load
from widget_server.operations.owners import sites
from widget_server.store import migrate
from widget_server.store.schema import copies
from widget_server.web.routes import create_asgi_app

SECRET = "a secret of the paces without a comma"


class Desk:
    """A server's application with the default paces, and networks that ask it."""

    def __init__(self, components: Components, stack: AsyncExitStack) -> None:
        self.rooms = components
        self.publisher = Publisher("paper", SECRET)
        self._stack = stack
        self.app = create_asgi_app(components.services, components.health(), 0)

    async def network(self, address: str) -> httpx.AsyncClient:
        """A client from this address."""
        transport = httpx.ASGITransport(self.app, client=(address, 1))
        client = httpx.AsyncClient(transport=transport, base_url="http://test")
        return await self._stack.enter_async_context(client)

    async def known_story(self) -> Story:
        """A story that the server knows."""
        story = self.publisher.story(origins=["*"], label="The Copy")
        honest = await self.network("198.51.100.200")
        assert (await act(honest, story, "https://first.example")).status_code == 200
        return story

    @property
    def reads(self) -> int:
        """Questions that the database was asked so far."""
        return self.rooms.database.metrics.read_transactions

    async def copies(self) -> int:
        """Copies that are remembered."""

        async def count(connection: AsyncConnection) -> int:
            found = await connection.execute(select(func.count()).select_from(copies))
            return int(found.scalar_one())

        return await self.rooms.database.read(count)


Open = Callable[..., Awaitable[Desk]]


@pytest.fixture
async def open_desk(tmp_path: Path) -> AsyncIterator[Open]:
    async with AsyncExitStack() as stack:

        async def open_(**rates: str) -> Desk:
            config = load(
                data_dir=tmp_path,
                redis_url="unix:///nowhere",
                secret_keys=SECRET,
                reconcile_seconds=60,
                rate_limits=",".join(f"{kind}={rate}" for kind, rate in rates.items()),
            )
            await migrate.upgrade(config.database)
            components = Components(config)
            await stack.enter_async_context(components.running())
            await sites.create_site(components.services, "paper", "A paper")
            return Desk(components, stack)

        yield open_


async def act(
    network: httpx.AsyncClient, story: Story, origin: str, **fields: Any
) -> httpx.Response:
    """A reaction, or what `fields` make of it."""
    action = {"type": "react", "story": story.code, "token": story.token, "reaction": "happy"}
    sent = {name: value for name, value in {**action, **fields}.items() if value is not None}
    headers = {"Origin": origin, "Content-Type": "text/plain"}
    return await network.post("/v1/actions", json=sent, headers=headers)


def code_of(answer: httpx.Response) -> str:
    code: str = answer.json()["code"]
    return code


# Copies -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["token", "code"])
async def test_refused_actions_make_no_copy_known(open_desk: Open, by: str) -> None:
    desk = await open_desk()
    story = await desk.known_story()
    before = await desk.copies()
    stranger = await desk.network("192.0.2.1")
    token = story.token if by == "token" else None
    refused = set()
    for number in range(400):
        wrong = {"reaction": "unheard-of"} if number % 2 else {"type": "comment", "body": ""}
        wrong["key"] = str(uuid.uuid4())
        origin = f"https://invented-{number}.example"
        answer = await act(stranger, story, origin, token=token, **wrong)
        refused.add(code_of(answer))
    assert refused == {"unknown_reaction", "text_refused", "malformed", "rate_limited"} & refused
    assert "rate_limited" in refused, "also those that are refused are counted"
    assert await desk.copies() == before


async def test_a_network_makes_so_many_copies_known_and_the_next_honest_one_keeps_its_label(
    open_desk: Open,
) -> None:
    desk = await open_desk(copy="5/3600")
    story = await desk.known_story()
    before = await desk.copies()
    stranger, honest = await desk.network("192.0.2.1"), await desk.network("198.51.100.7")
    for number in range(20):
        answer = await act(stranger, story, f"https://invented-{number}.example")
        assert answer.status_code == 200, "taken all the same"
    assert await desk.copies() == before + 5
    said = {"type": "comment", "key": str(uuid.uuid4()), "body": "Hello.", "reaction": None}
    answer = await act(honest, story, "https://honest.example", **said)
    assert answer.json()["comment"]["copy"] == {
        "label": "The Copy",
        "origin": "https://honest.example",
    }
    # A copy that is known costs nothing, however often it is acted on.
    for _ in range(10):
        assert (await act(stranger, story, "https://honest.example")).status_code == 200
    assert await desk.copies() == before + 6


async def test_a_new_copy_that_many_come_to_at_once_is_asked_for_and_counted_once(
    open_desk: Open,
) -> None:
    desk = await open_desk(copy="2/3600")
    story = await desk.known_story()
    copies, reads = await desk.copies(), desk.reads
    office = await desk.network("192.0.2.1")
    answers = await asyncio.gather(
        *(act(office, story, "https://new.example") for _ in range(50)),
    )
    assert {answer.status_code for answer in answers} == {200}
    assert desk.reads - reads <= 5
    assert await desk.copies() == copies + 1
    assert (await act(office, story, "https://next.example")).status_code == 200
    assert await desk.copies() == copies + 2


async def test_who_only_reads_makes_so_many_copies_known_and_is_a_household_at_most(
    open_desk: Open,
) -> None:
    desk = await open_desk(copy="5/3600")
    story = await desk.known_story()
    before = await desk.copies()
    async with serving(desk.app) as served, AsyncExitStack() as readers:
        snapshots = []
        for number in range(12):
            origin = f"https://invented-{number}.example"
            reader = Client(f"http://127.0.0.1:{served.port}", origin)
            await readers.enter_async_context(reader)
            by = {"token": story.token} if number % 2 else {"code": story.code}
            snapshots.append(await reader.subscribe(**by))
        assert [one["copy"] is not None for one in snapshots] == [True] * 5 + [False] * 7
        assert await desk.copies() == before + 5
        assert snapshots[-1]["presence"] == {"readers": 3, "copies": 5}


# Questions to the database ------------------------------------------------------------------------


async def test_a_token_that_no_one_signed_costs_no_question_to_the_database(
    open_desk: Open,
) -> None:
    desk = await open_desk(action="1000000/1")
    story = desk.publisher.story()
    stranger = await desk.network("192.0.2.1")
    before = desk.reads
    for number in range(200):
        kind, site, generation, payload, signature = story.token.split(".")
        site = f"invented-{number}" if number % 2 else site
        signature = signature if number % 2 else signature[:-2] + "AA"
        token = ".".join((kind, site, generation, payload, signature))
        answer = await act(stranger, story, "https://copy.example", token=token)
        assert (answer.status_code, code_of(answer)) == (401, "token_invalid")
        assert (await stranger.get(f"/e/{token}")).status_code == 401
    assert desk.reads == before


async def test_a_code_of_no_story_is_asked_for_once(open_desk: Open) -> None:
    desk = await open_desk()
    stranger = await desk.network("192.0.2.1")
    before = desk.reads
    for path in ("/v1/stories/{}", "/v1/stories/{}/comments", "/s/{}", "/e/{}") * 20:
        answer = await stranger.get(path.format("0" * 12))
        assert answer.status_code == 404
    assert desk.reads - before <= 2, "once a second"
    before = desk.reads
    asked = (stranger.get(f"/v1/stories/{'1' * 12}") for _ in range(100))
    assert {answer.status_code for answer in await asyncio.gather(*asked)} == {404}
    assert desk.reads - before == 1, "also by those who come together"


async def test_who_asks_for_many_stories_that_are_none_is_heard_only_for_those_that_are_known(
    open_desk: Open,
) -> None:
    desk = await open_desk(refused="20/600")
    story, unread = await desk.known_story(), desk.publisher.story()
    stranger, other = await desk.network("192.0.2.1"), await desk.network("192.0.2.2")
    before = desk.reads
    answers = []
    for number in range(100):
        paths = ("/v1/stories/{}", "/v1/stories/{}/comments/abc", "/s/{}", "/e/{}")
        answer = await stranger.get(paths[number % 4].format(f"{number:012d}"))
        answers.append(answer.status_code)
    assert answers == [404] * 20 + [429] * 80
    assert desk.reads - before == 20
    assert (await stranger.get(f"/v1/stories/{story.code}")).status_code == 200
    assert (await stranger.get(f"/v1/stories/{unread.code}")).status_code == 429
    assert (await other.get(f"/v1/stories/{unread.code}")).status_code == 404


# Requests -----------------------------------------------------------------------------------------


async def test_actions_are_counted_before_anything_else_is_looked_at(open_desk: Open) -> None:
    desk = await open_desk(action="10/600")
    story = await desk.known_story()
    stranger = await desk.network("192.0.2.1")
    answers = [
        await act(stranger, story, "https://copy.example", token="w1.invented.1.e30." + "A" * 43)
        for _ in range(12)
    ]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 2
    assert int(answers[-1].headers["retry-after"]) > 0
    neighbour = await desk.network("192.0.2.2")
    assert (await act(neighbour, story, "https://copy.example")).status_code == 200


async def test_plain_questions_have_a_pace_and_files_and_probes_have_none(
    open_desk: Open,
) -> None:
    desk = await open_desk(read="10/600")
    story = await desk.known_story()
    stranger = await desk.network("192.0.2.1")
    paths = [
        f"/v1/stories/{story.code}",
        f"/v1/stories/{story.code}/comments",
        f"/v1/counts?story={story.code}",
        f"/s/{story.code}",
        f"/e/{story.code}",
    ]
    answers = [(await stranger.get(path)).status_code for path in paths * 3]
    assert answers == [200] * 10 + [429] * 5
    for path in ("/embed.js", "/healthz", "/readyz", "/metrics", "/openapi.json"):
        assert (await stranger.get(path)).status_code == 200
    neighbour = await desk.network("192.0.2.2")
    assert (await neighbour.get(paths[0])).status_code == 200
