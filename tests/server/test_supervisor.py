"""The parent process: what happens to its children when something dies, hangs or is asked to go."""

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

#: A worker that writes down what happens to it. Its temper is read from the file of that name at
#: its start, so that a test can change what the next one will do.
WORKER = """
import os, signal, sys, time
from pathlib import Path
from widget_server.bus import embedded_valkey
from widget_server.server.child_process import notify_ready, exit_with_parent

name, folder = sys.argv[1], Path(sys.argv[2])
temper = (folder / "temper").read_text().split()

def note(word):
    with (folder / "journal").open("a") as journal:
        journal.write(f"{word} {name} {os.getpid()}\\n")

def leave(signum, frame):
    note("asked")
    if "stubborn" not in temper:
        note("left")
        os._exit(0)

signal.signal(signal.SIGTERM, leave)
if "deaf" in temper:  # as on a system that does not tell children of their parent's death
    import ctypes
    ctypes.CDLL(None).prctl(1, 0)
if "refuses" in temper:
    sys.exit(2)
if "dies" in temper:
    note("died")
    sys.exit(1)
exit_with_parent()
if embedded_valkey.is_ready(folder):
    note("bus")
note("up")
if "mute" not in temper:
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


class House:
    """A data folder with a parent process in it, and the journal of its workers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = folder / "journal"
        self.journal.touch()
        (folder / "worker.py").write_text(textwrap.dedent(WORKER))
        (folder / "parent.py").write_text(textwrap.dedent(PARENT))
        self.temper("even")
        self.parents: list[subprocess.Popen[bytes]] = []

    def temper(self, words: str) -> None:
        """How workers behave that start from now on."""
        (self.folder / "temper").write_text(words)

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

    def said(self, parent: "subprocess.Popen[bytes]") -> str:
        """What a parent wrote to its log so far."""
        return (self.folder / f"parent-{self.parents.index(parent)}.log").read_text()

    def told(self, word: str) -> list[int]:
        """The process ids that wrote this word, in order."""
        lines = [line.split() for line in self.journal.read_text().splitlines()]
        return [int(pid) for said, _, pid in lines if said == word]

    def up(self, count: int) -> list[int]:
        """Wait until that many workers in all have come up."""
        wait_until(lambda: len(self.told("up")) >= count, f"{count} workers came up")
        return self.told("up")

    def valkey_up(self) -> int:
        """Wait until the embedded Valkey answers; its process id."""
        wait_until(lambda: embedded_valkey.is_ready(self.folder), "the embedded Valkey answers")
        return self.valkey_pids()[0]

    def valkey_pids(self) -> list[int]:
        """The running Valkeys that belong to this folder."""
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
        """Leave no process behind, whatever the test did."""
        for parent in self.parents:
            parent.kill()
            parent.wait()
        for pid in self.told("up"):
            if alive(pid):
                os.kill(pid, signal.SIGKILL)


def gone(*pids: int) -> Callable[[], bool]:
    """A condition: none of them runs."""
    return lambda: not any(alive(pid) for pid in pids)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A data folder without a parent yet."""
    house = House(tmp_path)
    yield house
    house.close()


def test_a_killed_worker_comes_back(house: House) -> None:
    house.start(workers=2)
    first = house.up(2)
    os.kill(first[0], signal.SIGKILL)
    assert house.up(3)[-1] not in first
    assert alive(first[1])


def test_a_worker_that_keeps_dying_is_started_again_and_again(house: House) -> None:
    house.temper("dies")
    house.start(workers=1)
    wait_until(lambda: len(house.told("died")) >= 4, "four starts")
    house.temper("even")
    house.up(1)


def test_a_child_that_cannot_be_started_now_is_tried_again(house: House) -> None:
    parent = house.start(workers=1, program=house.folder / "python")
    wait_until(lambda: "event=start_failed" in house.said(parent), "the first try failed")
    (house.folder / "python").symlink_to(sys.executable)
    house.up(1)


def test_a_worker_that_refuses_its_settings_stops_everything_with_status_2(house: House) -> None:
    parent = house.start(workers=2, valkey=True)
    house.up(2)
    valkey = house.valkey_up()
    house.temper("refuses")
    os.kill(house.told("up")[0], signal.SIGKILL)
    assert parent.wait(timeout=20) == 2
    wait_until(gone(*house.told("up"), valkey), "all children are gone")


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_the_workers_leave_before_the_valkey_and_the_status_is_0(
    house: House, signum: signal.Signals
) -> None:
    house.temper("stubborn")
    parent = house.start(workers=2, valkey=True, drain_s=60)
    workers = house.up(2)
    valkey = house.valkey_up()
    parent.send_signal(signum)
    wait_until(lambda: len(house.told("asked")) == 2, "both workers are asked to leave")
    assert alive(valkey)
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    assert parent.wait(timeout=20) == 0
    assert gone(*workers, valkey)()


def test_a_worker_that_does_not_leave_is_killed_after_its_time(
    house: House,
) -> None:
    house.temper("stubborn")
    parent = house.start(workers=1, drain_s=0.5 - GRACE_S)
    workers = house.up(1)
    parent.terminate()
    assert parent.wait(timeout=20) == 0
    assert house.told("asked") == workers
    assert gone(*workers)()


def test_asked_twice_it_does_not_wait(house: House) -> None:
    house.temper("stubborn")
    parent = house.start(workers=1, drain_s=600)
    workers = house.up(1)
    parent.terminate()
    wait_until(lambda: house.told("asked"), "the worker is asked to leave")
    parent.terminate()
    assert parent.wait(timeout=20) == 0
    assert gone(*workers)()


def test_a_killed_parent_leaves_no_child_behind(house: House) -> None:
    parent = house.start(workers=2, valkey=True)
    workers = house.up(2)
    valkey = house.valkey_up()
    parent.kill()
    wait_until(gone(*workers, valkey), "no child is left")
    assert sorted(house.told("left")) == sorted(workers)


def test_a_worker_that_gets_no_signal_still_notices_that_its_parent_is_gone(house: House) -> None:
    house.temper("deaf")
    parent = house.start(workers=1)
    workers = house.up(1)
    parent.kill()
    wait_until(gone(*workers), "the worker left by itself")


def test_a_killed_valkey_comes_back_on_the_same_socket(house: House) -> None:
    house.start(workers=1, valkey=True)
    workers = house.up(1)
    first, path = house.valkey_up(), embedded_valkey.socket_path(house.folder)
    os.kill(first, signal.SIGKILL)
    wait_until(gone(first), "the first Valkey is gone")
    assert house.valkey_up() != first
    assert embedded_valkey.socket_path(house.folder) == path
    assert house.told("up") == workers
    assert alive(workers[0])


def test_an_orphaned_valkey_is_replaced(house: House) -> None:
    orphan = subprocess.Popen(
        embedded_valkey.command(house.folder), preexec_fn=parent_death_signal(signal.SIGKILL)
    )
    house.valkey_up()
    house.start(workers=1, valkey=True)
    house.up(1)
    assert orphan.wait(timeout=10) == 0
    assert house.valkey_up() != orphan.pid


def test_workers_start_only_once_the_valkey_answers(house: House) -> None:
    house.start(workers=2, valkey=True)
    assert sorted(house.up(2)) == sorted(house.told("bus"))


def test_a_second_server_on_one_data_folder_says_so_and_exits_with_status_2(house: House) -> None:
    first = house.start(workers=1)
    workers = house.up(1)
    second = house.start(workers=1)
    assert second.wait(timeout=20) == 2
    assert house.said(second).splitlines() == [
        f"Another server (process {first.pid}) works on the data folder {house.folder}: "
        "stop it, or give this one a folder of its own with --data."
    ]
    assert house.told("up") == workers
    first.kill()
    wait_until(gone(*workers), "the first server is gone")
    house.start(workers=1)
    house.up(2)


def test_a_rolling_restart_replaces_the_workers_one_after_another(house: House) -> None:
    parent = house.start(workers=2)
    old = house.up(2)
    parent.send_signal(signal.SIGHUP)
    wait_until(lambda: len(house.told("left")) == 2, "both old workers left")
    words = [line.split()[0] for line in house.journal.read_text().splitlines()]
    assert words == ["up", "up", "up", "asked", "left", "up", "asked", "left"]
    assert sorted(house.told("left")) == sorted(old)
    assert all(alive(pid) for pid in house.told("up")[2:])


def test_a_rolling_restart_to_something_that_does_not_start_keeps_the_old_workers(
    house: House,
) -> None:
    parent = house.start(workers=2)
    old = house.up(2)
    house.temper("refuses")
    parent.send_signal(signal.SIGHUP)
    wait_until(lambda: "event=rolling_restart_aborted" in house.said(parent), "it says so")
    assert all(alive(pid) for pid in old)
    assert house.told("asked") == []
    assert parent.poll() is None


def test_an_old_worker_stays_until_the_new_one_says_that_it_is_ready(house: House) -> None:
    parent = house.start(workers=1)
    old = house.up(1)
    house.temper("mute")
    parent.send_signal(signal.SIGHUP)
    new = house.up(2)[-1]
    assert house.told("asked") == []
    os.kill(old[0], signal.SIGKILL)
    wait_until(gone(old[0]), "the old worker is gone")
    house.temper("even")
    parent.send_signal(signal.SIGHUP)
    wait_until(lambda: new in house.told("left"), "the mute one took over and was replaced")
