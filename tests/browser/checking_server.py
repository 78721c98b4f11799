"""Run `widget-server` so that it may read pages of one web server on the loopback, and nothing else.

The server itself has no such setting: its rules refuse every private address. `CHECKED_PORT` is the port of
pages that it reads by the name `page.example`.
"""

import ipaddress
import os
from collections.abc import Collection

from widget_server.cli import main as cli
from widget_server.operations.publishing.fetch import Fetcher

LOOPBACK = "127.0.0.1"


async def _resolve(host: str, _port: int) -> Collection[str]:
    if host != "page.example":
        raise OSError("no such name")
    return [LOOPBACK]


if __name__ == "__main__":
    allowed = ipaddress.ip_address(LOOPBACK)
    defaults = Fetcher.__init__.__kwdefaults__
    assert defaults is not None
    defaults["resolver"] = _resolve
    defaults["permits"] = lambda address: address == allowed
    defaults["ports"] = {int(os.environ["CHECKED_PORT"])}
    defaults["seconds"] = 20.0
    cli.main()
