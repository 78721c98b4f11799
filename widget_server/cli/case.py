"""`case`: show one case with what a decision about it needs."""

import typer

from widget_server.cli.context import act
from widget_server.cli.options import As, DataDir, Slug, format_time
from widget_server.cli.output import JsonOutput, print_json
from widget_server.cli.queue import CaseId, case_fields
from widget_server.content.visibility import escaped
from widget_server.model.decisions import Case
from widget_server.model.queue import Card
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
    `reports` (an object of numbers by reason), `reports_given` (each with `id`, `at`, `category`, `reason` and
    `muted`: it does not count), `reporters_right`, `reporters_wrong`,
    `reported_texts` (what was reported and reads otherwise now: `revision`, `at`, `text`),
    `appeals` (objections with `decision`, `verb`, `at` and `text`) and `suspects` (what rules about words find).
    """
    card = act(data, as_name, slug, lambda services, by: queue.find_card(services, by, slug, case))
    known = card.context
    if as_json:
        print_json(
            case_fields(card.case)
            | {
                "writer": known.writer,
                "reports": {reason or "": number for reason, number in known.reports_by_reason()},
                "reports_given": [
                    {
                        "id": one.id,
                        "at": one.at,
                        "category": one.category,
                        "reason": one.reason,
                        "muted": one.muted,
                    }
                    for one in known.reports
                ],
                "reporters_right": known.reporters.right,
                "reporters_wrong": known.reporters.wrong,
                "reported_texts": [
                    {"revision": one.revision, "at": one.at, "text": one.source}
                    for one in card.reported
                ],
                "appeals": [
                    {"decision": one.decision, "verb": one.verb, "at": one.at, "text": one.text}
                    for one in card.appeals
                ],
                "suspects": [*card.suspects.words, *card.suspects.beside],
            }
        )
        return
    _print_card(card)


def _print_card(card: Card) -> None:
    known = card.context
    print(f"{card.case.id}, {card.case.queue}, since {format_time(card.case.opened_at)}")
    print(f"{escaped(known.title or card.case.story)}")
    print(f"{escaped(card.case.comment.name or 'anonymous')}:")
    for line in cases.waiting_version(card.case).source.splitlines():
        print(f"  {escaped(line)}")
    _print_notes(card.case)
    for word in (*card.suspects.words, *card.suspects.beside):
        print(f"rules find: {escaped(word)}")
    for reason, number in known.reports_by_reason():
        print(f"{number} × {escaped(reason or 'no reason')}")
    for given in known.reports:
        muted = ", does not count" if given.muted else ""
        print(f"report {given.id}, {format_time(given.at)}{muted}")
    for before in card.reported:
        print(f"when it was reported, {format_time(before.at)}:")
        for line in before.source.splitlines():
            print(f"  {escaped(line)}")
    for one in card.appeals:
        print(f"objection to {one.verb} by {escaped(one.by)}: {escaped(one.text or 'no words')}")
    for state, number in sorted(known.writer.items()):
        print(f"writer: {number} {state}")


def _print_notes(case: Case) -> None:
    """Print what the site's own people left on a case."""
    if case.comment.tags:
        print(f"tags: {escaped(', '.join(case.comment.tags))}")
    handed = case.handed
    if handed is not None:
        print(
            f"handed to {escaped(handed.to_name)} by {escaped(handed.by_name)}"
            f" until {format_time(handed.until)}: {escaped(handed.note or 'no note')}"
        )
