"""The disk returns EIO for writes, reads and both, and works again."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.faults.fault_environment import StartEnvironment, now, reads_work
from tests.waiting import eventually

MODULE = "tests.faults.failing_disk"


async def test_actions_get_503_while_the_disk_fails_and_none_is_lost(
    start_environment: StartEnvironment, tmp_path: Path
) -> None:
    switch = tmp_path / "failing"
    switch.write_bytes(b"-")
    environment = await start_environment(
        "sqlite", modules=(MODULE, MODULE), FAILING_DISK=str(switch)
    )
    async with environment.load() as load:
        await load.wait_for_actions(40)
        recovered = 0.0
        for failing in (b"w", b"r", b"b"):
            # Write in place: the servers have mapped this byte of the file.
            with switch.open("r+b") as file:
                file.write(failing)
            enough = load.ledger.retries["503"] + 10
            await eventually(
                lambda enough=enough: load.ledger.retries["503"] >= enough,
                "actions get 503",
                30,
            )
            if failing == b"w":
                assert await reads_work(environment, load.stories[0].code)
            with switch.open("r+b") as file:
                file.write(b"-")
            recovered = max(recovered, await load.recovery_time(now()))
            await load.wait_for_actions(20)
    assert set(load.ledger.retries) == {"503"}
    await environment.record(load, "disk fails (EIO): writes, reads, both", recovered)
    with closing(sqlite3.connect(environment.file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
