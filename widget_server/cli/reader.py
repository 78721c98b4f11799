"""`reader`: ban the writers of comments, mute reporters, lift either, and list them."""

import time
from typing import Annotated

import typer

from widget_server.cli.context import act, operator, site_of_comment, with_services
from widget_server.cli.options import As, DataDir, Limit, Note, Reason, Slug, choose, format_time
from widget_server.cli.output import JsonOutput, print_json
from widget_server.content.visibility import escaped
from widget_server.model.actors import Actor
from widget_server.model.bans import BAN_MODES
from widget_server.model.decisions import Decided
from widget_server.model.errors import NotFoundError
from widget_server.model.report_mutes import ReportMute
from widget_server.operations.moderation import bans, report_mutes
from widget_server.operations.owners import sites
from widget_server.operations.services import Services

app = typer.Typer(
    help="Ban the writers of comments, mute reporters, lift either, and list them.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command("ban")
def reader_ban(
    comment: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="Name the writer by one of their comments.", show_default=False
        ),
    ],
    hours: Annotated[
        int | None,
        typer.Option("--hours", min=1, max=87_600, help="End the ban after so many hours."),
    ] = None,
    mode: Annotated[
        str, typer.Option("--mode", help="`read`, or `approval`: what they write waits.")
    ] = "read",
    network: Annotated[
        bool,
        typer.Option(
            "--network",
            help="Ban everybody on the writer's network, for 48 hours at most, in a raid.",
        ),
    ] = False,
    reason: Reason = None,
    note: Note = None,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Ban the writer of a comment on the whole site: for good, or for some hours.

    The banned read on, are told the reason and the end, and may object. With --json: an object with
    `decision` (null if the ban was so already) and `comment`.
    """
    chosen = choose("--mode", mode, BAN_MODES)
    until = None if hours is None else int(time.time() * 1000) + hours * 3_600_000
    decided = act(
        data,
        as_name,
        site_of_comment(comment),
        lambda services, by: bans.ban(
            services,
            by,
            comment,
            until=until,
            mode=chosen or "read",
            reason=reason,
            note=note,
            network=network,
        ),
    )
    _print_one(decided, f"Banned the writer of comment {comment}.", as_json=as_json)


@app.command("unban")
def reader_unban(
    name: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="Name the ban by its id, which `reader list` shows, or by a comment of its writer.",
            show_default=False,
        ),
    ],
    note: Note = None,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Lift a ban. With --json: an object with `decision` and `comment`."""

    async def run(services: Services) -> Decided:
        found = await services.bans.by_id(name)
        site = await site_of_comment(name if found is None else found.comment)(services)
        by = await operator(services, as_name, site)
        return await bans.unban(services, by, name, note=note)

    _print_one(with_services(data, run), "The ban is lifted.", as_json=as_json)


@app.command("list")
def reader_list(
    slug: Slug,
    limit: Limit = 100,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """List the bans in effect on a site, the newest first.

    Columns are id, kind, mode, end, comment, story code, name, reason, who made it and “objected”. With --json: an array of objects with
    `id`, `kind`, `mode`, `until` (milliseconds since 1970; null: for good), `at`, `comment`, `story`, `name`,
    `reason`, `note`, `by` and `appealed_at`.
    """

    async def read(services: Services) -> list[bans.ListedBan]:
        await sites.get_site(services, slug)
        by: Actor = await operator(services, as_name, slug)
        return await bans.list_bans(services, by, slug, limit=limit)

    found = with_services(data, read)
    if as_json:
        print_json([_as_json(one) for one in found])
        return
    for one in found:
        end = "for good" if one.ban.until is None else format_time(one.ban.until)
        name = escaped(one.name or "anonymous")
        ban, objected = one.ban, "objected" if one.appealed_at else ""
        words = (ban.decision, ban.kind, ban.mode, end, ban.comment, one.story, name)
        print("\t".join((*words, ban.reason or "", escaped(one.by), objected)))
    if not found:
        typer.echo("No reader is banned.", err=True)


@app.command("mute")
def reader_mute(
    comment: Annotated[
        str, typer.Argument(metavar="ID", help="A reported comment.", show_default=False)
    ],
    report: Annotated[
        str,
        typer.Argument(
            metavar="REPORT",
            help="Name the reader by their report of it, whose id `case show` says.",
            show_default=False,
        ),
    ],
    hours: Annotated[
        int | None,
        typer.Option("--hours", min=1, max=87_600, help="End it after so many hours."),
    ] = None,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Let the reports of a reader no longer count on the whole site: for good, or for some hours.

    They are still taken and answered, and marked at the case. They open no case, raise no priority and hide
    nothing. With --json: an object with `id`, `comment`, `at` and `until`.
    """
    until = None if hours is None else int(time.time() * 1000) + hours * 3_600_000

    async def run(services: Services) -> ReportMute:
        site = await site_of_comment(comment)(services)
        by = await operator(services, as_name, site)
        return await report_mutes.mute(services, by, site, comment, report, until=until)

    made = with_services(data, run)
    if as_json:
        print_json(_of_mute(made))
        return
    print(f"Reports of this reader no longer count: {made.id}.")
    typer.echo(f"To undo it: widget-server undo {made.id}", err=True)


@app.command("unmute")
def reader_unmute(
    slug: Slug,
    mute: Annotated[
        str,
        typer.Argument(metavar="ID", help="Id that `reader muted` shows.", show_default=False),
    ],
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Let the reports of a muted reader count again. With --json: `id`, `comment`, `at` and `until`."""
    made = act(
        data, as_name, slug, lambda services, by: report_mutes.lift(services, by, slug, mute)
    )
    if as_json:
        print_json(_of_mute(made))
        return
    print("Reports of this reader count again.")


@app.command("muted")
def reader_muted(
    slug: Slug,
    limit: Limit = 100,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """List the readers of a site whose reports do not count, the newest first.

    Columns are id, end, comment, story code and who muted them. With --json: an array of objects with `id`,
    `comment`, `at`, `until` (milliseconds since 1970; null: for good), `story` and `by`.
    """
    found = act(
        data,
        as_name,
        slug,
        lambda services, by: report_mutes.list_mutes(services, by, slug, limit=limit),
    )
    if as_json:
        print_json([_of_mute(one.mute) | {"story": one.story, "by": one.by} for one in found])
        return
    for one in found:
        end = "for good" if one.mute.until is None else format_time(one.mute.until)
        print("\t".join((one.mute.id, end, one.mute.comment, one.story, escaped(one.by))))
    if not found:
        typer.echo("No reporter is muted.", err=True)


def _of_mute(mute: ReportMute) -> dict[str, object]:
    return {"id": mute.id, "comment": mute.comment, "at": mute.at, "until": mute.until}


def _as_json(one: bans.ListedBan) -> dict[str, object]:
    return {
        "id": one.ban.decision,
        "kind": one.ban.kind,
        "mode": one.ban.mode,
        "until": one.ban.until,
        "at": one.ban.at,
        "comment": one.ban.comment,
        "story": one.story,
        "name": one.name,
        "reason": one.ban.reason,
        "note": one.note,
        "by": one.by,
        "appealed_at": one.appealed_at,
    }


def _print_one(decided: Decided, done: str, *, as_json: bool) -> None:
    decision = decided.decision
    if decided.comment is None:
        raise NotFoundError
    if as_json:
        print_json({"decision": decision.id if decision else None, "comment": decided.comment.id})
        return
    print(done if decision is not None else "It was so already.")
    if decision is not None:
        typer.echo(f"To undo it: widget-server undo {decision.id}", err=True)
