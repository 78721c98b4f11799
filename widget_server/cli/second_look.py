"""`second-look`: judge a comment that another person has decided about, without seeing that decision."""

from typing import Annotated

import typer

from widget_server.cli.context import act
from widget_server.cli.options import As, DataDir, Slug
from widget_server.cli.output import JsonOutput, print_json
from widget_server.content.visibility import escaped
from widget_server.operations.moderation import second_look

app = typer.Typer(
    help="Judge comments that other people have decided about, without seeing those decisions.",
    no_args_is_help=True,
    add_completion=False,
)


@app.callback()
def root() -> None:
    """Judge comments that other people have decided about, without seeing those decisions."""


@app.command("next")
def look_next(
    slug: Slug, as_name: As = None, as_json: JsonOutput = False, data: DataDir = None
) -> None:
    """Show the next comment that waits for a second look.

    With --json: an object with `look`, `story`, `comment`, `name` and `text`, or null.
    """
    found = act(data, as_name, slug, lambda services, by: second_look.next_look(services, by, slug))
    if as_json:
        print_json(
            None
            if found is None
            else {
                "look": found.decision,
                "story": found.story,
                "comment": found.comment.id,
                "name": found.comment.name,
                "text": found.comment.source,
            }
        )
        return
    if found is None:
        typer.echo("No second look waits.", err=True)
        return
    print(f"{found.decision}\t{found.story}\t{escaped(found.comment.name or 'anonymous')}")
    for line in found.comment.source.splitlines():
        print(f"  {escaped(line)}")


@app.command("agreement")
def look_agreement(
    slug: Slug, as_name: As = None, as_json: JsonOutput = False, data: DataDir = None
) -> None:
    """Print how often two people decided alike in the last 30 days. With --json: `agreed` and `looked`."""
    found = act(data, as_name, slug, lambda services, by: second_look.agreement(services, by, slug))
    if as_json:
        print_json({"agreed": found.agreed, "looked": found.looked})
    else:
        print(f"{found.agreed} of {found.looked} agreed.")


@app.command("answer")
def look_answer(
    slug: Slug,
    look: Annotated[str, typer.Argument(metavar="LOOK", help="Name it as `next` printed it.")],
    stays: Annotated[
        bool,
        typer.Option("--stays/--goes", help="Would you let the comment stay?", show_default=False),
    ],
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Say what you would have decided. It changes nothing about the comment.

    With --json: an object with `look` and `stays`.
    """
    act(
        data,
        as_name,
        slug,
        lambda services, by: second_look.answer_look(services, by, slug, look, stays=stays),
    )
    if as_json:
        print_json({"look": look, "stays": stays})
    else:
        print("Stored.")
