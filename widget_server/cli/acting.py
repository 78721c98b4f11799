"""Who acts in a command: the shell, or with `--as NAME` an account."""

import getpass
from typing import Annotated

import typer

from widget_server.model.actors import Actor, shell
from widget_server.model.errors import OperatorError
from widget_server.operations.owners.people import find_account, find_actor
from widget_server.operations.services import Services

As = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="NAME",
        help="Act as this account, with its role; the log names it and you.",
        show_default=False,
    ),
]


def os_user() -> str:
    """Return the name of the operating system's user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


async def acting(services: Services, as_name: str | None, site: str | None) -> Actor:
    """Return who acts: the shell, or the account `as_name` on `site` (None: on the whole server).

    Raises `OperatorError` if there is no such account, or it has no role there.
    """
    if as_name is None:
        return shell(os_user())
    if site is not None:
        return await find_actor(services, as_name, site, os_user())
    account = await find_account(services, as_name)
    if not account.server_owner or account.disabled_at is not None:
        raise OperatorError(f"“{account.name}” does not own this server.")
    return Actor("account", account.id, "cli", None, "owner", shell_user=os_user())
