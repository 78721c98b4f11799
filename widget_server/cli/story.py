"""`story`: what is set for a discussion as a whole."""

from typing import Annotated

import typer

from widget_server.cli.context import with_services
from widget_server.cli.options import DataDir
from widget_server.operations.moderation import moderate

Code = Annotated[str, typer.Argument(metavar="CODE", help="The story's 12-character code.")]

app = typer.Typer(
    help="Close, reopen or annotate a discussion.", no_args_is_help=True, add_completion=False
)


@app.command("close")
def story_close(code: Code, data: DataDir = None) -> None:
    """Take nothing new in this discussion; it stays readable."""
    with_services(data, lambda services: moderate.set_closed(services, code, closed=True))


@app.command("open")
def story_open(code: Code, data: DataDir = None) -> None:
    """Open a closed discussion again."""
    with_services(data, lambda services: moderate.set_closed(services, code, closed=False))


@app.command("notice")
def story_notice(
    code: Code,
    text: Annotated[str, typer.Argument(help="One line above the discussion; empty removes it.")],
    data: DataDir = None,
) -> None:
    """Put a line above the discussion on every copy."""
    if len(text) > 500 or not text.isprintable():
        raise ValueError("A notice is one line of at most 500 characters.")
    with_services(data, lambda services: moderate.set_notice(services, code, text or None))
