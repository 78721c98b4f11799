"""People of a site and their roles, and the actor that a session, an API key or a name stands for."""

from dataclasses import dataclass
from typing import Any

from widget_server.auth import one_time
from widget_server.auth.permissions import (
    is_server_owner,
    permits,
    require,
    require_server_owner,
)
from widget_server.model.actors import Actor, Role
from widget_server.model.decisions import Decision, decided_by
from widget_server.model.errors import (
    MalformedError,
    NotFoundError,
    NotPermittedError,
    OperatorError,
    TextRejectedError,
    TokenInvalidError,
)
from widget_server.model.people import Account, ApiKey, Invitation, Member, SignedIn
from widget_server.model.queue_keys import DEFAULT_KEYS, KEY_CODE, QueueKeys, same_key
from widget_server.operations.owners.account_fields import check_email, check_name
from widget_server.operations.owners.links import (
    INVITED_ROLES,
    forbid_owner_to_key,
)
from widget_server.operations.owners.sites import get_site
from widget_server.operations.services import Services
from widget_server.store.queries.handed_cases import free_cases_of
from widget_server.store.transactions import TransactionFn, together
from widget_server.store.writing import account_rows, member_rows
from widget_server.store.writing.site_log import logged

TOUCH_MS = 60_000


@dataclass(frozen=True, slots=True)
class People:
    """A site's members, open invitations and API keys. `emails` by account id or link id, opened."""

    members: list[Member]
    invitations: list[Invitation]
    keys: list[ApiKey]
    emails: dict[str, str]
    server_owners: list[Member]
    """Owners of the whole server, who own each site without a role of their own there."""


def actor_of_session(signed_in: SignedIn, site: str) -> Actor:
    """Return who a signed-in person is on a site.

    Raises `NotFoundError` if they have no role there: whether the site exists is not told.
    """
    account = signed_in.account
    for membership in signed_in.memberships:
        if membership.site == site:
            everywhere = None if account.server_owner else site
            return Actor(
                "account",
                account.id,
                "dashboard",
                everywhere,
                membership.role,
                copies=membership.copies,
            )
    raise NotFoundError


def actor_of_server(signed_in: SignedIn) -> Actor:
    """Return who a signed-in person is on the whole server. Raises `NotPermittedError`."""
    if not signed_in.account.server_owner:
        raise NotPermittedError("Only an owner of the server may do this.")
    return Actor("account", signed_in.account.id, "dashboard", None, "owner")


async def actor_of_key(services: Services, key: str) -> Actor:
    """Return who an API key stands for: a machine with the key's scopes, on the key's site.

    Scopes that its maker's role does not permit any more are left out. Raises `TokenInvalidError` for a key that is unknown, ended or expired. A key ends when its maker's
    account is disabled or loses its role on the site.
    """
    now = services.now_ms()
    found = await services.people.keys.find(one_time.hash_secret(key), now)
    if found is None or found.maker_role == "none":
        raise TokenInvalidError("This API key is not valid here, or it has ended.")
    own, role = found.key, found.maker_role
    if own.last_at is None or now - own.last_at > TOUCH_MS:
        await services.writer.run_in_transaction(member_rows.touch_key(own.id, now))
    scopes = frozenset(scope for scope in own.scopes if role is None or permits(role, scope))
    return Actor("key", own.id, "api", own.site, "machine", scopes=scopes)


async def find_account(services: Services, name: str) -> Account:
    """Return the account with this e-mail address, name or id. Raises `OperatorError`."""
    people = services.people
    by_email = await people.accounts.find_by_email(people.sealer.lookup_hashes(name))
    found = [by_email] if by_email else await people.accounts.find_by_name(name)
    if len(found) == 1:
        return found[0]
    if found:
        raise OperatorError(f"Several accounts are named “{name}”. Give the e-mail address.")
    raise OperatorError(f"There is no account “{name}”. `widget-server people list` shows them.")


async def find_actor(services: Services, name: str, site: str, shell_user: str = "") -> Actor:
    """Return the account's actor for a command with `--as NAME`. Raises `OperatorError`."""
    account = await find_account(services, name)
    if account.disabled_at is not None:
        raise OperatorError(f"The account “{account.name}” is disabled.")
    for membership in await services.people.accounts.memberships(account):
        if membership.site == site:
            return Actor(
                "account",
                account.id,
                "cli",
                site,
                membership.role,
                copies=membership.copies,
                shell_user=shell_user or None,
            )
    raise OperatorError(f"“{account.name}” has no role on the site “{site}”.")


async def list_people(services: Services, by: Actor, site: str) -> People:
    """Return the people, invitations and keys of a site. Raises `NotPermittedError`."""
    require(by, "read_people", site)
    await get_site(services, site)
    members, invitations, keys = await services.people.accounts.people(site, services.now_ms())
    owners = await services.people.accounts.server_owners()
    known = {member.account.id for member in members}
    owners = [one for one in owners if one.account.id not in known]
    emails = {member.account.id: member.account.email for member in (*members, *owners)}
    emails |= {invitation.hash: invitation.email for invitation in invitations}
    unseal = services.people.sealer.unseal
    opened = {key: (unseal(sealed) or "") if sealed else "" for key, sealed in emails.items()}
    return People(members, invitations, keys, opened, owners)


async def all_accounts(services: Services, by: Actor) -> list[Account]:
    """Return every account of the server. Raises `NotPermittedError`."""
    require_server_owner(by)
    return await services.people.accounts.all()


async def change_role(
    services: Services,
    by: Actor,
    site: str,
    account: str,
    role: Role,
    copies: frozenset[int] | None = None,
) -> str:
    """Give a member of a site another role, except to oneself. Return the id of the entry in the log.

    Raises `NotPermittedError`, `NotFoundError` for a person without a role there, and `TextRejectedError`.
    """
    require(by, "role", site)
    before = await _require_other_member(services, by, site, account)
    forbid_owner_to_key(by, role, before.role)
    if role not in INVITED_ROLES:
        raise TextRejectedError(f"Choose one of these roles: {', '.join(INVITED_ROLES)}.")
    if (role == "local") != bool(copies):
        raise TextRejectedError("Name copies for a local moderator, and for no other role.")
    now = services.now_ms()
    decision = _role_decision(by, now, account, before, role, copies)
    change = member_rows.put_member(site, account, role, copies or None, now)
    if not permits(role, "hand_over"):
        change = together(free_cases_of(account, site), change)
    await store_change(services, by, site, logged(change, site, decision))
    return decision.id


async def remove_member(services: Services, by: Actor, site: str, account: str) -> None:
    """Take somebody's role on a site away, and end the API keys and invitations they made there.

    Raises as `change_role`.
    """
    require(by, "role", site)
    before = await _require_other_member(services, by, site, account)
    forbid_owner_to_key(by, before.role)
    now = services.now_ms()
    decision = _role_decision(by, now, account, before, None)
    change = together(free_cases_of(account, site), member_rows.delete_member(site, account, now))
    await store_change(services, by, site, logged(change, site, decision))


async def disable_account(services: Services, by: Actor, account: Account) -> None:
    """Disable an account: end its sessions, links and API keys. Its name stays in the logs.

    Raises `NotPermittedError` for oneself, and unless `by` owns the server.
    """
    require_server_owner(by)
    if by.kind == "account" and by.id == account.id:
        raise NotPermittedError("You cannot disable your own account.")
    disabled = account_rows.disable_account(account.id, services.now_ms())
    await services.writer.run_in_transaction(together(free_cases_of(account.id), disabled))


async def change_profile(
    services: Services, account: Account, *, email: str, **values: str | None
) -> None:
    """Change a person's own name, address, language or theme. Raises `TextRejectedError`."""
    changes: dict[str, str | None] = dict(values)
    if values.get("name") is not None:
        changes["name"] = check_name(values["name"] or "")
    if email:
        address = check_email(email)
        changes["email"] = services.people.sealer.seal(address)
        changes["email_hash"] = services.people.sealer.lookup_hash(address)
    changed = await services.writer.run_in_transaction(
        account_rows.update_account(account.id, **changes)
    )
    if not changed:
        raise TextRejectedError.in_field("email", "Another account has this address.")


async def set_queue_keys(services: Services, account: Account, keys: QueueKeys) -> None:
    """Store a person's own keys of the queue. Raises `MalformedError` for a key of two actions."""
    if any(KEY_CODE.fullmatch(keys.code(action)) is None for action in DEFAULT_KEYS):
        raise MalformedError("Choose a letter or a sign for each key.")
    if same_key(keys) is not None:
        raise MalformedError("Two actions have the same key. Choose another key for one of them.")
    await services.writer.run_in_transaction(
        account_rows.update_account(account.id, keys=keys.stored())
    )


async def store_change(
    services: Services, by: Actor, site: str, change: TransactionFn[Any]
) -> None:
    """Store a change of a member. Raises `NotPermittedError` if the owner who asks lost the role just now."""
    if by.kind == "account":
        change = member_rows.as_owner(change, site, by.id)
    if await services.writer.run_in_transaction(change) is False:
        raise NotPermittedError("The roles of this site changed just now. Open the page again.")


def forbid_oneself(by: Actor, account: str) -> None:
    """Raise `NotPermittedError` if a person would change their own role; the server's owner may."""
    if by.kind == "account" and by.id == account and not is_server_owner(by):
        raise NotPermittedError("You cannot change your own role. Ask another owner.")


async def find_member(services: Services, site: str, account: str) -> Member | None:
    """Return a site's member by the account's id, or None."""
    members, _, _ = await services.people.accounts.people(site, services.now_ms())
    return next((one for one in members if one.account.id == account), None)


async def _require_other_member(services: Services, by: Actor, site: str, account: str) -> Member:
    forbid_oneself(by, account)
    member = await find_member(services, site, account)
    if member is None:
        raise NotFoundError("This person has no role here.")
    return member


def _role_decision(
    by: Actor,
    at: int,
    account: str,
    before: Member,
    role: Role | None,
    copies: frozenset[int] | None = None,
) -> Decision:
    def fields(role: Role | None, copies: frozenset[int] | None) -> dict[str, object]:
        return {"role": role, "copies": sorted(copies) if copies else None}

    return decided_by(
        by,
        "role",
        at,
        targets=(account,),
        before=fields(before.role, before.copies),
        after=fields(role, copies),
    )
