"""Histogram and labelled counter, for /metrics."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence


class Histogram:
    """Number of values in each bucket, and their sum. `bounds` are ascending upper bounds."""

    __slots__ = ("bounds", "bucket_counts", "total")

    def __init__(self, *bounds: float) -> None:
        self.bounds: Sequence[float] = bounds
        self.bucket_counts = [0] * (len(bounds) + 1)
        """Values between each bound and the previous one; the last bucket is above all bounds."""
        self.total = 0.0

    def add(self, value: float) -> None:
        """Add a value."""
        self.bucket_counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        """Number of values."""
        return sum(self.bucket_counts)


class LabeledCounter:
    """Counts by label values."""

    __slots__ = ("counts", "labels")

    def __init__(self, *labels: str) -> None:
        self.labels = labels
        self.counts: Counter[tuple[str, ...]] = Counter()

    def add(self, *values: object) -> None:
        """Add one to the count of these values, one for each label. Use few different values."""
        self.counts[tuple(map(str, values))] += 1

    @property
    def count(self) -> int:
        """Sum of all counts."""
        return self.counts.total()
