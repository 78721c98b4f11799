"""`demo-pages`: the demo's pages, in a process of their own."""

from pathlib import Path
from typing import Annotated

import typer

from widget_server import children, logs
from widget_server.demo import stage

app = typer.Typer(add_completion=False)


@app.command(hidden=True)
def demo_pages(
    folder: Path,
    port: Annotated[int, typer.Option()],
    lively: Annotated[bool, typer.Option()] = False,
) -> None:
    """Serve the demo's pages; started by `demo`."""
    logs.set_up("warning")
    children.follow_parent()
    stage.serve_pages(folder, port, lively=lively, on_ready=children.announce_ready)
