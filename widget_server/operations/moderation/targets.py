"""Find what a decision is about, within one site: comments and decisions that a program names by id."""

from collections.abc import Mapping, Sequence

from widget_server.auth.permissions import require
from widget_server.model.actors import Actor
from widget_server.model.errors import NotFoundError, StaleError
from widget_server.operations.services import Services
from widget_server.store.queries.decisions import CommentPlace


async def find(
    services: Services, by: Actor, verb: str, site: str, comments: Sequence[str]
) -> dict[str, CommentPlace]:
    """Return the places of those of the comments that belong to the site. Raises `NotPermittedError`."""
    require(by, verb, site)
    found = await services.decisions.places(comments)
    return {name: found[name] for name in comments if name in found and found[name].site == site}


async def stale(
    services: Services,
    places: Mapping[str, CommentPlace],
    targets: Sequence[tuple[str, int | None]],
) -> dict[str, StaleError]:
    """Return the targets whose words have changed since their revision, each with the comment as it is now."""
    found: dict[str, StaleError] = {}
    for comment, revision in targets:
        if revision is not None and places[comment].revision != revision:
            error = found[comment] = StaleError()
            error.comment = await services.decisions.comment(comment)
    return found


async def require_own_comment(services: Services, site: str, comment: str) -> None:
    """Raise `NotFoundError` for a comment of another site: whether it exists is not told."""
    place = (await services.decisions.places([comment])).get(comment)
    if place is None or place.site != site:
        raise NotFoundError("There is no comment with this id.")


async def is_about_stories(services: Services, site: str, name: str) -> bool:
    """Return whether the id names decisions about stories of the site, and not one about the site itself.

    Raises `NotFoundError` for decisions of another site: whether they exist is not told.
    """
    targets = await services.decisions.to_undo(name)
    if any(target.site != site for target in targets):
        raise NotFoundError("There is no decision and no batch with this id.")
    return bool(targets)
