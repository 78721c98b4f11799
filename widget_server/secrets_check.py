"""Check that the signing secrets match the database. Tokens signed with a lost secret are invalid.

If the data folder's `secret` is lost, the next start would create a new one, and every token on every
page would be invalid without an error. So the database records the fingerprints of the secrets that
it was used with, and the server does not start with other secrets. If one of several
`SECRET_KEYS` is recorded, the server starts and records all of them. An operator replaces a secret in
this way.
"""

import os
import stat
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from widget_server.auth.tokens import fingerprint
from widget_server.bus import embedded_valkey
from widget_server.config import Config
from widget_server.model.errors import SettingsError, os_errors_to_operator_errors
from widget_server.store import migrate
from widget_server.store.engine import DatabaseUnavailableError, sqlite_path
from widget_server.store.queries import key_fingerprints as store

_ACCEPT_NEW_SECRET_HINT = (
    "run `widget-server migrate --accept-new-secret` to go on without those tokens."  # noqa: S105 - a hint, not a password
)


def current_fingerprints(config: Config) -> frozenset[str]:
    """Return the fingerprints of the secrets in use; create a secret at first use. Raises `OperatorError`."""
    return frozenset(map(fingerprint, config.secrets()))


def create_data_dir(config: Config) -> None:
    """Create the data folder for its owner only, unless it exists. Raises `OperatorError`."""
    with _data_dir_errors(config):
        config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)


def require_readable(config: Config) -> None:
    """Raise `OperatorError` if the data folder or the folder of the SQLite file cannot be read."""
    with _data_dir_errors(config):
        config.secret_file.exists()
        path = sqlite_path(config.database)
        if path is not None:
            path.exists()


def _data_dir_errors(config: Config) -> AbstractContextManager[None]:
    return os_errors_to_operator_errors(
        f"The data folder {config.data_dir} cannot be used",
        "Choose another with --data or DATA_DIR, or change its permissions.",
    )


async def verify_secrets(config: Config) -> None:
    """Raise `SettingsError` if the secret of this database is lost, or is not one of those in use.

    Changes nothing. Also raises `OperatorError` and `DatabaseUnavailableError`.
    """
    require_readable(config)
    current = current_fingerprints(config) if config.has_secrets else frozenset()
    recorded = await store.load(config.database)
    if recorded.in_use and not current:
        raise SettingsError(
            f"{config.secret_file} is gone. The tokens of this database were signed with it. "
            f"Put it back, set SECRET_KEYS, or {_ACCEPT_NEW_SECRET_HINT}"
        )
    if recorded.has_none_of(current):
        raise SettingsError(
            "The tokens of this database were signed with another secret than the one in use. "
            f"Put that one back (in SECRET_KEYS, it may follow the new one), or {_ACCEPT_NEW_SECRET_HINT}"
        )


async def record_secrets(config: Config, *, alone: bool = False) -> None:
    """Record the fingerprints of the secrets in use; create a secret at first use.

    If `alone`, all other fingerprints are deleted. Raises `OperatorError` and
    `DatabaseUnavailableError`.
    """
    current = current_fingerprints(config)
    if alone or not current <= (await store.load(config.database)).known:
        await store.record(config.database, current, alone=alone)


def find_exposed_files(config: Config) -> list[Path]:
    """Return the server's files that other users of the machine can read or write."""
    names = ("valkey.log", embedded_valkey.SOCKET_DIR_FILE, "server.lock")
    files = [config.data_dir / name for name in names]
    path = sqlite_path(config.database)
    if path is not None:
        files += [path.with_name(path.name + end) for end in ("", "-wal", "-shm", ".made")]
    exposed = []
    for file in files:
        with suppress(OSError):
            status = file.lstat()
            is_own = stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()
            if is_own and status.st_mode & 0o077:
                exposed.append(file)
    return exposed


def make_files_private(config: Config) -> None:
    """Set mode 0600 on the server's files, which an older version or the operator left readable."""
    for file in find_exposed_files(config):
        with suppress(OSError):
            file.chmod(0o600)


async def prepare_database(config: Config) -> None:
    """Check that the secrets in use belong to the database, make its files private, and migrate it.

    A SQLite file is created or migrated. A PostgreSQL database is only checked, because several servers
    may use it. Raises `OperatorError`, `SettingsError` and `DatabaseUnavailableError`.
    """
    await verify_secrets(config)
    make_files_private(config)
    if sqlite_path(config.database) is not None:
        await migrate.upgrade(config.database)
    elif migrate.is_older(await migrate.revision(config.database)):
        raise DatabaseUnavailableError(
            "The database is not up to date. Run `widget-server migrate` first."
        )
    await record_secrets(config)
