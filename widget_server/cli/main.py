"""The `widget-server` command. Whatever an operator can mend ends it with one sentence and status 2."""

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

COMMANDS = (
    *("serve", "demo", "demo-pages", "migrate", "backup", "restore", "doctor"),
    *("token", "site", "story", "comment"),
)


class LazyCommandGroup(TyperGroup):
    """Each word is a module of `commands/`, imported when it is asked for.

    So a worker loads no benchmark, and the parent process nothing of what only serves.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for word in COMMANDS:  # known by name, so that who mistypes one is told which it may be
            self.add_command(TyperCommand(word))

    def list_commands(self, ctx: "Context") -> list[str]:
        """Every command's name, in the order of `--help`."""
        return [*self.commands]

    def get_command(self, ctx: "Context", cmd_name: str) -> "Command | None":
        """The command with this name, or None where there is none."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"widget_server.cli.{cmd_name.replace('-', '_')}")
        command = typer.main.get_command(module.app)
        command.name = cmd_name
        return command


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
    """One discussion on every copy of a story."""


def main() -> None:
    """Run the command that the process was started with."""
    with _private_files(), _report_operator_errors():
        app()


@contextmanager
def _private_files() -> Iterator[None]:
    """Give no file that we or our children make to others: readers' words are in them."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def _report_operator_errors() -> Iterator[None]:
    try:
        yield
    except ProblemError as rejection:
        sentence = rejection.detail
    except (OperatorError, ValueError) as problem:
        sentence = str(problem)
    except OSError as problem:
        sentence = f"{problem.strerror or problem}: {problem.filename or 'check host and port'}."
    else:
        return
    print(f"widget-server: {escaped(sentence)}", file=sys.stderr)
    raise SystemExit(EXIT_CONFIG_ERROR)
