"""`site`: publishers' accounts."""

import shlex
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from widget_server.cli.context import with_services
from widget_server.cli.options import DataDir, Slug
from widget_server.model.identifiers import SITE_SLUG
from widget_server.operations.owners import sites

SHOWN = 20
"""Places of a withdrawn token that are listed."""

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
    if not SITE_SLUG.fullmatch(slug):
        raise ValueError("A slug is 1 to 40 of a-z, 0-9 and -, and does not begin with -.")
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise ValueError("A name is one line of 1 to 100 characters.")
    with_services(data, lambda services: sites.create_site(services, slug, name))
    print(f"Created site {slug}. Sign a token with `widget-server token --site {slug} …`.")


@app.command("list")
def site_list(data: DataDir = None) -> None:
    """List the publishers' accounts."""
    for site in with_services(data, sites.all_sites):
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
    site = with_services(data, lambda services: sites.update_settings(services, slug, pairs))
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
    generation, key = with_services(data, lambda services: sites.signing_key(services, slug))
    print(f"generation {generation}, key {key}")


@app.command("rotate-key")
def site_rotate_key(slug: Slug, data: DataDir = None) -> None:
    """Add a key generation. Tokens of the older ones stay good until they are retired."""
    site = with_services(data, lambda services: sites.rotate_key(services, slug))
    print(f"Generation {site.generation} signs now; {site.oldest} and later are accepted.")


@app.command("retire-keys")
def site_retire_keys(slug: Slug, data: DataDir = None) -> None:
    """Refuse the tokens of every key generation but the current one."""
    site = with_services(data, lambda services: sites.retire_keys(services, slug))
    print(f"Only generation {site.generation} is accepted now.")


@app.command("revoke")
def site_revoke(
    slug: Slug,
    token: Annotated[str, typer.Argument(metavar="TOKEN_OR_JTI", help="The token, or its handle.")],
    shut: Annotated[
        bool, typer.Option("--shut-out", help="Shut the origin out on which it was seen, too.")
    ] = False,
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="With --shut-out: for all stories of the site.")
    ] = False,
    data: DataDir = None,
) -> None:
    """Withdraw one token: the copy that carries it becomes read-only within seconds."""
    if everywhere and not shut:
        raise ValueError("--everywhere goes with --shut-out.")

    gone = with_services(
        data,
        lambda services: sites.revoke(services, slug, token, shut=shut, everywhere=everywhere),
    )
    again = "It was withdrawn before." if gone.before else "Withdrawn."
    if not gone.seen:
        print(f"{gone.jti}: {again} No such token has been seen yet.")
    else:
        print(f"{gone.jti}: {again} It was seen on:")
    for copy in gone.seen[:SHOWN]:
        label = f" ({copy.label})" if copy.label else ""
        at = datetime.fromtimestamp(copy.last_seen / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
        print(f"  {copy.page or copy.origin}{label}, story {copy.story}, last seen {at}")
    if len(gone.seen) > SHOWN:
        print(f"  and {len(gone.seen) - SHOWN} more")
    stories = {one.origin: one.story for one in gone.seen}
    if shut:
        print(_told_shut_out(gone.exact[0], None if everywhere else stories[gone.exact[0]]))
    elif gone.exact:
        print("Where a story's code alone may act, these pages can go on by that. To shut one out:")
    for origin in () if shut else gone.exact[:SHOWN]:
        story = shlex.quote(stories[origin])
        print(f"  widget-server site shut-out {slug} {origin} --story {story}")


def _told_shut_out(origin: str, story: str | None) -> str:
    return f"Shut out: {origin}, {'all stories' if story is None else f'story {story}'}."


Origin = Annotated[str, typer.Argument(metavar="ORIGIN", help="https://host of the pages.")]
StoryKey = Annotated[
    str | None, typer.Option("--story", help="The story's key. All stories unless it is given.")
]


@app.command("shut-out")
def site_shut_out(slug: Slug, origin: Origin, story: StoryKey = None, data: DataDir = None) -> None:
    """Let pages of one origin in no more, whatever token or code they carry."""
    exact = with_services(data, lambda services: sites.shut_out(services, slug, origin, story))
    print(_told_shut_out(exact, story))


@app.command("readmit")
def site_readmit(slug: Slug, origin: Origin, story: StoryKey = None, data: DataDir = None) -> None:
    """Let pages in again that were shut out."""
    if not with_services(data, lambda services: sites.readmit(services, slug, origin, story)):
        raise ValueError("That is not shut out. `widget-server site shut-outs` lists what is.")
    print("Let in again.")


@app.command("shut-outs")
def site_shut_outs(slug: Slug, data: DataDir = None) -> None:
    """List the origins that are shut out, and from which story."""
    for origin, story in with_services(data, lambda services: sites.all_shut_out(services, slug)):
        print(f"{origin}\t{'all stories' if story is None else story}")
