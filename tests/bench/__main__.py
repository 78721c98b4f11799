"""Command line of the benchmarks: `python -m tests.bench`."""

from pathlib import Path
from typing import Annotated

import typer

from tests.bench import run, suite

app = typer.Typer(add_completion=False)


@app.command()
def bench(
    rows: Annotated[
        list[str] | None, typer.Argument(help="Rows to measure. Without any, all rows.")
    ] = None,
    repeats: Annotated[
        int, typer.Option(min=1, help="Rounds of each row. The table shows medians.")
    ] = 5,
    idle: Annotated[
        float, typer.Option(min=5, help="Seconds of the row with 15,000 idle sockets.")
    ] = 30,
    postgres: Annotated[
        str | None,
        typer.Option(help="URL of a PostgreSQL. A database is created on it and dropped."),
    ] = None,
    rivals: Annotated[
        Path | None,
        typer.Option(help="Folder with programs of other servers to compare with: tests/bench."),
    ] = None,
    json: Annotated[
        Path | None, typer.Option(help="File for all samples. Other rows in it are kept.")
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(help="Document to write the table into, between its two marks.")
    ] = None,
) -> None:
    """Measure this machine against the goals of docs/developers/benchmarks.md.

    All rows take some minutes. The exit status is 1 if a goal is missed or a row fails.
    """
    choice = suite.Choice(repeats, idle, tuple(rows or ()), postgres, rivals)
    try:
        succeeded = run.run(choice, json, markdown)
    except suite.UnknownRowError as error:
        raise typer.BadParameter(str(error)) from None
    if not succeeded:
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
