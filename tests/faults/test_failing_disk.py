"""A disk that answers with EIO, to writes, to reads, to both, and is well again."""

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

from tests.faults.fault_environment import FaultEnvironment, now
from tests.faults.test_sqlite import reads_work
from tests.waiting import eventually

SetStage = Callable[..., Awaitable[FaultEnvironment]]

MODULE = "tests.faults.failing_disk"


async def test_the_disk_fails_under_sqlite_and_is_well_again(
    set_stage: SetStage, tmp_path: Path
) -> None:
    switch = tmp_path / "failing"
    switch.write_bytes(b"-")
    stage = await set_stage("sqlite", modules=(MODULE, MODULE), FAILING_DISK=str(switch))
    async with stage.load() as load:
        await load.more(40)
        recovered = 0.0
        for failing in (b"w", b"r", b"b"):
            # Written in place: the servers look at this very byte.
            with switch.open("r+b") as file:
                file.write(failing)
            enough = load.ledger.retries["503"] + 10
            await eventually(
                lambda enough=enough: load.ledger.retries["503"] >= enough,
                "actions are put off",
                30,
            )
            if failing == b"w":
                assert await reads_work(stage, load.stories[0].code)
            with switch.open("r+b") as file:
                file.write(b"-")
            recovered = max(recovered, await load.recovery(now()))
            await load.more(20)
    assert set(load.ledger.retries) == {"503"}
    await stage.verdict(load, "disk fails (EIO): writes, reads, both", recovered)
    with closing(sqlite3.connect(stage.file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
