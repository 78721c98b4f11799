"""Arguments and options that several commands take."""

from pathlib import Path
from typing import Annotated

import typer

from widget_server.model.decisions import REASONS

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="Use this data folder instead of the setting DATA_DIR.",
        show_default=False,
        readable=False,  # `secrets_check.require_readable` says what to do about it
    ),
]
AcceptNewSecret = Annotated[
    bool,
    typer.Option(
        "--accept-new-secret",
        help="Continue with a new secret. All tokens signed with the old one become invalid.",
    ),
]
Slug = Annotated[
    str,
    typer.Argument(metavar="SLUG", help="Name the site by its slug.", show_default=False),
]
Reason = Annotated[
    str | None,
    typer.Option("--reason", help="Log this reason, one of: " + ", ".join(REASONS) + "."),
]
Note = Annotated[
    str | None,
    typer.Option("--note", help="Log this note for other moderators; readers never see it."),
]
Limit = Annotated[int, typer.Option("--limit", min=1, max=500, help="List at most this many.")]
