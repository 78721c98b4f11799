"""Commands of `story` that decide: close or open a discussion, and set the notice above it."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from widget_server.cli.context import act, site_of_story
from widget_server.cli.options import As, Code, DataDir, Note, Reason
from widget_server.cli.output import JsonOutput, print_json
from widget_server.model.decisions import StoryVerb
from widget_server.model.errors import OperatorError
from widget_server.model.records import Story
from widget_server.operations.moderation import decide


def add_to(app: typer.Typer) -> None:
    """Add the commands to those of `story`."""
    app.command("close")(story_close)
    app.command("open")(story_open)
    app.command("notice")(story_notice)


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
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Close a discussion for new comments and reactions; it stays readable.

    With --json: an object with `story`, `closed`, `closes_at` (milliseconds since 1970) and `notice`.
    """
    if at is None:
        story = _decide(data, as_name, "close", code, reason, note)
        _print(story, f"Closed the discussion of story {code}.", as_json=as_json)
        return
    date = None if at == "never" else _date(at)
    story = act(
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
        said = f"The discussion of story {code} has no closing date."
    else:
        said = f"The discussion of story {code} will close at {date:%Y-%m-%d %H:%M %Z}."
    _print(story, said, as_json=as_json)


def story_open(
    code: Code,
    reason: Reason = None,
    note: Note = None,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Open a closed discussion again.

    With --json: an object as that of `story close`.
    """
    story = _decide(data, as_name, "open", code, reason, note)
    _print(story, f"Opened the discussion of story {code}.", as_json=as_json)


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
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Show a notice above the discussion on every copy, or remove it.

    With --json: an object as that of `story close`.
    """
    story = _decide(data, as_name, "notice", code, reason, note, text or None)
    done = "Set the notice on" if text else "Removed the notice from"
    _print(story, f"{done} the discussion of story {code}.", as_json=as_json)


def _print(story: Story, said: str, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "story": story.code,
                "closed": story.closed,
                "closes_at": story.closes_at,
                "notice": story.notice,
            }
        )
    else:
        print(said)


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
) -> Story:
    return act(
        data,
        as_name,
        site_of_story(code),
        lambda services, by: decide.decide_story(
            services, by, verb, code, notice=notice, reason=reason, note=note
        ),
    )
