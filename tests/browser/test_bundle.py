"""The files as they are shipped: how much a reader loads."""

import base64
import hashlib
import json

import brotli  # type: ignore[import-untyped]
import pytest

from tests.browser.conftest import ROOT

STATIC = ROOT / "widget_server" / "static"
MANIFEST = json.loads((STATIC / "embed" / "manifest.json").read_text("utf-8"))
PARTS = {"first": MANIFEST, **MANIFEST["parts"]}
LIMITS = {"first": 9_728}
LIMIT_OF_A_PART = 4_096
COMMON = MANIFEST["parts"]["live"]["file"].split("-")[1]
"""All parts and words carry one hash, so that the first file need name only one."""


@pytest.mark.parametrize("part", PARTS)
def test_a_file_is_no_larger_than_promised(part: str) -> None:
    content = (STATIC / "embed" / PARTS[part]["file"]).read_bytes()
    assert len(brotli.compress(content, quality=11)) <= LIMITS.get(part, LIMIT_OF_A_PART)


@pytest.mark.parametrize("part", PARTS)
def test_the_manifest_tells_the_truth(part: str) -> None:
    facts = PARTS[part]
    content = (STATIC / "embed" / facts["file"]).read_bytes()
    assert facts["bytes"] == len(content)
    assert facts["hash"] == hashlib.sha256(content).hexdigest()[:12]
    name = facts["hash"] if part == "first" else f"{COMMON}-{part}"
    assert facts["file"] == f"{MANIFEST['version']}-{name}.js"
    digest = base64.b64encode(hashlib.sha384(content).digest()).decode()
    assert facts["integrity"] == f"sha384-{digest}"


def test_the_evergreen_file_is_the_pinned_one_and_names_the_others() -> None:
    evergreen = (STATIC / "embed.js").read_bytes()
    assert evergreen == (STATIC / "embed" / MANIFEST["file"]).read_bytes()
    assert f"{MANIFEST['version']}-{COMMON}-".encode() in evergreen
