"""The processes of a measurement: each is started, asked for things over a pipe, and ended.

A server, its yardsticks and the clients that load them never share a process: what one of them
costs must not be counted against another.
"""

import asyncio
import contextlib
import inspect
import multiprocessing
import os
import resource
import signal
import time
import traceback
from collections.abc import Callable, Coroutine
from multiprocessing.connection import Connection
from operator import attrgetter
from pathlib import Path
from typing import Any

PATIENCE_S = 100.0
"""No single question takes longer; a process that does not answer in this time has failed."""


class MeasurementError(Exception):
    """A process of the measurement failed or did not answer in time."""


class ProcessHandle:
    """A process that runs `main(connection, *arguments)` and answers calls by name (also `a.b`)."""

    def __init__(self, main: Callable[..., None], *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._name = main.__module__
        self._process = context.Process(
            target=_run, args=(main, theirs, arguments, os.getpid()), daemon=True
        )
        self._process.start()
        theirs.close()

    def ask(self, name: str, *arguments: Any) -> None:
        """Send a call without waiting for its answer; `answer` takes it."""
        self._connection.send((name, arguments))

    def answer(self, within: float = PATIENCE_S) -> Any:
        """The answer to the oldest open call. Raises `MeasurementError`."""
        try:
            if not self._connection.poll(within):
                raise MeasurementError(f"{self._name} did not answer within {within:g} s")
            well, result = self._connection.recv()
        except (EOFError, OSError) as error:
            raise MeasurementError(f"{self._name} has ended") from error
        if not well:
            raise MeasurementError(f"{self._name} failed:\n{result}")
        return result

    def call(self, name: str, *arguments: Any, within: float = PATIENCE_S) -> Any:
        """Ask and wait. Raises `MeasurementError`."""
        self.ask(name, *arguments)
        return self.answer(within)

    def resident(self) -> int:
        """Bytes of memory that the process holds now (Linux only)."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def close(self) -> None:
        """End the process, politely for a moment."""
        self._connection.close()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(5)

    def __enter__(self) -> "ProcessHandle":
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        if failed is not None:
            # Anyone who interrupts, or has a row that cannot be measured, does not wait for it.
            self._process.kill()
        self.close()


def _run(
    main: Callable[..., None], connection: Connection, arguments: tuple[Any, ...], parent: int
) -> None:
    # Ctrl-C belongs to the parent, which ends us by closing the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if os.getppid() == parent:
        main(connection, *arguments)


def answer_one(connection: Connection, actor: object) -> bool:
    """Answer one call to a plain object; False when the parent has closed the pipe."""
    try:
        name, arguments = connection.recv()
    except (EOFError, OSError):
        return False
    try:
        result = (True, attrgetter(name)(actor)(*arguments))
    except Exception:
        result = (False, traceback.format_exc())
    return _send(connection, result)


async def answer_all(connection: Connection, actor: object) -> None:
    """Answer calls to an object in this event loop, one after another, until the pipe closes."""
    loop = asyncio.get_running_loop()
    calls: asyncio.Queue[tuple[str, tuple[Any, ...]] | None] = asyncio.Queue()

    def take() -> None:
        try:
            calls.put_nowait(connection.recv())
        except (EOFError, OSError):
            loop.remove_reader(connection.fileno())
            calls.put_nowait(None)

    loop.add_reader(connection.fileno(), take)
    while (call := await calls.get()) is not None:
        name, arguments = call
        try:
            answer: Any = attrgetter(name)(actor)(*arguments)
            if inspect.isawaitable(answer):
                answer = await answer
            result = (True, answer)
        except Exception:
            result = (False, traceback.format_exc())
        if not _send(connection, result):
            return


def run_loop(work: Coroutine[Any, Any, None]) -> None:
    """Run in the event loop that the server itself would choose."""
    import uvicorn

    factory = uvicorn.Config("", loop="auto", log_config=None).get_loop_factory()
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(work)


def _send(connection: Connection, result: tuple[bool, Any]) -> bool:
    try:
        connection.send(result)
    except (BrokenPipeError, OSError):
        return False
    return True


class Stopwatch:
    """Seconds on the clock and of this process's CPU since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self) -> tuple[float, float]:
        """`(seconds, CPU seconds)`."""
        return time.perf_counter() - self._wall, time.process_time() - self._cpu
