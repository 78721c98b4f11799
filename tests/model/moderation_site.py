"""Model of what readers and rules do on a moderated story, on top of the model of decisions and reports."""

from tests.model.moderation_records import (
    APPEALABLE,
    DAY,
    REMOVALS,
    TOMBSTONES,
    WINDOW,
    Comment,
    Entry,
)
from tests.model.moderation_reports import ReportsModel
from widget_server.model.errors import (
    EditWindowOverError,
    NotFoundError,
    StoryClosedError,
    TextRejectedError,
)

BATCHED = {"approve": ("pending", "held")}
"""States of comments that a batch by search finds; other verbs find `pending` and `published`."""


class SiteModel(ReportsModel):
    """One story, its readers, two rules (one holds, one blocks), and the time."""

    def acting(self, text: str) -> set[str]:
        """Return the rules that are on and that the text breaks."""
        return {word for word, mode in self.modes.items() if mode == "on" and word in text}

    def waits(self, reader: str, network: str) -> bool:
        """Return whether what the reader writes waits for approval."""
        return self.moderation == "pre" or self.ban_of(reader, network) is not None

    # Readers -----------------------------------------------------------------------------------

    def check_post(self, reader: str, network: str, text: str) -> None:
        """Raise the problem with which a comment is refused."""
        self.require_writing(reader, network)
        if self.story.closed:
            raise StoryClosedError
        if "lottery" in self.acting(text):
            raise TextRejectedError

    def post(self, comment: str, reader: str, network: str, text: str) -> Comment:
        """Add a comment that was not refused."""
        one = Comment(comment, reader, self.now, "published", text)
        self.comments[comment] = one
        self.note_origin(comment, network)
        if self.acting(text):
            one.state = "pending"
            self._hold(one)
        elif self.waits(reader, network):
            one.state = "pending"
            self.open_case(comment, "pending")
        return one

    def edit(self, comment: str, reader: str, network: str, text: str) -> None:
        """Replace the words of a reader's own comment."""
        self.require_writing(reader, network)
        one = self.comments[comment]
        if one.state in TOMBSTONES or one.reader != reader:
            raise NotFoundError
        self._require_window(one)
        if self.story.closed:
            raise StoryClosedError
        acting = self.acting(text)
        if "lottery" in acting:
            raise TextRejectedError
        one.revision += 1
        if acting:
            self._hold(one)
        if one.state == "published" and (acting or self.waits(reader, network)):
            one.waiting = text
            self.open_case(comment, "edits")
        else:
            one.text, one.waiting = text, None
            self.close(comment, None, "edits")

    def delete(self, comment: str, reader: str) -> None:
        """Erase a reader's own comment, also one that can be restored. Again, it changes nothing."""
        one = self.comments[comment]
        if one.reader != reader:
            raise NotFoundError
        if one.state in TOMBSTONES and one.kept is None:
            return
        self._require_window(one)
        for made in self.waiting(comment):
            if not made.about_ban:
                del self.appeals[made]
        self.erase(one)

    def forget(self, reader: str) -> None:
        """Erase everything that a reader left. A ban stays."""
        self.appeals = {made: by for made, by in self.appeals.items() if by != reader}
        self.erase_reports(reader)
        for one in self.comments.values():
            if one.reader == reader:
                self.erase(one)
                one.reader = ""
            elif not self.waiting(one.id):
                self.close(one.id, None, "appeals")

    def objectionable(self, comment: str, reader: str) -> Entry | None:
        """Return the removal that the author may object to now."""
        one = self.comments[comment]
        about = [
            entry
            for entry in self.standing(comment)
            if entry.verb in (*REMOVALS, "restore", "approve")
        ]
        last = about[-1] if about else None
        may = one.reader == reader and one.state == "removed" and one.kept is not None
        if last is None or not may or last.verb not in APPEALABLE or last.moved is None:
            return None
        return last

    def object(self, made: Entry, reader: str) -> None:
        """Object to a decision. A second objection changes nothing."""
        if made not in self.appeals:
            self.appeals[made] = reader
            self.open_case(made.comment, "appeals")

    # Rules and time ----------------------------------------------------------------------------

    def found(self, verb: str, word: str) -> list[Comment]:
        """Return the comments that a batch of this verb finds by a word, the oldest first."""
        states = BATCHED.get(verb, ("pending", "published"))
        some = [
            one
            for one in self.comments.values()
            if one.state in states and word in one.text and one.created_at < self.now
        ]
        return sorted(some, key=lambda one: (one.created_at, one.id))

    def expire(self) -> int:
        """Erase kept words whose time is over and about which nothing waits. Return their number.

        Bans that ended a day ago are forgotten too, mutes that ended two days ago, and networks.
        """
        number = 0
        self.bans = [ban for ban in self.bans if ban.until is None or ban.until >= self.now - DAY]
        self.mutes = [
            one for one in self.mutes if one.until is None or one.until >= self.now - 2 * DAY
        ]
        self.forget_networks()
        for one in self.comments.values():
            if self.open_cases(one.id):
                continue
            if one.kept is not None and one.kept.until < self.now:
                one.kept = None
                one.tags = ()
                number += 1
            if one.replaced is not None and one.replaced[2] < self.now:
                one.replaced = None
                number += 1
        return number

    def _hold(self, one: Comment) -> None:
        """Log that a rule holds the words; a comment that was never public waits in the queue `held`."""
        self.log.append(Entry("hold", one.id, "rule", kind="rule"))
        if one.state == "pending":
            self.close(one.id, self.log[-1], "pending")
            self.open_case(one.id, "held")

    def _require_window(self, one: Comment) -> None:
        if one.created_at < self.now - WINDOW:
            raise EditWindowOverError
