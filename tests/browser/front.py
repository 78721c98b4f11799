"""A reverse proxy in front of several servers: a load balancer without sticky sessions, or one that alters files."""

import re
import socket
import socketserver
import threading
import urllib.request
from collections.abc import Callable
from contextlib import suppress

PIECE = 65_536


class Front:
    """Forward each request to the port that `choose` returns for its path.

    The proxy answers paths that match `missing` with 404, and prepends a statement to files that match
    `altered`. `paths` records every path with its query.
    """

    def __init__(self, choose: Callable[[str], int]) -> None:
        self.choose = choose
        self.missing: re.Pattern[str] | None = None
        self.altered: re.Pattern[str] | None = None
        self.paths: list[str] = []
        front = self

        class Connection(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with suppress(OSError):
                    front._serve(self.request)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Connection)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://localhost:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop accepting connections."""
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = client.recv(PIECE)
            if not piece:
                return
            head += piece
        path = head.split(b" ", 2)[1].decode()
        self.paths.append(path)
        port = self.choose(path)
        if self.missing is not None and self.missing.search(path):
            client.sendall(b"HTTP/1.1 404 Not Found\r\n" + _HEADERS % 0)
        elif self.altered is not None and self.altered.search(path):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                body = b"window.altered=true;" + answer.read()
            client.sendall(b"HTTP/1.1 200 OK\r\n" + _HEADERS % len(body) + body)
        else:
            self._pass_on(client, head, port)

    def _pass_on(self, client: socket.socket, head: bytes, port: int) -> None:
        if b"upgrade: websocket" not in head.lower():
            # One request per connection: the next one may go to another server.
            head = re.sub(rb"\r\nconnection:[^\r]*", b"", head, flags=re.IGNORECASE)
            head = head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
        with socket.create_connection(("127.0.0.1", port)) as server:
            server.sendall(head)
            back = threading.Thread(target=_relay, args=(server, client), daemon=True)
            back.start()
            _relay(client, server)
            back.join()


_HEADERS = (
    b"Content-Type: text/javascript\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: %d\r\n"
    b"Cache-Control: no-store\r\nConnection: close\r\n\r\n"
)


def _relay(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(PIECE):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
