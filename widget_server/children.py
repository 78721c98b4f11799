"""A child process and its parent: how one is started, says that it serves, and goes with the parent.

What the parent calls is `started` and what that gives; a child calls `announce_ready` and
`follow_parent`. They agree on two words in the environment, WIDGET_READY_FD and WIDGET_PARENT.
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
class Child:
    """A program to keep running. `env` is added to the environment of the parent.

    `ready` says whether it serves; without it the child says so itself with `announce_ready`,
    which is the only way to tell two workers on one port apart. `prepare` runs before each start.
    """

    name: str
    command: list[str]
    env: dict[str, str] | None = None
    ready: Callable[[], bool] | None = None
    engine: bool = False
    prepare: Callable[[], None] | None = None


class Process:
    """One started child."""

    def __init__(self, child: Child) -> None:
        if child.prepare is not None:
            child.prepare()
        self.child = child
        self.started = time.monotonic()
        self._ready = False
        ear, mouth = socket.socketpair()
        ear.setblocking(False)
        words = {"WIDGET_READY_FD": str(mouth.fileno()), "WIDGET_PARENT": str(os.getpid())}
        with mouth:
            self.popen = subprocess.Popen(  # noqa: S603 - the command is our own
                child.command,
                env={**os.environ, **(child.env or {}), **words},  # noqa: TID251 - handed on whole
                stdin=subprocess.DEVNULL,
                pass_fds=(mouth.fileno(),),
                # A terminal's Ctrl-C reaches the parent alone, which ends the others in order.
                process_group=0,
                preexec_fn=_dying_with(  # noqa: PLW1509 - the parent has no threads
                    os.getpid(), signal.SIGKILL if child.engine else signal.SIGTERM
                ),
            )
        self._ear = ear
        log.info("event=started name=%s pid=%d", child.name, self.popen.pid)

    def ready(self) -> bool:
        """Whether it serves; once ready, always ready."""
        if not self._ready and self.child.ready is not None:
            self._ready = self.child.ready()
        elif not self._ready:
            with suppress(BlockingIOError, ConnectionError):
                self._ready = self._ear.recv(1) != b""
        return self._ready

    def send(self, signum: int) -> None:
        """Send a signal, unless it has ended."""
        self.popen.send_signal(signum)

    def ended(self) -> int | None:
        """Its exit status, minus the signal's number if one ended it; None while it runs."""
        status = self.popen.poll()
        if status is not None:
            self._ear.close()
        return status


def _dying_with(parent: int, signum: int) -> Callable[[], None]:
    """What the child runs before its program: have the kernel send `signum` when we are gone."""
    libc = ctypes.CDLL(None) if sys.platform.startswith("linux") else None

    def arrange() -> None:
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, signum)
        if os.getppid() != parent:  # it died between the fork and the line above
            os._exit(1)

    return arrange


def started(child: Child) -> Process | None:
    """The child, started; None where the machine has no room for a process just now."""
    try:
        return Process(child)
    except OSError as problem:
        log.error("event=not_started name=%s errno=%s", child.name, problem.errno)  # noqa: TRY400
        return None


def announce_ready() -> None:
    """In a worker: tell the parent that this process now serves. Does nothing without a parent."""
    word = os.environ.pop("WIDGET_READY_FD", None)  # noqa: TID251 - the parent's word, no setting
    if word is not None:
        with suppress(OSError):
            os.write(int(word), b"r")
            os.close(int(word))


def follow_parent() -> None:
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
