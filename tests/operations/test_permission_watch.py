"""The permission watcher finds changed sites and lets their sockets review their grants."""

import asyncio
import math
import time

from tests.operations.operations_harness import RecordingConnection, Server
from tests.operations.owner_harness import OWNER, carry, write
from tests.waiting import eventually
from widget_server.hub.channel import Subscription
from widget_server.model.actors import shell
from widget_server.model.errors import UnavailableError
from widget_server.operations.moderation import decide, local_copies
from widget_server.operations.owners import sites
from widget_server.operations.readers import authorize
from widget_server.operations.readers.permission_watch import ChangedCopies
from widget_server.transport.event_stream import EventStreamConnection
from widget_server.transport.metrics import EventStreamMetrics
from widget_server.web.events import _Stream


class Holder:
    """A socket that records its reviews."""

    def __init__(
        self, answer: list[tuple[str, Subscription]] | None = None, copies: tuple[int, ...] = ()
    ) -> None:
        self.reviewed: list[str] = []
        self.answer = answer or []
        self.copies = copies
        self.fails = False

    def carries(self, changed: ChangedCopies) -> bool:
        return not changed.ids.isdisjoint(self.copies)

    async def review(self, site: str) -> list[tuple[str, Subscription]]:
        self.reviewed.append(site)
        if self.fails:
            raise UnavailableError
        return self.answer


async def version_of(server: Server, site: str = "paper") -> tuple[str, int]:
    counters = await server.components.sites.counters([site])
    return server.services.discussions.epoch, counters[site][0]


async def test_a_change_of_permissions_is_reviewed_once_by_the_sockets_of_the_site(
    server: Server,
) -> None:
    await sites.create_site(server.services, shell("test"), "other", "Another paper")
    holder, unrelated = Holder(), Holder()
    watcher = server.services.rights
    watcher.add("paper", holder, await version_of(server), math.inf)
    watcher.add("other", unrelated, await version_of(server, "other"), math.inf)
    await watcher.check()
    assert holder.reviewed == []
    await sites.revoke(server.services, shell("test"), "paper", "handle")
    for _ in range(2):
        await watcher.check()
        await eventually(lambda: holder.reviewed == ["paper"], "the socket reviews its grants")
    assert unrelated.reviewed == []


async def test_a_change_of_one_copy_is_reviewed_by_the_sockets_on_its_pages_only(
    server: Server,
) -> None:
    """Hiding a comment, a reply below a hidden reply, and its publication: 1 of 101 sockets has work."""
    services, story = server.services, server.publisher.story()
    here, copy = await carry(server, story, "https://here.example")
    there, other = await carry(server, story, "https://there.example")
    watcher, version = services.rights, await version_of(server)
    on_it, elsewhere = Holder(copies=(copy,)), [Holder(copies=(other,)) for _ in range(100)]
    for holder in (on_it, *elsewhere):
        watcher.add("paper", holder, version, math.inf)
    top = await write(server, there)
    reply = await write(server, there, parent=top.id)
    await watcher.check()
    assert watcher.metrics.reviews == 0
    await local_copies.hide(services, OWNER, "paper", copy, reply.id)
    await _reviewed(server, on_it, 1)
    await write(server, here, parent=reply.id)
    await _reviewed(server, on_it, 2)
    await local_copies.let_wait(services, OWNER, "paper", copy, on=True)
    await _reviewed(server, on_it, 3)
    waiting = await write(server, here, parent=reply.id)
    await watcher.check()
    assert watcher.metrics.reviews == 3
    await decide.decide(services, OWNER, "approve", waiting.id)
    await _reviewed(server, on_it, 4)
    assert [one.reviewed for one in elsewhere] == [[]] * 100
    assert (await version_of(server)) == version


async def _reviewed(server: Server, holder: Holder, times: int) -> None:
    """Wait until the socket has reviewed its grants so often, and check that no other one has."""
    await server.services.rights.check()
    await eventually(lambda: len(holder.reviewed) == times, "the socket reviews its grants")
    assert server.services.rights.metrics.reviews == times


async def test_a_socket_that_was_told_before_a_change_is_told_with_the_next_check(
    server: Server,
) -> None:
    services, story = server.services, server.publisher.story()
    here, copy = await carry(server, story, "https://here.example")
    watcher, version, written = services.rights, await version_of(server), await write(server, here)
    first, late = Holder(copies=(copy,)), Holder(copies=(copy,))
    watcher.add("paper", first, version, math.inf, 0)
    await local_copies.hide(services, OWNER, "paper", copy, written.id)
    await watcher.check()
    await eventually(lambda: first.reviewed == ["paper"], "the first socket reviews its grants")
    # It was told before the change, and is added after the check that found it.
    watcher.add("paper", late, version, math.inf, 0)
    await watcher.check()
    await eventually(lambda: late.reviewed == ["paper"], "the late socket reviews its grants")


async def test_a_grant_that_expires_is_reviewed(server: Server) -> None:
    holder = Holder()
    watcher = server.services.rights
    watcher.add("paper", holder, await version_of(server), time.time() - 1)
    await watcher.check()
    await eventually(lambda: holder.reviewed == ["paper"], "the socket reviews its grants")


async def test_a_grant_of_an_older_version_is_reviewed_with_the_next_check(server: Server) -> None:
    old = await version_of(server)
    await sites.revoke(server.services, shell("test"), "paper", "handle")
    watcher, first, late = server.services.rights, Holder(), Holder()
    watcher.add("paper", first, await version_of(server), math.inf)
    watcher.add("paper", late, old, math.inf)
    await watcher.check()
    await eventually(lambda: late.reviewed == ["paper"], "the late socket reviews its grants")


async def test_a_removed_socket_is_not_reviewed(server: Server) -> None:
    removed, kept = Holder(), Holder()
    watcher, version = server.services.rights, await version_of(server)
    for holder in (removed, kept):
        watcher.add("paper", holder, version, math.inf)
    watcher.remove("paper", removed)
    await sites.revoke(server.services, shell("test"), "paper", "handle")
    await watcher.check()
    await eventually(lambda: kept.reviewed == ["paper"], "the other socket reviews its grants")
    assert removed.reviewed == []


async def test_a_failed_review_is_repeated(server: Server) -> None:
    holder = Holder()
    holder.fails = True
    watcher = server.services.rights
    watcher.add("paper", holder, await version_of(server), math.inf)
    await sites.revoke(server.services, shell("test"), "paper", "handle")
    await watcher.check()
    await eventually(lambda: holder.reviewed, "the first review fails")
    holder.fails = False

    async def again() -> bool:
        await watcher.check()
        return len(holder.reviewed) > 1

    await eventually(again, "the review is repeated")


async def test_a_subscription_that_needs_one_receives_a_new_snapshot(server: Server) -> None:
    grant = await server.grant()
    connection = RecordingConnection()
    subscription = Subscription(connection, 0, b"", None)
    await server.components.hub.subscribe(grant.story.code, subscription, 1, None)
    watcher = server.services.rights
    holder = Holder([(grant.story.code, subscription)])
    watcher.add("paper", holder, await version_of(server), math.inf)
    before = len(connection.of_type("snapshot"))
    await sites.revoke(server.services, shell("test"), "paper", "handle")
    await watcher.check()
    await eventually(lambda: len(connection.of_type("snapshot")) > before, "a new snapshot arrives")


async def test_a_stream_that_ends_during_its_review_is_not_watched_any_more(
    server: Server,
) -> None:
    watcher = server.services.rights
    stream = _Stream(
        server.services, EventStreamConnection(EventStreamMetrics()), "network", {}, None
    )
    code = (await server.grant()).story.code
    grant = await authorize.authorize(server.services, token=None, code=code, origin=None)
    await stream.add(grant, None)
    assert stream._grants
    # As after two seconds: the review reads the site again.
    server.services.cache._by_slug.clear()
    review = asyncio.create_task(stream.review("paper"))
    await asyncio.sleep(0)
    assert not review.done()
    stream.remove_all()
    await review
    holder = Holder()
    watcher.add("paper", holder, await version_of(server), math.inf)
    watcher.remove("paper", holder)
    assert not watcher._sites_watched
