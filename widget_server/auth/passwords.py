"""Hash and check passwords with Argon2id, at most two at a time."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from widget_server.model.errors import TextRejectedError

MIN_LENGTH = 12
MAX_LENGTH = 200
"""Characters of a password. Longer ones only cost time."""

_hasher = PasswordHasher()
# Each hash takes 64 MiB and four threads: two at a time bound both, however many passwords arrive.
_threads = ThreadPoolExecutor(2, "passwords")
_NOBODY = (
    "$argon2id$v=19$m=65536,t=3,p=4$ehzcHLecZsgQ2JaoPJLTKw$"
    "7cbx4KNKFUYQJzWpNstZN5qp+HSqQpkWnNfdS5uV8h4"
)
"""A hash that no password has. It is checked for names without an account, which takes the same time."""


def require_good(password: str) -> None:
    """Raise `TextRejectedError` if the password is too short, too long, or one word repeated."""
    if len(password) < MIN_LENGTH:
        raise TextRejectedError(
            f"{len(password)} characters so far; it needs {MIN_LENGTH}. Four plain words do well."
        )
    if len(password) > MAX_LENGTH:
        raise TextRejectedError(f"A password has at most {MAX_LENGTH} characters.")
    if len(set(password)) < 5:
        raise TextRejectedError("This password is easy to guess. Four plain words do well.")


async def hash_password(password: str) -> str:
    """Return the Argon2id hash, in its text form."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _hasher.hash, password)


async def is_correct(stored: str | None, password: str) -> bool:
    """Return whether the password has this hash. Takes as long if `stored` is None."""
    loop = asyncio.get_running_loop()
    checked = password[: MAX_LENGTH + 1]
    correct = await loop.run_in_executor(_threads, _verify, stored or _NOBODY, checked)
    return correct and stored is not None


def needs_rehash(stored: str) -> bool:
    """Return whether the hash was made with older parameters."""
    return _hasher.check_needs_rehash(stored)


def _verify(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
