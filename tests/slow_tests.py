"""Which tests `make test` leaves out, so that it ends sooner.

`@pytest.mark.slow` marks a test that `make slow-tests` runs, and `make fault-tests` if it is a fault test.
`@pytest.mark.slow("postgresql")` marks its runs with this parameter: `make test` has the others.
"""

import os

import pytest

ALL_FAULTS = bool(os.environ.get("FAULTS"))
ALL = bool(os.environ.get("SLOW_TESTS"))


def is_left_out(item: pytest.Item) -> bool:
    """Return whether this run leaves the test out."""
    if ALL or (ALL_FAULTS and "/tests/faults/" in item.path.as_posix()):
        return False
    parameters = item.name.partition("[")[2].rstrip("]").split("-")
    return any(
        not marker.args or not set(marker.args).isdisjoint(parameters)
        for marker in item.iter_markers("slow")
    )
