"""How much of the machine others take while something is measured: what a figure is worth."""

import os
import resource
import time
from pathlib import Path

_STAT = Path("/proc/stat")


class CpuNoise:
    """Watches from when it is made. Counts as ours this process and its children that have ended."""

    def __init__(self) -> None:
        self._begin = time.monotonic()
        self._busy, self._ours = _busy(), _ours()

    def fraction(self) -> float | None:
        """CPU that others took since then, 0 to 1 of all cores; None where nothing tells."""
        if self._busy is None or (busy := _busy()) is None:
            return None
        others = (busy - self._busy) - (_ours() - self._ours)
        cores = os.cpu_count() or 1
        return min(1.0, max(0.0, others / cores / (time.monotonic() - self._begin)))


def _busy() -> float | None:
    """CPU seconds of the whole machine but idling and waiting for disks (Linux only)."""
    try:
        fields = _STAT.read_text("ascii").split("\n", 1)[0].split()
    except OSError:
        return None
    user, nice, system, _idle, _wait, interrupts, soft, steal = map(int, fields[1:9])
    return (user + nice + system + interrupts + soft + steal) / os.sysconf("SC_CLK_TCK")


def _ours() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)
