"""Two servers, a Valkey and a database, with a fault proxy before Valkey and PostgreSQL."""

import os
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.e2e.harness import ServerProcess
from tests.e2e.two_servers import Pair
from tests.engines import Postgres, Valkey
from tests.faults.fault_report import AttackResult, FaultResult
from tests.faults.load import FaultLoad
from tests.faults.proxy import Proxy
from tests.loopback import http_client

SEED = int(os.environ.get("FAULT_SEED", "2026"))
#: Thorough runs have the audience of the specification. Quick runs find the same faults with less.
THOROUGH = bool(os.environ.get("FAULTS"))


class FaultEnvironment:
    """All processes of one fault test. `lines` and `attacks` collect rows of the result tables."""

    def __init__(
        self, folder: Path, engine: str, lines: list[FaultResult], attacks: list[AttackResult]
    ) -> None:
        self.folder, self.engine, self.lines, self.attacks = folder, engine, lines, attacks
        self.valkey = Valkey()
        self.bus = Proxy(self.valkey.socket_path)
        self.postgres: Postgres | None = None
        self.database = Proxy()
        self.mounted: Path | None = None

    async def start(
        self, *, bus: bool = True, disk_mb: int = 0, modules: tuple[str, ...] = (), **env: str
    ) -> "FaultEnvironment":
        """Start all processes. With `bus=False`, Valkey is not started.

        With `disk_mb` the SQLite file is on a file system of that size (root only). `modules` are
        the Python modules that the servers run instead of `widget_server`, one for each server.
        `env` holds further settings.
        """
        if bus:
            self.valkey.start()
        await self.bus.start()
        if self.engine == "postgresql":
            self.postgres = Postgres()
            self.postgres.start()
            self.database = Proxy(self.postgres.folder / ".s.PGSQL.5432")
            await self.database.start()
            self.url = self.postgres.address("postgresql+asyncpg", "postgres")
            url = f"postgresql+asyncpg://postgres@127.0.0.1:{self.database.port}/postgres"
        else:
            self.file = self.folder / "data" / "shared.db"
            self.file.parent.mkdir(exist_ok=True)
            if disk_mb:
                self.mounted = self.file.parent
                size = f"size={disk_mb}m"
                subprocess.run(
                    ["mount", "-t", "tmpfs", "-o", size, "tmpfs", self.mounted], check=True
                )
            url = self.url = f"sqlite+aiosqlite:///{self.file}"
        redis = f"redis://127.0.0.1:{self.bus.port}"
        self.pair = Pair(self.folder, url, redis, DRAIN_SECONDS="3", **env)
        for server, module in zip(self.pair.servers, modules, strict=False):
            server.module = module
        await self.pair.start_without_blocking()
        self.publisher = await self.pair.site_without_blocking()
        return self

    @property
    def servers(self) -> tuple[ServerProcess, ServerProcess]:
        """The two server processes."""
        return self.pair.servers

    def load(
        self,
        subscribers: int | None = None,
        writers: int | None = None,
        stories: int | None = None,
        max_pause_s: float = 0.08,
    ) -> FaultLoad:
        """Return the standard load with the seed of this run."""
        number = stories or (20 if THOROUGH else 6)
        return FaultLoad(
            self.servers,
            [self.publisher.story() for _ in range(number)],
            SEED,
            subscribers or (120 if THOROUGH else 30),
            writers or (12 if THOROUGH else 6),
            max_pause_s=max_pause_s,
        )

    async def record(self, load: FaultLoad, fault: str, recovered: float) -> None:
        """Compare the ledger with the database, add the row of the table, and raise on errors.

        `recovered` is in seconds.
        """
        findings = await load.ledger.audit(self.url)
        lost, repeated = findings.lost, findings.repeated
        self.lines.append(
            FaultResult(fault, self.engine, findings.acknowledged, lost, repeated, recovered)
        )
        findings.raise_errors()

    async def close(self) -> None:
        """End all processes."""
        if hasattr(self, "pair"):
            await self.pair.kill()
        await self.bus.close()
        if self.postgres is not None:
            await self.database.close()
            self.postgres.close()
        self.valkey.close()
        if self.mounted is not None:
            subprocess.run(["umount", self.mounted], check=True)


def now() -> float:
    """Return the time of the monotonic clock in seconds."""
    return time.monotonic()


async def readiness(environment: FaultEnvironment) -> list[list[str]]:
    """Return the degraded parts of each server. Both servers must be ready."""
    degraded = []
    async with http_client() as http:
        for server in environment.servers:
            answer = await http.get(f"{server.url}/readyz")
            assert answer.status_code == 200, "the server is ready without the degraded part"
            degraded.append(answer.json()["degraded"])
    return degraded


async def reads_work(environment: FaultEnvironment, code: str) -> bool:
    """Return True if both servers serve the story."""
    async with http_client(timeout=5) as http:
        answers = [
            await http.get(f"{server.url}/v1/stories/{code}") for server in environment.servers
        ]
    return all(answer.status_code == 200 for answer in answers)


StartEnvironment = Callable[..., Awaitable[FaultEnvironment]]
"""Type of the fixture `start_environment`."""
