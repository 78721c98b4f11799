"""Counters of the transport since the process started, for /metrics."""

from dataclasses import dataclass, field
from typing import Annotated

from widget_server.model.metrics import LabeledCounter


@dataclass(slots=True)
class HttpMetrics:
    """Requests that were rejected, timed out or failed, and clients that were disconnected."""

    requests_rejected: Annotated[LabeledCounter, "requests rejected, by status and reason"] = field(
        default_factory=lambda: LabeledCounter("status", "reason")
    )
    request_timeouts: Annotated[int, "connections that sent no complete request in time"] = 0
    slow_clients_dropped: Annotated[
        int, "connections closed because the client did not read the response"
    ] = 0
    server_errors: Annotated[int, "requests answered with status 500"] = 0


@dataclass(slots=True)
class AcceptMetrics:
    """Events of the acceptor."""

    pauses: Annotated[int, "pauses in accepting connections"] = 0
    resource_exhausted: Annotated[
        int, "times that accepting failed for lack of descriptors or memory"
    ] = 0


@dataclass(slots=True)
class WebSocketMetrics:
    """Events of sockets. `connections_opened - connections_closed` sockets are open."""

    connections_opened: Annotated[int, "sockets opened"] = 0
    connections_closed: Annotated[int, "sockets closed, for any reason"] = 0
    write_pauses: Annotated[int, "times that writing paused because a client's buffer was full"] = 0
    pings_sent: Annotated[int, "pings sent to idle sockets"] = 0
    ping_timeouts: Annotated[int, "sockets closed because no pong arrived in 15 s"] = 0
    slow_consumers_dropped: Annotated[
        int, "sockets closed because the client read nothing for 20 s"
    ] = 0
    abusers_dropped: Annotated[
        int, "sockets closed for floods, too many fragments, or pings without reading"
    ] = 0
    handshake_or_close_timeouts: Annotated[
        int, "sockets closed because the handshake or the close took too long"
    ] = 0
    server_closes: Annotated[
        LabeledCounter, "sockets closed by the server, by close code and reason"
    ] = field(default_factory=lambda: LabeledCounter("code", "reason"))


@dataclass(slots=True)
class EventStreamMetrics:
    """Streams of Server-Sent Events. `opened - closed` streams are open."""

    opened: Annotated[int, "event streams opened"] = 0
    closed: Annotated[int, "event streams closed, for any reason"] = 0
    write_pauses: Annotated[int, "times that a client's buffer was full"] = 0
    server_closes: Annotated[
        LabeledCounter, "event streams closed by the server, by close code and reason"
    ] = field(default_factory=lambda: LabeledCounter("code", "reason"))


@dataclass(frozen=True, slots=True)
class TransportMetrics:
    """All counters of the transport of one process."""

    http: HttpMetrics = field(default_factory=HttpMetrics)
    accept: AcceptMetrics = field(default_factory=AcceptMetrics)
    websocket: WebSocketMetrics = field(default_factory=WebSocketMetrics)
    event_streams: EventStreamMetrics = field(default_factory=EventStreamMetrics)
