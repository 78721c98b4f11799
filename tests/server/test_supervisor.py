"""Supervisor: restarts, shutdown, rolling restarts, and death of the parent or of children."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engines import alive, parent_death_signal
from tests.waiting import wait_until
from widget_server.bus import embedded_valkey
from widget_server.server.supervisor import GRACE_S

#: A worker that writes its events to `journal`. It reads its behaviour from the file `behaviour` at
#: its start, so that a test can change how the next worker behaves.
WORKER = """
import os, signal, sys, time
from pathlib import Path
from widget_server.bus import embedded_valkey
from widget_server.server.child_process import notify_ready, exit_with_parent

name, folder = sys.argv[1], Path(sys.argv[2])
behaviour = (folder / "behaviour").read_text().split()

def note(word):
    with (folder / "journal").open("a") as journal:
        journal.write(f"{word} {name} {os.getpid()}\\n")

def stop(signum, frame):
    note("sigterm")
    if "ignores-sigterm" not in behaviour:
        note("stopped")
        os._exit(0)

signal.signal(signal.SIGTERM, stop)
if "no-death-signal" in behaviour:  # as on systems without a parent death signal
    import ctypes
    ctypes.CDLL(None).prctl(1, 0)
if "rejects-settings" in behaviour:
    sys.exit(2)
if "exits" in behaviour:
    note("exited")
    sys.exit(1)
exit_with_parent()
if embedded_valkey.is_ready(folder):
    note("bus")
note("up")
if "never-ready" not in behaviour:
    notify_ready()
while True:
    time.sleep(60)
"""

PARENT = """
import logging, sys
from pathlib import Path
from widget_server.server.child_process import ProcessSpec
from widget_server.server.supervisor import DataDirLockedError, Supervisor, valkey_spec, lock_data_dir

folder, program = Path(sys.argv[1]), sys.argv[2]
drain_s, workers, with_valkey = map(float, sys.argv[3:])
logging.basicConfig(level=logging.INFO)
try:
    with lock_data_dir(folder):
        children = [valkey_spec(folder)] if with_valkey else []
        for number in range(int(workers)):
            name = f"worker-{number}"
            command = [program, str(folder / "worker.py"), name, str(folder)]
            children.append(ProcessSpec(name, command, {"WIDGET_WORKER": str(number)}))
        sys.exit(Supervisor(children, drain_s).run())
except DataDirLockedError as problem:
    sys.exit(print(problem, file=sys.stderr) or 2)
"""


class SupervisedFolder:
    """A data folder with a supervisor, and the journal of its workers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = folder / "journal"
        self.journal.touch()
        (folder / "worker.py").write_text(textwrap.dedent(WORKER))
        (folder / "parent.py").write_text(textwrap.dedent(PARENT))
        self.set_behaviour("normal")
        self.parents: list[subprocess.Popen[bytes]] = []

    def set_behaviour(self, words: str) -> None:
        """Set the behaviour of workers that start after this."""
        (self.folder / "behaviour").write_text(words)

    def start(
        self,
        workers: int = 2,
        valkey: bool = False,
        drain_s: float = 5,
        program: str | Path = sys.executable,
    ) -> subprocess.Popen[bytes]:
        """Start a parent; it does not wait for its children."""
        root = str(Path(__file__).parents[2])
        command = [sys.executable, str(self.folder / "parent.py"), str(self.folder)]
        log = (self.folder / f"parent-{len(self.parents)}.log").open("ab")
        parent = subprocess.Popen(
            [*command, str(program), str(drain_s), str(workers), str(int(valkey))],
            env={**os.environ, "PYTHONPATH": root},
            stderr=log,
            preexec_fn=parent_death_signal(signal.SIGTERM),
        )
        log.close()
        self.parents.append(parent)
        return parent

    def log_of(self, parent: "subprocess.Popen[bytes]") -> str:
        """Return the log of a parent."""
        return (self.folder / f"parent-{self.parents.index(parent)}.log").read_text()

    def pids_of(self, event: str) -> list[int]:
        """Return the process ids that wrote this event, in order."""
        lines = [line.split() for line in self.journal.read_text().splitlines()]
        return [int(pid) for name, _, pid in lines if name == event]

    def up(self, count: int) -> list[int]:
        """Wait until `count` workers have started in total. Return their process ids."""
        wait_until(lambda: len(self.pids_of("up")) >= count, f"{count} workers have started")
        return self.pids_of("up")

    def valkey_up(self) -> int:
        """Wait until the embedded Valkey answers. Return its process id."""
        wait_until(lambda: embedded_valkey.is_ready(self.folder), "the embedded Valkey answers")
        return self.valkey_pids()[0]

    def valkey_pids(self) -> list[int]:
        """Return the process ids of the Valkey servers of this folder."""
        mark = str(self.folder).encode()
        found = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = entry.read_bytes()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if (
                b"valkey-server" in line
                and mark in (entry.parent / "cwd").readlink().__fspath__().encode()
            ):
                found.append(int(entry.parent.name))
        return found

    def close(self) -> None:
        """Kill all processes of the test."""
        for parent in self.parents:
            parent.kill()
            parent.wait()
        for pid in self.pids_of("up"):
            if alive(pid):
                os.kill(pid, signal.SIGKILL)


def have_ended(*pids: int) -> Callable[[], bool]:
    """Return a condition: none of the processes runs."""
    return lambda: not any(alive(pid) for pid in pids)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SupervisedFolder]:
    """Return a data folder without a supervisor yet."""
    server = SupervisedFolder(tmp_path)
    yield server
    server.close()


def test_a_killed_worker_is_restarted(server: SupervisedFolder) -> None:
    server.start(workers=2)
    first = server.up(2)
    os.kill(first[0], signal.SIGKILL)
    assert server.up(3)[-1] not in first
    assert alive(first[1])


def test_a_worker_that_keeps_exiting_is_restarted_every_time(server: SupervisedFolder) -> None:
    server.set_behaviour("exits")
    server.start(workers=1)
    wait_until(lambda: len(server.pids_of("exited")) >= 4, "four starts")
    server.set_behaviour("normal")
    server.up(1)


def test_a_failed_start_is_retried(server: SupervisedFolder) -> None:
    parent = server.start(workers=1, program=server.folder / "python")
    wait_until(lambda: "event=start_failed" in server.log_of(parent), "the first try failed")
    (server.folder / "python").symlink_to(sys.executable)
    server.up(1)


def test_a_worker_that_rejects_its_settings_stops_the_server_with_status_2(
    server: SupervisedFolder,
) -> None:
    parent = server.start(workers=2, valkey=True)
    server.up(2)
    valkey = server.valkey_up()
    server.set_behaviour("rejects-settings")
    os.kill(server.pids_of("up")[0], signal.SIGKILL)
    assert parent.wait(timeout=20) == 2
    wait_until(have_ended(*server.pids_of("up"), valkey), "all children are gone")


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_at_shutdown_workers_stop_before_valkey_and_the_status_is_0(
    server: SupervisedFolder, signum: signal.Signals
) -> None:
    server.set_behaviour("ignores-sigterm")
    parent = server.start(workers=2, valkey=True, drain_s=60)
    workers = server.up(2)
    valkey = server.valkey_up()
    parent.send_signal(signum)
    wait_until(lambda: len(server.pids_of("sigterm")) == 2, "both workers received SIGTERM")
    assert alive(valkey)
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    assert parent.wait(timeout=20) == 0
    assert have_ended(*workers, valkey)()


def test_a_worker_that_does_not_stop_is_killed_after_the_timeout(
    server: SupervisedFolder,
) -> None:
    server.set_behaviour("ignores-sigterm")
    parent = server.start(workers=1, drain_s=0.5 - GRACE_S)
    workers = server.up(1)
    parent.terminate()
    assert parent.wait(timeout=20) == 0
    assert server.pids_of("sigterm") == workers
    assert have_ended(*workers)()


def test_a_second_signal_kills_workers_at_once(server: SupervisedFolder) -> None:
    server.set_behaviour("ignores-sigterm")
    parent = server.start(workers=1, drain_s=600)
    workers = server.up(1)
    parent.terminate()
    wait_until(lambda: server.pids_of("sigterm"), "the worker received SIGTERM")
    parent.terminate()
    assert parent.wait(timeout=20) == 0
    assert have_ended(*workers)()


def test_children_of_a_killed_parent_stop(server: SupervisedFolder) -> None:
    parent = server.start(workers=2, valkey=True)
    workers = server.up(2)
    valkey = server.valkey_up()
    parent.kill()
    wait_until(have_ended(*workers, valkey), "no child is left")
    assert sorted(server.pids_of("stopped")) == sorted(workers)


def test_a_worker_without_a_parent_death_signal_stops_too(server: SupervisedFolder) -> None:
    server.set_behaviour("no-death-signal")
    parent = server.start(workers=1)
    workers = server.up(1)
    parent.kill()
    wait_until(have_ended(*workers), "the worker has stopped")


def test_a_killed_valkey_is_restarted_on_the_same_socket(server: SupervisedFolder) -> None:
    server.start(workers=1, valkey=True)
    workers = server.up(1)
    first, path = server.valkey_up(), embedded_valkey.socket_path(server.folder)
    os.kill(first, signal.SIGKILL)
    wait_until(have_ended(first), "the first Valkey is gone")
    assert server.valkey_up() != first
    assert embedded_valkey.socket_path(server.folder) == path
    assert server.pids_of("up") == workers
    assert alive(workers[0])


def test_an_orphaned_valkey_is_replaced(server: SupervisedFolder) -> None:
    orphan = subprocess.Popen(
        embedded_valkey.command(server.folder), preexec_fn=parent_death_signal(signal.SIGKILL)
    )
    server.valkey_up()
    server.start(workers=1, valkey=True)
    server.up(1)
    assert orphan.wait(timeout=10) == 0
    assert server.valkey_up() != orphan.pid


def test_workers_start_only_once_the_valkey_answers(server: SupervisedFolder) -> None:
    server.start(workers=2, valkey=True)
    assert sorted(server.up(2)) == sorted(server.pids_of("bus"))


def test_a_second_server_on_one_data_folder_exits_with_status_2(server: SupervisedFolder) -> None:
    first = server.start(workers=1)
    workers = server.up(1)
    second = server.start(workers=1)
    assert second.wait(timeout=20) == 2
    assert server.log_of(second).splitlines() == [
        f"Another server (process {first.pid}) uses the data folder {server.folder}: "
        "stop it, or give this one a folder of its own with --data."
    ]
    assert server.pids_of("up") == workers
    first.kill()
    wait_until(have_ended(*workers), "the first server is gone")
    server.start(workers=1)
    server.up(2)


def test_a_rolling_restart_replaces_the_workers_one_after_another(server: SupervisedFolder) -> None:
    parent = server.start(workers=2)
    old = server.up(2)
    parent.send_signal(signal.SIGHUP)
    wait_until(lambda: len(server.pids_of("stopped")) == 2, "both old workers have stopped")
    events = [line.split()[0] for line in server.journal.read_text().splitlines()]
    assert events == ["up", "up", "up", "sigterm", "stopped", "up", "sigterm", "stopped"]
    assert sorted(server.pids_of("stopped")) == sorted(old)
    assert all(alive(pid) for pid in server.pids_of("up")[2:])


def test_a_rolling_restart_that_fails_keeps_the_old_workers(
    server: SupervisedFolder,
) -> None:
    parent = server.start(workers=2)
    old = server.up(2)
    server.set_behaviour("rejects-settings")
    parent.send_signal(signal.SIGHUP)
    wait_until(
        lambda: "event=rolling_restart_aborted" in server.log_of(parent), "the restart is aborted"
    )
    assert all(alive(pid) for pid in old)
    assert server.pids_of("sigterm") == []
    assert parent.poll() is None


def test_an_old_worker_runs_until_the_new_one_is_ready(server: SupervisedFolder) -> None:
    parent = server.start(workers=1)
    old = server.up(1)
    server.set_behaviour("never-ready")
    parent.send_signal(signal.SIGHUP)
    new = server.up(2)[-1]
    assert server.pids_of("sigterm") == []
    os.kill(old[0], signal.SIGKILL)
    wait_until(have_ended(old[0]), "the old worker is gone")
    server.set_behaviour("normal")
    parent.send_signal(signal.SIGHUP)
    wait_until(
        lambda: new in server.pids_of("stopped"),
        "the worker took over without being ready and was replaced",
    )
