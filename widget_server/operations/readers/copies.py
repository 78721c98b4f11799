"""The places that carry a story: noted when it is read there, and for good once someone acts there.

Whatever calls itself a page can name any origin, so a network may make only so many copies known; the
refused leave nothing behind, for a copy is noted only after all else was found to be right.
"""

from widget_server.auth import origins
from widget_server.model.claims import CODE_ONLY_JTI
from widget_server.model.errors import RateLimitedError, UnavailableError
from widget_server.model.records import Copy, ListedCopy, Story
from widget_server.operations.readers.authorize import Grant, is_shut_out
from widget_server.operations.services import Services
from widget_server.store.queries.stories import record_copy


async def record_seen(services: Services, grant: Grant, network: str) -> Copy | None:
    """The copy that is read, written when it is new and then at most once an hour.

    None where it may not be made known, or cannot be now: it is read all the same.
    """
    try:
        return await _record(services, grant, network, used=False)
    except UnavailableError:
        return None


async def record_used(services: Services, grant: Grant, network: str) -> Copy | None:
    """The copy on which an action happens that is about to be stored.

    Its place is not given to another one. None where it may not be made known: the action is
    taken all the same, and no one is told where it came from. Raises `UnavailableError`.
    """
    return await _record(services, grant, network, used=True)


async def listed(services: Services, story: Story) -> list[ListedCopy]:
    """Return the copies of a story that agree to be listed and are still let in."""
    known = await services.cache.site(story.site)
    if known is None:
        return []
    return [
        copy
        for copy in await services.discussions.listed_copies(story.id)
        if copy.jti not in known.revoked
        and not is_shut_out(services, known, story.code, copy.origin)
    ]


def _may_be_listed(grant: Grant) -> bool:
    """Return whether the token agrees, and names the page's origin.

    A token is public: with one for any page (`*`), any site could put its address on the list.
    """
    claims = grant.claims
    if claims is None or not claims.listed:
        return False
    named = tuple(rule for rule in claims.origins if rule != origins.ANY)
    return origins.allows(named, grant.origin)


async def _record(services: Services, grant: Grant, network: str, *, used: bool) -> Copy | None:
    if grant.origin is None:
        return None
    claims = grant.claims
    jti, label = (CODE_ONLY_JTI, None) if claims is None else (claims.jti, claims.label)
    # In one spelling; what a token for any page lets in and is no web page's origin is no place.
    origin = (origins.canonical_page_url(f"{grant.origin}/", grant.origin) or "null/").removesuffix(
        "/"
    )
    key = (grant.story.id, jti, origin)
    known = services.cache.copy(key, used=used)
    if known is not None:
        return known
    page = origins.canonical_page_url(grant.page, grant.origin) if grant.page is not None else None

    async def note() -> Copy | None:
        if not await services.discussions.has_copy(*key):
            try:
                services.rate_limiters.hit_network("copy", network)
            except RateLimitedError:
                return None
        transaction = record_copy(
            *key, label, grant.lang, page, used=used, listed=_may_be_listed(grant)
        )
        copy = await services.writer.run_in_transaction(transaction)
        services.cache.put_copy(key, copy, used=used)
        return copy

    # A herd that comes back, or a new page that a whole office opens, is one copy.
    return await services.cache.shared(("copy", key, used), note)
