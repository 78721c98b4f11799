"""Counters of the hub, for /metrics and for the tests that measure how cost grows with readers."""

from dataclasses import dataclass
from typing import Annotated

from widget_server.hub.prepared import PreparedBatch


@dataclass(slots=True)
class HubMetrics:
    """Counters of one hub. Each field's annotation is its help text in /metrics."""

    events_published: Annotated[
        int, "changes committed by this process and encoded as messages"
    ] = 0
    flushes: Annotated[int, "times that a story's pending changes were written to its readers"] = 0
    batches_delivered: Annotated[int, "batches of messages that sockets accepted"] = 0
    tallies_conflated: Annotated[
        int, "tallies replaced by newer ones before they were sent to readers"
    ] = 0
    batches_skipped: Annotated[int, "batches that slow or lagging sockets were not sent"] = 0
    snapshots_loaded: Annotated[
        int, "whole stories read from the database, once for all readers who subscribe at once"
    ] = 0
    subscribes: Annotated[int, "subscriptions"] = 0
    resumes: Annotated[
        int, "subscriptions that were sent only the changes since their position"
    ] = 0
    resyncs: Annotated[int, "new snapshots for sockets that single messages could not update"] = 0
    gaps_repaired: Annotated[int, "gaps in a story's changes closed from the database"] = 0
    catch_ups: Annotated[int, "slow sockets that were sent the messages they had missed"] = 0
    reconciliations: Annotated[int, "comparisons of all loaded stories with the database"] = 0
    reconciliations_failed: Annotated[int, "comparisons that failed in the database"] = 0


@dataclass(slots=True)
class WriteMetrics:
    """Counters of messages and bytes that sockets accepted, in /metrics as `websocket`."""

    messages_sent: Annotated[int, "messages written to sockets"] = 0
    sent_bytes: Annotated[int, "bytes of messages written to sockets"] = 0

    def add(self, batch: PreparedBatch, sockets: int = 1) -> None:
        """Count a batch that was written to this many sockets."""
        self.messages_sent += batch.count * sockets
        self.sent_bytes += batch.size * sockets
