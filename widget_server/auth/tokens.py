"""Tokens: `<type>.<site>.<generation>.<payload>.<signature>`, signed with `itsdangerous.Signer`.

Type, site and generation are plain text, so the server chooses the key before it decodes anything.
It checks the signature before it parses the payload, and never decompresses. Each token has exactly
one spelling. `docs/users/tokens.md` describes the format for publishers; `auth/claims.py` checks the
payloads.
"""

import hashlib
import hmac
import re
import secrets as randomness
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from itsdangerous import BadData, Signer
from itsdangerous.encoding import base64_decode, base64_encode

from widget_server.auth import claims as schema
from widget_server.model.claims import IdentityClaims, ReaderClaims, WidgetClaims
from widget_server.model.errors import TokenExpiredError, TokenInvalidError
from widget_server.model.identifiers import SITE_SLUG
from widget_server.model.limits import MAX_TOKEN_LENGTH, MIN_SECRET_LENGTH

Kind = Literal["w1", "r1", "i1"]

SALTS: dict[str, bytes] = {"w1": b"widget-token", "r1": b"reader", "i1": b"identity"}
"""The salt of each type: a signature for one type is invalid for every other type."""

_SHAPE = re.compile(
    rf"(?P<type>w1|r1|i1)\.(?P<site>{SITE_SLUG.pattern})\.(?P<generation>0|[1-9][0-9]{{0,8}})"
    r"\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}"
)
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CODE_DIGITS = 43
_CODE_LENGTH = 12
_CODE_DISCARDED = 62 ** (_CODE_DIGITS - _CODE_LENGTH)


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """The plain-text parts of a token before verification. Use them only to look up the site."""

    type: str
    site: str
    generation: int
    token: str


def parse_unverified(token: str) -> UnverifiedToken:
    """Read type, site and generation from a token's text. Decode nothing and trust nothing.

    Raises TokenInvalidError for a text that `mint` cannot have made.
    """
    match = _SHAPE.fullmatch(token) if len(token) <= MAX_TOKEN_LENGTH else None
    if match is None:
        raise TokenInvalidError
    return UnverifiedToken(match["type"], match["site"], int(match["generation"]), token)


def story_code(site: str, key: str) -> str:
    """Return the story's public code: 12 base62 digits. Publishers can compute it themselves."""
    number = int.from_bytes(hashlib.sha256(f"{site}/{key}".encode()).digest(), "big")
    # The hash has 43 base62 digits. The code is the first 12.
    number //= _CODE_DISCARDED
    digits = ""
    for _ in range(_CODE_LENGTH):
        number, digit = divmod(number, 62)
        digits = _BASE62[digit] + digits
    return digits


def new_rid() -> str:
    """Return a random reader id: 128 bits in hex."""
    return randomness.token_hex(16)


def mint(key: str, kind: Kind, site: str, generation: int, payload: dict[str, Any]) -> str:
    """Sign a payload. `key` is the site key in hex (`w1`, `i1`) or a server secret (`r1`).

    Raises ValueError if no server would accept the token: an invalid slug, or too many characters.
    """
    if SITE_SLUG.fullmatch(site) is None:
        raise ValueError("A site's slug is 1 to 40 of a-z, 0-9 and -, and starts with no -.")
    body = base64_encode(orjson.dumps(payload)).decode()
    token = _signer(kind, [key]).sign(f"{kind}.{site}.{generation}.{body}").decode()
    if len(token) > MAX_TOKEN_LENGTH:
        raise ValueError(
            f"The token would be longer than {MAX_TOKEN_LENGTH:,} characters. Shorten its claims."
        )
    return token


def mint_widget(key: str, site: str, generation: int, claims: WidgetClaims) -> str:
    """Return a widget token with these claims.

    An empty `jti` is omitted; the token's own hash is then its id. Raises ValueError, with a
    sentence for the operator, for claims that no server would accept.
    """
    payload = schema.widget_payload(claims)
    schema.parse_widget_claims(site, payload, jti="unset", now=claims.iat)
    return mint(key, "w1", site, generation, payload)


class Keyring:
    """The server's secrets, newest first, and every key derived from them.

    Only the newest secret signs, and only its site keys are printed. Tokens that were signed with an
    older secret of the list remain valid.
    """

    __slots__ = ("_secrets",)

    def __init__(self, secrets: Sequence[str]) -> None:
        # A plain string is also a sequence: of secrets that are one character long.
        if isinstance(secrets, str) or not secrets:
            raise ValueError("Give a list of at least one secret key, the newest first.")
        if any(len(secret) < MIN_SECRET_LENGTH for secret in secrets):
            raise ValueError(
                f"Each secret key must be at least {MIN_SECRET_LENGTH} characters long."
            )
        self._secrets = tuple(secrets)

    def site_key(self, site: str, generation: int) -> str:
        """Return the key, in hex, with which a publisher signs. It is derived and never stored."""
        return _site_key(self._secrets[0], site, generation)

    def widget_key(self, site: str, generation: int) -> str:
        """Return the key, in hex, that signs widget tokens and nothing else, for programs of a publisher."""
        site_key = self.site_key(site, generation).encode()
        return hmac.new(site_key, SALTS["w1"], hashlib.sha256).hexdigest()

    def verify_widget(
        self, unverified: UnverifiedToken, oldest: int, newest: int, now: float
    ) -> WidgetClaims:
        """Return the claims of a widget token. The site accepts generations `oldest..newest`.

        The caller checks expiry and revocation, because an expired token still permits reading.
        `now` is in seconds since 1970. Raises TokenInvalidError.
        """
        payload = self._site_payload(unverified, "w1", oldest, newest)
        jti = hashlib.sha256(unverified.token.encode()).hexdigest()
        try:
            return schema.parse_widget_claims(unverified.site, payload, jti=jti, now=now)
        except ValueError as error:
            raise TokenInvalidError(str(error)) from None

    def verify_identity(
        self, unverified: UnverifiedToken, oldest: int, newest: int, now: float
    ) -> IdentityClaims:
        """Return the claims of an identity token that is valid at `now` (seconds since 1970).

        The caller records its `jti`, so that it is used once only. Raises TokenInvalidError, or
        TokenExpiredError for a token that was valid earlier.
        """
        payload = self._site_payload(unverified, "i1", oldest, newest)
        try:
            claims = schema.parse_identity_claims(unverified.site, payload, now=now)
        except ValueError as error:
            raise TokenInvalidError(str(error)) from None
        if claims.exp <= now:
            raise TokenExpiredError("Your session has expired. Reload the page.")
        return claims

    def bus_keys(self) -> tuple[bytes, ...]:
        """Return the keys that sign bus messages between this server's processes, newest first."""
        return tuple(hmac.digest(secret.encode(), b"bus", "sha256") for secret in self._secrets)

    def log_keys(self) -> dict[str, bytes]:
        """Return the keys that sign the logs of decisions by their names, newest first."""
        return {
            fingerprint(secret)[:8]: hmac.digest(secret.encode(), b"decision-log", "sha256")
            for secret in self._secrets
        }

    def text_keys(self) -> tuple[bytes, ...]:
        """Return the keys that seal kept texts, newest first: 32 bytes each."""
        return tuple(
            hmac.digest(secret.encode(), b"kept-text", "sha256") for secret in self._secrets
        )

    def derived_reader_id(self, first: str) -> str:
        """Return the id of the reader whose actions carry this `first`, a random UUID.

        The same `first` always gives the same id. Without `first` the id cannot be predicted.
        """
        message = f"first:{first}".encode()
        return hmac.new(self._secrets[0].encode(), message, hashlib.sha256).hexdigest()[:32]

    def issue_reader(self, site: str, claims: ReaderClaims) -> str:
        """Return a reader token for this site, signed with the newest secret."""
        return mint(self._secrets[0], "r1", site, 0, schema.reader_payload(claims))

    def verify_reader(self, token: str, site: str) -> ReaderClaims:
        """Return the claims of a reader token that this server issued for this site.

        Raises TokenInvalidError.
        """
        unverified = parse_unverified(token)
        if unverified.site != site or unverified.generation != 0:
            raise TokenInvalidError
        payload = _payload(unverified, "r1", self._secrets[::-1])
        try:
            return schema.parse_reader_claims(site, payload)
        except ValueError:
            raise TokenInvalidError from None

    def _site_payload(
        self, unverified: UnverifiedToken, kind: Kind, oldest: int, newest: int
    ) -> dict[str, object]:
        if not oldest <= unverified.generation <= newest:
            raise TokenInvalidError
        keys = [
            _site_key(secret, unverified.site, unverified.generation)
            for secret in reversed(self._secrets)
        ]
        return _payload(unverified, kind, keys)


def fingerprint(secret: str) -> str:
    """Return the key fingerprint of a secret: 32 hex digits that identify it without revealing it.

    The fingerprint reveals no more about the secret than a token signed with it does.
    """
    return hmac.new(secret.encode(), b"seal", hashlib.sha256).hexdigest()[:32]


def _site_key(secret: str, site: str, generation: int) -> str:
    message = f"site-key:{site}:{generation}".encode()
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def _signer(kind: Kind, keys: Sequence[str]) -> Signer:
    """Return a signer. `keys` are oldest first, because itsdangerous signs with the last one."""
    # "hmac": with the other derivations two pairs of salt and key can give the same signing key.
    return Signer(list(keys), salt=SALTS[kind], key_derivation="hmac", digest_method=hashlib.sha256)


def _payload(unverified: UnverifiedToken, kind: Kind, keys: Sequence[str]) -> dict[str, object]:
    """Return the payload of a token of this kind after verifying its signature."""
    if unverified.type != kind or not _signer(kind, keys).validate(unverified.token):
        raise TokenInvalidError
    body, signature = (text.encode() for text in unverified.token.split(".")[3:])
    try:
        decoded = base64_decode(body)
        # The last Base64 character has spare bits. Accept only the canonical spelling.
        canonical = base64_encode(base64_decode(signature)) == signature
        if not canonical or base64_encode(decoded) != body:
            raise TokenInvalidError
        payload = orjson.loads(decoded)
    except (BadData, ValueError):
        raise TokenInvalidError from None
    if not isinstance(payload, dict):
        raise TokenInvalidError
    return payload
