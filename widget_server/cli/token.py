"""`token`: what lets a page carry a story."""

import hashlib
import re
import sys
import time
from datetime import UTC, datetime
from typing import Annotated

import typer

from widget_server.auth import origins
from widget_server.auth.tokens import story_code
from widget_server.cli.context import with_services
from widget_server.cli.options import DataDir
from widget_server.config import load
from widget_server.model.claims import Attribution, WidgetClaims
from widget_server.operations.owners import sites
from widget_server.operations.readers import authorize
from widget_server.operations.services import Services
from widget_server.protocol.snippet import FORMS, snippet as draw_snippet

UNITS = {"h": 3_600, "d": 86_400, "w": 604_800, "y": 31_557_600}

app = typer.Typer(add_completion=False)


@app.command()
def token(
    site: Annotated[str, typer.Option(help="The site's slug.")],
    story: Annotated[str, typer.Option(help="The story's key; never a URL.")],
    origin: Annotated[list[str], typer.Option(help="https://host, https://*.host or *; repeat.")],
    title: Annotated[str | None, typer.Option()] = None,
    author: Annotated[str | None, typer.Option()] = None,
    publisher: Annotated[str | None, typer.Option()] = None,
    url: Annotated[str | None, typer.Option(help="The story's canonical URL.")] = None,
    license_: Annotated[str, typer.Option("--license", help="SPDX id.")] = "CC-BY-4.0",
    changes: Annotated[str | None, typer.Option(help="What this copy changed.")] = None,
    label: Annotated[str | None, typer.Option(help="The republisher's name.")] = None,
    lang: Annotated[str | None, typer.Option(help="The copy's language (BCP 47).")] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="The story's page may list the copy.")
    ] = False,
    expires: Annotated[str | None, typer.Option(help="90d, 12h, 1y or 2027-01-31.")] = None,
    can: Annotated[list[str] | None, typer.Option(help="read, react, comment; repeat.")] = None,
    jti: Annotated[str | None, typer.Option(help="A handle of your own to withdraw it by.")] = None,
    snippet: Annotated[bool, typer.Option("--snippet", help="Print the HTML to paste.")] = False,
    form: Annotated[
        str, typer.Option(help=f"With --snippet: {', '.join(FORMS)}.", show_default=True)
    ] = "html",
    data: DataDir = None,
) -> None:
    """Sign a widget token for one story and the pages that may carry it."""
    now = int(time.time())
    claims = WidgetClaims(
        site=site,
        story=story,
        origins=tuple(origins.parse_rule(rule.rstrip("/")) for rule in origin),
        iat=now,
        jti=jti or "",
        exp=None if expires is None else _expiry(expires, now),
        can=tuple(can) if can else ("read", "react", "comment"),
        attribution=Attribution(url, title, author, publisher, license_),
        changes=changes,
        label=label,
        lang=lang,
        listed=listed,
    )
    if form not in FORMS:
        raise ValueError(f"--form takes {', '.join(FORMS)}.")
    config = load(data_dir=data)

    async def mint(services: Services) -> str:
        signed = await sites.mint(services, claims)
        if snippet:
            # Known from now on, so that the link in the snippet leads somewhere at once.
            await authorize.register_story(services, signed)
        return signed

    signed = with_services(data, mint)
    code = story_code(site, story)
    print(draw_snippet(config.base_url, code, signed, claims, form) if snippet else signed)
    # Not among what is piped on.
    handle = jti or hashlib.sha256(signed.encode()).hexdigest()
    print(f"jti {handle} (to withdraw it: widget-server site revoke {site} JTI)", file=sys.stderr)


def _expiry(text: str, now: int) -> int:
    match = re.fullmatch(r"([1-9][0-9]{0,4})([hdwy])", text)
    if match is not None:
        return now + int(match[1]) * UNITS[match[2]]
    try:
        return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise ValueError("--expires takes 12h, 90d, 8w, 1y or a date as 2027-01-31.") from None
