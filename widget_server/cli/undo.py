"""`undo`: undo a decision or a whole batch of decisions."""

from typing import Annotated

import typer

from widget_server.cli.comment import print_batch
from widget_server.cli.context import operator, with_services
from widget_server.cli.options import DataDir, Note
from widget_server.cli.output import JsonOutput
from widget_server.operations.moderation import decide

app = typer.Typer(add_completion=False)


@app.command()
def undo(
    name: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="Name a decision or a batch of decisions by its id, which `log` shows.",
            show_default=False,
        ),
    ],
    note: Note = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Undo a decision, or all decisions of a batch, as long as nothing was decided after them.

    With --json: an object with `batch` (id of this undoing), `done` (ids of comments, or codes of stories)
    and `refused` (an object of reasons by decision).
    """
    result = with_services(
        data, lambda services: decide.undo(services, operator(), name, note=note)
    )
    print_batch(result, "Undone for {}.", as_json=as_json)
