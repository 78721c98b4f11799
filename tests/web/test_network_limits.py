"""Limits of one network: requests, database reads, and copies that it registers."""

import asyncio
import re
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
from tests.web.plain_reader import Page
from widget_server.app import Components
from widget_server.config import load
from widget_server.model.actors import shell
from widget_server.operations.owners import settings, sites
from widget_server.store.schema import copies
from widget_server.web.routes import create_asgi_app

SECRET = "a secret of the rate limits without a comma"


class LimitedServer:
    """An application with the default rate limits, and clients of different networks."""

    def __init__(self, components: Components, stack: AsyncExitStack) -> None:
        self.components = components
        self.publisher = Publisher("paper", SECRET)
        self._stack = stack
        self.app = create_asgi_app(components.services, components.health(), 0)

    async def network(self, address: str) -> httpx.AsyncClient:
        """Return a client with this address."""
        transport = httpx.ASGITransport(self.app, client=(address, 1))
        client = httpx.AsyncClient(transport=transport, base_url="http://test")
        return await self._stack.enter_async_context(client)

    async def registered_story(self) -> Story:
        """Return a story that is registered by an action."""
        story = self.publisher.story(origins=["*"], label="The Copy")
        reader = await self.network("198.51.100.200")
        assert (await send_action(reader, story, "https://first.example")).status_code == 200
        return story

    @property
    def reads(self) -> int:
        """Read transactions of the database so far."""
        return self.components.database.metrics.read_transactions

    async def copies(self) -> int:
        """Return the number of stored copies."""

        async def count(connection: AsyncConnection) -> int:
            found = await connection.execute(select(func.count()).select_from(copies))
            return int(found.scalar_one())

        return await self.components.database.read(count)


OpenServer = Callable[..., Awaitable[LimitedServer]]


@pytest.fixture
async def open_server(tmp_path: Path, migrated_sqlite_url: str) -> AsyncIterator[OpenServer]:
    async with AsyncExitStack() as stack:

        async def open_(**rates: str) -> LimitedServer:
            config = load(
                data_dir=tmp_path,
                database_url=migrated_sqlite_url,
                redis_url="unix:///nowhere",
                secret_keys=SECRET,
                reconcile_seconds=60,
                rate_limits=",".join(f"{kind}={rate}" for kind, rate in rates.items()),
            )
            components = Components(config)
            await stack.enter_async_context(components.running())
            await sites.create_site(components.services, shell("test"), "paper", "A paper")
            return LimitedServer(components, stack)

        yield open_


async def send_action(
    network: httpx.AsyncClient, story: Story, origin: str, **fields: Any
) -> httpx.Response:
    """Send a reaction. `fields` replace its fields; those that are None are omitted."""
    action = {"type": "react", "story": story.code, "token": story.token, "reaction": "happy"}
    sent = {name: value for name, value in {**action, **fields}.items() if value is not None}
    headers = {"Origin": origin, "Content-Type": "text/plain"}
    return await network.post("/v1/actions", json=sent, headers=headers)


def code_of(answer: httpx.Response) -> str:
    code: str = answer.json()["code"]
    return code


# Copies -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["token", "code"])
async def test_rejected_actions_register_no_copy(open_server: OpenServer, by: str) -> None:
    server = await open_server()
    story = await server.registered_story()
    before = await server.copies()
    stranger = await server.network("192.0.2.1")
    token = story.token if by == "token" else None
    refused = set()
    for number in range(400):
        wrong = {"reaction": "unheard-of"} if number % 2 else {"type": "comment", "body": ""}
        wrong["key"] = str(uuid.uuid4())
        origin = f"https://invented-{number}.example"
        answer = await send_action(stranger, story, origin, token=token, **wrong)
        refused.add(code_of(answer))
    assert refused == {"unknown_reaction", "text_refused", "malformed", "rate_limited"} & refused
    assert "rate_limited" in refused, "rejected actions are counted too"
    assert await server.copies() == before


async def test_a_network_registers_a_limited_number_of_copies_and_others_keep_their_label(
    open_server: OpenServer,
) -> None:
    server = await open_server(copy="5/3600")
    story = await server.registered_story()
    before = await server.copies()
    stranger, reader = await server.network("192.0.2.1"), await server.network("198.51.100.7")
    for number in range(20):
        answer = await send_action(stranger, story, f"https://invented-{number}.example")
        assert answer.status_code == 200, "the action is accepted without a copy"
    assert await server.copies() == before + 5
    comment = {"type": "comment", "key": str(uuid.uuid4()), "body": "Hello.", "reaction": None}
    answer = await send_action(reader, story, "https://reader.example", **comment)
    assert answer.json()["comment"]["copy"] == {
        "label": "The Copy",
        "origin": "https://reader.example",
    }
    # Further actions on a known copy do not count against the limit.
    for _ in range(10):
        assert (await send_action(stranger, story, "https://reader.example")).status_code == 200
    assert await server.copies() == before + 6


async def test_a_new_copy_with_many_actions_at_once_is_counted_once(
    open_server: OpenServer,
) -> None:
    server = await open_server(copy="2/3600")
    story = await server.registered_story()
    copies, reads = await server.copies(), server.reads
    network = await server.network("192.0.2.1")
    answers = await asyncio.gather(
        *(send_action(network, story, "https://new.example") for _ in range(50)),
    )
    assert {answer.status_code for answer in answers} == {200}
    assert server.reads - reads <= 5
    assert await server.copies() == copies + 1
    assert (await send_action(network, story, "https://next.example")).status_code == 200
    assert await server.copies() == copies + 2


async def test_subscriptions_of_one_network_register_few_copies_and_count_as_few_readers(
    open_server: OpenServer,
) -> None:
    server = await open_server(copy="5/3600")
    story = await server.registered_story()
    before = await server.copies()
    async with serving(server.app) as served, AsyncExitStack() as readers:
        snapshots = []
        for number in range(12):
            origin = f"https://invented-{number}.example"
            reader = Client(f"http://127.0.0.1:{served.port}", origin)
            await readers.enter_async_context(reader)
            by = {"token": story.token} if number % 2 else {"code": story.code}
            snapshots.append(await reader.subscribe(**by))
        assert [one["copy"] is not None for one in snapshots] == [True] * 5 + [False] * 7
        assert await server.copies() == before + 5
        assert snapshots[-1]["presence"] == {"readers": 3, "copies": 5}


# Database reads ---------------------------------------------------------------------------------


async def test_an_invalid_token_costs_no_database_read(
    open_server: OpenServer,
) -> None:
    server = await open_server(action="1000000/1")
    story = server.publisher.story()
    stranger = await server.network("192.0.2.1")
    before = server.reads
    for number in range(200):
        kind, site, generation, payload, signature = story.token.split(".")
        site = f"invented-{number}" if number % 2 else site
        signature = signature if number % 2 else signature[:-2] + "AA"
        token = ".".join((kind, site, generation, payload, signature))
        answer = await send_action(stranger, story, "https://copy.example", token=token)
        assert (answer.status_code, code_of(answer)) == (401, "token_invalid")
        assert (await stranger.get(f"/e/{token}")).status_code == 401
    assert server.reads == before


async def test_an_unknown_code_is_read_from_the_database_once(open_server: OpenServer) -> None:
    server = await open_server()
    stranger = await server.network("192.0.2.1")
    before = server.reads
    for path in ("/v1/stories/{}", "/v1/stories/{}/comments", "/s/{}", "/e/{}") * 20:
        answer = await stranger.get(path.format("0" * 12))
        assert answer.status_code == 404
    assert server.reads - before <= 2, "once a second"
    before = server.reads
    requests = (stranger.get(f"/v1/stories/{'1' * 12}") for _ in range(100))
    assert {answer.status_code for answer in await asyncio.gather(*requests)} == {404}
    assert server.reads - before == 1, "concurrent requests share one read"


async def test_after_many_unknown_stories_a_network_may_read_only_cached_ones(
    open_server: OpenServer,
) -> None:
    server = await open_server(refused="20/600")
    story, unread = await server.registered_story(), server.publisher.story()
    stranger, other = await server.network("192.0.2.1"), await server.network("192.0.2.2")
    before = server.reads
    answers = []
    for number in range(100):
        paths = ("/v1/stories/{}", "/v1/stories/{}/comments/abc", "/s/{}", "/e/{}")
        answer = await stranger.get(paths[number % 4].format(f"{number:012d}"))
        answers.append(answer.status_code)
    assert answers == [404] * 20 + [429] * 80
    assert server.reads - before == 20
    assert (await stranger.get(f"/v1/stories/{story.code}")).status_code == 200
    assert (await stranger.get(f"/v1/stories/{unread.code}")).status_code == 429
    assert (await other.get(f"/v1/stories/{unread.code}")).status_code == 404


async def test_downloads_of_a_network_are_limited(open_server: OpenServer) -> None:
    server = await open_server(download="3/600")
    story = await server.registered_story()
    stranger, other = await server.network("192.0.2.1"), await server.network("192.0.2.2")
    path = f"/s/{story.code}/discussion."
    answers = [await stranger.get(path + kind) for kind in ("txt", "json", "html", "txt")]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 200
    assert (await other.get(path + "txt")).status_code == 200
    # A network that downloaded too much reads on.
    assert (await stranger.get(f"/s/{story.code}")).status_code == 200


# Requests -----------------------------------------------------------------------------------------


async def test_actions_are_counted_before_their_token_is_checked(open_server: OpenServer) -> None:
    server = await open_server(action="10/600")
    story = await server.registered_story()
    stranger = await server.network("192.0.2.1")
    answers = [
        await send_action(
            stranger, story, "https://copy.example", token="w1.invented.1.e30." + "A" * 43
        )
        for _ in range(12)
    ]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 2
    assert int(answers[-1].headers["retry-after"]) > 0
    other_network = await server.network("192.0.2.2")
    assert (await send_action(other_network, story, "https://copy.example")).status_code == 200


async def test_reads_are_limited_and_files_and_probes_are_not(
    open_server: OpenServer,
) -> None:
    server = await open_server(read="10/600")
    story = await server.registered_story()
    stranger = await server.network("192.0.2.1")
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
    other_network = await server.network("192.0.2.2")
    assert (await other_network.get(paths[0])).status_code == 200


async def test_a_form_that_comes_too_fast_is_answered_in_words_and_keeps_what_was_typed(
    open_server: OpenServer,
) -> None:
    server = await open_server()
    story = await server.registered_story()
    await set_rule(server, "rate_limit_comment=1/60")
    network = await server.network("198.51.100.9")
    path = f"/s/{story.code}/write"
    fields = Page((await network.get(path)).text).fields

    async def press(do: str, **typed: str) -> httpx.Response:
        nonlocal fields
        sent = {**fields, **typed, "do": do}
        origin = {"Origin": server.components.services.server_origin}
        files = {name: (None, value) for name, value in sent.items()}
        answer = await network.post(path, files=files, headers=origin)
        fields = Page(answer.text).fields
        return answer

    assert (await press("post", body="one")).status_code == 200
    answer = await press("post", body="two, and more", name="Zoë")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 60
    assert re.search(
        r'id="text-error">You’re posting too quickly. Try again in \d+ seconds.', answer.text
    )
    assert (fields["body"], fields["name"]) == ("two, and more", "Zoë")
    assert fields["reader"].startswith("r1.")


async def test_what_was_typed_is_kept_also_where_the_network_may_read_no_more(
    open_server: OpenServer,
) -> None:
    server = await open_server(read="2/600", action="1/600")
    story = await server.registered_story()
    network = await server.network("198.51.100.9")
    path = f"/s/{story.code}/write"
    fields = Page((await network.get(path)).text).fields
    sent = {**fields, "body": "<kept> & dear", "name": "Zoë", "do": "react::happy"}
    files = {name: (None, value) for name, value in sent.items()}
    origin = {"Origin": server.components.services.server_origin}
    assert (await network.post(path, files=files, headers=origin)).status_code == 200
    answer = await network.post(path, files=files, headers=origin)
    assert answer.status_code == 429
    assert answer.headers["cache-control"] == "no-store"
    kept = Page(answer.text)
    assert kept.fields["body"] == "<kept> & dear"
    assert kept.fields["name"] == "Zoë"
    assert "react::happy" in kept.buttons


async def set_rule(server: LimitedServer, rule: str) -> None:
    """Change a rule of the site, as an operator does."""
    key, _, value = rule.partition("=")
    await settings.change_settings(
        server.components.services, shell("operator"), "paper", {key: value}
    )
    await server.components.services.cache.site("paper", max_age=0)
