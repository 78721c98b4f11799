"""Model of reports: those that count, those of muted readers, and comments that reports of several networks hide."""

from tests.model.moderation_model import Model
from tests.model.moderation_records import DAY, Case, Comment, Entry, Mute, MuteEntry, Report
from widget_server.model.errors import NotFoundError, StaleError


class ReportsModel(Model):
    """Reports of one story's comments, on top of the model of decisions."""

    def __init__(self) -> None:
        super().__init__()
        self.reports_hide = 0
        """Number of networks whose reports of one day hide a comment. 0: never."""
        self.networks: set[tuple[str, int, str]] = set()
        """Comments, days and networks of the reports that counted when they came, while `reports_hide` was on."""
        self.erased: list[tuple[str, int]] = []
        """Comments and days of reports that counted no more when their reader erased them."""
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
        """Hide a comment that was reported from enough networks on this day, unless a person looked at it as it is."""
        if not self.reports_hide:
            return
        day = self.now // DAY
        self.networks.add((one.id, day, network))
        number = sum(known[:2] == (one.id, day) for known in self.networks)
        number -= sum(report.at // DAY == day for report in self._lost(one.id))
        number -= self.erased.count((one.id, day))
        if number < self.reports_hide or self._is_looked_at(one):
            return
        before = self.view(one)
        self.take_away(one, "held")
        self.open_case(one.id, "held")
        self.logged(Entry("hold", one.id, "reports", kind="rule"), before)

    def _is_looked_at(self, one: Comment) -> bool:
        """Return whether a person approved the comment as it is, or brought it back after reports hid it."""
        approved = [
            entry for entry in self.standing(one.id) if entry.verb in ("approve", "restore")
        ]
        brought_back = [
            entry
            for entry in self.about(one.id)
            if entry.undoes is not None and entry.undoes.by == "reports"
        ]
        return any(entry.revision == one.revision for entry in approved + brought_back)

    def erase_reports(self, reader: str) -> None:
        """Erase a reader's reports. Those that counted no more count no more, without a name."""
        for one in self.reports.values():
            day = one.at // DAY
            traced = any(known[:2] == (one.comment, day) for known in self.networks)
            if one.reader == reader and one in self._lost(one.comment) and traced:
                self.erased.append((one.comment, day))
        self.reports = {key: one for key, one in self.reports.items() if one.reader != reader}

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
        """Undo a mute or its lifting, until the next change about the same reader.

        A later mute that was undone was no change. The same mute is only undone by its last entry.
        """
        mute = entry.mute
        later = self.mute_log[self.mute_log.index(entry) + 1 :]
        if entry.undone or mute not in self.mutes:
            raise StaleError
        if any(
            one.mute is mute or (one.mute.reader == mute.reader and not one.undone) for one in later
        ):
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
        """Open the case of a comment's reports that count and that no decision has settled.

        A removal would have closed it, so that undoing the removal opens it.
        """
        one, waiting = self.comments[comment], self.of_case(comment)
        if not waiting:
            return
        if one.state in ("published", "held"):
            self.open_case(comment, "reported", waiting[0].at)
        elif one.kept is not None:
            by = next(
                entry
                for entry in self.about(comment)
                if entry.moved is not None
                and entry.moved[1] == "removed"
                and entry.at >= waiting[0].at
                and not entry.undone
            )
            closed_at = max(by.at, waiting[-1].at)
            self.cases.append(Case(comment, "reported", waiting[0].at, False, by, closed_at))

    def of_case(self, comment: str, closed_at: int | None = None) -> list[Report]:
        """Return the reports that count of a comment's open case, also one to be opened, or of one closed at a time."""
        ends = [
            one.closed_at
            for one in self.cases
            if (one.comment, one.queue, one.is_open) == (comment, "reported", False)
        ]
        until = self.now + 1 if closed_at is None else closed_at
        since = max((end for end in ends if end < until), default=0)
        return [one for one in self.counting(comment) if since < one.at <= until]

    def counting(self, comment: str) -> list[Report]:
        """Return the reports of a comment that count."""
        return [one for one in self.reports.values() if one.comment == comment and one.mute is None]
