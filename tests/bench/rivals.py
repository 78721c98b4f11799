"""Other servers to compare with: programs in a folder, each of which fans out in its own way.

A program is started without arguments. It prints its port, then takes lines `ROUNDS PAYLOAD` on its
standard input, sends the payload to every open socket so many times, and answers each line with
`SECONDS CPU_SECONDS`. It ends with its input. One that cannot run here prints why instead of a port.
"""

import subprocess
import sys
from collections.abc import Container
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from tests.bench.processes import ProcessPool, ServerAndClient
from tests.bench.rpc import MeasurementError, answer_one

#: Runs a program with this very package, whatever else is installed.
_RUN = "import runpy, sys; sys.path[:0] = sys.argv[2:]; runpy.run_path(sys.argv[1], run_name='__main__')"
_PACKAGE = Path(__file__).parents[2]


class Rival:
    """One such program."""

    def __init__(self, program: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _RUN, program, str(_PACKAGE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._said = self._line()

    def where(self) -> int:
        """The port, or 0 where the program cannot run."""
        return int(self._said) if self._said.isdecimal() else 0

    def skip_reason(self) -> str:
        """Why it cannot run."""
        return self._said or "it ended without a word"

    def broadcast(self, payload: bytes, rounds: int) -> tuple[float, float]:
        """Let it send; its own figures."""
        stdin = self._process.stdin
        if stdin is None:
            raise MeasurementError("the peer takes no orders")
        stdin.write(f"{rounds} {payload.decode()}\n")
        stdin.flush()
        if not (line := self._line()):
            raise MeasurementError("the peer has ended")
        wall, cpu = map(float, line.split())
        return wall, cpu

    def _line(self) -> str:
        stdout = self._process.stdout
        return "" if stdout is None else stdout.readline().strip()

    def close(self) -> None:
        """End it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        self._process.kill()


def rivals_in(
    folder: Path, stage: ProcessPool, names: Container[str]
) -> tuple[dict[str, ServerAndClient], dict[str, str]]:
    """Those of the named peers that can run here, and why others cannot: `rival_nchan.py` is “nchan”."""
    found, missing = {}, {}
    for program in sorted(folder.glob("rival_*.py")):
        name = program.stem.removeprefix("rival_").replace("_", " ")
        if name in names:
            pair = stage.yardstick(main, str(program))
            if pair.server.call("where"):
                found[name] = pair
            else:
                missing[name] = pair.server.call("skip_reason")
    return found, missing


def main(connection: Connection, program: str) -> None:
    """The process that speaks with the program."""
    rival = Rival(program)
    try:
        while answer_one(connection, rival):
            pass
    finally:
        rival.close()
