"""Graceful shutdown of a worker."""

import socket
from contextlib import ExitStack
from typing import Any

from widget_server.config import Config
from widget_server.server import worker
from widget_server.server.listeners import open_listener
from widget_server.transport.settings import TransportSettings

ON_BOTH_LOOPS = True
GET = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
"""`close`: otherwise the server would wait for further requests of these clients."""
CLIENTS = 20


async def app(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


async def test_connections_that_wait_to_be_accepted_at_shutdown_are_served() -> None:
    transport = TransportSettings()
    settings = worker.uvicorn_config(Config(), app, transport)
    settings.lifespan = "off"
    settings.load()
    server = worker.UvicornServer(settings, transport, lambda: None)
    server.lifespan = settings.lifespan_class(settings)
    with ExitStack() as stack:
        listener = stack.enter_context(open_listener("127.0.0.1", 0))
        await server.startup([listener])
        clients = []
        # The event loop does not run here: the connections wait in the kernel's queue.
        for _ in range(CLIENTS):
            client = socket.create_connection(listener.getsockname(), timeout=20)
            clients.append(stack.enter_context(client))
            client.sendall(GET)
        await server.shutdown([listener])
        responses = [client.recv(65536) for client in clients]
    assert [response[:12] for response in responses] == [b"HTTP/1.1 204"] * CLIENTS
