"""A process that serves, and how it leaves."""

import socket
from contextlib import ExitStack
from typing import Any

from widget_server.config import Config
from widget_server.server import worker
from widget_server.server.listeners import open_listener

ON_BOTH_LOOPS = True
GET = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
"""Else the server would wait a while for what these clients may ask next."""
CLIENTS = 20


async def app(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


async def test_who_waits_to_be_accepted_when_a_server_leaves_is_answered() -> None:
    settings = worker.uvicorn_config(Config(), app)
    settings.lifespan = "off"
    settings.load()
    server = worker.UvicornServer(settings, lambda: None)
    server.lifespan = settings.lifespan_class(settings)
    with ExitStack() as stack:
        listener = stack.enter_context(open_listener("127.0.0.1", 0))
        await server.startup([listener])
        clients = []
        # The event loop does not turn here: the kernel alone has let these in.
        for _ in range(CLIENTS):
            client = socket.create_connection(listener.getsockname(), timeout=20)
            clients.append(stack.enter_context(client))
            client.sendall(GET)
        await server.shutdown([listener])
        answers = [client.recv(65536) for client in clients]
    assert [answer[:12] for answer in answers] == [b"HTTP/1.1 204"] * CLIENTS
