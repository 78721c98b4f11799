"""The `widget-server` command: its subcommands, and errors as one sentence with exit status 2."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from widget_server.content.visibility import escaped
from widget_server.model.errors import EXIT_CONFIG_ERROR, OperatorError, ProblemError

if TYPE_CHECKING:
    from typer._click import Command, Context

HIDDEN = "Hidden"
"""Panel of the commands that other commands start; `--help` does not list them."""

COMMANDS = {
    "serve": "Run",
    "demo": "Run",
    "demo-pages": HIDDEN,
    "site": "Publish",
    "token": "Publish",
    "people": "Team",
    "key": "Team",
    "token list": "Publish",
    "copy": "Publish",
    "numbers": "Publish",
    "queue": "Moderate",
    "case": "Moderate",
    "watch": "Moderate",
    "second-look": "Moderate",
    "comment": "Moderate",
    "report": "Moderate",
    "reader": "Moderate",
    "story": "Moderate",
    "rule": "Moderate",
    "learner": "Moderate",
    "raid": "Moderate",
    "batch": "Moderate",
    "undo": "Moderate",
    "log": "Moderate",
    "doctor": "Maintain",
    "jobs": "Maintain",
    "migrate": "Maintain",
    "backup": "Maintain",
    "restore": "Maintain",
}
"""Each command and its panel in `--help`, in the order of `--help`."""


class LazyCommandGroup(TyperGroup):
    """Commands that are imported when they run: command `demo-pages` is `cli/demo_pages.py`.

    A command of two words, as `token list`, stands beside the command `token`, which takes no words.

    So a worker process does not load the demo, and the parent process does not load what only
    workers need.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for name in COMMANDS:  # typer suggests a similar name from these for a mistyped command
            self.add_command(TyperCommand(name, hidden=COMMANDS[name] == HIDDEN))

    def list_commands(self, ctx: "Context") -> list[str]:
        """Return the names of all commands, in the order of `--help`."""
        return [*self.commands]

    def get_command(self, ctx: "Context", cmd_name: str) -> "Command | None":
        """Import and return the command with this name, or return None if there is none."""
        if cmd_name not in COMMANDS:
            return None
        module_name = cmd_name.replace("-", "_").replace(" ", "_")
        module = import_module(f"widget_server.cli.{module_name}")
        command = typer.main.get_command(module.app)
        command.name = cmd_name
        # typer declares the attribute on its own commands and groups, `get_command` returns one.
        command.rich_help_panel = COMMANDS[cmd_name]  # type: ignore[attr-defined]
        return command

    def resolve_command(
        self, ctx: "Context", args: list[str]
    ) -> "tuple[str | None, Command | None, list[str]]":
        """Return the name and the command that the words begin with, and the other words."""
        if len(args) > 1 and f"{args[0]} {args[1]}" in COMMANDS:
            args = [f"{args[0]} {args[1]}", *args[2:]]
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=LazyCommandGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    # Subcommands inherit it.
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"widget-server {version('widget-server')}")
        raise typer.Exit


@app.callback()
def root(
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Run and manage a server for one discussion on every copy of a story."""


def main() -> None:
    """Run the command that the process was started with."""
    with _private_files(), _report_operator_errors():
        _require_utf8(sys.argv)
        app()


def _require_utf8(words: list[str]) -> None:
    """Raise `OperatorError` for an argument with bytes that are not text: no database stores them."""
    for word in words:
        if any("\ud800" <= char <= "\udfff" for char in word):
            raise OperatorError(f"Write the argument “{word}” in UTF-8.")


@contextmanager
def _private_files() -> Iterator[None]:
    """Make all files of this process and its children for their owner only: they hold comments."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def _report_operator_errors() -> Iterator[None]:
    """Print an error that the operator can correct as one sentence, and exit with status 2.

    Every other exception is a bug and stays a traceback.
    """
    try:
        yield
    except (OperatorError, ProblemError) as error:
        reason = str(error)
    except UnicodeEncodeError as error:
        # Every text that a command prints can be written in UTF-8: with it, the error is a bug.
        if error.encoding in {"utf-8", "utf_8"}:
            raise
        reason = f"This terminal's encoding, {error.encoding}, lacks a character of the output. Set PYTHONIOENCODING=utf-8."
    else:
        return
    print(f"widget-server: {escaped(reason)}", file=sys.stderr)
    raise SystemExit(EXIT_CONFIG_ERROR)
