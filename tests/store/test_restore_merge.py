"""A restore keeps what was erased, withdrawn, retired or used since the backup."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.store.store_harness import DAY, KEYS, Store, decide, nonzero, open_store, undo
from widget_server.model.claims import Attribution, WidgetClaims
from widget_server.model.corrections import Correction
from widget_server.model.errors import ErasedError, NotFoundError, UnavailableError
from widget_server.model.records import Site, Story
from widget_server.model.settings import SiteSettings
from widget_server.store import backup, migrate, restore
from widget_server.store.queries.identity_tokens import consume_identity_token
from widget_server.store.queries.sites import insert_site, revoke_token, update_site
from widget_server.store.queries.stories import insert_story
from widget_server.store.queries.tokens import record_token
from widget_server.store.schema import (
    comments,
    decision_words,
    erasures,
    identities,
    kept_texts,
    reactions,
    reports,
    revoked,
    stories,
    tokens,
)
from widget_server.store.writing.actions import Decide, Delete, Edit, Forget, Report
from widget_server.store.writing.kept_texts import erase_expired


def ignore_progress(_table: str, _done: int, _total: int) -> None:
    """Ignore the progress."""


@asynccontextmanager
async def store_at(url: str) -> AsyncIterator[Store]:
    """Open a store on a database, which is created if it does not exist."""
    await migrate.upgrade(url)
    async with open_store(url) as store:
        yield store


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "backup.sqlite3"


async def restored(store: Store, url: str, file: Path) -> restore.Restored:
    """Restore, and submit an action so that the writer reads the new epoch; it is rejected once."""
    done = await restore.restore(url, file, ignore_progress)
    with pytest.raises(UnavailableError):
        await store.writer.run_in_transaction(revoke_token("s", "noticed"))
    return done


async def test_an_erased_reader_stays_erased(database_url: str, file: Path) -> None:
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
        await backup.back_up(database_url, file, ignore_progress)
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


async def test_items_that_a_reader_added_after_an_erasure_stay(
    database_url: str, file: Path
) -> None:
    """A reader who signs in with the site again has the same reader id."""
    async with store_at(database_url) as store:
        story = await store.story()
        before = await store.post(story, "ann", "before", at=1_000)
        await store.writer.submit(Forget("ann", 2_000))
        after = await store.post(story, "ann", "after", at=3_000)
        await store.react(story, "ann", "happy")
        await store.writer.submit(Forget("zoe", 2_000))
        await backup.back_up(database_url, file, ignore_progress)
        await restored(store, database_url, file)
        rows = {row.id: row.source for row in await store.rows(comments)}
        assert rows == {before.id: "", after.id: "after"}


async def test_deleted_and_removed_comments_stay_removed(database_url: str, file: Path) -> None:
    async with store_at(database_url) as store:
        story = await store.story()
        deleted = await store.post(story, "ann", "taken back")
        removed = await store.post(story, "ben", "removed")
        reply = await store.post(story, "cem", "a reply", parent=removed.id)
        await store.react(story, "dan", "sad", removed.id)
        edit = Edit(story.id, removed.id, "ben", "worse", ["worse"], 10**9, True, 1_000_001)
        await store.writer.submit(edit)
        await backup.back_up(database_url, file, ignore_progress)
        await store.writer.submit(Delete(story.id, deleted.id, "ann", 10**9, 1_000_001))
        await store.writer.submit(decide(story, removed.id, "remove", 1_000_002))
        done = await restored(store, database_url, file)
        assert done.kept == {"comments that were erased": 1, "comments that were removed": 1}
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
            await store.writer.submit(decide(story, removed.id, "approve", 1_000_003))


async def test_erasures_survive_two_restores(database_url: str, tmp_path: Path) -> None:
    """Neither of two backups has the erasure. The older one does not have the comment either."""
    async with store_at(database_url) as store:
        story = await store.story()
        await backup.back_up(database_url, tmp_path / "older", ignore_progress)
        gone = await store.post(story, "ann", "words")
        await backup.back_up(database_url, tmp_path / "newer", ignore_progress)
        await store.writer.submit(decide(story, gone.id, "remove", 1))
        await restored(store, database_url, tmp_path / "older")
        assert await store.rows(comments) == []
        await restored(store, database_url, tmp_path / "newer")
        (row,) = await store.rows(comments)
        assert (row.state, row.source) == ("removed", "")


async def test_keys_and_tokens_stay_withdrawn(database_url: str, file: Path) -> None:
    async with store_at(database_url) as store:
        await store.story()
        await store.writer.run_in_transaction(revoke_token("s", "before"))
        await backup.back_up(database_url, file, ignore_progress)
        await store.writer.run_in_transaction(revoke_token("s", "after"))
        await store.writer.run_in_transaction(consume_identity_token("s", "once", 2_000))
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
        assert not await store.writer.run_in_transaction(consume_identity_token("s", "once", 2_000))


async def test_a_backup_with_newer_keys_than_the_database_keeps_its_own(
    database_url: str, file: Path
) -> None:
    async with store_at(database_url) as store:
        await store.story()
        await backup.back_up(database_url, file, ignore_progress)
    async with store_at(database_url) as store:
        rotated = update_site("s", lambda site: replace(site, generation=4, oldest=2))
        await store.writer.run_in_transaction(rotated)
        newer = file.with_name("newer")
        await backup.back_up(database_url, newer, ignore_progress)
        await restored(store, database_url, file)
        done = await restored(store, database_url, newer)
        assert done.kept == {}
        site = await store.sites.find("s")
        assert site is not None
        assert (site.generation, site.oldest) == (4, 2)


async def test_a_site_with_withdrawals_is_kept(database_url: str, file: Path) -> None:
    """If the operator created the site again, its first key would be the same, and old tokens valid."""
    async with store_at(database_url) as store:
        await store.story()
        await backup.back_up(database_url, file, ignore_progress)
        for slug in ("plain", "leaked"):
            await store.writer.run_in_transaction(
                insert_site(Site(slug, slug, 1, 1, SiteSettings()))
            )
        await store.writer.run_in_transaction(revoke_token("leaked", "bad"))
        done = await restored(store, database_url, file)
        assert done.kept["sites made since, without their stories"] == 1
        assert [site.slug for site in await store.sites.all()] == ["leaked", "s"]
        assert await store.sites.revoked("leaked") == {"bad"}


async def test_erasures_survive_a_restore_into_the_other_engine(
    database_url: str, sqlite_url: str, postgres_url: str, file: Path
) -> None:
    """The site moved from one engine to the other, and then an older backup is restored."""
    target = postgres_url if database_url == sqlite_url else sqlite_url
    async with store_at(database_url) as store:
        story = await store.story()
        await store.post(story, "ann", "words", id="moved")
        await backup.back_up(database_url, file, ignore_progress)
    async with store_at(target) as store:
        await restore.restore(target, file, ignore_progress)
    async with store_at(target) as store:
        await store.writer.submit(Forget("ann", 2_000_000))
        await store.writer.run_in_transaction(revoke_token("s", "bad"))
        done = await restored(store, target, file)
        assert done.kept["readers who were erased"] == 1
        (row,) = await store.rows(comments)
        assert (row.state, row.source, row.reader) == ("removed", "", "")
        assert await store.sites.revoked("s") == {"bad"}


async def test_an_empty_database_has_no_erasures_to_keep(
    database_url: str, sqlite_url: str, postgres_url: str, file: Path
) -> None:
    other = postgres_url if database_url == sqlite_url else sqlite_url
    async with store_at(database_url) as store:
        await store.story()
        await backup.back_up(database_url, file, ignore_progress)
    async with store_at(other):
        done = await restore.restore(other, file, ignore_progress)
        assert (done.knew, done.kept) == (False, {})
        assert done.made_at is not None


async def test_an_erasure_is_recorded_by_ids_only(database_url: str) -> None:
    async with store_at(database_url) as store:
        story = await store.story()
        await store.post(story, "ann", "my words", name="Ann", at=5_000)
        await store.writer.submit(Forget("ann", 4_000))
        (row,) = await store.rows(erasures)
        # Not earlier than what was erased, though another machine's clock was behind.
        assert tuple(row) == ("reader", "ann", 5_000)


async def test_after_a_restore_seq_continues_after_the_erasures(
    database_url: str, file: Path
) -> None:
    async with store_at(database_url) as store:
        story = await store.story()
        gone = await store.post(story, "ann", "words")
        await backup.back_up(database_url, file, ignore_progress)
        await store.writer.submit(decide(story, gone.id, "remove", 1))
        await restored(store, database_url, file)
        now = await store.now(story)
        fresh = await store.post(now, "ben", "new")
        assert fresh.seq == now.seq + 1


async def test_every_withdrawal_table_keeps_its_rows_after_a_restore(
    database_url: str, file: Path
) -> None:
    """A story that was added since is missing with all its rows, and no row refers to it."""
    async with store_at(database_url) as store:
        await store.story()
        await backup.back_up(database_url, file, ignore_progress)
        counts = dict.fromkeys(KEYS, 0)
        made = insert_story("otherstory12", "s", "two", 1, Attribution(), counts)
        await store.writer.run_in_transaction(made)
        later = await store.discussions.story("otherstory12")
        assert later is not None
        gone = await store.post(later, "ann", "words")
        await store.writer.submit(decide(later, gone.id, "remove", 1))
        await store.writer.run_in_transaction(revoke_token("s", "bad"))
        await restored(store, database_url, file)
        assert [row.comment for row in await store.rows(kept_texts)] == [gone.id]
        assert [row.jti for row in await store.rows(revoked)] == ["bad"]
        assert await store.rows(identities) == []
        await backup.back_up(database_url, file.with_name("again"), ignore_progress)


async def test_tokens_that_were_minted_since_the_backup_stay_on_record(
    database_url: str, file: Path
) -> None:
    async with store_at(database_url) as store:
        await store.story()
        old = WidgetClaims("s", "one", ("*",), 1, "old", label="Old")
        await store.writer.run_in_transaction(record_token(old, 1, "account:ana"))
        await backup.back_up(database_url, file, ignore_progress)
        new = WidgetClaims("s", "one", ("*",), 2, "new", label="New")
        await store.writer.run_in_transaction(record_token(new, 1, "account:ben"))
        later = Site("later", "Made later", 1, 1, SiteSettings())
        await store.writer.run_in_transaction(insert_site(later))
        lost = WidgetClaims("later", "one", ("*",), 2, "lost")
        await store.writer.run_in_transaction(record_token(lost, 1, "account:ben"))
        done = await restored(store, database_url, file)
        assert done.kept == {"tokens made since": 1}
        found = {(row.jti, row.label, row.by) for row in await store.rows(tokens)}
        assert found == {("old", "Old", "account:ana"), ("new", "New", "account:ben")}


async def test_a_removed_comment_stays_removed_and_can_still_be_restored(
    database_url: str, file: Path
) -> None:
    async with store_at(database_url) as store:
        story = await store.story()
        removed = await store.post(story, "ann", "my words", name="Ann")
        held = await store.post(story, "ben", "waits")
        await backup.back_up(database_url, file, ignore_progress)
        await store.writer.submit(decide(story, removed.id, "remove"))
        await store.writer.submit(decide(story, held.id, "hold"))
        done = await restored(store, database_url, file)
        assert done.kept == {"comments that were removed": 2}
        rows = {row.id: row for row in await store.rows(comments)}
        assert [rows[one.id].state for one in (removed, held)] == ["removed", "removed"]
        assert await store.rows(erasures) == []
        now = await store.now(story)
        assert now.count == 0
        for comment in (removed, held):
            await store.writer.submit(decide(now, comment.id, "restore"))
        rows = {row.id: row for row in await store.rows(comments)}
        assert (rows[removed.id].source, rows[removed.id].name) == ("my words", "Ann")
        assert (await store.now(story)).count == 2


@pytest.mark.parametrize("how", ["delete", "forget", "erase", "time"])
async def test_words_that_were_kept_and_then_erased_do_not_come_back_with_a_backup(
    database_url: str, file: Path, how: str
) -> None:
    async with store_at(database_url) as store:
        story = await store.story()
        comment = await store.post(story, "ann", "my words", at=1_000)
        await store.writer.submit(decide(story, comment.id, "remove", note="my words"))
        await backup.back_up(database_url, file, ignore_progress)
        match how:
            case "delete":
                await store.writer.submit(Delete(story.id, comment.id, "ann", 10**9, 2_000))
            case "forget":
                await store.writer.submit(Forget("ann", 2_000))
            case "erase":
                await store.writer.submit(decide(story, comment.id, "erase"))
            case "time":
                await store.writer.run_in_transaction(erase_expired(99 * DAY))
        await restored(store, database_url, file)
        assert await store.rows(kept_texts) == []
        assert await store.rows(decision_words) == []
        with pytest.raises(ErasedError):
            await store.writer.submit(decide(await store.now(story), comment.id, "restore"))


def correct(story: Story, name: str, text: str = "It was 1961.", at: int = 1) -> Decide:
    """Return the action that publishes a correction."""
    new = Correction(name, at, "correction", text, {"de": text}, "the passage", "Ana")
    return decide(story, "", "correct", at, id=name, correction=new)


async def test_a_withdrawn_correction_stays_withdrawn_and_has_no_words(
    database_url: str, file: Path
) -> None:
    async with store_at(database_url) as store:
        story = await store.story()
        await store.writer.submit(correct(story, "early", "words withdrawn early"))
        await store.writer.submit(undo(story, "", "early", 5))
        await store.writer.submit(correct(story, "wrong", "words that were wrong"))
        await store.writer.submit(correct(story, "right", 'as in "withdrawn_at": 7'))
        other = await store.story("two", "t")
        await store.writer.submit(correct(other, "others"))
        await backup.back_up(database_url, file, ignore_progress)
        before, unchanged = await store.now(story), await store.now(other)
        await store.writer.submit(undo(story, "", "wrong", 2_000))
        await store.writer.submit(correct(story, "lost"))
        withdrawn = (await store.now(story)).corrections[1]
        epoch = store.database.epoch
        done = await restored(store, database_url, file)
        assert done.kept == {"withdrawn corrections": 1}
        now = await store.now(story)
        early, _, right = before.corrections
        assert now.corrections == (early, withdrawn, right)
        assert withdrawn.withdrawn_at == 2_000
        (stored,) = await store.rows(stories, stories.c.code == story.code)
        assert "words that were wrong" not in stored.corrections
        # Who has read the story of the backup sees that it has changed.
        assert store.database.epoch != epoch
        assert now.seq == before.seq + 1
        assert now.changed_at >= max(before.changed_at, 2_000)
        assert await store.now(other) == unchanged


async def test_a_correction_that_is_withdrawn_in_the_backup_only_is_as_in_the_backup(
    database_url: str, file: Path
) -> None:
    async with store_at(database_url) as store:
        story = await store.story()
        await store.writer.submit(correct(story, "one"))
        older = file.with_name("older")
        await backup.back_up(database_url, older, ignore_progress)
        await store.writer.submit(undo(story, "", "one", 2_000))
        await backup.back_up(database_url, file, ignore_progress)
        before = await store.now(story)
        done = await restored(store, database_url, older)
        assert done.kept == {"withdrawn corrections": 1}
        done = await restored(store, database_url, file)
        assert done.kept == {}
        assert (await store.now(story)).corrections == before.corrections


async def test_corrections_of_stories_that_only_one_side_has_are_left_alone(
    database_url: str, file: Path
) -> None:
    async with store_at(database_url) as store:
        story = await store.story()
        await backup.back_up(database_url, file, ignore_progress)
        await store.writer.submit(correct(story, "since"))
        await store.writer.submit(undo(story, "", "since", 2_000))
        later = await store.story("later", "later")
        await store.writer.submit(correct(later, "there"))
        await store.writer.submit(undo(later, "", "there", 2_000))
        done = await restored(store, database_url, file)
        assert done.kept == {}
        assert (await store.now(story)).corrections == ()
