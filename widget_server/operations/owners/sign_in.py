"""Sign in and out, sessions, and proving again who one is."""

from dataclasses import dataclass, replace
from typing import Final

from widget_server.auth import one_time, passwords
from widget_server.model.errors import MalformedError, NotPermittedError, RateLimitedError
from widget_server.model.people import Account, Method, Session, SignedIn
from widget_server.operations.services import Services
from widget_server.store.writing import account_rows, session_rows

HOUR_MS: Final = 3_600_000
SESSION_MS: Final = 12 * HOUR_MS
IDLE_MS: Final = HOUR_MS
REMEMBERED_MS: Final = 30 * 24 * HOUR_MS
STRONG_MS: Final = 600_000
"""Time after which keys, exports and erasure need a new proof of who one is."""
TOUCH_MS: Final = 60_000

Counted = tuple[str, str]
"""Kind and key of an attempt that a limiter counted."""

WRONG = "This e-mail and password do not belong together."
WAIT = "Too many attempts. Wait a few minutes, or use a passkey."


@dataclass(frozen=True, slots=True)
class NewSession:
    """A new session and the secret for its cookie."""

    secret: str
    session: Session


async def sign_in(
    services: Services,
    name: str,
    password: str,
    *,
    network: str,
    agent: str,
    remember: bool = False,
) -> NewSession:
    """Sign in with an e-mail address and a password.

    The same answer and time for unknown names. Raises `NotPermittedError`, and `RateLimitedError` after
    five failures in 15 minutes.
    """
    people = services.people
    hashes = people.sealer.lookup_hashes(name)
    attempt = _begin_attempt(services, network, hashes[0])
    account = await people.accounts.find_by_email(hashes)
    stored = account.password if account is not None and account.disabled_at is None else None
    if not await passwords.is_correct(stored, password) or account is None or stored is None:
        raise NotPermittedError(WRONG)
    _forget_attempt(services, attempt)
    await _refresh_secrets(services, account, name, password)
    return await start_session(services, account, "password", agent, remember=remember)


async def sign_in_with_passkey(
    services: Services, answer: str, *, network: str, agent: str, remember: bool = False
) -> NewSession:
    """Sign in with the browser's answer to `sign_in_options`. Raises `MalformedError`, `RateLimitedError`."""
    attempt = _begin_attempt(services, network)
    account = await _check_passkey(services, answer)
    _forget_attempt(services, attempt)
    return await start_session(services, account, "passkey", agent, remember=remember)


async def sign_in_with_code(
    services: Services, name: str, code: str, *, network: str, agent: str
) -> NewSession:
    """Sign in with an e-mail address and a recovery code, which is used up. Raises as `sign_in`."""
    people = services.people
    hashes = people.sealer.lookup_hashes(name)
    attempt = _begin_attempt(services, network, hashes[0])
    account = await people.accounts.find_by_email(hashes)
    owner = account.id if account is not None and account.disabled_at is None else ""
    digest = one_time.hash_secret(one_time.canonical_code(code))
    used = await services.writer.run_in_transaction(
        account_rows.use_code(owner, digest, services.now_ms())
    )
    if not used or account is None:
        raise NotPermittedError("This e-mail and recovery code do not belong together.")
    _forget_attempt(services, attempt)
    return await start_session(services, account, "code", agent)


async def start_session(
    services: Services, account: Account, method: Method, agent: str, *, remember: bool = False
) -> NewSession:
    """Return a new session of the account. The caller has made sure who it is."""
    secret, now = one_time.new_secret(), services.now_ms()
    session = Session(
        one_time.hash_secret(secret),
        account.id,
        now,
        now,
        now,
        now + (REMEMBERED_MS if remember else SESSION_MS),
        remember,
        method,
        agent[:80],
    )
    await services.writer.run_in_transaction(session_rows.insert_session(session))
    return NewSession(secret, session)


async def find_session(services: Services, secret: str) -> SignedIn | None:
    """Return the session with this secret, or None if it has ended. Note that it is used."""
    now = services.now_ms()
    found = await services.people.accounts.signed_in(
        one_time.hash_secret(secret), now, now - IDLE_MS
    )
    if found is not None and now - found.session.seen_at > TOUCH_MS:
        await services.writer.run_in_transaction(session_rows.touch_session(found.session, now))
    return found


def is_strong(services: Services, session: Session) -> bool:
    """Return whether the person proved within ten minutes who they are."""
    return services.now_ms() - session.strong_at <= STRONG_MS


async def prove_again(
    services: Services, signed_in: SignedIn, *, password: str, answer: str, network: str
) -> SignedIn:
    """Check the password or the passkey again. Raises as `sign_in`, and `MalformedError`."""
    attempt = _begin_attempt(services, network, signed_in.account.id)
    if answer:
        correct = (await _check_passkey(services, answer)).id == signed_in.account.id
    else:
        correct = await passwords.is_correct(signed_in.account.password, password)
    if not correct:
        raise NotPermittedError("This is not your password.")
    _forget_attempt(services, attempt)
    now = services.now_ms()
    await services.writer.run_in_transaction(
        session_rows.touch_session(signed_in.session, now, strong=True)
    )
    return replace(signed_in, session=replace(signed_in.session, strong_at=now))


async def sign_out(services: Services, signed_in: SignedIn) -> None:
    """End the session."""
    session = signed_in.session
    await services.writer.run_in_transaction(
        session_rows.end_session(session.account, session.hash)
    )


async def sessions_of(services: Services, account: str) -> list[Session]:
    """Return the sessions of an account that have not ended, the last used first."""
    now = services.now_ms()
    return await services.people.accounts.sessions_of(account, now, now - IDLE_MS)


async def end_session(services: Services, signed_in: SignedIn, hash_of_secret: str) -> bool:
    """End one of the person's own sessions. Return False if there is none."""
    return await services.writer.run_in_transaction(
        session_rows.end_session(signed_in.account.id, hash_of_secret)
    )


async def end_other_sessions(services: Services, signed_in: SignedIn) -> int:
    """End all of the person's sessions but this one. Return their number."""
    return await services.writer.run_in_transaction(
        session_rows.end_sessions(signed_in.account.id, but=signed_in.session.hash)
    )


async def _check_passkey(services: Services, answer: str) -> Account:
    people, now = services.people, services.clock()
    passkey = await people.accounts.passkey(people.passkeys.credential_id(answer))
    account = None if passkey is None else await people.accounts.find(passkey.account)
    if passkey is None or account is None or account.disabled_at is not None:
        raise MalformedError("This passkey is not known here. Use your password.")
    verified = people.passkeys.verify_sign_in(answer, passkey.public_key, passkey.sign_count, now)
    stored = await services.writer.run_in_transaction(
        account_rows.use_passkey(
            passkey.id,
            passkey.sign_count,
            verified.sign_count,
            verified.challenge,
            services.now_ms(),
        )
    )
    if not stored:
        raise MalformedError("This passkey was used twice at once. Try again.")
    return account


async def _refresh_secrets(services: Services, account: Account, name: str, password: str) -> None:
    """Seal the address with the newest secret, and hash the password with today's parameters."""
    sealer = services.people.sealer
    changes = {}
    if account.password is not None and passwords.needs_rehash(account.password):
        changes["password"] = await passwords.hash_password(password)
    if len(sealer.lookup_hashes(name)) > 1:
        changes |= {"email": sealer.seal(name.strip()), "email_hash": sealer.lookup_hash(name)}
    if changes:
        await services.writer.run_in_transaction(account_rows.update_account(account.id, **changes))


def _begin_attempt(services: Services, network: str, name: str | None = None) -> list[Counted]:
    """Count an attempt before it is checked: else many at once would all pass. Raise `RateLimitedError`.

    Return what was counted, for `_forget_attempt` after a success. Without a `name`, as for passkeys, only
    the network is limited: nobody guesses a signature, and one stranger must not lock all people out.
    """
    limits = services.people.attempts
    counted: list[Counted] = [("name", f"{name or 'passkey'}:{network}"), ("network", network)]
    if name is not None:
        counted.append(("name_anywhere", name))
    try:
        for one in counted:
            limits.require(*one)
    except RateLimitedError as error:
        raise RateLimitedError(WAIT, retry_after=error.retry_after) from None
    for one in counted:
        limits.hit(*one)
    return counted


def _forget_attempt(services: Services, counted: list[Counted]) -> None:
    """Uncount an attempt that succeeded: only failures are limited."""
    for one in counted:
        services.people.attempts.take_back(*one)
