"""What a reader should see: a snapshot, and every frame since, applied one by one.

Written from the contract alone, sharing no code with the server or the embed, so that "old
snapshot + frames = new snapshot" compares two opinions and not one with itself.
"""

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


class BrokenPromiseError(AssertionError):
    """The server did what PROTOCOL.md, section 3, says it never does."""


@dataclass
class Replay:
    """One story as it stands after the frames applied so far."""

    code: str
    epoch: str = ""
    seq: int = -1
    base: int = -1
    """The `seq` of the last full snapshot: older comments may be on pages never asked for."""
    complete: bool = False
    """Whether that snapshot left nothing out."""
    story: Json = field(default_factory=dict)
    settings: Json = field(default_factory=dict)
    tally: Json = field(default_factory=dict)
    count: int = 0
    comments: dict[str, Json] = field(default_factory=dict)
    replies: dict[str, int] = field(default_factory=dict)
    """How many replies the threads of the last full snapshot have, those left out with them."""
    presence: Json = field(default_factory=dict)

    @classmethod
    def of(cls, snapshot: Json) -> "Replay":
        """The story as one full snapshot shows it."""
        replay = cls(snapshot["story"]["code"])
        replay.apply({**snapshot, "type": "snapshot"})
        return replay

    def apply(self, frame: Json) -> None:
        """Take in one frame, unchanged: others keep it too.

        Raises `BrokenPromiseError` where it cannot follow what came before.
        """
        match frame["type"]:
            case "snapshot":
                self._snapshot(frame)
            case "comment":
                known = self.seq
                self._advance(frame)
                self._count_reply(frame["comment"], known)
                self.count = frame["count"]
                self._put(frame["comment"])
            case "story":
                self._advance(frame)
                self.settings = frame.get("settings", self.settings)
                self.story = {key: frame.get(key, old) for key, old in self.story.items()}
            case "tally" if frame.get("comment") is None:
                self.tally = newest(self.tally, tally_of(frame))
            case "tally" if frame["comment"] in self.comments:
                comment = self.comments[frame["comment"]]
                tally = newest(comment["tally"], tally_of(frame))
                self.comments[comment["id"]] = {**comment, "tally": tally}
            case "presence":
                self.presence = {"readers": frame["readers"], "copies": frame["copies"]}

    def position(self) -> Json:
        """Where this reader stands, for `since`."""
        return {"epoch": self.epoch, "seq": self.seq}

    def differences(self, fresh: "Replay") -> list[str]:
        """Where a reader who followed the frames sees something else than one who comes now.

        Presence is left out: it is approximate by design. A tombstone may be missing from `fresh`
        (nothing hangs on it any more), and a comment of an older page from this one.
        """
        found = [
            f"{name}: followed {mine!r}, fresh {theirs!r}"
            for name in ("epoch", "seq", "story", "settings", "tally", "count")
            if (mine := getattr(self, name)) != (theirs := getattr(fresh, name))
        ]
        for key, mine in self.comments.items():
            theirs = fresh.comments.get(key)
            if theirs is None and (mine["state"] == "removed" or not fresh.complete):
                continue
            if mine != theirs:
                found.append(f"comment {key}: followed {mine!r}, fresh {theirs!r}")
        found += [
            f"replies of {key}: {self.replies[key]}, fresh {fresh.replies[key]}"
            for key in self.replies.keys() & fresh.replies.keys()
            if self.replies[key] != fresh.replies[key]
        ]
        return found + [
            f"comment {key}: never seen, fresh {comment!r}"
            for key, comment in fresh.comments.items()
            if key not in self.comments and (self.complete or comment["seq"] > self.base)
        ]

    def _snapshot(self, frame: Json) -> None:
        epoch, seq = frame["position"]["epoch"], frame["position"]["seq"]
        if frame.get("resumed"):
            if (epoch, seq) < (self.epoch, self.seq) or epoch != self.epoch:
                raise BrokenPromiseError(f"resumed at {epoch}:{seq} after {self.epoch}:{self.seq}")
            for comment in frame["changes"]:
                self._count_reply(comment, self.seq)
                self._put(comment)
            self.tally = newest(self.tally, frame["tally"])
            for tally in frame.get("tallies", []):
                self.apply(tally)
        else:
            threads = frame["comments"]["threads"]
            self.base = seq
            self.complete = frame["comments"]["next"] is None and not any(
                thread["more"] for thread in threads
            )
            self.comments, self.replies = {}, {}
            for thread in threads:
                shown = [reply["id"] for reply in thread["replies"]]
                last = (shown or [thread["id"]])[-1]
                if thread["next"] != (last if thread["more"] else None):
                    raise BrokenPromiseError(f"a thread that cannot be paged: {thread!r}")
                self.replies[thread["id"]] = len(shown) + thread["more"]
                top = {k: thread[k] for k in thread.keys() - {"replies", "more", "next"}}
                for comment in (top, *thread["replies"]):
                    self._put(comment)
            self.tally = frame["tally"]
        self.epoch, self.seq = epoch, seq
        self.story, self.settings = frame["story"], frame["settings"]
        self.count, self.presence = frame["count"], frame["presence"]

    def _advance(self, frame: Json) -> None:
        epoch, seq = frame["position"]["epoch"], frame["position"]["seq"]
        if (epoch, seq) != (self.epoch, self.seq + 1):
            raise BrokenPromiseError(
                f"story {self.code}: {frame['type']} frame at {epoch}:{seq} came after "
                f"{self.epoch}:{self.seq}"
            )
        self.seq = seq

    def _count_reply(self, comment: Json, known: int) -> None:
        """One that was published after what was known is one more, wherever a thread is cut."""
        if comment["published_seq"] > known:
            if comment["parent"] is None:
                self.replies[comment["id"]] = 0
            elif comment["thread"] in self.replies:
                self.replies[comment["thread"]] += 1

    def _put(self, comment: Json) -> None:
        known = self.comments.get(comment["id"])
        if known is not None:
            comment = {**comment, "tally": newest(known["tally"], comment["tally"])}
        self.comments[comment["id"]] = comment


def tally_of(frame: Json) -> Json:
    """The tally that a `tally` frame carries, in the shape that snapshots have it."""
    return {"version": frame["version"], "counts": frame["counts"]}


def newest(one: Json, other: Json) -> Json:
    """Tallies are always complete, and the newest wins. Equal versions say the same."""
    if one["version"] == other["version"] and one["counts"] != other["counts"]:
        raise BrokenPromiseError(f"two tallies with one version: {one!r} and {other!r}")
    return one if one["version"] > other["version"] else other
