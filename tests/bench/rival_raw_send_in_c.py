"""Rival: the raw `send` loop in C, if there is a compiler."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.bench.stdio_program import cannot_run

compiler = shutil.which("cc")
if compiler is None:
    cannot_run("there is no C compiler")
program = Path(tempfile.gettempdir()) / f"widget-raw-send-{os.getpid()}"
source = Path(__file__).with_name("raw_send.c")
subprocess.run([compiler or "cc", "-O2", "-o", str(program), str(source)], check=True)
# Delete the name before the program starts; the kernel deletes the file when the program ends.
descriptor = os.open(program, os.O_RDONLY)
program.unlink()
os.set_inheritable(descriptor, True)
os.execv(f"/proc/self/fd/{descriptor}", ["raw_send"])
