"""Rivals: other servers to compare with, one program each in a folder.

A program has no arguments. It prints its port, or the reason why it cannot run here. It then reads
lines `ROUNDS PAYLOAD` on standard input, sends the payload to every open socket `ROUNDS` times, and
answers each line with `SECONDS CPU_SECONDS`. It ends when its input ends.
"""

import subprocess
import sys
from collections.abc import Container
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from tests.bench.processes import ProcessPool, ServerAndClient
from tests.bench.rpc import MeasurementError, answer_one

#: Runs a program with the packages of this checkout first on its path.
_RUN = "import runpy, sys; sys.path[:0] = sys.argv[2:]; runpy.run_path(sys.argv[1], run_name='__main__')"
_PACKAGE = Path(__file__).parents[2]


class Rival:
    """One running program."""

    def __init__(self, program: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _RUN, program, str(_PACKAGE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._first_line = self._line()

    def address(self) -> int:
        """Return the port, or 0 if the program cannot run."""
        return int(self._first_line) if self._first_line.isdecimal() else 0

    def skip_reason(self) -> str:
        """Return the reason why the program cannot run."""
        return self._first_line or "it ended without output"

    def broadcast(self, payload: bytes, rounds: int) -> tuple[float, float]:
        """Let the program broadcast; return its own seconds and CPU seconds.

        Raises `MeasurementError` if it has ended.
        """
        stdin = self._process.stdin
        if stdin is None:
            raise MeasurementError("the rival has no standard input")
        stdin.write(f"{rounds} {payload.decode()}\n")
        stdin.flush()
        if not (line := self._line()):
            raise MeasurementError("the rival has ended")
        wall, cpu = map(float, line.split())
        return wall, cpu

    def _line(self) -> str:
        stdout = self._process.stdout
        return "" if stdout is None else stdout.readline().strip()

    def close(self) -> None:
        """End the program; kill it after 5 s."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        self._process.kill()


def rivals_in(
    folder: Path, pool: ProcessPool, names: Container[str]
) -> tuple[dict[str, ServerAndClient], dict[str, str]]:
    """Start the named rivals that can run here.

    Return them, and the reasons why others cannot run. The name of `rival_nchan.py` is “nchan”.
    """
    found, missing = {}, {}
    for program in sorted(folder.glob("rival_*.py")):
        name = program.stem.removeprefix("rival_").replace("_", " ")
        if name in names:
            pair = pool.start_baseline(main, str(program))
            if pair.server.call("address"):
                found[name] = pair
            else:
                missing[name] = pair.server.call("skip_reason")
    return found, missing


def main(connection: Connection, program: str) -> None:
    """Run the process that controls the program."""
    rival = Rival(program)
    try:
        while answer_one(connection, rival):
            pass
    finally:
        rival.close()
