"""Record the copies of a story: when a page reads it, and as used when a reader acts on it.

A program can send any origin, so the number of new copies per network is limited. A rejected request
records nothing, because a copy is recorded only after all other checks.
"""

from typing import Any

from widget_server.auth import origins
from widget_server.model.claims import CODE_ONLY_JTI
from widget_server.model.errors import RateLimitedError, UnavailableError
from widget_server.model.records import Copy, ListedCopy, NarrowedCopy, Story
from widget_server.operations.readers.authorize import Grant
from widget_server.operations.readers.permissions import is_shut_out
from widget_server.operations.services import Services
from widget_server.store.queries.republishers import record_republished
from widget_server.store.queries.stories import record_copy
from widget_server.store.queries.tokens import record_token
from widget_server.store.transactions import together


async def record_seen(services: Services, grant: Grant, network: str) -> Copy | None:
    """Record that a copy is read: when it is new, and then at most once an hour. Return the copy.

    Return None if the copy cannot be recorded: because of the rate limit, because the story has too many
    copies, or because the database does not respond. The page can read the story anyway.
    """
    try:
        return await _record(services, grant, network, used=False)
    except UnavailableError:
        return None


async def record_used(services: Services, grant: Grant, network: str) -> Copy | None:
    """Record that an action from this copy is about to be stored. Return the copy.

    A new copy never replaces a used one. Return None if the copy cannot be recorded: the action is
    stored anyway, without its copy. Raises `UnavailableError`.
    """
    return await _record(services, grant, network, used=True)


async def hidden_on(services: Services, grant: Grant, copy: Copy | None) -> tuple[str, ...]:
    """Return the ids of comments that a copy does not show its readers. Raises `UnavailableError`."""
    narrowed = await _narrowed(services, grant, copy)
    return () if narrowed is None else narrowed.hidden


async def lets_wait(services: Services, grant: Grant, copy: Copy | None) -> bool:
    """Return whether a text that is written on a copy waits for its moderator. Raises `UnavailableError`."""
    narrowed = await _narrowed(services, grant, copy)
    return narrowed is not None and narrowed.approval


async def lets_edit_wait(services: Services, grant: Grant, comment: str) -> bool:
    """Return whether a new text of a comment waits for the moderator of the copy where it was written.

    The page that sends the edit does not matter: it may be any page of the story. Raises `UnavailableError`.
    """
    known = await services.cache.site(grant.site.slug)
    approving = [] if known is None else [one for one in known.narrowed.values() if one.approval]
    if not approving:
        return False
    written_on = await services.rules.stored.copy_of(comment)
    return any(one.id == written_on for one in approving)


async def _narrowed(services: Services, grant: Grant, copy: Copy | None) -> NarrowedCopy | None:
    # A grant may be older than the cached site.
    known = None if copy is None else await services.cache.site(grant.site.slug)
    return None if copy is None or known is None else known.narrowed.get(copy.id)


async def narrowed_by(
    services: Services, story: Story, handle: str, origin: str | None
) -> NarrowedCopy | None:
    """Return the copy that `GET …?copy=` names, if it shows less than others.

    `origin` is that of the page which asks. None: this server's own pages, or a program.
    """
    known = await services.cache.site(story.site)
    if known is None or not known.narrowed:
        return None
    return known.narrowed_by(story.code, *place_of(services, handle, origin))


def place_of(services: Services, handle: str, origin: str | None) -> tuple[str, str]:
    """Return handle and origin of the copy that `?copy=` names, as copies have them."""
    return handle, services.server_origin if origin is None else _canonical(origin)


def _canonical(origin: str) -> str:
    """Return an origin as copies have it. What is no web page is “null”."""
    return (origins.canonical_page_url(f"{origin}/", origin) or "null/").removesuffix("/")


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


def _names_origin(grant: Grant) -> bool:
    """Return whether the token names the page's origin. Every page has the rights of a token for `*`."""
    if grant.claims is None:
        return False
    named = tuple(rule for rule in grant.claims.origins if rule != origins.ANY)
    return origins.allows(named, grant.origin)


def _may_be_listed(grant: Grant) -> bool:
    """Return whether the token agrees, and names the page's origin.

    A token is public: with one for any page (`*`), any site could put its address on the list.
    """
    return grant.claims is not None and grant.claims.listed and _names_origin(grant)


def _may_look(grant: Grant) -> bool:
    """Return whether the server may ask for the page, to note its title and credit.

    Only if the token names the page's origin: with a token for any page, a program could make the server
    ask for pages of its choice. And not if the address has a query, because the copy is recorded
    without it: that address is another page, and a query may be personal.
    """
    if grant.page is None or "?" in grant.page or not grant.page.startswith("https://"):
        return False
    return grant.site.settings.look_at_copies and _names_origin(grant)


async def _record(services: Services, grant: Grant, network: str, *, used: bool) -> Copy | None:
    if grant.origin is None:
        return None
    claims = grant.claims
    if claims is not None and claims.is_preview:
        return None
    jti, label = (CODE_ONLY_JTI, None) if claims is None else (claims.jti, claims.label)
    # A token for any page also admits origins that are no web page.
    origin = _canonical(grant.origin)
    key = (grant.story.id, jti, origin)
    cached = services.cache.copy(key, used=used)
    if cached is not None:
        return cached
    page = origins.canonical_page_url(grant.page, grant.origin) if grant.page is not None else None

    async def load() -> Copy | None:
        if not await services.discussions.has_copy(*key):
            try:
                services.rate_limiters.hit_network("copy", network)
            except RateLimitedError:
                return None
        seen: dict[str, Any] = {
            "used": used,
            "listed": _may_be_listed(grant),
            "look": _may_look(grant),
            "look_again": grant.site.settings.older_copies == "readers",
            "generation": None if claims is None else grant.generation,
            "handle": grant.handle,
        }
        if claims is not None and claims.republisher:
            transaction = record_republished(grant.site.slug, *key, grant.lang, page, **seen)
        else:
            transaction = record_copy(*key, label, grant.lang, page, **seen)
        if claims is not None and not claims.republisher:
            # A republisher's token was recorded when it was made. Also a token that was signed elsewhere: the owner's list shows it from now on.
            transaction = together(record_token(claims, grant.generation, by=None), transaction)
        copy = await services.writer.run_in_transaction(transaction)
        services.cache.put_copy(key, copy, used=used)
        return copy

    # Shared: many clients of one copy that reconnect or open a new page at once cause one write.
    return await services.cache.shared(("copy", key, used), load)
