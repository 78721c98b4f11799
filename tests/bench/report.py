"""Output of results: samples in a JSON file, and a Markdown table between two marks."""

import os
import platform
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson

from tests.bench.results import Result, spread

BEGIN = "<!-- bench: written by `python -m tests.bench --markdown` -->"
END = "<!-- bench: end -->"


def kept(file: Path) -> dict[str, Result]:
    """Return the rows in a JSON file by key, or none if there is no file."""
    if not file.exists():
        return {}
    return {row["key"]: Result.from_json(row) for row in orjson.loads(file.read_bytes())}


def keep(file: Path, rows: Sequence[Result]) -> None:
    """Write all rows with their samples to a JSON file."""
    found = [row.to_json() for row in rows]
    file.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n")


def put_into(document: Path, rows: Sequence[Result]) -> None:
    """Write the table between the two marks of a document, or into a new file.

    Raises `ValueError` for a document without the marks.
    """
    table = f"{BEGIN}\n{markdown(rows)}{END}"
    text = document.read_text("utf-8") if document.exists() else f"{BEGIN}{END}\n"
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{document} has no marks for the table: {BEGIN} … {END}")
    document.write_text(before + table + after, "utf-8")


def markdown(rows: Sequence[Result]) -> str:
    """Return the table of goals, the table of figures, and the conditions of the measurement."""
    return "\n".join([*_goals(rows), "", *_figures(rows), "", *_circumstances(rows), ""])


def _goals(rows: Sequence[Result]) -> Iterator[str]:
    yield "| Row | Compared | Median (lowest to highest) | Goal | |"
    yield "|---|---|--:|--:|---|"
    for row in rows:
        name = row.name
        for goal in row.goals:
            figure = f"{spread(goal.values)} {goal.unit}".rstrip()
            yield f"| {name} | {goal.says} | {figure} | {goal.asks} | {_marked(goal.verdict)} |"
            name = ""
        if row.failed is not None:
            yield f"| {name} | | | | not measured: {_cell(row.failed)} |"


def _figures(rows: Sequence[Result]) -> Iterator[str]:
    yield "| Figures | | Median (lowest to highest) | per CPU second of the server |"
    yield "|---|---|--:|--:|"
    for row in rows:
        name = f"{row.name}{', ' * bool(row.unit)}{row.unit}"
        for variant, values in row.samples.items():
            of_cpu = spread(row.per_cpu[variant]) if variant in row.per_cpu else ""
            yield f"| {name} | {variant} | {spread(values)} | {of_cpu} |"
            name = ""
        for variant, why in row.missing.items():
            yield f"| {name} | {variant} | not measured: {_cell(why)} | |"


def _circumstances(rows: Sequence[Result]) -> Iterator[str]:
    cores = f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}"
    yield f"{cores}, Python {platform.python_version()}. CPU of other processes, of all cores:"
    rounds = [f"{row.key} ({row.when}, {row.rounds} rounds) {_percent(row)}" for row in rows]
    yield "; ".join(rounds) + "."


def _percent(row: Result) -> str:
    return "unknown" if row.cpu_noise is None else f"{100 * row.cpu_noise:.0f} %"


def _marked(verdict: str) -> str:
    return f"**{verdict}**" if verdict == "missed" else verdict


def _cell(text: str) -> str:
    return text.replace("|", "/")
