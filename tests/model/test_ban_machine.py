"""State machine: bans of readers and of networks, their undoing and the objections to them, against a model.

A machine of its own: networks are banned only in a raid, and only within two days after a comment.
"""

from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from tests.model.moderated_story import NETWORKS, READERS
from tests.model.moderation_machine import StoryMachine, run_machine
from tests.model.moderation_records import DAY, HOUR, Comment, Entry
from tests.model.moderation_steps import people, readers
from widget_server.model.errors import BannedError
from widget_server.operations.moderation import bans, expire

MOST = 12
"""Comments of a story. Steps are about the newest: of older ones the network is not known any more."""
HOMES = NETWORKS[:2]
"""Networks of the readers."""
number = st.sampled_from([0, 0, 1, 1, 2, 3])
networks = st.sampled_from(HOMES)


class Banning(StoryMachine):
    """Three readers on two networks, and three people who ban them."""

    def begin(self) -> None:
        self.allow_network_bans(True)
        self.switch_raid(24)
        self.do_write("rita", "plain", HOMES[0])
        self.do_write("sam", "plain", HOMES[1])

    def comment(self, place: int) -> Comment:
        """Return one of the newest comments."""
        found = list(self.model.comments.values())
        return found[-1 - place % len(found)]

    # Readers ------------------------------------------------------------------------------------

    @rule(
        what=st.sampled_from(["write", "write", "write", "edit", "report", "forget"]),
        place=number,
        name=readers,
        network=networks,
    )
    def act(self, what: str, place: int, name: str, network: str) -> None:
        one = self.comment(place)
        if what == "forget":
            self.do_forget(name)
        elif what == "report":
            self.do_report(one, name, network, "spam")
        elif what == "edit" or len(self.model.comments) == MOST:
            self.do_edit(one, one.reader or name, "plain", network)
        else:
            self.do_write(name, "plain", network)

    @precondition(lambda self: self.model.bans)
    @rule(name=readers, network=networks)
    def object_to_ban(self, name: str, network: str) -> None:
        self.do_object_to_ban(name, network)

    # People who decide --------------------------------------------------------------------------

    @rule(
        place=number,
        by=people,
        hours=st.sampled_from([1, 24, 48, None]),
        mode=st.sampled_from(["read", "approval"]),
    )
    def ban(self, place: int, by: str, hours: int | None, mode: Any) -> None:
        self._ban(place, by, hours, mode, network=False)

    @rule(
        place=number,
        by=people,
        hours=st.sampled_from([1, 24, 48, 49, None]),
        mode=st.sampled_from(["read", "approval"]),
        on=st.sampled_from([True, True, True, False]),
        raid=st.sampled_from([True, True, True, False]),
    )
    def ban_network(
        self, place: int, by: str, hours: int | None, mode: Any, on: bool, raid: bool
    ) -> None:
        if on != self.model.network_bans:
            self.allow_network_bans(on)
        if raid != (self.model.now < self.model.raid_until):
            self.switch_raid(24 if raid else 0)
        self._ban(place, by, hours, mode, network=True)

    def _ban(self, place: int, by: str, hours: int | None, mode: Any, *, network: bool) -> None:
        self.tick()
        written = [one for one in self.model.comments.values() if one.reader]
        one = written[-1 - place % len(written)] if written else self.comment(place)
        person = self.story.people[by]
        until = None if hours is None else self.model.now + hours * HOUR
        modelled = self.model.ban_network if network else self.model.ban
        self.both(
            lambda: modelled(Entry("ban", one.id, by), mode, until),
            lambda: bans.ban(
                self.services, person, one.id, until=until, mode=mode, network=network
            ),
        )

    @precondition(lambda self: self.model.bans)
    @rule(place=number, by=people, named=st.booleans())
    def unban(self, place: int, by: str, named: bool) -> None:
        self.tick()
        holding = [one for one in self.model.bans if one.holds(self.model.now)]
        found = holding or self.model.bans
        ban, person = found[-1 - place % len(found)], self.story.people[by]
        if named:
            entry = Entry("unban", ban.made.comment, by)
            self.both(
                lambda: self.model.unban_named(entry, ban),
                lambda: bans.unban(self.services, person, ban.made.id),
            )
        else:
            self.do_unban(self.model.comments[ban.made.comment], by)

    @precondition(lambda self: self.model.appeals)
    @rule(place=number, by=people)
    def uphold(self, place: int, by: str) -> None:
        found = list(self.model.appeals)
        about = self.model.comments[found[-1 - place % len(found)].comment]
        self.do_decide(about, by, "uphold")

    @precondition(lambda self: self.model.log)
    @rule(place=st.sampled_from([0, 0, 1, 2, 3]), by=people)
    def undo(self, place: int, by: str) -> None:
        self.tick()
        self.do_undo(self.model.log[-1 - place % len(self.model.log)], by)

    # Settings, raids and time -------------------------------------------------------------------

    def allow_network_bans(self, on: bool) -> None:
        self.run(self.story.set("network_bans", "on" if on else "off"))
        self.model.network_bans = on

    def switch_raid(self, hours: int) -> None:
        self.tick()
        self.run(self.story.switch_raid(hours))
        self.model.raid_until = self.model.now + hours * HOUR

    @rule(
        milliseconds=st.sampled_from([61_000, HOUR, 12 * HOUR, DAY, DAY, DAY, 3 * DAY]),
        jobs=st.booleans(),
    )
    def wait(self, milliseconds: int, jobs: bool) -> None:
        self.do_wait(milliseconds)
        if jobs:
            self.run(expire.erase_expired_texts(self.services))
            self.model.expire()

    # What is so then ----------------------------------------------------------------------------

    @invariant()
    def readers_meet_the_bans_of_the_model(self) -> None:
        self.run(self.services.cache.site(self.story.site, max_age=0))
        for name in READERS[:2]:
            for network in NETWORKS[:3]:
                grant, _ = self.run(self.story.known_reader(name, network))
                expected = self.model.ban_of(name, network)
                met = None if grant.ban is None else grant.ban.decision
                assert met == (None if expected is None else expected.made.id), (name, network)
                read_only = isinstance(grant.denial, BannedError)
                assert read_only == (expected is not None and expected.mode == "read")

    @invariant()
    def keys_of_days_are_kept_no_longer_than_needed(self) -> None:
        assert self.run(self.story.key_days()) == self.model.key_days


def test_readers_are_banned_as_the_model_says_whatever_is_done(
    migrated_url: str, tmp_path: Path
) -> None:
    run_machine(Banning, tmp_path, migrated_url, (6, 2), steps=40)
