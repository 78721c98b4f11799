"""Limits on what one client sends over a WebSocket. No I/O and no clock."""

from widget_server.transport.settings import WebSocketLimits

#: Received bytes are parsed in chunks of this size. A whole read can hold 256 KiB, or 40,000 pings:
#: the limits on small frames are checked before all of it is turned into objects.
PARSE_CHUNK = 4096


class ReceiveLimits:
    """Checks fragments, messages and control frames of one client against the limits."""

    __slots__ = ("_control_frames_full_at", "_limits", "_messages_full_at")

    def __init__(self, limits: WebSocketLimits) -> None:
        self._limits = limits
        self._messages_full_at = 0.0
        self._control_frames_full_at = 0.0

    def allows_fragment(self, received: int) -> bool:
        """Return whether a message may have another fragment after `received` ones."""
        return received < self._limits.max_fragments

    def allows_message(self, now: float) -> bool:
        """Count a message. Return False if it exceeds the rate."""
        full_at = self._limits.messages.hit(self._messages_full_at, now)
        if full_at is None:
            return False
        self._messages_full_at = full_at
        return True

    def allows_control_frame(self, now: float) -> bool:
        """Count a ping or a pong. Return False if it exceeds the rate."""
        full_at = self._limits.control_frames.hit(self._control_frames_full_at, now)
        if full_at is None:
            return False
        self._control_frames_full_at = full_at
        return True
