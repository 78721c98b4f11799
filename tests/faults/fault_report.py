"""Result tables of the fault tests, for docs/operators/reliability.md."""

from dataclasses import dataclass, fields

from tests.result_tables import markdown_table

FAULT, ATTACK = "fault", "attack"
"""Names of the test properties that hold the values of a `FaultResult` and of an `AttackResult`."""

HEAD = ("Fault", "Database", "Acknowledged", "Lost", "Repeated", "Recovered after")


@dataclass(frozen=True)
class FaultResult:
    """Result of one run under one fault: a row of the table in docs/operators/reliability.md.

    `recovered` is in seconds.
    """

    fault: str
    engine: str
    acknowledged: int
    lost: int
    repeated: int
    recovered: float

    def cells(self) -> list[str]:
        """Return the cells in the order of `HEAD`."""
        *others, _ = (str(getattr(self, field.name)) for field in fields(self))
        return [*others, f"{self.recovered:.1f} s"]


ATTACK_HEAD = (
    *("Attack", "Ended with", "Ended", "Memory each"),
    *("Other readers' latency, no attack", "attack", "ratio", "ratio of the slowest tenth"),
)


@dataclass(frozen=True)
class AttackResult:
    """Cost of one attack.

    `bytes_each` is memory per attacking connection. `calm` and `attacked` are other readers' median
    latencies in seconds without and under the attack.
    """

    attack: str
    ends: str
    ended: int
    bytes_each: float
    calm: float
    attacked: float
    slowest: float
    """Ratio of the latencies at the ninth decile."""

    @property
    def slower(self) -> float:
        """Ratio of the median latencies under the attack and without it."""
        return self.attacked / self.calm

    def cells(self) -> list[str]:
        """Return the cells in the order of `ATTACK_HEAD`."""
        return [
            *(
                self.attack,
                self.ends,
                f"{self.ended:,}",
                f"{max(0, self.bytes_each) / 1024:.0f} KiB",
            ),
            *(f"{self.calm * 1000:.1f} ms", f"{self.attacked * 1000:.1f} ms"),
            *(f"{self.slower:.2f}", f"{self.slowest:.2f}"),
        ]


def fault_table(lines: list[FaultResult]) -> str:
    """Return the table of faults in Markdown."""
    ordered = sorted(lines, key=lambda line: (line.fault, line.engine))
    return markdown_table(HEAD, [line.cells() for line in ordered], 2)


def attack_table(attacks: list[AttackResult]) -> str:
    """Return the table of attacks in Markdown."""
    return markdown_table(ATTACK_HEAD, [attack.cells() for attack in attacks], 2)
