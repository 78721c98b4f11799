"""Valkey process of one measurement."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from widget_server.bus import embedded_valkey


@contextmanager
def valkey(folder: Path) -> Iterator[None]:
    """Run the embedded Valkey in a data folder inside the block."""
    with subprocess.Popen(embedded_valkey.command(folder), stdin=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 10
            while not embedded_valkey.is_ready(folder):
                if time.monotonic() > deadline or process.poll() is not None:
                    raise RuntimeError("the embedded Valkey does not start")
                time.sleep(0.02)
            yield
        finally:
            process.kill()
