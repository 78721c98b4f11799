"""`serve`: the parent of a server's processes, or one of them."""

import asyncio
import logging
import stat
from collections.abc import Callable
from typing import Annotated

import typer

from widget_server import logs, secrets_check
from widget_server.cli.options import DataDir
from widget_server.config import Config, load
from widget_server.server import child_process, supervisor
from widget_server.server.listeners import ensure_port_free

app = typer.Typer(add_completion=False)
log = logging.getLogger(__name__)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (PORT).")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes (WEB_CONCURRENCY).")] = None,
    data: DataDir = None,
) -> None:
    """Serve. Without DATABASE_URL and REDIS_URL everything needed lives in the data folder."""
    config = load(host=host, port=port, web_concurrency=workers, data_dir=data)
    logs.configure_logging(config.log_level)
    if config.widget_worker:
        child_process.exit_with_parent()
        raise typer.Exit(_run_worker(config, child_process.notify_ready))
    config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with supervisor.lock_data_dir(config.data_dir):
        asyncio.run(secrets_check.prepare_database(config))
        for own_port in (config.port, *config.metrics_ports):
            ensure_port_free(config.host, own_port)
        mode = stat.S_IMODE(config.data_dir.stat().st_mode)
        if mode & 0o077:
            # Not changed: who made it may have a reason. What lies in it is closed to others.
            log.warning("event=folder_open mode=%o", mode)
        if not config.embeds_valkey and config.web_concurrency == 1:
            raise typer.Exit(_run_worker(config, lambda: None))
        kept = supervisor.server_processes(
            config.data_dir,
            config.host,
            config.port,
            config.web_concurrency,
            valkey=config.embeds_valkey,
        )
        raise typer.Exit(supervisor.Supervisor(kept, config.drain_seconds).run())


def _run_worker(config: Config, on_ready: Callable[[], None]) -> int:
    # Loaded here, as the parent of several processes needs nothing of what serves.
    from widget_server.server import worker

    return worker.run(config, on_ready)
