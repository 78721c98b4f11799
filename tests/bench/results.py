"""What was measured: samples, the ratios of goals, and the table that is printed."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound on a figure that was taken once in each round, side by side with its yardstick."""

    says: str
    values: list[float]
    bound: float | None
    """None for a comparison that nothing was promised about."""
    at_least: bool = True
    unit: str = "×"

    @property
    def median(self) -> float:
        """The middle of all rounds."""
        return statistics.median(self.values)

    @property
    def met(self) -> bool:
        """Whether the median keeps the bound, if there is one."""
        if self.bound is None:
            return True
        return self.median >= self.bound if self.at_least else self.median <= self.bound

    @property
    def asks(self) -> str:
        """The bound in a few signs; empty where there is none."""
        return "" if self.bound is None else f"{'≥' if self.at_least else '≤'} {self.bound:g}"

    @property
    def verdict(self) -> str:
        """One word; empty where nothing was promised."""
        return "" if self.bound is None else "met" if self.met else "missed"


@dataclass(slots=True)
class Result:
    """One line of the table of goals. `samples` are in `unit`, one list for each variant."""

    name: str
    unit: str
    samples: dict[str, list[float]] = field(default_factory=dict)
    goals: list[Goal] = field(default_factory=list)
    failed: str | None = None
    per_cpu: dict[str, list[float]] = field(default_factory=dict)
    """The same for each second of the server's CPU: what the neighbours on a machine do to the
    clock they hardly do to this."""
    missing: dict[str, str] = field(default_factory=dict)
    """Peers that could not be measured here, and why."""
    key: str = ""
    """What the row is called on the command line."""
    when: str = ""
    """The day and minute of its measurement, UTC."""
    rounds: int = 0
    cpu_noise: float | None = None
    """Share of all CPUs that others took meanwhile, 0 to 1; None where that cannot be told."""

    def add_sample(self, variant: str, value: float) -> None:
        """Add a sample."""
        self.samples.setdefault(variant, []).append(value)

    def note_cpu(self, variant: str, value: float) -> None:
        """Add a sample for each second of CPU."""
        self.per_cpu.setdefault(variant, []).append(value)

    def set_goal(
        self, ours: str, yardstick: str, bound: float | None, *, by_cpu: bool = False
    ) -> None:
        """Compare two variants, round by round, by the clock and perhaps by CPU as well."""
        says = f"{ours} / {yardstick}" if ours != "ours" else f"to {yardstick}"
        self.goals.append(Goal(says, _ratios(self.samples, ours, yardstick), bound))
        if by_cpu:
            ratios = _ratios(self.per_cpu, ours, yardstick)
            self.goals.append(Goal(f"{says}, by CPU", ratios, bound))

    def to_json(self) -> dict[str, Any]:
        """All of it; `from_json` takes it back."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "Result":
        """What `to_json` gave."""
        return cls(**{**fields, "goals": [Goal(**goal) for goal in fields["goals"]]})


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


def show(rows: Sequence[Result], console: Console) -> None:
    """Print the table. Medians, with the lowest and the highest of all rounds."""
    table = Table(show_lines=True, title="Ratios count; absolute figures are this machine's, now")
    table.add_column("what", max_width=34)
    table.add_column("figures")
    table.add_column("against the goal")
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
