"""Work that is due at a time: what the table `schedule` holds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScheduledWork:
    """A row of the schedule. Times and `every` are milliseconds."""

    kind: str
    subject: str
    """What the work is about: a story's code, a copy's id, or empty text."""
    due_at: int
    every: int | None
    """Time between two runs, or None if the work is done once."""
    lease_until: int
    tries: int
    """Leases since the work was last done."""
    last_error: str | None
    """Class of the last error."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Work that belongs to one process until `until` (milliseconds)."""

    kind: str
    subject: str
    by: str
    """Random name of this lease. Only its holder may renew and end it."""
    until: int
    tries: int
    """1 for the first lease since the work was last done."""
