"""`widget-server` with short leases and one more job, which notes what it does and waits to be let go.

`JOB_FOLDER` is the folder of the notes. The job waits until the file `go` is in it.
"""

import asyncio
import os
from pathlib import Path

from widget_server.cli import main as cli
from widget_server.jobs import runner, schedule

KIND = "slow_job"
LEASE_MS = 3_000


async def _run(_tools: schedule.Tools, subject: str) -> None:
    folder = Path(os.environ["JOB_FOLDER"])
    (folder / f"started-{subject}-{os.getpid()}").touch()
    while not (folder / "go").exists():
        await asyncio.sleep(0.05)
    with (folder / "done").open("a") as notes:
        notes.write(f"{subject}\n")


if __name__ == "__main__":
    runner.LEASE_MS = LEASE_MS
    runner.POLL_S = 0.2
    jobs = (*schedule.JOBS, schedule.Job(KIND, _run))
    runner.JobRunner.__init__.__defaults__ = (jobs,)
    cli.main()
