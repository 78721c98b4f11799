"""When a copy's page is looked at again, and which versions of a story's text are kept for copies."""

from dataclasses import replace

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.operations.checked_pages import TEXT
from tests.operations.checked_server import Checked
from tests.operations.operations_harness import NETWORK
from tests.operations.owner_harness import carry
from tests.operations.test_older_copies import (
    OLD_BODY,
    carried,
    checked as checked,
    let_pass,
    look,
    put,
    version_of,
)
from widget_server.operations.readers import copies
from widget_server.store.queries.older_copies import KnownText, note_text_of_copy
from widget_server.store.queries.page_facts import (
    LOOK_AGAIN_AFTER_MS,
    LOOK_AT_PAGE,
    LOOK_FOR_TEXT_AFTER_MS,
)
from widget_server.store.queries.story_texts import KEPT_FOR_COPIES, KEPT_VERSIONS
from widget_server.store.schema import schedule


async def test_versions_that_copies_have_are_kept_beyond_the_last_ones_up_to_a_number(
    checked: Checked,
) -> None:
    services, held = checked.services, {}
    for number in range(1, KEPT_VERSIONS + KEPT_FOR_COPIES + 10):
        await put(checked, f"{TEXT}\n\nEdition {number} of this text.")
        newest = (await services.story_texts.versions(checked.story.code))[0]
        if number <= KEPT_FOR_COPIES + 5:
            origin = f"https://copy-{number}.example"
            _, copy = await carry(checked.server, checked.story, origin)
            known = KnownText(newest.version, newest.created_at)
            note = note_text_of_copy("paper", copy, f"{origin}/article", known)
            await services.writer.run_in_transaction(note)
            held[newest.version] = copy
    newest = (await services.story_texts.versions(checked.story.code))[0]
    expected = [*range(newest.version, newest.version - KEPT_VERSIONS, -1)]
    expected += sorted(held)[: -KEPT_FOR_COPIES - 1 : -1]
    versions = await services.story_texts.versions(checked.story.code)
    assert [one.version for one in versions] == expected
    for version, copy in held.items():
        assert await version_of(checked, copy) == (version if version in expected else None)


async def scheduled(checked: Checked) -> bool:
    """Return whether a look at a page waits, and take it out of the schedule."""

    async def take(connection: AsyncConnection) -> bool:
        own = schedule.c.kind == LOOK_AT_PAGE
        return (await connection.execute(delete(schedule).where(own))).rowcount > 0

    return await checked.services.writer.run_in_transaction(take)


async def test_a_copy_that_is_read_is_looked_at_again_after_a_new_text_and_daily_while_it_is_older(
    checked: Checked,
) -> None:
    grant, copy = await carried(checked, OLD_BODY.replace("Forty-one", "Thirty-eight"))
    key = (grant.story.id, grant.claims.jti, checked.origin)  # type: ignore[union-attr]

    async def read_it() -> bool:
        """Read the page, an hour after it was read last. Return whether that scheduled a look."""
        checked.services.cache._copies.pop(key)
        await copies.record_seen(checked.services, grant, NETWORK)
        return await scheduled(checked)

    assert await scheduled(checked)
    await look(checked, copy)
    await let_pass(checked, 10 * LOOK_AGAIN_AFTER_MS)
    assert not await read_it()
    await look(checked, copy)
    await put(checked, TEXT.replace("Thirty-eight", "Thirty-nine"))
    assert not await read_it()
    await let_pass(checked, LOOK_FOR_TEXT_AFTER_MS + 1_000)
    assert await read_it()
    await look(checked, copy)
    assert not await read_it()
    await let_pass(checked, LOOK_AGAIN_AFTER_MS + 1_000)
    assert await read_it()
    await checked.server.set(("older_copies", "republisher"))
    grant = replace(grant, site=(await checked.services.cache.site("paper")).site)  # type: ignore[union-attr]
    assert not await read_it()
