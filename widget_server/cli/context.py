"""Run an operation in a command: with the components of a server, next to a running server or alone."""

import asyncio
import getpass
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from widget_server import secrets_check
from widget_server.app import Components
from widget_server.config import load
from widget_server.hub.readers_now import COMMAND_WAIT_S
from widget_server.model.actors import Actor, shell
from widget_server.operations.services import Services

T = TypeVar("T")

FLUSH_TIMEOUT_S = 1.0
"""Longest wait for the bus to send what the command changed."""


def with_services(data: Path | None, work: Callable[[Services], Awaitable[T]]) -> T:
    """Run `work` with the services of a server and return its result.

    `data` is the data folder; None takes the setting `DATA_DIR`. The database is created or migrated
    if it is a SQLite file. Raises `OperatorError`, and what `work` raises.
    """
    config = load(data_dir=data)

    async def run() -> T:
        await secrets_check.prepare_database(config)
        components = Components(config)
        components.hub.readers_now.wait_s = COMMAND_WAIT_S
        async with components.running():
            result = await work(components.services)
            # Open pages show the change at once if the bus carries it, else after the next reconciliation.
            await components.bus.wait_flushed(FLUSH_TIMEOUT_S)
        return result

    return asyncio.run(run())


def operator() -> Actor:
    """Return the actor of a command: the operating system's user, with the rights of an owner."""
    try:
        return shell(getpass.getuser())
    except (KeyError, OSError):
        return shell(f"uid {os.getuid()}")  # a container without a user database
