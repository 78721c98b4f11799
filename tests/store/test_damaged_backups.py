"""A changed or unreadable backup is rejected with a message that names the place."""

import asyncio
import json
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.store.backup_harness import CODE, ignore_progress, make, opened, post
from tests.store.store_harness import open_store
from widget_server.store import backup, backup_manifest, migrate, restore
from widget_server.store.engine import DatabaseUnavailableError
from widget_server.store.queries.discussions import Discussions
from widget_server.store.queries.stories import record_copy
from widget_server.store.writing.actions import React

Change = Callable[[sqlite3.Connection], object]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a backup with a row in every table that readers write."""
    folder = tmp_path_factory.mktemp("good")
    url, file = f"sqlite+aiosqlite:///{folder / 'own.db'}", folder / "good.sqlite3"

    async def fill() -> None:
        async with opened(url) as (_, writer):
            story = await make(writer)
            await writer.run_in_transaction(
                record_copy(story, "j", "https://c.example", "C", "en", None)
            )
            for number in range(3):
                await writer.submit(post(story, number))
            await writer.submit(React(story, "c0001", "r1", "happy", 1, 1))
            await backup.back_up(url, file, ignore_progress)

    asyncio.run(fill())
    return file


@pytest.fixture
def file(good: Path, tmp_path: Path) -> Path:
    """Return a copy of the good backup, for the test to damage."""
    copy = tmp_path / "copy.sqlite3"
    copy.write_bytes(good.read_bytes())
    return copy


def damage(file: Path, change: Change, *, sums: bool) -> None:
    """Change the file. With `sums`, also recompute its checksums."""
    with closing(sqlite3.connect(file)) as database:
        (manifest,) = database.execute(f"SELECT manifest FROM {backup_manifest.TABLE}").fetchone()
        change(database)
        database.commit()
        if sums:
            database.execute(f"DROP TABLE {backup_manifest.TABLE}")
            database.commit()
    if sums:
        made = json.loads(manifest)
        backup_manifest.write(file, made["made_at"], made["version"], made["revision"])


def sql(*statements: str) -> Change:
    """Return a change that runs these statements."""
    return lambda database: [database.execute(one) for one in statements]


async def refused(url: str, file: Path) -> str:
    """Return the message with which the file is rejected."""
    with pytest.raises(DatabaseUnavailableError) as problem:
        await restore.restore(url, file, ignore_progress)
    sentence = str(problem.value)
    assert len(sentence.splitlines()) == 1
    assert sentence.endswith(".")
    return sentence


async def test_a_backup_names_its_time_version_and_tables(good: Path, migrated_url: str) -> None:
    with closing(sqlite3.connect(good)) as database:
        manifest = json.loads(
            database.execute("SELECT manifest FROM backup_manifest").fetchone()[0]
        )
    assert (manifest["revision"], set(manifest)) == (
        migrate.head_revision(),
        {"made_at", "version", "revision", "tables"},
    )
    assert manifest["tables"]["comments"]["rows"] == 3
    assert len(manifest["tables"]["comments"]["sha256"]) == 64
    assert stat.S_IMODE(good.stat().st_mode) == 0o600
    # The backup is one file: bytes 18 and 19 say that SQLite needs no WAL file beside it.
    assert good.read_bytes()[18:20] == b"\x01\x01"
    done = await restore.restore(migrated_url, good, ignore_progress)
    assert (done.made_at, done.version) == (manifest["made_at"], manifest["version"])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("UPDATE comments SET source = 'Bye' WHERE id = 'c0001'", "table comments "),
        ("DELETE FROM reactions", "table reactions "),
        ("UPDATE sites SET oldest = 0", "table sites "),
        ("DELETE FROM meta WHERE key = 'epoch'", "table meta "),
        ("UPDATE backup_manifest SET manifest = 'x'", "manifest"),
        ("UPDATE backup_manifest SET manifest = '{}'", "manifest"),
        ("DELETE FROM backup_manifest", "manifest"),
        ("DROP TABLE backup_manifest", "no manifest"),
        ("UPDATE comments SET source = x'00ff' WHERE id = 'c0001'", "table comments "),
    ],
)
async def test_a_changed_backup_is_rejected(
    sqlite_url: str, file: Path, change: str, named: str
) -> None:
    damage(file, sql(change), sums=False)
    async with opened(sqlite_url) as (database, writer):
        await make(writer)
        assert named in await refused(sqlite_url, file)
        assert await Discussions(database).story(CODE) is not None


DEEP = "[" * 400 + "]" * 400


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("DELETE FROM meta WHERE key = 'epoch'", "table meta, row 'epoch'"),
        ("UPDATE sites SET settings = '[1]'", "table sites, row 'press'"),
        ("UPDATE sites SET settings = '{\"prompt\": 5}'", "table sites, row 'press'"),
        (
            'UPDATE sites SET settings = \'{"rate_limit_react": "fast"}\'',
            "table sites, row 'press'",
        ),
        ("UPDATE sites SET generation = 0", "table sites, row 'press'"),
        ("UPDATE sites SET oldest = 2", "table sites, row 'press'"),
        ("UPDATE sites SET generation = 99999999999", "table sites, row 'press'"),
        ("UPDATE stories SET counts = 'no'", "table stories, row 1"),
        ("UPDATE stories SET counts = '{\"happy\": -1}'", "table stories, row 1"),
        ("UPDATE stories SET seq = 1", "table stories, row 1"),
        ("UPDATE stories SET site = 'none'", "table stories, row 1"),
        ("UPDATE comments SET state = 'odd' WHERE id = 'c0001'", "table comments, row 'c0001'"),
        ("UPDATE comments SET text = 'no' WHERE id = 'c0001'", "table comments, row 'c0001'"),
        ("UPDATE comments SET text = '[[]]' WHERE id = 'c0001'", "table comments, row 'c0001'"),
        ('UPDATE comments SET text = \'[["a", null, "x"]]\'', "table comments, row 'c0000'"),
        (f"UPDATE comments SET text = '{DEEP}'", "table comments, row 'c0000'"),
        ("UPDATE comments SET counts = '{'", "table comments, row 'c0000'"),
        ("UPDATE comments SET created_at = 300000000000000", "table comments, row 'c0000'"),
        ("UPDATE comments SET pinned = 7", "table comments, row 'c0000'"),
        ("UPDATE comments SET featured_at = -1", "table comments, row 'c0000'"),
        ("UPDATE comments SET parent = 'gone' WHERE id = 'c0001'", "table comments, row 'c0001'"),
        ("UPDATE comments SET thread = 'gone' WHERE id = 'c0001'", "table comments, row 'c0001'"),
        ("UPDATE comments SET waiting_source = 'x'", "table comments, row 'c0000'"),
        ("UPDATE comments SET copy = 77", "table comments, row 1"),
        ("UPDATE reactions SET target = 'gone'", "table reactions, row 'gone'"),
        ("UPDATE reactions SET at = 'now'", "table reactions, row '1/c0001/r1'"),
        ("UPDATE copies SET label = 'a' || char(0)", "table copies, row '1'"),
        ("UPDATE copies SET jti = replace(hex(zeroblob(99)), '00', 'x')", "table copies, row '1'"),
    ],
)
async def test_an_unreadable_row_is_named(
    sqlite_url: str, file: Path, change: str, named: str
) -> None:
    """Also if the checksums match: this program may have backed up the damaged row."""
    damage(file, sql(change), sums=True)
    await migrate.upgrade(sqlite_url)
    assert named in await refused(sqlite_url, file)


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        (("CREATE TRIGGER t AFTER UPDATE ON meta BEGIN DELETE FROM sites; END",), "trigger “t”"),
        (("CREATE VIEW v AS SELECT 1",), "view “v”"),
        (("DROP TABLE reports", f"CREATE VIEW reports AS {ENDLESS}"), "view “reports”"),
        (
            ("DROP TABLE alembic_version", f"CREATE VIEW alembic_version AS {ENDLESS}"),
            "view “alembic_version”",
        ),
        (("CREATE VIRTUAL TABLE f USING fts5(x)",), "virtual table “f”"),
        (("CREATE TABLE more (x)",), "one more table “more”"),
        (("CREATE INDEX more ON sites (name)",), "one more index “more”"),
        (("DROP TABLE reports",), "no table “reports”"),
        (("DROP INDEX ix_comments_thread",), "no index “ix_comments_thread”"),
        (("ALTER TABLE sites ADD COLUMN x",), "table sites"),
        (("ALTER TABLE sites DROP COLUMN name",), "table sites"),
        (("ALTER TABLE sites ADD COLUMN y GENERATED ALWAYS AS (1) VIRTUAL",), "table sites"),
        (("DELETE FROM alembic_version",), "not a backup"),
        (("DROP TABLE alembic_version",), "not a backup"),
    ],
)
async def test_triggers_views_and_virtual_tables_are_rejected_before_they_can_run(
    sqlite_url: str, file: Path, changes: tuple[str, ...], named: str
) -> None:
    damage(file, sql(*changes), sums=False)
    await migrate.upgrade(sqlite_url)
    async with asyncio.timeout(20):
        assert named in await refused(sqlite_url, file)


async def test_damaged_pages_are_found(sqlite_url: str, file: Path) -> None:
    """Damage at any place of the file is an error with one sentence."""
    whole = file.read_bytes()
    await migrate.upgrade(sqlite_url)
    with closing(sqlite3.connect(file)) as database:
        ((used,),) = database.execute("PRAGMA page_count").fetchall()
    for page in range(0, used, 5):
        bad = bytearray(whole)
        bad[page * 4096 : (page + 1) * 4096] = b"\xff" * 4096
        file.write_bytes(bad)
        await refused(sqlite_url, file)
    file.write_bytes(whole[: len(whole) // 2])
    await refused(sqlite_url, file)


async def test_a_backup_without_checksums_is_accepted_and_checked_row_by_row(
    migrated_url: str, tmp_path: Path
) -> None:
    folder = Path(__file__).parents[1] / "contract" / "versions"
    frozen = sorted(folder.glob("*.sql"))[0].read_text("utf-8")
    for number, (change, named) in enumerate(
        [("", ""), ("UPDATE comments SET text = '[[]]';", "table comments")]
    ):
        file = tmp_path / f"old{number}"
        with closing(sqlite3.connect(file)) as database:
            database.executescript(frozen + change)
        if named:
            assert named in await refused(migrated_url, file)
        else:
            assert (await restore.restore(migrated_url, file, ignore_progress)).made_at is None


async def test_backing_up_a_damaged_row_is_an_error_that_names_the_row(
    sqlite_url: str, tmp_path: Path
) -> None:
    """The error is raised when the backup is made, not when it is needed."""
    async with opened(sqlite_url) as (_, writer):
        story = await make(writer)
        await writer.submit(post(story, 1))
    with closing(sqlite3.connect(sqlite_url.partition("///")[2])) as database:
        database.execute("UPDATE comments SET text = 'no'")
        database.commit()
    async with open_store(sqlite_url):
        with pytest.raises(DatabaseUnavailableError, match=r"table comments, row 'c0001'.*remove"):
            await backup.back_up(sqlite_url, tmp_path / "b", ignore_progress)
    assert not (tmp_path / "b").exists()
