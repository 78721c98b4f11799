"""`migrate`: create or update the database tables."""

import asyncio

import typer

from widget_server import secrets_check
from widget_server.cli.options import AcceptNewSecret, DataDir
from widget_server.config import load
from widget_server.store import migrate as migrations

app = typer.Typer(add_completion=False)


@app.command()
def migrate(accept_new_secret: AcceptNewSecret = False, data: DataDir = None) -> None:
    """Create the database tables, or update those of an older version."""
    config = load(data_dir=data)

    async def run() -> str:
        if not accept_new_secret:
            await secrets_check.verify_secrets(config)
        revision = await migrations.upgrade(config.database)
        await secrets_check.record_secrets(config, alone=accept_new_secret)
        return revision

    print(f"The database is at revision {asyncio.run(run())}.")
