"""Check texts from clients. A text is stored and shown byte for byte, or rejected with a sentence.

No function trims, normalises or rewrites. Rejected are texts that a browser cannot show as written
(NUL, lone surrogates, controls, no visible character), and names that break the line around them
(line breaks, direction overrides).
"""

import re

from widget_server.content import urls
from widget_server.content.markdown import render
from widget_server.content.visibility import is_visible
from widget_server.model.errors import MalformedError, TextRejectedError, TooLargeError
from widget_server.model.limits import MAX_COMMENT_LENGTH
from widget_server.model.names import has_check_mark
from widget_server.model.records import Tree

MAX_BODY_BYTES = 20_000
"""UTF-8 bytes of a comment. `limits.MAX_COMMENT_LENGTH` has its code points."""
MAX_NAME = 60
MAX_WEBSITE = 200
MAX_EMAIL = 254
MAX_REASON = 1_000

_SURROGATE = re.compile(r"[\ud800-\udfff]")
# C0 and C1 controls and DEL, except tab and line breaks, which a text may hold.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# UAX 9: embeddings, overrides and isolates reorder the text after a name. U+2028 and U+2029 break a
# line as \n does.
_BREAKS_LINE = re.compile(r"[\t\n\r\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_EMAIL = re.compile(r"[^\s@<>\x00-\x20\x7f-\x9f]+@[^\s@<>\x00-\x20\x7f-\x9f]+")


def check_characters(text: str) -> None:
    """Reject characters that no text may hold.

    Raises MalformedError for lone surrogates (no Unicode text has them) and TextRejectedError for NUL and
    controls other than tab and line breaks.
    """
    if _SURROGATE.search(text):
        raise MalformedError(
            "The text has half a character (a lone surrogate). Send valid Unicode text."
        )
    if _CONTROL.search(text):
        raise TextRejectedError("The text has control characters. Remove them and send it again.")


def check_name(text: str, most: int = MAX_NAME) -> None:
    """Check a reader's name: one line of 1 to `most` code points with a visible character.

    Raises MalformedError, TextRejectedError or TooLargeError.
    """
    check_characters(text)
    if len(text) > most:
        raise TooLargeError(f"A name is at most {most} characters long.")
    if _BREAKS_LINE.search(text):
        raise TextRejectedError("A name is one line, without tabs and direction marks.")
    if not is_visible(text):
        raise TextRejectedError("The name has no visible character. Write a name, or omit it.")


def check_unsigned_name(text: str, most: int = MAX_NAME) -> None:
    """Check the name of a reader who is not signed in. It must not look like a signed-in name.

    Raises what `check_name` does.
    """
    check_name(text, most)
    if has_check_mark(text):
        raise TextRejectedError(
            "Only names of signed-in readers have a tick (✓). Remove it from the name."
        )


def check_website(url: str) -> None:
    """Check a reader's website: an absolute http or https URL of at most 200 characters.

    Raises MalformedError, TextRejectedError or TooLargeError.
    """
    check_characters(url)
    if len(url) > MAX_WEBSITE:
        raise TooLargeError(f"A website's address is at most {MAX_WEBSITE} characters long.")
    if urls.split(url) is None:
        raise TextRejectedError(
            "A website's address starts with https:// or http://, followed by a host."
        )


def check_email(text: str) -> None:
    """Check the shape of an email address. The server never shows it and never sends mail to it unasked.

    Raises MalformedError, TextRejectedError or TooLargeError.
    """
    check_characters(text)
    if len(text) > MAX_EMAIL:
        raise TooLargeError(f"An email address is at most {MAX_EMAIL} characters long.")
    if _EMAIL.fullmatch(text) is None:
        raise TextRejectedError("An email address looks like name@example.org.")


def check_reason(text: str) -> None:
    """Check the reason of a report: up to 1,000 code points, possibly none.

    Raises MalformedError, TextRejectedError or TooLargeError.
    """
    check_characters(text)
    if len(text) > MAX_REASON:
        raise TooLargeError(f"A reason is at most {MAX_REASON:,} characters long.")


def check_body(text: str) -> Tree:
    """Check a comment's Markdown (1 to 5,000 code points, 20,000 bytes) and return its tree.

    The caller stores the source unchanged. Raises MalformedError, TextRejectedError or TooLargeError.
    """
    if len(text) > MAX_COMMENT_LENGTH:
        raise TooLargeError(f"A comment is at most {MAX_COMMENT_LENGTH:,} characters long.")
    check_characters(text)
    if len(text.encode()) > MAX_BODY_BYTES:
        raise TooLargeError(f"A comment is at most {MAX_BODY_BYTES:,} bytes long.")
    if not is_visible(text):
        raise TextRejectedError("The comment is empty. Write something.")
    return render(text)
