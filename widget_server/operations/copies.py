"""The places that carry a story: noted when it is read there, and for good once somebody acts there.

Whatever calls itself a page can name any origin, so a network may make only so many copies known; the
refused leave nothing behind, for a copy is noted only after all else was found to be right.
"""

from widget_server.model.claims import OPEN
from widget_server.model.errors import RateLimited, Unavailable
from widget_server.model.records import Copy
from widget_server.operations.admit import Grant
from widget_server.operations.services import Services
from widget_server.store.errands import see_copy
from widget_server.trust import origins


async def seen(services: Services, grant: Grant, network: str) -> Copy | None:
    """The copy that is read, written when it is new and then at most once an hour.

    None where it may not be made known, or cannot be now: it is read all the same.
    """
    try:
        return await _note(services, grant, network, used=False)
    except Unavailable:
        return None


async def used(services: Services, grant: Grant, network: str) -> Copy | None:
    """The copy on which an action happens that is about to be stored.

    Its place is not given to another one. None where it may not be made known: the action is
    taken all the same, and nobody is told where it came from. Raises `Unavailable`.
    """
    return await _note(services, grant, network, used=True)


async def _note(services: Services, grant: Grant, network: str, *, used: bool) -> Copy | None:
    if grant.origin is None:
        return None
    claims = grant.claims
    jti, label = (OPEN, None) if claims is None else (claims.jti, claims.label)
    # In one spelling; what a token for any page lets in and is no web page's origin is no place.
    origin = (origins.page_of(f"{grant.origin}/", grant.origin) or "null/").removesuffix("/")
    key = (grant.story.id, jti, origin)
    known = services.directory.copy(key, used=used)
    if known is not None:
        return known
    page = origins.page_of(grant.page, grant.origin) if grant.page is not None else None

    async def note() -> Copy | None:
        if not await services.discussions.has_copy(*key):
            try:
                services.paces.spend("copy", network)
            except RateLimited:
                return None
        errand = see_copy(*key, label, grant.lang, page, used=used)
        copy = await services.writer.run_errand(errand)
        services.directory.keep_copy(key, copy, used=used)
        return copy

    # A herd that comes back, or a new page that a whole office opens, is one copy.
    return await services.directory.shared(("copy", key, used), note)
