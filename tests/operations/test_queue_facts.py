"""What a page of the queue says beside its cases: the person's own numbers, and one view of the database."""

from dataclasses import replace

from tests.operations.operations_harness import Server
from tests.operations.owner_harness import person, write
from widget_server.model.queue import StorySet
from widget_server.operations.moderation import decide, queue, watch_lists
from widget_server.operations.readers import comment as comments, identify

ANA, BEN = person("moderator"), replace(person("moderator"), id="ben")


async def test_a_person_is_told_how_many_harsh_cases_they_decided_today(server: Server) -> None:
    services, grant = server.services, await server.grant()
    for number, reason in enumerate(("threat", "hate", "off_topic", "attack")):
        comment = await write(server, grant, f"number {number}")
        reader = identify.act(services, grant, None, f"network {number}", None)
        await comments.report(services, grant, reader, comment.id, reason)
        by = BEN if reason == "attack" else ANA
        await decide.decide(services, by, "remove", comment.id, queue="reported")
    assert (await queue.queue_facts(services, ANA, "paper")).hard == 2, "off_topic is not harsh"
    assert (await queue.queue_facts(services, BEN, "paper")).hard == 1
    tomorrow = replace(services, clock=lambda: services.clock() + 24 * 3_600)
    assert (await queue.queue_facts(tomorrow, ANA, "paper")).hard == 0


async def test_the_facts_of_a_page_are_one_view_of_the_database(server: Server) -> None:
    services, grant = server.services, await server.grant()
    await write(server, grant, "hello")
    owner = person("owner")
    made = await watch_lists.add_watch_list(services, owner, "paper", "Today", StorySet(top=3))
    later = replace(services, clock=lambda: services.clock() + 60)
    reads = server.components.database.metrics.read_transactions
    facts = await queue.queue_facts(later, ANA, "paper")
    assert server.components.database.metrics.read_transactions == reads + 1
    assert ([one.id for one in facts.watch_lists], facts.new) == ([made.id], 1)
