"""`restore`: replace all data by a backup."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from widget_server import secrets_check
from widget_server.cli.options import AcceptNewSecret, DataDir
from widget_server.cli.progress import with_progress
from widget_server.config import load
from widget_server.content.visibility import escaped
from widget_server.store import backup as backups, migrate, restore as restoring

app = typer.Typer(add_completion=False)


@app.command()
def restore(
    file: Annotated[
        Path,
        typer.Argument(
            help="Read the backup from this file, made by `backup`.",
            readable=False,
            show_default=False,
        ),
    ],
    accept_new_secret: AcceptNewSecret = False,
    data: DataDir = None,
) -> None:
    """Replace all data by a backup; the old data serves until the new data is complete and verified."""
    config = load(data_dir=data)

    async def prepare() -> None:
        # Runs only after the backup was verified: a bad backup must not delete the marker file that
        # prevents an empty database from replacing a lost one.
        migrate.allow_new_file(config.database)
        await secrets_check.prepare_database(config)

    async def run(on_progress: backups.Progress) -> restoring.Restored:
        await secrets_check.verify_secrets(config)
        accepted = None if accept_new_secret else secrets_check.current_fingerprints(config)
        restored = await restoring.restore(config.database, file, on_progress, accepted, prepare)
        await secrets_check.record_secrets(config, alone=accept_new_secret)
        return restored

    for sentence in _describe(with_progress(run)):
        print(escaped(sentence))


def _describe(restored: restoring.Restored) -> Iterator[str]:
    """Return sentences about the restored rows, what stays erased, and what the restore cannot undo."""
    yield (
        f"Restored {sum(restored.rows.values()):,} rows. Every open page loads a new snapshot now."
    )
    if restored.made_at is None:
        yield "The backup was made by a version that wrote no checksums; every row was read."
    else:
        at = datetime.fromtimestamp(restored.made_at / 1000, UTC)
        yield f"The backup is of {at:%Y-%m-%d %H:%M} UTC, by version {restored.version}."
    if restored.kept:
        counts = ", ".join(f"{name} ({number:,})" for name, number in restored.kept.items())
        yield f"What was erased or withdrawn after the backup stays so: {counts}."
    elif restored.knew:
        yield "The replaced database recorded nothing erased or withdrawn after the backup."
    if not restored.knew:
        yield (
            "The replaced database was empty, so this restore cannot tell what was erased, withdrawn "
            "or retired after the backup. All of that is active again: repeat it."
        )
    yield (
        "These are as in the backup, also if they changed later: rules of sites, closed discussions, "
        "edited comments and withdrawn reactions."
    )
