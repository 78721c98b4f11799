"""What was measured: samples, the ratios of goals, and the table that is printed."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound on a figure that was taken once in each round, side by side with its yardstick."""

    says: str
    values: Sequence[float]
    bound: float
    at_least: bool = True
    unit: str = "×"

    @property
    def median(self) -> float:
        """The middle of all rounds."""
        return statistics.median(self.values)

    @property
    def met(self) -> bool:
        """Whether the median keeps the bound."""
        return self.median >= self.bound if self.at_least else self.median <= self.bound

    def to_json(self) -> dict[str, Any]:
        """All of it."""
        return {
            "goal": self.says,
            "bound": self.bound,
            "at_least": self.at_least,
            "unit": self.unit,
            "median": self.median,
            "values": list(self.values),
            "met": self.met,
        }


@dataclass(slots=True)
class Row:
    """One line of the table of goals. `samples` are in `unit`, one list for each variant."""

    name: str
    unit: str
    samples: dict[str, list[float]] = field(default_factory=dict)
    goals: list[Goal] = field(default_factory=list)
    failed: str | None = None
    per_cpu: dict[str, list[float]] = field(default_factory=dict)
    """The same for each second of the server's CPU: what the neighbours on a machine do to the
    clock they hardly do to this."""

    def note(self, variant: str, value: float) -> None:
        """Add a sample."""
        self.samples.setdefault(variant, []).append(value)

    def note_cpu(self, variant: str, value: float) -> None:
        """Add a sample for each second of CPU."""
        self.per_cpu.setdefault(variant, []).append(value)

    def aim(self, ours: str, yardstick: str, bound: float, *, by_cpu: bool = False) -> None:
        """Compare two variants, round by round, by the clock and perhaps by CPU as well."""
        says = f"{ours} / {yardstick}" if ours != "ours" else f"to {yardstick}"
        self.goals.append(Goal(says, _ratios(self.samples, ours, yardstick), bound))
        if by_cpu:
            ratios = _ratios(self.per_cpu, ours, yardstick)
            self.goals.append(Goal(f"{says}, by CPU", ratios, bound))

    def to_json(self) -> dict[str, Any]:
        """All of it."""
        return {
            "name": self.name,
            "unit": self.unit,
            "samples": self.samples,
            "per_cpu_second": self.per_cpu,
            "goals": [goal.to_json() for goal in self.goals],
            "failed": self.failed,
        }


def _ratios(samples: dict[str, list[float]], one: str, other: str) -> list[float]:
    return [a / b for a, b in zip(samples[one], samples[other], strict=True)]


def spread(values: Sequence[float]) -> str:
    """`median (lowest to highest)`."""
    middle = statistics.median(values)
    if len(values) == 1:
        return _short(middle)
    return f"{_short(middle)} ({_short(min(values))} to {_short(max(values))})"


def _short(value: float) -> str:
    if abs(value) >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def show(rows: Sequence[Row], console: Console) -> None:
    """Print the table. Medians, with the lowest and the highest of all rounds."""
    table = Table(show_lines=True, title="Ratios count; absolute figures are this machine's, now")
    table.add_column("what", max_width=34)
    table.add_column("figures")
    table.add_column("against the goal")
    for row in rows:
        figures = [f"{name}: {spread(values)} {row.unit}" for name, values in row.samples.items()]
        if row.failed is not None:
            figures.append(f"[yellow]not measured: {row.failed}[/yellow]")
        table.add_row(row.name, "\n".join(figures), "\n".join(_verdict(g) for g in row.goals))
    console.print(table)


def _verdict(goal: Goal) -> str:
    colour = "green" if goal.met else "red"
    sign = "≥" if goal.at_least else "≤"
    word = "met" if goal.met else "missed"
    return (
        f"{goal.says}: [{colour}]{spread(goal.values)} {goal.unit}[/{colour}]"
        f"  goal {sign} {goal.bound:g}, {word}"
    )
