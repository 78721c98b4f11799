"""The comments that a batch was ordered for, until its work begins in this process."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

MAX_BATCHES = 4
"""Batches whose targets are kept: another process may do the work."""

Targets = Sequence[Any]
"""For each comment a story's number and its id, and for an undo also the decision and its verb."""


class BatchTargets:
    """Targets by batch. A process without them finds them by the batch's search, which reads all comments of a site."""

    def __init__(self) -> None:
        self._by_batch: OrderedDict[str, Targets] = OrderedDict()

    def put(self, batch: str, targets: Targets) -> None:
        """Keep the targets of a new batch."""
        self._by_batch[batch] = targets
        if len(self._by_batch) > MAX_BATCHES:
            self._by_batch.popitem(last=False)

    def take(self, batch: str) -> Targets | None:
        """Return the targets of a batch and forget them, or None. Work that goes on must find what is left."""
        return self._by_batch.pop(batch, None)
