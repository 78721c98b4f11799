"""`numbers`: reactions, comments and times to a decision, over time or by copy and language."""

import csv
from collections.abc import Iterable
from typing import Annotated, Any, get_args

import typer

from widget_server.cli.context import act
from widget_server.cli.options import As, DataDir, Slug, choose
from widget_server.cli.output import JsonOutput, print_json
from widget_server.model.actors import Actor
from widget_server.model.errors import OperatorError
from widget_server.operations.owners import numbers, numbers_csv, sites
from widget_server.operations.owners.decision_times import csv_decision_times, decision_times
from widget_server.operations.owners.numbers import DAY_MS, Span, Unit
from widget_server.operations.services import Services

app = typer.Typer(add_completion=False)
BY = ("day", "hour", "copy", "lang", "story", "queue")


@app.command()
def show_numbers(
    slug: Slug,
    by: Annotated[str, typer.Option(help=f"Count by {', '.join(BY)}.")] = "day",
    days: Annotated[int, typer.Option(min=1, max=400, help="Count the last days.")] = 14,
    zone: Annotated[str, typer.Option(help="Time zone of days, as Europe/Lisbon.")] = "UTC",
    story: Annotated[str | None, typer.Option(help="Count only this story, by its code.")] = None,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Print a site's numbers as CSV, safe against formulas; by `queue`, the times to a decision.

    With --json: an array of objects with the columns of the CSV file.
    """
    kind = choose("--by", by, BY) or "day"

    async def read(services: Services, actor: Actor) -> list[str]:
        await sites.get_site(services, slug)
        now = services.now_ms()
        unit: Unit = next((one for one in get_args(Unit) if one == kind), "day")
        span = Span(now - days * DAY_MS, now + 1, unit, zone)
        return list(await _lines(services, actor, slug, kind, span, story))

    lines = act(data, as_name, slug, read)
    if as_json:
        print_json(_objects(lines))
    else:
        print("".join(lines), end="")


async def _lines(
    services: Services, by: Actor, site: str, kind: str, span: Span, story: str | None
) -> Iterable[str]:
    """Return the lines of the CSV file, its head first."""
    if kind == "copy":
        found = await numbers.by_copy(services, by, site, span, story=story)
        return numbers_csv.csv_shares("copy", found)
    if kind == "lang":
        found = await numbers.by_language(services, by, site, span, story=story)
        return numbers_csv.csv_shares("language", found)
    if kind == "queue":
        return csv_decision_times(await decision_times(services, by, site, span, story=story))
    if kind == "story":
        if story is not None:
            raise OperatorError("--story does not go with --by story.")
        return numbers_csv.csv_matrix(await numbers.matrix(services, by, site, span))
    return numbers_csv.csv_over_time(await numbers.over_time(services, by, site, span, story=story))


def _objects(lines: list[str]) -> list[dict[str, Any]]:
    """Return the lines of a CSV file as objects. Whole numbers are numbers."""
    rows = csv.DictReader(lines)
    return [
        {key: int(value) if value.isdecimal() else value or None for key, value in row.items()}
        for row in rows
    ]
