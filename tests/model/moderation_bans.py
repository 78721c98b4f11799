"""Model of bans of readers and of networks: which one is in effect for whom."""

from dataclasses import replace

from tests.model.moderation_records import DAY, HOUR, Ban, Comment, Entry
from tests.model.moderation_state import State
from widget_server.model.errors import (
    BannedError,
    MalformedError,
    NotFoundError,
    NotPermittedError,
)

LONGEST_OF_NETWORK = 48 * HOUR
DAYS_KNOWN = 2
"""From where a comment came is known until so many days after the start of its day."""


class BansState(State):
    """Bans of one site's readers and networks, on top of the state of one story."""

    def __init__(self) -> None:
        super().__init__()
        self.bans: list[Ban] = []
        """Stored bans, also some that have ended."""
        self.network_bans = False
        self.raid_until = 0
        self.origins: dict[str, tuple[str, int]] = {}
        """Networks and days of comments that were written while `network_bans` was on."""
        self.key_days: set[int] = set()
        """Days whose random keys are stored."""

    # Who is banned -----------------------------------------------------------------------------

    def current(self, subject: str) -> Ban | None:
        """Return the ban in effect of a subject: the one that ends last."""
        found = [one for one in self.bans if one.subject == subject and one.holds(self.now)]
        return max(found, key=lambda one: (one.until is None, one.until or 0, one.at), default=None)

    def ban_of(self, reader: str, network: str) -> Ban | None:
        """Return the ban in effect of a reader on a network: the one that allows less, else the reader's own."""
        own, of_network = self.current(reader), self._ban_of_network(network)
        found = [ban for ban in (own, of_network) if ban is not None]
        return next((ban for ban in found if ban.mode == "read"), found[0] if found else None)

    def _ban_of_network(self, network: str) -> Ban | None:
        """Return the ban in effect of a network, the newest one. There is none while the setting is off."""
        if not self.network_bans:
            return None
        found = [one for one in self.bans if one.network == network and one.holds(self.now)]
        return max(found, key=lambda one: one.at, default=None)

    def require_writing(self, reader: str, network: str) -> None:
        """Raise `BannedError` for a reader who may only read."""
        ban = self.ban_of(reader, network)
        if ban is not None and ban.mode == "read":
            raise BannedError

    def note_origin(self, comment: str, network: str) -> None:
        """Remember from which network a comment came, where networks can be banned."""
        if self.network_bans:
            self.origins[comment] = network, self.now // DAY
            self.key_days.add(self.now // DAY)

    # Decisions ---------------------------------------------------------------------------------

    def ban(self, entry: Entry, mode: str, until: int | None) -> Entry | None:
        """Ban the comment's writer."""
        one = self._with_writer(entry)
        return self._put_ban(entry, Ban(entry, one.reader, mode, until, self.now))

    def ban_network(self, entry: Entry, mode: str, until: int | None) -> Entry | None:
        """Ban the network from which a comment came, for 48 hours at most, in a raid."""
        self._with_writer(entry)
        if not self.network_bans or self.now >= self.raid_until:
            raise NotPermittedError
        latest = self.now + LONGEST_OF_NETWORK
        if until is not None and until > latest:
            raise MalformedError
        network, day = self.origins.get(entry.comment, ("", 0))
        if self.now // DAY >= day + DAYS_KNOWN:
            raise NotFoundError
        # Hashes of one network with the keys of two days cannot be compared.
        subject = f"{network} {day}"
        new = Ban(entry, subject, mode, until or latest, self.now, network=network, day=day)
        return self._put_ban(entry, new)

    def unban(self, entry: Entry) -> Entry | None:
        """Lift the ban of the comment's writer."""
        one = self._with_writer(entry)
        return self._lift(entry, self.current(one.reader))

    def unban_named(self, entry: Entry, ban: Ban) -> Entry | None:
        """Lift a ban."""
        return self._lift(entry, ban if ban in self.bans and ban.holds(self.now) else None)

    def _with_writer(self, entry: Entry) -> Comment:
        one = self.comments[entry.comment]
        if not one.reader:
            raise NotFoundError
        return one

    def _put_ban(self, entry: Entry, new: Ban) -> Entry | None:
        """Store a ban in place of the one in effect."""
        old = self.current(new.subject)
        entry.was_ban, entry.until = None if old is None else replace(old), new.until
        entry.ban_kind = new.kind
        if old is not None and (old.mode, old.until) == (new.mode, new.until):
            return None
        if old is not None:
            self.answer(entry)
            old.until = self.now
        self.bans.append(new)
        return self.append(entry)

    def _lift(self, entry: Entry, old: Ban | None) -> Entry | None:
        if old is None:
            raise NotFoundError
        entry.was_ban, entry.ban_kind = replace(old), old.kind
        self.answer(entry)
        old.until = self.now
        return self.append(entry)

    def forget_networks(self) -> None:
        """Delete what is known of networks of days that began 48 hours ago, except keys on which a ban stands."""
        oldest = self.now // DAY - DAYS_KNOWN
        self.origins = {name: one for name, one in self.origins.items() if one[1] > oldest}
        stands = {ban.day for ban in self.bans if ban.holds(self.now)}
        self.key_days = {day for day in self.key_days if day > oldest or day in stands}
