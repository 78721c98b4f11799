"""HTTP statuses and WebSocket close codes of the problem codes. No other module maps them."""

from widget_server.model.errors import ProblemError

STATUS = {
    "malformed": 400,
    "token_invalid": 401,
    "token_expired": 401,
    "token_revoked": 403,
    "origin_not_allowed": 403,
    "not_permitted": 403,
    "not_found": 404,
    "story_closed": 409,
    "edit_window_over": 409,
    "too_large": 413,
    "text_refused": 422,
    "unknown_reaction": 422,
    "rate_limited": 429,
    "unavailable": 503,
}
# Close codes: 4000 to 4499 mean “come back”, 4500 to 4999 “not before the page is loaded anew”.
GOING_AWAY = 1001
NO_TEXT = 1003
ABUSE = 1008
TOO_LARGE = 1009
RESTART = 1012
OVERLOAD = 1013
MALFORMED = 4400
NO_SUBSCRIPTION = 4408
TOO_SLOW = 4413
TOO_MANY = 4429
TOKEN_REFUSED = 4501
ORIGIN_REFUSED = 4503
PROTOCOL_VERSION = 4505
_REFUSED_SUBSCRIPTION = {
    "token_invalid": TOKEN_REFUSED,
    "token_expired": TOKEN_REFUSED,
    "token_revoked": TOKEN_REFUSED,
    "not_permitted": TOKEN_REFUSED,
    "origin_not_allowed": ORIGIN_REFUSED,
}


def status_of(rejection: ProblemError) -> int:
    """Return the HTTP status of a rejection."""
    return STATUS[rejection.code]


def close_code_of(rejection: ProblemError) -> int:
    """With which code a socket ends that was refused its only subscription."""
    return _REFUSED_SUBSCRIPTION.get(rejection.code, NO_SUBSCRIPTION)
