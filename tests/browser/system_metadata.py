"""What an independent reader of RDFa, Open Graph and JSON-LD finds on a story's page: `make cms-tests`.

extruct reads RDFa with pyRdfa.
"""

import json
import subprocess
import sys

import httpx
import pytest

from tests.browser.conftest import Demo
from tests.browser.editors import TOOLS
from tests.browser.paste_results import LICENCE, ORIGINAL
from tests.browser.republishing_guide import BYLINE, TITLE

pytestmark = pytest.mark.browser

CC, OG = "http://creativecommons.org/ns#", "http://ogp.me/ns#"
EXTRACT = (
    "import extruct, json, sys; found = extruct.extract(sys.stdin.read(), base_url=sys.argv[1],"
    " syntaxes=['rdfa', 'opengraph', 'json-ld']); print(json.dumps(found))"
)


def test_a_reader_of_rdfa_finds_title_credit_and_licence_of_the_original(demo: Demo) -> None:
    story = demo.story(title=TITLE)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", EXTRACT, story.link],
        input=httpx.get(story.link, trust_env=False).text,
        env={"PYTHONPATH": str(TOOLS / "python")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    about = {one["@id"]: one for one in found["rdfa"]}
    work = about[ORIGINAL]
    assert work["http://purl.org/dc/terms/title"] == [{"@value": TITLE}]
    assert work[f"{CC}attributionName"] == [{"@value": BYLINE}]
    assert work[f"{CC}attributionURL"] == [{"@id": ORIGINAL}]
    assert work["http://www.w3.org/1999/xhtml/vocab#license"] == [{"@id": LICENCE}]
    assert about[story.link][f"{OG}title"] == [{"@value": f"Discussion: {TITLE}"}]
    [posting] = found["json-ld"]
    assert posting["sharedContent"]["license"] == LICENCE
