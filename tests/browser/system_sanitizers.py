"""What sanitizers with their default settings leave of the snippet, the iframe and the address: `make cms-tests`.

sanitize-html runs in Node.js, bleach and nh3 in Python.
"""

import json
import os
import subprocess
import sys

import pytest

from tests.browser.conftest import Demo, Hosts
from tests.browser.editors import PACKAGES, TOOLS
from tests.browser.paste_results import (
    ADDRESS,
    BY_CODE,
    LINK,
    WAYS,
    Record,
    Seen,
    decided,
    look,
    theme,
)
from tests.browser.publishing import SYSTEMS
from tests.browser.republishing_guide import TITLE, frame, snippet
from tests.browser.wagtail import version

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NODE = SYSTEMS / "node" / "node_modules" / "node"
JAVASCRIPT = (
    'const clean = require("sanitize-html"); process.stdin.setEncoding("utf8"); let html = "";'
    'process.stdin.on("data", (part) => html += part).on("end", () => console.log(clean(html)));'
)
PYTHON = "import sys, {0}; print({0}.clean(sys.stdin.read(){1}))"
LINK_AND_CREDIT = {
    "snippet": Seen(LINK, credit=True),
    "theme": Seen(BY_CODE, credit=True),
    "iframe": Seen(LINK, credit=True),
    "address": Seen(ADDRESS, credit=False),
}


def cleaned(command: list[str], html: str) -> str:
    """Return what a program makes of HTML."""
    done = subprocess.run(
        command,
        input=html,
        env={**os.environ, "PYTHONPATH": str(TOOLS / "python")},
        cwd=TOOLS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


async def published(
    demo: Demo, hosts: Hosts, record: Record, system: str, way: str, command: list[str]
) -> dict[str, Seen]:
    """Publish what is left of each form on a page, and return what readers find."""
    found = {}
    for pasted in WAYS:
        story, other = demo.story(title=TITLE), demo.story()
        forms = {"iframe": frame(story), "address": story.link}
        left = cleaned(command, forms.get(pasted, snippet(story)))
        page = await hosts.open(left + (theme(other) if pasted == "theme" else ""))
        if pasted == "theme":
            await decided(page, other)
        found[pasted] = await look(page, story)
        record(system, way, pasted, found[pasted])
    return found


def python(package: str, options: str = "") -> list[str]:
    """Return the command of a sanitizer in Python."""
    return [sys.executable, "-c", PYTHON.format(package, options)]


async def test_sanitize_html_leaves_link_and_credit_which_the_themes_script_makes_the_discussion(
    demo: Demo, hosts: Hosts, record: Record
) -> None:
    about = json.loads((PACKAGES / "sanitize-html/package.json").read_text("utf-8"))
    system = f"sanitize-html {about['version']}"
    command = [str(NODE), "-e", JAVASCRIPT]
    found = await published(demo, hosts, record, system, "its defaults", command)
    assert found == LINK_AND_CREDIT


async def test_nh3_leaves_link_and_credit_which_the_themes_script_makes_the_discussion(
    demo: Demo, hosts: Hosts, record: Record
) -> None:
    system = f"nh3 {version('nh3')}"
    found = await published(demo, hosts, record, system, "its defaults", python("nh3"))
    assert found == LINK_AND_CREDIT


async def test_bleach_that_strips_tags_leaves_link_and_credit(
    demo: Demo, hosts: Hosts, record: Record
) -> None:
    system, command = f"bleach {version('bleach')}", python("bleach", ", strip=True")
    found = await published(demo, hosts, record, system, "`strip=True`", command)
    assert found == LINK_AND_CREDIT


async def test_bleach_by_default_shows_tags_beside_link_and_credit(
    demo: Demo, hosts: Hosts, record: Record
) -> None:
    system, command = f"bleach {version('bleach')}", python("bleach")
    found = await published(demo, hosts, record, system, "its defaults", command)
    assert found == {
        "snippet": Seen(LINK, credit=True, tags=True),
        "theme": Seen(BY_CODE, credit=True, tags=True),
        "iframe": Seen(LINK, credit=True, tags=True),
        "address": Seen(ADDRESS, credit=False),
    }
