"""`demo-pages`: serve the demo's pages in a process of their own."""

from pathlib import Path
from typing import Annotated

import typer

from widget_server import logs
from widget_server.demo import runner
from widget_server.server import child_process

app = typer.Typer(add_completion=False)


@app.command(hidden=True)
def demo_pages(
    folder: Path,
    port: Annotated[int, typer.Option()],
    simulate: Annotated[bool, typer.Option()] = False,
) -> None:
    """Serve the pages of the demo; `demo` starts this command."""
    logs.configure_logging("warning")
    child_process.exit_with_parent()
    runner.serve_pages(folder, port, simulate=simulate, on_ready=child_process.notify_ready)
