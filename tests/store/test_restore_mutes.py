"""A restore keeps muted reporters as they are now, and whether what they reported counts."""

from pathlib import Path

import pytest

from tests.store.backup_harness import ignore_progress
from tests.store.store_harness import DAY, Store, new_id
from tests.store.test_restore_merge import restored, store_at
from widget_server.model.decisions import Decision
from widget_server.model.priority import LEAST_URGENT
from widget_server.model.records import Story
from widget_server.model.report_mutes import ReportMute
from widget_server.store import backup, restore
from widget_server.store.queries.report_mutes import ReportMutes
from widget_server.store.schema import IS_OPEN, cases, reports
from widget_server.store.schema_readers import report_mutes
from widget_server.store.writing import report_mutes as writing
from widget_server.store.writing.actions import Forget, Report

AT = 1_000_000
SUBJECT = "hash of noisy"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where a backup is written."""
    return tmp_path / "backup.sqlite3"


def entry(mute: ReportMute, *, on: bool, name: str | None = None) -> Decision:
    """Return the log entry of a mute, or of its end."""
    return Decision(
        id=name or new_id("e"),
        at=AT,
        actor_kind="shell",
        actor="op",
        via="cli",
        verb="mute",
        targets=(mute.id,),
        before={"on": not on},
        after={"on": on},
    )


async def report(store: Store, story: Story, comment: str, reader: str = "noisy") -> None:
    """Report a comment."""
    muted_as = (SUBJECT,) if reader == "noisy" else ()
    await store.writer.submit(
        Report(story.id, comment, reader, None, AT + 2, category="threat", muted_as=muted_as)
    )


async def mute(store: Store, comment: str, until: int | None = None, at: int = AT) -> ReportMute:
    """Mute the reader `noisy` at their report of a comment."""
    made = ReportMute(new_id("m"), "s", SUBJECT, comment, at, until)
    change = writing.mute(made, "noisy", [SUBJECT], entry(made, on=True, name=made.id))
    assert await store.writer.run_in_transaction(change)
    return made


async def lift(store: Store, made: ReportMute, at: int = AT + 5) -> None:
    """Let the reports count again."""
    change = writing.lift(made, at, entry(made, on=False))
    assert await store.writer.run_in_transaction(change)


async def in_effect(store: Store, at: int = AT + 10) -> list[str]:
    """Return the ids of the mutes that hold at this time, as people see them."""
    found = await ReportMutes(store.database).of_site("s", at, None, 10)
    return [one.mute.id for one in found]


async def priorities(store: Store) -> dict[str, int]:
    """Return the priority of the open case about each reported comment."""
    rows = await store.rows(cases, cases.c.queue == "reported", IS_OPEN)
    return {row.comment: row.priority for row in rows}


async def counting(store: Store) -> set[tuple[str, str]]:
    """Return comment and reader of the reports that count."""
    rows = await store.rows(reports, reports.c.muted_by.is_(None))
    return {(row.comment, row.reader) for row in rows}


async def test_a_mute_comes_back_with_its_backup(
    database_url: str, sqlite_url: str, postgres_url: str, file: Path
) -> None:
    """Into an empty database of the other engine: only the backup knows the mute."""
    other = postgres_url if database_url == sqlite_url else sqlite_url
    async with store_at(database_url) as store:
        story = await store.story()
        one = await store.post(story, "ana")
        await report(store, story, one.id)
        made = await mute(store, one.id)
        await backup.back_up(database_url, file, ignore_progress)
    async with store_at(other):
        await restore.restore(other, file, ignore_progress)
    async with store_at(other) as store:
        assert await in_effect(store) == [made.id]
        later = await store.post(await store.now(story), "ana")
        await report(store, await store.now(story), later.id)
        assert await priorities(store) == {one.id: LEAST_URGENT}


async def test_a_mute_that_was_made_since_holds_and_what_was_reported_before_has_no_weight(
    database_url: str, file: Path
) -> None:
    async with store_at(database_url) as store:
        story = await store.story()
        both, alone = await store.post(story, "ana"), await store.post(story, "ana")
        await report(store, story, both.id, "calm")
        usual = await priorities(store)
        await report(store, story, both.id)
        await report(store, story, alone.id)
        urgent = await priorities(store)
        assert urgent[both.id] < usual[both.id]
        await backup.back_up(database_url, file, ignore_progress)
        made = await mute(store, alone.id)
        before = await priorities(store)
        assert before == {both.id: usual[both.id], alone.id: LEAST_URGENT}
        done = await restored(store, database_url, file)
        assert done.kept == {"muted reporters": 1}
        assert await in_effect(store) == [made.id]
        assert await counting(store) == {(both.id, "calm")}
        assert await priorities(store) == before
        # Undone later, the reports that the backup has count again.
        await store.writer.run_in_transaction(
            writing.drop_mute("s", made.id, entry(made, on=False))
        )
        assert await priorities(store) == urgent


async def test_a_mute_that_was_lifted_since_stays_lifted_after_a_change_of_the_secret(
    database_url: str, file: Path
) -> None:
    """The reader was muted anew under another hash, which the mute before has since then, too."""
    async with store_at(database_url) as store:
        story = await store.story()
        one = await store.post(story, "ana")
        await report(store, story, one.id)
        made = await mute(store, one.id)
        await backup.back_up(database_url, file, ignore_progress)
        await lift(store, made)
        anew = ReportMute(new_id("m"), "s", "another hash", one.id, AT + 6, None)
        subjects = [anew.subject, SUBJECT]
        change = writing.mute(anew, "noisy", subjects, entry(anew, on=True, name=anew.id))
        assert await store.writer.run_in_transaction(change)
        await lift(store, anew, AT + 7)
        await restored(store, database_url, file)
        assert await in_effect(store) == []


async def test_a_mute_that_was_lifted_since_stays_lifted_and_its_reports_count_again(
    database_url: str, file: Path
) -> None:
    async with store_at(database_url) as store:
        story = await store.story()
        before, during = await store.post(story, "ana"), await store.post(story, "ana")
        await report(store, story, before.id)
        made = await mute(store, before.id)
        await report(store, story, during.id)
        assert await priorities(store) == {before.id: LEAST_URGENT}
        await backup.back_up(database_url, file, ignore_progress)
        await lift(store, made)
        now = await priorities(store)
        assert set(now) == {before.id, during.id}
        await restored(store, database_url, file)
        assert await in_effect(store) == []
        assert await priorities(store) == now
        assert await counting(store) == {(before.id, "noisy"), (during.id, "noisy")}


@pytest.mark.parametrize("how", ["undone", "lifted", "ended"])
async def test_a_mute_that_is_over_and_deleted_does_not_come_back(
    database_url: str, file: Path, how: str
) -> None:
    async with store_at(database_url) as store:
        story = await store.story()
        one = await store.post(story, "ana")
        await report(store, story, one.id)
        made = await mute(store, one.id, AT + DAY if how == "ended" else None)
        await backup.back_up(database_url, file, ignore_progress)
        if how == "undone":
            change = writing.drop_mute("s", made.id, entry(made, on=False))
            assert await store.writer.run_in_transaction(change)
        elif how == "lifted":
            await lift(store, made)
        ended = AT + DAY + writing.KEPT_MS + 1
        await store.writer.run_in_transaction(writing.delete_ended_mutes(ended))
        assert await store.rows(report_mutes) == []
        now = await priorities(store)
        # Only what is reported after a mute ended by itself counts.
        assert (now[one.id] == LEAST_URGENT) == (how == "ended")
        done = await restored(store, database_url, file)
        assert done.kept == {}
        assert await store.rows(report_mutes) == []
        assert await priorities(store) == now


async def test_a_mute_at_a_comment_that_the_backup_does_not_have_is_listed(
    database_url: str, file: Path
) -> None:
    """Else it holds, and cannot be found to be lifted."""
    async with store_at(database_url) as store:
        story = await store.story()
        await backup.back_up(database_url, file, ignore_progress)
        lost = await store.post(story, "ana")
        await report(store, story, lost.id)
        made = await mute(store, lost.id)
        await restored(store, database_url, file)
        [listed] = await ReportMutes(store.database).of_site("s", AT + 10, None, 10)
        assert (listed.mute, listed.story, listed.title) == (made, "", None)
        await lift(store, made)
        assert await in_effect(store) == []


async def test_a_reader_who_was_erased_since_stays_muted_and_has_no_reports(
    database_url: str, file: Path
) -> None:
    async with store_at(database_url) as store:
        story = await store.story()
        one = await store.post(story, "ana")
        await report(store, story, one.id)
        await backup.back_up(database_url, file, ignore_progress)
        made = await mute(store, one.id)
        await store.writer.submit(Forget("noisy", AT + 20))
        await restored(store, database_url, file)
        assert await in_effect(store) == [made.id]
        assert await store.rows(reports) == []
