"""A restore brings nothing back that was erased, withdrawn, retired or used up since the backup."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.store.store_harness import KEYS, Store, nonzero, open_store
from widget_server.model.claims import Attribution
from widget_server.model.errors import NotFoundError, UnavailableError
from widget_server.model.records import Site
from widget_server.model.settings import SiteSettings
from widget_server.store import backup, migrate, restore
from widget_server.store.queries.identity_tokens import consume_identity_token
from widget_server.store.queries.sites import insert_site, revoke_token, update_site
from widget_server.store.queries.stories import insert_story
from widget_server.store.schema import comments, erasures, identities, reactions, reports, revoked
from widget_server.store.writing.actions import Delete, Edit, Forget, Moderate, Report


def quiet(_table: str, _done: int, _total: int) -> None:
    """No one watches."""


@asynccontextmanager
async def store_at(url: str) -> AsyncIterator[Store]:
    """A store on a database that is made where there is none."""
    await migrate.upgrade(url)
    async with open_store(url) as store:
        yield store


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "backup.sqlite3"


async def restored(store: Store, url: str, file: Path) -> restore.Restored:
    """Restore, and let the writer notice: it asks for one action to come again."""
    done = await restore.restore(url, file, quiet)
    with pytest.raises(UnavailableError):
        await store.writer.run_in_transaction(revoke_token("s", "noticed"))
    return done


async def test_what_a_reader_had_forgotten_stays_forgotten(database_url: str, file: Path) -> None:
    async with store_at(database_url) as store:
        story = await store.story()
        own = await store.post(story, "ann", "my words", name="Ann", email="ann@example.org")
        waiting = await store.post(story, "ann", "waits", pending=True)
        other = await store.post(story, "ben", "a reply", parent=own.id)
        await store.writer.submit(Edit(story.id, other.id, "ben", "b", ["b"], 10**9, True, 1))
        await store.react(story, "ann", "happy")
        await store.react(story, "ben", "happy")
        await store.react(story, "ann", "sad", other.id)
        await store.writer.submit(Report(story.id, other.id, "ann", "rude", 1))
        await backup.back_up(database_url, file, quiet)
        await store.writer.submit(Forget("ann", 2_000_000))
        done = await restored(store, database_url, file)
        assert done.kept == {"comments that were erased": 2, "readers who were erased": 1}
        assert done.knew
        rows = {row.id: row for row in await store.rows(comments)}
        for gone in (own.id, waiting.id):
            assert (rows[gone].state, rows[gone].source, rows[gone].text) == ("removed", "", "[]")
            assert (rows[gone].name, rows[gone].email, rows[gone].reader) == (None, None, "")
        assert rows[other.id].source == "a reply"
        assert rows[other.id].waiting_source == "b"
        assert await store.rows(reports) == []
        assert [row.reader for row in await store.rows(reactions)] == ["ben"]
        now = await store.now(story)
        assert (now.count, nonzero(now.tally)) == (1, {"happy": 1})
        await store.tallies_are_rows()


async def test_what_a_reader_left_after_being_forgotten_stays(
    database_url: str, file: Path
) -> None:
    """Someone who signs in with the site is the same reader again."""
    async with store_at(database_url) as store:
        story = await store.story()
        before = await store.post(story, "ann", "before", at=1_000)
        await store.writer.submit(Forget("ann", 2_000))
        after = await store.post(story, "ann", "after", at=3_000)
        await store.react(story, "ann", "happy")
        await store.writer.submit(Forget("zoe", 2_000))
        await backup.back_up(database_url, file, quiet)
        await restored(store, database_url, file)
        rows = {row.id: row.source for row in await store.rows(comments)}
        assert rows == {before.id: "", after.id: "after"}


async def test_what_its_author_or_a_moderator_took_away_stays_away(
    database_url: str, file: Path
) -> None:
    async with store_at(database_url) as store:
        story = await store.story()
        deleted = await store.post(story, "ann", "taken back")
        removed = await store.post(story, "ben", "removed")
        reply = await store.post(story, "cem", "a reply", parent=removed.id)
        await store.react(story, "dan", "sad", removed.id)
        edit = Edit(story.id, removed.id, "ben", "worse", ["worse"], 10**9, True, 1_000_001)
        await store.writer.submit(edit)
        await backup.back_up(database_url, file, quiet)
        await store.writer.submit(Delete(story.id, deleted.id, "ann", 10**9, 1_000_001))
        await store.writer.submit(Moderate(story.id, removed.id, "remove", 1_000_002))
        done = await restored(store, database_url, file)
        assert done.kept == {"comments that were erased": 2}
        rows = {row.id: row for row in await store.rows(comments)}
        for gone in (deleted.id, removed.id):
            assert (rows[gone].state, rows[gone].source) == ("removed", "")
            assert (rows[gone].waiting_source, rows[gone].waiting_text) == (None, None)
        found = await store.discussions.snapshot(story.code)
        assert found.story.count == 1
        thread = next(one for one in found.page.threads if one.top.id == removed.id)
        assert [one.id for one in thread.replies] == [reply.id]
        await store.tallies_are_rows()
        with pytest.raises(NotFoundError):
            await store.writer.submit(Moderate(story.id, removed.id, "approve", 1_000_003))


async def test_it_stays_so_through_a_restore_of_what_was_before_it(
    database_url: str, tmp_path: Path
) -> None:
    """Neither of two backups knows; the older one does not even know the comment."""
    async with store_at(database_url) as store:
        story = await store.story()
        await backup.back_up(database_url, tmp_path / "older", quiet)
        gone = await store.post(story, "ann", "words")
        await backup.back_up(database_url, tmp_path / "newer", quiet)
        await store.writer.submit(Moderate(story.id, gone.id, "remove", 1))
        await restored(store, database_url, tmp_path / "older")
        assert await store.rows(comments) == []
        await restored(store, database_url, tmp_path / "newer")
        (row,) = await store.rows(comments)
        assert (row.state, row.source) == ("removed", "")


async def test_keys_and_tokens_stay_withdrawn(database_url: str, file: Path) -> None:
    async with store_at(database_url) as store:
        await store.story()
        await store.writer.run_in_transaction(revoke_token("s", "before"))
        await backup.back_up(database_url, file, quiet)
        await store.writer.run_in_transaction(revoke_token("s", "after"))
        await store.writer.run_in_transaction(consume_identity_token("s", "once", 2_000, 1_000))
        for newest, oldest in ((2, 1), (3, 3)):

            def rotated(site: Site, newest: int = newest, oldest: int = oldest) -> Site:
                return replace(site, generation=newest, oldest=oldest)

            await store.writer.run_in_transaction(update_site("s", rotated))
        done = await restored(store, database_url, file)
        assert done.kept == {
            "sites with newer keys": 1,
            "withdrawn tokens": 1,
            "used identity tokens": 1,
        }
        site = await store.sites.find("s")
        assert site is not None
        assert (site.generation, site.oldest) == (3, 3)
        assert await store.sites.revoked("s") == {"before", "after"}
        assert not await store.writer.run_in_transaction(
            consume_identity_token("s", "once", 2_000, 1_000)
        )


async def test_a_backup_with_newer_keys_than_the_database_keeps_its_own(
    database_url: str, file: Path
) -> None:
    async with store_at(database_url) as store:
        await store.story()
        await backup.back_up(database_url, file, quiet)
    async with store_at(database_url) as store:
        rotated = update_site("s", lambda site: replace(site, generation=4, oldest=2))
        await store.writer.run_in_transaction(rotated)
        newer = file.with_name("newer")
        await backup.back_up(database_url, newer, quiet)
        await restored(store, database_url, file)
        done = await restored(store, database_url, newer)
        assert done.kept == {}
        site = await store.sites.find("s")
        assert site is not None
        assert (site.generation, site.oldest) == (4, 2)


async def test_a_site_of_which_something_was_withdrawn_is_not_forgotten(
    database_url: str, file: Path
) -> None:
    """Made again under its name, it would have its first key again, and with it every old token."""
    async with store_at(database_url) as store:
        await store.story()
        await backup.back_up(database_url, file, quiet)
        for slug in ("plain", "leaked"):
            await store.writer.run_in_transaction(
                insert_site(Site(slug, slug, 1, 1, SiteSettings()))
            )
        await store.writer.run_in_transaction(revoke_token("leaked", "bad"))
        done = await restored(store, database_url, file)
        assert done.kept["sites made since, without their stories"] == 1
        assert [site.slug for site in await store.sites.all()] == ["leaked", "s"]
        assert await store.sites.revoked("leaked") == {"bad"}


async def test_it_stays_so_from_one_engine_to_the_other(
    database_url: str, sqlite_url: str, postgres_url: str, file: Path
) -> None:
    """The site moved from one engine to the other; then comes the backup of before."""
    target = postgres_url if database_url == sqlite_url else sqlite_url
    async with store_at(database_url) as store:
        story = await store.story()
        await store.post(story, "ann", "words", id="moved")
        await backup.back_up(database_url, file, quiet)
    async with store_at(target) as store:
        await restore.restore(target, file, quiet)
    async with store_at(target) as store:
        await store.writer.submit(Forget("ann", 2_000_000))
        await store.writer.run_in_transaction(revoke_token("s", "bad"))
        done = await restored(store, target, file)
        assert done.kept["readers who were erased"] == 1
        (row,) = await store.rows(comments)
        assert (row.state, row.source, row.reader) == ("removed", "", "")
        assert await store.sites.revoked("s") == {"bad"}


async def test_of_an_empty_database_nothing_is_known(
    database_url: str, sqlite_url: str, postgres_url: str, file: Path
) -> None:
    other = postgres_url if database_url == sqlite_url else sqlite_url
    async with store_at(database_url) as store:
        await store.story()
        await backup.back_up(database_url, file, quiet)
    async with store_at(other):
        done = await restore.restore(other, file, quiet)
        assert (done.knew, done.kept) == (False, {})
        assert done.made_at is not None


async def test_what_is_remembered_of_an_erasure_is_ids(database_url: str) -> None:
    async with store_at(database_url) as store:
        story = await store.story()
        await store.post(story, "ann", "my words", name="Ann", at=5_000)
        await store.writer.submit(Forget("ann", 4_000))
        (row,) = await store.rows(erasures)
        # Not earlier than what was erased, though another machine's clock was behind.
        assert tuple(row) == ("reader", "ann", 5_000)


async def test_the_restored_numbering_goes_on_where_erasing_ended(
    database_url: str, file: Path
) -> None:
    async with store_at(database_url) as store:
        story = await store.story()
        gone = await store.post(story, "ann", "words")
        await backup.back_up(database_url, file, quiet)
        await store.writer.submit(Moderate(story.id, gone.id, "remove", 1))
        await restored(store, database_url, file)
        now = await store.now(story)
        fresh = await store.post(now, "ben", "new")
        assert fresh.seq == now.seq + 1


async def test_tables_of_withdrawals_have_rows_of_their_own_after_a_restore(
    database_url: str, file: Path
) -> None:
    """A story that was made since is gone, with all that hung on it; nothing points nowhere."""
    async with store_at(database_url) as store:
        await store.story()
        await backup.back_up(database_url, file, quiet)
        counts = dict.fromkeys(KEYS, 0)
        made = insert_story("otherstory12", "s", "two", 1, Attribution(), counts)
        await store.writer.run_in_transaction(made)
        later = await store.discussions.story("otherstory12")
        assert later is not None
        gone = await store.post(later, "ann", "words")
        await store.writer.submit(Moderate(later.id, gone.id, "remove", 1))
        await store.writer.run_in_transaction(revoke_token("s", "bad"))
        await restored(store, database_url, file)
        assert [row.subject for row in await store.rows(erasures)] == [gone.id]
        assert [row.jti for row in await store.rows(revoked)] == ["bad"]
        assert await store.rows(identities) == []
        await backup.back_up(database_url, file.with_name("again"), quiet)
