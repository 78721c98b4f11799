"""`site`: manage sites, which are the accounts of publishers."""

from pathlib import Path
from typing import Annotated

import typer

from widget_server.cli import site_copies
from widget_server.cli.context import act, operator, with_services
from widget_server.cli.options import As, DataDir, Slug
from widget_server.cli.output import JsonOutput, print_json
from widget_server.cli.rules import choices_of, print_settings
from widget_server.model.errors import OperatorError
from widget_server.model.identifiers import SITE_SLUG
from widget_server.model.records import Site
from widget_server.operations.owners import copies, settings, sites, stories, tokens
from widget_server.operations.services import Services

app = typer.Typer(
    help="Manage sites: their rules, keys, tokens and origins.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command("create")
def site_create(
    slug: Slug,
    name: Annotated[str, typer.Option(help="Show this name to moderators.", show_default=False)],
    as_name: As = None,
    data: DataDir = None,
) -> None:
    """Create a site with its first signing key."""
    if not SITE_SLUG.fullmatch(slug):
        raise OperatorError("A slug is 1 to 40 of a-z, 0-9 and -, and does not begin with -.")
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise OperatorError("A name is one line of 1 to 100 characters.")
    act(data, as_name, None, lambda services, by: sites.create_site(services, by, slug, name))
    print(f"Created site {slug}. Sign a token with `widget-server token --site {slug} …`.")


@app.command("list")
def site_list(as_json: JsonOutput = False, data: DataDir = None) -> None:
    """List all sites.

    Columns are slug, name and key generation. With --json: an array of objects with `slug`, `name`,
    `generation` (the key that signs) and `oldest_generation` (the oldest key that is accepted).
    """
    found = with_services(data, sites.all_sites)
    if as_json:
        print_json(
            [
                {
                    "slug": site.slug,
                    "name": site.name,
                    "generation": site.generation,
                    "oldest_generation": site.oldest,
                }
                for site in found
            ]
        )
        return
    for site in found:
        print(f"{site.slug}\t{site.name}\tgeneration {site.generation}")
    if not found:
        typer.echo("There is no site. `widget-server site create` makes one.", err=True)


@app.command("show")
def site_show(
    slug: Slug, as_name: As = None, as_json: JsonOutput = False, data: DataDir = None
) -> None:
    """Show a site: its stories, copies and readers now, and the keys that are accepted.

    With --json: an object with `slug`, `name`, `stories`, `copies`, `readers` and `keys`, an array of
    objects with `number` (null for copies whose key is not known), `signs`, `accepted`, `tokens` and `copies`.
    """

    async def read(
        services: Services,
    ) -> tuple[Site, int, int, int | None, list[tokens.KeyGeneration]]:
        by = await operator(services, as_name, slug)
        site = await sites.get_site(services, slug)
        found = await stories.list_stories(services, by, slug, limit=1)
        carried = await copies.list_copies(services, by, slug, limit=1)
        readers = await stories.site_readers(services, by, slug)
        keys = await tokens.list_keys(services, by, slug)
        return site, found.all, carried.total, readers.number, keys

    site, story_count, copy_count, readers, keys = with_services(data, read)
    if as_json:
        print_json(
            {
                "slug": site.slug,
                "name": site.name,
                "stories": story_count,
                "copies": copy_count,
                "readers": readers,
                "keys": keys,
            }
        )
        return
    print(f"{site.slug}: {site.name}")
    print(f"{story_count} stories, {copy_count} copies, {readers} reading now")
    for key in keys:
        name = "unknown generation" if key.number is None else f"generation {key.number}"
        state = "signs" if key.signs else "accepted" if key.accepted else "not accepted"
        if key.number is None:
            state = "known when the copy is seen again"
        print(f"{name}: {state}; {key.tokens} tokens, {key.copies} live copies")


@app.command("set")
def site_set(
    slug: Slug,
    choices: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY=VALUE…", help="Change these rules; without any, print all rules."
        ),
    ] = None,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Change rules of a site, for instance `moderation=pre name=required`, and print them.

    KEY.LANGUAGE sets the text of one language, for instance `prompt.es=…` or
    `reactions.es=happy:Feliz,sad:Triste`. With --json: an object of the changed rules, or of all rules
    if none is changed. `reactions` is an array of objects with `key`, `label`, `emoji`, and where they
    are set `labels`, `face` and `hidden`.
    """
    pairs = choices_of(choices)
    if pairs:
        changed = act(
            data,
            as_name,
            slug,
            lambda services, by: settings.change_settings(services, by, slug, pairs),
        ).settings
    else:
        changed = with_services(data, lambda services: sites.get_site(services, slug)).settings
    print_settings(changed, pairs, as_json=as_json)


@app.command("reaction-face")
def site_reaction_face(
    slug: Slug,
    key: Annotated[
        str, typer.Argument(metavar="KEY", help="Name the reaction.", show_default=False)
    ],
    drawing: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE.svg",
            help="Draw it with the paths of this drawing; without, as it was drawn before.",
            show_default=False,
        ),
    ] = None,
    as_name: As = None,
    data: DataDir = None,
) -> None:
    """Draw a reaction with a drawing of your own: at most two paths in a square.

    The drawing is reduced to a shape and features on it, each at most 500 bytes. It is not kept or
    served as a file.
    """
    svg = None if drawing is None else _text_of(drawing)
    act(
        data,
        as_name,
        slug,
        lambda services, by: settings.set_reaction_face(services, by, slug, key, svg),
    )
    print(f"Reaction {key} is drawn {'as before' if svg is None else 'with your paths'}.")


def _text_of(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise OperatorError(f"The file {file} cannot be read as text.") from None


@app.command("key")
def site_key(
    slug: Slug,
    widgets: Annotated[
        bool,
        typer.Option(
            "--widgets",
            help="Print the key that signs widget tokens and no identities, as the WordPress plugin takes it.",
        ),
    ] = False,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Print the key that signs tokens and its generation, to sign them elsewhere; keep it secret.

    With --json: an object with `generation` and `key`; with --widgets as well, only `key`.
    """
    if widgets:
        line = act(data, as_name, slug, lambda services, by: sites.widget_key(services, by, slug))
        print_json({"key": line}) if as_json else print(line)
        return
    generation, key = act(
        data, as_name, slug, lambda services, by: sites.signing_key(services, by, slug)
    )
    if as_json:
        print_json({"generation": generation, "key": key})
        return
    print(f"generation {generation}, key {key}")


@app.command("rotate-key")
def site_rotate_key(
    slug: Slug, as_name: As = None, as_json: JsonOutput = False, data: DataDir = None
) -> None:
    """Add a key generation that signs from now on; older tokens stay valid until `retire-keys`.

    With --json: an object with `generation` (signs) and `oldest` (still accepted).
    """
    site = act(data, as_name, slug, lambda services, by: sites.rotate_key(services, by, slug))
    if as_json:
        print_json({"generation": site.generation, "oldest": site.oldest})
        return
    print(f"Generation {site.generation} signs now; {site.oldest} and later are accepted.")


@app.command("retire-keys")
def site_retire_keys(
    slug: Slug, as_name: As = None, as_json: JsonOutput = False, data: DataDir = None
) -> None:
    """Reject the tokens of every key generation but the current one. A retired key cannot come back.

    With --json: an object as that of `site rotate-key`.
    """
    site = act(data, as_name, slug, lambda services, by: sites.retire_keys(services, by, slug))
    if as_json:
        print_json({"generation": site.generation, "oldest": site.oldest})
        return
    print(f"Only generation {site.generation} is accepted now.")


app.command("revoke")(site_copies.revoke)
app.command("shut-out")(site_copies.shut_out)
app.command("readmit")(site_copies.readmit)
app.command("shut-outs")(site_copies.shut_outs)
