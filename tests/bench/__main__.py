"""`python -m tests.bench`: measure this machine against the goals."""

from pathlib import Path
from typing import Annotated

import typer

from tests.bench import run, suite

app = typer.Typer(add_completion=False)


@app.command()
def bench(
    rows: Annotated[list[str] | None, typer.Argument(help="Rows to measure; none: all.")] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Rounds; medians are shown.")] = 5,
    idle: Annotated[float, typer.Option(min=5, help="Seconds with 15,000 idle sockets.")] = 30,
    postgres: Annotated[
        str | None, typer.Option(help="A PostgreSQL to make a database on, and drop it.")
    ] = None,
    peers: Annotated[
        Path | None, typer.Option(help="Folder of other servers to compare with: tests/bench.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option(help="File for all samples; rows it has are kept.")
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(help="Document for the table, between its two marks.")
    ] = None,
) -> None:
    """Measure this machine against the goals of docs/developers/benchmarks.md. Takes some minutes."""
    choice = suite.Choice(repeats, idle, tuple(rows or ()), postgres, peers)
    if not run.run(choice, json, markdown):
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
