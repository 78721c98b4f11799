"""What a widget token says of its story, and whether it changes the story."""

from widget_server.model.claims import WidgetClaims
from widget_server.model.records import Story
from widget_server.model.translations import edition


def changed_attribution(story: Story, claims: WidgetClaims) -> dict[str, str | bool | None]:
    """Return the columns that the token changes. Fields that the token leaves out stay.

    Title and address of a linked translation never replace those of the story.
    """
    attribution = claims.attribution
    translated = edition(story, claims.lang).translated
    sent = {
        "url": None if translated else attribution.url,
        "title": None if translated else attribution.title,
        "author": attribution.author,
        "publisher": attribution.publisher,
        "license": attribution.license,
    }
    return {k: v for k, v in sent.items() if v is not None and getattr(story, k) != v}
