"""What this process did at its doors since it started, for /metrics."""

from dataclasses import dataclass, field
from typing import Annotated

from widget_server.model.measures import Kinds


@dataclass(slots=True)
class Http:
    """What was refused, cut or failed at the HTTP door."""

    refused: Annotated[Kinds, "requests that were refused, by status and reason"] = field(
        default_factory=lambda: Kinds("status", "reason")
    )
    timed_out: Annotated[int, "connections that were too slow to send a request"] = 0
    slow_cut: Annotated[int, "connections cut as their answer was not read"] = 0
    failed: Annotated[int, "requests answered 500"] = 0
    rests: Annotated[int, "times that for a moment no connection was taken"] = 0
    exhausted: Annotated[int, "times that there was no room for another connection"] = 0


@dataclass(slots=True)
class Sockets:
    """What was done for sockets; `accepted - lost` are open now."""

    accepted: Annotated[int, "sockets opened"] = 0
    lost: Annotated[int, "sockets ended, in whatever way"] = 0
    peers_paused: Annotated[int, "times that a reader's buffer was full"] = 0
    pings_sent: Annotated[int, "pings sent to quiet sockets"] = 0
    pongs_missed: Annotated[int, "sockets cut as a ping was not answered in 15 s"] = 0
    slow_cut: Annotated[int, "sockets cut as they had taken no byte for 20 s"] = 0
    abuse_cut: Annotated[int, "sockets cut for floods, fragments or unread pings"] = 0
    deadline_cut: Annotated[int, "sockets cut as they did not open or close in time"] = 0
    closed: Annotated[Kinds, "sockets that the server closed, by close code and reason"] = field(
        default_factory=lambda: Kinds("code", "reason")
    )


HTTP = Http()
SOCKETS = Sockets()
