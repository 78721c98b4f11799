"""`log`: read the log of decisions, and verify it."""

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from widget_server.cli.context import operator, with_services
from widget_server.cli.options import As, DataDir, Limit, Slug, format_time
from widget_server.cli.output import JsonOutput, print_json
from widget_server.config import load
from widget_server.content.visibility import escaped
from widget_server.model.decisions import Decision
from widget_server.operations.moderation import log, log_pages, statements
from widget_server.operations.owners import sites
from widget_server.operations.services import Services
from widget_server.store.queries.decisions import LogFilter

app = typer.Typer(
    help="Read the log of decisions, and verify it.", no_args_is_help=True, add_completion=False
)


@app.command("list")
def log_list(
    slug: Slug,
    story: Annotated[str | None, typer.Option("--story", help="Only of this story's code.")] = None,
    verb: Annotated[str | None, typer.Option("--verb", help="Only with this verb.")] = None,
    actor: Annotated[str | None, typer.Option("--actor", help="Only by this actor.")] = None,
    comment: Annotated[
        str | None, typer.Option("--comment", help="Only about this comment's id.")
    ] = None,
    batch: Annotated[str | None, typer.Option("--batch", help="Only of this batch.")] = None,
    since: Annotated[
        datetime | None, typer.Option("--since", help="Only from this time (UTC) on.")
    ] = None,
    limit: Limit = 100,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """List the newest decisions of a site and its stories.

    Columns are time, id, actor, verb, targets and reason. With --json: an array of objects with all parts
    of each decision.
    """
    chosen = LogFilter(
        story=story,
        verb=verb,
        actor=actor,
        comment=comment,
        batch=batch,
        since=_ms(since),
    )

    async def read(services: Services) -> list[Decision]:
        await sites.get_site(services, slug)
        return await log.read_log(
            services, await operator(services, as_name, slug), slug, chosen, limit=limit
        )

    found = with_services(data, read)
    if as_json:
        print_json([asdict(decision) for decision in found])
        return
    for one in found:
        print("\t".join(_columns(one)))
    if not found:
        typer.echo("There is no decision.", err=True)


@app.command("export")
def log_export(
    slug: Slug,
    full: Annotated[
        bool, typer.Option("--full", help="With names, notes and values: personal data.")
    ] = False,
    as_name: As = None,
    data: DataDir = None,
) -> None:
    """Print all decisions of a site and its stories as CSV, the newest first, safe against formulas."""

    async def export(services: Services) -> None:
        await sites.get_site(services, slug)
        by = await operator(services, as_name, slug)
        async for line in log_pages.export_log(services, by, slug, LogFilter(), full=full):
            print(line, end="")

    with_services(data, export)


@app.command("statements")
def log_statements(
    slug: Slug,
    since: Annotated[
        datetime | None, typer.Option("--since", help="Only from this time (UTC) on.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--until", help="Only before this time.")
    ] = None,
    as_name: As = None,
    data: DataDir = None,
) -> None:
    """Print all restrictions as CSV in the fields of the EU's Transparency Database, the oldest first.

    Without names, addresses and words.
    """

    async def run(services: Services) -> None:
        await sites.get_site(services, slug)
        by = await operator(services, as_name, slug)
        begin, end = _ms(since), _ms(until)
        async for part in statements.export_statements(
            services, by, slug, since=begin or 0, until=end
        ):
            sys.stdout.write(part)

    with_services(data, run)


def _ms(at: datetime | None) -> int | None:
    return None if at is None else int(at.replace(tzinfo=UTC).timestamp() * 1000)


def _columns(decision: Decision) -> list[str]:
    at = format_time(decision.at, seconds=True)
    actor = f"{decision.actor_kind} {decision.actor}".strip()
    targets = ",".join(decision.targets) or decision.story or "site"
    verb = decision.verb if decision.undoes is None else f"undo {decision.undoes}"
    columns = [at, decision.id, actor, verb, targets, decision.reason or ""]
    return [escaped(column) for column in columns]


@app.command("verify")
def log_verify(as_json: JsonOutput = False, data: DataDir = None) -> None:
    """Check that no entry of any log was changed or cut off, and record the heads of the logs.

    The heads lie in the file `log-heads.jsonl` of the data folder: keep a copy of it on another machine.
    With --json: an object with `entries`, `logs`, `erased` (entries whose words were erased),
    `unknown_key`, `heads` (compared heads) and `damages`, an array. Exit status 1 if there is a damage.
    """
    file = load(data_dir=data).data_dir / log.HEADS_FILE

    async def verify(services: Services) -> log.Verified:
        found = await log.verify_log(services, file)
        if not found.verdict.damages:
            await log.keep_heads(services, file)
        return found

    verified = with_services(data, verify)
    verdict = verified.verdict
    if as_json:
        content: dict[str, Any] = asdict(verdict) | {"heads": verified.recorded}
        print_json(content)
    else:
        _print_verdict(verified)
    if verdict.damages:
        raise typer.Exit(1)


def _print_verdict(verified: log.Verified) -> None:
    verdict = verified.verdict
    for damage in verdict.damages:
        name = f" ({damage.id})" if damage.id else ""
        print(escaped(f"{damage.log}, entry {damage.number}{name}: {damage.what}."))
    if not verdict.damages:
        print(f"As they were written: {verdict.entries} entries; logs: {verdict.logs}.")
    if verdict.erased:
        print(f"The words of {verdict.erased} entries were erased; their entries are unchanged.")
    if verdict.unknown_key:
        print(
            f"{verdict.unknown_key} entries were signed with a secret that is not in SECRET_KEYS any"
            " more. They cannot be checked."
        )
    if verified.of_earlier_epochs:
        print(
            f"{verified.of_earlier_epochs} recorded heads are from before a backup was restored. They"
            " cannot be compared."
        )
