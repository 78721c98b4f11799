"""Readers of a copy whose page has an earlier text of the story are told, if the owner wants that, and no others."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.operations.checked_pages import FIRST_TEXT, TEXT
from tests.operations.checked_server import Checked, open_checked
from tests.operations.operations_harness import NETWORK, Server
from tests.operations.owner_harness import OWNER, carry
from tests.operations.page_server import redirect
from widget_server.model.actors import shell
from widget_server.model.records import Copy
from widget_server.operations.owners import settings, story_text
from widget_server.operations.owners.story_text import TypedText
from widget_server.operations.publishing import check_page, page_facts
from widget_server.operations.readers import authorize, copies, older_copies, read
from widget_server.store.queries.older_copies import KnownText, note_text_of_copy
from widget_server.store.queries.stories import record_copy
from widget_server.store.schema import (
    copies as copies_table,
    page_facts as facts_table,
    story_texts,
)

OLD_BODY = """<h2>The boats</h2><p>Forty-one boats left the harbour before dawn on Monday.</p>
<p>The mayor said that 4.5 % of the fleet is out of work.</p>
<p>Nets are mended by hand, as they were a century ago.</p>"""
OTHER = "https://other.example"


@pytest.fixture
async def checked(server: Server, tmp_path: Path) -> AsyncIterator[Checked]:
    """Return a story with two versions of its text, on each engine, and a web server for pages."""
    async with open_checked(server, tmp_path) as opened:
        await server.set(("older_copies", "readers"))
        yield opened


async def put(checked: Checked, text: str) -> None:
    """Store a version of the story's text."""
    await story_text.put(
        checked.services, OWNER, "paper", checked.story.code, TypedText(text, "markdown")
    )
    await checked.services.cache.site("paper", max_age=0)


async def carried(checked: Checked, body: str, path: str = "/boats") -> tuple[authorize.Grant, int]:
    """Let a page carry the story, with a token for its site. Return its grant and the copy's id."""
    services, address = checked.services, checked.put(checked.parts(text=body).html(), path=path)
    grant = await authorize.authorize(
        services, token=checked.token(), code=None, origin=checked.origin, page=address
    )
    copy = await copies.record_seen(services, grant, NETWORK)
    assert copy is not None
    return grant, copy.id


async def let_pass(checked: Checked, by_ms: int) -> None:
    """Let the last look at every page, and every text, be longer ago."""

    async def age(connection: AsyncConnection) -> None:
        for table, name in ((facts_table, "fetched_at"), (story_texts, "created_at")):
            await connection.execute(update(table).values({name: table.c[name] - by_ms}))

    await checked.services.writer.run_in_transaction(age)


async def look(checked: Checked, copy: int) -> None:
    """Look at the copy's page now, as the schedule does."""
    # A host is asked at most once in a while.
    await let_pass(checked, page_facts.PAUSE_MS + 1)
    wait = await page_facts.look_at_page(checked.services, checked.services.fetcher, copy)
    assert wait is None
    await checked.services.cache.site("paper", max_age=0)


async def told(checked: Checked, handle: str, origin: str | None) -> dict[str, object] | None:
    """Return what `GET …?copy=` says of the copy's age."""
    body, _ = await read.snapshot_of_copy(
        checked.services, checked.story.code, None, handle, origin
    )
    found: dict[str, object] | None = orjson.loads(body).get("older")
    return found


async def version_of(checked: Checked, copy: int) -> int | None:
    """Return the version of the text that the copy is known to have."""

    async def find(connection: AsyncConnection) -> int | None:
        own = select(copies_table.c.text_version).where(copies_table.c.id == copy)
        version: int | None = (await connection.execute(own)).scalar_one()
        return version

    return await checked.server.components.database.read(find)


async def test_a_look_notes_the_version_and_only_readers_of_that_copy_are_told(
    checked: Checked,
) -> None:
    grant, copy = await carried(checked, OLD_BODY)
    await carry(checked.server, checked.story, OTHER)
    assert await told(checked, grant.handle, checked.origin) is None
    await look(checked, copy)
    newest = (await checked.services.story_texts.versions(checked.story.code))[0]
    assert await version_of(checked, copy) == 1
    server = checked.services.server_origin
    assert await told(checked, grant.handle, checked.origin) == {
        "changed_at": newest.created_at,
        "url": f"{server}/s/{checked.story.code}/changes?from=1",
    }
    whole = await read.snapshot(checked.services, checked.story.code, None)
    for handle, origin in ((grant.handle, OTHER), (grant.handle, None), ("", checked.origin)):
        body, key = await read.snapshot_of_copy(
            checked.services, checked.story.code, None, handle, origin
        )
        assert (body, key) == (whole, None)


async def test_a_new_text_makes_copies_older_and_a_new_look_makes_them_young_again(
    checked: Checked,
) -> None:
    current = OLD_BODY.replace("Forty-one", "Thirty-eight")
    grant, copy = await carried(checked, current)
    await look(checked, copy)
    assert await version_of(checked, copy) == 2
    assert await told(checked, grant.handle, checked.origin) is None
    await put(checked, TEXT.replace("Thirty-eight", "Thirty-nine"))
    found = await told(checked, grant.handle, checked.origin)
    assert found is not None
    assert str(found["url"]).endswith("?from=2")
    checked.put(checked.parts(text=current.replace("Thirty-eight", "Thirty-nine")).html())
    await look(checked, copy)
    assert await version_of(checked, copy) == 3
    assert await told(checked, grant.handle, checked.origin) is None


async def test_a_copy_that_moved_to_another_page_is_not_older_until_a_look_at_that_page(
    checked: Checked,
) -> None:
    grant, copy = await carried(checked, OLD_BODY)
    await look(checked, copy)
    assert await told(checked, grant.handle, checked.origin) is not None

    async def seen_on(address: str) -> None:
        assert grant.claims is not None
        key = grant.story.id, grant.claims.jti, checked.origin
        seen = record_copy(*key, None, None, address, look=True, handle=grant.handle)
        await checked.services.writer.run_in_transaction(seen)
        await checked.services.cache.site("paper", max_age=0)

    # The same page again says nothing new.
    await seen_on(f"{checked.origin}/boats")
    changes = await checked.services.cache.site("paper", max_age=0)
    assert await version_of(checked, copy) == 1
    await seen_on(checked.put(checked.parts().html(), path="/moved"))
    assert await version_of(checked, copy) is None
    assert await told(checked, grant.handle, checked.origin) is None
    # The pages that are open are told.
    now = await checked.services.cache.site("paper", max_age=0)
    assert changes is not None
    assert now is not None
    assert now.site.copy_changes == changes.site.copy_changes + 1
    await look(checked, copy)
    assert await version_of(checked, copy) == 2
    assert await told(checked, grant.handle, checked.origin) is None


async def test_what_a_look_does_not_know_is_not_said(checked: Checked) -> None:
    """A page that does not answer any more, one without the text, and one that changed the passage itself."""
    grant, copy = await carried(checked, OLD_BODY)
    await look(checked, copy)
    assert await told(checked, grant.handle, checked.origin) is not None
    checked.pages.answers.pop("/boats")
    await look(checked, copy)
    assert await version_of(checked, copy) == 1
    for body in ("<p>A few words of our own.</p>", OLD_BODY.replace("Forty-one", "Sixty")):
        checked.put(checked.parts(text=body).html())
        await look(checked, copy)
        assert await version_of(checked, copy) is None
        assert await told(checked, grant.handle, checked.origin) is None


async def test_a_page_of_another_site_says_nothing_about_a_copy_that_redirects_to_it(
    checked: Checked,
) -> None:
    """A program can name such an address as the page of a copy: what counts is what the copy's own site shows."""
    grant, copy = await carried(checked, OLD_BODY)
    there = checked.put(checked.parts(text=OLD_BODY).html(), path="/elsewhere")
    checked.pages.answers["/boats"] = redirect(there.replace("page.example", "second.example"))
    await look(checked, copy)
    assert len(checked.pages.requests) == 2
    assert await version_of(checked, copy) is None
    assert await told(checked, grant.handle, checked.origin) is None
    checked.pages.answers["/boats"] = redirect("/elsewhere")
    await look(checked, copy)
    assert await version_of(checked, copy) == 1


async def test_only_the_setting_readers_tells_them_and_a_story_may_differ_from_its_site(
    checked: Checked,
) -> None:
    grant, copy = await carried(checked, OLD_BODY)
    await look(checked, copy)
    code = checked.story.code
    for site, story, says in (
        ("republisher", None, False),
        ("republisher", "readers", True),
        ("readers", "republisher", False),
        ("readers", None, True),
    ):
        await checked.server.set(("older_copies", site))
        await settings.change_settings(
            checked.services, shell("test"), "paper", {"older_copies": story}, story=code
        )
        await checked.services.cache.site("paper", max_age=0)
        assert (await told(checked, grant.handle, checked.origin) is not None) is says, (
            site,
            story,
        )


async def test_a_closed_site_and_a_licence_that_does_not_let_everyone_republish_tell_no_reader(
    checked: Checked,
) -> None:
    grant, copy = await carried(checked, OLD_BODY)
    await look(checked, copy)
    found = await older_copies.older_on(checked.services, grant, Copy(copy, None, checked.origin))
    assert found is not None
    assert (found.copy.id, found.version) == (copy, 1)
    reserved = replace(grant, story=replace(grant.story, license="LicenseRef-Own"))
    closed = replace(grant.site, settings=replace(grant.site.settings, open_reading=False))
    for other in (reserved, replace(grant, site=closed)):
        told_there = await older_copies.older_on(
            checked.services, other, Copy(copy, None, checked.origin)
        )
        assert told_there is None


async def test_the_publishers_own_page_is_no_copy(checked: Checked) -> None:
    """Its text changes with the story: the last look at it says nothing about now."""
    grant, copy = await carried(checked, OLD_BODY)
    await look(checked, copy)
    own = replace(grant, story=replace(grant.story, url=f"{checked.origin}/boats/original"))
    found = await older_copies.older_on(checked.services, own, Copy(copy, None, checked.origin))
    assert found is None


async def test_a_check_of_the_page_is_a_look_too(checked: Checked) -> None:
    _, copy = await carried(checked, OLD_BODY)
    address = checked.put(checked.parts(text=OLD_BODY).html())
    await checked.check(address)
    assert await version_of(checked, copy) == 1
    checked.put(checked.parts().html())
    await check_page.check_copy(checked.services, OWNER, "paper", copy)
    assert await version_of(checked, copy) == 2
    # An address with a query is another page, and so is one at another path.
    other = checked.put(checked.parts(text=OLD_BODY).html(), path="/others")
    checked.pages.answers["/boats?x=1"] = checked.pages.answers["/others"]
    for elsewhere in (other, f"{address}?x=1"):
        assert (await checked.check(elsewhere)).page == elsewhere
        assert await version_of(checked, copy) == 2


async def test_a_check_notes_the_version_for_the_frame_on_the_page(checked: Checked) -> None:
    """The discussion in a frame is a copy on this server's own origin, whose page the server never sees."""
    services, token = checked.services, checked.token()
    grant = await authorize.authorize(
        services, token=token, code=None, origin=services.server_origin
    )
    copy = await copies.record_seen(services, grant, NETWORK)
    assert copy is not None
    frame = f'<iframe src="{services.server_origin}/e/{token}"></iframe>'
    page = checked.parts(text=OLD_BODY, snippet=frame, script="none").html()
    await checked.check(checked.put(page))
    await services.cache.site("paper", max_age=0)
    assert await version_of(checked, copy.id) == 1
    assert await told(checked, grant.handle, None) is not None
    anywhere = checked.token(origins=["*"])
    grant = await authorize.authorize(
        services, token=anywhere, code=None, origin=services.server_origin
    )
    shared = await copies.record_seen(services, grant, NETWORK)
    assert shared is not None
    await checked.check(checked.put(page.replace(token, anywhere)))
    assert await version_of(checked, shared.id) is None


async def test_a_removed_text_forgets_what_copies_had(checked: Checked) -> None:
    grant, copy = await carried(checked, OLD_BODY)
    versions = await checked.services.story_texts.versions(checked.story.code)
    await look(checked, copy)
    await story_text.remove(checked.services, OWNER, "paper", checked.story.code)
    assert await version_of(checked, copy) is None
    for text in (TEXT, FIRST_TEXT, TEXT):
        await put(checked, text)
    assert await told(checked, grant.handle, checked.origin) is None
    # A look that began before: its version 1 was another text.
    stale = KnownText(1, versions[-1].created_at)
    page = f"{checked.origin}/boats"
    await checked.services.writer.run_in_transaction(note_text_of_copy("paper", copy, page, stale))
    assert await version_of(checked, copy) is None
