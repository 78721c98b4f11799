"""State that a reader should see: a snapshot and all later server messages, applied in order.

The code is written from docs/developers/protocol.md alone and shares nothing with the server or the embed. So "old
snapshot + messages = new snapshot" compares two independent implementations.
"""

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


class ProtocolViolationError(AssertionError):
    """A server message violates docs/developers/protocol.md, “The socket” or “Guarantees”."""


@dataclass
class Replay:
    """One story after the messages applied so far."""

    code: str
    epoch: str = ""
    seq: int = -1
    base: int = -1
    """`seq` of the last full snapshot. Older comments may be on pages that were not fetched."""
    complete: bool = False
    """True if the last full snapshot had all comments of the story."""
    story: Json = field(default_factory=dict)
    settings: Json = field(default_factory=dict)
    tally: Json = field(default_factory=dict)
    count: int = 0
    comments: dict[str, Json] = field(default_factory=dict)
    replies: dict[str, int] = field(default_factory=dict)
    """Replies per thread of the last full snapshot, including replies that it left out."""
    presence: Json = field(default_factory=dict)
    older: Json | None = None
    """What the readers of this copy are told about its age."""

    @classmethod
    def of(cls, snapshot: Json) -> "Replay":
        """Return the story of one full snapshot."""
        replay = cls(snapshot["story"]["code"])
        replay.apply({**snapshot, "type": "snapshot"})
        return replay

    def apply(self, message: Json) -> None:
        """Apply one server message. The message is not changed, because the client keeps it too.

        Raises `ProtocolViolationError` if the message cannot follow the messages before it.
        """
        match message["type"]:
            case "snapshot":
                self._snapshot(message)
            case "comment":
                previous_seq = self.seq
                self._advance(message)
                self._count_reply(message["comment"], previous_seq)
                self.count = message["count"]
                self._put(message["comment"])
            case "story":
                self._advance(message)
                self.settings = message.get("settings", self.settings)
                self.story = {key: message.get(key, old) for key, old in self.story.items()}
                if "corrections" in message:
                    self.story["corrections"] = message["corrections"]
            case "tally" if message.get("comment") is None:
                self.tally = newest(self.tally, tally_of(message))
            case "tally" if message["comment"] in self.comments:
                comment = self.comments[message["comment"]]
                tally = newest(comment["tally"], tally_of(message))
                self.comments[comment["id"]] = {**comment, "tally": tally}
            case "presence":
                self.presence = {"readers": message["readers"], "copies": message["copies"]}
            case "copy.older":
                fields = {key: message[key] for key in message.keys() - {"type", "story"}}
                if fields.keys() != (
                    {"changed_at", "url"} if fields["changed_at"] else {"changed_at"}
                ):
                    raise ProtocolViolationError(f"an odd message: {message!r}")
                self.older = fields if fields["changed_at"] else None

    def position(self) -> Json:
        """Return the position of this reader, for `since`."""
        return {"epoch": self.epoch, "seq": self.seq}

    def differences(self, fresh: "Replay") -> list[str]:
        """Return the differences between this replay and a new snapshot.

        Presence is not compared: it is approximate by design. `fresh` may lack a removed comment
        that has no replies. This replay may lack a comment of an older page.
        """
        differences = [
            f"{name}: followed {followed!r}, fresh {new!r}"
            for name in ("epoch", "seq", "story", "settings", "tally", "count")
            if (followed := getattr(self, name)) != (new := getattr(fresh, name))
        ]
        for key, followed in self.comments.items():
            new = fresh.comments.get(key)
            if new is None and (followed["state"] == "removed" or not fresh.complete):
                continue
            if followed != new:
                differences.append(f"comment {key}: followed {followed!r}, fresh {new!r}")
        differences += [
            f"replies of {key}: {self.replies[key]}, fresh {fresh.replies[key]}"
            for key in self.replies.keys() & fresh.replies.keys()
            if self.replies[key] != fresh.replies[key]
        ]
        return differences + [
            f"comment {key}: never seen, fresh {comment!r}"
            for key, comment in fresh.comments.items()
            if key not in self.comments and (self.complete or comment["seq"] > self.base)
        ]

    def _snapshot(self, message: Json) -> None:
        epoch, seq = message["position"]["epoch"], message["position"]["seq"]
        if message.get("resumed"):
            if (epoch, seq) < (self.epoch, self.seq) or epoch != self.epoch:
                raise ProtocolViolationError(
                    f"resumed at {epoch}:{seq} after {self.epoch}:{self.seq}"
                )
            for comment in message["changes"]:
                self._count_reply(comment, self.seq)
                self._put(comment)
            self.tally = newest(self.tally, message["tally"])
            for tally in message.get("tallies", []):
                self.apply(tally)
        else:
            threads = message["comments"]["threads"]
            self.base = seq
            self.complete = message["comments"]["next"] is None and not any(
                thread["more"] for thread in threads
            )
            self.comments, self.replies = {}, {}
            for thread in threads:
                shown = [reply["id"] for reply in thread["replies"]]
                last = (shown or [thread["id"]])[-1]
                if thread["next"] != (last if thread["more"] else None):
                    raise ProtocolViolationError(f"a thread that cannot be paged: {thread!r}")
                self.replies[thread["id"]] = len(shown) + thread["more"]
                top = {k: thread[k] for k in thread.keys() - {"replies", "more", "next"}}
                for comment in (top, *thread["replies"]):
                    self._put(comment)
            self.tally = message["tally"]
        self.epoch, self.seq = epoch, seq
        self.story, self.settings = message["story"], message["settings"]
        self.count, self.presence = message["count"], message["presence"]
        self.older = message.get("older", self.older)

    def _advance(self, message: Json) -> None:
        epoch, seq = message["position"]["epoch"], message["position"]["seq"]
        if (epoch, seq) != (self.epoch, self.seq + 1):
            raise ProtocolViolationError(
                f"story {self.code}: {message['type']} message at {epoch}:{seq} came after "
                f"{self.epoch}:{self.seq}"
            )
        self.seq = seq

    def _count_reply(self, comment: Json, previous_seq: int) -> None:
        """Count a reply that was published after `previous_seq`, even if the snapshot cut its thread."""
        if comment["published_seq"] > previous_seq:
            if comment["parent"] is None:
                self.replies[comment["id"]] = 0
            elif comment["thread"] in self.replies:
                self.replies[comment["thread"]] += 1

    def _put(self, comment: Json) -> None:
        previous = self.comments.get(comment["id"])
        if previous is not None:
            comment = {**comment, "tally": newest(previous["tally"], comment["tally"])}
        self.comments[comment["id"]] = comment


def tally_of(message: Json) -> Json:
    """Return the tally of a `tally` message in the shape of snapshots."""
    return {"version": message["version"], "counts": message["counts"]}


def newest(one: Json, other: Json) -> Json:
    """Return the tally with the higher version. Tallies are complete, so the newer one wins.

    Raises `ProtocolViolationError` if two tallies have one version and different counts.
    """
    if one["version"] == other["version"] and one["counts"] != other["counts"]:
        raise ProtocolViolationError(f"two tallies with one version: {one!r} and {other!r}")
    return one if one["version"] > other["version"] else other
