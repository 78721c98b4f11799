"""`token list`: which widget tokens a site has given out, and when each was used last."""

from dataclasses import asdict
from typing import Annotated

import typer

from widget_server.cli.context import operator, with_services
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
from widget_server.operations.owners import sites, tokens
from widget_server.operations.services import Services

app = typer.Typer(add_completion=False)


@app.command()
def token_list(
    slug: Slug,
    search: Annotated[
        str, typer.Option(help="Look for these words in label, story key and id.")
    ] = "",
    story: Annotated[str | None, typer.Option(help="List only tokens of this story key.")] = None,
    status: Annotated[
        str | None, typer.Option(help=f"List only these: {', '.join(tokens.TOKEN_STATUSES)}.")
    ] = None,
    limit: Limit = 25,
    after: After = None,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """List the tokens that were signed here, and those signed elsewhere that a page has shown.

    Columns are id (jti), status, story key, label, origins, who made it and last use. With --json: an
    object with `tokens`, `total` and `next`; no token's text is stored, so none is printed.
    """
    wanted_status = choose("--status", status, tokens.TOKEN_STATUSES)
    wanted = tokens.TokenFilter(search, story, wanted_status)

    async def read(services: Services) -> tokens.TokenPage:
        await sites.get_site(services, slug)
        return await tokens.list_tokens(
            services,
            await operator(services, as_name, slug),
            slug,
            wanted,
            limit=limit,
            after=after,
        )

    page = with_services(data, read)
    if as_json:
        print_json(asdict(page))
        return
    for one in page.tokens:
        label, story_key = escaped(one.label or "–"), escaped(one.story)
        by = one.by or "made elsewhere"
        used = format_time(one.last_used_at)
        origins = ", ".join(one.origins) or "not known"
        print(f"{one.jti}\t{one.status}\t{story_key}\t{label}\t{origins}\t{by}\t{used}")
    if not page.tokens:
        typer.echo("No token matches.", err=True)
    print_next(page.next)
