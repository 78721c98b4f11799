"""`copy hide`, `show`, `wait` and `hidden`: what single copies do not show their readers."""

from dataclasses import asdict
from typing import Annotated

import typer

from widget_server.cli.context import act
from widget_server.cli.options import After, As, DataDir, Limit, Slug, format_time, print_next
from widget_server.cli.output import JsonOutput, print_json
from widget_server.content.visibility import escaped
from widget_server.model.cursors import encode_cursor, place_after
from widget_server.model.decisions import REASONS
from widget_server.operations.moderation import local_copies

CopyId = Annotated[
    int,
    typer.Argument(
        metavar="ID", help="Name the copy by its id of `copy list`.", show_default=False
    ),
]
CommentId = Annotated[
    str, typer.Argument(metavar="COMMENT", help="Name the comment by its id.", show_default=False)
]


def copy_hide(
    slug: Slug,
    copy: CopyId,
    comment: CommentId,
    reason: Annotated[
        str | None, typer.Option(help=f"Log this reason, one of: {', '.join(REASONS)}.")
    ] = None,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Hide a comment and its replies on one copy; all other copies show them as before.

    With --json: an object with `copy`, `comment` and `changed` (false: it was hidden there).
    """
    changed = act(
        data,
        as_name,
        slug,
        lambda services, by: local_copies.hide(services, by, slug, copy, comment, reason=reason),
    )
    if as_json:
        print_json({"copy": copy, "comment": comment, "changed": changed})
    else:
        print("Hidden on this copy." if changed else "It was hidden there before.")


def copy_show(
    slug: Slug,
    copy: CopyId,
    comment: CommentId,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Show a comment again that one copy hides.

    With --json: an object with `copy`, `comment` and `changed` (false: it was not hidden there).
    """
    changed = act(
        data,
        as_name,
        slug,
        lambda services, by: local_copies.show_again(services, by, slug, copy, comment),
    )
    if as_json:
        print_json({"copy": copy, "comment": comment, "changed": changed})
    else:
        print("Shown again." if changed else "It was not hidden there.")


def copy_wait(
    slug: Slug,
    copy: CopyId,
    off: Annotated[
        bool, typer.Option("--off", help="Publish what is written there as the site does.")
    ] = False,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Let new comments that are written on one copy wait for a moderator, on all copies.

    With --json: an object with `copy` and `changed`.
    """
    changed = act(
        data,
        as_name,
        slug,
        lambda services, by: local_copies.let_wait(services, by, slug, copy, on=not off),
    )
    if as_json:
        print_json({"copy": copy, "changed": changed})
    elif not changed:
        print("Nothing changed.")
    else:
        print("New comments from there wait no more." if off else "New comments from there wait.")


def copy_hidden(
    slug: Slug,
    copy: Annotated[int | None, typer.Option(help="List only what this copy hides.")] = None,
    story: Annotated[
        str | None, typer.Option(help="List only comments of the story with this code.")
    ] = None,
    limit: Limit = 25,
    after: After = None,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """List the comments that single copies hide.

    Columns are copy, origin, story, comment, since when, and whether the site's own people hid it. With
    --json: an object with `hidden` and `next`; times are milliseconds since 1970.
    """
    place = place_after(after, "hidden")
    page = act(
        data,
        as_name,
        slug,
        lambda services, by: local_copies.list_hidden(
            services, by, slug, copy=copy, story=story, after=place, limit=limit
        ),
    )
    cursor = None if page.next is None else encode_cursor("hidden", *page.next)
    if as_json:
        print_json({"hidden": [asdict(one) for one in page.hidden], "next": cursor})
        return
    for one in page.hidden:
        who = "site" if one.by_site else "local moderator"
        cells = (one.copy, escaped(one.origin), one.story, one.comment, format_time(one.at), who)
        print("\t".join(map(str, cells)))
    if not page.hidden:
        typer.echo("No copy hides anything.", err=True)
    print_next(cursor)
