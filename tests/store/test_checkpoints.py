"""Copying SQLite's log beside the writer."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.store.store_harness import open_store
from tests.waiting import eventually
from widget_server.store import checkpoints, migrate
from widget_server.store.checkpoints import Checkpointer
from widget_server.store.engine import sqlite_path


def reactions_in_file(database: Path) -> int:
    """Return how many reactions stand in the file itself, without its log."""
    # Immutable: SQLite does not look for a log.
    with closing(sqlite3.connect(f"file:{database}?immutable=1", uri=True)) as file:
        found: int = file.execute("SELECT COUNT(*) FROM reactions").fetchone()[0]
    return found


async def test_the_log_is_copied_into_the_file_before_a_commit_would_do_it(
    sqlite_url: str,
) -> None:
    await migrate.upgrade(sqlite_url)
    database = sqlite_path(sqlite_url)
    assert database is not None
    async with open_store(sqlite_url) as store:
        story = await store.story()
        assert reactions_in_file(database) == 0
        for number in range(checkpoints.ROWS):
            await store.react(story, f"r{number}", "happy")
        pages = Path(f"{database}-wal").stat().st_size // 4096
        assert 0 < pages < 1_000, "no commit has had a reason to copy the log"
        await eventually(lambda: reactions_in_file(database), "reactions are in the file")


async def test_few_changes_are_not_copied(tmp_path: Path) -> None:
    begun = Checkpointer(f"file:{tmp_path / 'none.db'}?mode=rw")
    begun.committed(checkpoints.ROWS - 1)
    assert begun._last is None
    begun.committed(checkpoints.ROWS)
    assert begun._last is not None
    begun.close()


async def test_a_checkpoint_that_fails_disturbs_no_commit(tmp_path: Path) -> None:
    absent = Checkpointer(f"file:{tmp_path / 'none.db'}?mode=rw")
    for changed in (checkpoints.ROWS, 2 * checkpoints.ROWS):
        absent.committed(changed)
        assert absent._last is not None
        await eventually(absent._last.done, "the checkpoint has ended")
        assert absent._last.exception() is None
    absent.close()
    assert not list(tmp_path.iterdir())
