"""What differs between a version of a story's text and the newest one, for readers of an older copy."""

from dataclasses import dataclass

from widget_server.content.passages import Difference
from widget_server.model.errors import NotFoundError
from widget_server.operations.publishing.republish import RepublishedStory, read_terms
from widget_server.operations.services import Services
from widget_server.store.queries.story_texts import StoryText


@dataclass(frozen=True, slots=True)
class StoryChanges:
    """Two versions of a story's text, and the places where they differ."""

    shown: RepublishedStory
    old: StoryText
    newest: StoryText
    differences: list[Difference]


async def read_changes(services: Services, code: str, version: int) -> StoryChanges:
    """Return what changed since a version of a story's text.

    Raises `UnavailableError`, and `NotFoundError` for a version that is not stored. So does a story whose licence does not let
    everyone republish its text: the page checker does not show it to strangers either.
    """
    shown = await read_terms(services, code)
    if not shown.terms.republish:
        raise NotFoundError
    found = await services.story_texts.version(code, version)
    if found is None:
        raise NotFoundError("This version of the text is not known.")
    old, newest = found
    epoch = services.discussions.epoch
    changed = await services.compared_texts.differences(epoch, code, old, newest)
    return StoryChanges(shown, old, newest, changed)
