"""`report`: list what readers reported."""

from typing import Annotated

import typer

from widget_server.cli.context import operator, with_services
from widget_server.cli.options import As, DataDir, Slug
from widget_server.cli.output import JsonOutput, print_json
from widget_server.content.visibility import escaped
from widget_server.model.decisions import Case
from widget_server.operations.moderation import cases
from widget_server.operations.owners import sites
from widget_server.operations.services import Services
from widget_server.store.queries.decisions import ReportText

app = typer.Typer(help="List what readers reported.", no_args_is_help=True, add_completion=False)


@app.callback()
def root() -> None:
    """List what readers reported."""


@app.command("list")
def report_list(
    slug: Slug,
    fail_if_any: Annotated[
        bool, typer.Option("--fail-if-any", help="Exit with status 1 if there is a report.")
    ] = False,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """List up to 100 comments with open reports, the most urgent first.

    Columns are id, story code, number of reports, reasons and the beginning of the comment. With --json: an
    array of objects with `comment`, `story`, `text`, `revision`, `opened_at`, `reasons` and `reports`, an
    array of objects with `category` (a key, or null), `reason` (as the reader gave it, or null) and `at`.
    """

    async def read(services: Services) -> list[tuple[Case, list[ReportText]]]:
        await sites.get_site(services, slug)
        by = await operator(services, as_name, slug)
        found = await cases.open_cases(services, by, slug, "reported")
        return [(case, await cases.reports_of(services, by, case.comment.id)) for case in found]

    found = with_services(data, read)
    if as_json:
        print_json([_as_json(case, reports) for case, reports in found])
    else:
        for case, reports in found:
            excerpt = escaped(" ".join(case.comment.source.split())[:200])
            reasons = ", ".join(case.reasons)
            print(f"{case.comment.id}\t{case.story}\t{len(reports)}\t{reasons}\t{excerpt}")
        if not found:
            typer.echo("No comment is reported.", err=True)
    if found and fail_if_any:
        raise typer.Exit(1)


def _as_json(case: Case, reports: list[ReportText]) -> dict[str, object]:
    return {
        "comment": case.comment.id,
        "story": case.story,
        "text": case.comment.source,
        "revision": case.comment.revision,
        "opened_at": case.opened_at,
        "reasons": list(case.reasons),
        "reports": [
            {"category": one.category, "reason": one.reason, "at": one.at} for one in reports
        ],
    }
