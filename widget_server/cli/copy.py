"""`copy`: where a site's stories can be read, and taking one copy back."""

from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated, Any

import typer

from widget_server.cli import local_copies
from widget_server.cli.check_page import copy_check
from widget_server.cli.context import act, operator, with_services
from widget_server.cli.local_copies import CopyId
from widget_server.cli.options import (
    After,
    As,
    DataDir,
    Limit,
    Slug,
    choose,
    format_time,
    print_next,
)
from widget_server.cli.output import JsonOutput, print_json
from widget_server.content.visibility import escaped
from widget_server.model.decisions import COPY_REASONS
from widget_server.model.errors import OperatorError
from widget_server.operations.owners import copies, sites
from widget_server.operations.publishing import page_facts
from widget_server.operations.services import Services

app = typer.Typer(
    help="List the copies of a site's stories, take one back, and give it back.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command("list")
def copy_list(
    slug: Slug,
    search: Annotated[
        str, typer.Option(help="Look for these words in page, origin and label.")
    ] = "",
    story: Annotated[
        str | None, typer.Option(help="List only copies of the story with this code.")
    ] = None,
    lang: Annotated[str | None, typer.Option(help="List only copies in this language.")] = None,
    status: Annotated[
        str | None, typer.Option(help=f"List only these: {', '.join(copies.COPY_STATUSES)}.")
    ] = None,
    sort: Annotated[
        str, typer.Option(help=f"Sort by {', '.join(copies.COPY_ORDERS)}, highest first.")
    ] = "readers",
    csv: Annotated[
        bool, typer.Option("--csv", help="Print all copies as CSV for a spreadsheet.")
    ] = False,
    limit: Limit = 25,
    after: After = None,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """List the pages that carry a site's stories, with readers now, reactions and comments.

    Columns are id, page, label, language, first seen, readers now, reactions, comments, share and
    status. With --json: an object with `copies`, `total` and `next`; times are milliseconds since 1970.
    """
    order = choose("--sort", sort, copies.COPY_ORDERS)
    wanted_status = choose("--status", status, copies.COPY_STATUSES)
    if csv and as_json:
        raise OperatorError("Choose --csv or --json.")
    wanted = copies.CopyFilter(search, story, lang, wanted_status)

    async def read(services: Services) -> copies.CopyList:
        await sites.get_site(services, slug)
        return await copies.list_copies(
            services,
            await operator(services, as_name, slug),
            slug,
            wanted,
            order=order or "readers",
            limit=limit,
            after=after,
        )

    async def export(services: Services) -> None:
        await sites.get_site(services, slug)
        lines: AsyncIterator[str] = copies.export_copies(
            services, await operator(services, as_name, slug), slug, wanted
        )
        async for line in lines:
            print(line, end="")

    if csv:
        with_services(data, export)
        return
    page = with_services(data, read)
    if as_json:
        rows = [_as_json(one) for one in page.copies]
        print_json({"copies": rows, "total": page.total, "next": page.next})
        return
    for row in page.copies:
        copy = row.record
        cells = (
            copy.id,
            escaped(copy.page or copy.origin),
            escaped(copy.label or "–"),
            copy.lang or "–",
            format_time(copy.first_seen),
            row.readers.text,
            copy.reactions,
            copy.comments,
            f"{copy.share:.1%}",
            copy.status.replace("_", " "),
        )
        print("\t".join(map(str, cells)))
    if not page.copies:
        typer.echo("No copy matches.", err=True)
    print_next(page.next)


def _as_json(row: copies.ListedCopy) -> dict[str, Any]:
    return asdict(row.record) | {"share": round(row.record.share, 4), "readers": row.readers.number}


@app.command("revoke")
def copy_revoke(
    slug: Slug,
    copy: CopyId,
    shut_out: Annotated[
        str | None,
        typer.Option(
            "--shut-out", help="Also shut its origin out: of its `story`, or of the whole `site`."
        ),
    ] = None,
    reason: Annotated[
        str | None, typer.Option(help=f"Log this reason, one of: {', '.join(COPY_REASONS)}.")
    ] = None,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Revoke the token of one copy; its readers can only read within 5 seconds.

    With --json: an object with `copy`, `token_revoked`, `also` (ids of other copies with the same token),
    `shut_out` (`story`, `site` or null), `origin` and `before`.
    """
    scope = choose("--shut-out", shut_out, copies.SCOPES)

    async def revoke(services: Services) -> copies.Revocation:
        await sites.get_site(services, slug)
        by = await operator(services, as_name, slug)
        return await copies.revoke_copy(services, by, slug, copy, shut_out=scope, reason=reason)

    done = with_services(data, revoke)
    if as_json:
        print_json(
            {
                "copy": done.copy.record.id,
                "token_revoked": done.token,
                "also": [one.record.id for one in done.also],
                "shut_out": done.shut_out,
                "origin": done.origin,
                "before": done.before,
            }
        )
        return
    page = escaped(done.copy.record.page or done.copy.record.origin)
    if done.token:
        print(f"Revoked the token of {page}.{' It was revoked before.' if done.before else ''}")
    for one in done.also:
        print(f"  The same token stands on {escaped(one.record.page or one.record.origin)}.")
    if done.shut_out is not None:
        of = "all stories" if done.shut_out == "site" else f"story {done.copy.record.story}"
        print(f"Shut out: {done.origin}, {of}.")


@app.command("give-back")
def copy_give_back(
    slug: Slug,
    copy: CopyId,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Accept the token of a copy again, and its origin for this story and the site.

    With --json: an object with `copy` and `changed` (false: it was neither revoked nor shut out).
    """
    changed = act(
        data,
        as_name,
        slug,
        lambda services, by: copies.give_back_copy(services, by, slug, copy),
    )
    if as_json:
        print_json({"copy": copy, "changed": changed})
    else:
        print("Given back." if changed else "It was neither revoked nor shut out.")


@app.command("agree")
def copy_agree(
    slug: Slug,
    copy: CopyId,
    take_back: Annotated[
        bool, typer.Option("--take-back", help="Hide the name again: readers see the host.")
    ] = False,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Show the name that the republisher of a copy wants, and list the copy if they want that.

    It holds for all copies with the same token. With --json: an object with `copy` and `changed`.
    """
    changed = act(
        data,
        as_name,
        slug,
        lambda services, by: copies.agree_with_name(services, by, slug, copy, agreed=not take_back),
    )
    if as_json:
        print_json({"copy": copy, "changed": changed})
    elif not changed:
        print("Nothing changed.")
    else:
        print("Readers see the host." if take_back else "Readers see the name.")


@app.command("look")
def copy_look(
    slug: Slug,
    copy: CopyId,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Look at the page of a copy again, soon, for its title, language and credit.

    With --json: an object with `copy`.
    """
    act(
        data,
        as_name,
        slug,
        lambda services, by: page_facts.request_look_on(services, by, slug, copy),
    )
    if as_json:
        print_json({"copy": copy})
    else:
        print("The server looks at the page soon.")


app.command("check")(copy_check)
app.command("hide")(local_copies.copy_hide)
app.command("show")(local_copies.copy_show)
app.command("wait")(local_copies.copy_wait)
app.command("hidden")(local_copies.copy_hidden)
