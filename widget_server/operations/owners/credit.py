"""The credit in a snippet: that of the linked translation, if the copy is in its language."""

from dataclasses import replace

from widget_server.auth.tokens import story_code
from widget_server.model.claims import WidgetClaims
from widget_server.model.translations import edition
from widget_server.operations.services import Services


async def credited(services: Services, claims: WidgetClaims) -> WidgetClaims:
    """Return a token's claims with title and address of the translation that its copy shows.

    The token itself is not changed: it never renames the story.
    """
    story = await services.cache.story(story_code(claims.site, claims.story))
    if story is None or story.site != claims.site:
        return claims
    shown_as = edition(story, claims.lang)
    if not shown_as.translated:
        return claims
    own = replace(claims.attribution, title=shown_as.story.title, url=shown_as.story.url)
    return replace(claims, attribution=own)
