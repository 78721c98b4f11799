"""Fingerprints by which texts that differ in few words are found: 64-bit simhash of neighbouring words."""

import itertools
import zlib
from collections.abc import Iterable

SHORTEST = 5
"""Words that a text must have. Many people write “I agree with you”."""
LARGEST_DISTANCE = 12
"""Bits in which two fingerprints of like texts differ at most."""
MOST_WORDS = 1_000


def fingerprint(folded: str) -> int | None:
    """Return the fingerprint of a folded text, or None for a text that is too short."""
    words = folded.split()[:MOST_WORDS]
    if len(words) < SHORTEST:
        return None
    weights = [0] * 64
    for pair in {f"{one} {other}" for one, other in itertools.pairwise(words)}:
        code = pair.encode()
        mixed = zlib.crc32(code) | zlib.crc32(code, 0x9E3779B9) << 32
        for bit in range(64):
            weights[bit] += 1 if mixed >> bit & 1 else -1
    return sum(1 << bit for bit, weight in enumerate(weights) if weight > 0)


def likenesses(mark: int, others: Iterable[int]) -> int:
    """Return how many of the fingerprints belong to a like text."""
    return sum((mark ^ other).bit_count() <= LARGEST_DISTANCE for other in others)
