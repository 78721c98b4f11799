"""A restore never lets anybody in again whose account, role, session or key ended since the backup."""

from pathlib import Path

from tests.store.backup_harness import ignore_progress, make, opened
from widget_server.model.people import ApiKey, Session
from widget_server.store import backup, restore
from widget_server.store.queries.accounts import Accounts
from widget_server.store.writing import account_rows, member_rows, session_rows


def account(name: str) -> dict[str, object]:
    """Return the columns of an account."""
    return {
        "id": name,
        "name": name,
        "password": "old",
        "server_owner": False,
        "created_at": 1,
    }


def session(name: str) -> Session:
    """Return a session that never ends."""
    return Session(name * 8, name, 1, 1, 1, 2**42, True, "password", "Firefox")


async def test_people_stay_as_they_are_now(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "backup.sqlite3"
    key = ApiKey("key", "press", "Letter", frozenset({"read"}), "ana", 1, None, None, None)
    async with opened(database_url) as (database, writer):
        await make(writer)
        for name in ("ana", "ines"):
            await writer.run_in_transaction(account_rows.insert_account(**account(name)))
            await writer.run_in_transaction(member_rows.put_member("press", name, "owner", None, 1))
            await writer.run_in_transaction(session_rows.insert_session(session(name)))
        await writer.run_in_transaction(member_rows.insert_key(key, "h" * 64))
        await backup.back_up(database_url, file, ignore_progress)
        await writer.run_in_transaction(account_rows.update_account("ana", password="new"))
        await writer.run_in_transaction(member_rows.end_key("press", "key", 5))
        await writer.run_in_transaction(account_rows.disable_account("ines", 5))
        await writer.run_in_transaction(member_rows.delete_member("press", "ines", 5))
        await writer.run_in_transaction(account_rows.insert_account(**account("tom")))
        done = await restore.restore(database_url, file, ignore_progress)
        assert done.kept["people as they are now"] == 3
        accounts = Accounts(database)
        found = {one.id: one for one in await accounts.all()}
        assert found.keys() == {"ana", "ines", "tom"}
        assert found["ana"].password == "new"
        assert found["ines"].disabled_at == 5
        members, _, keys = await accounts.people("press", 10)
        assert [one.account.id for one in members] == ["ana"]
        assert keys == []
        assert await accounts.signed_in("ana" * 8, 10, 0) is not None
        assert await accounts.signed_in("ines" * 8, 10, 0) is None


async def test_an_empty_database_gets_the_accounts_of_the_backup_without_sessions(
    database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "backup.sqlite3"
    async with opened(database_url) as (database, writer):
        await make(writer)
        await writer.run_in_transaction(account_rows.insert_account(**account("ana")))
        await writer.run_in_transaction(member_rows.put_member("press", "ana", "owner", None, 1))
        await writer.run_in_transaction(session_rows.insert_session(session("ana")))
        await backup.back_up(database_url, file, ignore_progress)
    other = f"sqlite+aiosqlite:///{tmp_path / 'other.sqlite3'}"
    async with opened(other) as (database, _):
        await restore.restore(other, file, ignore_progress)
        accounts = Accounts(database)
        assert [one.id for one in await accounts.all()] == ["ana"]
        assert len((await accounts.people("press", 10))[0]) == 1
        assert await accounts.signed_in("ana" * 8, 10, 0) is None


async def test_an_address_that_an_account_made_since_has_does_not_prevent_the_restore(
    database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "backup.sqlite3"
    address = {"email": "sealed", "email_hash": "a" * 64}
    async with opened(database_url) as (_, writer):
        await make(writer)
        await writer.run_in_transaction(account_rows.insert_account(**account("old"), **address))
        await writer.run_in_transaction(member_rows.put_member("press", "old", "owner", None, 1))
        await backup.back_up(database_url, file, ignore_progress)
    other = f"sqlite+aiosqlite:///{tmp_path / 'other.sqlite3'}"
    async with opened(other) as (database, writer):
        await writer.run_in_transaction(account_rows.insert_account(**account("new"), **address))
        await restore.restore(other, file, ignore_progress)
        found = {one.id: one for one in await Accounts(database).all()}
        assert {name: one.email for name, one in found.items()} == {"new": "sealed", "old": None}
        assert [one.role for one in (await Accounts(database).people("press", 10))[0]] == ["owner"]
