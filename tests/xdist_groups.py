"""Which tests follow each other in one lane, where `make test` runs several lanes at once.

A lane is a process of pytest-xdist with servers, databases and a browser of its own. So that few of
them are started twice, the tests that share one stay together; other files go where there is room.
"""

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

SHARED_FOLDERS = ("tests/browser/", "tests/e2e/", "tests/edge/")
"""Beginnings of the paths of tests that share something which takes long to start."""


class XdistGroups(LoadScopeScheduling):  # type: ignore[misc]
    """Gives a lane all tests of one of `SHARED_FOLDERS`, or of a file. Most tests first."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((start for start in SHARED_FOLDERS if file.startswith(start)), file)
