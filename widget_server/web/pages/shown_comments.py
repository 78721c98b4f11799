"""The comments of a downloaded discussion as people read them: numbered, with names, places and times."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from widget_server.model.records import CommentState
from widget_server.operations.readers.open_data import OpenStory
from widget_server.operations.readers.whole_discussion import Part
from widget_server.operations.services import Services
from widget_server.protocol import serializers
from widget_server.protocol.snippet import LICENCES
from widget_server.web.pages.comment_views import NOTHING_OWN, CommentViews, own_text
from widget_server.web.pages.translate import Translator


@dataclass(frozen=True, slots=True)
class About:
    """What a downloaded file is about: a story, in the language of the reader, at a time."""

    found: OpenStory
    server: str
    t: Translator
    now_ms: int

    @classmethod
    def now(cls, services: Services, found: OpenStory, t: Translator) -> "About":
        """Return what a file that is made now is about."""
        return cls(found, services.server_origin, t, services.now_ms())

    @property
    def title(self) -> str:
        """The title in one line."""
        return " ".join((self.found.story.title or self.found.story.key).split())

    @property
    def page(self) -> str:
        """The address of the discussion."""
        return f"{self.server}/s/{self.found.story.code}"

    @property
    def when(self) -> str:
        """The time of the download with its year, in UTC."""
        return self.t.date(serializers.rfc3339(self.now_ms), "")

    @property
    def byline(self) -> str:
        """Author and publisher, or ""."""
        story = self.found.story
        names = [" ".join(name.split()) for name in (story.author, story.publisher) if name]
        return self.t("by", names=", ".join(names)) if names else ""

    @property
    def licence(self) -> tuple[str, str]:
        """The name of the story's licence, and its address or ""."""
        licence = self.found.story.license
        return LICENCES.get(licence) or (licence, "")

    def reactions(self) -> list[dict[str, Any]]:
        """Return the reactions of the site with their names in the reader's language."""
        offered: list[dict[str, Any]] = serializers.settings(self.found.site.settings, self.now_ms)[
            "reactions"
        ]
        return [one | {"name": own_text(self.t, one, "label")} for one in offered]

    def counts(self) -> list[tuple[str, int]]:
        """Return the reactions to the story that were given, by name."""
        counts = self.found.story.tally.counts
        return [
            (one["name"], counts[one["key"]]) for one in self.reactions() if counts.get(one["key"])
        ]


class ShownComments:
    """Numbers the comments of consecutive parts. As on the page, removed ones stand above replies only."""

    def __init__(self, about: About) -> None:
        self._about = about
        # Times are shown with their year: the file is read in other years.
        self._views = CommentViews(about.t, about.reactions(), NOTHING_OWN, about.server, 0)
        self._thread, self._reply = 0, 0
        self._removed: dict[str, Any] | None = None

    def of(self, part: Part, at_once: int) -> Iterator[list[dict[str, Any]]]:
        """Yield the views of a part's comments, `at_once` of them at a time."""
        anonymous = self._about.t("anonymous")
        named = [one for one in (*part.comments, *part.answered.values()) if one.parent is not None]
        names = {
            one.id: serializers.comment(one)["author"]["name"] or anonymous
            for one in named
            if one.state is CommentState.PUBLISHED
        }
        settings, found = self._about.found.site.settings, list[dict[str, Any]]()
        for one in part.comments:
            fields = serializers.comment(one, show_copy=settings.show_copy)
            found += self._numbered(self._views.comment(fields, names))
            if len(found) >= at_once:
                yield found
                found = []
        if found:
            yield found

    def _numbered(self, view: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the view with its number, after the removed comment that it replies to."""
        before = self._removed
        if view["parent"] is None:
            self._removed = view if view["state"] == "removed" else None
            return [] if self._removed else [self._top(view)]
        if view["state"] == "removed":
            return []
        found = []
        if before is not None and before["id"] == view["thread"]:
            found, self._removed = [self._top(before)], None
        self._reply += 1
        return [*found, self._complete(view, f"{self._thread}.{self._reply}")]

    def _top(self, view: dict[str, Any]) -> dict[str, Any]:
        self._thread, self._reply = self._thread + 1, 0
        return self._complete(view, str(self._thread))

    def _complete(self, view: dict[str, Any], number: str) -> dict[str, Any]:
        about, author, t = self._about, view["author"], self._about.t
        role = author["role"]
        licence = view.get("license")
        facts = (
            t("featured") if view["featured"] else "",
            view["when"],
            t("edited") if view["edited_at"] else "",
            t("vouched") if author["vouched"] else "",
            t(role) if role in ("author", "moderator") else role or "",
            t("to", name=view["to"]) if view["to"] else "",
            view["place"],
            t("comment_licence", name=LICENCES.get(licence, (licence,))[0]) if licence else "",
        )
        return view | {
            "number": number,
            "facts": [fact for fact in facts if fact],
            "address": f"{about.page}?thread={view['id']}#c-{view['id']}",
        }
