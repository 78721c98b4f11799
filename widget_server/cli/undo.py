"""`undo`: undo a decision or a whole batch of decisions."""

from typing import Annotated

import typer

from widget_server.cli.comment import print_batch
from widget_server.cli.context import operator, with_services
from widget_server.cli.options import As, DataDir, Note
from widget_server.cli.output import JsonOutput, print_json
from widget_server.operations.moderation import decide
from widget_server.operations.owners import take_back
from widget_server.operations.services import Services

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
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Undo a decision, all decisions of a batch, or a change of the site, if nothing was decided since.

    Changes of the site that can be undone: settings, roles, revoked tokens and shut-out origins.

    With --json: an object with `batch` (id of this undoing), `done` (ids of comments, or codes of stories)
    and `refused` (an object of reasons by decision).
    """

    async def run(services: Services) -> decide.BatchResult | None:
        site, of_site = await decide.find_decision(services, name)
        by = await operator(services, as_name, site)
        if not of_site:
            return await decide.undo(services, by, name, note=note)
        await take_back.take_back(services, by, site, name)
        return None

    result = with_services(data, run)
    if result is not None:
        print_batch(result, "Undone for {}.", as_json=as_json)
    elif as_json:
        print_json({"batch": None, "done": [], "refused": {}})
    else:
        print("Undone. The site is as before.")
