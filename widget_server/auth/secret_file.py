"""The file of the signing secret in the data folder, created at the first start."""

import contextlib
import os
import secrets
import stat
from pathlib import Path

from widget_server.auth import secret_strength
from widget_server.model.errors import SettingsError, os_errors_to_operator_errors
from widget_server.model.limits import MIN_SECRET_LENGTH

MAKE_SECRET = "openssl rand -base64 32"  # noqa: S105 - a command, not a secret


def exists(path: Path) -> bool:
    """Whether there is a secret. Raises `OperatorError` if its folder cannot be read."""
    with _operator_errors(path):
        return path.exists()


def read_or_create(path: Path) -> str:
    """Return the secret in the file. If there is no file, create it with mode 0600.

    Raises `OperatorError` if the file cannot be read or created, and `SettingsError` if the secret is
    missing, too short, weak or readable by other users.
    """
    with _operator_errors(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _create(path)
        mode = stat.S_IMODE(path.stat().st_mode)
        secret = path.read_text("utf-8", errors="replace").strip()
    if mode & 0o077:
        raise SettingsError(f"{path} can be read by others. Run `chmod 600` on it.")
    if len(secret) < MIN_SECRET_LENGTH:
        raise SettingsError(f"{path} holds no secret. Restore it, or set SECRET_KEYS.")
    if (weakness := secret_strength.find_weakness(secret)) is not None:
        raise SettingsError(
            f"{path} holds a secret that {weakness}. Restore it, or set SECRET_KEYS; "
            f"`{MAKE_SECRET}` makes a good one."
        )
    return secret


def _operator_errors(path: Path) -> contextlib.AbstractContextManager[None]:
    return os_errors_to_operator_errors(
        f"The secret {path} cannot be read or made",
        "Choose a folder that this user can write to with --data, or set SECRET_KEYS.",
    )


def _create(path: Path) -> None:
    """Write a new secret to a temporary file, then link it to `path`.

    Another command may read `path` at the same time; it finds a whole secret or none.
    """
    part = path.with_name(f".secret-{secrets.token_hex(4)}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(32) + "\n")
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        path.hardlink_to(part)
    part.unlink()
