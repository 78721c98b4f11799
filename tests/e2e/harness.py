"""A server as a real process that tests start, freeze, kill and restart.

Also exports the reader's `Client` and the `Replay` of the messages that it received.
"""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import httpx

from tests.e2e.client import Client, RejectedError
from tests.e2e.replay import ProtocolViolationError, Replay
from tests.engines import alive, descendants, parent_death_signal
from tests.loopback import http_client
from tests.ports import free_port
from tests.waiting import eventually

__all__ = ["Client", "ProtocolViolationError", "RejectedError", "Replay", "ServerProcess"]

ROOT = Path(__file__).parents[2]

#: Environment variables to remove before a server starts, because the shell that runs the tests
#: may set them.
SETTINGS = {"DATA_DIR", "DATABASE_URL", "REDIS_URL", "SECRET_KEYS", "PUBLIC_URL", "PORT"} | {
    "WEB_CONCURRENCY",
    "METRICS_PORT",
    "RATE_LIMITS",
    "SOCKETS_PER_NETWORK",
    "READERS_PER_NETWORK",
    "CONNECTIONS_PER_NETWORK",
}


class ServerProcess:
    """`widget-server serve` with its own port and data folder, and without rate limits.

    `env` holds further settings: `DATABASE_URL`, `REDIS_URL`, `SECRET_KEYS`, ... `log()` returns the
    output; the `new_server` fixture shows it if a test fails.
    """

    def __init__(
        self, data_dir: Path, env: dict[str, str] | None = None, workers: int | None = None
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.data_dir = data_dir
        self.workers = workers
        self.module = "widget_server"
        """Module for `python -m`. Fault tests use modules that change the server first."""
        inherited = {name: value for name, value in os.environ.items() if name not in SETTINGS}
        defaults = {"DATA_DIR": str(data_dir), "RATE_LIMITS": "off", "PUBLIC_URL": self.url}
        self.env = {**inherited, "PYTHONPATH": str(ROOT), **defaults, **(env or {})}
        self.process: subprocess.Popen[bytes] | None = None
        data_dir.mkdir(parents=True, exist_ok=True)
        self._log = data_dir.with_name(f"{data_dir.name}-{self.port}.log")
        self._log.touch()

    async def start(self, timeout: float = 30.0) -> "ServerProcess":
        """Start the server and wait until `/readyz` answers 200. The port is always the same."""
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
                preexec_fn=parent_death_signal(signal.SIGKILL),
            )
        await eventually(self.ready, f"{self.url}/readyz answers 200", timeout)
        return self

    async def ready(self) -> bool:
        """Return True if `/readyz` answers 200 now.

        Raises `AssertionError` with the log if the process has ended.
        """
        if self.process is None or self.process.poll() is not None:
            status = None if self.process is None else self.process.returncode
            raise AssertionError(f"the server ended with status {status}:\n{self.log()}")
        async with http_client(timeout=2) as http:
            with suppress(httpx.TransportError):
                return (await http.get(f"{self.url}/readyz")).status_code == 200
        return False

    async def metric(self, name: str) -> float:
        """Return the current value of a metric; with several workers, of any one of them."""
        async with http_client(timeout=10) as http:
            text = (await http.get(f"{self.url}/metrics")).text
        return next(
            float(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name} ")
        )

    def resident_memory(self) -> int:
        """Return the resident memory of the server process in bytes."""
        assert self.process is not None
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def cli(self, *arguments: str) -> str:
        """Run another `widget-server` command with the same settings and return its output."""
        done = subprocess.run(
            [sys.executable, "-m", self.module, *arguments],
            cwd=self.data_dir,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, f"{arguments} ended with {done.returncode}:\n{done.stderr}"
        return done.stdout.strip()

    def log(self) -> str:
        """Return the output of the server since its first start."""
        return self._log.read_text("utf-8", "replace")

    async def terminate(self, timeout: float = 40.0) -> int:
        """Stop the server with SIGTERM, as an operator does, and return its exit status."""
        return await self._end(signal.SIGTERM, timeout)

    async def kill(self) -> int:
        """Kill the server and its workers with SIGKILL and return the exit status."""
        children = self._descendants()
        status = await self._end(signal.SIGKILL, 10)
        for pid in children:  # the parent died first; otherwise it would restart its workers
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await eventually(lambda: not any(map(alive, children)), "the child processes have ended")
        return status

    def freeze(self) -> None:
        """Stop the processes with SIGSTOP: connections stay open and nothing answers."""
        self._signal_all(signal.SIGSTOP)

    def unfreeze(self) -> None:
        """Let the processes continue after `freeze`."""
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
        return [] if self.process is None else descendants(self.process.pid)
