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

from widget_server.app import create_app
from widget_server.config import Config
from widget_server.model.errors import RateLimitedError, UnavailableError
from widget_server.operations.services import Services
from widget_server.protocol.client_messages import MAX_BYTES
from widget_server.server.listeners import open_listener
from widget_server.transport.acceptor import Acceptor
from widget_server.transport.admission import HandshakeLimiter, HttpConnectionSlots
from widget_server.transport.http_protocol import HardenedHttpProtocol
from widget_server.transport.protocol_switch import ProtocolSwitch
from widget_server.transport.websocket.protocol import WebSocketProtocol

log = logging.getLogger(__name__)

BACKLOG = 4096
STOP_POLL_S = 0.5
"""So often a process looks whether it was asked to leave."""
SHUTDOWN_GRACE_S = 5
"""Beyond the drain, for answers that are still being sent."""


class UvicornServer(uvicorn.Server):
    """Says when it serves, and ends as one that did what it was asked to."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self.acceptor = Acceptor(self._connection)

    def _connection(self) -> ProtocolSwitch:
        return ProtocolSwitch(self.config, self.server_state, self.lifespan.state)

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
            await asyncio.sleep(STOP_POLL_S)

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


def raise_fd_limit() -> None:
    """Have as many open files, and so sockets, as this process may: shells and services give 1024."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def uvicorn_config(config: Config, app: ASGIApp) -> uvicorn.Config:
    """How uvicorn serves an application of ours: our protocols, no logs of its own, no deflate."""
    return uvicorn.Config(
        app,
        host=config.host,
        port=config.port,
        http=ProtocolSwitch,
        ws=WebSocketProtocol,
        ws_per_message_deflate=False,
        ws_max_size=MAX_BYTES,
        loop="auto",
        lifespan="on",
        backlog=BACKLOG,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=config.trusted_proxies,
        timeout_graceful_shutdown=int(config.drain_seconds) + SHUTDOWN_GRACE_S,
    )


def make_handshake_limiter(
    services: Services, config: Config, on_rejected: Callable[[], None]
) -> HandshakeLimiter:
    """Counted for the network, under its key of the day, and then for this process.

    Those who come from everywhere at once are let in all the same, up to a number; what is beyond
    that waits outside, for the sake of the readers who are here. `on_refused` is told of each.
    """

    def hit(address: str | None) -> None:
        try:
            services.rate_limiters.hit_network("handshake", services.network_key(address))
        except RateLimitedError:
            on_rejected()
            raise
        try:
            services.rate_limiters.hit_network("handshake_total", "")
        except RateLimitedError as rejection:
            on_rejected()
            raise UnavailableError(retry_after=rejection.retry_after) from None

    return HandshakeLimiter(hit, config.trusted_proxies)


def run(config: Config, on_ready: Callable[[], None]) -> int:
    """Serve until told to stop; the exit status."""
    raise_fd_limit()
    WebSocketProtocol.drain_s = config.drain_seconds
    app = create_app(config)
    server = UvicornServer(uvicorn_config(config, app), on_ready)
    HardenedHttpProtocol.handshakes = make_handshake_limiter(
        app.state.services, config, server.acceptor.throttle
    )
    HardenedHttpProtocol.connection_slots = HttpConnectionSlots(
        config.connections, app.state.services.network_key, config.trusted_proxies
    )
    with contextlib.ExitStack() as open_:
        listeners = [
            open_.enter_context(contextlib.closing(open_listener(config.host, port)))
            for port in (config.port, *config.metrics_ports)
        ]
        runner = asyncio.Runner(loop_factory=server.config.get_loop_factory())
        open_.enter_context(runner).run(server.serve(listeners))
    return 0 if server.started else 3
