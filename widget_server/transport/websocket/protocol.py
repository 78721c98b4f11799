"""A uvicorn WebSocket protocol that writes prebuilt frames straight to the transport.

Name it to uvicorn with `ws=FanoutProtocol`, `ws_per_message_deflate=False`. An application finds its
peer in `scope["extensions"]["widget.connection"]["connection"]`; everything else is plain ASGI.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.utils import ClientDisconnected

from widget_server.hub.connection import WRITE_METRICS
from widget_server.hub.prepared import PreparedBatch, SharedBatch
from widget_server.transport.websocket.direct_write import log
from widget_server.transport.websocket.limits import LimitedWebSocket

#: Where the peer is found in the ASGI scope's `extensions`.
CONNECTION_EXTENSION = "widget.connection"


class WebSocketProtocol(LimitedWebSocket):
    """One socket, as uvicorn drives it and, being a `live.peers.Peer`, as the hub uses it."""

    drain_s = 5.0
    """When the process leaves, each socket does so at a random moment of so many seconds."""

    __slots__ = ("on_shutdown", "on_writable")

    on_writable: Callable[[], None] | None
    on_shutdown: Callable[[], None] | None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.on_writable = None
        self.on_shutdown = None

    @property
    def write_paused(self) -> bool:
        """The transport's buffer is above its limit and has not drained yet."""
        return self.paused_since is not None

    def write(self, batch: PreparedBatch) -> bool:
        """Write the whole batch, or nothing and return False if the peer is paused or closed."""
        if self.paused_since is not None or self.closed:
            return False
        if isinstance(batch, SharedBatch):
            self.put_pieces(batch.pieces)
        else:
            self.write_now(batch.frame_bytes)
        WRITE_METRICS.add(batch)
        return True

    def buffered(self) -> int:
        """Bytes in the transport's buffer."""
        return self.transport.get_write_buffer_size()

    def resume_writing(self) -> None:
        """Take frames again and let the hub catch up."""
        super().resume_writing()
        if self.is_open and self.on_writable is not None:
            self._call_hook(self.on_writable)

    async def run_asgi(self) -> None:
        """Run the application; a socket that it leaves open is closed, with 1011 if it failed."""
        scope = self.scope
        scope["extensions"][CONNECTION_EXTENSION] = {"version": 1, "connection": self}
        # All that uvicorn still does with it is to log the URL. The rest is the application's.
        self.scope = {"client": scope["client"], "path": scope["path"], "query_string": b""}  # type: ignore[typeddict-item]
        try:
            await self.app(scope, self.receive, self.send)
        except ClientDisconnected:
            pass
        except asyncio.CancelledError:
            self.close(1012)
            raise
        except Exception:
            log.exception("event=socket_failed")
            self.close(1011)
        finally:
            self.close(1000)
            if not self.handshake_complete:
                self._reject_handshake(500)

    def shutdown(self) -> None:
        """Leave, with the whole process: not all sockets in the same instant."""
        if not self.is_open:
            self._reject_handshake(503)
            return
        if self.on_shutdown is not None:
            self._call_hook(self.on_shutdown)
        self.loop.call_later(random.uniform(0, self.drain_s), self._drain)  # noqa: S311

    def _drain(self) -> None:
        if not self.closed:
            self.close(1012)
            self._arm_abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the hub's hooks, which know this peer."""
        super().connection_lost(exc)
        self.on_writable = self.on_shutdown = None
