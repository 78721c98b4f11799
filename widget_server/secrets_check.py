"""Keeps the secrets and the database together: what was signed with one is worth nothing without it.

A data folder whose `secret` has vanished would get a new one on the next start, and every token on
every page would be dead, silently. So the database notes the seals of the secrets it was used
with, and is not served with others. Of several `SECRET_KEYS` one that is known is enough, and then
all of them are: that is how a secret is replaced.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

from widget_server.auth.tokens import fingerprint
from widget_server.bus import embedded_valkey
from widget_server.config import Config, SettingsError
from widget_server.store import migrate
from widget_server.store.engine import DatabaseUnavailableError, sqlite_path
from widget_server.store.queries import key_fingerprints as store

_ACCEPT_NEW_SECRET_HINT = (
    "run `widget-server migrate --accept-new-secret` to go on without those tokens."  # noqa: S105 - no password
)


def current_fingerprints(config: Config) -> frozenset[str]:
    """Those of the secrets in use; one is made on first use. Raises `SettingsError`."""
    return frozenset(map(fingerprint, config.secrets()))


async def verify_secrets(config: Config) -> None:
    """Raise `SettingsError` when the secret of this database is lost, or not among those in use.

    Nothing is changed. Raises `DatabaseUnavailableError`.
    """
    own = current_fingerprints(config) if config.has_secrets else frozenset()
    noted = await store.load(config.database)
    if noted.in_use and not own:
        raise SettingsError(
            f"{config.secret_file} is gone, with which the tokens of this database were signed. "
            f"Put it back, set SECRET_KEYS, or {_ACCEPT_NEW_SECRET_HINT}"
        )
    if noted.none_known(own):
        raise SettingsError(
            "The tokens of this database were signed with another secret than the one in use. "
            f"Put that one back (it may stand behind the new one in SECRET_KEYS), or {_ACCEPT_NEW_SECRET_HINT}"
        )


async def record_secrets(config: Config, *, alone: bool = False) -> None:
    """Note the secrets in use, and make one on first use; `alone`: those of before are forgotten.

    Raises `SettingsError` and `DatabaseUnavailableError`.
    """
    own = current_fingerprints(config)
    if alone or not own <= (await store.load(config.database)).known:
        await store.record(config.database, own, alone=alone)


def loose_files(config: Config) -> list[Path]:
    """The server's own files that other users of the machine can read or write."""
    names = ("valkey.log", embedded_valkey.SOCKET_DIR_FILE, "server.lock")
    files = [config.data_dir / name for name in names]
    path = sqlite_path(config.database)
    if path is not None:
        files += [path.with_name(path.name + end) for end in ("", "-wal", "-shm", ".made")]
    found = []
    for file in files:
        with suppress(OSError):
            seen = file.lstat()
            own = stat.S_ISREG(seen.st_mode) and seen.st_uid == os.geteuid()
            if own and seen.st_mode & 0o077:
                found.append(file)
    return found


def close_to_others(config: Config) -> None:
    """Take from others what an older version, or a hand at the folder, let them read."""
    for file in loose_files(config):
        with suppress(OSError):
            file.chmod(0o600)


async def prepare_database(config: Config) -> None:
    """Have a database that can be served with the secrets in use, or say what an operator has to do.

    A SQLite file is made and brought up to date; of a PostgreSQL database the tables are only
    looked at. Raises `SettingsError` and `DatabaseUnavailableError`.
    """
    await verify_secrets(config)
    close_to_others(config)
    if sqlite_path(config.database) is not None:
        await migrate.upgrade(config.database)
    elif migrate.is_older(await migrate.revision(config.database)):
        raise DatabaseUnavailableError(
            "The database is not up to date. Run `widget-server migrate` first."
        )
    await record_secrets(config)
