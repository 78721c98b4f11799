"""`widget-server restore` as a process, forked from a process with all modules imported."""

import os
import sys
from pathlib import Path

from widget_server.cli import main as cli


def main(url: str, file: Path, secret: str, folder: Path) -> None:
    """Run the command without output and exit with its status."""
    os.environ.update(DATABASE_URL=url, SECRET_KEYS=secret, DATA_DIR=str(folder))
    with Path(os.devnull).open("w") as nowhere:
        sys.stdout = sys.stderr = nowhere
        sys.argv = ["widget-server", "restore", str(file)]
        cli.main()
