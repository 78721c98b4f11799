"""`backup`: write a verified backup of the whole database."""

from pathlib import Path
from typing import Annotated

import typer

from widget_server import secrets_check
from widget_server.cli.options import DataDir
from widget_server.cli.progress import with_progress
from widget_server.config import load
from widget_server.store import backup as backups

app = typer.Typer(add_completion=False)


@app.command()
def backup(
    file: Annotated[
        Path,
        typer.Argument(
            help="Write the backup to this new file, a SQLite database for either engine.",
            show_default=False,
        ),
    ],
    data: DataDir = None,
) -> None:
    """Back up the whole database to a file while the server runs, and verify the file."""
    config = load(data_dir=data)
    secrets_check.require_readable(config)
    rows = with_progress(lambda on_progress: backups.back_up(config.database, file, on_progress))
    print(f"{file}: {sum(rows.values()):,} rows, {rows['comments']:,} of them comments; verified.")
