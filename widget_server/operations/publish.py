"""Encode committed events once for all clients, and publish them to the hub and the bus."""

import logging
from collections.abc import Callable, Sequence

from widget_server.bus.message import BusMessage
from widget_server.hub.hub import Hub
from widget_server.model.events import CommentChanged, Event, StoryChanged, TallyChanged
from widget_server.model.settings import SiteSettings
from widget_server.operations.cache import LookupCache
from widget_server.protocol import server_messages

log = logging.getLogger(__name__)


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


class EventPublisher:
    """Publishes committed events to this process and to the bus."""

    def __init__(self, cache: LookupCache, hub: Hub, now_ms: Callable[[], int]) -> None:
        self._cache = cache
        self._hub = hub
        self._now_ms = now_ms

    def publish(self, events: Sequence[Event], epoch: str) -> None:
        """Publish the events of a transaction.

        Errors are logged. They never fail the actions, which are already committed.
        """
        for event in events:
            self._cache.on_changed(event.story)
        try:
            self._hub.publish(self._encode(event, epoch) for event in events)
        except Exception:
            # The change is committed and is acknowledged. Reconciliation sends it to the readers.
            log.exception("event=publish_failed events=%d", len(events))

    def _encode(self, event: Event, epoch: str) -> BusMessage:
        return encode_event(event, epoch, self._settings_of(event), self._now_ms())

    def _settings_of(self, event: Event) -> SiteSettings:
        match event:
            case CommentChanged():
                return self._cache.cached_settings_of(event.story, event.site)
            case StoryChanged():
                return self._cache.cached_settings_of(event.story, event.state.site)
            case TallyChanged():
                # The message of a tally does not depend on settings.
                return SiteSettings()
