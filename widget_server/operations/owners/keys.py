"""API keys of a site: make and end them."""

from dataclasses import dataclass

from widget_server.auth import one_time
from widget_server.auth.permissions import PERMISSIONS, permits, require
from widget_server.model.actors import Actor
from widget_server.model.decisions import decided_by
from widget_server.model.errors import NotFoundError, TextRejectedError
from widget_server.model.people import ApiKey
from widget_server.operations.made_before import made_before
from widget_server.operations.owners.sites import get_site
from widget_server.operations.services import Services
from widget_server.store.writing import member_rows
from widget_server.store.writing.site_log import logged

_field = TextRejectedError.in_field

KEY_SCOPES: tuple[str, ...] = tuple(verb for verb in PERMISSIONS if permits("machine", verb))
"""Verbs that an API key can be given."""
PEOPLE_SCOPES = frozenset({"invite", "role", "key"})
"""Verbs that only a person gives to a key: a leaked key must not make keys that do so again."""
DAY_MS = 86_400_000
MAX_DAYS = 3650


@dataclass(frozen=True, slots=True)
class NewKey:
    """A new API key. `secret` is shown once; it is empty if an earlier attempt made the key."""

    key: ApiKey
    secret: str


def offered_scopes(by: Actor) -> list[str]:
    """Return the scopes that the actor may give a key: those of the actor's own role."""
    return [
        verb
        for verb in KEY_SCOPES
        if permits(by.role, verb)
        and (by.scopes is None or verb in by.scopes)
        and (by.kind != "key" or verb not in PEOPLE_SCOPES)
    ]


async def maker_of(services: Services, by: Actor) -> tuple[str | None, int | None]:
    """Return the account behind an actor, and when the actor ends: for a key, its maker and its end.

    What a key makes ends with the key's maker. None: a shell, or no end. Raises `NotFoundError`.
    """
    if by.kind != "key":
        return (by.id if by.kind == "account" else None), None
    own = await services.people.keys.with_id(by.id)
    if own is None:
        raise NotFoundError("This key has ended.")
    return own.by, own.until


async def create_key(
    services: Services,
    by: Actor,
    site: str,
    label: str,
    scopes: frozenset[str],
    days: int | None = 365,
) -> NewKey:
    """Make an API key with these scopes, for so many days (None: until it is ended).

    Raises `NotPermittedError`, `NotFoundError`, and `TextRejectedError` for scopes that the actor does
    not have, a wrong label or a wrong number of days.
    """
    require(by, "key", site)
    await get_site(services, site)
    cleaned = " ".join(label.split())
    if not 1 <= len(cleaned) <= 80 or not cleaned.isprintable():
        raise _field("label", "Say in 1 to 80 characters what uses this key.")
    wrong = scopes - set(offered_scopes(by))
    if wrong:
        raise _field(
            "scopes",
            "A key can do no more than its maker, and only a person gives invite, role and key.",
        )
    if not scopes:
        raise _field("scopes", "Choose at least one thing that the key may do.")
    if days is not None and not 1 <= days <= MAX_DAYS:
        raise _field("days", f"A key is valid for 1 to {MAX_DAYS} days.")
    made = await made_before(services, by, "key")
    if made:
        known = await services.people.keys.with_id(made["key"].targets[0])
        if known is None:
            raise NotFoundError("This key was made, and it has ended.")
        return NewKey(known, "")
    secret, now = one_time.new_key(site), services.now_ms()
    account, end = await maker_of(services, by)
    ends = [at for at in (end, None if days is None else now + days * DAY_MS) if at is not None]
    key = ApiKey(
        id=one_time.new_id(),
        site=site,
        label=cleaned,
        scopes=scopes,
        by=account,
        created_at=now,
        last_at=None,
        until=min(ends, default=None),
        ended_at=None,
    )
    after = {"label": cleaned, "scopes": sorted(scopes), "until": key.until}
    decision = decided_by(by, "key", now, targets=(key.id,), after=after)
    change = member_rows.insert_key(key, one_time.hash_secret(secret))
    await services.writer.run_in_transaction(logged(change, site, decision))
    return NewKey(key, secret)


async def end_key(services: Services, by: Actor, site: str, key: str) -> None:
    """End an API key. Raises `NotPermittedError`, `NotFoundError`."""
    require(by, "key", site)
    now = services.now_ms()
    decision = decided_by(by, "key", now, targets=(key,), after={"ended": True})
    change = member_rows.end_key(site, key, now)
    ended = await services.writer.run_in_transaction(logged(change, site, decision))
    if not ended:
        raise NotFoundError("There is no such key, or it has ended.")
