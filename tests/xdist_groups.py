"""Assignment of tests to pytest-xdist workers: `make test` runs several workers at once.

Each worker process has its own servers, databases and browser. Files whose tests use the same ones go to one worker
while it has time, so that few servers and browsers start twice. Workers without such a file take any other one.
"""

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]
from xdist.workermanage import WorkerController  # type: ignore[import-untyped]

SHARED_FOLDERS = ("tests/browser/", "tests/web/", "tests/e2e/")
"""Path prefixes of tests that share a server or a browser, which are slow to start."""

SLOW_FIRST = (*SHARED_FOLDERS, "tests/faults/")
"""Path prefixes in the order in which they begin: a slow file that begins last delays the end."""

ENGINES = {"sqlite", "postgresql"}


def group_of(nodeid: str) -> str:
    """Return the group of a test: its file and, in a shared folder, the engine of its parameters.

    The shared servers are restarted when the engine changes.
    """
    file, _, test = nodeid.partition("::")
    if file.startswith(SHARED_FOLDERS):
        engines = ENGINES.intersection(test.partition("[")[2].rstrip("]").split("-"))
        return f"{file} {engines.pop()}" if engines else file
    return file


def shared_by(group: str) -> str:
    """Return the shared folder and the engine of a group, or nothing: it shares no server."""
    folder = next((folder for folder in SHARED_FOLDERS if group.startswith(folder)), "")
    return f"{folder} {group.partition(' ')[2]}" if folder else ""


class XdistGroups(LoadScopeScheduling):  # type: ignore[misc]
    """Scheduler that gives a worker the groups whose servers or browser it has started."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        self.workqueue.move_to_end(self._next_group(node), last=False)
        super()._assign_work_unit(node)

    def _next_group(self, node: WorkerController) -> str:
        now = {
            worker: shared_by(list(groups)[-1])
            for worker, groups in self.assigned_work.items()
            if groups
        }
        own = now.pop(node, "")

        def rank(group: str) -> tuple[bool, bool, int]:
            shared = shared_by(group)
            slow = next((n for n, start in enumerate(SLOW_FIRST) if group.startswith(start)), 99)
            return not shared or shared != own, bool(shared) and shared in now.values(), slow

        # Of equals the first, which has the most tests.
        return str(min(self.workqueue, key=rank))
