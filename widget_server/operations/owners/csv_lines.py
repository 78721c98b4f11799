"""CSV for spreadsheets, safe against formulas."""

import csv
import io
from collections.abc import Iterable
from datetime import UTC, datetime

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""First characters with which a spreadsheet takes a text for a formula (OWASP, CSV injection)."""


def csv_line(values: Iterable[object]) -> str:
    """Return one line of CSV with its line end. Numbers stay numbers; None is an empty field."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(map(_safe, values))
    return line.getvalue()


def csv_time(at: int) -> str:
    """Return a time in milliseconds since 1970 as RFC 3339 in UTC, to the second."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _safe(value: object) -> object:
    """Return a value that no spreadsheet evaluates: a text that looks like a formula begins with an apostrophe."""
    if isinstance(value, str) and value.lstrip(" \ufeff").startswith(_FORMULA):
        return f"'{value}"
    return value
