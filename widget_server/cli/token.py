"""`token`: sign a widget token. With it a page may show the discussion of a story."""

import re
import sys
import time
from datetime import UTC, datetime
from typing import Annotated

import typer

from widget_server.auth import origins
from widget_server.auth.tokens import story_code
from widget_server.cli.context import operator, with_services
from widget_server.cli.options import As, DataDir
from widget_server.config import load
from widget_server.model.claims import Attribution, WidgetClaims
from widget_server.model.corrections import Correction
from widget_server.model.errors import OperatorError
from widget_server.operations.owners import tokens
from widget_server.operations.owners.credit import credited
from widget_server.operations.readers import authorize
from widget_server.operations.services import Services
from widget_server.protocol.snippet import FORMS, snippet as render_snippet

UNITS = {"h": 3_600, "d": 86_400, "w": 604_800, "y": 31_557_600}
"""Seconds of each unit that `--expires` takes; a year has 365.25 days."""

app = typer.Typer(add_completion=False)


@app.command()
def token(
    site: Annotated[str, typer.Option(help="Sign for the site with this slug.")],
    story: Annotated[str, typer.Option(help="Sign for the story with this key, never a URL.")],
    origin: Annotated[
        list[str],
        typer.Option(
            help="Allow pages of https://host, https://*.host or * (any); may be given several times."
        ),
    ],
    title: Annotated[str | None, typer.Option(help="Credit the story with this title.")] = None,
    author: Annotated[str | None, typer.Option(help="Credit this author.")] = None,
    publisher: Annotated[str | None, typer.Option(help="Credit this publisher.")] = None,
    url: Annotated[str | None, typer.Option(help="Link to the story's canonical URL.")] = None,
    license_: Annotated[
        str, typer.Option("--license", help="State this licence by its SPDX id.")
    ] = "CC-BY-4.0",
    changes: Annotated[str | None, typer.Option(help="State what this copy changed.")] = None,
    label: Annotated[str | None, typer.Option(help="Name the republisher of this copy.")] = None,
    lang: Annotated[
        str | None, typer.Option(help="State the copy's language as a BCP 47 tag.")
    ] = None,
    listed: Annotated[
        bool,
        typer.Option(
            "--list", help="Let the story's page list this copy under “Read the story on”."
        ),
    ] = False,
    expires: Annotated[
        str | None,
        typer.Option(help="Let the token expire after 12h, 90d, 8w or 1y, or on 2027-01-31."),
    ] = None,
    can: Annotated[
        list[str] | None,
        typer.Option(
            help="Permit read, react or comment; may be given several times. All three by default."
        ),
    ] = None,
    jti: Annotated[
        str | None, typer.Option(help="Give the token this id, to withdraw it by.")
    ] = None,
    snippet: Annotated[
        bool, typer.Option("--snippet", help="Print the HTML to paste instead of the token.")
    ] = False,
    form: Annotated[
        str,
        typer.Option(
            help=f"With --snippet, print this form: {', '.join(FORMS)}.", show_default=True
        ),
    ] = "html",
    as_name: As = None,
    data: DataDir = None,
) -> None:
    """Sign a widget token for one story and the pages that may carry it.

    The token or snippet is printed to stdout, its id (jti) to stderr.
    """
    now = int(time.time())
    claims = WidgetClaims(
        site=site,
        story=story,
        origins=tuple(map(_parse_origin, origin)),
        iat=now,
        jti=jti or "",
        exp=None if expires is None else _parse_expiry(expires, now),
        can=tuple(can) if can else ("read", "react", "comment"),
        attribution=Attribution(url, title, author, publisher, license_),
        changes=changes,
        label=label,
        lang=lang,
        listed=listed,
    )
    if form not in FORMS:
        raise OperatorError(f"--form takes {', '.join(FORMS)}.")
    config = load(data_dir=data)

    async def mint(
        services: Services,
    ) -> tuple[tokens.Minted, WidgetClaims, tuple[Correction, ...]]:
        minted = await tokens.mint(services, await operator(services, as_name, site), claims)
        if snippet:
            # Registered now, so that the snippet's link works before the first reader opens the page.
            await authorize.register_story(services, minted.token)
            known = await services.cache.story(code)
            corrections = () if known is None else known.corrections
            return minted, await credited(services, claims), corrections
        return minted, claims, ()

    code = story_code(site, story)
    minted, shown, corrections = with_services(data, mint)
    signed = minted.token
    if snippet:
        print(render_snippet(config.base_url, code, signed, shown, form, corrections=corrections))
    else:
        print(signed)
    # To stderr, because stdout is piped into files and other commands.
    print(
        f"jti {minted.jti} (to withdraw it: widget-server site revoke {site} JTI)", file=sys.stderr
    )


def _parse_origin(text: str) -> str:
    try:
        return origins.parse_rule(text.rstrip("/"))
    except ValueError as error:
        raise OperatorError(str(error)) from None


def _parse_expiry(text: str, now: int) -> int:
    """Return the time of expiry in seconds since 1970. Raises `OperatorError`."""
    match = re.fullmatch(r"([1-9][0-9]{0,4})([hdwy])", text)
    if match is not None:
        return now + int(match[1]) * UNITS[match[2]]
    try:
        return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise OperatorError("--expires takes 12h, 90d, 8w, 1y or a date as 2027-01-31.") from None
