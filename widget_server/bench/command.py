"""What `widget-server bench` does with its options."""

from pathlib import Path

import orjson
from rich.console import Console

from widget_server.bench import suite
from widget_server.bench.table import Row, show


def run(choice: suite.Choice, json_file: Path | None) -> bool:
    """Measure and print the table; whether each goal that was measured is met."""
    console = Console(highlight=False)
    rows: list[Row] = []
    try:
        for row in suite.run(choice, lambda line: console.print(f"[dim]{line}[/dim]")):
            rows.append(row)
            if json_file is not None:
                found = [row.to_json() for row in rows]
                json_file.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n")
    finally:
        # What was measured until then is worth the wait that it took.
        show(rows, console)
    return all(goal.met for row in rows for goal in row.goals)
