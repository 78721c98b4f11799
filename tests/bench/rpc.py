"""Processes of a measurement, controlled by calls over a pipe.

The server, the baselines and the clients run in separate processes, so that the cost of one does not
count as cost of another.
"""

import asyncio
import contextlib
import inspect
import multiprocessing
import os
import resource
import signal
import socket
import time
import traceback
from collections.abc import Callable, Coroutine
from multiprocessing.connection import Connection
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import uvicorn

T = TypeVar("T")

CALL_TIMEOUT_S = 100.0
"""Timeout of one call in seconds: longer than any call takes, so the process has failed."""


class MeasurementError(Exception):
    """A process of the measurement failed or did not answer in time."""


class ProcessHandle:
    """A process that runs `main(connection, *arguments)` and answers calls by name (also `a.b`)."""

    def __init__(self, main: Callable[..., None], *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, child_connection = context.Pipe()
        self._name = main.__module__
        self._process = context.Process(
            target=_run, args=(main, child_connection, arguments, os.getpid()), daemon=True
        )
        self._process.start()
        child_connection.close()

    def send_call(self, name: str, *arguments: Any) -> None:
        """Send a call without waiting; `receive_result` returns its result."""
        self._connection.send((name, arguments))

    def receive_result(self, within: float = CALL_TIMEOUT_S) -> Any:
        """Return the result of the oldest open call.

        Raises `MeasurementError` if the call failed or timed out, or if the process has ended.
        """
        try:
            if not self._connection.poll(within):
                raise MeasurementError(f"{self._name} did not answer within {within:g} s")
            ok, result = self._connection.recv()
        except (EOFError, OSError) as error:
            raise MeasurementError(f"{self._name} has ended") from error
        if not ok:
            raise MeasurementError(f"{self._name} failed:\n{result}")
        return result

    def call(self, name: str, *arguments: Any, within: float = CALL_TIMEOUT_S) -> Any:
        """Call a method in the process and return its result. Raises `MeasurementError`."""
        self.send_call(name, *arguments)
        return self.receive_result(within)

    def resident(self) -> int:
        """Return the resident memory of the process in bytes (Linux only)."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def close(self) -> None:
        """Close the pipe, which ends the process; kill the process after 5 s."""
        self._connection.close()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(5)

    def __enter__(self) -> "ProcessHandle":
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        if failed is not None:
            # Do not wait for the process after an interruption or a failed row.
            self._process.kill()
        self.close()


def _run(
    main: Callable[..., None], connection: Connection, arguments: tuple[Any, ...], parent: int
) -> None:
    # The parent handles Ctrl-C; it ends this process by closing the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if os.getppid() == parent:
        main(connection, *arguments)


def answer_one(connection: Connection, actor: object) -> bool:
    """Answer one call to a synchronous object; return False if the parent has closed the pipe."""
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
    """Answer calls to an object in this event loop, one at a time, until the pipe closes."""
    loop = asyncio.get_running_loop()
    calls: asyncio.Queue[tuple[str, tuple[Any, ...]] | None] = asyncio.Queue()

    def receive() -> None:
        try:
            calls.put_nowait(connection.recv())
        except (EOFError, OSError):
            loop.remove_reader(connection.fileno())
            calls.put_nowait(None)

    loop.add_reader(connection.fileno(), receive)
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


async def serve_and_answer(
    server: "uvicorn.Server", listener: socket.socket, connection: Connection, actor: object
) -> None:
    """Run a uvicorn server on `listener` and answer calls until the parent closes the pipe."""
    serving = asyncio.create_task(server.serve([listener]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    await answer_all(connection, actor)
    server.should_exit = server.force_exit = True
    await serving


def run_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in the event loop that uvicorn would choose, and return its result."""
    import uvicorn

    factory = uvicorn.Config("", loop="auto", log_config=None).get_loop_factory()
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(work)


def _send(connection: Connection, result: tuple[bool, Any]) -> bool:
    try:
        connection.send(result)
    except (BrokenPipeError, OSError):
        return False
    return True


class Stopwatch:
    """Elapsed and CPU time of this process since the creation of the object."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self) -> tuple[float, float]:
        """Return `(seconds, CPU seconds)`."""
        return time.perf_counter() - self._wall, time.process_time() - self._cpu
