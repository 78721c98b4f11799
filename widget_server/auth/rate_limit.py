"""Limit how often a key may act: one bucket of actions per key, refilled evenly.

This is the generic cell rate algorithm (ITU-T I.371, annex A). For each key the limiter stores one
float, the time at which the bucket is full again, instead of a count and a time.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping

from widget_server.model.errors import RateLimitedError
from widget_server.model.rates import Rate as Rate


class RateLimiter:
    """Rate limiter with a bucket for every `(kind, key)`. A kind without a rate is not limited.

    Buckets are held in this process only, at most `capacity` keys of one kind. Above that, the key
    that was unused longest is dropped and starts again with a full bucket. Full buckets hold no
    information and are dropped while other keys are used.
    """

    def __init__(
        self,
        rates: Mapping[str, Rate],
        clock: Callable[[], float] = time.monotonic,
        capacity: int = 100_000,
    ) -> None:
        self._rates = dict(rates)
        self._clock = clock
        self._capacity = capacity
        self._full_at: dict[str, OrderedDict[str, float]] = {
            kind: OrderedDict() for kind in self._rates
        }

    def hit(self, kind: str, key: str) -> None:
        """Count one action. A rejected action is not counted.

        Raises RateLimitedError with the whole seconds after which the next action passes.
        """
        rate = self._rates.get(kind)
        if rate is None:
            return
        now, buckets = self._clock(), self._full_at[kind]
        buckets[key] = self._full_after_one(rate, now, buckets.get(key, now))
        buckets.move_to_end(key)
        self._forget(buckets, now)

    def require(self, kind: str, key: str) -> None:
        """Raise `RateLimitedError` if `hit` would raise it. Count nothing."""
        rate = self._rates.get(kind)
        if rate is not None:
            now = self._clock()
            self._full_after_one(rate, now, self._full_at[kind].get(key, now))

    def take_back(self, kind: str, key: str) -> None:
        """Uncount an action that `hit` counted, because it turned out to be none of those to limit."""
        rate = self._rates.get(kind)
        if rate is not None and key in self._full_at[kind]:
            self._full_at[kind][key] -= rate.per_s / rate.count

    @staticmethod
    def _full_after_one(rate: Rate, now: float, full_at: float) -> float:
        """Return when the bucket is full again after one more action. Raises `RateLimitedError`."""
        after = rate.hit(full_at, now)
        if after is None:
            raise RateLimitedError(retry_after=max(1, math.ceil(rate.wait_s(full_at, now) - 1e-6)))
        return after

    def __len__(self) -> int:
        """Return the number of stored keys."""
        return sum(len(buckets) for buckets in self._full_at.values())

    def _forget(self, buckets: OrderedDict[str, float], now: float) -> None:
        # Drop at most two for each action: more than one action adds, without a full scan.
        for _ in range(2):
            key = next(iter(buckets))
            if buckets[key] > now and len(buckets) <= self._capacity:
                return
            del buckets[key]
            if not buckets:
                return
