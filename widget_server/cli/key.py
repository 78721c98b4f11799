"""`key`: list, create and end the API keys of a site."""

from typing import Annotated

import typer

from widget_server.cli.context import operator, with_services
from widget_server.cli.options import As, DataDir, Slug
from widget_server.cli.output import JsonOutput, print_json
from widget_server.operations.owners import keys, people
from widget_server.operations.owners.keys import NewKey
from widget_server.operations.owners.people import People
from widget_server.operations.services import Services

app = typer.Typer(
    help="Manage API keys: programs use them instead of an account.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command("list")
def key_list(
    site: Slug, as_name: As = None, as_json: JsonOutput = False, data: DataDir = None
) -> None:
    """List the keys of a site that have not ended.

    With --json: an array of objects with `id`, `label`, `scopes`, `created_at`, `last_at` and `until`
    (milliseconds since 1970).
    """

    async def work(services: Services) -> People:
        return await people.list_people(services, await operator(services, as_name, site), site)

    found = with_services(data, work).keys
    if as_json:
        print_json(
            [
                {
                    "id": key.id,
                    "label": key.label,
                    "scopes": sorted(key.scopes),
                    "created_at": key.created_at,
                    "last_at": key.last_at,
                    "until": key.until,
                }
                for key in found
            ]
        )
        return
    for key in found:
        print(f"{key.id}\t{key.label}\t{','.join(sorted(key.scopes))}")
    if not found:
        typer.echo("There is no key. `widget-server key create` makes one.", err=True)


@app.command("create")
def key_create(
    site: Slug,
    label: Annotated[str, typer.Option(help="Say what uses the key.")],
    scope: Annotated[
        list[str], typer.Option(help="Allow this verb, such as read; may be given several times.")
    ],
    days: Annotated[int, typer.Option(help="End it after so many days; 0 for never.")] = 365,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Make a key and print it; it is shown only this once.

    With --json: an object with `id`, `key` and `until`.
    """

    async def work(services: Services) -> NewKey:
        by = await operator(services, as_name, site)
        return await keys.create_key(services, by, site, label, frozenset(scope), days or None)

    new = with_services(data, work)
    if as_json:
        print_json({"id": new.key.id, "key": new.secret, "until": new.key.until})
    else:
        print(new.secret)


@app.command("end")
def key_end(
    site: Slug,
    key: Annotated[str, typer.Argument(metavar="ID", help="Name the key by its id.")],
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """End a key: what uses it is refused from now on.

    With --json: an object with `id`.
    """

    async def work(services: Services) -> None:
        await keys.end_key(services, await operator(services, as_name, site), site, key)

    with_services(data, work)
    if as_json:
        print_json({"id": key})
    else:
        print("The key ended.")
