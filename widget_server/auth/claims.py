"""Parse the claims of verified token payloads. A claim of the wrong type or size is an error.

Unknown claims are ignored, so that older servers accept newer tokens. Every error is a ValueError
with a sentence that names the claim and never repeats its value.
"""

import re
from collections.abc import Mapping
from typing import Any

from widget_server.auth import origins
from widget_server.content import urls
from widget_server.content.text import check_name
from widget_server.model.claims import (
    CODE_ONLY_JTI,
    PERMISSIONS,
    Attribution,
    IdentityClaims,
    ReaderClaims,
    WidgetClaims,
)
from widget_server.model.errors import ProblemError
from widget_server.model.identifiers import LANGUAGE_TAG, READER_ID
from widget_server.model.limits import MAX_LANGUAGE_LENGTH

CLOCK_LEEWAY_S = 60
"""Seconds by which a publisher's clock may be ahead of this server's clock."""
IDENTITY_MAX_AGE_S = 600
"""Longest time between `iat` and `exp` of an identity token."""
SIGN_IN_LIFETIME_S = 30 * 86_400
"""Seconds until a reader token for an identity expires. The next identity token renews it."""
MAX_ORIGINS = 100

# The last second of the year 9999. A publisher's time in milliseconds, a mistake, is larger.
_MAX_TIME = 253_402_300_799
_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]+")
_NOT_IN_ONE_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_TEXTS = {"title": 300, "author": 200, "publisher": 200, "license": 64, "changes": 1_000}
_MAX_URL = 2_000

Payload = Mapping[str, object]


def parse_widget_claims(site: str, payload: Payload, *, jti: str, now: float) -> WidgetClaims:
    """Return the claims of a widget token. `jti` is its id if the payload has none."""
    texts = {name: _text(payload, name, limit) for name, limit in _TEXTS.items()}
    iat = _issued(payload, now)
    return WidgetClaims(
        site=site,
        story=_ascii(payload, "story", 200),
        origins=_origins(payload),
        iat=iat,
        jti=_handle(payload) if "jti" in payload else jti,
        exp=_time(payload, "exp") if "exp" in payload else None,
        can=_permissions(payload),
        attribution=Attribution(
            url=_url(payload, "url", _MAX_URL),
            title=texts["title"],
            author=texts["author"],
            publisher=texts["publisher"],
            license=texts["license"] or Attribution().license,
        ),
        changes=texts["changes"],
        label=_label(payload),
        lang=_lang(payload),
        listed=_flag(payload, "list"),
        republisher=_flag(payload, "republisher"),
    )


def parse_identity_claims(site: str, payload: Payload, *, now: float) -> IdentityClaims:
    """Return the claims of an identity token, valid for 10 minutes at most. The caller checks `exp`."""
    iat, exp = _issued(payload, now), _time(payload, "exp")
    if not 0 < exp - iat <= IDENTITY_MAX_AGE_S:
        raise ValueError(
            f"The claim exp must lie after iat, by {IDENTITY_MAX_AGE_S} seconds at most."
        )
    return IdentityClaims(
        site=site,
        sub=_required(payload, "sub", 200),
        name=_name(_required(payload, "name", 200)),
        jti=_ascii(payload, "jti", 64),
        iat=iat,
        exp=exp,
        avatar=_avatar(payload),
        author=_flag(payload, "author"),
    )


def parse_reader_claims(site: str, payload: Payload) -> ReaderClaims:
    """Return the claims of a reader token."""
    rid = payload.get("rid")
    if not isinstance(rid, str) or READER_ID.fullmatch(rid) is None:
        raise ValueError("The claim rid must be 32 hex digits.")
    name = _text(payload, "name", 200)
    return ReaderClaims(
        site=site,
        rid=rid,
        sub=_text(payload, "sub", 200),
        name=None if name is None else _name(name),
        avatar=_avatar(payload),
        author=_flag(payload, "author"),
        generation=_generation(payload),
        exp=_time(payload, "exp") if "exp" in payload else None,
    )


def widget_payload(claims: WidgetClaims) -> dict[str, Any]:
    """Return the payload of a widget token, without absent and default claims."""
    attribution = claims.attribution
    payload = {
        "story": claims.story,
        "origins": list(claims.origins),
        "iat": claims.iat,
        "exp": claims.exp,
        "jti": claims.jti or None,
        "can": None if tuple(claims.can) == PERMISSIONS else list(claims.can),
        "url": attribution.url,
        "title": attribution.title,
        "author": attribution.author,
        "publisher": attribution.publisher,
        "license": None if attribution.license == Attribution().license else attribution.license,
        "changes": claims.changes,
        "label": claims.label,
        "lang": claims.lang,
        "list": claims.listed or None,
        "republisher": claims.republisher or None,
    }
    return {name: value for name, value in payload.items() if value is not None}


def reader_payload(claims: ReaderClaims) -> dict[str, Any]:
    """Return the payload of a reader token, without absent claims."""
    payload = {
        "rid": claims.rid,
        "sub": claims.sub,
        "name": claims.name,
        "avatar": claims.avatar,
        "author": claims.author or None,
        "generation": claims.generation,
        "exp": claims.exp,
    }
    return {name: value for name, value in payload.items() if value is not None}


def _time(payload: Payload, name: str) -> int:
    value = payload.get(name)
    # `type`, not `isinstance`: a bool is an int in Python. orjson parses 30 digits as a float.
    if type(value) is not int or not 0 <= value <= _MAX_TIME:
        raise ValueError(f"The claim {name} must be a whole number of seconds since 1970.")
    return value


def _issued(payload: Payload, now: float) -> int:
    iat = _time(payload, "iat")
    if iat > now + CLOCK_LEEWAY_S:
        raise ValueError("The claim iat lies in the future. Set the clock of the signing machine.")
    return iat


def _ascii(payload: Payload, name: str, limit: int) -> str:
    value = payload.get(name)
    if not isinstance(value, str) or len(value) > limit or _VISIBLE_ASCII.fullmatch(value) is None:
        raise ValueError(f"The claim {name} must be 1 to {limit} visible ASCII characters.")
    return value


def _handle(payload: Payload) -> str:
    jti = _ascii(payload, "jti", 64)
    if jti == CODE_ONLY_JTI:
        raise ValueError("The claim jti must not be “open”: it stands for copies without a token.")
    return jti


def _generation(payload: Payload) -> int | None:
    value = payload.get("generation")
    if value is not None and (type(value) is not int or not 0 <= value < 1_000_000_000):
        raise ValueError("The claim generation must be a whole number.")
    return value


def _text(payload: Payload, name: str, limit: int) -> str | None:
    """Return a claim of one descriptive line, or None if it is absent, null or empty."""
    value = payload.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > limit or _NOT_IN_ONE_LINE.search(value):
        raise ValueError(f"The claim {name} must be one line of at most {limit} characters.")
    return value


def _required(payload: Payload, name: str, limit: int) -> str:
    value = _text(payload, name, limit)
    if value is None:
        raise ValueError(f"The claim {name} is missing.")
    return value


def _name(value: str) -> str:
    try:
        check_name(value)
    except ProblemError as rejection:
        raise ValueError(f"The claim name is refused: {rejection.detail}") from None
    return value


def _flag(payload: Payload, name: str) -> bool:
    value = payload.get(name, False)
    if type(value) is not bool:
        raise ValueError(f"The claim {name} must be true or false.")
    return value


def _url(payload: Payload, name: str, limit: int) -> str | None:
    value = _text(payload, name, limit)
    if value is not None and urls.split(value) is None:
        raise ValueError(f"The claim {name} must be a whole URL with http:// or https://.")
    return value


def _avatar(payload: Payload) -> str | None:
    value = _url(payload, "avatar", 500)
    if value is not None and not value.lower().startswith("https://"):
        raise ValueError("The claim avatar must be a URL with https://.")
    return value


def _label(payload: Payload) -> str | None:
    """Return the republisher's label. It is shown beside readers' names, under the same rule."""
    value = _text(payload, "label", 100)
    if value is not None and re.search(r"[\u202a-\u202e\u2066-\u2069]", value):
        raise ValueError("The claim label must have no direction marks.")
    return value


def _lang(payload: Payload) -> str | None:
    value = _text(payload, "lang", MAX_LANGUAGE_LENGTH)
    if value is not None and LANGUAGE_TAG.fullmatch(value) is None:
        raise ValueError("The claim lang must be a BCP 47 language tag.")
    return value


def _permissions(payload: Payload) -> tuple[str, ...]:
    if "can" not in payload:
        return PERMISSIONS
    value = payload["can"]
    if not isinstance(value, list) or not value or any(right not in PERMISSIONS for right in value):
        raise ValueError("The claim can must be a list of read, react or comment.")
    return tuple(right for right in PERMISSIONS if right in value)


def _origins(payload: Payload) -> tuple[str, ...]:
    value = payload.get("origins")
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_ORIGINS:
        raise ValueError(f"The claim origins must be a list of 1 to {MAX_ORIGINS} origins.")
    if not all(isinstance(rule, str) for rule in value):
        raise ValueError("The claim origins must be a list of strings.")
    return tuple(origins.parse_rule(rule) for rule in value)
