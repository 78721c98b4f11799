"""How a person signs in: change the password, add and remove passkeys, make recovery codes."""

from typing import Any

from widget_server.auth import one_time, passwords
from widget_server.model.errors import MalformedError, NotFoundError, TextRejectedError
from widget_server.model.people import Account, Passkey, SignedIn
from widget_server.operations.services import Services
from widget_server.store.writing import account_rows, session_rows

MAX_PASSKEYS = 20


async def set_password(services: Services, signed_in: SignedIn, password: str) -> None:
    """Set a new password and end all other sessions. Raises `TextRejectedError`."""
    try:
        passwords.require_good(password)
    except TextRejectedError as error:
        error.field = "password"
        raise
    hashed = await passwords.hash_password(password)
    account = signed_in.account.id
    await services.writer.run_in_transaction(account_rows.update_account(account, password=hashed))
    await services.writer.run_in_transaction(
        session_rows.end_sessions(account, but=signed_in.session.hash)
    )


async def passkey_options(services: Services, account: Account) -> dict[str, Any]:
    """Return the options with which the browser makes a passkey."""
    people = services.people
    known = [passkey.id for passkey in await people.accounts.passkeys_of(account.id)]
    return people.passkeys.registration_options(account.id, account.name, known, services.clock())


async def add_passkey(services: Services, account: Account, answer: str, label: str) -> Passkey:
    """Add the passkey that the browser made. Raises `MalformedError`, `TextRejectedError`."""
    people, now = services.people, services.now_ms()
    if len(await people.accounts.passkeys_of(account.id)) >= MAX_PASSKEYS:
        raise TextRejectedError(f"An account has at most {MAX_PASSKEYS} passkeys.")
    verified = people.passkeys.verify_registration(answer, services.clock())
    cleaned = " ".join(label.split())[:60] or "Passkey"
    passkey = Passkey(
        verified.id, account.id, verified.public_key, verified.sign_count, cleaned, now, None
    )
    if not await services.writer.run_in_transaction(account_rows.insert_passkey(passkey)):
        raise MalformedError("This passkey is stored already.")
    return passkey


async def remove_passkey(services: Services, account: Account, passkey: str) -> None:
    """Remove a passkey. Raises `NotFoundError`, and `TextRejectedError` for the last way to sign in."""
    known = await services.people.accounts.passkeys_of(account.id)
    if account.password is None and len(known) <= 1:
        raise TextRejectedError("This is your only way to sign in. Set a password first.")
    gone = await services.writer.run_in_transaction(
        account_rows.delete_passkey(account.id, passkey)
    )
    if not gone:
        raise NotFoundError("There is no such passkey.")


async def new_recovery_codes(services: Services, account: Account) -> list[str]:
    """Return ten new recovery codes, which replace the old ones. They are shown once."""
    codes = one_time.new_codes()
    hashes = [one_time.hash_secret(code) for code in codes]
    await services.writer.run_in_transaction(account_rows.replace_codes(account.id, hashes))
    return codes
