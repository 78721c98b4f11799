"""What a page shows of each comment, and what its reader left in the story."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from widget_server.model.records import Comment, Story
from widget_server.operations.readers import read
from widget_server.operations.services import Services
from widget_server.protocol import serializers
from widget_server.web.pages.translate import Translator

CHIPS = 4
"""Reactions that a comment shows. The reader's own is always among them."""
_HUES = 8
"""Colours of avatars."""


@dataclass(frozen=True, slots=True)
class Own:
    """What the reader of a page left in the story."""

    reactions: Mapping[str, str]
    comments: Mapping[str, Comment]


NOTHING_OWN = Own({}, {})


async def own_of(services: Services, story: Story, reader: str) -> Own:
    """Return what a reader left in a story."""
    left = await read.own(services, story, reader)
    return Own(left.reactions, {comment.id: comment for comment in left.comments})


@dataclass(frozen=True, slots=True)
class CommentViews:
    """Views of the comments of one page: serialized comments, with what the template adds."""

    t: Translator
    offered: list[dict[str, Any]]
    own: Own
    server: str
    now_ms: int

    def thread(self, thread: dict[str, Any], edit_window: int) -> dict[str, Any]:
        """Return a thread with the views of its comments."""
        names = {
            one["id"]: self._name(one) for one in thread["replies"] if one["state"] != "removed"
        }
        # Every reply answers the top comment, so that one has no name here.
        # As in the embed: a removed reply is omitted.
        replies = [
            self.comment(self._mine(one, edit_window), names)
            for one in thread["replies"]
            if one["state"] != "removed"
        ]
        return {**self.comment(self._mine(thread, edit_window), {}), "replies": replies}

    def comment(self, comment: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
        """Return a comment with its writer, time, place and reactions. `names` has comments' writers."""
        name = comment["author"]["name"] or ""
        units = memoryview(name.encode("utf-16-le")).cast("H")
        return {
            "waiting": False,
            "featured": False,
            **comment,
            "name": self._name(comment),
            "initial": name[:1].upper() or "?",
            # The embed computes the same hue.
            "hue": (len(units) * 5 + (units[0] if units else 0)) % _HUES,
            "when": self.t.date(comment["created_at"], serializers.rfc3339(self.now_ms)),
            "place": self._place(comment["copy"]),
            "to": names.get(comment["parent"] or "", ""),
            "chips": self._chips(comment),
            "chosen": self.own.reactions.get(comment["id"]),
            "mine": comment["id"] in self.own.comments,
            "editable": "editable_until" in comment
            and comment["editable_until"] > serializers.rfc3339(self.now_ms),
        }

    def _mine(self, comment: dict[str, Any], edit_window: int) -> dict[str, Any]:
        """Add what only the writer of a comment may know."""
        kept = self.own.comments.get(comment["id"])
        if kept is None or comment["state"] == "removed":
            return comment
        view = serializers.own_comment(kept, edit_window)
        return {**comment, **{name: view[name] for name in view if name not in comment}}

    def _name(self, comment: dict[str, Any]) -> str:
        return comment["author"]["name"] or self.t("anonymous")

    def _place(self, copy: dict[str, Any] | None) -> str:
        if copy is None or copy["origin"] == self.server:
            return ""
        return copy["label"] or urlsplit(copy["origin"] or "").hostname or ""

    def _chips(self, comment: dict[str, Any]) -> list[dict[str, Any]]:
        counts, own = comment["tally"]["counts"], self.own.reactions.get(comment["id"])
        chips = [
            {**reaction, "count": counts[reaction["key"]], "own": reaction["key"] == own}
            for reaction in self.offered
            if counts.get(reaction["key"])
        ]
        return sorted(chips, key=lambda chip: (not chip["own"], -chip["count"]))[:CHIPS]


def own_text(t: Translator, texts: dict[str, Any], name: str) -> str:
    """Return a text of the site: its own in the page's language, else the translated default, else as it is."""
    own: dict[str, str] = texts.get(name + "s", {})
    text: str = texts[name]
    return own.get(t.lang) or t("=" + text, text)
