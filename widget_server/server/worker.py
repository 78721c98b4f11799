"""Worker process: uvicorn with this server's protocols, own listening sockets, graceful shutdown."""

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, cast

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
from widget_server.transport.metrics import TransportMetrics
from widget_server.transport.protocol_switch import ProtocolSwitch
from widget_server.transport.settings import TransportSettings, WebSocketLimits
from widget_server.transport.websocket.protocol import WebSocketProtocol

log = logging.getLogger(__name__)

BACKLOG = 4096
"""Connections that wait in the kernel's queue until they are accepted."""
STOP_POLL_S = 0.5
"""Seconds between two checks whether shutdown was requested."""
SHUTDOWN_GRACE_S = 5
"""Seconds after the drain, for responses that are still being sent."""


class UvicornServer(uvicorn.Server):
    """uvicorn server that reports readiness and exits with status 0 after SIGTERM."""

    def __init__(
        self, config: uvicorn.Config, settings: TransportSettings, on_ready: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._settings = settings
        self._on_ready = on_ready
        self.acceptor = Acceptor(self._make_protocol, settings.metrics.accept)

    def _make_protocol(self) -> ProtocolSwitch:
        return ProtocolSwitch(
            self.config, self.server_state, self.lifespan.state, settings=self._settings
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, accept connections, and report readiness."""
        await super().startup([])
        self.acceptor.open(sockets or [], self.config.backlog)
        # Objects that exist now live as long as the process: exclude them from garbage collection.
        gc.collect()
        gc.freeze()
        log.info("event=serving port=%d", self.config.port)
        self._on_ready()

    async def main_loop(self) -> None:
        """Run until shutdown is requested; refresh the `Date` header twice a second.

        uvicorn's own loop wakes ten times a second, which is a tenth of the CPU of an idle process.
        """
        while not await self.on_tick(0):  # noqa: ASYNC110 - uvicorn has a flag and no event
            await asyncio.sleep(STOP_POLL_S)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Shut down, and serve the connections that wait in the kernel's queue first."""
        await self.acceptor.close()
        await super().shutdown([])

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Start the graceful shutdown on SIGINT and SIGTERM.

        uvicorn's own method raises the signal again after the shutdown, so that a server that shut
        down in order would be reported as killed.
        """
        signals = (signal.SIGINT, signal.SIGTERM)
        before = {signum: signal.signal(signum, self.handle_exit) for signum in signals}
        try:
            yield
        finally:
            for signum, handler in before.items():
                signal.signal(signum, handler)


def raise_fd_limit() -> None:
    """Raise the limit on open files to the hard limit: shells and services start with 1,024."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def uvicorn_config(config: Config, app: ASGIApp, settings: TransportSettings) -> uvicorn.Config:
    """Return the configuration of uvicorn: this server's protocols, no access log, no deflate."""
    return uvicorn.Config(
        app,
        host=config.host,
        port=config.port,
        http=cast(Any, partial(ProtocolSwitch, settings=settings)),
        ws=cast(Any, partial(WebSocketProtocol, settings=settings)),
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
    """Return a limit on handshakes per network (under its key of the day) and in this process.

    Above the total limit a handshake is answered 503, so that connected readers are not slowed
    down when clients of many networks connect at once. `on_rejected` is called for each rejection.
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


def transport_settings(
    config: Config, services: Services, metrics: TransportMetrics, on_rejected: Callable[[], None]
) -> TransportSettings:
    """Return the settings of all connections of a worker."""
    return TransportSettings(
        websocket=WebSocketLimits(drain_s=config.drain_seconds),
        metrics=metrics,
        handshakes=make_handshake_limiter(services, config, on_rejected),
        connection_slots=HttpConnectionSlots(
            config.connections, services.network_key, config.trusted_proxies
        ),
    )


def run(config: Config, on_ready: Callable[[], None]) -> int:
    """Serve until shutdown is requested. Return the exit status: 3 if the application did not start."""
    raise_fd_limit()
    app = create_app(config)

    def on_rejected() -> None:
        server.acceptor.throttle()  # the server is created below, from these settings

    settings = transport_settings(
        config, app.state.services, app.state.transport_metrics, on_rejected
    )
    server = UvicornServer(uvicorn_config(config, app, settings), settings, on_ready)
    with contextlib.ExitStack() as stack:
        listeners = [
            stack.enter_context(contextlib.closing(open_listener(config.host, port)))
            for port in (config.port, *config.metrics_ports)
        ]
        runner = asyncio.Runner(loop_factory=server.config.get_loop_factory())
        stack.enter_context(runner).run(server.serve(listeners))
    return 0 if server.started else 3
