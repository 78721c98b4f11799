"""Find secrets that can be guessed: samples from guides, and text typed to fill the field."""

import re

MIN_DISTINCT = 8
"""Different characters that a secret needs. 32 random hex digits have 14 of 16 on average."""

# Placeholders of guides and templates consist of these words only, in any spelling.
_FILLERS = re.compile(
    r"(?:change|replace|insert|enter|put|set|use|your|own|my|our|the|this|that|is|an?|not|very|"
    r"super|long|random|strong|unique|secure|insecure|unsafe|secret|private|keys?|tokens?|phrase|"
    r"password|passwd|pass|string|value|example|sample|default|demo|test|dev|development|local|"
    r"prod|production|please|some|with|for|in|to|of|me|it|here|now|later|todo|foo|bar|baz|django|"
    r"flask|session|cookie|app|server|widget|x+)+"
)


def find_weakness(secret: str) -> str | None:
    """Return why a secret is weak, as words that follow “it”, or None.

    The function does not measure entropy. It finds patterns that no random secret has.
    """
    letters = re.sub(r"[^a-z]", "", secret.lower())[:200]
    if letters and _FILLERS.fullmatch(letters):
        return "is a sample"
    if len(set(secret)) < MIN_DISTINCT:
        return "has few different characters"
    longest_period = min(15, 2 * len(secret) // 3)
    if any(secret[period:] == secret[:-period] for period in range(1, longest_period + 1)):
        return "repeats itself"
    return None
