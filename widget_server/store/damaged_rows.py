"""Rows that cannot be shown: recognised in one place, left out of answers, counted and logged.

A disk, a hand at the database or a program beside ours can leave a row that our code never wrote.
One such row must not take a whole discussion with it. `restore` refuses a backup that has one.
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
"""Levels of a comment's tree that are read; what is written has 16 and the lists in between."""
MAX_TIME = 253_402_300_799_999
"""The last millisecond of the year 9999: later times have no RFC 3339 text."""
MAX_LOGGED = 1_000
"""Rows of which one process remembers that it logged them."""


class RowDamagedError(ValueError):
    """A row holds what our code never writes. Says which table and row, never what is in it."""

    def __init__(self, table: str, row: object, fault: str) -> None:
        super().__init__(f"table {table}, row {row!r}: {fault}")
        self.table, self.row, self.fault = table, row, fault


@dataclass(slots=True)
class DamageMetrics:
    """What was left out, for /metrics."""

    damaged: Annotated[int, "reads of rows that cannot be shown and were left out"] = 0


DAMAGE_METRICS = DamageMetrics()
_logged: set[tuple[str, object]] = set()


def record_damaged_row(damage: RowDamagedError) -> None:
    """Count a row that is not shown, and log it once: its table and id, nothing of its content."""
    DAMAGE_METRICS.damaged += 1
    row = (damage.table, damage.row)
    if row not in _logged and len(_logged) < MAX_LOGGED:
        _logged.add(row)
        # An id is what our code made of letters and digits, unless that is what is damaged.
        shown = str(damage.row) if str(damage.row).isalnum() and str(damage.row).isascii() else "?"
        log.warning("event=row_damaged table=%s row=%s", damage.table, shown[:40])


def readable(rows: Iterable[Any], read: Callable[[Any], T]) -> list[T]:
    """Every row as `read` makes it, without those that are damaged."""
    found = []
    for row in rows:
        try:
            found.append(read(row))
        except RowDamagedError as damage:
            record_damaged_row(damage)
    return found


def json_of(text: object) -> Any:
    """What a column's JSON says. Raises ValueError."""
    if not isinstance(text, str):
        raise ValueError("no text where JSON is kept")  # noqa: TRY004 - one class for all damage
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise ValueError("no JSON where it is kept") from None


def check_counts(counts: object) -> None:
    """Raise ValueError unless these are counts by reaction."""
    well = isinstance(counts, dict) and all(
        type(number) is int and number >= 0 for number in counts.values()
    )
    if not well:
        raise ValueError("counts are not whole numbers by reaction")


def check_time(at: object) -> None:
    """Raise ValueError unless this is a time in milliseconds that can be written."""
    if type(at) is not int or not 0 <= at <= MAX_TIME:
        raise ValueError("a time is not between 1970 and 9999")


def check_line(value: object) -> None:
    """Raise ValueError unless this is text, or nothing."""
    if not isinstance(value, str | NoneType):
        raise ValueError("something else stands where text is kept")  # noqa: TRY004


def check_generations(oldest: object, newest: object) -> None:
    """Raise ValueError unless these are generations of a site's keys, the oldest from 1 on."""
    if type(oldest) is not int or type(newest) is not int or not 1 <= oldest <= newest < 2**31:
        raise ValueError("generations of keys begin with 1")


def time_or_zero(at: object) -> int:
    """The same time where it can be written, else 1970."""
    return at if type(at) is int and 0 <= at <= MAX_TIME else 0


def check_tree(tree: object) -> None:
    """Raise ValueError unless this is a comment's tree: text, or `[tag, attributes, *nodes]`.

    Which tags and addresses are drawn is for anyone who draws them to say.
    """
    if not isinstance(tree, list):
        raise ValueError("the text is no tree")  # noqa: TRY004 - one class for all damage
    level = tree
    for _ in range(MAX_DEPTH):
        below = []
        for node in level:
            if not isinstance(node, str):
                _check_node(node)
                below += node[2:]
        if not below:
            return
        level = below
    raise ValueError("the text's tree is too deep")


def _check_node(node: Any) -> None:
    well = isinstance(node, list) and len(node) >= 2
    well = well and isinstance(node[0], str) and isinstance(node[1], dict | NoneType)
    if not well:
        raise ValueError("the text's tree has a node that is none")
    if node[0] == "a" and (node[1] is None or not isinstance(node[1].get("href"), str)):
        raise ValueError("the text's tree has a link without an address")
