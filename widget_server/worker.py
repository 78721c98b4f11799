"""One process that serves: uvicorn with our protocols, its own listening socket, a clean end."""

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn
from starlette.types import ASGIApp

from widget_server.app import build
from widget_server.config import Config
from widget_server.edge.acceptor import Acceptor
from widget_server.edge.doorstep import Doorstep
from widget_server.edge.fanout import FanoutProtocol
from widget_server.edge.guards import Connections, Handshakes
from widget_server.edge.hardened_http import HardenedHttpProtocol
from widget_server.model.errors import RateLimited, Unavailable
from widget_server.operations.services import Services
from widget_server.ports import listening_socket
from widget_server.wire.messages import MOST_BYTES

log = logging.getLogger(__name__)

BACKLOG = 4096
LOOK_S = 0.5
"""So often a process looks whether it was asked to leave."""
STRAGGLERS_S = 5
"""Beyond the drain, for answers that are still being sent."""


class Server(uvicorn.Server):
    """Says when it serves, and ends as one that did what it was asked to."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self.acceptor = Acceptor(self._connection)

    def _connection(self) -> Doorstep:
        return Doorstep(self.config, self.server_state, self.lifespan.state)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and report it."""
        await super().startup([])
        self.acceptor.open(sockets or [], self.config.backlog)
        # What lives since the start is not looked at again by the garbage collector.
        gc.collect()
        gc.freeze()
        log.info("event=serving port=%d", self.config.port)
        self._on_ready()

    async def main_loop(self) -> None:
        """Wait until asked to leave, and renew the date that answers carry.

        uvicorn's own wakes ten times a second, a tenth of what an idle process costs.
        """
        while not await self.on_tick(0):  # noqa: ASYNC110 - uvicorn has a flag and no event
            await asyncio.sleep(LOOK_S)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Leave, and still answer those whom only the kernel has let in."""
        await self.acceptor.close()
        await super().shutdown([])

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


def pace_of_handshakes(
    services: Services, config: Config, on_refused: Callable[[], None]
) -> Handshakes:
    """Counted for the network, under its key of the day, and then for this process.

    Those who come from everywhere at once are let in all the same, up to a number; what is beyond
    that waits outside, for the sake of the readers who are here. `on_refused` is told of each.
    """

    def spend(address: str | None) -> None:
        try:
            services.paces.spend("handshake", services.network(address))
        except RateLimited:
            on_refused()
            raise
        try:
            services.paces.spend("arrival", "")
        except RateLimited as refusal:
            on_refused()
            raise Unavailable(retry_after=refusal.retry_after) from None

    return Handshakes(spend, config.trusted_proxies)


def run(config: Config, on_ready: Callable[[], None]) -> int:
    """Serve until told to stop; the exit status."""
    take_all_descriptors()
    FanoutProtocol.drain_s = config.drain_seconds
    app = build(config)
    server = Server(uvicorn_settings(config, app), on_ready)
    HardenedHttpProtocol.handshakes = pace_of_handshakes(
        app.state.services, config, server.acceptor.rest
    )
    HardenedHttpProtocol.seats = Connections(
        config.connections, app.state.services.network, config.trusted_proxies
    )
    with contextlib.ExitStack() as open_:
        listeners = [
            open_.enter_context(contextlib.closing(listening_socket(config.host, port)))
            for port in (config.port, *config.own_ports)
        ]
        runner = asyncio.Runner(loop_factory=server.config.get_loop_factory())
        open_.enter_context(runner).run(server.serve(listeners))
    return 0 if server.started else 3
