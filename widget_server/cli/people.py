"""`people`: invitations, roles, lost passwords, disabled accounts."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from widget_server.cli.context import act, operator, with_services
from widget_server.cli.options import As, DataDir, format_time
from widget_server.cli.output import JsonOutput, print_json
from widget_server.config import load
from widget_server.model.actors import Role
from widget_server.model.errors import OperatorError
from widget_server.operations.owners import links, people
from widget_server.operations.owners.links import INVITED_ROLES, Link
from widget_server.operations.services import Services

app = typer.Typer(
    help="Manage the people who sign in to the dashboard, and their roles.",
    no_args_is_help=True,
    add_completion=False,
)
Name = Annotated[
    str,
    typer.Argument(metavar="NAME", help="Name the account by e-mail, name or id."),
]
OneSite = Annotated[
    str | None, typer.Option("--site", help="The site with this slug.", show_default=False)
]


@app.command("invite")
def people_invite(
    owner: Annotated[
        bool, typer.Option("--owner", help="Make an owner of the whole server.")
    ] = False,
    role: Annotated[
        str | None,
        typer.Option(help=f"Give this role on the site: {', '.join(INVITED_ROLES)}."),
    ] = None,
    site: OneSite = None,
    copies: Annotated[
        str, typer.Option(help="Limit a local moderator to these copies, such as 3,14.")
    ] = "",
    email: Annotated[str, typer.Option(help="Note for whom the link is. No mail is sent.")] = "",
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Print a link that makes an account. It works once: 15 minutes with --owner, else seven days.

    With --json: an object with `url` and `until` (milliseconds since 1970).
    """
    if owner == (role is not None) or (not owner and site is None):
        raise OperatorError("Give either --owner, or --role ROLE and --site SLUG.")

    async def work(services: Services) -> Link:
        by = await operator(services, as_name, site)
        if owner:
            return await links.invite_owner(services, by)
        numbers = frozenset(int(one) for one in copies.split(",") if one.strip().isdecimal())
        return await links.invite(
            services, by, site or "", cast(Role, role), email=email, copies=numbers or None
        )

    _print_link(with_services(data, work), as_json, data)


@app.command("reset")
def people_reset(
    name: Name,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Print a link that signs an account in once, within an hour, to set a new password.

    With --json: an object with `url` and `until` (milliseconds since 1970).
    """

    async def work(services: Services) -> Link:
        by = await operator(services, as_name, None)
        return await links.reset_link(services, by, await people.find_account(services, name))

    _print_link(with_services(data, work), as_json, data)


@app.command("list")
def people_list(
    site: OneSite = None, as_name: As = None, as_json: JsonOutput = False, data: DataDir = None
) -> None:
    """List the accounts of the server, or the people of one site.

    With --json: an array of objects with `id`, `name`, `email`, `server_owner`, `disabled`, and with
    --site `role` and `copies`.
    """

    async def work(services: Services) -> list[dict[str, Any]]:
        by = await operator(services, as_name, site)
        unseal = services.people.sealer.unseal
        if site is None:
            accounts = await people.all_accounts(services, by)
            return [_account(one, unseal(one.email) if one.email else None) for one in accounts]
        found = await people.list_people(services, by, site)
        return [
            _account(one.account, found.emails.get(one.account.id) or None)
            | {"role": one.role, "copies": sorted(one.copies) if one.copies else None}
            for one in found.members
        ]

    found = with_services(data, work)
    if as_json:
        print_json(found)
        return
    for one in found:
        role = one.get("role") or ("owner of the server" if one["server_owner"] else "")
        state = "disabled" if one["disabled"] else ""
        print("\t".join((one["id"], one["name"], one["email"] or "", role, state)).rstrip())
    if not found:
        typer.echo(
            "There is no account. `widget-server people invite --owner` makes one.", err=True
        )


@app.command("invitations")
def people_invitations(
    site: Annotated[str, typer.Option("--site", help="The site with this slug.")],
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """List the invitations to a site that were not used yet.

    Columns are id, role, e-mail and end. With --json: an array of objects with `id`, `role`, `copies`,
    `email` and `until` (milliseconds since 1970).
    """
    found = act(data, as_name, site, lambda services, by: people.list_people(services, by, site))
    rows = [
        {
            "id": one.hash,
            "role": one.role,
            "copies": sorted(one.copies) if one.copies else None,
            "email": found.emails.get(one.hash) or None,
            "until": one.until,
        }
        for one in found.invitations
    ]
    if as_json:
        print_json(rows)
        return
    for one in found.invitations:
        print(
            "\t".join(
                (one.hash, one.role or "", found.emails.get(one.hash, ""), format_time(one.until))
            )
        )
    if not rows:
        typer.echo("There is no open invitation.", err=True)


@app.command("take-back")
def people_take_back(
    link: Annotated[
        str, typer.Argument(metavar="ID", help="Name it by its id of `people invitations`.")
    ],
    site: Annotated[str, typer.Option("--site", help="The site with this slug.")],
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Take an invitation back that was not used yet.

    With --json: an object with `invitation` and `site`.
    """
    act(data, as_name, site, lambda services, by: links.take_back(services, by, site, link))
    if as_json:
        print_json({"invitation": link, "site": site})
    else:
        print("The invitation was taken back.")


@app.command("role")
def people_role(
    name: Name,
    role: Annotated[
        str, typer.Argument(metavar="ROLE", help=f"{', '.join(INVITED_ROLES)}, or none.")
    ],
    site: Annotated[str, typer.Option("--site", help="The site with this slug.")],
    copies: Annotated[
        str, typer.Option(help="Limit a local moderator to these copies, such as 3,14.")
    ] = "",
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Change a person's role on a site; `none` takes it away.

    With --json: an object with `account`, `site` and `role`.
    """

    async def work(services: Services) -> str:
        by = await operator(services, as_name, site)
        account = await people.find_account(services, name)
        if role == "none":
            await people.remove_member(services, by, site, account.id)
        else:
            numbers = frozenset(int(one) for one in copies.split(",") if one.strip().isdecimal())
            await people.change_role(
                services, by, site, account.id, cast(Role, role), numbers or None
            )
        return account.id

    account = with_services(data, work)
    if as_json:
        print_json({"account": account, "site": site, "role": None if role == "none" else role})
    else:
        print("The role was taken away." if role == "none" else f"The role is {role} now.")


@app.command("disable")
def people_disable(
    name: Name, as_name: As = None, as_json: JsonOutput = False, data: DataDir = None
) -> None:
    """Disable an account: its sessions, links and API keys end. Its decisions stay.

    With --json: an object with `account`.
    """

    async def work(services: Services) -> str:
        by = await operator(services, as_name, None)
        account = await people.find_account(services, name)
        await people.disable_account(services, by, account)
        return account.id

    account = with_services(data, work)
    if as_json:
        print_json({"account": account})
    else:
        print("The account is disabled.")


def _account(account: Any, email: str | None) -> dict[str, Any]:
    return {
        "id": account.id,
        "name": account.name,
        "email": email,
        "server_owner": account.server_owner,
        "disabled": account.disabled_at is not None,
    }


def _print_link(link: Link, as_json: bool, data: Path | None) -> None:
    if as_json:
        print_json({"url": link.url, "until": link.until})
        return
    until = datetime.fromtimestamp(link.until / 1000, UTC)
    print(f"{link.url}\nIt works once, until {until:%Y-%m-%d %H:%M} UTC. Send it to nobody else.")
    config = load(data_dir=data)
    if not (config.admin_url or config.public_url):
        # The command does not know the options that `serve` was started with.
        print(f"If the server listens on another port than {config.port}, put that into the link.")
