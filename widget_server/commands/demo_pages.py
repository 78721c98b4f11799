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
    simulate: Annotated[bool, typer.Option()] = False,
) -> None:
    """Serve the demo's pages; started by `demo`."""
    logs.configure_logging("warning")
    children.exit_with_parent()
    stage.serve_pages(folder, port, simulate=simulate, on_ready=children.notify_ready)
