"""One-time links: invitations, and sign-in after a lost password.

A link is opened in two steps. `find_link` says what it is for and uses nothing up, so that previews and
scanners do no harm. `press_link` uses it up: a `reset` signs in, every other link becomes a ticket, with
which `create_account` or `join` is called.
"""

from dataclasses import dataclass, replace
from typing import Any

from widget_server.auth import one_time, passwords
from widget_server.auth.permissions import require, require_server_owner
from widget_server.model.actors import Actor, Role
from widget_server.model.decisions import decided_by
from widget_server.model.errors import NotFoundError, NotPermittedError, TextRejectedError
from widget_server.model.people import Account, Invitation, LinkKind
from widget_server.operations.made_before import made_before
from widget_server.operations.owners.account_fields import check_email, check_name
from widget_server.operations.owners.keys import maker_of
from widget_server.operations.owners.sign_in import NewSession, start_session
from widget_server.operations.owners.sites import get_site
from widget_server.operations.services import Services
from widget_server.store.writing import account_rows, link_rows, session_rows
from widget_server.store.writing.site_log import logged

_field = TextRejectedError.in_field

MINUTE_MS = 60_000
FIRST_LINK_MS = 15 * MINUTE_MS
RESET_MS = 60 * MINUTE_MS
INVITATION_MS = 7 * 24 * 60 * MINUTE_MS
TICKET_MS = 60 * MINUTE_MS
INVITED_ROLES: tuple[Role, ...] = ("owner", "editor", "moderator", "auditor", "local")
OWNS = "You own this site. Give the link to the person it is for, and do not open it yourself."
VOID = "This link was used already, or it is too old. Ask for a new one."


@dataclass(frozen=True, slots=True)
class Link:
    """A new one-time link. `url` signs a person in: it is shown once and never logged.

    It is empty if an earlier attempt at the request made the link.
    """

    url: str
    id: str
    until: int


async def has_owner(services: Services) -> bool:
    """Return whether an account owns this server."""
    return await services.people.accounts.any_usable()


async def invite_owner(services: Services, by: Actor, *, minutes: int = 15) -> Link:
    """Return a link that makes an account which owns the server. Raises `NotPermittedError`."""
    require_server_owner(by)
    return await _add(services, by, "owner", minutes * MINUTE_MS)


async def invite(
    services: Services,
    by: Actor,
    site: str,
    role: Role,
    *,
    email: str = "",
    copies: frozenset[int] | None = None,
) -> Link:
    """Return a link, valid for seven days, that gives the person who uses it a role on the site.

    Raises `NotPermittedError`, `NotFoundError` for an unknown site, and `TextRejectedError`.
    """
    require(by, "invite", site)
    forbid_owner_to_key(by, role)
    await get_site(services, site)
    if role not in INVITED_ROLES:
        raise TextRejectedError(f"Choose one of these roles: {', '.join(INVITED_ROLES)}.")
    if (role == "local") != bool(copies):
        raise TextRejectedError("Name copies for a local moderator, and for no other role.")
    address = check_email(email) if email else ""
    made = await made_before(services, by, "invite")
    if made:
        return await _made_link(services, site, made["invite"].targets[0])
    return await _add(
        services,
        by,
        "invite",
        INVITATION_MS,
        site=site,
        role=role,
        copies=copies or None,
        email=services.people.sealer.seal(address) if address else None,
    )


async def _made_link(services: Services, site: str, begin: str) -> Link:
    _, found, _ = await services.people.accounts.people(site, services.now_ms())
    for invitation in found:
        if invitation.hash.startswith(begin):
            return Link("", invitation.hash, invitation.until)
    raise NotFoundError("This invitation was made, and it was used or taken back since.")


async def take_back(services: Services, by: Actor, site: str, link: str) -> None:
    """Void an invitation that was not used. Raises `NotPermittedError`, `NotFoundError`."""
    require(by, "invite", site)
    decision = decided_by(
        by, "invite", services.now_ms(), targets=(link[:12],), after={"open": False}
    )
    gone = await services.writer.run_in_transaction(
        logged(link_rows.delete_invitation(site, link), site, decision)
    )
    if not gone:
        raise NotFoundError("This invitation was used or taken back already.")


async def reset_link(services: Services, by: Actor, account: Account, *, minutes: int = 60) -> Link:
    """Return a link that signs an account in, so that it can set a password. Raises `NotPermittedError`."""
    require_server_owner(by)
    return await _add(services, by, "reset", minutes * MINUTE_MS, account=account.id)


async def find_link(services: Services, secret: str) -> Invitation:
    """Return what a link is for, and use nothing up. Raises `NotFoundError`."""
    found = await services.people.accounts.invitation(
        one_time.hash_secret(secret), services.now_ms()
    )
    if found is None or found.kind == "ticket":
        raise NotFoundError(VOID)
    return found


async def press_link(services: Services, secret: str, *, agent: str) -> NewSession | str:
    """Use a link up. Return a session for a `reset`, else the secret of a ticket.

    Raises `NotFoundError` if the link is void.
    """
    link = await find_link(services, secret)
    now, ticket = services.now_ms(), one_time.new_secret()
    exchanged = None
    if link.kind != "reset":
        exchanged = replace(
            link,
            hash=one_time.hash_secret(ticket),
            kind="ticket",
            created_at=now,
            until=now + TICKET_MS,
        )
    used = await services.writer.run_in_transaction(
        link_rows.use_invitation(link.hash, now, exchanged)
    )
    if used is None:
        raise NotFoundError(VOID)
    if exchanged is not None:
        return ticket
    account = await services.people.accounts.find(link.account or "")
    if account is None or account.disabled_at is not None:
        raise NotFoundError(VOID)
    await services.writer.run_in_transaction(session_rows.end_sessions(account.id))
    return await start_session(services, account, "link", agent)


async def find_ticket(services: Services, secret: str) -> Invitation:
    """Return what a ticket is for. Raises `NotFoundError`."""
    found = await services.people.accounts.invitation(
        one_time.hash_secret(secret), services.now_ms()
    )
    if found is None or found.kind != "ticket":
        raise NotFoundError(VOID)
    return found


async def create_account(
    services: Services, ticket: str, name: str, email: str, password: str, *, agent: str
) -> NewSession:
    """Make an account with what the ticket grants, and sign it in.

    Raises `NotFoundError` for a void ticket; `TextRejectedError`, whose `field` names the field.
    """
    await find_ticket(services, ticket)
    account = await _new_account(services, name, email, password)
    row = {column: getattr(account, column) for column in account.__slots__}
    row["email_hash"] = services.people.sealer.lookup_hash(check_email(email))
    await _accept(services, ticket, account, row)
    return await start_session(services, account, "password", agent)


async def add_account(services: Services, by: Actor, name: str) -> Account:
    """Add an owner of the server who signs in by link only, without address and password.

    Raises `NotPermittedError`, `TextRejectedError`.
    """
    require_server_owner(by)
    account = Account(
        id=one_time.new_id(),
        name=check_name(name),
        email=None,
        password=None,
        server_owner=True,
        lang=None,
        theme=None,
        created_at=services.now_ms(),
        last_at=None,
        disabled_at=None,
    )
    row = {column: getattr(account, column) for column in account.__slots__}
    await services.writer.run_in_transaction(account_rows.insert_account(**row))
    return account


async def join(services: Services, ticket: str, account: Account) -> Invitation:
    """Give a signed-in account what the ticket grants.

    Raises `NotFoundError` for a void ticket, and `TextRejectedError` for an owner who would become less.
    """
    if account.server_owner and (await find_ticket(services, ticket)).site is not None:
        raise _field("join", OWNS)
    return await _accept(services, ticket, account)


async def _accept(
    services: Services, ticket: str, account: Account, row: dict[str, Any] | None = None
) -> Invitation:
    granted = await services.writer.run_in_transaction(
        link_rows.accept_ticket(one_time.hash_secret(ticket), account.id, services.now_ms(), row)
    )
    if granted == "taken":
        raise _field("email", "There is an account with this address. Sign in with it first.")
    if granted == "owner":
        raise _field("join", OWNS)
    if granted is None:
        raise NotFoundError(VOID)
    return granted


async def _new_account(services: Services, name: str, email: str, password: str) -> Account:
    cleaned = check_name(name)
    address = check_email(email)
    try:
        passwords.require_good(password)
    except TextRejectedError as error:
        raise _field("password", error.detail) from None
    return Account(
        id=one_time.new_id(),
        name=cleaned,
        email=services.people.sealer.seal(address),
        password=await passwords.hash_password(password),
        server_owner=False,
        lang=None,
        theme=None,
        created_at=services.now_ms(),
        last_at=None,
        disabled_at=None,
    )


def forbid_owner_to_key(by: Actor, *roles: Role) -> None:
    """Raise `NotPermittedError` if an API key makes, changes or removes an owner: only people do."""
    if by.kind == "key" and "owner" in roles:
        raise NotPermittedError("A key never makes, changes or removes an owner. A person must.")


async def _add(
    services: Services,
    by: Actor,
    kind: LinkKind,
    valid_ms: int,
    *,
    site: str | None = None,
    role: Role | None = None,
    copies: frozenset[int] | None = None,
    account: str | None = None,
    email: str | None = None,
) -> Link:
    secret, now = one_time.new_secret(), services.now_ms()
    invitation = Invitation(
        hash=one_time.hash_secret(secret),
        kind=kind,
        site=site,
        role=role,
        copies=copies,
        account=account,
        email=email,
        by=(await maker_of(services, by))[0],
        created_at=now,
        until=now + valid_ms,
    )
    change = link_rows.insert_invitation(invitation)
    if site is not None:
        after = {"open": True, "role": role, "copies": sorted(copies) if copies else None}
        decision = decided_by(by, "invite", now, targets=(invitation.hash[:12],), after=after)
        change = logged(change, site, decision)
    await services.writer.run_in_transaction(change)
    url = f"{services.people.admin_origin}/admin/link/{secret}"
    return Link(url, invitation.hash, invitation.until)
