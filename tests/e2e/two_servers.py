"""Two server processes behind one discussion: one database, one Valkey, different ports."""

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

SECRET = "a secret of the journeys without a comma"


class Pair:
    """Two servers and the publishers known to both. `one` and `other` behave as one server."""

    def __init__(self, folder: Path, database_url: str, redis_url: str, **env: str) -> None:
        shared = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "SECRET_KEYS": SECRET}
        shared |= {"SOCKETS_PER_NETWORK": "0", "LOG_LEVEL": "debug", **env}
        self.one = ServerProcess(folder / "one", shared)
        self.other = ServerProcess(folder / "other", shared)
        self.servers = (self.one, self.other)
        self._sites = itertools.count(1)

    async def start(self) -> "Pair":
        """Make the tables and start both."""
        self.cli("migrate")
        await asyncio.gather(*(server.start() for server in self.servers))
        return self

    async def start_beside(self) -> "Pair":
        """`start` where this event loop has to go on meanwhile: it runs a proxy."""
        await asyncio.to_thread(self.cli, "migrate")
        await asyncio.gather(*(server.start() for server in self.servers))
        return self

    async def site_beside(self) -> Publisher:
        """`site` where this event loop has to go on meanwhile."""
        return await asyncio.to_thread(self.site)

    async def kill(self) -> None:
        """End both, however they are."""
        await asyncio.gather(*(server.kill() for server in self.servers))

    def cli(self, *words: str) -> str:
        """A command of an operator beside the running servers.

        Run in this process, for a Python of its own takes a second or two; how commands behave as
        processes is shown elsewhere.
        """
        with ThreadPoolExecutor(1) as beside:
            done = beside.submit(
                CliRunner().invoke, app, words, env=self.one.env, catch_exceptions=False
            ).result()
        assert done.exit_code == 0, f"{words} ended with {done.exit_code}:\n{done.output}"
        return done.stdout.strip()

    def site(self, *rules: str) -> Publisher:
        """A new site with these `KEY=VALUE` rules."""
        slug = f"paper-{next(self._sites)}"
        self.cli("site", "create", slug, "--name", "A paper")
        if rules:
            self.cli("site", "set", slug, *rules)
        return Publisher(slug, SECRET)

    @asynccontextmanager
    async def readers(self, story: Story, number: int = 2) -> AsyncIterator[tuple[Client, ...]]:
        """Readers of a story, on copies of their own, in turn on one server and on the other."""
        async with AsyncExitStack() as stack:
            readers = []
            for index in range(number):
                server = self.servers[index % 2]
                client = Client(server.url, f"https://copy-{index}.example")
                readers.append(await stack.enter_async_context(client))
                await client.subscribe(story.token)
            yield tuple(readers)

    async def posts(self, story: Story, number: int) -> None:
        """So many comments, over HTTP: a socket that sends that many in a second is closed."""
        headers = {"Origin": "https://post.example"}
        action = {"type": "comment", "story": story.code, "token": story.token, "body": "More."}
        # An idle connection is given up before the server does so.
        limits = httpx.Limits(keepalive_expiry=1)
        loader = iter(range(number))
        async with http_client(headers=headers, limits=limits) as http:

            async def post_some() -> None:
                # Not all at once: httpx looks through all that wait with each answer that comes.
                for turn in loader:
                    url = f"{self.servers[turn % 2].url}/v1/actions"
                    fresh = {**action, "key": str(uuid.uuid4())}
                    (await http.post(url, json=fresh, timeout=30)).raise_for_status()

            await asyncio.gather(*(post_some() for _ in range(10)))


async def agree(code: str, *clients: Client) -> None:
    """What each reader followed is what one who comes now sees, on every server."""
    servers = {client.url for client in clients}
    await asyncio.gather(*(client.agrees(code, *servers) for client in clients))


def valkey_of_its_own() -> Valkey:
    """A started Valkey that no other test stops."""
    server = Valkey()
    server.start()
    return server
