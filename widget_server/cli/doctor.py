"""`doctor`: every part looked over."""

import asyncio

import typer
from rich.console import Console

from widget_server.cli.options import DataDir
from widget_server.config import load
from widget_server.doctor import run_checks
from widget_server.model.errors import EXIT_CONFIG_ERROR

app = typer.Typer(add_completion=False)


@app.command()
def doctor(data: DataDir = None) -> None:
    """Check settings, database, bus and embed, and say what is wrong."""
    findings = asyncio.run(run_checks(load(data_dir=data)))
    console = Console(highlight=False)
    for finding in findings:
        mark = "[green]ok[/green]   " if finding.ok else "[red]wrong[/red]"
        console.print(f"{mark}  {finding.name:<9} ", end="")
        console.print(finding.message, markup=False, soft_wrap=True)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(EXIT_CONFIG_ERROR)
