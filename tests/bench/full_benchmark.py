"""The whole table: `make bench` with the peers, and with a PostgreSQL from its wheel.

Everything that follows on the command line is passed on. Run from the checkout:
`python -m tests.bench.full_benchmark --repeats 5`.
"""

import signal
import subprocess
import sys
from pathlib import Path

from tests.engines import Postgres


class DurablePostgres(Postgres):
    """As it comes: a commit is on disk when it is acknowledged."""

    haste = ()


def main() -> int:
    """Measure; the exit status of the benchmark."""
    postgres = DurablePostgres()
    postgres.start()
    try:
        command = [sys.executable, "-m", "tests.bench"]
        command += ["--postgres", postgres.dsn, "--peers", str(Path(__file__).parent)]
        with subprocess.Popen([*command, *sys.argv[1:]]) as bench:
            # An interruption is the benchmark's, which prints what it has; we wait until it has.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, lambda *_: bench.terminate())
            return bench.wait()
    finally:
        postgres.close()


if __name__ == "__main__":
    raise SystemExit(main())
