"""`site revoke`, `shut-out`, `readmit` and `shut-outs`: withdraw tokens, and reject the pages of an origin."""

import shlex
from typing import Annotated

import typer

from widget_server.cli.context import act, with_services
from widget_server.cli.options import As, DataDir, Slug, format_time
from widget_server.cli.output import JsonOutput, print_json
from widget_server.model.errors import OperatorError
from widget_server.operations.owners import sites

SEEN_PAGES_SHOWN = 20
"""Pages that `site revoke` lists for people, so that the list stays on one screen; `--json` lists all."""

Origin = Annotated[
    str,
    typer.Argument(
        metavar="ORIGIN", help="Name the pages by their origin, https://host.", show_default=False
    ),
]
StoryKey = Annotated[
    str | None,
    typer.Option("--story", help="Limit this to the story with this key instead of all stories."),
]


def revoke(
    slug: Slug,
    token: Annotated[
        str,
        typer.Argument(
            metavar="TOKEN_OR_JTI",
            help="Withdraw this token, given whole or by its id (jti).",
            show_default=False,
        ),
    ],
    shut: Annotated[
        bool,
        typer.Option("--shut-out", help="Also shut out the origin on which the token was seen."),
    ] = False,
    everywhere: Annotated[
        bool,
        typer.Option(
            "--everywhere", help="With --shut-out, shut the origin out of all stories of the site."
        ),
    ] = False,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Withdraw one token; the copy that carries it becomes read-only within seconds.

    Prints the pages on which the token was seen. With --json: an object with `jti`,
    `withdrawn_before`, `shut_out` (the origin, or null) and `seen`, an array of objects with `story`,
    `origin`, `label`, `page` and `last_seen` (milliseconds since 1970).
    """
    if everywhere and not shut:
        raise OperatorError("--everywhere goes with --shut-out.")
    withdrawn = act(
        data,
        as_name,
        slug,
        lambda services, by: sites.revoke(
            services, by, slug, token, shut=shut, everywhere=everywhere
        ),
    )
    if as_json:
        print_json(
            {
                "jti": withdrawn.jti,
                "withdrawn_before": withdrawn.before,
                "shut_out": withdrawn.exact[0] if shut else None,
                "seen": withdrawn.seen,
            }
        )
        return
    _print_seen(withdrawn)
    stories = {copy.origin: copy.story for copy in withdrawn.seen}
    if shut:
        origin = withdrawn.exact[0]
        print(f"Shut out: {_describe_scope(origin, None if everywhere else stories[origin])}.")
    elif withdrawn.exact:
        print(
            "If the story accepts copies without a token, these pages can go on. To shut one out:"
        )
        for origin in withdrawn.exact[:SEEN_PAGES_SHOWN]:
            story = shlex.quote(stories[origin])
            print(f"  widget-server site shut-out {slug} {origin} --story {story}")


def shut_out(
    slug: Slug,
    origin: Origin,
    story: StoryKey = None,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Reject all pages of one origin, whatever token or story code they carry.

    With --json: an object with `origin` and `story` (null: all stories).
    """
    exact = act(
        data, as_name, slug, lambda services, by: sites.shut_out(services, by, slug, origin, story)
    )
    if as_json:
        print_json({"origin": exact, "story": story})
    else:
        print(f"Shut out: {_describe_scope(exact, story)}.")


def readmit(
    slug: Slug,
    origin: Origin,
    story: StoryKey = None,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Accept the pages of an origin again that was shut out.

    With --json: an object with `origin` and `story` (null: all stories).
    """
    if not act(
        data, as_name, slug, lambda services, by: sites.readmit(services, by, slug, origin, story)
    ):
        raise OperatorError(
            "This origin is not shut out like that. `widget-server site shut-outs` lists what is."
        )
    if as_json:
        print_json({"origin": origin, "story": story})
    else:
        print(f"Readmitted: {_describe_scope(origin, story)}.")


def shut_outs(slug: Slug, as_json: JsonOutput = False, data: DataDir = None) -> None:
    """List the origins that are shut out, and of which story.

    Columns are origin and story key, or `all stories`. With --json: an array of objects with `origin`
    and `story` (the key, or the code of a story that the server has not stored; null for all stories).
    """
    found = with_services(data, lambda services: sites.all_shut_out(services, slug))
    if as_json:
        print_json([{"origin": origin, "story": story} for origin, story in found])
        return
    for origin, story in found:
        print(f"{origin}\t{'all stories' if story is None else story}")
    if not found:
        typer.echo("No origin is shut out.", err=True)


def _print_seen(withdrawn: sites.Withdrawn) -> None:
    state = "It was withdrawn before." if withdrawn.before else "Withdrawn."
    seen = "It was seen on:" if withdrawn.seen else "No such token has been seen yet."
    print(f"{withdrawn.jti}: {state} {seen}")
    for copy in withdrawn.seen[:SEEN_PAGES_SHOWN]:
        label = f" ({copy.label})" if copy.label else ""
        at = format_time(copy.last_seen)
        print(f"  {copy.page or copy.origin}{label}, story {copy.story}, last seen {at}")
    if len(withdrawn.seen) > SEEN_PAGES_SHOWN:
        print(f"  and {len(withdrawn.seen) - SEEN_PAGES_SHOWN} more")


def _describe_scope(origin: str, story: str | None) -> str:
    return f"{origin}, {'all stories' if story is None else f'story {story}'}"
