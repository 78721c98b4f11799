"""Columns of a comment as a disk failure or a manual change could leave them."""

from typing import Any

DEEP = "[" * 400 + "]" * 400
DAMAGES: dict[str, dict[str, Any]] = {
    "bad JSON": {"text": "{"},
    "no tree": {"text": '{"a": 1}'},
    "an empty node": {"text": "[[]]"},
    "a link without an address": {"text": '[["a", null, "x"]]'},
    "attributes that are none": {"text": '[["p", 5, "x"]]'},
    "400 levels": {"text": f"[{DEEP}]"},
    "an odd state": {"state": "odd"},
    "the year 11000": {"created_at": 300_000_000_000_000},
    "an edit in the year 11000": {"edited_at": 300_000_000_000_000},
    "featured in the year 11000": {"featured_at": 300_000_000_000_000},
    "tags that are no list": {"tags": '{"a": 1}'},
    "a tag that is no text": {"tags": "[1]"},
    "counts that are none": {"counts": "[1]"},
    "negative counts": {"counts": '{"happy": -1}'},
}
"""By what is wrong, the values of the damaged columns."""
