"""Whether a reader is banned, under which hashes they are muted, and what the reader is told about it. Decided without I/O, from cached bans."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from widget_server.model.bans import Ban
from widget_server.model.claims import ReaderClaims
from widget_server.model.errors import BannedError
from widget_server.operations.cache import CachedSite
from widget_server.operations.readers.authorize import Grant
from widget_server.operations.readers.permissions import READ_ONLY
from widget_server.operations.services import Services


def subjects_of(services: Services, site: str, reader: str) -> tuple[str, ...]:
    """Return the keyed hashes under which a ban of this reader may be stored, the newest first."""
    return tuple(services.people.sealer.lookup_hashes(f"ban\n{site}\n{reader}"))


def muted_as(services: Services, site: str, reader: str) -> tuple[str, ...]:
    """Return the keyed hashes under which this reader may be muted as a reporter, the newest first."""
    return tuple(services.people.sealer.lookup_hashes(f"mute\n{site}\n{reader}"))


def find(services: Services, cached: CachedSite | None, reader: str | None) -> Ban | None:
    """Return the ban in effect for a reader's id on this site, or None."""
    if cached is None or not cached.bans or reader is None:
        return None
    return next(_in_effect(services, cached, subjects_of(services, cached.site.slug, reader)), None)


async def with_ban(
    services: Services,
    grant: Grant,
    reader: str | None,
    network: str,
    claims: ReaderClaims | None = None,
) -> Grant:
    """Return the grant as this reader on this network has it: the banned read, or wait for approval.

    If both are banned, the stricter ban is in effect. The site's own people (`author` in the claims) are never
    banned, whatever their network. Another reason why the copy only reads comes first. Raises `UnavailableError`.
    """
    cached = await services.cache.site(grant.site.slug)
    is_own = claims is not None and claims.author
    ban = None if is_own else find(services, cached, reader)
    if not is_own and cached is not None and (ban is None or ban.mode == "approval"):
        of_network = await _find_network(services, cached, network)
        if ban is None or (of_network is not None and of_network.mode == "read"):
            ban = of_network
    if ban is None or ban.mode == "approval" or grant.denial is not None:
        return replace(grant, ban=ban) if ban is not grant.ban else grant
    return replace(grant, ban=ban, permissions=READ_ONLY, denial=BannedError.until(ban.until))


async def _find_network(services: Services, cached: CachedSite, network: str) -> Ban | None:
    """Return the newest ban in effect of a network, or None. Return None while the site does not ban networks.

    A network has another hash on each day, so a second ban does not always replace the first.
    """
    if not cached.bans or not cached.site.settings.network_bans:
        return None
    now = services.now_ms()
    days = {one.day for one in cached.bans.values() if one.day is not None and one.holds(now)}
    if not days:
        return None
    subjects = await services.tracer.hashes(network, days)
    return max(_in_effect(services, cached, subjects), key=lambda one: one.at, default=None)


def _in_effect(services: Services, cached: CachedSite, subjects: Iterable[str]) -> Iterator[Ban]:
    now = services.now_ms()
    for subject in subjects:
        ban = cached.bans.get(subject)
        if ban is not None and ban.holds(now):
            yield ban
