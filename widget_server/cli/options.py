"""Arguments and options that several commands take."""

from pathlib import Path
from typing import Annotated

import typer

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
