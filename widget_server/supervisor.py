"""The parent process of a server: starts its children, keeps them running, ends them in order.

It knows processes only; what the children do is their own business. Children are of two kinds:
an engine (the embedded Valkey) starts first, ends last and dies at once with the parent; workers
are asked to leave and get time to drain.
"""

import logging
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType

from widget_server.children import Child, Process, started
from widget_server.live import embedded
from widget_server.model.errors import BAD_SETTINGS, Mendable

log = logging.getLogger(__name__)

#: Seconds: between a death and the next start, doubling from the first to the second.
BACKOFF_S = (0.1, 2.0)
#: Seconds of life after which a death counts as the first one again.
STEADY_S = 10.0
#: Seconds that a worker gets beyond its drain before it is killed.
GRACE_S = 7.0
#: Seconds that a new process may take until it is ready.
START_S = 30.0
#: Seconds that an engine gets to stop; it has nothing to write.
_ENGINE_STOP_S = 3.0
#: Seconds between looks at something that sends no signal when it changes.
_LOOK_S = 0.05


class DataFolderInUse(Mendable):
    """Another server works on the data folder."""


def embedded_valkey(data_dir: Path) -> Child:
    """The embedded Valkey of a data folder whose lock the caller holds."""
    return Child(
        name="valkey",
        command=embedded.command(data_dir),
        ready=partial(embedded.ready, data_dir),
        engine=True,
        prepare=partial(embedded.evict, data_dir),
    )


def server(data_dir: Path, host: str, port: int, workers: int, *, valkey: bool) -> list[Child]:
    """The children of a server: its workers, and the embedded Valkey where it is asked for."""
    command = [sys.executable, "-m", "widget_server", "serve"]
    command += ["--host", host, "--port", str(port), "--data", str(data_dir)]
    engines = [embedded_valkey(data_dir)] if valkey else []
    return engines + [
        Child(f"worker-{number}", command, {"WIDGET_WORKER": str(number)})
        for number in range(1, workers + 1)
    ]


@contextmanager
def sole_server(data_dir: Path) -> Iterator[None]:
    """Hold `DATA/server.lock`; the kernel lets go of it however this process ends.

    Raises `DataFolderInUse` when another process holds it.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with (data_dir / "server.lock").open("a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise DataFolderInUse(
                f"Another server (process {lock.read().strip() or 'unknown'}) works on the data "
                f"folder {data_dir}: stop it, or give this one a folder of its own with --data."
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


@dataclass(slots=True)
class _Slot:
    """A child's place: the process that fills it, and during a rolling restart the next one."""

    child: Child
    current: Process | None = None
    next: Process | None = None
    due: float = 0.0
    delay: float = BACKOFF_S[0]


class Supervisor:
    """Keeps children running until SIGTERM or SIGINT; SIGHUP replaces the workers one by one.

    `drain_s` is what a worker may take to leave; it is killed `GRACE_S` later.
    """

    def __init__(self, children: list[Child], drain_s: float) -> None:
        self._engines = [_Slot(child) for child in children if child.engine]
        self._workers = [_Slot(child) for child in children if not child.engine]
        self._patience = drain_s + GRACE_S
        self._status: int | None = None
        self._hurry = False
        self._engines_ready = False
        self._rolling: list[_Slot] = []
        self._leaving: Process | None = None
        self._leave_by = self._give_up_at = 0.0

    def run(self) -> int:
        """Run in the main thread until told to stop; the exit status for the process.

        0 after a signal, 2 if a worker refused its settings, 1 if an engine never got ready.
        """
        alarm, bell = socket.socketpair()
        alarm.setblocking(False)
        bell.setblocking(False)
        signal.set_wakeup_fd(bell.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._asked_to_stop)
        signal.signal(signal.SIGINT, self._asked_to_stop)
        signal.signal(signal.SIGHUP, self._asked_to_roll)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only to be woken
        self._give_up_at = time.monotonic() + START_S
        try:
            while self._status is None:
                self._turn(time.monotonic())
                select.select([alarm], [], [], _LOOK_S if self._busy() else None)
                with suppress(BlockingIOError):
                    alarm.recv(4096)
        finally:
            workers = [p for slot in self._workers for p in (slot.current, slot.next)]
            self._end([*workers, self._leaving], self._patience)
            self._end([slot.current for slot in self._engines], _ENGINE_STOP_S)
        return self._status

    def _asked_to_stop(self, _signum: int, _frame: FrameType | None) -> None:
        self._hurry = self._status is not None  # asked twice: do not wait for drains
        self._status = self._status or 0

    def _asked_to_roll(self, _signum: int, _frame: FrameType | None) -> None:
        # A replacement under way is finished first and then replaced again: it may be older than
        # the change for which we are asked.
        self._rolling[1:] = self._workers

    def _busy(self) -> bool:
        """Whether something is awaited that sends no signal when it comes."""
        slots = self._engines + self._workers
        empty = any(slot.current is None for slot in slots)
        return self._status is not None or empty or not self._engines_ready or bool(self._rolling)

    def _turn(self, now: float) -> None:
        """Look once at everything."""
        for slot in self._engines + self._workers:
            self._reap(slot, now)
        for slot in self._engines:
            self._fill(slot, now)
        if not self._engines_ready:
            self._engines_ready = all(s.current and s.current.ready() for s in self._engines)
            if not self._engines_ready and now > self._give_up_at:
                log.error("event=valkey_silent see=valkey.log")
                self._status = 1
        # Only the first start waits for the engines: later a worker without a bus beats none.
        if self._engines_ready:
            for slot in self._workers:
                self._fill(slot, now)
            self._roll(now)

    def _reap(self, slot: _Slot, now: float) -> None:
        """Notice a death: the next one takes over, or the place is due to be filled again."""
        if slot.current is None or (status := slot.current.ended()) is None:
            return
        log.warning("event=ended name=%s status=%d", slot.child.name, status)
        if status == BAD_SETTINGS and not slot.child.engine:
            self._status = BAD_SETTINGS
        if now - slot.current.started > STEADY_S:
            slot.delay = BACKOFF_S[0]
        slot.due = now + slot.delay
        slot.delay = min(2 * slot.delay, BACKOFF_S[1])
        slot.current, slot.next = slot.next, None

    def _fill(self, slot: _Slot, now: float) -> None:
        if slot.current is None and now >= slot.due and self._status is None:
            slot.current = started(slot.child)
            slot.due = now + BACKOFF_S[1]

    def _roll(self, now: float) -> None:
        """One step of a rolling restart: start the next, wait for it, see the old one off."""
        if not self._rolling:
            return
        slot = self._rolling[0]
        if self._leaving is not None:
            self._see_off(self._leaving, now)
        elif slot.current is None:  # it died, and comes back anew by itself
            self._rolling.pop(0)
        elif slot.next is None:
            slot.next = started(slot.child)
            if slot.next is None:
                self._rolling.clear()
        elif slot.next.ended() is not None:
            log.error("event=roll_given_up name=%s the_old=stays", slot.child.name)
            slot.next = None
            self._rolling.clear()
        elif slot.next.ready():
            self._leaving, slot.current, slot.next = slot.current, slot.next, None
            self._leave_by = now + self._patience
            self._leaving.send(signal.SIGTERM)
        elif now - slot.next.started > START_S:
            slot.next.send(signal.SIGKILL)

    def _see_off(self, old: Process, now: float) -> None:
        if old.ended() is not None:
            self._leaving = None
            self._rolling.pop(0)
        elif now > self._leave_by:
            old.send(signal.SIGKILL)

    def _end(self, processes: list[Process | None], patience: float) -> None:
        """Ask all of them to leave, wait, kill those that stay."""
        running = [process for process in processes if process is not None]
        for process in running:
            process.send(signal.SIGTERM)
        deadline = time.monotonic() + patience
        while running := [process for process in running if process.ended() is None]:
            if self._hurry or time.monotonic() > deadline:
                for process in running:
                    process.send(signal.SIGKILL)
            time.sleep(_LOOK_S)
