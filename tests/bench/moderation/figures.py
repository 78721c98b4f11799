"""A figure of moderation: what is asked, what was measured, and its lines in the document."""

import os
import platform
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

BEGIN = "<!-- figures: written by `make bench-moderation` -->"
END = "<!-- figures: end -->"
HEAD = ("| | Figure | Goal | Measured | | Seed, command |", "|--:|---|--:|--:|---|---|")


@dataclass(frozen=True, slots=True)
class Asked:
    """One value of a figure and its goal. `number` is the figure's; `bound` None: only to compare."""

    number: int
    says: str
    bound: float | None
    unit: str
    at_least: bool = False

    @property
    def goal(self) -> str:
        """The goal as text."""
        if self.bound is None:
            return ""
        return f"{'≥' if self.at_least else '≤'} {self.bound:,.10g} {self.unit}".rstrip()

    def verdict(self, value: float) -> str:
        """Return `met` or `missed`; empty without a goal."""
        if self.bound is None:
            return ""
        met = value >= self.bound if self.at_least else value <= self.bound
        return "met" if met else "**missed**"


Values = Mapping[str, float]
"""Measured values by `Asked.says`."""
Tell = Callable[[str], None]
"""Shows a step to the person who waits."""


@dataclass(frozen=True, slots=True)
class Group:
    """Figures that are measured together. `measure` returns a value for each one asked."""

    asked: Sequence[Asked]
    seed: str
    command: str
    """The command that measures only this, with more detail."""
    measure: Callable[[Tell], Values]

    @property
    def numbers(self) -> list[int]:
        """Numbers of the figures."""
        return sorted({one.number for one in self.asked})

    def lines(self, values: Values) -> list[str]:
        """Return the lines of the table; a value that was not measured is said to be missing."""
        how = ", ".join(filter(None, (self.seed, f"`{self.command}`")))
        return [
            f"| {one.number} | {one.says} | {one.goal} | {_cells(one, values.get(one.says))} | {how} |"
            for one in self.asked
        ]


def _cells(one: Asked, value: float | None) -> str:
    if value is None:
        return "not measured | "
    return f"{shown(value)} {one.unit}".rstrip() + f" | {one.verdict(value)}"


def shown(value: float) -> str:
    """Return a value with three digits."""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def p95(values: Sequence[float]) -> float:
    """Return the value that 95 % do not exceed."""
    return statistics.quantiles(values, n=100, method="inclusive")[94]


def p99(values: Sequence[float]) -> float:
    """Return the value that 99 % do not exceed."""
    return statistics.quantiles(values, n=100, method="inclusive")[98]


def table_of(document: Path) -> list[str]:
    """Return the lines of figures in a document. Raises `ValueError` for one without the marks."""
    _, table, _ = _parts(document)
    return [line for line in table.splitlines() if line[:3].strip("| ").isdigit()]


def put_into(document: Path, lines: Iterable[str]) -> None:
    """Write lines into the document's table. Lines of other figures stay; the order is that of numbers."""
    before, _, after = _parts(document)
    new = list(lines)
    numbers = {_number(line) for line in new}
    kept = [line for line in table_of(document) if _number(line) not in numbers]
    table = "\n".join((*HEAD, *sorted((*kept, *new), key=_number)))
    document.write_text(f"{before}{BEGIN}\n{table}\n\n{_circumstances()}\n{END}{after}", "utf-8")


def _parts(document: Path) -> tuple[str, str, str]:
    before, begin, rest = document.read_text("utf-8").partition(BEGIN)
    table, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{document} has no marks for the table: {BEGIN} … {END}")
    return before, table, after


def _number(line: str) -> int:
    return int(line.split("|")[1])


def _circumstances() -> str:
    cores = f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}"
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    return f"Last measured on {day}: {cores}, Python {platform.python_version()}, SQLite."
