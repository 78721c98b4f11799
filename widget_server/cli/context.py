"""The rooms of a server for one verb: for commands that do what a server does, beside it or alone."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from widget_server import secrets_check
from widget_server.app import Components
from widget_server.config import load
from widget_server.operations.services import Services

T = TypeVar("T")


def with_services(data: Path | None, work: Callable[[Services], Awaitable[T]]) -> T:
    """Run a verb as the server would, beside a running server or without one."""
    config = load(data_dir=data)

    async def run() -> T:
        await secrets_check.prepare_database(config)
        components = Components(config)
        async with components.running():
            result = await work(components.services)
            # Open pages hear of it at once if a server runs, and with its next reconciliation otherwise.
            await components.bus.wait_flushed(1.0)
        return result

    return asyncio.run(run())
