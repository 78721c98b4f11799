"""What this process did at its doors since it started, for /metrics."""

from dataclasses import dataclass, field
from typing import Annotated

from widget_server.model.metrics import LabeledCounter


@dataclass(slots=True)
class HttpMetrics:
    """What was refused, cut or failed at the HTTP door."""

    requests_rejected: Annotated[
        LabeledCounter, "requests that were refused, by status and reason"
    ] = field(default_factory=lambda: LabeledCounter("status", "reason"))
    request_timeouts: Annotated[int, "connections that were too slow to send a request"] = 0
    slow_clients_dropped: Annotated[int, "connections cut as their answer was not read"] = 0
    server_errors: Annotated[int, "requests answered 500"] = 0


@dataclass(slots=True)
class AcceptMetrics:
    """What the acceptor did, for /metrics."""

    pauses: Annotated[int, "times that for a moment no connection was taken"] = 0
    resource_exhausted: Annotated[int, "times that there was no room for another connection"] = 0


@dataclass(slots=True)
class WebSocketMetrics:
    """What was done for sockets; `accepted - lost` are open now."""

    connections_opened: Annotated[int, "sockets opened"] = 0
    connections_closed: Annotated[int, "sockets ended, in whatever way"] = 0
    write_pauses: Annotated[int, "times that a reader's buffer was full"] = 0
    pings_sent: Annotated[int, "pings sent to quiet sockets"] = 0
    ping_timeouts: Annotated[int, "sockets cut as a ping was not answered in 15 s"] = 0
    slow_consumers_dropped: Annotated[int, "sockets cut as they had taken no byte for 20 s"] = 0
    abusers_dropped: Annotated[int, "sockets cut for floods, fragments or unread pings"] = 0
    handshake_or_close_timeouts: Annotated[
        int, "sockets cut as they did not open or close in time"
    ] = 0
    server_closes: Annotated[
        LabeledCounter, "sockets that the server closed, by close code and reason"
    ] = field(default_factory=lambda: LabeledCounter("code", "reason"))


HTTP_METRICS = HttpMetrics()
ACCEPT_METRICS = AcceptMetrics()
WEBSOCKET_METRICS = WebSocketMetrics()
