"""Model of the moderation of one story: what every decision, undo and ban must do, without a database.

Decisions that the product makes get random ids. The model knows them as `Entry` objects, which the
test compares with the log in order.
"""

from dataclasses import replace

from tests.model.moderation_bans import BansState
from tests.model.moderation_records import (
    ABOUT_WORDS,
    DAY,
    KEEP,
    TAG_VERBS,
    TOMBSTONES,
    Case,
    Comment,
    Entry,
    StoryState,
)
from widget_server.model.errors import (
    CaseClosedError,
    ErasedError,
    NotFoundError,
    NotPermittedError,
    StaleError,
)


class Model(BansState):
    """Decisions about the comments, the writers and the story, and undo."""

    # Decisions ---------------------------------------------------------------------------------

    def decide(
        self, entry: Entry, revision: int | None = None, case: Case | None = None
    ) -> Entry | None:
        """Apply a decision. Return its entry, or None if everything was so already."""
        one = self.comments[entry.comment]
        if revision is not None and revision != one.revision:
            raise StaleError
        if case is not None and not case.is_open:
            raise CaseClosedError
        before, queue = self.view(one), None if case is None else case.queue
        self.answer(entry)
        about_edit = (
            one.state == "published" and one.waiting is not None and queue in (None, "edits")
        )
        if entry.verb in ("approve", "reject", "remove", "spam"):
            self._judge(one, entry, about_edit=about_edit)
        else:
            self._treat(one, entry)
        return self.logged(entry, before)

    def _judge(self, one: Comment, entry: Entry, *, about_edit: bool) -> None:
        """Decide whether the words may stay."""
        if entry.verb == "approve":
            self._approve(one, entry, about_edit=about_edit)
        elif entry.verb == "reject" and about_edit:
            one.replaced = (entry, one.waiting or "", self.now + KEEP)
            one.waiting = None
            self.close(one.id, entry, "edits")
        else:
            self.take_away(one, "removed")
            self.close(one.id, entry, *ABOUT_WORDS)

    def _treat(self, one: Comment, entry: Entry) -> None:
        """Do what the other verbs do with a comment; `uphold` leaves it as it is."""
        match entry.verb:
            case "hold" if one.state != "held":
                if one.state == "removed":
                    raise NotFoundError
                if one.state == "published":
                    self.take_away(one, "held")
                self.close(one.id, entry, "pending")
                self.open_case(one.id, "held")
            case "restore" if one.state in TOMBSTONES:
                self.bring_back(one)
                self.close(one.id, entry, "held")
                if one.state == "pending":
                    self.open_case(one.id, "pending")
            case "pin" | "unpin" | "feature" | "unfeature":
                self._mark(one, entry.verb)
            case "tag" | "untag":
                self._tag(one, entry)
            case "erase":
                self.erase(one, entry)

    def _mark(self, one: Comment, verb: str) -> None:
        if one.state in TOMBSTONES:
            raise NotFoundError
        if verb in ("pin", "unpin"):
            one.pinned = verb == "pin"
        else:
            one.featured = verb == "feature"

    def _tag(self, one: Comment, entry: Entry) -> None:
        others = tuple(tag for tag in one.tags if tag != entry.tag)
        if entry.verb == "untag":
            one.tags = others
        elif one.state in TOMBSTONES and one.kept is None:
            raise ErasedError
        elif others == one.tags:
            one.tags = (*one.tags, entry.tag)

    def _approve(self, one: Comment, entry: Entry, *, about_edit: bool) -> None:
        if one.state == "removed":
            raise NotFoundError
        if one.state == "held":
            self.bring_back(one)
            about_edit = False
        if one.state == "pending":
            one.state = "published"
        elif about_edit:
            one.replaced = (entry, one.text, self.now + KEEP)
            one.text, one.waiting = one.waiting or "", None
            self.close(one.id, entry, "edits")
        self.close(one.id, entry, "pending", "reported", "held")

    def decide_story(self, entry: Entry, notice: str | None = None) -> Entry | None:
        """Close or open the discussion now, which drops its closing date, or set the notice above it."""
        if entry.verb == "notice":
            return self._change_story(entry, replace(self.story, notice=notice))
        days = self.close_after_days if entry.verb == "open" else 0
        closes_at = self.now + days * DAY if days else None
        is_closed = entry.verb == "close"
        return self._change_story(entry, replace(self.story, closed=is_closed, closes_at=closes_at))

    def set_closing_date(self, entry: Entry, at: int | None) -> Entry | None:
        """Set the date at which the discussion is closed, or drop it."""
        return self._change_story(entry, replace(self.story, closes_at=at))

    def close_if_due(self) -> None:
        """Close the discussion if its date has passed."""
        if self.story.closes_at is not None and self.story.closes_at <= self.now:
            self.decide_story(Entry("close", "", "", kind="schedule"))

    def _change_story(self, entry: Entry, new: StoryState) -> Entry | None:
        entry.was_story, self.story = self.story, new
        return None if new == entry.was_story else self.append(entry)

    # Undo --------------------------------------------------------------------------------------

    def undo(self, entry: Entry) -> Entry | None:
        """Undo a decision: bring back everything that it changed."""
        undone = entry.undoes
        assert undone is not None
        if undone.verb == "undo" or undone.is_rule:
            raise NotPermittedError
        if undone.undone:
            return None
        about = self.about(entry.comment)
        later = about[about.index(undone) + 1 :]
        if any(not other.undone and _follows(undone, other) for other in later):
            raise StaleError
        if not entry.comment:
            assert undone.was_story is not None
            self.story = undone.was_story
            return self.append(entry)
        one = self.comments[entry.comment]
        if undone.verb == "erase":
            raise ErasedError
        if undone.ban_kind is not None:
            return self._undo_ban(entry, undone)
        if one.state in TOMBSTONES and one.kept is None:
            raise ErasedError
        before = self.view(one)
        self.answer(entry)
        self._undo_words(one, undone)
        assert undone.before is not None
        assert undone.after is not None
        self.close(one.id, entry, *(undone.after.queues - undone.before.queues))
        self._reopen(one, entry, undone)
        if one.state == "removed":
            self.close(one.id, entry, *ABOUT_WORDS)
        return self.logged(entry, before)

    def _undo_words(self, one: Comment, undone: Entry) -> None:
        was, became = undone.moved or ("", "")
        if became in TOMBSTONES and was == "held":
            one.state = "held"
        elif became in TOMBSTONES:
            self.bring_back(one)
        elif was in TOMBSTONES:
            self.take_away(one, was)
        elif was == "pending":
            self.take_away(one, "held")  # it had been public
        elif undone.decided_edit:
            if one.replaced is None or one.replaced[0] is not undone:
                raise ErasedError
            if one.revision != undone.revision:
                raise StaleError
            words = one.replaced[1]
            if undone.verb == "approve":
                one.waiting, one.text = one.text, words
            else:
                one.waiting = words
            one.replaced = None
        else:
            self._undo_mark(one, undone)

    def _undo_mark(self, one: Comment, undone: Entry) -> None:
        if undone.changed_pin and undone.before is not None:
            one.pinned = undone.before.pinned
        if undone.changed_featured and undone.before is not None:
            one.featured = undone.before.featured
        if undone.verb in TAG_VERBS and undone.before is not None:
            one.tags = undone.before.tags

    def _undo_ban(self, entry: Entry, undone: Entry) -> Entry:
        one, was = self.comments[entry.comment], undone.was_ban
        made = undone if undone.verb == "ban" or was is None else was.made
        found = next((ban for ban in self.bans if ban.made is made), None)
        if found is None:
            raise ErasedError
        current = self.current(found.subject)
        lifted = undone.verb == "ban" and found.until != undone.until
        if current not in (None, found) or lifted:
            raise StaleError
        self.answer(entry)
        self.bans = [ban for ban in self.bans if ban is not found]
        if was is not None:
            self.bans = [ban for ban in self.bans if ban.made is not was.made] + [replace(was)]
        self._reopen(one, entry, undone)
        return self.append(entry)

    def _reopen(self, one: Comment, entry: Entry, undone: Entry) -> None:
        for case in self.cases:
            again = case.closed_by is undone and not case.is_open
            if again and case.queue not in self.open_cases(one.id):
                case.is_open, case.closed_by = True, None
        if self.waiting(one.id, without=undone):
            self.open_case(one.id, "appeals")
        else:
            self.close(one.id, entry, "appeals")


def _follows(entry: Entry, later: Entry) -> bool:
    """Return whether a later decision stands on an earlier one, so that it must be undone first."""
    if later.verb == "undo" or later.is_rule:
        return False
    if later.verb == "uphold":
        return entry in later.upholds
    return entry.ban_kind == later.ban_kind
