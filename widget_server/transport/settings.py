"""Limits of the uvicorn protocols, and the components that all connections of a process share.

The limits are dataclasses without slots, so that a default can be read from the class: the limits
table of the operator documentation is checked against these defaults.
"""

import re
from dataclasses import dataclass, field
from functools import cached_property

from widget_server.auth.rate_limit import Rate
from widget_server.transport.admission import HandshakeLimiter, HttpConnectionSlots
from widget_server.transport.metrics import TransportMetrics

LIST_PATHS = re.compile(rb"/(?:admin|v1)/sites/[^/?]{1,60}/rules(?:[:/?]|$)")
"""Paths of rules. Their handlers read the body only from a person or program that is signed in."""


@dataclass(frozen=True)
class HttpLimits:
    """Limits of one HTTP connection. Sizes in bytes, times in seconds."""

    max_header_bytes: int = 32 * 1024
    """Bytes from the request line to the empty line, also of a handshake. A thousand stories in the query
    of /v1/counts take 19 KB, and browsers add cookies."""
    max_body: int = 64 * 1024
    """Bytes of one request's body, after its chunks are joined."""
    max_list_body: int = 4 * 1024 * 1024
    """The same for the paths of `LIST_PATHS`, whose body may have a list of 20,000 words."""
    max_pipelined: int = 8
    """Requests that wait on one connection for the response before them."""
    header_s: float = 10.0
    """Seconds from the first byte of a request to the end of its header."""
    body_s: float = 15.0
    """Seconds from the end of the header to the end of the body."""
    write_s: float = 20.0
    """A client with unread bytes that reads none for so long is disconnected."""
    linger_s: float = 2.0
    """Time for a rejected client to close, and at shutdown for a request that is on its way."""


@dataclass(frozen=True)
class WebSocketLimits:
    """Limits of one WebSocket. Sizes in bytes, times in seconds, rates per second."""

    write_limit_high: int = 32 * 1024
    """Above so many buffered bytes, writing is paused."""
    write_limit_low: int = 8 * 1024
    """At so many buffered bytes, writing resumes."""
    notsent_lowat: int = 16 * 1024
    """Bytes that the kernel may buffer without having sent them."""
    tcp_user_timeout_s: float = 30.0
    """Once the connection is closing, the kernel drops unacknowledged bytes after so long."""
    # Below 30 s: the strictest proxies and networks drop a connection that is idle for so long.
    # Pings are nearly all the work of a process with thousands of idle sockets.
    ping_interval_min_s: float = 27.0
    ping_interval_max_s: float = 29.0
    ping_timeout_s: float = 15.0
    """Seconds from a ping to its pong."""
    slow_consumer_timeout_s: float = 20.0
    """A client with unread bytes that reads none for so long is disconnected."""
    close_timeout_s: float = 5.0
    """Seconds from the server's close frame to the client's."""
    abort_after_s: float = 2.0
    """Time for a rejected client to close."""
    timer_resolution_s: float = 1.0
    """Timers of sockets fire at most so late."""
    drain_s: float = 5.0
    """At shutdown each socket is closed at a random moment within so many seconds."""
    max_fragments: int = 64
    """Fragments of one message. One million empty fragments would take 16 MB."""
    message_rate: float = 20.0
    message_burst: int = 60
    control_rate: float = 2.0
    """Pings and pongs together."""
    control_burst: int = 20

    @cached_property
    def messages(self) -> Rate:
        """The rate limit of messages."""
        return Rate(self.message_burst, self.message_burst / self.message_rate)

    @cached_property
    def control_frames(self) -> Rate:
        """The rate limit of pings and pongs together."""
        return Rate(self.control_burst, self.control_burst / self.control_rate)


@dataclass(frozen=True)
class TransportSettings:
    """Limits and shared components of all connections. The protocol factory passes it to each."""

    http: HttpLimits = field(default_factory=HttpLimits)
    websocket: WebSocketLimits = field(default_factory=WebSocketLimits)
    metrics: TransportMetrics = field(default_factory=TransportMetrics)
    handshakes: HandshakeLimiter = field(default_factory=HandshakeLimiter)
    connection_slots: HttpConnectionSlots | None = None
    """Limits the HTTP connections per network; None for no limit."""
