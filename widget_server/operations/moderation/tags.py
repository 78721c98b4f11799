"""Tags: words of the site's own people on a comment. Readers and republishers never see them."""

import unicodedata
from dataclasses import replace

from widget_server.model.actors import Actor
from widget_server.model.decisions import TAG_VERBS
from widget_server.model.errors import MalformedError, NotPermittedError
from widget_server.model.records import Comment
from widget_server.operations.services import Services


async def tags_of_site(services: Services, by: Actor, site: str) -> tuple[str, ...]:
    """Return the tags that the site's own people can give; none for a local moderator."""
    known = await services.cache.site(site)
    return () if known is None or by.copies is not None else known.site.settings.tags


async def chosen_tag(services: Services, site: str, verb: str, tag: str | None) -> str | None:
    """Return the tag that a decision is about, as the site writes it; None for another verb.

    A tag that the site no longer has can be taken off. Raises `MalformedError`.
    """
    if verb not in TAG_VERBS:
        if tag is not None:
            raise MalformedError.in_field("tag", "Only tag and untag are about a tag.")
        return None
    name = unicodedata.normalize("NFC", (tag or "").strip())
    if not name:
        raise MalformedError.in_field("tag", "Name the tag.")
    return name if verb == "untag" else await known_tag(services, site, name)


async def known_tag(services: Services, site: str, name: str) -> str:
    """Return a tag of the site as it writes it. Raises `MalformedError` for one that it has not."""
    known = await services.cache.site(site)
    tags = () if known is None else known.site.settings.tags
    for tag in tags:
        if tag.casefold() == name.casefold():
            return tag
    if not tags:
        raise MalformedError.in_field("tag", "This site has no tags. The setting tags makes some.")
    raise MalformedError.in_field("tag", f"Give one of these tags: {', '.join(tags)}.")


def require_own_people(by: Actor) -> None:
    """Raise `NotPermittedError` for a local moderator, who is told nothing of tags."""
    if by.copies is not None:
        raise NotPermittedError("Tags are for the site's own people.")


def without_tags(by: Actor, comment: Comment) -> Comment:
    """Return the comment, for a local moderator without its tags."""
    return replace(comment, tags=()) if comment.tags and by.copies is not None else comment
