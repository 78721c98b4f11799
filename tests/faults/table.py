"""The table of what each fault cost, for docs/reliability.md."""

from dataclasses import dataclass, fields
from pathlib import Path

BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
HEAD = ("Fault", "Database", "Acknowledged", "Lost", "Repeated", "Recovered after")


@dataclass(frozen=True)
class Line:
    """What one run under one fault showed. `recovered` in seconds; see docs/reliability.md."""

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


def draw(lines: list[Line]) -> str:
    """The table in Markdown."""
    rows = [HEAD, tuple("---" if index < 2 else "---:" for index in range(len(HEAD)))]
    rows += [tuple(line.cells()) for line in sorted(lines, key=lambda one: (one.fault, one.engine))]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def write(path: Path, lines: list[Line]) -> None:
    """Put the table in its place in a document."""
    text = path.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    path.write_text(f"{before}{BEGIN}\n\n{draw(lines)}\n\n{END}{after}", "utf-8")
