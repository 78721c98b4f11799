"""Every refusal the server can give, one class per code of the contract; and what operators mend.

A refusal says what to do about it, never echoes what was sent, and knows nothing of HTTP or
sockets: `web/problems.py` alone maps codes to statuses and close codes.
"""

from typing import ClassVar

EXIT_CONFIG_ERROR = 2
"""Exit status of a process that cannot run with the settings it was given."""


class OperatorError(Exception):
    """What an operator can mend; the message is one sentence for them."""


class ProblemError(Exception):
    """An action or a question that is answered with an error code.

    `detail` is one sentence for the person who can mend it. `retry_after` is in seconds.
    """

    code: ClassVar[str]
    detail: str = "The request was refused."
    field: str | None = None
    """The field of a form that the error is about."""

    def __init__(self, detail: str | None = None, *, retry_after: float | None = None) -> None:
        super().__init__(detail or type(self).detail)
        self.detail = detail or type(self).detail
        self.retry_after = retry_after


class MalformedError(ProblemError):
    """The message cannot be understood."""

    code = "malformed"
    detail = "Send one JSON object with the fields that its type asks for."


class TokenInvalidError(ProblemError):
    """Wrong signature, wrong spelling, unknown site or generation: one answer for all of them."""

    code = "token_invalid"
    detail = "This token is not valid here. Copy the snippet again, whole and unchanged."


class TokenExpiredError(ProblemError):
    """The token was good once."""

    code = "token_expired"
    detail = "This token has expired. Ask the publisher for a new snippet."


class TokenRevokedError(ProblemError):
    """The publisher withdrew the token."""

    code = "token_revoked"
    detail = "The publisher has withdrawn this token. Ask the publisher for a new snippet."


class OriginNotAllowedError(ProblemError):
    """The page is not one that the token names."""

    code = "origin_not_allowed"
    detail = "The token does not name this page's origin. Ask the publisher for a token that does."


class NotPermittedError(ProblemError):
    """The token, the site or the role does not grant this."""

    code = "not_permitted"
    detail = "This is not permitted here."


class NotFoundError(ProblemError):
    """There is no such thing, or it is not yours."""

    code = "not_found"
    detail = "There is no such thing here, or it is not yours."


class StoryClosedError(ProblemError):
    """The discussion takes nothing new."""

    code = "story_closed"
    detail = "This discussion is closed. It can still be read."


class EditWindowOverError(ProblemError):
    """Too late to change the comment."""

    code = "edit_window_over"
    detail = "The time for changing this comment is over."


class TooLargeError(ProblemError):
    """More bytes or characters than the limit."""

    code = "too_large"
    detail = "That is too long. Shorten it and send it again."


class TextRejectedError(ProblemError):
    """Text that cannot be kept and shown as it was sent."""

    code = "text_refused"
    detail = "This text cannot be shown. Change it and send it again."


class UnknownReactionError(ProblemError):
    """A reaction that the site does not offer."""

    code = "unknown_reaction"
    detail = "The site does not offer this reaction. Use a key from the settings of the story."


class RateLimitedError(ProblemError):
    """Too fast; `retry_after` says when to come back."""

    code = "rate_limited"
    detail = "Too fast. Wait a moment and send it again."


class UnavailableError(ProblemError):
    """A part of the server does not answer; nothing was stored."""

    code = "unavailable"
    detail = "The server cannot store this right now. Send it again in a moment."
