"""Add a list that a person pasted or uploaded to a rule."""

import asyncio
from dataclasses import replace

from widget_server.content.imported_list import read_list
from widget_server.model.rules import RuleSpec


async def with_list(spec: RuleSpec, text: str) -> tuple[RuleSpec, dict[str, int]]:
    """Return the rule with the entries of a list, and how many are left out because of their language.

    The list is plain lines or CSV (`read_list`). Nothing is stored. Raises `ListRejectedError`, which
    names every wrong line.
    """
    found = await asyncio.to_thread(read_list, text, spec.languages)
    words = tuple(dict.fromkeys((*spec.words, *found.words)))
    return replace(spec, words=words), found.elsewhere
