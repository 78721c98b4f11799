"""`doctor`: check every part of a server and print the results."""

import asyncio

import typer
from rich.console import Console

from widget_server.cli.options import DataDir
from widget_server.cli.output import JsonOutput, print_json
from widget_server.config import load
from widget_server.doctor import CheckResult, run_checks
from widget_server.model.errors import EXIT_CONFIG_ERROR

app = typer.Typer(add_completion=False)


@app.command()
def doctor(as_json: JsonOutput = False, data: DataDir = None) -> None:
    """Check settings, database, bus and embed, and say what is wrong.

    The exit status is 2 if something is wrong. With --json: an array of objects with `name`, `ok` and
    `message`, one for each check.
    """
    results = asyncio.run(run_checks(load(data_dir=data)))
    if as_json:
        print_json(results)
    else:
        _print_table(results)
    if not all(result.ok for result in results):
        raise typer.Exit(EXIT_CONFIG_ERROR)


def _print_table(results: list[CheckResult]) -> None:
    console = Console(highlight=False)
    for result in results:
        mark = "[green]ok[/green]   " if result.ok else "[red]wrong[/red]"
        console.print(f"{mark}  {result.name:<9} ", end="")
        console.print(result.message, markup=False, soft_wrap=True)
