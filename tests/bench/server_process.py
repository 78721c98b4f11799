"""Our server in a process of its own, with what a measurement needs beside it.

It is the server that `widget-server serve` runs, with pace off: the same rooms, the same uvicorn
settings. The methods of `ServerProcess`, and of its `authors`, are called by name from the process that
measures.
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
from tests.bench.rpc import Stopwatch, answer_all, run_loop
from tests.bench.writers import Writers
from widget_server.app import Components
from widget_server.auth.tokens import story_code
from widget_server.bus.message import BusMessage
from widget_server.config import Config
from widget_server.hub import flush
from widget_server.model.claims import Attribution, WidgetClaims
from widget_server.operations.owners import sites
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
    """What kind of house it is.

    `acknowledging`: `durably` as it is served; `singly`, one commit for each action; `freely`,
    without storing; `bare`, sockets accepted and nothing else.
    """

    data_dir: str
    database_url: str = ""
    acknowledging: str = "durably"
    first: bool = True
    """Makes the tables and the site; later houses on the same data find them."""


class ServerProcess:
    """One server process. Times are in seconds, memory in bytes."""

    def __init__(self, plan: ServerOptions) -> None:
        self.options = plan
        self._config = Config(
            data_dir=Path(plan.data_dir),
            database_url=plan.database_url,
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
        if plan.acknowledging == "singly":
            store_writer.MAX_BATCH = 1
            store_writer.LINGER_S = 0

    async def run(self, connection: Connection) -> None:
        """Serve until the parent closes the pipe."""
        plan = self.options
        if plan.first:
            await migrate.upgrade(self._config.database)
        async with self.components.running():
            if plan.first:
                await sites.create_site(self.services, SITE, "Benchmark")
            self.token = await sites.mint(self.services, _claims("story"))
            await authorize.register_story(self.services, self.token)
            self.code = story_code(SITE, "story")
            self.authors = Writers(self.components, self.code)
            if plan.acknowledging == "freely":
                components = self.components
                free = NullWriter(
                    components.writer,
                    self.code,
                    components.database.epoch,
                    components.publish_committed,
                )
                self.services = replace(self.services, writer=cast(Writer, free))
            await self._serve(connection)

    async def _serve(self, connection: Connection) -> None:
        app: ASGIApp = _bare()
        if self.options.acknowledging != "bare":
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
            serving = asyncio.create_task(server.serve([listener]))
            while not server.started and not serving.done():
                await asyncio.sleep(0.01)
            await answer_all(connection, self)
            server.should_exit = server.force_exit = True
            await serving

    def where(self) -> tuple[int, str, str]:
        """Port, story code and token."""
        return self.port, self.code, self.token

    def cpu(self) -> float:
        """CPU seconds of this process so far."""
        return time.process_time()

    def counts(self) -> dict[str, int]:
        """The hub's counters."""
        counts = self.components.hub.metrics
        return {name: getattr(counts, name) for name in counts.__slots__}

    # Fan-out -----------------------------------------------------------------------------------

    async def broadcast(self, payload: bytes, rounds: int) -> tuple[float, float]:
        """So many tallies as fast as they go, each written to every watcher; `(seconds, CPU)`."""
        hub = self.components.hub
        was = flush.tally_interval
        _set_tick(lambda _watchers: 0.0)
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
        _set_tick(was)
        return taken

    # Reading -----------------------------------------------------------------------------------

    async def seed_stories(self, number: int) -> list[str]:
        """Make so many stories known; their codes."""
        return await fixtures.stories(self.services, SITE, number)

    async def seed_comments(self, key: str, number: int) -> str:
        """Make a story with so many comments; its code."""
        token = await sites.mint(self.services, _claims(key))
        story = await authorize.register_story(self.services, token)
        await fixtures.comments(self.components.database, story.id, number)
        return story.code

    async def time_reads(self, codes: Sequence[str], repeats: int) -> dict[str, list[list[float]]]:
        """Seconds of a snapshot and of some pages, for each story in turn."""
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
                for place, code in enumerate(codes):
                    taken[kind][place].append(await _quickest(read, code))
        return taken


async def _quickest(read: Callable[[str], Awaitable[Any]], code: str) -> float:
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        await read(code)
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def _set_tick(interval: Callable[[int], float]) -> None:
    """Tallies without conflation: nothing that a served process could be told to do."""
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
    """Sockets are accepted, and that is all."""

    async def accept(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept", "subprotocol": "widget.v1"})
        while (await receive())["type"] != "websocket.disconnect":
            pass

    class Door:
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await accept(scope, receive, send)

    return Starlette(routes=[WebSocketRoute("/v1/live", Door())])


def main(connection: Connection, plan: ServerOptions) -> None:
    """The process."""
    logging.basicConfig(level="WARNING")
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    run_loop(ServerProcess(plan).run(connection))
