"""Looks a server's parts over and says in a sentence what is wrong with each."""

import asyncio
import stat
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from redis.asyncio import Redis
from redis.exceptions import RedisError

from widget_server import secrets_check
from widget_server.auth import origins
from widget_server.bus import embedded_valkey
from widget_server.config import Config, SettingsError
from widget_server.store import checks, migrate
from widget_server.store.engine import DatabaseUnavailableError, sqlite_path
from widget_server.web.assets import STATIC

CLOCK_S = 60
"""Seconds by which several machines' clocks may differ."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One part, whether it is well, and a sentence about it."""

    name: str
    ok: bool
    message: str


async def run_checks(config: Config) -> list[CheckResult]:
    """Look at every part; nothing is changed."""
    checks: list[tuple[str, Callable[[Config], Awaitable[str]]]] = [
        ("folder", _folder),
        ("secrets", _secrets),
        ("database", _database),
        ("clock", _clock),
        ("bus", _bus),
        ("address", _address),
        ("embed", _embed),
    ]
    findings = []
    for part, check in checks:
        try:
            findings.append(CheckResult(part, True, await check(config)))
        except (SettingsError, DatabaseUnavailableError, _CheckFailedError) as problem:
            findings.append(CheckResult(part, False, str(problem)))
    return findings


class _CheckFailedError(Exception):
    """What is wrong, in a sentence."""


async def _folder(config: Config) -> str:
    if not config.data_dir.is_dir():
        return f"None yet: the first start makes {config.data_dir}."
    loose = secrets_check.loose_files(config)
    if loose:
        names = ", ".join(path.name for path in loose)
        raise _CheckFailedError(
            f"Others can read {names}. The next start closes them to all but the server."
        )
    mode = stat.S_IMODE(config.data_dir.stat().st_mode)
    if mode & 0o022:
        raise _CheckFailedError(f"Others can write to {config.data_dir}. Run `chmod 700` on it.")
    if mode & 0o077:
        return (
            f"{config.data_dir}; others can enter it, but read nothing in it. "
            "`chmod 700` keeps them out."
        )
    return f"{config.data_dir}, closed to others."


async def _clock(config: Config) -> str:
    try:
        await _database(config)
    except (DatabaseUnavailableError, _CheckFailedError):
        return "Not compared, as the database cannot be."
    path = sqlite_path(config.database)
    if path is not None and not path.exists():
        return "There is no database yet to compare it with."
    behind = await checks.seconds_behind(config.database)
    if behind > CLOCK_S:
        raise _CheckFailedError(
            f"It is {behind:,.0f} s behind the newest row. Set it by NTP: until then comments can "
            "be edited for longer, and new tokens are refused."
        )
    return "Not behind the newest row."


async def _secrets(config: Config) -> str:
    with suppress(DatabaseUnavailableError):  # which the next line is about
        await secrets_check.verify_secrets(config)
    if not config.has_secrets:
        return "None yet: the first start makes one in the data folder."
    number = len(config.secrets())
    return f"{number} in use; the newest signs." if number > 1 else "One in use."


async def _database(config: Config) -> str:
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
    await checks.seconds_behind(config.database)  # which asks for what nothing works without
    kind = "SQLite" if path is not None else "PostgreSQL"
    return f"{kind}, revision {revision}."


async def _bus(config: Config) -> str:
    if config.embeds_valkey:
        running = await asyncio.to_thread(embedded_valkey.is_ready, config.data_dir)
        state = "running" if running else "not running, as no server is"
        return f"Embedded Valkey, {state}."
    client = Redis.from_url(config.redis, socket_timeout=2, socket_connect_timeout=2)
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
            "PUBLIC_URL is not https: pages that are will not load the embed."
        ) from None
    # What a browser sends from our own pages: their readers' actions are taken by it.
    if origins.spelling(config.public_url) != config.base_url or not origins.allows(
        [rule], config.base_url
    ):
        raise _CheckFailedError(
            "PUBLIC_URL is not as browsers spell it: actions from our pages are refused."
        )
    return f"{config.public_url}; actions from the server's own pages are taken."


async def _embed(_config: Config) -> str:
    file = STATIC / "embed.js"
    if not file.is_file():
        raise _CheckFailedError("The built embed is missing from the package. Install it again.")
    return f"{file.stat().st_size:,} bytes."
