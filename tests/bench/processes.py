"""A server or yardstick together with the client process that loads it."""

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
    """A serving process and its client."""

    server: ProcessHandle
    client: ProcessHandle
    code: str = ""
    token: str = ""
    deflate: bool = False
    """Whether its sockets offer compression, as every browser does; ours takes no such offer."""

    def subscribe_message(self, ref: int = 1) -> bytes | None:
        """The frame that subscribes; None where there is nothing to subscribe to."""
        if not self.token:
            return None
        return masked(orjson.dumps({"type": "subscribe", "ref": ref, "token": self.token}))

    def handshake(self) -> bytes:
        """The request that opens a socket."""
        return handshake(ORIGIN, deflate=self.deflate)

    def open(self, number: int) -> float:
        """Open so many sockets, each with its story; the seconds that it took."""
        taken: float = self.client.call("open", number, self.handshake(), self.subscribe_message())
        return taken

    def measure_broadcast(
        self, payload: bytes, rounds: int, subscribers: int
    ) -> tuple[float, float]:
        """Frames that arrived, per second and per second of the server's CPU."""
        self.client.call("start_counting")
        begin = time.monotonic()
        wall, cpu = self.server.call("broadcast", payload, rounds)
        frames, _, last, lost = self.client.call("counted", rounds * subscribers)
        if lost:
            raise RuntimeError(f"{lost} sockets were lost")
        # A server that does not know when its sends were over answers 0.
        return frames / (wall or last - begin), frames / cpu


class ProcessPool:
    """Starts pairs and ends them together. Data lies in a temporary folder."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="widget-bench-"))
        )
        self._number = 0

    def data(self) -> str:
        """A folder for one house, or for several on the same data, with a Valkey in it."""
        self._number += 1
        folder = self._folder / str(self._number)
        folder.mkdir()
        self._stack.enter_context(valkey(folder))
        return str(folder)

    def house(self, data: str | None = None, **plan: Any) -> ServerAndClient:
        """A server of ours with its client."""
        server = self._start(server_process.main, ServerOptions(data or self.data(), **plan))
        port, code, token = server.call("where")
        bare = plan.get("acknowledging") == "bare"
        return ServerAndClient(
            server, self._start(client_process.main, port), code, "" if bare else token
        )

    def client_of(self, pair: ServerAndClient) -> ProcessHandle:
        """Another client process for a server."""
        return self._start(client_process.main, pair.server.call("where")[0])

    def yardstick(
        self, main: Callable[..., None], *arguments: Any, deflate: bool = False
    ) -> ServerAndClient:
        """One of the yardsticks with its client."""
        server = self._start(main, *arguments)
        return ServerAndClient(
            server, self._start(client_process.main, server.call("where")), deflate=deflate
        )

    def yardsticks(self) -> dict[str, ServerAndClient]:
        """Those that a goal speaks of."""
        return {
            "raw send loop": self.yardstick(baselines.raw),
            "naive loop, as browsers get it": self.yardstick(baselines.naive, deflate=True),
            "naive loop, uncompressed": self.yardstick(baselines.naive),
        }

    def _start(self, main: Callable[..., None], *arguments: Any) -> ProcessHandle:
        return self._stack.enter_context(ProcessHandle(main, *arguments))


@contextmanager
def process_pool() -> Iterator[ProcessPool]:
    """The processes of one measurement; all of them end with it."""
    with ExitStack() as stack:
        yield ProcessPool(stack)


def settle() -> None:
    """Let what was started come to rest before anything is measured."""
    time.sleep(0.3)
