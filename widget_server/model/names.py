"""Check marks in names: the embed shows one beside a name that the site signed."""

MARKS = frozenset("✓✔✅☑🗸🗹⍻🮱")
"""Check marks. U+FE0E and U+FE0F only select how a mark is drawn, and show nothing alone."""

_REMOVE_MARKS = dict.fromkeys(map(ord, MARKS))


def is_marked(name: str) -> bool:
    """Whether a name contains a check mark."""
    return not MARKS.isdisjoint(name)


def unmarked(name: str) -> str:
    """Return the name without check marks."""
    return name.translate(_REMOVE_MARKS)
