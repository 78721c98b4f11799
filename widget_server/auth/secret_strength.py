"""Whether a secret could be guessed: samples from guides, and what was typed to fill the field."""

import re

MIN_DISTINCT = 8
"""Different characters of a secret; 32 hex digits of a good one have 14 of 16."""

# Sentences of guides and templates: nothing but these words, in whatever spelling.
_FILLERS = re.compile(
    r"(?:change|replace|insert|enter|put|set|use|your|own|my|our|the|this|that|is|an?|not|very|"
    r"super|long|random|strong|unique|secure|insecure|unsafe|secret|private|keys?|tokens?|phrase|"
    r"password|passwd|pass|string|value|example|sample|default|demo|test|dev|development|local|"
    r"prod|production|please|some|with|for|in|to|of|me|it|here|now|later|todo|foo|bar|baz|django|"
    r"flask|session|cookie|app|server|widget|x+)+"
)


def find_weakness(secret: str) -> str | None:
    """Why a secret is none, in words that follow “it”, or None.

    It is not measured how much chance is in it: only what no random secret looks like is found.
    """
    letters = re.sub(r"[^a-z]", "", secret.lower())[:200]
    if letters and _FILLERS.fullmatch(letters):
        return "is a sample"
    if len(set(secret)) < MIN_DISTINCT:
        return "has few different characters"
    most = min(15, 2 * len(secret) // 3)
    if any(secret[period:] == secret[:-period] for period in range(1, most + 1)):
        return "repeats itself"
    return None
