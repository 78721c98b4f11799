"""`site`: publishers' accounts."""

import re
from typing import Annotated, Any

import typer

from widget_server.commands.rooms import with_services
from widget_server.commands.words import DataDir, Slug
from widget_server.operations import enrol

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
JTI = re.compile(r"[\x21-\x7e]{1,64}")

app = typer.Typer(
    help="Publishers' accounts: rules and keys.", no_args_is_help=True, add_completion=False
)


@app.command("create")
def site_create(
    slug: Slug,
    name: Annotated[str, typer.Option(help="Shown to moderators.")],
    data: DataDir = None,
) -> None:
    """Add a publisher's account."""
    if not SLUG.fullmatch(slug):
        raise ValueError("A slug is 1 to 40 of a-z, 0-9 and -, and does not begin with -.")
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise ValueError("A name is one line of 1 to 100 characters.")
    with_services(data, lambda services: enrol.create_site(services, slug, name))
    print(f"Created site {slug}. Sign a token with `widget-server token --site {slug} …`.")


@app.command("list")
def site_list(data: DataDir = None) -> None:
    """List the publishers' accounts."""
    for site in with_services(data, enrol.all_sites):
        print(f"{site.slug}\t{site.name}\tgeneration {site.generation}")


@app.command("set")
def site_set(
    slug: Slug,
    choices: Annotated[list[str], typer.Argument(metavar="KEY=VALUE…", help="Rules to change.")],
    data: DataDir = None,
) -> None:
    """Change a site's rules, for instance `moderation=pre name=required`."""
    pairs = []
    for choice in choices:
        key, equals, value = choice.partition("=")
        if not equals:
            raise ValueError(f"Write KEY=VALUE, not “{choice}”.")
        pairs.append((key, value))
    site = with_services(data, lambda services: enrol.set_rules(services, slug, pairs))
    for key, _ in pairs:
        print(f"{key}={_shown(getattr(site.settings, key))}")


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ",".join(reaction.key for reaction in value)
    return "" if value is None else str(value)


@app.command("key")
def site_key(slug: Slug, data: DataDir = None) -> None:
    """Print the generation and the key for minting tokens elsewhere. Keep the key secret."""
    generation, key = with_services(data, lambda services: enrol.site_key(services, slug))
    print(f"{generation} {key}")


@app.command("rotate-key")
def site_rotate_key(slug: Slug, data: DataDir = None) -> None:
    """Add a key generation. Tokens of the older ones stay good until they are retired."""
    site = with_services(data, lambda services: enrol.rotate_key(services, slug))
    print(f"Generation {site.generation} signs now; {site.oldest} and later are accepted.")


@app.command("retire-keys")
def site_retire_keys(slug: Slug, data: DataDir = None) -> None:
    """Refuse the tokens of every key generation but the current one."""
    site = with_services(data, lambda services: enrol.retire_keys(services, slug))
    print(f"Only generation {site.generation} is accepted now.")


@app.command("revoke")
def site_revoke(
    slug: Slug,
    jti: Annotated[str, typer.Argument(help="The token's jti, or its SHA-256 where it has none.")],
    data: DataDir = None,
) -> None:
    """Withdraw one token: the copy that carries it becomes read-only within seconds."""
    if not JTI.fullmatch(jti):
        raise ValueError("A jti is 1 to 64 visible ASCII characters.")
    with_services(data, lambda services: enrol.revoke(services, slug, jti))
    print("Withdrawn.")
