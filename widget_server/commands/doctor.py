"""`doctor`: every part looked over."""

import asyncio

import typer
from rich.console import Console

from widget_server.commands.words import DataDir
from widget_server.config import load
from widget_server.doctor import examine
from widget_server.model.errors import BAD_SETTINGS

app = typer.Typer(add_completion=False)


@app.command()
def doctor(data: DataDir = None) -> None:
    """Check settings, database, bus and embed, and say what is wrong."""
    findings = asyncio.run(examine(load(data_dir=data)))
    console = Console(highlight=False)
    for finding in findings:
        mark = "[green]ok[/green]   " if finding.well else "[red]wrong[/red]"
        console.print(f"{mark}  {finding.part:<9} ", end="")
        console.print(finding.sentence, markup=False, soft_wrap=True)
    if not all(finding.well for finding in findings):
        raise typer.Exit(BAD_SETTINGS)
