"""Damaged rows: rows that this code never wrote. Reads leave them out, count them and log them.

A disk failure, a manual change or another program can damage a row. A damaged row must not make its whole
discussion unreadable. `restore` rejects a backup with a damaged row.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import NoneType
from typing import Annotated, Any, TypeVar

import orjson

T = TypeVar("T")

log = logging.getLogger(__name__)

MAX_DEPTH = 64
"""Levels of a comment's tree. Comments are written with at most 16 levels of nested lists."""
MAX_TIME = 253_402_300_799_999
"""Milliseconds since 1970 of the end of the year 9999. RFC 3339 cannot express later times."""
MAX_LOGGED = 1_000
"""Rows that one process logs. Later ones are only counted."""


class RowDamagedError(ValueError):
    """A damaged row. The message names the table and the row, never the row's content."""

    def __init__(self, table: str, row: object, fault: str) -> None:
        super().__init__(f"table {table}, row {row!r}: {fault}")
        self.table, self.row, self.fault = table, row, fault


@dataclass(slots=True)
class DamageMetrics:
    """Metrics of damaged rows."""

    damaged: Annotated[int, "reads of rows that cannot be shown and were left out"] = 0


DAMAGE_METRICS = DamageMetrics()
_logged: set[tuple[str, object]] = set()


def record_damaged_row(damage: RowDamagedError) -> None:
    """Count a damaged row, and log its table and id once. Its content is never logged."""
    DAMAGE_METRICS.damaged += 1
    row = (damage.table, damage.row)
    if row not in _logged and len(_logged) < MAX_LOGGED:
        _logged.add(row)
        # This code's ids are letters and digits. Anything else is damaged content and is not logged.
        shown = str(damage.row) if str(damage.row).isalnum() and str(damage.row).isascii() else "?"
        log.warning("event=row_damaged table=%s row=%s", damage.table, shown[:40])


def readable(rows: Iterable[Any], read: Callable[[Any], T]) -> list[T]:
    """Return `read(row)` of every row, without the damaged rows."""
    found = []
    for row in rows:
        try:
            found.append(read(row))
        except RowDamagedError as damage:
            record_damaged_row(damage)
    return found


def json_of(text: object) -> Any:
    """Return the value of a column's JSON. Raises ValueError."""
    if not isinstance(text, str):
        raise ValueError("a JSON column holds no text")  # noqa: TRY004 - one class for all damage
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise ValueError("a JSON column holds no JSON") from None


def check_counts(counts: object) -> None:
    """Raise ValueError unless these are counts by reaction."""
    numbers: Iterable[object] = counts.values() if isinstance(counts, dict) else (None,)
    for number in numbers:
        if type(number) is not int or number < 0:
            raise ValueError("counts are not whole numbers by reaction")


def check_time(at: object) -> None:
    """Raise ValueError unless this is a time in milliseconds from 0 to `MAX_TIME`."""
    if type(at) is not int or not 0 <= at <= MAX_TIME:
        raise ValueError("a time is not between 1970 and 9999")


def check_line(value: object) -> None:
    """Raise ValueError unless this is a text or None."""
    if not isinstance(value, str | NoneType):
        raise ValueError("a text column holds something else")  # noqa: TRY004


def check_lines(values: Iterable[object]) -> None:
    """Raise ValueError unless each of these is a text or None."""
    for value in values:
        if value is not None and type(value) is not str:
            check_line(value)


def check_generations(oldest: object, newest: object) -> None:
    """Raise ValueError unless these are key generations of a site: 1 <= oldest <= newest."""
    if type(oldest) is not int or type(newest) is not int or not 1 <= oldest <= newest < 2**31:
        raise ValueError("the generations of the keys are invalid")


def time_or_zero(at: object) -> int:
    """Return the time, or 0 if it is invalid."""
    return at if type(at) is int and 0 <= at <= MAX_TIME else 0


def check_tree(tree: object) -> None:
    """Raise ValueError unless this is a comment's tree: a list of text or `[tag, attributes, *nodes]`.

    Tags and URLs are not checked here: the code that renders a tree decides which ones it accepts.
    """
    if not isinstance(tree, list):
        raise ValueError("the text is no tree")  # noqa: TRY004 - one class for all damage
    level = tree
    for _ in range(MAX_DEPTH):
        below = []
        for node in level:
            if isinstance(node, str):
                continue
            # The usual node first, without a call: a page of comments has hundreds.
            is_usual = type(node) is list and len(node) >= 2 and node[1] is None
            if not is_usual or type(node[0]) is not str or node[0] == "a":
                _check_node(node)
            below += node[2:]
        if not below:
            return
        level = below
    raise ValueError("the text's tree is too deep")


def _check_node(node: Any) -> None:
    valid = isinstance(node, list) and len(node) >= 2
    valid = valid and isinstance(node[0], str) and isinstance(node[1], dict | NoneType)
    if not valid:
        raise ValueError("the text's tree has an invalid node")
    if node[0] == "a" and (node[1] is None or not isinstance(node[1].get("href"), str)):
        raise ValueError("the text's tree has a link without a URL")
