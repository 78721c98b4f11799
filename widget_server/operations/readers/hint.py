"""What readers tell the editors about an error in the story."""

from dataclasses import dataclass

from widget_server.content import text
from widget_server.content.visibility import is_visible
from widget_server.model.decisions import new_id
from widget_server.model.errors import ProblemError, TextRejectedError, TooLargeError
from widget_server.model.hints import MAX_CREDIT, MAX_PASSAGE, MAX_TEXT, Hint
from widget_server.operations.readers.authorize import Grant
from widget_server.operations.readers.identify import Actor
from widget_server.operations.services import Services
from widget_server.store.writing.actions import SendHint

READER_RATE = "10/3600"
"""Hints of one reader on a site, as count/seconds. The network has the rate `hint`."""


@dataclass(frozen=True, slots=True)
class NewHint:
    """A hint as the client sent it."""

    text: str
    passage: str | None = None
    """The words of the story that it is about."""
    credit: str | None = None
    """Name under which the reader wants to be thanked in public."""


async def send(services: Services, grant: Grant, actor: Actor, sent: NewHint) -> Hint:
    """Tell the editors about an error in the story, also in a closed one. The same words again change nothing.

    Raises `NotPermittedError` (or the grant's denial), `RateLimitedError` (also if three of the reader's hints
    about the story wait), `MalformedError`, `TextRejectedError`, `TooLargeError`, `UnavailableError`.
    """
    grant.require("comment")
    words = sent.text.strip()
    passage = " ".join((sent.passage or "").split())
    credit = " ".join((sent.credit or "").split())
    _check("text", words, MAX_TEXT)
    if not is_visible(words):
        raise TextRejectedError.in_field("text", "Say in a sentence what is wrong.")
    _check("passage", passage, MAX_PASSAGE)
    if credit:
        try:
            text.check_unsigned_name(credit, MAX_CREDIT)
        except ProblemError as error:
            error.field = "credit"
            raise
    services.rate_limiters.hit_network("hint", actor.network)
    services.rate_limiters.hit_reader(READER_RATE, "hint", actor.reader_id)
    action = SendHint(
        grant.story.id,
        new_id(),
        actor.reader_id,
        words,
        services.now_ms(),
        passage=passage or None,
        credit=credit or None,
    )
    return await services.writer.submit(action)


def _check(field: str, words: str, most: int) -> None:
    try:
        text.check_characters(words)
    except ProblemError as error:
        error.field = field
        raise
    if len(words) > most:
        raise TooLargeError.in_field(field, f"Use at most {most:,} characters.")
