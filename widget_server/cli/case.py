"""`case`: show one case with what a decision about it needs."""

import typer

from widget_server.cli.context import act
from widget_server.cli.options import As, DataDir, Slug, format_time
from widget_server.cli.output import JsonOutput, print_json
from widget_server.cli.queue import CaseId, case_fields
from widget_server.content.visibility import escaped
from widget_server.operations.moderation import cases, queue

app = typer.Typer(
    help="Show what is known about a case.", no_args_is_help=True, add_completion=False
)


@app.callback()
def root() -> None:
    """Show what is known about a case."""


@app.command("show")
def case_show(
    slug: Slug,
    case: CaseId,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Show an open case with its reports and the record of its writer.

    With --json: the fields of `queue list --json`, and `writer` (their comments on the site by state),
    `reports` (an object of numbers by reason), `reporters_right` and `reporters_wrong`.
    """
    card = act(data, as_name, slug, lambda services, by: queue.find_card(services, by, slug, case))
    known = card.context
    if as_json:
        print_json(
            case_fields(card.case)
            | {
                "writer": known.writer,
                "reports": {reason or "": number for reason, number in known.reports_by_reason()},
                "reporters_right": known.reporters.right,
                "reporters_wrong": known.reporters.wrong,
            }
        )
        return
    print(f"{card.case.id}, {card.case.queue}, since {format_time(card.case.opened_at)}")
    print(f"{escaped(known.title or card.case.story)}")
    print(f"{escaped(card.case.comment.name or 'anonymous')}:")
    for line in cases.waiting_version(card.case).source.splitlines():
        print(f"  {escaped(line)}")
    for reason, number in known.reports_by_reason():
        print(f"{number} × {escaped(reason or 'no reason')}")
    for state, number in sorted(known.writer.items()):
        print(f"writer: {number} {state}")
