"""Implementation of `make bench`."""

import signal
from pathlib import Path
from types import FrameType

from rich.console import Console

from tests.bench import report, suite
from tests.bench.results import Result, show


def run(choice: suite.Choice, json_file: Path | None, document: Path | None) -> bool:
    """Measure and print the table; return True if every measured goal is met.

    Both files are written after every row, so an interrupted run loses only the current row. Rows of
    the JSON file that are not measured now are kept.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    console = Console(highlight=False)
    order = [name for name, _ in suite.rows_of(choice)]
    rows = report.kept(json_file) if json_file is not None else {}
    measured: list[Result] = []
    try:
        for row in suite.run(choice, lambda line: console.print(f"[dim]{line}[/dim]")):
            measured.append(row)
            rows[row.key] = row
            table = [rows[name] for name in order if name in rows]
            if json_file is not None:
                report.keep(json_file, table)
            if document is not None:
                report.put_into(document, table)
    finally:
        # After an interruption, also print the rows that were measured.
        show(measured, console)
    return all(row.failed is None and all(goal.met for goal in row.goals) for row in measured)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
