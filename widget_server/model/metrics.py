"""What is measured rather than counted: how values are spread, for /metrics."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence


class Histogram:
    """How many values were at most each of `bounds` (ascending), and the sum of all."""

    __slots__ = ("bounds", "bucket_counts", "total")

    def __init__(self, *bounds: float) -> None:
        self.bounds: Sequence[float] = bounds
        self.bucket_counts = [0] * (len(bounds) + 1)
        """Values between each bound and the one before; the last are above all bounds."""
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self.bucket_counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        """How many values there were."""
        return sum(self.bucket_counts)


class LabeledCounter:
    """How many there were of each kind, told by what stands under each of `labels`."""

    __slots__ = ("counts", "labels")

    def __init__(self, *labels: str) -> None:
        self.labels = labels
        self.counts: Counter[tuple[str, ...]] = Counter()

    def add(self, *kind: object) -> None:
        """Count one of this kind, which has a word for each label and is one of a few."""
        self.counts[tuple(map(str, kind))] += 1

    @property
    def count(self) -> int:
        """How many there were of all kinds."""
        return self.counts.total()
