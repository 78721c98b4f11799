"""Arguments and options that several commands take."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from widget_server.model.decisions import REASONS
from widget_server.model.errors import OperatorError

Choice = TypeVar("Choice", bound=str)

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="Use this data folder instead of the setting DATA_DIR.",
        show_default=False,
        readable=False,  # `secrets_check.require_readable` says what to do about it
    ),
]
AcceptNewSecret = Annotated[
    bool,
    typer.Option(
        "--accept-new-secret",
        help="Continue with a new secret. All tokens signed with the old one become invalid.",
    ),
]
As = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="NAME",
        help="Act as this account, with its role; the log names it and you.",
        show_default=False,
    ),
]
Slug = Annotated[
    str,
    typer.Argument(metavar="SLUG", help="Name the site by its slug.", show_default=False),
]
Code = Annotated[
    str,
    typer.Argument(
        metavar="CODE", help="Name the story by its 12-character code.", show_default=False
    ),
]
Limit = Annotated[
    int, typer.Option("--limit", min=1, max=100, help="Print at most this many rows.")
]
After = Annotated[
    str | None,
    typer.Option("--after", help="Continue after a page, with the `next` that it printed."),
]
HIGHEST_ID = 2**53 - 1
"""The highest number of a case, a copy or a revision that a command takes: all databases and programs know it."""
Reason = Annotated[
    str | None,
    typer.Option("--reason", help="Log this reason, one of: " + ", ".join(REASONS) + "."),
]
Note = Annotated[
    str | None,
    typer.Option("--note", help="Log this note for other moderators; readers never see it."),
]


def print_next(after: str | None) -> None:
    """Say on stderr how to see the next page, if there is one."""
    if after is not None:
        typer.echo(f"There is more: --after {after}", err=True)


def format_time(at: int | None, *, seconds: bool = False) -> str:
    """Return a time in milliseconds since 1970 for people, or `never`."""
    if at is None:
        return "never"
    form = "%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M UTC"
    return datetime.fromtimestamp(at / 1000, UTC).strftime(form)


def choose(option: str, value: str | None, choices: Sequence[Choice]) -> Choice | None:
    """Return the value of an option that takes one of a few words. Raises `OperatorError`."""
    found = next((one for one in choices if one == value), None)
    if value is not None and found is None:
        raise OperatorError(f"{option} takes {', '.join(choices)}.")
    return found
