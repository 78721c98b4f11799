"""Rival: `ws` on Node.js, if both are installed (`npm install ws`; NODE_PATH is its folder)."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.bench.stdio_program import cannot_run

node = shutil.which("node")
if node is None:
    cannot_run("there is no Node.js")
check = subprocess.run([node or "node", "-e", "require('ws')"], check=False, capture_output=True)
if check.returncode:
    cannot_run("npm's ws is not installed")
os.execv(node or "node", ["node", str(Path(__file__).with_name("ws_loop.cjs"))])
