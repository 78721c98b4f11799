"""All rows of the benchmark: with the rivals, and with a PostgreSQL from its wheel.

Run it from the checkout: `python -m tests.bench.full_benchmark --repeats 5`. All arguments are passed
to `python -m tests.bench`.
"""

import signal
import subprocess
import sys
from pathlib import Path

from tests.engines import Postgres


class DurablePostgres(Postgres):
    """PostgreSQL with its default durability: an acknowledged commit is on disk."""

    speed_settings = ()


def main() -> int:
    """Run the benchmark and return its exit status."""
    postgres = DurablePostgres()
    postgres.start()
    try:
        command = [sys.executable, "-m", "tests.bench"]
        command += ["--postgres", postgres.dsn, "--rivals", str(Path(__file__).parent)]
        with subprocess.Popen([*command, *sys.argv[1:]]) as bench:
            # On an interruption the benchmark prints its results so far; wait until it has ended.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, lambda *_: bench.terminate())
            return bench.wait()
    finally:
        postgres.close()


if __name__ == "__main__":
    raise SystemExit(main())
