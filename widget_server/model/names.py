"""Check marks in names: the embed shows one beside a name that the site signed."""

CHECK_MARKS = frozenset("✓✔✅☑🗸🗹⍻🮱")
"""Check marks. U+FE0E and U+FE0F only select how a mark is drawn, and show nothing alone."""

_REMOVE_MARKS = dict.fromkeys(map(ord, CHECK_MARKS))


def has_check_mark(name: str) -> bool:
    """Whether a name contains a check mark."""
    return not CHECK_MARKS.isdisjoint(name)


def without_check_marks(name: str) -> str:
    """Return the name without check marks."""
    return name.translate(_REMOVE_MARKS)
