"""Measure the figures of moderation: `python -m tests.bench.moderation`."""

import signal
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tests.bench.cpu_noise import CpuNoise
from tests.bench.moderation.figures import Group, put_into, shown
from tests.bench.moderation.groups import GROUPS

app = typer.Typer(add_completion=False)


@app.command()
def figures(
    only: Annotated[
        list[int] | None,
        typer.Option(help="Measure this figure and those measured with it. Can be repeated."),
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(help="Document to write the table into, between its two marks.")
    ] = None,
) -> None:
    """Measure the figures of moderation, which takes about 20 minutes on a quiet machine.

    Each figure is written when it is measured: an interrupted run loses only the one it was at. The exit
    status is 1 if a goal is missed or a figure cannot be measured.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    known = sorted(number for group in GROUPS for number in group.numbers)
    if unknown := set(only or ()) - set(known):
        listed = ", ".join(map(str, known))
        raise typer.BadParameter(f"There is no figure {min(unknown)}: use {listed}.")
    chosen = [one for one in GROUPS if not only or set(only) & set(one.numbers)]
    console = Console(highlight=False)
    good = [_measure(group, console, markdown) for group in chosen]
    if not all(good):
        raise typer.Exit(1)


def _measure(group: Group, console: Console, document: Path | None) -> bool:
    """Measure, show and write the figures of a group. Return whether all goals are met."""
    title, noise = "Figure " + ", ".join(map(str, group.numbers)), CpuNoise()
    try:
        with console.status(title) as status:
            values = group.measure(lambda step: status.update(f"{title}: {step}"))
    except Exception as error:
        console.print(f"[red]{title}: not measured: {str(error).strip()}[/red]")
        return False
    others = noise.fraction()
    caption = "" if others is None else f"CPU of other processes: {100 * others:.0f} %"
    table = Table("figure", "measured", "goal", "", title=title, caption=caption)
    for one in group.asked:
        value = values[one.says]
        verdict = one.verdict(value)
        colour = "red" if "missed" in verdict else "green"
        measured = f"{shown(value)} {one.unit}".rstrip()
        table.add_row(one.says, measured, one.goal, f"[{colour}]{verdict.strip('*')}[/{colour}]")
    console.print(table)
    if document is not None:
        put_into(document, group.lines(values))
    return not any("missed" in one.verdict(values[one.says]) for one in group.asked)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    app()
