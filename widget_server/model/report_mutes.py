"""Readers whose reports no longer count: which readers, since when, and until when."""

from dataclasses import dataclass
from hashlib import sha256


@dataclass(frozen=True, slots=True)
class ReportMute:
    """A reader of a site is muted as a reporter. Times are milliseconds since 1970.

    `subject` is a keyed hash of the reader's id. It outlives `forget`, and no id can be read from it.
    """

    id: str
    """Id of the entry of the site's log, by which people name the mute."""
    site: str
    subject: str
    comment: str
    """The comment at whose report the reader was muted."""
    at: int
    until: int | None
    """None: for good."""

    def holds(self, now: int) -> bool:
        """Return whether the reader is muted at this time."""
        return self.until is None or now < self.until


def report_id(comment: str, reader: str) -> str:
    """Return the name of a reader's report of a comment: 16 hexadecimal digits.

    It differs from comment to comment, so it says nothing about what else the reader reported.
    """
    return sha256(f"report\n{comment}\n{reader}".encode()).hexdigest()[:16]
