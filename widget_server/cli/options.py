"""Arguments that several commands take."""

from pathlib import Path
from typing import Annotated

import typer

DataDir = Annotated[
    Path | None, typer.Option("--data", help="Data folder (DATA_DIR).", show_default=False)
]
AcceptNewSecret = Annotated[
    bool,
    typer.Option(
        "--accept-new-secret",
        help="Continue with a new secret. All tokens signed with the old one become invalid.",
    ),
]
Slug = Annotated[str, typer.Argument(metavar="SLUG", help="The site.")]
