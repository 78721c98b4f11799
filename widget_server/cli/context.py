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
from widget_server.model.errors import NotFoundError, OperatorError
from widget_server.operations.owners import stories
from widget_server.operations.owners.people import find_account, find_actor
from widget_server.operations.services import Services

T = TypeVar("T")
Site = str | Callable[[Services], Awaitable[str]] | None
"""The site on which a command acts, or a function that finds it. None: the whole server."""

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


def act(
    data: Path | None,
    as_name: str | None,
    site: Site,
    work: Callable[[Services, Actor], Awaitable[T]],
) -> T:
    """Run `work` as `with_services` does, with the actor of the command. Raises the errors of `operator`."""

    async def run(services: Services) -> T:
        return await work(services, await operator(services, as_name, site))

    return with_services(data, run)


async def operator(services: Services, as_name: str | None, site: Site) -> Actor:
    """Return who acts: the shell, or the account `as_name` on `site` (None: on the whole server).

    The shell has the rights of an owner, and so has each person who may run commands here. Raises
    `OperatorError` if there is no such account, or it has no role there.
    """
    if as_name is None:
        return shell(os_user())
    if callable(site):
        site = await site(services)
    if site is not None:
        return await find_actor(services, as_name, site, os_user())
    account = await find_account(services, as_name)
    if not account.server_owner or account.disabled_at is not None:
        raise OperatorError(f"“{account.name}” does not own this server.")
    return Actor("account", account.id, "cli", None, "owner", shell_user=os_user())


def os_user() -> str:
    """Return the name of the operating system's user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"  # a container without a user database


def site_of_story(code: str) -> Callable[[Services], Awaitable[str]]:
    """Return a function that finds the site of a story. It raises `NotFoundError`."""

    async def find(services: Services) -> str:
        return (await stories.get_story(services, code)).site

    return find


def site_of_comment(comment: str) -> Callable[[Services], Awaitable[str]]:
    """Return a function that finds the site of a comment. It raises `NotFoundError`."""

    async def find(services: Services) -> str:
        story = await services.discussions.find_story_of_comment(comment)
        if story is None:
            raise NotFoundError("There is no comment with this id.")
        return story.site

    return find
