"""`restore`: a backup instead of the data that is there."""

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
    file: Annotated[Path, typer.Argument(help="A file made by `backup`.")],
    accept_new_secret: AcceptNewSecret = False,
    data: DataDir = None,
) -> None:
    """Replace all data by a backup's. Until that is complete and verified, the old data serves."""
    config = load(data_dir=data)

    async def prepare() -> None:
        # Only now: the backup is good, so a file that is gone may be made again.
        migrate.begin_anew(config.database)
        await secrets_check.prepare_database(config)

    async def run(told: backups.Progress) -> restoring.Restored:
        await secrets_check.verify_secrets(config)
        known = None if accept_new_secret else secrets_check.current_fingerprints(config)
        done = await restoring.restore(config.database, file, told, known, prepare)
        await secrets_check.record_secrets(config, alone=accept_new_secret)
        return done

    for sentence in _sentences(with_progress(run)):
        print(escaped(sentence))


def _sentences(done: restoring.Restored) -> Iterator[str]:
    """What was restored, what was taken over, and what cannot be known."""
    yield (
        f"Restored {sum(done.rows.values()):,} rows. Every open page takes a fresh snapshot now."
    )
    if done.made_at is None:
        yield "The backup was made by a version that wrote no checksums; every row was read."
    else:
        at = datetime.fromtimestamp(done.made_at / 1000, UTC)
        yield f"The backup is of {at:%Y-%m-%d %H:%M} UTC, by version {done.version}."
    if done.kept:
        told = ", ".join(f"{called} ({number:,})" for called, number in done.kept.items())
        yield f"What was erased or withdrawn since stays so: {told}."
    elif done.knew:
        yield "The database that was replaced knew of nothing erased or withdrawn since."
    if not done.knew:
        yield (
            "The database that was replaced was empty. What was erased, withdrawn or retired "
            "after the backup was made is not known here and is back: do it again."
        )
    yield (
        "As in the backup, whatever was changed since: the rules of sites, closed discussions, "
        "edited comments and reactions that were taken back."
    )
