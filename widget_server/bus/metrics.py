"""Counters of the bus, for /metrics."""

from dataclasses import dataclass
from typing import Annotated


@dataclass(slots=True)
class BusMetrics:
    """Counters of one process's bus. Each field's annotation is its help text in /metrics."""

    messages_sent: Annotated[int, "messages sent to the bus"] = 0
    messages_received: Annotated[int, "messages received from the bus"] = 0
    messages_dropped: Annotated[
        int, "messages that could not be sent; reconciliation repairs the loss"
    ] = 0
    messages_conflated: Annotated[int, "tallies replaced by newer ones before they were sent"] = 0
    reconnects: Annotated[int, "connections to the bus that were lost and opened again"] = 0
    messages_rejected: Annotated[
        int, "messages received that no process of this server can have sent"
    ] = 0
