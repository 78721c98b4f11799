"""The trees that the embed's preview is tested with are those that the server makes."""

import json

from tests.contract.make_markdown import FILE, golden


def test_the_golden_trees_are_the_servers() -> None:
    assert json.loads(FILE.read_text("utf-8")) == json.loads(json.dumps(golden()))
