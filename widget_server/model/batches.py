"""A decision about all comments that a search finds: the search, and how far the work is."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from widget_server.model.actors import Actor

BatchVerb = Literal["approve", "remove", "spam", "hold"]
BATCH_VERBS: tuple[BatchVerb, ...] = ("remove", "spam", "hold", "approve")
MIN_PHRASE = 3
MAX_PHRASE = 200


@dataclass(frozen=True, slots=True)
class Search:
    """Which comments of a site. All given conditions must hold. Times are milliseconds since 1970."""

    writer: str | None = None
    """Id of a comment: all comments by its writer."""
    story: str | None = None
    """A story's code."""
    copy: int | None = None
    phrase: str | None = None
    since: int | None = None
    until: int | None = None
    """Before this time."""

    @property
    def is_empty(self) -> bool:
        """Whether it names neither a writer nor a copy, phrase or time: it would find a whole site."""
        return not (self.writer or self.copy or self.phrase or self.since)

    def as_dict(self) -> dict[str, Any]:
        """Return the conditions by name, without those that are not given."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class Batch:
    """Decisions that a search names, made in chunks. `id` is the batch's id in the log."""

    id: str
    site: str
    verb: str
    search: Search
    reason: str | None
    note: str | None
    undoes: str | None
    """Id of the batch that this one undoes."""
    total: int
    done: int
    refused: int
    created_at: int
    ended_at: int | None
    by: Actor


def actor_fields(by: Actor) -> dict[str, Any]:
    """Return the actor as plain values, to store until the work is done."""
    found = {one.name: getattr(by, one.name) for one in fields(by)}
    for name in ("scopes", "copies"):
        found[name] = None if found[name] is None else sorted(found[name])
    return found


def actor_from(stored: dict[str, Any]) -> Actor:
    """Return the actor that `actor_fields` gave."""
    sets = {
        name: None if stored[name] is None else frozenset(stored[name])
        for name in ("scopes", "copies")
    }
    return Actor(**(stored | sets))
