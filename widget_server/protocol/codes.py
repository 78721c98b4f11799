"""HTTP statuses and WebSocket close codes of the problem codes. No other module maps them."""

from enum import IntEnum

from widget_server.model.errors import ProblemError

STATUS = {
    "malformed": 400,
    "token_invalid": 401,
    "token_expired": 401,
    "token_revoked": 403,
    "origin_not_allowed": 403,
    "not_permitted": 403,
    "banned": 403,
    "not_found": 404,
    "story_closed": 409,
    "edit_window_over": 409,
    "stale": 409,
    "erased": 410,
    "too_large": 413,
    "text_refused": 422,
    "reconsider": 422,
    "proof_needed": 422,
    "unknown_reaction": 422,
    "rate_limited": 429,
    "unavailable": 503,
}


class CloseCode(IntEnum):
    """WebSocket close codes: those of RFC 6455, section 7.4.1, and those of this protocol.

    After 4000 to 4499 a client may reconnect; after 4500 to 4999 not before the page is reloaded.
    """

    NORMAL_CLOSURE = 1000
    UNSUPPORTED_DATA = 1003
    ABNORMAL_CLOSURE = 1006
    """Never sent: the connection ended without a close frame."""
    INVALID_DATA = 1007
    POLICY_VIOLATION = 1008
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    MALFORMED = 4400
    NO_SUBSCRIPTION = 4408
    TOO_SLOW = 4413
    TOKEN_REFUSED = 4501
    ORIGIN_REFUSED = 4503


_REJECTED_SUBSCRIPTION = {
    "token_invalid": CloseCode.TOKEN_REFUSED,
    "token_expired": CloseCode.TOKEN_REFUSED,
    "token_revoked": CloseCode.TOKEN_REFUSED,
    "not_permitted": CloseCode.TOKEN_REFUSED,
    "origin_not_allowed": CloseCode.ORIGIN_REFUSED,
}


def status_of(rejection: ProblemError) -> int:
    """Return the HTTP status of a rejection."""
    return STATUS[rejection.code]


def close_code_of(rejection: ProblemError) -> CloseCode:
    """Return the close code of a socket whose only subscription was rejected."""
    return _REJECTED_SUBSCRIPTION.get(rejection.code, CloseCode.NO_SUBSCRIPTION)
