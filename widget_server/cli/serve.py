"""`serve`: run a server, as its parent process or as a worker process."""

import asyncio
import logging
import stat
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from widget_server import logs, secrets_check
from widget_server.cli.options import DataDir
from widget_server.config import Config, load
from widget_server.server import child_process, supervisor
from widget_server.server.listeners import ensure_port_free
from widget_server.store import checks

app = typer.Typer(add_completion=False)
log = logging.getLogger(__name__)


@app.command()
def serve(
    host: Annotated[
        str | None,
        typer.Option(
            help="Listen on this address instead of the setting HOST.", show_default=False
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(help="Listen on this port instead of the setting PORT.", show_default=False),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            help="Start this many worker processes instead of the setting WEB_CONCURRENCY.",
            show_default=False,
        ),
    ] = None,
    data: DataDir = None,
) -> None:
    """Run the server until SIGTERM or Ctrl-C.

    Without DATABASE_URL and REDIS_URL, the data folder holds everything the server needs.
    """
    config = load(host=host, port=port, web_concurrency=workers, data_dir=data)
    logs.configure_logging(config.log_level)
    if config.widget_worker:
        child_process.exit_with_parent()
        raise typer.Exit(_run_worker(config, child_process.notify_ready))
    secrets_check.create_data_dir(config)
    with supervisor.lock_data_dir(config.data_dir):
        asyncio.run(secrets_check.prepare_database(config))
        for port_to_open in (config.port, *config.metrics_ports):
            ensure_port_free(config.host, port_to_open)
        _tell_first_link(config)
        mode = stat.S_IMODE(config.data_dir.stat().st_mode)
        if mode & 0o077:
            # Only logged: the operator may have opened the folder on purpose. Its files stay private.
            log.warning("event=folder_open mode=%o", mode)
        if not config.embeds_valkey and config.web_concurrency == 1:
            raise typer.Exit(_run_worker(config, lambda: None))
        processes = supervisor.server_processes(
            config.data_dir,
            config.host,
            config.port,
            config.web_concurrency,
            valkey=config.embeds_valkey,
        )
        raise typer.Exit(supervisor.Supervisor(processes, config.drain_seconds).run())


def _tell_first_link(config: Config) -> None:
    """Until an account owns the server, print a link that makes its owner's account.

    Only on a terminal: elsewhere the output ends in a journal or in log shipping, and the link signs
    somebody in. There, the log names the command that prints one.
    """
    if asyncio.run(checks.count_people(config.database)).owners:
        return
    if not sys.stdout.isatty():
        log.warning('event=no_owner command="widget-server people invite --owner"')
    else:
        # A process of its own: the parent of the workers does not load what makes links.
        command = [sys.executable, "-m", "widget_server", "people", "invite", "--owner"]
        variables = {"PORT": str(config.port)}
        done = child_process.output_of([*command, "--data", str(config.data_dir)], variables)
        print(f"Nobody can sign in yet. Open this link:\n\n{done}", flush=True)


def _run_worker(config: Config, on_ready: Callable[[], None]) -> int:
    # Imported here because the parent of several workers needs none of it.
    from widget_server.server import worker

    return worker.run(config, on_ready)
