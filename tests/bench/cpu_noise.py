"""CPU that other processes take during a measurement, which shows how reliable a figure is."""

import os
import resource
import time
from pathlib import Path

_STAT = Path("/proc/stat")


class CpuNoise:
    """Measures from its creation. Excludes this process and its child processes that have ended."""

    def __init__(self) -> None:
        self._begin = time.monotonic()
        self._busy, self._own = _busy(), _own()

    def fraction(self) -> float | None:
        """Return the CPU of other processes, 0 to 1 of all cores; None on systems without /proc."""
        if self._busy is None or (busy := _busy()) is None:
            return None
        others = (busy - self._busy) - (_own() - self._own)
        cores = os.cpu_count() or 1
        return min(1.0, max(0.0, others / cores / (time.monotonic() - self._begin)))


def _busy() -> float | None:
    """Return the CPU seconds of the whole machine, without idle and I/O wait (Linux only)."""
    try:
        fields = _STAT.read_text("ascii").split("\n", 1)[0].split()
    except OSError:
        return None
    user, nice, system, _idle, _wait, interrupts, soft, steal = map(int, fields[1:9])
    return (user + nice + system + interrupts + soft + steal) / os.sysconf("SC_CLK_TCK")


def _own() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)
