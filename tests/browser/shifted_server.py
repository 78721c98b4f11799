"""Run `widget-server` with a clock that is shifted by the seconds in the file `CLOCK_SHIFT`.

A test journeys over a change of the clocks in seconds; the server itself has no such setting.
"""

import os
import time
from pathlib import Path

from widget_server.cli import main as cli

_SHIFT = Path(os.environ["CLOCK_SHIFT"])
_REAL, _REAL_NS = time.time, time.time_ns


def _shift() -> float:
    return float(_SHIFT.read_text() or 0)


if __name__ == "__main__":
    time.time = lambda: _REAL() + _shift()
    time.time_ns = lambda: _REAL_NS() + int(_shift() * 1e9)
    # Modules that are imported from here on take the shifted clock.
    cli.main()
