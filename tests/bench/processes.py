"""Server and baseline processes, each with the client process that loads it."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from tests.bench import baselines, client_process, server_process
from tests.bench.client_sockets import handshake, masked
from tests.bench.rpc import ProcessHandle
from tests.bench.server_process import ORIGIN, ServerOptions
from tests.bench.valkey_process import valkey


@dataclass(frozen=True, slots=True)
class ServerAndClient:
    """A server process and its client process."""

    server: ProcessHandle
    client: ProcessHandle
    code: str = ""
    token: str = ""
    deflate: bool = False
    """True: sockets offer compression, as every browser does. This server accepts no such offer."""

    def subscribe_message(self, ref: int = 1) -> bytes | None:
        """Return the frame that subscribes, or None for a server without subscriptions."""
        if not self.token:
            return None
        return masked(orjson.dumps({"type": "subscribe", "ref": ref, "token": self.token}))

    def handshake(self) -> bytes:
        """Return the request that opens a socket."""
        return handshake(ORIGIN, deflate=self.deflate)

    def open(self, number: int) -> float:
        """Open and subscribe `number` sockets; return the seconds that it took."""
        taken: float = self.client.call("open", number, self.handshake(), self.subscribe_message())
        return taken

    def measure_broadcast(
        self, payload: bytes, rounds: int, subscribers: int
    ) -> tuple[float, float]:
        """Broadcast `payload` `rounds` times.

        Return the frames that arrived per second, and per CPU second of the server.
        """
        self.client.call("start_counting")
        begin = time.monotonic()
        wall, cpu = self.server.call("broadcast", payload, rounds)
        frames, _, last, lost = self.client.call("counted", rounds * subscribers)
        if lost:
            raise RuntimeError(f"{lost} sockets were lost")
        # `wall` is 0 for a server that cannot tell when its sends ended.
        return frames / (wall or last - begin), frames / cpu


class ProcessPool:
    """Starts servers with their clients and ends all of them. Data is in a temporary folder."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="widget-bench-"))
        )
        self._number = 0

    def data(self) -> str:
        """Create a data folder with a Valkey, for one server or for several on the same data."""
        self._number += 1
        folder = self._folder / str(self._number)
        folder.mkdir()
        self._stack.enter_context(valkey(folder))
        return str(folder)

    def start_server(self, data: str | None = None, **options: Any) -> ServerAndClient:
        """Start this project's server and a client. `options` has fields of `ServerOptions`."""
        server = self._start(server_process.main, ServerOptions(data or self.data(), **options))
        port, code, token = server.call("address")
        bare = options.get("mode") == "accept_only"
        return ServerAndClient(
            server, self._start(client_process.main, port), code, "" if bare else token
        )

    def client_of(self, pair: ServerAndClient) -> ProcessHandle:
        """Start another client process for a server."""
        return self._start(client_process.main, pair.server.call("address")[0])

    def start_baseline(
        self, main: Callable[..., None], *arguments: Any, deflate: bool = False
    ) -> ServerAndClient:
        """Start a baseline and a client."""
        server = self._start(main, *arguments)
        return ServerAndClient(
            server, self._start(client_process.main, server.call("address")), deflate=deflate
        )

    def start_baselines(self) -> dict[str, ServerAndClient]:
        """Start the baselines that have goals."""
        return {
            "raw send loop": self.start_baseline(baselines.raw),
            "naive loop, as browsers get it": self.start_baseline(baselines.naive, deflate=True),
            "naive loop, uncompressed": self.start_baseline(baselines.naive),
        }

    def _start(self, main: Callable[..., None], *arguments: Any) -> ProcessHandle:
        return self._stack.enter_context(ProcessHandle(main, *arguments))


@contextmanager
def process_pool() -> Iterator[ProcessPool]:
    """Yield a process pool; all its processes end with the block."""
    with ExitStack() as stack:
        yield ProcessPool(stack)


def settle() -> None:
    """Wait until started processes are idle before a measurement."""
    time.sleep(0.3)
