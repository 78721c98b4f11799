"""Output of commands for programs: JSON that is safe to print to a terminal."""

import json
import re
from typing import Annotated, Any

import orjson
import typer

JsonOutput = Annotated[
    bool, typer.Option("--json", help="Print JSON for programs instead of text for people.")
]


def print_json(content: Any) -> None:
    """Print `content` as one JSON document, indented by two spaces.

    Everything but ASCII is written as `\\uXXXX`: comments and names come from readers, and their
    control and direction characters must not reach a terminal.
    """
    text = orjson.dumps(content, option=orjson.OPT_INDENT_2).decode()
    print(re.sub(r"[^\n -~]", lambda found: json.dumps(found[0])[1:-1], text))
