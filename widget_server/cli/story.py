"""`story`: list a site's stories; show, close, reopen, annotate or set the discussion of one."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from widget_server.cli import story_list
from widget_server.cli.context import act, operator, site_of_story, with_services
from widget_server.cli.options import (
    As,
    DataDir,
    Note,
    Reason,
)
from widget_server.cli.output import JsonOutput, print_json
from widget_server.cli.rules import choices_of, print_settings
from widget_server.cli.story_list import Code
from widget_server.model.decisions import StoryVerb
from widget_server.model.errors import OperatorError
from widget_server.operations.moderation import decide
from widget_server.operations.owners import settings, stories
from widget_server.operations.services import Services

app = typer.Typer(
    help="List stories; show, close, reopen or annotate the discussion of one, and override rules in it.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command("close")
def story_close(
    code: Code,
    at: Annotated[
        str | None,
        typer.Option(
            help="Close it then, not now: 2030-12-31 or 2030-12-31T18:00 in this machine's time zone,"
            " or never, to drop the date.",
            show_default=False,
        ),
    ] = None,
    reason: Reason = None,
    note: Note = None,
    as_name: As = None,
    data: DataDir = None,
) -> None:
    """Close a discussion for new comments and reactions; it stays readable."""
    if at is not None:
        date = None if at == "never" else _date(at)
        act(
            data,
            as_name,
            site_of_story(code),
            lambda services, by: decide.set_closing_date(
                services,
                by,
                code,
                None if date is None else int(date.timestamp() * 1000),
                reason=reason,
                note=note,
            ),
        )
        if date is None:
            print(f"The discussion of story {code} has no closing date.")
        else:
            print(f"The discussion of story {code} will close at {date:%Y-%m-%d %H:%M %Z}.")
        return
    _decide(data, as_name, "close", code, reason, note)
    print(f"Closed the discussion of story {code}.")


@app.command("open")
def story_open(
    code: Code, reason: Reason = None, note: Note = None, as_name: As = None, data: DataDir = None
) -> None:
    """Open a closed discussion again."""
    _decide(data, as_name, "open", code, reason, note)
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
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Override rules of the site in one story, for instance `moderation=pre`, and print them.

    Prints the rules that the story overrides. With --json: an object of them.
    """
    changes: dict[str, str | None] = {**choices_of(choices), **dict.fromkeys(clear or ())}

    async def run(services: Services) -> settings.CurrentSettings:
        site = (await stories.get_story(services, code)).site
        by = await operator(services, as_name, site)
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
    reason: Reason = None,
    note: Note = None,
    as_name: As = None,
    data: DataDir = None,
) -> None:
    """Show a notice above the discussion on every copy, or remove it."""
    _decide(data, as_name, "notice", code, reason, note, text or None)
    done = "Set the notice on" if text else "Removed the notice from"
    print(f"{done} the discussion of story {code}.")


def _date(text: str) -> datetime:
    try:
        date = datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError, OSError):
        raise OperatorError(
            "Write the date as 2030-12-31 or 2030-12-31T18:00, or never to drop it."
        ) from None
    if not 1970 < date.year < 9999:
        raise OperatorError("Choose a year from 1971 to 9998.")
    return date


def _decide(
    data: Path | None,
    as_name: str | None,
    verb: StoryVerb,
    code: str,
    reason: str | None,
    note: str | None,
    notice: str | None = None,
) -> None:
    act(
        data,
        as_name,
        site_of_story(code),
        lambda services, by: decide.decide_story(
            services, by, verb, code, notice=notice, reason=reason, note=note
        ),
    )


app.command("list")(story_list.list_stories)
app.command("show")(story_list.show_story)
