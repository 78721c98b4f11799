"""The programs of docs/users/api.md mint a token on a real server; PHP in `make recipe-tests`."""

import os
import re
import subprocess
import sys

import pytest

from tests import api_guide
from tests.node import node
from tests.web.owner_program import program
from tests.web.shared_server import SharedServer
from widget_server.auth.tokens import story_code


def run(server: SharedServer, language: str, key: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-"] if language == "python" else [node(), "-"]
    variables = {"WIDGET_SERVER": server.url, "WIDGET_SITE": "press", "WIDGET_KEY": key}
    return subprocess.run(
        command,
        input=api_guide.recipe(language),
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("language", ["python", "js"])
def test_the_program_of_the_guide_mints_a_token(shared_server: SharedServer, language: str) -> None:
    mine = program(shared_server, "token", "read_tokens")
    done = run(shared_server, language, mine.key)
    assert done.returncode == 0, done.stderr
    found = re.search(r'data-widget-token="(w1\.press\.[^"]+)"', done.stdout)
    assert found is not None, done.stdout
    newest = mine.read("/tokens")["tokens"][0]
    assert (newest["story"], newest["label"]) == ("2025/tides", "The News")
    code = story_code("press", "2025/tides")
    answer = shared_server.http.get(f"/v1/stories/{code}")
    assert answer.json()["story"]["title"] == "Tides"


@pytest.mark.parametrize("language", ["python", "js"])
def test_the_program_of_the_guide_fails_with_a_wrong_key(
    shared_server: SharedServer, language: str
) -> None:
    done = run(shared_server, language, "wsk_press_wrong")
    assert done.returncode != 0
    assert "w1." not in done.stdout
