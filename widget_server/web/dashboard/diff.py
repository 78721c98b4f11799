"""The difference between two texts, word by word."""

import difflib
import re
from typing import Literal

Change = tuple[Literal["same", "del", "ins"], str]


def words_changed(old: str, new: str) -> list[Change]:
    """Return the texts as pieces that stayed, went (`del`) and came (`ins`), in order."""
    before, after = _words(old), _words(new)
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    changes: list[Change] = []
    for kind, i, j, k, m in matcher.get_opcodes():
        if kind == "equal":
            changes.append(("same", "".join(before[i:j])))
            continue
        if i < j:
            changes.append(("del", "".join(before[i:j])))
        if k < m:
            changes.append(("ins", "".join(after[k:m])))
    return changes


def _words(text: str) -> list[str]:
    """Return words and the spaces between them. More than 4,000 pieces are compared line by line."""
    pieces = re.findall(r"\s+|\w+|[^\w\s]", text)
    return pieces if len(pieces) <= 4_000 else text.splitlines(keepends=True)
