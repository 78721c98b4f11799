"""Model of reports: those that count, those of muted readers, and comments that reports of several networks hide."""

from tests.model.moderation_model import Model
from tests.model.moderation_records import DAY, Comment, Entry, Mute, MuteEntry, Report
from widget_server.model.errors import NotFoundError, StaleError


class ReportsModel(Model):
    """Reports of one story's comments, on top of the model of decisions."""

    def __init__(self) -> None:
        super().__init__()
        self.reports_hide = 0
        """Number of networks whose reports of one day hide a comment. 0: never."""
        self.networks: set[tuple[str, int, str]] = set()
        """Comments, days and networks of the reports that counted when they came, while `reports_hide` was on."""
        self.mutes: list[Mute] = []
        """Stored mutes, also some that have ended."""
        self.mute_log: list[MuteEntry] = []
        self.weighed: set[str] = set()
        """Comments of the reports whose weight the last mute, lifting or undo changed."""

    # Reports -----------------------------------------------------------------------------------

    def report(self, comment: str, reader: str, network: str, category: str) -> None:
        """Report a published comment. A reader counts once: a second report changes nothing."""
        self.require_writing(reader, network)
        one = self.comments[comment]
        if one.state != "published":
            raise NotFoundError
        if (comment, reader) in self.reports:
            return
        mute = self.mute_of(reader)
        self.reports[comment, reader] = Report(comment, reader, self.now, category, mute)
        if mute is None:
            self.open_case(comment, "reported")
            self._hide(one, network)

    def _hide(self, one: Comment, network: str) -> None:
        """Hide a comment that was reported from enough networks on this day, unless a person approved it as it is."""
        if not self.reports_hide:
            return
        day = self.now // DAY
        self.networks.add((one.id, day, network))
        number = sum(known[:2] == (one.id, day) for known in self.networks)
        number -= sum(report.at // DAY == day for report in self._lost(one.id))
        approved = any(
            entry.verb in ("approve", "restore") and entry.revision == one.revision
            for entry in self.standing(one.id)
        )
        if number < self.reports_hide or approved:
            return
        before = self.view(one)
        self.take_away(one, "held")
        self.open_case(one.id, "held")
        self.logged(Entry("hold", one.id, "reports", kind="rule"), before)

    def _lost(self, comment: str) -> list[Report]:
        """Return a comment's reports that came before their reader was muted: each takes one network away."""
        return [
            one
            for one in self.reports.values()
            if one.comment == comment and one.mute is not None and one.at < one.mute.at
        ]

    # Mutes -------------------------------------------------------------------------------------

    def mute_of(self, reader: str) -> Mute | None:
        """Return the mute of a reader that is in effect."""
        return next(
            (one for one in self.mutes if one.reader == reader and one.holds(self.now)), None
        )

    def mute(self, report: Report, until: int | None) -> MuteEntry:
        """Mute the reader of a report. What they reported before does not count either."""
        if (report.comment, report.reader) not in self.reports:
            raise NotFoundError
        if self.mute_of(report.reader) is not None:
            raise StaleError
        new = Mute(report.reader, report.comment, self.now, until)
        self.mutes.append(new)
        self._take_weight(new)
        self.mute_log.append(MuteEntry(new, on=True))
        return self.mute_log[-1]

    def lift(self, mute: Mute) -> MuteEntry:
        """Let all reports that do not count because of a mute count again."""
        if mute not in self.mutes or not mute.holds(self.now):
            raise NotFoundError
        self.mute_log.append(MuteEntry(mute, on=False, was_until=mute.until))
        mute.until = self.now
        self._give_weight(mute)
        return self.mute_log[-1]

    def take_back(self, entry: MuteEntry) -> None:
        """Undo a mute or its lifting, until the next change about the same reader."""
        mute = entry.mute
        later = self.mute_log[self.mute_log.index(entry) + 1 :]
        if entry.undone or mute not in self.mutes:
            raise StaleError
        if any(one.mute.reader == mute.reader for one in later):
            raise StaleError
        entry.undone = True
        if entry.on:
            self.mutes.remove(mute)
            self._give_weight(mute)
            return
        mute.until = entry.was_until
        self.weighed.clear()
        if (mute.comment, mute.reader) in self.reports:
            # Else it is not known any more who the reader is, and only new reports do not count.
            self._take_weight(mute)

    def is_undecided(self, entry: MuteEntry) -> bool:
        """Return whether the only later changes about the same reader are mutes that were undone.

        The documents do not say whether an undo is a change then.
        """
        later = self.mute_log[self.mute_log.index(entry) + 1 :]
        about = [one for one in later if one.mute.reader == entry.mute.reader]
        return bool(about) and all(one.undone and one.mute is not entry.mute for one in about)

    def _take_weight(self, mute: Mute) -> None:
        """Let reports that were given before the end of the mute count no more."""
        self.weighed.clear()
        for one in self.reports.values():
            before_end = mute.until is None or one.at < mute.until
            if one.reader == mute.reader and one.mute is None and before_end:
                one.mute = mute
                self.weighed.add(one.comment)

    def _give_weight(self, mute: Mute) -> None:
        """Let reports count again, and open the cases that they would have opened."""
        self.weighed.clear()
        for one in self.reports.values():
            if one.mute is mute:
                one.mute = None
                self.weighed.add(one.comment)
                self._open_missing(one.comment)

    def _open_missing(self, comment: str) -> None:
        """Open the case of a comment's reports that count and that no decision has settled."""
        about = [one for one in self.cases if (one.comment, one.queue) == (comment, "reported")]
        settled = max((one.closed_at for one in about if not one.is_open), default=0)
        waiting = [one for one in self.counting(comment) if one.at > settled]
        if self.comments[comment].state == "published" and waiting:
            self.open_case(comment, "reported", min(one.at for one in waiting))

    def match_cases(self) -> None:
        """Open the missing cases: of comments that were hidden when their reports began to count again."""
        for comment in self.comments:
            self._open_missing(comment)

    def counting(self, comment: str) -> list[Report]:
        """Return the reports of a comment that count."""
        return [one for one in self.reports.values() if one.comment == comment and one.mute is None]
