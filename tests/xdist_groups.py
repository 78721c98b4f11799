"""Assignment of tests to pytest-xdist workers: `make test` runs several workers at once.

Each worker process has its own servers, databases and browser. Tests that share one of these run in
one worker, so that few servers and browsers start twice. Other files go to any free worker.
"""

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

SHARED_FOLDERS = ("tests/browser/", "tests/e2e/", "tests/web/")
"""Path prefixes of tests that share a server or a browser, which are slow to start."""


class XdistGroups(LoadScopeScheduling):  # type: ignore[misc]
    """Scheduler that gives one worker all tests of a shared folder, or of one file.

    The largest groups start first.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((start for start in SHARED_FOLDERS if file.startswith(start)), file)
