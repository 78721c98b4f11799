"""Arguments that several commands take."""

from pathlib import Path
from typing import Annotated

import typer

DataDir = Annotated[
    Path | None, typer.Option("--data", help="Data folder (DATA_DIR).", show_default=False)
]
AcceptNewSecret = Annotated[
    bool,
    typer.Option("--new-secret", help="Go on although the old secret is lost: its tokens end."),
]
Slug = Annotated[str, typer.Argument(metavar="SLUG", help="The site.")]
