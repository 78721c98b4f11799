"""Parent process of a server: start the child processes, restart them, and stop them in order.

There are two kinds of children. The dependency (the embedded Valkey) starts first, stops last, and
is killed at once if the parent dies. Workers are stopped with SIGTERM and have time to drain.
"""

import logging
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType

from widget_server.bus import embedded_valkey
from widget_server.model.errors import (
    EXIT_CONFIG_ERROR,
    OperatorError,
    os_errors_to_operator_errors,
)
from widget_server.server.child_process import ChildProcess, ProcessSpec, spawn

log = logging.getLogger(__name__)

#: Seconds between an exit and the next start: doubled from the first value up to the second.
BACKOFF_S = (0.1, 2.0)
#: Seconds of running after which the next exit starts with the first delay again.
STABLE_AFTER_S = 10.0
#: Seconds after its drain until a worker is killed.
GRACE_S = 7.0
#: Seconds until a new process must be ready.
START_TIMEOUT_S = 30.0
#: Seconds until a dependency must have stopped. Valkey stores nothing, so it stops at once.
_DEPENDENCY_STOP_S = 3.0
#: Seconds between two checks of a state that sends no signal when it changes.
_POLL_S = 0.05


class DataDirLockedError(OperatorError):
    """Another server uses the data folder."""


def valkey_spec(data_dir: Path) -> ProcessSpec:
    """Return the embedded Valkey of a data folder. The caller holds the folder's lock."""
    return ProcessSpec(
        name="valkey",
        command=embedded_valkey.command(data_dir),
        is_ready=partial(embedded_valkey.is_ready, data_dir),
        is_dependency=True,
        prepare=partial(embedded_valkey.stop_orphan, data_dir),
    )


def server_processes(
    data_dir: Path, host: str, port: int, workers: int, *, valkey: bool
) -> list[ProcessSpec]:
    """Return the children of a server: its workers, and the embedded Valkey if `valkey` is True."""
    command = [sys.executable, "-m", "widget_server", "serve"]
    command += ["--host", host, "--port", str(port), "--data", str(data_dir)]
    dependencies = [valkey_spec(data_dir)] if valkey else []
    return dependencies + [
        ProcessSpec(f"worker-{number}", command, {"WIDGET_WORKER": str(number)})
        for number in range(1, workers + 1)
    ]


@contextmanager
def lock_data_dir(data_dir: Path) -> Iterator[None]:
    """Hold the lock `DATA/server.lock`. The kernel releases it however this process ends.

    Raises `DataDirLockedError` if another process holds it, and `OperatorError` if the file
    cannot be opened, locked or written.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    unusable = os_errors_to_operator_errors(
        f"The data folder {data_dir} cannot be locked",
        "Choose a folder that this user can write to with --data.",
    )
    with ExitStack() as stack:
        with unusable:
            lock = stack.enter_context((data_dir / "server.lock").open("a+", encoding="ascii"))
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                raise DataDirLockedError(
                    f"Another server (process {lock.read().strip() or 'unknown'}) uses the data "
                    f"folder {data_dir}: stop it, or give this one a folder of its own with --data."
                ) from None
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
        yield


@dataclass(slots=True)
class _Slot:
    """The current process of one child, and during a rolling restart its replacement."""

    spec: ProcessSpec
    current: ChildProcess | None = None
    next: ChildProcess | None = None
    due: float = 0.0
    delay: float = BACKOFF_S[0]


class Supervisor:
    """Keeps children running until SIGTERM or SIGINT. SIGHUP replaces the workers one by one.

    A worker may take `drain_s` seconds to stop; it is killed `GRACE_S` later.
    """

    def __init__(self, specs: list[ProcessSpec], drain_s: float) -> None:
        self._dependencies = [_Slot(child) for child in specs if child.is_dependency]
        self._workers = [_Slot(child) for child in specs if not child.is_dependency]
        self._stop_timeout_s = drain_s + GRACE_S
        self._status: int | None = None
        self._force_stop = False
        self._dependencies_ready = False
        self._rolling: list[_Slot] = []
        self._replaced: ChildProcess | None = None
        self._kill_replaced_at = self._give_up_at = 0.0

    def run(self) -> int:
        """Run in the main thread until stopped. Return the exit status of the process.

        0 after a signal, 2 if a worker rejected its settings, 1 if a dependency did not get ready.
        """
        wakeup_reader, wakeup_writer = socket.socketpair()
        wakeup_reader.setblocking(False)
        wakeup_writer.setblocking(False)
        signal.set_wakeup_fd(wakeup_writer.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._on_stop_signal)
        signal.signal(signal.SIGINT, self._on_stop_signal)
        signal.signal(signal.SIGHUP, self._on_roll_signal)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # ends `select` below
        self._give_up_at = time.monotonic() + START_TIMEOUT_S
        try:
            while self._status is None:
                self._tick(time.monotonic())
                select.select([wakeup_reader], [], [], _POLL_S if self._must_poll() else None)
                with suppress(BlockingIOError):
                    wakeup_reader.recv(4096)
        finally:
            workers = [p for slot in self._workers for p in (slot.current, slot.next)]
            self._stop_all([*workers, self._replaced], self._stop_timeout_s)
            self._stop_all([slot.current for slot in self._dependencies], _DEPENDENCY_STOP_S)
        return self._status

    def _on_stop_signal(self, _signum: int, _frame: FrameType | None) -> None:
        self._force_stop = self._status is not None  # second signal: do not wait for drains
        self._status = self._status or 0

    def _on_roll_signal(self, _signum: int, _frame: FrameType | None) -> None:
        # A replacement that is being started is finished first and then replaced again: it may have
        # started before the change that the restart is for.
        self._rolling[1:] = self._workers

    def _must_poll(self) -> bool:
        """Return whether a state is awaited that sends no signal when it changes."""
        slots = self._dependencies + self._workers
        empty = any(slot.current is None for slot in slots)
        return (
            self._status is not None or empty or not self._dependencies_ready or bool(self._rolling)
        )

    def _tick(self, now: float) -> None:
        """Check all children once."""
        for slot in self._dependencies + self._workers:
            self._reap(slot, now)
        for slot in self._dependencies:
            self._start_if_due(slot, now)
        if not self._dependencies_ready:
            self._dependencies_ready = all(
                s.current and s.current.is_ready() for s in self._dependencies
            )
            if not self._dependencies_ready and now > self._give_up_at:
                log.error("event=valkey_start_timeout see=valkey.log")
                self._status = 1
        # Wait for Valkey only at the first start. Later, start workers even if Valkey is down: they can
        # serve without the bus.
        if self._dependencies_ready:
            for slot in self._workers:
                self._start_if_due(slot, now)
            self._roll_restart(now)

    def _reap(self, slot: _Slot, now: float) -> None:
        """If the process has exited, let its replacement take over or schedule the next start."""
        if slot.current is None or (status := slot.current.exit_status()) is None:
            return
        log.warning("event=process_exited name=%s status=%d", slot.spec.name, status)
        if status == EXIT_CONFIG_ERROR and not slot.spec.is_dependency:
            self._status = EXIT_CONFIG_ERROR
        if now - slot.current.started_at > STABLE_AFTER_S:
            slot.delay = BACKOFF_S[0]
        slot.due = now + slot.delay
        slot.delay = min(2 * slot.delay, BACKOFF_S[1])
        slot.current, slot.next = slot.next, None

    def _start_if_due(self, slot: _Slot, now: float) -> None:
        if slot.current is None and now >= slot.due and self._status is None:
            slot.current = spawn(slot.spec)
            slot.due = now + BACKOFF_S[1]

    def _roll_restart(self, now: float) -> None:
        """Do one step of a rolling restart: start the new process, wait for it, stop the old one."""
        if not self._rolling:
            return
        slot = self._rolling[0]
        if self._replaced is not None:
            self._stop_replaced(self._replaced, now)
        elif slot.current is None:  # it exited; `_start_if_due` starts the new version
            self._rolling.pop(0)
        elif slot.next is None:
            slot.next = spawn(slot.spec)
            if slot.next is None:
                self._rolling.clear()
        elif slot.next.exit_status() is not None:
            log.error("event=rolling_restart_aborted name=%s", slot.spec.name)
            slot.next = None
            self._rolling.clear()
        elif slot.next.is_ready():
            self._replaced, slot.current, slot.next = slot.current, slot.next, None
            self._kill_replaced_at = now + self._stop_timeout_s
            self._replaced.send(signal.SIGTERM)
        elif now - slot.next.started_at > START_TIMEOUT_S:
            slot.next.send(signal.SIGKILL)

    def _stop_replaced(self, old: ChildProcess, now: float) -> None:
        if old.exit_status() is not None:
            self._replaced = None
            self._rolling.pop(0)
        elif now > self._kill_replaced_at:
            old.send(signal.SIGKILL)

    def _stop_all(self, processes: list[ChildProcess | None], timeout_s: float) -> None:
        """Send SIGTERM to all processes, wait, and kill those that still run after `timeout_s`."""
        running = [process for process in processes if process is not None]
        for process in running:
            process.send(signal.SIGTERM)
        deadline = time.monotonic() + timeout_s
        while running := [process for process in running if process.exit_status() is None]:
            if self._force_stop or time.monotonic() > deadline:
                for process in running:
                    process.send(signal.SIGKILL)
            time.sleep(_POLL_S)
