"""Schemathesis sends what the OpenAPI document permits, and more: no 500, and nothing undocumented.

The run has a fixed seed and a fixed number of requests for each operation.
"""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings, strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.web.owner_program import program
from tests.web.shared_server import SharedServer
from widget_server.protocol.openapi import openapi_document
from widget_server.protocol.owner_operations import OWNER_PREFIX

EXAMPLES = 25
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
SCHEMA = schemathesis.openapi.from_dict(openapi_document())
OPERATIONS = {
    f"{one.method.upper()} {one.path}": one
    for result in SCHEMA.get_all_operations()
    if isinstance(result, Ok)
    for one in [result.ok()]
}


@pytest.fixture(scope="module")
def known(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[SharedServer, dict[str, Any]]]:
    """Return a server, and values of path parameters that exist on it."""
    folder = tmp_path_factory.mktemp("reference") / "server"
    url = f"sqlite+aiosqlite:///{folder / 'database.sqlite3'}"
    with SharedServer(folder, url).running() as server:
        mine = program(server)
        story = server.publisher.story(jti="known")
        comment = server.post(story)["comment"]["id"]
        made = mine.do("/decisions", {"verb": "pin", "targets": [comment]})
        values = {
            "site": "press",
            "code": story.code,
            "comment": comment,
            "copy": str(mine.read("/copies")["copies"][0]["id"]),
            "decision": made["batch"],
            "jti": "known",
            "reference": story.code,
            "key": mine.do("/keys", {"label": "known", "scopes": ["read"]})["id"],
            "invitation": mine.do("/invitations", {"role": "auditor"})["id"],
            "authorization": f"Bearer {mine.key}",
        }
        yield server, values


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_answers_as_the_reference_says(
    known: tuple[SharedServer, dict[str, Any]], name: str
) -> None:
    server, values = known
    operation = OPERATIONS[name]
    log = len(server.server.log())

    @seed(15)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), real=st.booleans())
    def send(case: Any, real: bool) -> None:
        parameters = dict(case.path_parameters or {})
        for key in parameters:
            if key == "site" or (real and key in values):
                parameters[key] = values[key]
        case.path_parameters = parameters
        headers = {"X-Test": uuid.uuid4().hex}
        if operation.path.startswith(OWNER_PREFIX):
            headers["Authorization"] = values["authorization"]
        answer = case.call(base_url=server.url, headers=headers)
        case.validate_response(answer, checks=CHECKS)

    send()
    logged = server.server.log()[log:]
    assert "Traceback" not in logged, logged
    assert "level=error" not in logged, logged
