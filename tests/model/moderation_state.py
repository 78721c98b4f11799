"""State of a modelled story: cases, the log, words that are taken away and come back, and objections."""

from tests.model.moderation_records import (
    ABOUT_WORDS,
    KEEP,
    TOMBSTONES,
    Case,
    Comment,
    Entry,
    Kept,
    Report,
    StoryState,
    View,
)
from widget_server.model.errors import ErasedError, NotFoundError, NotPermittedError


class State:
    """One story of one site: its comments, cases, log and objections."""

    def __init__(self) -> None:
        self.now = 0
        self.story = StoryState()
        self.moderation = "post"
        self.close_after_days = 0
        self.modes = {"casino": "shadow", "lottery": "shadow"}
        self.comments: dict[str, Comment] = {}
        self.cases: list[Case] = []
        self.log: list[Entry] = []
        self.reports: dict[tuple[str, str], Report] = {}
        """Reports by comment and reader."""
        self.appeals: dict[Entry, str] = {}
        """Readers who objected, by decision."""

    # Cases -------------------------------------------------------------------------------------

    def open_cases(self, comment: str) -> dict[str, Case]:
        """Return the open cases of a comment by queue."""
        return {one.queue: one for one in self.cases if one.is_open and one.comment == comment}

    def open_case(self, comment: str, queue: str, at: int | None = None) -> None:
        """Open a case, as it would have been opened at a time, unless it is open."""
        if queue not in self.open_cases(comment):
            self.cases.append(Case(comment, queue, self.now if at is None else at))

    def close(self, comment: str, by: Entry | None, *queues: str) -> None:
        """Close the comment's cases in these queues."""
        for queue, case in self.open_cases(comment).items():
            if queue in queues:
                case.is_open, case.closed_by, case.closed_at = False, by, self.now

    def view(self, one: Comment) -> View:
        """Return what the log tells of a comment."""
        kept = one.state in TOMBSTONES and one.kept is not None
        queues = frozenset(self.open_cases(one.id))
        waits = one.waiting is not None
        return View(one.state, one.pinned, one.featured, waits, kept, queues, one.tags)

    def logged(self, entry: Entry, before: View) -> Entry | None:
        one = self.comments[entry.comment]
        entry.before, entry.after, entry.revision = before, self.view(one), one.revision
        if entry.before == entry.after:
            return None
        return self.append(entry)

    def append(self, entry: Entry) -> Entry:
        if entry.undoes is not None:
            entry.undoes.undone = True
        entry.at = self.now
        self.log.append(entry)
        return entry

    def about(self, comment: str) -> list[Entry]:
        """Return the log of a comment."""
        return [one for one in self.log if one.comment == comment]

    def standing(self, comment: str, without: Entry | None = None) -> list[Entry]:
        """Return the decisions about a comment that are in effect."""
        return [
            one
            for one in self.about(comment)
            if one.verb != "undo" and not one.undone and one is not without
        ]

    # Words -------------------------------------------------------------------------------------

    def take_away(self, one: Comment, state: str) -> None:
        """Make the comment a tombstone that can come back."""
        if one.state == "held":
            assert one.kept is not None
            one.kept.until = max(one.kept.until, self.now + KEEP)
        elif one.state == "removed":
            raise NotFoundError
        else:
            until = self.now + KEEP
            one.kept = Kept(one.state, one.text, one.waiting, one.pinned, one.featured, until)
            one.text, one.waiting, one.replaced = "", None, None
            one.pinned = one.featured = False
        one.state = state

    def bring_back(self, one: Comment) -> None:
        """Undo `take_away`."""
        kept = one.kept
        if one.state not in TOMBSTONES or kept is None:
            raise ErasedError
        one.state, one.text, one.waiting = kept.state, kept.text, kept.waiting
        one.pinned, one.featured = kept.pinned, kept.featured
        one.kept = None

    def erase(self, one: Comment, by: Entry | None = None) -> None:
        """Erase the words for ever. An objection to a ban is still answered, one to a removal has no effect."""
        one.state, one.text, one.waiting = "removed", "", None
        one.pinned = one.featured = False
        one.tags = ()
        one.kept = one.replaced = None
        self.close(one.id, by, *ABOUT_WORDS)
        if not self.waiting(one.id):
            self.close(one.id, by, "appeals")

    # Objections --------------------------------------------------------------------------------

    def waiting(self, comment: str, without: Entry | None = None) -> list[Entry]:
        """Return the decisions about a comment whose objections wait for an answer."""
        found = []
        in_effect = self.standing(comment, without)
        confirmed = {id(one) for each in in_effect for one in each.upholds}
        gone = self.comments[comment].kept is None
        for number, one in enumerate(in_effect):
            if one not in self.appeals or id(one) in confirmed:
                continue
            later = in_effect[number + 1 :]
            if one.about_ban:
                over = any(
                    other.was_ban is not None and other.was_ban.made is one for other in later
                )
            else:
                over = gone or any(other.verb in ("restore", "erase") for other in later)
            if not over:
                found.append(one)
        return found

    def answer(self, entry: Entry) -> None:
        """Answer the objections that the decision is about; only another person may."""
        waiting = self.waiting(entry.comment)
        answered = [one for one in waiting if answers(entry, one)]
        if entry.verb != "erase" and any(one.by == entry.by for one in answered):
            raise NotPermittedError
        if entry.verb == "uphold":
            entry.upholds = answered
        if answered and len(answered) == len(waiting):
            self.close(entry.comment, entry, "appeals")


def answers(entry: Entry, appealed: Entry) -> bool:
    """Return whether a decision answers the objection to another one."""
    if entry.verb == "undo":
        return entry.undoes is appealed
    if entry.verb == "uphold":
        return True
    if entry.verb in ("restore", "erase"):
        return not appealed.about_ban
    return entry.was_ban is not None and entry.was_ban.made is appealed
