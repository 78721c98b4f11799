"""From what was committed to what every embed is sent: encode once, then hand to the hub."""

from collections.abc import Sequence

from widget_server.bus.message import BusMessage
from widget_server.model.events import CommentChanged, Event, StoryChanged, TallyChanged
from widget_server.model.settings import SiteSettings
from widget_server.protocol import server_messages


def encode_event(event: Event, epoch: str, settings: SiteSettings) -> BusMessage:
    """The message of one event, with its frame."""
    match event:
        case CommentChanged():
            payload, start = server_messages.encode_comment(
                event, epoch, show_copy=settings.show_copy
            )
            key, count = event.comment.id, event.count
            return BusMessage("comment", event.story, event.seq, key, payload, count, start, epoch)
        case StoryChanged():
            payload = server_messages.encode_story(event, epoch, settings)
            return BusMessage("story", event.story, event.seq, "", payload, epoch=epoch)
        case TallyChanged():
            payload, start = server_messages.encode_tally(event)
            key, version = event.comment or "", event.tally.version
            return BusMessage("tally", event.story, version, key, payload, 0, start, epoch)


def stories_of(events: Sequence[Event]) -> set[str]:
    """The codes of the stories that the events speak of."""
    return {event.story for event in events}
