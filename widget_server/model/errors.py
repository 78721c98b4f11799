"""Expected errors: one class for each error code of the protocol, and `OperatorError`.

A message says what to do and never echoes input. Only `protocol/codes.py` maps error codes to HTTP
statuses and WebSocket close codes.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar, Self

EXIT_CONFIG_ERROR = 2
"""Exit status of a process whose settings are invalid."""


class OperatorError(Exception):
    """An error that the operator must fix. The message is one sentence for the operator."""


class SettingsError(OperatorError):
    """A setting is missing or wrong."""


@contextmanager
def os_errors_to_operator_errors(failed: str, advice: str) -> Iterator[None]:
    """Raise an `OperatorError` for an `OSError` about a file or folder that the operator chose.

    Its message is `failed (reason). advice`. Wrap only the calls that use what the operator chose: an
    `OSError` of a bug must stay a traceback.
    """
    try:
        yield
    except OSError as error:
        raise OperatorError(f"{failed} ({error.strerror or error}). {advice}") from error


class ProblemError(Exception):
    """A rejected action or request.

    `detail` is one sentence for the person who can fix the problem. `retry_after` is in seconds.
    """

    code: ClassVar[str]
    detail: str = "The request was refused."
    field: str | None = None
    """The field of a form that the error is about."""

    def __init__(self, detail: str | None = None, *, retry_after: float | None = None) -> None:
        super().__init__(detail or type(self).detail)
        self.detail = detail or type(self).detail
        self.retry_after = retry_after

    @classmethod
    def in_field(cls, field: str, detail: str) -> Self:
        """Return the error about a field of a form."""
        error = cls(detail)
        error.field = field
        return error


class MalformedError(ProblemError):
    """The message cannot be understood."""

    code = "malformed"
    detail = "Send one JSON object with the fields that its type asks for."


class TokenInvalidError(ProblemError):
    """Wrong signature, wrong encoding, unknown site or generation: one message for all of them."""

    code = "token_invalid"
    detail = "This token is not valid here. Copy the snippet again, whole and unchanged."


class TokenExpiredError(ProblemError):
    """The token was valid and has expired."""

    code = "token_expired"
    detail = "This token has expired. Ask the publisher for a new snippet."


class TokenRevokedError(ProblemError):
    """The publisher withdrew the token."""

    code = "token_revoked"
    detail = "The publisher has withdrawn this token. Ask the publisher for a new snippet."


class OriginNotAllowedError(ProblemError):
    """The token does not allow the page's origin."""

    code = "origin_not_allowed"
    detail = "The token does not name this page's origin. Ask the publisher for a token that does."


class NotPermittedError(ProblemError):
    """The token, the site or the reader's role does not permit the action."""

    code = "not_permitted"
    detail = "This is not permitted here."


class NotFoundError(ProblemError):
    """The object does not exist or belongs to another reader."""

    code = "not_found"
    detail = "There is no such thing here, or it is not yours."


class StoryClosedError(ProblemError):
    """The discussion is closed for new comments and reactions."""

    code = "story_closed"
    detail = "This discussion is closed. It can still be read."


class EditWindowOverError(ProblemError):
    """The site's edit window for the comment is over."""

    code = "edit_window_over"
    detail = "You can no longer edit or delete this comment."


class StaleError(ProblemError):
    """The comment, or what was decided about it, has changed since the decision was prepared.

    `comment` is the comment as it is now; `later` the decision that must be undone first.
    """

    code = "stale"
    detail = "The comment has changed since. Read it as it is now, and decide again."
    comment: Any = None
    later: Any = None


class CaseClosedError(StaleError):
    """Another decision has closed the case meanwhile. `decided` is its verb, its actor and its time."""

    detail = "Another person has decided this case already. Read what they decided."
    decided: Any = None


class ErasedError(ProblemError):
    """The words that the decision took away were erased and cannot come back."""

    code = "erased"
    detail = "The text was erased and cannot come back."


class SettingsChangedError(StaleError):
    """The settings have changed since the caller read them."""

    detail = "These settings were changed meanwhile. Load them again, then change them."


class TooLargeError(ProblemError):
    """The input has more bytes or characters than the limit."""

    code = "too_large"
    detail = "That is too long. Shorten it and send it again."


class TextRejectedError(ProblemError):
    """The text cannot be stored and shown as it was sent."""

    code = "text_refused"
    detail = "This text cannot be shown. Change it and send it again."


class ReconsiderError(ProblemError):
    """A rule would hold the comment. Sent again, it is accepted and waits for a moderator."""

    code = "reconsider"
    detail = "The moderators will look at this before it is shown. Change it, or send it again."


class ProofNeededError(ProblemError):
    """A raid is on: a new reader sends the comment again, with the solution of `challenge`."""

    code = "proof_needed"
    detail = (
        "Many comments arrive at once. Your browser must first show that it is not a robot: load the page"
        " again, and send your comment once more."
    )

    def __init__(self, challenge: Mapping[str, Any]) -> None:
        super().__init__()
        self.challenge = challenge


class UnknownReactionError(ProblemError):
    """The site does not offer the reaction."""

    code = "unknown_reaction"
    detail = "The site does not offer this reaction. Use a key from the settings of the story."


class BannedError(ProblemError):
    """The site's people do not let the reader write for some time, or for good."""

    code = "banned"
    detail = "This site’s moderators do not let you write here. You can read on, and object."

    @classmethod
    def until(cls, at: int | None) -> "BannedError":
        """Return the error with the day on which the ban ends (milliseconds since 1970; None: for good)."""
        if at is None:
            return cls()
        end = datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
        return cls(
            f"This site’s moderators do not let you write here until {end}. You can read on, and object."
        )


class RateLimitedError(ProblemError):
    """The client exceeded a rate limit; `retry_after` says when to try again."""

    code = "rate_limited"
    detail = "You're posting too quickly. Try again in a moment."


class UnavailableError(ProblemError):
    """A part of the server does not respond; nothing was stored."""

    code = "unavailable"
    detail = "The server cannot store this right now. Send it again in a moment."
