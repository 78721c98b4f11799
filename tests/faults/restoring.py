"""`widget-server restore` in a process that is forked from one that has imported everything."""

import os
import sys
from pathlib import Path

from widget_server.cli import main as cli


def main(url: str, file: Path, secret: str, folder: Path) -> None:
    """Restore; what the command says is thrown away, its status is the process's."""
    os.environ.update(DATABASE_URL=url, SECRET_KEYS=secret, DATA_DIR=str(folder))
    with Path(os.devnull).open("w") as nowhere:
        sys.stdout = sys.stderr = nowhere
        sys.argv = ["widget-server", "restore", str(file)]
        cli.main()
