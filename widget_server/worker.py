"""One process that serves: uvicorn with our protocols, its own listening socket, a clean end."""

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from functools import partial

import uvicorn
from starlette.types import ASGIApp

from widget_server.app import build
from widget_server.config import Config
from widget_server.edge.doorstep import Doorstep
from widget_server.edge.fanout import FanoutProtocol
from widget_server.edge.guards import Handshakes
from widget_server.edge.hardened_http import HardenedHttpProtocol
from widget_server.model.errors import RateLimited, Unavailable
from widget_server.operations.services import Services
from widget_server.ports import listening_socket
from widget_server.wire.messages import MOST_BYTES

log = logging.getLogger(__name__)

BACKLOG = 4096
MOST_HEADER = 32 * 1024
"""A thousand stories in the query of /v1/counts take 19 KB."""
STRAGGLERS_S = 5
"""Beyond the drain, for answers that are still being sent."""


class Server(uvicorn.Server):
    """Says when it serves, and ends as one that did what it was asked to."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and report it."""
        await super().startup(sockets)
        if self.started:
            # What lives since the start is not looked at again by the garbage collector.
            gc.collect()
            gc.freeze()
            log.info("event=serving port=%d", self.config.port)
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Leave, and still answer those whom only the kernel has let in: closing resets them."""
        listeners = [listener.dup() for listener in sockets or []]
        for server in self.servers:
            server.close()
        for listener in listeners:
            with contextlib.closing(listener):
                await self._take_waiting(listener)
        await super().shutdown(sockets)

    async def _take_waiting(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        listener.setblocking(False)
        protocol = partial(Doorstep, self.config, self.server_state, self.lifespan.state)
        with contextlib.suppress(OSError):  # nobody waits any more, or no more can be taken
            while True:
                connection, _ = listener.accept()
                connection.setblocking(False)
                await loop.connect_accepted_socket(protocol, connection)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Drain when asked to leave.

        uvicorn's own raises the signal once more after the drain, so that a server which left in
        good order would be reported as killed.
        """
        asked = (signal.SIGINT, signal.SIGTERM)
        before = {signum: signal.signal(signum, self.handle_exit) for signum in asked}
        try:
            yield
        finally:
            for signum, handler in before.items():
                signal.signal(signum, handler)


def take_all_descriptors() -> None:
    """Have as many open files, and so sockets, as this process may: shells and services give 1024."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def uvicorn_settings(config: Config, app: ASGIApp) -> uvicorn.Config:
    """How uvicorn serves an application of ours: our protocols, no logs of its own, no deflate."""
    HardenedHttpProtocol.max_header = MOST_HEADER
    return uvicorn.Config(
        app,
        host=config.host,
        port=config.port,
        http=Doorstep,
        ws=FanoutProtocol,
        ws_per_message_deflate=False,
        ws_max_size=MOST_BYTES,
        loop="auto",
        lifespan="on",
        backlog=BACKLOG,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=config.trusted_proxies,
        timeout_graceful_shutdown=int(config.drain_seconds) + STRAGGLERS_S,
    )


def pace_of_handshakes(services: Services, config: Config) -> Handshakes:
    """Counted for the network, under its key of the day, and then for this process.

    Those who come from everywhere at once are let in all the same, up to a number; what is beyond
    that waits outside, for the sake of the readers who are here.
    """

    def spend(address: str | None) -> None:
        services.paces.spend("handshake", services.network(address))
        try:
            services.paces.spend("arrival", "")
        except RateLimited as refusal:
            raise Unavailable(retry_after=refusal.retry_after) from None

    return Handshakes(spend, config.trusted_proxies)


def run(config: Config, on_ready: Callable[[], None]) -> int:
    """Serve until told to stop; the exit status."""
    take_all_descriptors()
    FanoutProtocol.drain_s = config.drain_seconds
    app = build(config)
    HardenedHttpProtocol.handshakes = pace_of_handshakes(app.state.services, config)
    server = Server(uvicorn_settings(config, app), on_ready)
    with contextlib.ExitStack() as open_:
        listeners = [
            open_.enter_context(contextlib.closing(listening_socket(config.host, port)))
            for port in (config.port, *config.own_ports)
        ]
        runner = asyncio.Runner(loop_factory=server.config.get_loop_factory())
        open_.enter_context(runner).run(server.serve(listeners))
    return 0 if server.started else 3
