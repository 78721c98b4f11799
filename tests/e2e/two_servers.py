"""Two server processes with one database and one Valkey, on different ports."""

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
from typer.testing import CliRunner

from tests.e2e.client import Client
from tests.e2e.harness import ServerProcess
from tests.e2e.publisher import Publisher, Story
from tests.engines import Valkey
from tests.loopback import http_client
from widget_server.cli.main import app

SECRET = "a secret of the e2e tests without a comma"


class Pair:
    """Two servers that share a database and a bus, so that `one` and `other` act as one server."""

    def __init__(self, folder: Path, database_url: str, redis_url: str, **env: str) -> None:
        shared = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "SECRET_KEYS": SECRET}
        shared |= {"SOCKETS_PER_NETWORK": "0", "LOG_LEVEL": "debug", **env}
        self.one = ServerProcess(folder / "one", shared)
        self.other = ServerProcess(folder / "other", shared)
        self.servers = (self.one, self.other)
        self._sites = itertools.count(1)

    async def start(self) -> "Pair":
        """Create the tables and start both servers."""
        self.cli("migrate")
        await asyncio.gather(*(server.start() for server in self.servers))
        return self

    async def start_without_blocking(self) -> "Pair":
        """Do the same as `start` without blocking the event loop, which may run a proxy."""
        await asyncio.to_thread(self.cli, "migrate")
        await asyncio.gather(*(server.start() for server in self.servers))
        return self

    async def site_without_blocking(self) -> Publisher:
        """Do the same as `site` without blocking the event loop."""
        return await asyncio.to_thread(self.site)

    async def kill(self) -> None:
        """Kill both servers, running or not."""
        await asyncio.gather(*(server.kill() for server in self.servers))

    def cli(self, *arguments: str) -> str:
        """Run an operator's command while the servers run, and return its output.

        The command runs in this process, because a new Python process takes a second or two.
        `tests/cli` tests commands as processes.
        """
        # A thread: a command starts its own event loop, and the caller may run in one.
        with ThreadPoolExecutor(1) as thread:
            done = thread.submit(
                CliRunner().invoke, app, arguments, env=self.one.env, catch_exceptions=False
            ).result()
        assert done.exit_code == 0, f"{arguments} ended with {done.exit_code}:\n{done.output}"
        return done.stdout.strip()

    def site(self, *rules: str) -> Publisher:
        """Create a site with these `KEY=VALUE` rules."""
        slug = f"paper-{next(self._sites)}"
        self.cli("site", "create", slug, "--name", "A paper")
        if rules:
            self.cli("site", "set", slug, *rules)
        return Publisher(slug, SECRET)

    @asynccontextmanager
    async def readers(self, story: Story, number: int = 2) -> AsyncIterator[tuple[Client, ...]]:
        """Yield readers of a story, each on its own copy, alternating between the servers."""
        async with AsyncExitStack() as stack:
            readers = []
            for index in range(number):
                server = self.servers[index % 2]
                client = Client(server.url, f"https://copy-{index}.example")
                readers.append(await stack.enter_async_context(client))
                await client.subscribe(story.token)
            yield tuple(readers)

    async def post_comments(self, story: Story, number: int) -> None:
        """Post `number` comments over HTTP.

        A socket that sends that many messages in a second would be closed.
        """
        headers = {"Origin": "https://post.example"}
        action = {"type": "comment", "story": story.code, "token": story.token, "body": "More."}
        # Close idle connections before the server does, so that no request meets a closing one.
        limits = httpx.Limits(keepalive_expiry=1)
        turns = iter(range(number))
        async with http_client(headers=headers, limits=limits) as http:

            async def post_some() -> None:
                # Ten at a time: on each response httpx scans all waiting requests.
                for turn in turns:
                    url = f"{self.servers[turn % 2].url}/v1/actions"
                    fresh = {**action, "key": str(uuid.uuid4())}
                    (await http.post(url, json=fresh, timeout=30)).raise_for_status()

            await asyncio.gather(*(post_some() for _ in range(10)))


async def all_in_sync(code: str, *clients: Client) -> None:
    """Wait until each reader's state equals a new snapshot of every reader's server."""
    servers = {client.url for client in clients}
    await asyncio.gather(*(client.wait_in_sync(code, *servers) for client in clients))


def start_valkey() -> Valkey:
    """Start a Valkey that no other test stops."""
    server = Valkey()
    server.start()
    return server
