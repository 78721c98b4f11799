"""`story`: close, reopen or annotate the discussion of a story."""

from pathlib import Path
from typing import Annotated

import typer

from widget_server.cli.context import operator, with_services
from widget_server.cli.options import DataDir, Note, Reason
from widget_server.model.decisions import StoryVerb
from widget_server.operations.moderation import decide

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
def story_close(code: Code, reason: Reason = None, note: Note = None, data: DataDir = None) -> None:
    """Close a discussion for new comments and reactions; it stays readable."""
    _decide(data, "close", code, reason, note)
    print(f"Closed the discussion of story {code}.")


@app.command("open")
def story_open(code: Code, reason: Reason = None, note: Note = None, data: DataDir = None) -> None:
    """Open a closed discussion again."""
    _decide(data, "open", code, reason, note)
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
    reason: Reason = None,
    note: Note = None,
    data: DataDir = None,
) -> None:
    """Show a notice above the discussion on every copy, or remove it."""
    _decide(data, "notice", code, reason, note, text or None)
    done = "Set the notice on" if text else "Removed the notice from"
    print(f"{done} the discussion of story {code}.")


def _decide(
    data: Path | None,
    verb: StoryVerb,
    code: str,
    reason: str | None,
    note: str | None,
    notice: str | None = None,
) -> None:
    with_services(
        data,
        lambda services: decide.decide_story(
            services, operator(), verb, code, notice=notice, reason=reason, note=note
        ),
    )
