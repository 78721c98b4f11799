"""`jobs`: what the server does by itself, and when."""

from dataclasses import asdict

import typer

from widget_server.cli.context import with_services
from widget_server.cli.options import DataDir, format_time
from widget_server.cli.output import JsonOutput, print_json

ROWS = 1_000
"""Jobs that are listed: those that are due next."""

app = typer.Typer(
    help="Show what the server does by itself, and when.",
    no_args_is_help=True,
    add_completion=False,
)


@app.callback()
def jobs() -> None:
    """Show what the server does by itself, and when."""


@app.command("list")
def jobs_list(json: JsonOutput = False, data: DataDir = None) -> None:
    """List scheduled jobs in the order of their dates; times are UTC.

    A job is overdue for longer than a minute only if no server runs, or if the job fails.
    """
    works = with_services(data, lambda services: services.schedule.all(ROWS))
    if json:
        print_json([asdict(work) for work in works])
        return
    for work in works:
        every = "" if work.every is None else f"  every {work.every // 60_000} min"
        failed = "" if work.last_error is None else f"  failed {work.tries}×: {work.last_error}"
        print(
            f"{format_time(work.due_at, seconds=True)}  {work.kind} {work.subject}{every}{failed}"
        )
    if not works:
        print("No job is scheduled. The server schedules the first ones when it starts.")
