"""A server as a real process, to be started, frozen, killed and started again.

The client of a reader, `Client`, and the replay of what it saw are beside it.
"""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import httpx

from tests.e2e.client import Client, RefusedError
from tests.e2e.replay import BrokenPromiseError, Replay
from tests.engines import alive, dies_with_us
from tests.loopback import http_client
from tests.ports import free_port
from tests.waiting import eventually

__all__ = ["BrokenPromiseError", "Client", "RefusedError", "Replay", "ServerProcess"]

ROOT = Path(__file__).parents[2]

#: Settings of the person who runs the tests; no server of ours shall find them.
SETTINGS = {"DATA_DIR", "DATABASE_URL", "REDIS_URL", "SECRET_KEYS", "PUBLIC_URL", "PORT"} | {
    "WEB_CONCURRENCY",
    "METRICS_PORT",
    "RATE_LIMITS",
    "SOCKETS_PER_NETWORK",
    "READERS_PER_NETWORK",
    "CONNECTIONS_PER_NETWORK",
}


class ServerProcess:
    """`widget-server serve` on a port and a data folder of its own; paces are off.

    `env` holds further settings: `DATABASE_URL`, `REDIS_URL`, `SECRET_KEYS`, ... What it prints is
    in `log()`; the `start_server` fixture shows that where a test fails.
    """

    def __init__(
        self, data_dir: Path, env: dict[str, str] | None = None, workers: int | None = None
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.data_dir = data_dir
        self.workers = workers
        self.module = "widget_server"
        """What is run with `python -m`: another one that does something to the server first."""
        inherited = {name: value for name, value in os.environ.items() if name not in SETTINGS}
        own = {"DATA_DIR": str(data_dir), "RATE_LIMITS": "off", "PUBLIC_URL": self.url}
        self.env = {**inherited, "PYTHONPATH": str(ROOT), **own, **(env or {})}
        self.process: subprocess.Popen[bytes] | None = None
        data_dir.mkdir(parents=True, exist_ok=True)
        self._log = data_dir.with_name(f"{data_dir.name}-{self.port}.log")
        self._log.touch()

    async def start(self, timeout: float = 30.0) -> "ServerProcess":
        """Start it, on the same port each time, and wait until `/readyz` answers 200."""
        command = [sys.executable, "-m", self.module, "serve", "--host", "127.0.0.1"]
        command += ["--port", str(self.port), "--data", str(self.data_dir)]
        command += [] if self.workers is None else ["--workers", str(self.workers)]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=self.data_dir,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=dies_with_us(signal.SIGKILL),
            )
        await eventually(self.ready, f"{self.url}/readyz answers 200", timeout)
        return self

    async def ready(self) -> bool:
        """Whether it says so now. Raises, with its log, if it has ended instead."""
        if self.process is None or self.process.poll() is not None:
            status = None if self.process is None else self.process.returncode
            raise AssertionError(f"the server ended with status {status}:\n{self.log()}")
        async with http_client(timeout=2) as http:
            with suppress(httpx.TransportError):
                return (await http.get(f"{self.url}/readyz")).status_code == 200
        return False

    async def metric(self, name: str) -> float:
        """What `/metrics` says now of the one with this name; with several workers, of any."""
        async with http_client(timeout=10) as http:
            text = (await http.get(f"{self.url}/metrics")).text
        return next(
            float(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name} ")
        )

    def cli(self, *words: str) -> str:
        """Run another `widget-server` command with the same settings; what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", self.module, *words],
            cwd=self.data_dir,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, f"{words} ended with {done.returncode}:\n{done.stderr}"
        return done.stdout.strip()

    def log(self) -> str:
        """All that it printed, over all its starts."""
        return self._log.read_text("utf-8", "replace")

    async def terminate(self, timeout: float = 40.0) -> int:
        """Ask it to leave, as an operator does; its exit status."""
        return await self._end(signal.SIGTERM, timeout)

    async def kill(self) -> int:
        """Crash it, workers and all."""
        children = self._descendants()
        status = await self._end(signal.SIGKILL, 10)
        for pid in children:  # the parent first, or it would start them again
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await eventually(lambda: not any(map(alive, children)), "its children are gone")
        return status

    def stop_hanging(self) -> None:
        """Freeze it: connections stay open and no one answers, until `cont`."""
        self._signal_all(signal.SIGSTOP)

    def cont(self) -> None:
        """Let it run on."""
        self._signal_all(signal.SIGCONT)

    async def _end(self, signum: int, timeout: float) -> int:
        process, self.process = self.process, None
        if process is None:
            return 0
        process.send_signal(signum)
        await eventually(lambda: process.poll() is not None, "the server has ended", timeout)
        return process.returncode

    def _signal_all(self, signum: int) -> None:
        assert self.process is not None
        for pid in (self.process.pid, *self._descendants()):
            os.kill(pid, signum)

    def _descendants(self) -> list[int]:
        found: list[int] = [] if self.process is None else [self.process.pid]
        for pid in found:
            with suppress(FileNotFoundError, ProcessLookupError):
                words = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
                found += [int(word) for word in words]
        return found[1:]
