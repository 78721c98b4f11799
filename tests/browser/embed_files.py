"""The built embed files and the sources of their languages."""

import json
from typing import Any

from tests.browser.conftest import ROOT

STATIC = ROOT / "widget_server" / "static"
MANIFEST = json.loads((STATIC / "embed" / "manifest.json").read_text("utf-8"))
LOCALES: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text("utf-8"))
    for path in sorted((ROOT / "js" / "src" / "locales").glob("*.json"))
}
"""By language, its strings."""
