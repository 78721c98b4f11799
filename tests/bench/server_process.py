"""Process of this project's server for benchmarks.

It is the server of `widget-server serve` without rate limits: the same components and the same
uvicorn settings. The measuring process calls the methods of `ServerProcess`, and of its `writers`, by
name.
"""

import asyncio
import logging
import socket
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.bench import fixtures
from tests.bench.null_writer import NullWriter
from tests.bench.rpc import Stopwatch, run_loop, serve_and_answer
from tests.bench.writers import Writers
from widget_server.app import Components
from widget_server.auth.tokens import story_code
from widget_server.bus.message import BusMessage
from widget_server.config import Config
from widget_server.hub import flush
from widget_server.model.actors import shell
from widget_server.model.claims import Attribution, WidgetClaims
from widget_server.operations.moderation import decide
from widget_server.operations.owners import sites
from widget_server.operations.owners.corrections import TypedCorrection, correct
from widget_server.operations.readers import authorize
from widget_server.server import worker
from widget_server.store import migrate
from widget_server.store.writing import writer as store_writer
from widget_server.store.writing.writer import Writer
from widget_server.transport.settings import TransportSettings, WebSocketLimits
from widget_server.web.routes import create_asgi_app

ORIGIN = "https://copy.example"
SITE = "bench"
_NEVER = 1e9


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Options of a benchmark server.

    `mode` is one of `durable` (as in production), `single_commits` (one commit per action),
    `no_storage` (without storing) and `accept_only` (sockets are accepted, nothing else).
    """

    data_dir: str
    database_url: str = ""
    mode: str = "durable"
    first: bool = True
    """True: create the tables and the site. Further servers on the same data use False."""


class ServerProcess:
    """One server process. Times are in seconds."""

    def __init__(self, options: ServerOptions) -> None:
        self.options = options
        self._config = Config(
            data_dir=Path(options.data_dir),
            database_url=options.database_url,
            redis_url="",
            secret_keys=("a secret that only a benchmark knows",),
            public_url="",
            rate_limits=None,
            sockets_per_network=0,
            drain_seconds=0,
            log_level="warning",
        )
        self.components = Components(self._config)
        self.services = self.components.services
        if options.mode == "single_commits":
            store_writer.MAX_BATCH = 1
            store_writer.LINGER_S = 0

    async def run(self, connection: Connection) -> None:
        """Serve and answer calls until the parent closes the pipe."""
        options = self.options
        if options.first:
            await migrate.upgrade(self._config.database)
        async with self.components.running():
            if options.first:
                await sites.create_site(self.services, shell("test"), SITE, "Benchmark")
            self.token = await sites.mint(self.services, shell("test"), _claims("story"))
            await authorize.register_story(self.services, self.token)
            self.code = story_code(SITE, "story")
            self.writers = Writers(self.components, self.code)
            if options.mode == "no_storage":
                components = self.components
                null_writer = NullWriter(
                    components.writer,
                    self.code,
                    components.database.epoch,
                    components.publisher.publish,
                )
                self.services = replace(self.services, writer=cast(Writer, null_writer))
            await self._serve(connection)

    async def _serve(self, connection: Connection) -> None:
        app: ASGIApp = _bare()
        if self.options.mode != "accept_only":
            app = create_asgi_app(
                self.services,
                self.components.health(),
                0,
                transport_metrics=self.components.transport_metrics,
            )
        # No limit on the rate of messages; all other limits are those of a real server.
        limits = WebSocketLimits(message_rate=_NEVER, drain_s=0)
        transport = TransportSettings(websocket=limits, metrics=self.components.transport_metrics)
        settings = worker.uvicorn_config(self._config, app, transport)
        settings.lifespan = "off"
        settings.timeout_graceful_shutdown = 1
        with socket.create_server(("127.0.0.1", 0), backlog=worker.BACKLOG) as listener:
            self.port: int = listener.getsockname()[1]
            server = worker.UvicornServer(settings, transport, lambda: None)
            await serve_and_answer(server, listener, connection, self)

    def address(self) -> tuple[int, str, str]:
        """Return the port, the story code and the token."""
        return self.port, self.code, self.token

    def origin(self) -> str:
        """Return the origin that this server has in its own addresses."""
        return self.services.server_origin

    def cpu(self) -> float:
        """Return the CPU seconds of this process so far."""
        return time.process_time()

    def counts(self) -> dict[str, int]:
        """Return the metrics of the hub."""
        counts = self.components.hub.metrics
        return {name: getattr(counts, name) for name in counts.__slots__}

    # Broadcast -----------------------------------------------------------------------------------

    async def broadcast(self, payload: bytes, rounds: int) -> tuple[float, float]:
        """Write `rounds` tallies to every subscriber as fast as possible.

        Return seconds and CPU seconds.
        """
        hub = self.components.hub
        interval = flush.tally_interval
        _set_flush_interval(lambda _subscribers: 0.0)
        due = hub.metrics.batches_delivered + hub.metrics.batches_skipped
        version, subscribers, epoch = (
            time.time_ns(),
            hub.subscription_count,
            self.components.database.epoch,
        )
        watch = Stopwatch()
        for round_ in range(rounds):
            hub.receive(BusMessage("tally", self.code, version + round_, "", payload, 0, 30, epoch))
            due += subscribers
            while hub.metrics.batches_delivered + hub.metrics.batches_skipped < due:
                await asyncio.sleep(0)
        taken = watch.read()
        _set_flush_interval(interval)
        return taken

    # Reading -----------------------------------------------------------------------------------

    async def seed_stories(self, number: int) -> list[str]:
        """Insert `number` stories and return their codes."""
        return await fixtures.stories(self.services, SITE, number)

    async def seed_comments(self, key: str, number: int) -> str:
        """Create a story with `number` comments and return its code."""
        token = await sites.mint(self.services, shell("test"), _claims(key))
        story = await authorize.register_story(self.services, token)
        await fixtures.comments(self.components.database, story.id, number)
        return story.code

    async def feature_and_correct(self, code: str, featured: int, corrections: int) -> None:
        """Feature the newest comments of a story, and publish corrections of it."""
        by = shell("test")
        newest = await self.services.discussions.page(code, "newest", None, featured)
        for thread in newest.threads:
            await decide.decide(self.services, by, "feature", thread.top.id)
        for number in range(corrections):
            typed = TypedCorrection(f"It was {number}, not {number + 1}.")
            await correct(self.services, by, code, typed)

    async def time_reads(self, codes: Sequence[str], repeats: int) -> dict[str, list[list[float]]]:
        """Measure a snapshot and some pages of each story.

        Return the seconds by kind, story and repeat.
        """
        reads = self.services.discussions
        kinds: dict[str, Callable[[str], Awaitable[Any]]] = {
            "snapshot": reads.snapshot,
            "newest": lambda code: reads.page(code, "newest", None, 20),
            "oldest": lambda code: reads.page(code, "oldest", None, 20),
            "top": lambda code: reads.page(code, "top", None, 20),
        }
        second = {code: (await reads.page(code, "newest", None, 20)).next for code in codes}
        kinds["second page"] = lambda code: reads.page(code, "newest", second[code], 20)
        taken: dict[str, list[list[float]]] = {kind: [[] for _ in codes] for kind in kinds}
        for _ in range(repeats):
            for kind, read in kinds.items():
                for index, code in enumerate(codes):
                    taken[kind][index].append(await _median_time(read, code))
        return taken


async def _median_time(read: Callable[[str], Awaitable[Any]], code: str) -> float:
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        await read(code)
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def _set_flush_interval(interval: Callable[[int], float]) -> None:
    """Replace the flush interval of tallies. A production server has no setting for it."""
    flush.tally_interval = interval  # type: ignore[assignment]


def _claims(story: str) -> WidgetClaims:
    attribution = Attribution("https://harbour.example/story", "A title", "An author", "Harbour")
    return WidgetClaims(
        site=SITE,
        story=story,
        origins=(ORIGIN,),
        iat=1_700_000_000,
        jti="",
        attribution=attribution,
    )


def _bare() -> Starlette:
    """Return an application that accepts sockets and does nothing else."""

    async def accept(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept", "subprotocol": "widget.v1"})
        while (await receive())["type"] != "websocket.disconnect":
            pass

    class AcceptEndpoint:
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await accept(scope, receive, send)

    return Starlette(routes=[WebSocketRoute("/v1/live", AcceptEndpoint())])


def main(connection: Connection, options: ServerOptions) -> None:
    """Run the server process."""
    logging.basicConfig(level="WARNING")
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    run_loop(ServerProcess(options).run(connection))
