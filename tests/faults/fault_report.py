"""The table of what each fault cost, for docs/operators/reliability.md."""

from dataclasses import dataclass, fields
from pathlib import Path

FAULT, ATTACK = "fault", "attack"
"""A test's properties that hold the values of a `Line`, of a `AttackResult`."""

HEAD = ("Fault", "Database", "Acknowledged", "Lost", "Repeated", "Recovered after")


@dataclass(frozen=True)
class Line:
    """What one run under one fault showed. `recovered` in seconds; see docs/operators/reliability.md."""

    fault: str
    engine: str
    acknowledged: int
    lost: int
    repeated: int
    recovered: float

    def cells(self) -> list[str]:
        """As words, in the order of `HEAD`."""
        *others, _ = (str(getattr(self, one.name)) for one in fields(self))
        return [*others, f"{self.recovered:.1f} s"]


ATTACK_HEAD = (
    *("Attack", "Ended with", "Ended", "Memory each"),
    *("Others' latency, quiet", "attacked", "ratio", "ratio of the slowest tenth"),
)


@dataclass(frozen=True)
class AttackResult:
    """What one attack cost: bytes for each attacker, and other readers' median latency in seconds."""

    attack: str
    ends: str
    ended: int
    held: float
    quiet: float
    attacked: float
    slowest: float
    """The ratio at the ninth decile."""

    @property
    def slower(self) -> float:
        """By how much readers were shown things later, as a ratio of medians."""
        return self.attacked / self.quiet

    def cells(self) -> list[str]:
        """As words, in the order of `ATTACK_HEAD`."""
        return [
            *(self.attack, self.ends, f"{self.ended:,}", f"{max(0, self.held) / 1024:.0f} KiB"),
            *(f"{self.quiet * 1000:.1f} ms", f"{self.attacked * 1000:.1f} ms"),
            *(f"{self.slower:.2f}", f"{self.slowest:.2f}"),
        ]


def draw(lines: list[Line]) -> str:
    """The table of faults in Markdown."""
    ordered = sorted(lines, key=lambda one: (one.fault, one.engine))
    return _table(HEAD, [line.cells() for line in ordered])


def draw_attacks(attacks: list[AttackResult]) -> str:
    """The table of attacks in Markdown."""
    return _table(ATTACK_HEAD, [attack.cells() for attack in attacks])


def _table(head: tuple[str, ...], rows: list[list[str]]) -> str:
    rule = ["---" if index < 2 else "---:" for index in range(len(head))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))


def write(path: Path, name: str, table: str) -> None:
    """Put a table in its place in a document, between the marks of that name."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, _, rest = path.read_text("utf-8").partition(begin)
    _, _, after = rest.partition(end)
    path.write_text(f"{before}{begin}\n\n{table}\n\n{end}{after}", "utf-8")
