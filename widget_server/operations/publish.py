"""Encode committed events, once for all clients, as messages for the hub and the bus."""

from widget_server.bus.message import BusMessage
from widget_server.model.events import CommentChanged, Event, StoryChanged, TallyChanged
from widget_server.model.settings import SiteSettings
from widget_server.protocol import server_messages


def encode_event(
    event: Event, epoch: str, settings: SiteSettings, at: int | None = None
) -> BusMessage:
    """Return the bus message of an event, with the encoded server message.

    `at` (milliseconds since 1970): the time at which the message of a story shows the opening hours.
    """
    match event:
        case CommentChanged():
            payload, start = server_messages.encode_comment(
                event, epoch, show_copy=settings.show_copy
            )
            key, count = event.comment.id, event.count
            return BusMessage("comment", event.story, event.seq, key, payload, count, start, epoch)
        case StoryChanged():
            payload = server_messages.encode_story(event, epoch, settings, at)
            return BusMessage("story", event.story, event.seq, "", payload, epoch=epoch)
        case TallyChanged():
            payload, start = server_messages.encode_tally(event)
            key, version = event.comment or "", event.tally.version
            return BusMessage("tally", event.story, version, key, payload, 0, start, epoch)
