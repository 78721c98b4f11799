"""Run `widget-server` with another build of the embed. `OTHER_BUILD` is its folder of static files."""

import os
from pathlib import Path

from widget_server.cli import main as cli
from widget_server.web import assets

if __name__ == "__main__":
    assets.STATIC = Path(os.environ["OTHER_BUILD"])
    cli.main()
