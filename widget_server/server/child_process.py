"""A child process and its parent: how one is started, says that it serves, and goes with the parent.

What the parent calls is `spawn` and what that gives; a child calls `notify_ready` and
`exit_with_parent`. They agree on two words in the environment, WIDGET_READY_FD and WIDGET_PARENT.
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
    """A program to keep running. `env` is added to the environment of the parent.

    `is_ready` says whether it serves; without it the child says so itself with `notify_ready`,
    which is the only way to tell two workers on one port apart. `prepare` runs before each start.
    """

    name: str
    command: list[str]
    env: dict[str, str] | None = None
    is_ready: Callable[[], bool] | None = None
    is_dependency: bool = False
    prepare: Callable[[], None] | None = None


class ChildProcess:
    """One started child."""

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
            self.popen = subprocess.Popen(  # noqa: S603 - the command is our own
                spec.command,
                env={**os.environ, **(spec.env or {}), **variables},  # noqa: TID251 - handed on whole
                stdin=subprocess.DEVNULL,
                pass_fds=(ready_writer.fileno(),),
                # A terminal's Ctrl-C reaches the parent alone, which ends the others in order.
                process_group=0,
                preexec_fn=_set_parent_death_signal(  # noqa: PLW1509 - the parent has no threads
                    os.getpid(), signal.SIGKILL if spec.is_dependency else signal.SIGTERM
                ),
            )
        self._ready_reader = ready_reader
        log.info("event=process_started name=%s pid=%d", spec.name, self.popen.pid)

    def is_ready(self) -> bool:
        """Whether it serves; once ready, always ready."""
        if not self._ready and self.spec.is_ready is not None:
            self._ready = self.spec.is_ready()
        elif not self._ready:
            with suppress(BlockingIOError, ConnectionError):
                self._ready = self._ready_reader.recv(1) != b""
        return self._ready

    def send(self, signum: int) -> None:
        """Send a signal, unless it has ended."""
        self.popen.send_signal(signum)

    def exit_status(self) -> int | None:
        """Its exit status, minus the signal's number if one ended it; None while it runs."""
        status = self.popen.poll()
        if status is not None:
            self._ready_reader.close()
        return status


def _set_parent_death_signal(parent: int, signum: int) -> Callable[[], None]:
    """What the child runs before its program: have the kernel send `signum` when we are gone."""
    libc = ctypes.CDLL(None) if sys.platform.startswith("linux") else None

    def prepare() -> None:
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, signum)
        if os.getppid() != parent:  # it died between the fork and the line above
            os._exit(1)

    return prepare


def spawn(spec: ProcessSpec) -> ChildProcess | None:
    """The child, started; None where the machine has no room for a process just now."""
    try:
        return ChildProcess(spec)
    except OSError as problem:
        log.error("event=start_failed name=%s errno=%s", spec.name, problem.errno)  # noqa: TRY400
        return None


def notify_ready() -> None:
    """In a worker: tell the parent that this process now serves. Does nothing without a parent."""
    descriptor = os.environ.pop("WIDGET_READY_FD", None)  # noqa: TID251 - the parent's word, no setting
    if descriptor is not None:
        with suppress(OSError):
            os.write(int(descriptor), b"r")
            os.close(int(descriptor))


def exit_with_parent() -> None:
    """In a worker: leave, as if asked to, once the parent is gone.

    Linux sends the signal itself; elsewhere a changed parent is the only sign, looked for each
    second. Does nothing without a parent.
    """
    parent = os.environ.get("WIDGET_PARENT")  # noqa: TID251 - the parent's word, no setting

    def watch() -> None:
        while os.getppid() == int(parent or 0):
            time.sleep(1.0)
        os.kill(os.getpid(), signal.SIGTERM)

    if parent is not None:
        threading.Thread(target=watch, name="follow-parent", daemon=True).start()
