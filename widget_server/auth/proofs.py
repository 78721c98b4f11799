"""Proofs of work: challenges in the format of ALTCHA (version 1, SHA-256), signed for one story.

The client looks for the number whose decimal digits behind `salt` have the hash `challenge`. The server
that checks the proof needs no memory of the challenge: its signature shows that this server made it for this
story, and the salt says until when it is valid. The caller accepts each challenge once.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Any, Protocol

import orjson

LIFETIME_S = 600
"""Seconds for which a challenge can be answered."""
NUMBERS = range(100_000, 300_001)
"""Range of the number that solves a challenge. A slow phone tries about 100,000 in a second."""
_SALT_BYTES = 9
_FIELDS = ("algorithm", "challenge", "salt", "signature")


class RandomNumbers(Protocol):
    """Draws one of some numbers."""

    def __call__(self, numbers: Sequence[int], /) -> int:
        """Return one of the numbers."""


class ProofIssuer:
    """Makes challenges and checks their solutions. `secrets` are the server's, the newest first."""

    __slots__ = ("_choose", "_secrets")

    def __init__(self, secret_keys: Sequence[str], choose: RandomNumbers = secrets.choice) -> None:
        self._secrets = tuple(secret_keys)
        self._choose = choose

    def challenge(self, story: str, now: float) -> dict[str, Any]:
        """Return a challenge for a story (its code), which is valid for ten minutes."""
        # The last sign keeps digits of the number from becoming digits of the time.
        salt = f"{secrets.token_hex(_SALT_BYTES)}?expires={int(now) + LIFETIME_S}&"
        number = self._choose(NUMBERS)
        challenge = hashlib.sha256(f"{salt}{number}".encode()).hexdigest()
        return {
            "algorithm": "SHA-256",
            "challenge": challenge,
            "maxnumber": NUMBERS[-1],
            "salt": salt,
            "signature": _sign(self._secrets[0], story, challenge),
        }

    def check(self, proof: str, story: str, now: float) -> str | None:
        """Return the challenge that the proof solves, or None if it is wrong, too old or of another story."""
        try:
            sent = orjson.loads(base64.b64decode(proof, validate=True))
        except ValueError:
            return None
        if not isinstance(sent, dict) or type(sent.get("number")) is not int:
            return None
        algorithm, challenge, salt, signature = (_ascii(sent.get(name)) for name in _FIELDS)
        number = sent["number"]
        if algorithm != "SHA-256" or number not in NUMBERS or not salt.endswith("&"):
            return None
        signatures = [_sign(secret, story, challenge) for secret in self._secrets]
        if not any(hmac.compare_digest(one, signature) for one in signatures):
            return None
        solved = hashlib.sha256(f"{salt}{number}".encode()).hexdigest()
        if not hmac.compare_digest(solved, challenge) or now >= _expires(salt):
            return None
        return challenge


def _ascii(value: object) -> str:
    """Return the text, or the empty text for anything else."""
    return value if isinstance(value, str) and value.isascii() else ""


def _sign(secret: str, story: str, challenge: str) -> str:
    return hmac.new(proof_key(secret, story), challenge.encode(), hashlib.sha256).hexdigest()


def proof_key(secret: str, story: str) -> bytes:
    """Return the key that signs the challenges of one story."""
    return hmac.digest(secret.encode(), f"proof\n{story}".encode(), "sha256")


def _expires(salt: str) -> int:
    _, _, parameters = salt.partition("?expires=")
    digits = parameters.removesuffix("&")
    return int(digits) if digits.isdecimal() and len(digits) <= 12 else 0
