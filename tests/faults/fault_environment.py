"""Two servers, a Valkey and a database, with a fault proxy before each that can be reached."""

import os
import subprocess
import time
from pathlib import Path

from tests.e2e.harness import ServerProcess
from tests.e2e.two_servers import Pair
from tests.engines import Postgres, Valkey
from tests.faults.fault_report import AttackResult, Line
from tests.faults.load import FaultLoad
from tests.faults.proxy import Proxy
from tests.loopback import http_client

SEED = int(os.environ.get("FAULT_SEED", "2026"))
#: The thorough runs have the audience of the specification; the quick ones find the same faults.
THOROUGH = bool(os.environ.get("FAULTS"))


class FaultEnvironment:
    """What one fault test plays on. `lines` and `attacks` collect what is told in the tables."""

    def __init__(
        self, folder: Path, engine: str, lines: list[Line], attacks: list[AttackResult]
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
        """Start all parts; without `bus` the Valkey stays away.

        With `disk_mb` the SQLite file lies on a disk of that size (root only). `modules` are run
        instead of `widget_server` itself, one for each server.
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
        await self.pair.start_beside()
        self.publisher = await self.pair.site_beside()
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
        rest: float = 0.08,
    ) -> FaultLoad:
        """The standard load, by the seed of this run."""
        number = stories or (20 if THOROUGH else 6)
        return FaultLoad(
            self.servers,
            [self.publisher.story() for _ in range(number)],
            SEED,
            subscribers or (120 if THOROUGH else 30),
            writers or (12 if THOROUGH else 6),
            rest=rest,
        )

    async def verdict(self, load: FaultLoad, fault: str, recovered: float) -> None:
        """Compare the ledger with the database, and note the line of the table."""
        findings = await load.ledger.audit(self.url)
        lost, repeated = findings.lost, findings.repeated
        self.lines.append(
            Line(fault, self.engine, findings.acknowledged, lost, repeated, recovered)
        )
        findings.clean()

    async def close(self) -> None:
        """End everything."""
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
    """Seconds, for how long something took."""
    return time.monotonic()


async def readiness(stage: FaultEnvironment) -> list[list[str]]:
    """What each server, being ready, says is degraded."""
    said = []
    async with http_client() as http:
        for server in stage.servers:
            answer = await http.get(f"{server.url}/readyz")
            assert answer.status_code == 200, "readers are served without it"
            said.append(answer.json()["degraded"])
    return said
