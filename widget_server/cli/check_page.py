"""`copy check`: read the page of a copy now, and say what to change on it."""

from dataclasses import asdict
from typing import Annotated

import typer

from widget_server.cli.context import act
from widget_server.cli.options import As, DataDir, Slug, format_time
from widget_server.cli.output import JsonOutput, print_json
from widget_server.content.visibility import escaped
from widget_server.model.actors import Actor
from widget_server.model.errors import OperatorError
from widget_server.model.page_check import PageCheck
from widget_server.operations.publishing import check_page
from widget_server.operations.services import Services
from widget_server.web.pages.translate import Translator


def copy_check(
    slug: Slug,
    copy: Annotated[
        int | None,
        typer.Argument(
            metavar="[ID]", help="Check the page of this copy, by its id of `copy list`."
        ),
    ] = None,
    story: Annotated[
        str | None, typer.Option(help="Check --page for the story with this code.")
    ] = None,
    page: Annotated[
        str | None, typer.Option(help="Check the page at this address, with --story.")
    ] = None,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Read the page of a copy now, and print what to change on it, with the lines to paste.

    Name a copy, or --story and --page. With --json: an object with `story`, `page` and `findings`. Exit
    status 1 if something is to be changed.
    """
    if (copy is None) == (story is None) or (story is None) != (page is None):
        raise OperatorError("Name the copy by its id, or a page with --story and --page.")

    async def check(services: Services, by: Actor) -> PageCheck:
        if copy is not None:
            return await check_page.check_copy(services, by, slug, copy)
        return await check_page.check_address(services, by, slug, story or "", page or "")

    found = act(data, as_name, slug, check)
    if as_json:
        print_json(asdict(found))
    else:
        _print_findings(found)
    if found.faults:
        raise typer.Exit(1)


def _print_findings(found: PageCheck) -> None:
    t = Translator("en")
    for one in found.findings:
        when = format_time(one.version_at) if one.version_at is not None else ""
        print(f"{one.state}: {t(f'chk_{one.code}', version=one.version, when=when)}")
        for words in one.missing:
            print(f"  - {escaped(words)}")
        for words in one.outdated:
            print(f"  + {escaped(words)}")
        if one.line:
            for line in one.line.split("\n"):
                print(f"    {escaped(line)}")
