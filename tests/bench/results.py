"""Results of measurements: samples, goals, and the printed table."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound on a figure that is measured once per round, together with its baseline."""

    says: str
    values: list[float]
    bound: float | None
    """None for a comparison without a goal."""
    at_least: bool = True
    unit: str = "×"

    @property
    def median(self) -> float:
        """The median of all rounds."""
        return statistics.median(self.values)

    @property
    def met(self) -> bool:
        """True if the median keeps the bound, or if there is no bound."""
        if self.bound is None:
            return True
        return self.median >= self.bound if self.at_least else self.median <= self.bound

    @property
    def asks(self) -> str:
        """The bound as text; empty without a bound."""
        return "" if self.bound is None else f"{'≥' if self.at_least else '≤'} {self.bound:g}"

    @property
    def verdict(self) -> str:
        """`met` or `missed`; empty without a bound."""
        return "" if self.bound is None else "met" if self.met else "missed"


@dataclass(slots=True)
class Result:
    """One row of the benchmark. `samples` are in `unit`, one list for each variant."""

    name: str
    unit: str
    samples: dict[str, list[float]] = field(default_factory=dict)
    goals: list[Goal] = field(default_factory=list)
    failed: str | None = None
    per_cpu: dict[str, list[float]] = field(default_factory=dict)
    """Samples per CPU second of the server. Other processes on the machine change the elapsed time
    much more than the CPU time."""
    missing: dict[str, str] = field(default_factory=dict)
    """Variants that could not be measured here, with the reason."""
    key: str = ""
    """Name of the row on the command line."""
    when: str = ""
    """Date and minute of the measurement, UTC."""
    rounds: int = 0
    cpu_noise: float | None = None
    """CPU of other processes meanwhile, 0 to 1 of all cores; None if it is unknown."""

    def add_sample(self, variant: str, value: float) -> None:
        """Add a sample of a variant."""
        self.samples.setdefault(variant, []).append(value)

    def add_cpu_sample(self, variant: str, value: float) -> None:
        """Add a sample per CPU second."""
        self.per_cpu.setdefault(variant, []).append(value)

    def set_goal(
        self, variant: str, baseline: str, bound: float | None, *, by_cpu: bool = False
    ) -> None:
        """Compare two variants round by round, by elapsed time and, with `by_cpu`, also by CPU."""
        name = f"{variant} / {baseline}" if variant != "this server" else f"to {baseline}"
        self.goals.append(Goal(name, _ratios(self.samples, variant, baseline), bound))
        if by_cpu:
            ratios = _ratios(self.per_cpu, variant, baseline)
            self.goals.append(Goal(f"{name}, by CPU", ratios, bound))

    def to_json(self) -> dict[str, Any]:
        """Return all fields in the form that `from_json` accepts."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "Result":
        """Return the result from the fields of `to_json`."""
        return cls(**{**fields, "goals": [Goal(**goal) for goal in fields["goals"]]})


def _ratios(samples: dict[str, list[float]], one: str, other: str) -> list[float]:
    return [a / b for a, b in zip(samples[one], samples[other], strict=True)]


def spread(values: Sequence[float]) -> str:
    """Return `median (lowest to highest)`."""
    middle = statistics.median(values)
    if len(values) == 1:
        return _short(middle)
    return f"{_short(middle)} ({_short(min(values))} to {_short(max(values))})"


def _short(value: float) -> str:
    if abs(value) >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def show(rows: Sequence[Result], console: Console) -> None:
    """Print the table: medians, with the lowest and the highest value of all rounds."""
    title = "Compare ratios: absolute figures hold only for this machine and this moment"
    table = Table(show_lines=True, title=title)
    table.add_column("row", max_width=34)
    table.add_column("figures")
    table.add_column("goals")
    for row in rows:
        figures = [f"{name}: {spread(values)} {row.unit}" for name, values in row.samples.items()]
        figures += [f"[yellow]{name}: {why}[/yellow]" for name, why in row.missing.items()]
        if row.failed is not None:
            figures.append(f"[yellow]not measured: {row.failed}[/yellow]")
        table.add_row(row.name, "\n".join(figures), "\n".join(_shown(g) for g in row.goals))
    console.print(table)


def _shown(goal: Goal) -> str:
    figures = f"{spread(goal.values)} {goal.unit}"
    if goal.bound is None:
        return f"{goal.says}: {figures}"
    colour = "green" if goal.met else "red"
    return f"{goal.says}: [{colour}]{figures}[/{colour}]  goal {goal.asks}, {goal.verdict}"
