"""Passkeys (WebAuthn): what the browser is asked, and the check of what it answers.

`webauthn` is imported at the first use of a passkey: it takes 0.3 s and 15 MB, and most processes never need it.

A challenge signs itself: time, random bytes and a keyed hash of both. So nothing is stored until an
answer is right, and then its hash is stored as used.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson
from itsdangerous import BadData
from itsdangerous.encoding import base64_decode, base64_encode

from widget_server.model.errors import MalformedError

CHALLENGE_S = 300
"""Seconds in which a challenge must be answered."""
NAME = "Story widget"
_MAX_ANSWER = 20_000


@dataclass(frozen=True, slots=True)
class VerifiedPasskey:
    """A verified answer: the credential, its key and counter, and the challenge's hash."""

    id: str
    public_key: str
    sign_count: int
    challenge: str


class PasskeyVerifier:
    """Makes challenges and checks answers. The relying party is the host of `origin`."""

    def __init__(self, secret: str, origin: str) -> None:
        self._key = hmac.digest(secret.encode(), b"people:challenge", hashlib.sha256)
        self.origin = origin
        self.rp_id = urlsplit(origin).hostname or "localhost"

    def registration_options(
        self, account: str, name: str, known: Sequence[str], now: float
    ) -> dict[str, Any]:
        """Return the options of `navigator.credentials.create` for an account, as JSON."""
        import webauthn
        from webauthn.helpers.structs import (
            AuthenticatorSelectionCriteria,
            PublicKeyCredentialDescriptor,
            ResidentKeyRequirement,
            UserVerificationRequirement,
        )

        options = webauthn.generate_registration_options(
            rp_id=self.rp_id,
            rp_name=NAME,
            user_name=name,
            user_id=account.encode(),
            challenge=self._challenge(now),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[
                PublicKeyCredentialDescriptor(id=base64_decode(one)) for one in known
            ],
        )
        found: dict[str, Any] = orjson.loads(webauthn.options_to_json(options))
        return found

    def sign_in_options(self, now: float) -> dict[str, Any]:
        """Return the options of `navigator.credentials.get` for any account, as JSON."""
        return {
            "challenge": base64_encode(self._challenge(now)).decode(),
            "timeout": CHALLENGE_S * 1000,
            "rpId": self.rp_id,
            "allowCredentials": [],
            "userVerification": "required",
        }

    def verify_registration(self, answer: str, now: float) -> VerifiedPasskey:
        """Return the new passkey. Raises `MalformedError`."""
        import webauthn
        from webauthn.helpers.exceptions import WebAuthnException

        credential, challenge = self._parse(answer, now)
        try:
            verified = webauthn.verify_registration_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self.rp_id,
                expected_origin=self.origin,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError):
            raise _refused() from None
        return VerifiedPasskey(
            base64_encode(verified.credential_id).decode(),
            base64_encode(verified.credential_public_key).decode(),
            verified.sign_count,
            hashlib.sha256(challenge).hexdigest(),
        )

    def credential_id(self, answer: str) -> str:
        """Return the id of the credential that an answer names, before its check. Raises `MalformedError`."""
        identifier = _load(answer).get("id")
        if not isinstance(identifier, str):
            raise _refused()
        return identifier

    def verify_sign_in(
        self, answer: str, public_key: str, sign_count: int, now: float
    ) -> VerifiedPasskey:
        """Return the passkey with its new counter. Raises `MalformedError`."""
        import webauthn
        from webauthn.helpers.exceptions import WebAuthnException

        credential, challenge = self._parse(answer, now)
        try:
            verified = webauthn.verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self.rp_id,
                expected_origin=self.origin,
                credential_public_key=base64_decode(public_key),
                credential_current_sign_count=sign_count,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError):
            raise _refused() from None
        return VerifiedPasskey(
            base64_encode(verified.credential_id).decode(),
            public_key,
            verified.new_sign_count,
            hashlib.sha256(challenge).hexdigest(),
        )

    def _challenge(self, now: float) -> bytes:
        plain = int(now).to_bytes(8, "big") + secrets.token_bytes(16)
        return plain + hmac.digest(self._key, plain, "sha256")[:16]

    def _parse(self, answer: str, now: float) -> tuple[dict[str, Any], bytes]:
        """Return the answer, and the challenge in it if this server made it recently."""
        credential = _load(answer)
        try:
            client = orjson.loads(base64_decode(credential["response"]["clientDataJSON"]))
            challenge = base64_decode(client["challenge"])
        except (BadData, ValueError, KeyError, TypeError):
            raise _refused() from None
        plain, tag = challenge[:24], challenge[24:]
        expected = hmac.digest(self._key, plain, "sha256")[:16]
        made = int.from_bytes(plain[:8], "big")
        if not hmac.compare_digest(tag, expected) or not 0 <= now - made <= CHALLENGE_S:
            raise MalformedError("This took too long. Try again.")
        return credential, challenge


def _load(answer: str) -> dict[str, Any]:
    try:
        credential = orjson.loads(answer) if len(answer) <= _MAX_ANSWER else None
    except orjson.JSONDecodeError:
        credential = None
    if not isinstance(credential, dict):
        raise _refused()
    return credential


def _refused() -> MalformedError:
    return MalformedError("This passkey was not accepted. Try again, or use your password.")
