"""The two files as they are shipped: how much a reader loads."""

import base64
import hashlib
import json

import brotli  # type: ignore[import-untyped]
import pytest

from tests.browser.conftest import ROOT

STATIC = ROOT / "widget_server" / "static"
MANIFEST = json.loads((STATIC / "embed" / "manifest.json").read_text("utf-8"))
PARTS = {"first": MANIFEST, "second": MANIFEST["second"]}
LIMITS = {"first": 9_216, "second": 4_096}


@pytest.mark.parametrize("part", PARTS)
def test_a_file_is_no_larger_than_promised(part: str) -> None:
    content = (STATIC / "embed" / PARTS[part]["file"]).read_bytes()
    assert len(brotli.compress(content, quality=11)) <= LIMITS[part]


@pytest.mark.parametrize("part", PARTS)
def test_the_manifest_tells_the_truth(part: str) -> None:
    facts = PARTS[part]
    content = (STATIC / "embed" / facts["file"]).read_bytes()
    assert facts["bytes"] == len(content)
    assert facts["hash"] == hashlib.sha256(content).hexdigest()[:12]
    assert facts["file"] == f"{MANIFEST['version']}-{facts['hash']}.js"
    digest = base64.b64encode(hashlib.sha384(content).digest()).decode()
    assert facts["integrity"] == f"sha384-{digest}"


def test_the_evergreen_file_is_the_pinned_one_and_names_the_second() -> None:
    evergreen = (STATIC / "embed.js").read_bytes()
    assert evergreen == (STATIC / "embed" / MANIFEST["file"]).read_bytes()
    assert MANIFEST["second"]["file"].encode() in evergreen
