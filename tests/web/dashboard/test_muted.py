"""Muted reporters on the page of bans."""

from typing import Any

from sqlalchemy import insert

from tests.web.dashboard.desk import Desk
from widget_server.store.schema_readers import report_mutes


async def test_a_mute_at_a_comment_that_a_restored_backup_lacks_is_shown_and_lifted(
    desk: Desk,
) -> None:
    row = {"id": "themute", "site": "paper", "subject": "hash", "comment": "lostcomment"}

    async def put(connection: Any) -> None:
        await connection.execute(insert(report_mutes).values(row | {"at": 1, "until": None}))

    await desk.services.writer.run_in_transaction(put)
    page = await desk.get("bans")
    assert "<bdi>lostcomment</bdi>" in page
    assert "comments/lostcomment" not in page
    answer = await desk.post("mutes/lift", mute="themute")
    assert answer.status_code == 303
    assert "lostcomment" not in await desk.get("bans")
