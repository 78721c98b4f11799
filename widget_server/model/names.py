"""What no name may show unless the site signed it: marks that look like ours beside a signed name."""

MARKS = frozenset("✓✔✅☑🗸🗹⍻🮱")
"""Ticks. U+FE0E and U+FE0F, which choose how one is drawn, show nothing without one."""

_TAKEN_AWAY = dict.fromkeys(map(ord, MARKS))


def is_marked(name: str) -> bool:
    """Whether a name bears such a mark."""
    return not MARKS.isdisjoint(name)


def unmarked(name: str) -> str:
    """The name without them."""
    return name.translate(_TAKEN_AWAY)
