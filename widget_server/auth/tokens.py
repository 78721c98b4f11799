"""Tokens: `<type>.<site>.<generation>.<payload>.<signature>`, signed with `itsdangerous.Signer`.

Type, site and generation are plain text, so the key is chosen before anything is decoded; the
signature is checked before the payload is touched; nothing is ever decompressed. A token has one
spelling only. `docs/users/tokens.md` is the format for publishers, `auth/claims.py` what the payloads
may say.
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

Kind = Literal["w1", "r1", "i1"]

#: One salt per purpose: a signature made for one type is worth nothing for another.
SALTS: dict[str, bytes] = {"w1": b"widget-token", "r1": b"reader", "i1": b"identity"}

MAX_TOKEN = 4_096
MIN_SECRET_LENGTH = 16

_SHAPE = re.compile(
    r"(?P<type>w1|r1|i1)\.(?P<site>[a-z0-9][a-z0-9-]{0,39})\.(?P<generation>0|[1-9][0-9]{0,8})"
    r"\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}"
)
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CODE_DIGITS = 43
_CODE_LENGTH = 12
_CODE_UNSEEN = 62 ** (_CODE_DIGITS - _CODE_LENGTH)


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """What a token says of itself before it is verified: enough to look up its site, no more."""

    type: str
    site: str
    generation: int
    token: str


def parse_unverified(token: str) -> UnverifiedToken:
    """Read type, site and generation from a token's text. Nothing is decoded or believed.

    Raises TokenInvalidError for a text that no mint could have made.
    """
    match = _SHAPE.fullmatch(token) if len(token) <= MAX_TOKEN else None
    if match is None:
        raise TokenInvalidError
    return UnverifiedToken(match["type"], match["site"], int(match["generation"]), token)


def story_code(site: str, key: str) -> str:
    """The story's public code: 12 base62 digits that a publisher can compute as well."""
    number = int.from_bytes(hashlib.sha256(f"{site}/{key}".encode()).digest(), "big")
    # Of its 43 digits only the first twelve are ever seen.
    number //= _CODE_UNSEEN
    digits = ""
    for _ in range(_CODE_LENGTH):
        number, digit = divmod(number, 62)
        digits = _BASE62[digit] + digits
    return digits


def new_rid() -> str:
    """A reader's random id: 128 bits in hex."""
    return randomness.token_hex(16)


def mint(key: str, kind: Kind, site: str, generation: int, payload: dict[str, Any]) -> str:
    """Sign a payload. `key` is the site key's hex text (`w1`, `i1`) or a server secret (`r1`).

    Raises ValueError when the token would be one that no server accepts.
    """
    if _SLUG.fullmatch(site) is None:
        raise ValueError("A site's slug is 1 to 40 of a-z, 0-9 and -, and starts with no -.")
    body = base64_encode(orjson.dumps(payload)).decode()
    token = _signer(kind, [key]).sign(f"{kind}.{site}.{generation}.{body}").decode()
    if len(token) > MAX_TOKEN:
        raise ValueError("The token would be longer than 4,096 characters. Shorten its claims.")
    return token


def mint_widget(key: str, site: str, generation: int, claims: WidgetClaims) -> str:
    """A widget token with these claims; an empty `jti` is left out (the token's own hash counts).

    Raises ValueError, in a sentence, for claims that no server would accept.
    """
    payload = schema.widget_payload(claims)
    schema.parse_widget_claims(site, payload, jti="unset", now=claims.iat)
    return mint(key, "w1", site, generation, payload)


class Keyring:
    """The server's secrets, newest first, and every key derived from them.

    Only the newest secret signs and is shown; tokens made under the older ones are still accepted.
    """

    __slots__ = ("_secrets",)

    def __init__(self, secrets: Sequence[str]) -> None:
        # A plain string would be a sequence of one-letter secrets.
        if isinstance(secrets, str) or not secrets:
            raise ValueError("Give a list of at least one secret key, the newest first.")
        if any(len(secret) < MIN_SECRET_LENGTH for secret in secrets):
            raise ValueError("Each secret key must be at least 16 characters long.")
        self._secrets = tuple(secrets)

    def site_key(self, site: str, generation: int) -> str:
        """The key, in hex, with which a publisher signs: derived, never stored."""
        return _site_key(self._secrets[0], site, generation)

    def verify_widget(
        self, peeked: UnverifiedToken, oldest: int, newest: int, now: float
    ) -> WidgetClaims:
        """The claims of a widget token of a site whose generations `oldest..newest` are accepted.

        Whether it has expired or was revoked is the caller's to ask, as an expired token still
        reads. `now` is in seconds since 1970. Raises TokenInvalidError.
        """
        payload = self._site_payload(peeked, "w1", oldest, newest)
        jti = hashlib.sha256(peeked.token.encode()).hexdigest()
        try:
            return schema.parse_widget_claims(peeked.site, payload, jti=jti, now=now)
        except ValueError as error:
            raise TokenInvalidError(str(error)) from None

    def verify_identity(
        self, peeked: UnverifiedToken, oldest: int, newest: int, now: float
    ) -> IdentityClaims:
        """The claims of an identity token that is good at `now` (seconds since 1970).

        That it is used once only is the caller's to keep, by its `jti`. Raises TokenInvalidError, or
        TokenExpiredError when it was good once.
        """
        payload = self._site_payload(peeked, "i1", oldest, newest)
        try:
            claims = schema.parse_identity_claims(peeked.site, payload, now=now)
        except ValueError as error:
            raise TokenInvalidError(str(error)) from None
        if claims.exp <= now:
            raise TokenExpiredError("This sign-in is over. Load the page anew.")
        return claims

    def bus_keys(self) -> tuple[bytes, ...]:
        """What the processes of this server sign with what they tell each other, newest first."""
        return tuple(hmac.digest(one.encode(), b"bus", "sha256") for one in self._secrets)

    def derived_reader_id(self, first: str) -> str:
        """Return the id of the reader who acts with this `first`: the same for each of their actions.

        As unforeseeable as a random one for all who do not know `first`, a random UUID.
        """
        message = f"first:{first}".encode()
        return hmac.new(self._secrets[0].encode(), message, hashlib.sha256).hexdigest()[:32]

    def issue_reader(self, site: str, claims: ReaderClaims) -> str:
        """A reader token for this site, signed with the newest secret."""
        return mint(self._secrets[0], "r1", site, 0, schema.reader_payload(claims))

    def verify_reader(self, token: str, site: str) -> ReaderClaims:
        """The claims of a reader token that this server issued for this site.

        Raises TokenInvalidError.
        """
        peeked = parse_unverified(token)
        if peeked.site != site or peeked.generation != 0:
            raise TokenInvalidError
        payload = _payload(peeked, "r1", self._secrets[::-1])
        try:
            return schema.parse_reader_claims(site, payload)
        except ValueError:
            raise TokenInvalidError from None

    def _site_payload(
        self, peeked: UnverifiedToken, kind: Kind, oldest: int, newest: int
    ) -> dict[str, object]:
        if not oldest <= peeked.generation <= newest:
            raise TokenInvalidError
        keys = [
            _site_key(secret, peeked.site, peeked.generation) for secret in reversed(self._secrets)
        ]
        return _payload(peeked, kind, keys)


def fingerprint(secret: str) -> str:
    """What a secret is known by where it must not stand itself: 32 hex digits.

    It tells no more about the secret than any token does that was signed with it.
    """
    return hmac.new(secret.encode(), b"seal", hashlib.sha256).hexdigest()[:32]


def _site_key(secret: str, site: str, generation: int) -> str:
    message = f"site-key:{site}:{generation}".encode()
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def _signer(kind: Kind, keys: Sequence[str]) -> Signer:
    """`keys` oldest first: itsdangerous signs with the last one."""
    # "hmac", as the other derivations let two pairs of salt and key give one signing key.
    return Signer(list(keys), salt=SALTS[kind], key_derivation="hmac", digest_method=hashlib.sha256)


def _payload(peeked: UnverifiedToken, kind: Kind, keys: Sequence[str]) -> dict[str, object]:
    """The payload of a token of this kind, after its signature was found to be good."""
    if peeked.type != kind or not _signer(kind, keys).validate(peeked.token):
        raise TokenInvalidError
    body, signature = (text.encode() for text in peeked.token.split(".")[3:])
    try:
        decoded = base64_decode(body)
        # Base64 has spare bits in its last character: of several spellings one is the canonical.
        canonical = base64_encode(base64_decode(signature)) == signature
        if not canonical or base64_encode(decoded) != body:
            raise TokenInvalidError
        payload = orjson.loads(decoded)
    except (BadData, ValueError):
        raise TokenInvalidError from None
    if not isinstance(payload, dict):
        raise TokenInvalidError
    return payload
