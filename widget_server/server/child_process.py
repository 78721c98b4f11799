"""Start child processes, report their readiness, and stop them when the parent dies.

The parent calls `spawn` and uses the `ChildProcess` that it returns. A child calls `notify_ready`
and `exit_with_parent`. Two environment variables connect them: WIDGET_READY_FD and WIDGET_PARENT.
"""

import ctypes
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

log = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """A program to keep running. `env` is added to the parent's environment.

    `is_ready` returns whether the process serves. Without it the child reports readiness with
    `notify_ready`: two workers on one port cannot be told apart from outside. `prepare` runs before
    each start.
    """

    name: str
    command: list[str]
    env: dict[str, str] | None = None
    is_ready: Callable[[], bool] | None = None
    is_dependency: bool = False
    prepare: Callable[[], None] | None = None


class ChildProcess:
    """A started child process."""

    def __init__(self, spec: ProcessSpec) -> None:
        if spec.prepare is not None:
            spec.prepare()
        self.spec = spec
        self.started_at = time.monotonic()
        self._ready = False
        ready_reader, ready_writer = socket.socketpair()
        ready_reader.setblocking(False)
        variables = {
            "WIDGET_READY_FD": str(ready_writer.fileno()),
            "WIDGET_PARENT": str(os.getpid()),
        }
        with ready_writer:
            self.popen = subprocess.Popen(  # noqa: S603 - the command is this program's own
                spec.command,
                env={**os.environ, **(spec.env or {}), **variables},  # noqa: TID251 - passed on unchanged
                stdin=subprocess.DEVNULL,
                pass_fds=(ready_writer.fileno(),),
                # Ctrl-C in a terminal then reaches only the parent, which stops its children in order.
                process_group=0,
                preexec_fn=_set_parent_death_signal(  # noqa: PLW1509 - the parent has no threads
                    os.getpid(), signal.SIGKILL if spec.is_dependency else signal.SIGTERM
                ),
            )
        self._ready_reader = ready_reader
        log.info("event=process_started name=%s pid=%d", spec.name, self.popen.pid)

    def is_ready(self) -> bool:
        """Return whether the process serves. Once it was ready it counts as ready."""
        if not self._ready and self.spec.is_ready is not None:
            self._ready = self.spec.is_ready()
        elif not self._ready:
            with suppress(BlockingIOError, ConnectionError):
                self._ready = self._ready_reader.recv(1) != b""
        return self._ready

    def send(self, signum: int) -> None:
        """Send a signal unless the process has exited."""
        self.popen.send_signal(signum)

    def exit_status(self) -> int | None:
        """Return the exit status, the negative signal number after a signal, or None while it runs."""
        status = self.popen.poll()
        if status is not None:
            self._ready_reader.close()
        return status


def _set_parent_death_signal(parent: int, signum: int) -> Callable[[], None]:
    """Return a function for the child to run before its program.

    It makes the kernel send `signum` to the child when the parent exits.
    """
    libc = ctypes.CDLL(None) if sys.platform.startswith("linux") else None

    def prepare() -> None:
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, signum)
        if os.getppid() != parent:  # the parent exited between `fork` and `prctl`
            os._exit(1)

    return prepare


def spawn(spec: ProcessSpec) -> ChildProcess | None:
    """Start a child. Return None if the system cannot start a process at the moment."""
    try:
        return ChildProcess(spec)
    except OSError as problem:
        log.error("event=start_failed name=%s errno=%s", spec.name, problem.errno)  # noqa: TRY400
        return None


def output_of(command: list[str], variables: dict[str, str]) -> str:
    """Run a command to its end and return its output, or "" if it failed."""
    environment = {**os.environ, **variables}  # noqa: TID251 - passed on, not read
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
    return done.stdout if done.returncode == 0 else ""


def notify_ready() -> None:
    """In a worker: report to the parent that this process serves. Do nothing without a parent."""
    descriptor = os.environ.pop("WIDGET_READY_FD", None)  # noqa: TID251 - set by the parent, not a setting
    if descriptor is not None:
        with suppress(OSError):
            os.write(int(descriptor), b"r")
            os.close(int(descriptor))


def exit_with_parent() -> None:
    """In a worker: send SIGTERM to this process once the parent has exited.

    Linux sends the signal itself. On other systems only the parent's process id changes; it is
    checked every second. Do nothing without a parent.
    """
    parent = os.environ.get("WIDGET_PARENT")  # noqa: TID251 - set by the parent, not a setting

    def watch() -> None:
        while os.getppid() == int(parent or 0):
            time.sleep(1.0)
        os.kill(os.getpid(), signal.SIGTERM)

    if parent is not None:
        threading.Thread(target=watch, name="follow-parent", daemon=True).start()
