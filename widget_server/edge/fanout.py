"""A uvicorn WebSocket protocol that writes prebuilt frames straight to the transport.

Name it to uvicorn with `ws=FanoutProtocol`, `ws_per_message_deflate=False`. An application finds its
peer in `scope["extensions"]["widget.frames"]["peer"]`; everything else is plain ASGI.
"""

import asyncio
import random
import socket
from asyncio.transports import BaseTransport
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.utils import ClientDisconnected

from widget_server.edge.counts import SOCKETS
from widget_server.edge.guarded_socket import GuardedSocket
from widget_server.edge.timed_socket import LOG
from widget_server.live.frames import Batch

#: Where the peer is found in the ASGI scope's `extensions`.
EXTENSION = "widget.frames"


class FanoutProtocol(GuardedSocket):
    """One socket, as uvicorn drives it and, being a `live.peers.Peer`, as the hub uses it."""

    drain_s = 5.0
    """When the process leaves, each socket does so at a random moment of so many seconds."""

    __slots__ = ("on_resume", "on_shutdown", "sock")

    sock: socket.socket | None
    """The transport's, for as long as that has it and sends what it is given as it is (no TLS)."""

    on_resume: Callable[[], None] | None
    on_shutdown: Callable[[], None] | None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sock = None
        self.on_resume = None
        self.on_shutdown = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Take over from the HTTP protocol."""
        super().connection_made(transport)
        if transport.get_extra_info("sslcontext") is None:
            theirs = transport.get_extra_info("socket")
            self.sock = socket.socket(
                theirs.family, theirs.type, theirs.proto, fileno=theirs.fileno()
            )

    @property
    def paused(self) -> bool:
        """The transport's buffer is above its limit and has not drained yet."""
        return self.paused_since is not None

    def write(self, batch: Batch) -> bool:
        """Write the whole batch, or nothing and return False if the peer is paused or closed."""
        # Nothing of another frame can be waiting inside `conn`: uvicorn never sends fragments and
        # writes out what `conn` holds in the turn in which it was put there.
        transport = self.transport
        if not self.live or self.paused_since is not None or transport.is_closing():
            return False
        wire = batch.wire
        sock = self.sock
        if sock is None or transport.get_write_buffer_size():
            transport.write(wire)
        else:
            # Nothing waits before it, so it may go to the kernel here. What the transport adds to
            # the system call, queueing the write for the end of the turn, is as much again as all
            # our own steps. What the kernel does not take, or answers with an error, is its affair.
            try:
                sent = sock.send(wire)
            except OSError:
                sent = 0
            if sent < batch.size:
                transport.write(wire[sent:])
        SOCKETS.frames_written += batch.number
        SOCKETS.bytes_written += batch.size
        return True

    def buffered(self) -> int:
        """Bytes in the transport's buffer."""
        return self.transport.get_write_buffer_size()

    def resume_writing(self) -> None:
        """Take frames again and let the hub catch up."""
        super().resume_writing()
        if self.live and self.on_resume is not None:
            self._call(self.on_resume)

    async def run_asgi(self) -> None:
        """Run the application; a socket that it leaves open is closed, with 1011 if it failed."""
        scope = self.scope
        scope["extensions"][EXTENSION] = {"version": 1, "peer": self}
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
            LOG.exception("event=socket_failed")
            self.close(1011)
        finally:
            self.close(1000)
            if not self.handshake_complete:
                self._refuse_handshake(500)

    def shutdown(self) -> None:
        """Leave, with the whole process: not all sockets in the same instant."""
        if not self.live:
            self._refuse_handshake(503)
            return
        if self.on_shutdown is not None:
            self._call(self.on_shutdown)
        self.loop.call_later(random.uniform(0, self.drain_s), self._drain)  # noqa: S311

    def _drain(self) -> None:
        if not self.closed:
            self.close(1012)
            self._linger()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the hub's hooks, which know this peer."""
        super().connection_lost(exc)
        if self.sock is not None:
            # It is the transport's to close; its number may be another connection's soon.
            self.sock.detach()
            self.sock = None
        self.on_resume = self.on_shutdown = None

    def _call(self, hook: Callable[[], None]) -> None:
        try:
            hook()
        except Exception:
            LOG.exception("event=hook_failed")
