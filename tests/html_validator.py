"""Check pages against the HTML standard, with html-validate from npm."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.node import node

HERE = Path(__file__).parent
PACKAGE = HERE.parent / "js/node_modules/html-validate/dist/esm/index.js"


def expect_valid(documents: Mapping[str, str]) -> None:
    """Check whole documents, given by name. Fails with a sentence for each fault."""
    done = subprocess.run(
        [node(), str(HERE / "html_validator.mjs"), str(PACKAGE)],
        input=json.dumps(documents),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    assert not found, "\n".join(found)


def document(body: str) -> str:
    """Return a page with this body, as a republisher's system makes it."""
    return (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>A page</title></head>\n'
        f"<body>\n<h1>A story</h1>\n{body}\n</body>\n</html>\n"
    )
