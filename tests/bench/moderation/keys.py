"""Figures 6 and 7: a script decides by keys in Chromium, and two moderators empty one queue."""

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

from tests.bench.moderation.figures import Asked, Group, Tell, Values

BY_KEYS = (
    "tests/browser/test_queue.py"
    "::test_cases_are_decided_by_keys_alone_at_full_speed_without_a_wrong_one"
)
AT_ONCE = (
    "tests/faults/test_queue.py"
    "::test_two_moderators_at_full_speed_decide_each_case_once_and_leave_none"
)


def recorded(test: str, only: str = "") -> dict[str, float]:
    """Run a test and return the properties that it recorded. Raises `RuntimeError` if it fails."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "found.xml"
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-n0",
            "-q",
            f"--junitxml={file}",
            test,
            "-k",
            only,
        ]
        ran = subprocess.run(
            command, capture_output=True, text=True, check=False, env=os.environ | {"FAULTS": "1"}
        )
        if ran.returncode:
            raise RuntimeError(f"The test fails: {test}\n{ran.stdout[-2_000:]}")
        found = ET.parse(file).iter("property")
        return {one.attrib["name"]: float(one.attrib["value"]) for one in found}


def by_keys(tell: Tell) -> Values:
    """Decide by keys."""
    tell("a script decides by keys in Chromium")
    return recorded(BY_KEYS)


def two_moderators(tell: Tell) -> Values:
    """Let two moderators empty a queue."""
    tell("two moderators in two processes, 10,000 cases")
    return recorded(AT_ONCE, "sqlite and not races")


GROUP = Group(
    (
        Asked(6, "decisions by keys, by a script", 20, "a second", at_least=True),
        Asked(6, "wrong decisions", 0, ""),
        Asked(6, "the next card after the key, p95", 50, "ms"),
    ),
    "",
    f"pytest -n0 {BY_KEYS}",
    by_keys,
)
TWO_MODERATORS = Group(
    (
        Asked(7, "cases that two moderators decided at full speed", 10_000, "", at_least=True),
        Asked(7, "cases decided twice", 0, ""),
        Asked(7, "cases left or stuck", 0, ""),
    ),
    "",
    f"FAULTS=1 pytest -n0 {AT_ONCE}",
    two_moderators,
)
