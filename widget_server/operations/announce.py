"""From what was committed to what every embed is sent: encode once, then hand to the hub."""

from collections.abc import Sequence

from widget_server.live.messages import Message
from widget_server.model.events import CommentChanged, Event, StoryChanged, TallyChanged
from widget_server.model.settings import SiteSettings
from widget_server.wire import frames


def to_message(event: Event, epoch: str, settings: SiteSettings) -> Message:
    """The message of one event, with its frame."""
    match event:
        case CommentChanged():
            payload, start = frames.comment_frame(event, epoch, show_copy=settings.show_copy)
            key, count = event.comment.id, event.count
            return Message("comment", event.story, event.seq, key, payload, count, start, epoch)
        case StoryChanged():
            payload = frames.story_frame(event, epoch, settings)
            return Message("story", event.story, event.seq, "", payload, epoch=epoch)
        case TallyChanged():
            payload, start = frames.tally_frame(event)
            key, version = event.comment or "", event.tally.version
            return Message("tally", event.story, version, key, payload, 0, start, epoch)


def stories_of(events: Sequence[Event]) -> set[str]:
    """The codes of the stories that the events speak of."""
    return {event.story for event in events}
