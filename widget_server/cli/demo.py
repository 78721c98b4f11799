"""`demo`: serve a story and two copies of it on three origins of this machine."""

from typing import Annotated

import typer

from widget_server import logs
from widget_server.cli.options import DataDir
from widget_server.demo import runner

app = typer.Typer(add_completion=False)


@app.command()
def demo(
    port: Annotated[
        int,
        typer.Option(
            min=1,
            max=65535 - len(runner.DEMO_PAGES),
            help="Listen on this port; the three pages take the next three ports.",
        ),
    ] = 8000,
    simulate: Annotated[
        bool,
        typer.Option("--simulate", help="Add a few scripted readers who react and comment."),
    ] = False,
    data: DataDir = None,
) -> None:
    """Serve an article and two republished copies on three origins, with one discussion."""
    logs.configure_logging("warning")
    raise typer.Exit(runner.run(port, data, simulate=simulate))
