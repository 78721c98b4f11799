"""`story`: close, reopen, annotate or set the discussion of a story."""

from typing import Annotated

import typer

from widget_server.cli.context import with_services
from widget_server.cli.options import DataDir
from widget_server.cli.output import JsonOutput, print_json
from widget_server.cli.rules import choices_of, operator, print_settings
from widget_server.model.errors import OperatorError
from widget_server.operations.moderation import moderate
from widget_server.operations.owners import settings
from widget_server.operations.services import Services

NOTICE_LENGTH = 500
"""Characters of a notice, which stands in one line above the discussion."""

Code = Annotated[
    str,
    typer.Argument(
        metavar="CODE", help="Name the story by its 12-character code.", show_default=False
    ),
]

app = typer.Typer(
    help="Close, reopen or annotate the discussion of a story, and override rules in it.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command("close")
def story_close(code: Code, data: DataDir = None) -> None:
    """Close a discussion for new comments and reactions; it stays readable."""
    with_services(data, lambda services: moderate.set_closed(services, code, closed=True))
    print(f"Closed the discussion of story {code}.")


@app.command("open")
def story_open(code: Code, data: DataDir = None) -> None:
    """Open a closed discussion again."""
    with_services(data, lambda services: moderate.set_closed(services, code, closed=False))
    print(f"Opened the discussion of story {code}.")


@app.command("set")
def story_set(
    code: Code,
    choices: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY=VALUE…", help="Override these rules of the site; without any, print them."
        ),
    ] = None,
    clear: Annotated[
        list[str] | None,
        typer.Option(
            "--clear", metavar="KEY", help="Follow the site's rule again; may be repeated."
        ),
    ] = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Override rules of the site in one story, for instance `moderation=pre`, and print them.

    Prints the rules that the story overrides. With --json: an object of them.
    """
    changes: dict[str, str | None] = {**choices_of(choices), **dict.fromkeys(clear or ())}
    by = operator()

    async def run(services: Services) -> settings.CurrentSettings:
        site = (await moderate.get_story(services, code)).site
        if changes:
            await settings.change_settings(services, by, site, changes, story=code)
        return await settings.read_settings(services, by, site, code)

    current = with_services(data, run)
    keys = [key for key in current.stored if key != "guidelines_trees"]
    if as_json:
        print_json(current.settings.values(keys))
    elif keys:
        print_settings(current.settings, keys, as_json=False)
    else:
        typer.echo("This story follows its site in everything.", err=True)


@app.command("notice")
def story_notice(
    code: Code,
    text: Annotated[
        str,
        typer.Argument(
            help="Show this line above the discussion; an empty text removes the line.",
            show_default=False,
        ),
    ],
    data: DataDir = None,
) -> None:
    """Show a notice above the discussion on every copy, or remove it."""
    if len(text) > NOTICE_LENGTH or not text.isprintable():
        raise OperatorError(f"A notice is one line of at most {NOTICE_LENGTH} characters.")
    with_services(data, lambda services: moderate.set_notice(services, code, text or None))
    done = "Set the notice on" if text else "Removed the notice from"
    print(f"{done} the discussion of story {code}.")
