"""`backup`: a verified copy of the whole database."""

from pathlib import Path
from typing import Annotated

import typer

from widget_server.cli.options import DataDir
from widget_server.cli.progress import with_progress
from widget_server.config import load
from widget_server.store import backup as backups

app = typer.Typer(add_completion=False)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="A new file: SQLite, whatever the engine.")],
    data: DataDir = None,
) -> None:
    """Copy the whole database to a file while it is in use; verified before it is there."""
    config = load(data_dir=data)
    rows = with_progress(lambda told: backups.back_up(config.database, file, told))
    print(f"{file}: {sum(rows.values()):,} rows, {rows['comments']:,} of them comments; verified.")
