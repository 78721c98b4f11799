"""`restore`: a backup instead of the data that is there."""

from pathlib import Path
from typing import Annotated

import typer

from widget_server import custody
from widget_server.commands.progress import with_progress
from widget_server.commands.words import DataDir, NewSecret
from widget_server.config import load
from widget_server.store import backup as backups

app = typer.Typer(add_completion=False)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file made by `backup`.")],
    new_secret: NewSecret = False,
    data: DataDir = None,
) -> None:
    """Replace all data by a backup's. Until that is complete and verified, the old data serves."""
    config = load(data_dir=data)

    async def run(told: backups.Progress) -> dict[str, int]:
        await custody.prepare(config)
        known = None if new_secret else custody.seals(config)
        rows = await backups.restore(config.database, file, told, known)
        await custody.keep(config, alone=new_secret)
        return rows

    rows = with_progress(run)
    print(f"Restored {sum(rows.values()):,} rows. Every open page takes a fresh snapshot now.")
