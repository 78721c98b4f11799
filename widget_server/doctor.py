"""Checks of the parts of a server. Each gives one sentence: the state, or what is wrong and what to do."""

import asyncio
import os
import stat
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.exceptions import RedisError

from widget_server import secrets_check
from widget_server.auth import origins
from widget_server.bus import embedded_valkey
from widget_server.config import Config
from widget_server.model.errors import OperatorError
from widget_server.store import checks, migrate
from widget_server.store.engine import DatabaseUnavailableError, sqlite_path
from widget_server.web.assets import STATIC

CLOCK_TOLERANCE_S = 60
"""Seconds that this machine's clock may be behind the newest row, as several machines' clocks differ."""

BUS_TIMEOUT_S = 2
"""Seconds to wait for Valkey or Redis: the operator is waiting, and a bus this slow is of no use."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Result of one check. `message` is one sentence for the operator."""

    name: str
    ok: bool
    message: str


async def run_checks(config: Config) -> list[CheckResult]:
    """Run all checks, in a fixed order, and return their results. Changes nothing."""
    all_checks: list[tuple[str, Callable[[Config], Awaitable[str]]]] = [
        ("folder", _folder),
        ("secrets", _secrets),
        ("database", _database),
        ("clock", _clock),
        ("bus", _bus),
        ("address", _address),
        ("people", _people),
        ("embed", _embed),
    ]
    results = []
    for name, check in all_checks:
        try:
            results.append(CheckResult(name, True, await check(config)))
        except (OperatorError, _CheckFailedError) as error:
            results.append(CheckResult(name, False, str(error)))
    return results


class _CheckFailedError(Exception):
    """A check failed; the message is one sentence that says why and what to do."""


async def _folder(config: Config) -> str:
    secrets_check.require_readable(config)
    folder = config.data_dir
    if not folder.exists():
        parent = next(parent for parent in folder.absolute().parents if parent.exists())
        _require_writable(parent)
        return f"None yet: the first start makes {folder}."
    _require_writable(folder)
    exposed = secrets_check.find_exposed_files(config)
    if exposed:
        names = ", ".join(path.name for path in exposed)
        raise _CheckFailedError(
            f"Others can read {names}. The next start closes them to all but the server."
        )
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & 0o022:
        raise _CheckFailedError(f"Others can write to {folder}. Run `chmod 700` on it.")
    if mode & 0o077:
        return (
            f"{folder}; others can enter it, but cannot read its files. "
            "`chmod 700` closes it to others."
        )
    return f"{folder}, closed to others."


def _require_writable(folder: Path) -> None:
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise _CheckFailedError(
            f"{folder} is not a folder that this user can write to. "
            "Choose another with --data or DATA_DIR."
        )


async def _clock(config: Config) -> str:
    try:
        await _database(config)
    except (OperatorError, _CheckFailedError):
        return "Not compared, because the database cannot be read."
    path = sqlite_path(config.database)
    if path is not None and not path.exists():
        return "Not compared, because there is no database yet."
    behind_s = await checks.seconds_behind(config.database)
    if behind_s > CLOCK_TOLERANCE_S:
        raise _CheckFailedError(
            f"It is {behind_s:,.0f} s behind the newest row. Set it by NTP: until then comments can "
            "be edited for longer, and new tokens are rejected."
        )
    return "Not behind the newest row."


async def _secrets(config: Config) -> str:
    with suppress(DatabaseUnavailableError):  # the check `database` reports it
        await secrets_check.verify_secrets(config)
    if not config.has_secrets:
        return "None yet: the first start makes one in the data folder."
    number = len(config.secrets())
    return f"{number} in use; the newest signs." if number > 1 else "One in use."


async def _database(config: Config) -> str:
    secrets_check.require_readable(config)
    path = sqlite_path(config.database)
    migrate.require_existing(config.database)
    if path is not None and not path.exists():
        return f"None yet: the first start makes {path}."
    revision = await migrate.revision(config.database)
    if revision is None or migrate.is_older(revision):
        raise _CheckFailedError(
            f"It is at revision {revision or 'none'}. Run `widget-server migrate`."
        )
    if path is not None:
        fault = await migrate.integrity_error(config.database)
        if fault is not None:
            raise _CheckFailedError(
                f"The database file is damaged ({fault}). Stop the server, move it away, and restore a backup."
            )
    await checks.seconds_behind(config.database)  # fails if the row `epoch` is lost
    kind = "SQLite" if path is not None else "PostgreSQL"
    return f"{kind}, revision {revision}."


async def _bus(config: Config) -> str:
    if config.embeds_valkey:
        running = await asyncio.to_thread(embedded_valkey.is_ready, config.data_dir)
        state = "running" if running else "not running, because no server is"
        return f"Embedded Valkey, {state}."
    client = Redis.from_url(
        config.redis, socket_timeout=BUS_TIMEOUT_S, socket_connect_timeout=BUS_TIMEOUT_S
    )
    try:
        await client.ping()
    except (RedisError, OSError, TimeoutError) as error:
        raise _CheckFailedError(f"REDIS_URL does not answer ({type(error).__name__}).") from None
    finally:
        await client.aclose()
    return "REDIS_URL answers."


async def _address(config: Config) -> str:
    if not config.public_url:
        return f"{config.base_url} (set PUBLIC_URL to where readers reach this server)."
    try:
        rule = origins.parse_rule(config.public_url)
    except ValueError:
        raise _CheckFailedError(
            "PUBLIC_URL is not https. Browsers do not load the embed from it on https pages."
        ) from None
    # Browsers send this origin from the server's own pages, and actions are accepted by it.
    if origins.origin_of_url(config.public_url) != config.base_url or not origins.allows(
        [rule], config.base_url
    ):
        raise _CheckFailedError(
            "PUBLIC_URL is not as browsers spell it: actions from the server's pages are rejected."
        )
    return f"{config.public_url}; actions from the server's own pages are accepted."


async def _people(config: Config) -> str:
    try:
        await _database(config)
    except (OperatorError, _CheckFailedError):
        return "Not counted, because the database cannot be read."
    path = sqlite_path(config.database)
    if path is not None and not path.exists():
        return (
            "None yet. `widget-server people invite --owner` prints a link for the first account."
        )
    found = await checks.count_people(config.database)
    if not found.owners:
        sites = f"Nobody (sites: {found.sites})" if found.sites else "Nobody"
        return f"{sites} can sign in to the dashboard. Run `widget-server people invite --owner`."
    host = urlsplit(config.admin_origin).hostname
    if found.passkeys and not config.public_url and not config.admin_url:
        return f"Passkeys work at {host} only; they end when PUBLIC_URL names another host."
    return f"{found.owners} can sign in as owner; passkeys belong to the host {host}."


async def _embed(_config: Config) -> str:
    file = STATIC / "embed.js"
    if not file.is_file():
        raise _CheckFailedError("The built embed is missing from the package. Install it again.")
    return f"{file.stat().st_size:,} bytes."
