"""The trees with which the embed's preview is tested are those of the server."""

import json

from tests.contract.make_markdown import FILE, golden


def test_the_golden_trees_are_those_of_the_server() -> None:
    assert json.loads(FILE.read_text("utf-8")) == json.loads(json.dumps(golden()))
