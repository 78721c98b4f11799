"""Default setup without settings: SQLite, the embedded Valkey and several worker processes."""

import re
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest
from websockets.exceptions import InvalidStatus

from tests.e2e.client import Client
from tests.e2e.harness import ServerProcess
from tests.e2e.publisher import Publisher
from tests.e2e.two_servers import all_in_sync
from tests.loopback import http_client
from tests.ports import free_ports


async def subscriptions(port: int) -> int:
    """Return the number of subscriptions of the worker with this metrics port."""
    async with http_client() as http:
        answer = await http.get(f"http://127.0.0.1:{port}/metrics")
    found = re.search(r"^widget_subscriptions ([0-9.]+)$", answer.text, re.MULTILINE)
    assert found is not None
    return int(float(found[1]))


async def test_two_workers_without_settings_act_as_one_server(
    new_server: Callable[..., ServerProcess],
) -> None:
    metrics_port = free_ports(2)
    env = {"SOCKETS_PER_NETWORK": "8", "METRICS_PORT": str(metrics_port)}
    server = await new_server(workers=2, **env).start()
    server.cli("site", "create", "paper", "--name", "A paper")
    secret = next(
        path.read_text().strip() for path in server.data_dir.iterdir() if "secret" in path.name
    )
    publisher = Publisher("paper", secret)
    story = publisher.story()
    assert server.cli("site", "key", "paper").startswith("generation 1, key ")
    async with AsyncExitStack() as stack:
        readers = []
        for index in range(8):
            client = Client(server.url, f"https://copy-{index}.example")
            readers.append(await stack.enter_async_context(client))
            await client.subscribe(story.token)
        one, other = await subscriptions(metrics_port), await subscriptions(metrics_port + 1)
        assert one + other == 8, "each worker reports its own subscriptions"
        for client in readers:
            await client.comment(story.code, "One discussion?")
            await client.react(story.code, "happy")
        await all_in_sync(story.code, *readers)
        assert readers[0].state(story.code).count == 8
        assert readers[7].state(story.code).tally["counts"]["happy"] == 8
    for client in readers:
        async with Client(server.url, after=client) as back:
            snapshot = await back.subscribe(story.token, since=back.state(story.code).position())
            assert (snapshot["resumed"], snapshot["mine"]["reaction"]) == (True, "happy")


async def test_the_sockets_of_one_network_are_limited(
    new_server: Callable[..., ServerProcess],
) -> None:
    server = await new_server(SOCKETS_PER_NETWORK="3").start()
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(Client(server.url))
        for _ in range(2):
            await stack.enter_async_context(Client(server.url))
        with pytest.raises(InvalidStatus) as rejection:
            await stack.enter_async_context(Client(server.url))
        assert rejection.value.response.status_code == 429
        assert rejection.value.response.headers["Retry-After"] == "30"
        await first.socket.close()
        await stack.enter_async_context(Client(server.url))
