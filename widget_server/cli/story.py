"""`story`: close, reopen or annotate the discussion of a story."""

import getpass
import os
from datetime import datetime
from typing import Annotated

import typer

from widget_server.cli.context import with_services
from widget_server.cli.options import DataDir
from widget_server.model import actors
from widget_server.model.errors import OperatorError
from widget_server.operations.moderation import moderate
from widget_server.operations.owners import closing

NOTICE_LENGTH = 500
"""Characters of a notice, which stands in one line above the discussion."""

Code = Annotated[
    str,
    typer.Argument(
        metavar="CODE", help="Name the story by its 12-character code.", show_default=False
    ),
]

app = typer.Typer(
    help="Close, reopen or annotate the discussion of a story.",
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
    data: DataDir = None,
) -> None:
    """Close a discussion for new comments and reactions; it stays readable."""
    if at is not None:
        date = None if at == "never" else _date(at)
        by = actors.shell(_user())
        with_services(
            data,
            lambda services: closing.set_closing_date(
                services, by, code, None if date is None else int(date.timestamp() * 1000)
            ),
        )
        if date is None:
            print(f"The discussion of story {code} has no closing date.")
        else:
            print(f"The discussion of story {code} will close at {date:%Y-%m-%d %H:%M %Z}.")
        return
    with_services(data, lambda services: moderate.set_closed(services, code, closed=True))
    print(f"Closed the discussion of story {code}.")


@app.command("open")
def story_open(code: Code, data: DataDir = None) -> None:
    """Open a closed discussion again."""
    with_services(data, lambda services: moderate.set_closed(services, code, closed=False))
    print(f"Opened the discussion of story {code}.")


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


def _user() -> str:
    """Return the name of the operating system's user, or the number of one without a name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
